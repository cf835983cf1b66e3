//! The driver's task: turns what arrives (proposals, completions of the journal) into steps of the [`Driver`], and
//! starts snapshots.

use std::time::{SystemTime, UNIX_EPOCH};

use doozer_journal::Disk;
use tokio::sync::{mpsc, oneshot};
use tracing::warn;

use super::Driver;
use super::input::{Input, Proposal};
use super::ports::{Answer, NotWritten, Persist, Reply};
use crate::error::Failure;
use crate::server::outbox::Wakes;
use crate::server::writes::WriteReply;
use crate::snapshot::Snapshots;

/// Inputs taken in one go.
const INPUTS_MAX: usize = 256;

/// Milliseconds since 1970 by the system's clock.
pub(crate) fn wall_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

/// Runs until it is stopped, or the journal fails, which is returned.
pub(crate) async fn run<P: Persist, D: Disk>(
    mut driver: Driver<WriteReply, P>,
    mut inputs: mpsc::UnboundedReceiver<Input>,
    mut snapshots: Option<Snapshots<D>>,
) -> Option<Failure> {
    let mut taken = Vec::with_capacity(INPUTS_MAX);
    let mut stop: Option<oneshot::Sender<()>> = None;
    let mut settled: Vec<oneshot::Sender<()>> = Vec::new();
    driver.pump(wall_ms());
    loop {
        if driver.is_idle() {
            // Whoever asked may have gone; that changes nothing.
            for done in settled.drain(..) {
                let _ = done.send(());
            }
            if stop.is_some() && snapshots.as_ref().is_none_or(|snapshots| !snapshots.is_running()) {
                break;
            }
        }
        if inputs.recv_many(&mut taken, INPUTS_MAX).await == 0 {
            break;
        }
        for input in taken.drain(..) {
            match input {
                Input::Propose(proposals) if stop.is_some() => refuse(proposals),
                Input::Propose(proposals) => {
                    for Proposal { command, reply } in proposals {
                        driver.propose(command, Some(reply));
                    }
                }
                Input::Persisted { slot, sizes } => {
                    driver.persisted(slot, sizes);
                    driver.pump(wall_ms());
                    if let (Some(snapshots), Some(position)) = (&mut snapshots, driver.position()) {
                        snapshots.consider(sizes.log, position, driver.replica().config());
                    }
                }
                Input::Refused { slot, why } => {
                    warn!(%slot, why, "write refused");
                    driver.refused(slot, &NotWritten::DiskFull(why), wall_ms());
                }
                Input::SnapshotDone(result) => {
                    if let Some(snapshots) = &mut snapshots {
                        snapshots.done(result);
                    }
                }
                Input::Failed(failure) => return Some(failure),
                Input::Settled(done) => settled.push(done),
                Input::Stop(done) => {
                    stop = Some(done);
                    snapshots.iter().for_each(Snapshots::give_up);
                }
            }
        }
        driver.pump(wall_ms());
    }
    if let Some(done) = stop {
        let _ = done.send(());
    }
    None
}

fn refuse(proposals: Vec<Proposal>) {
    let mut wakes = Wakes::default();
    for proposal in proposals {
        proposal.reply.answer(Answer::NotWritten(NotWritten::ShuttingDown), &mut wakes);
    }
    wakes.wake_all();
}
