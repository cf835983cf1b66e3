//! The driver's task: turns what arrives (proposals, reports of the journal, time) into steps of the [`Driver`], and starts
//! snapshots.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use doozer_journal::Disk;
use doozer_member::driver::{Answer, Driver, NotWritten, Reply};
use doozer_member::keeper::{Failure, Report};
use doozer_member::outbox::Wakes;
use doozer_paxos::Incarnation;
use tokio::sync::{mpsc, oneshot};
use tracing::{info, warn};

use crate::host::World;
use crate::input::{Input, Proposal};
use crate::pace::Pace;
use crate::peers::home::Home;
use crate::snapshot::Snapshots;

/// Inputs taken in one go.
const INPUTS_MAX: usize = 256;

/// Milliseconds since 1970 by the system's clock.
fn wall_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

/// Who waits for the driver to have nothing under way.
#[derive(Default)]
struct Waiting {
    settled: Vec<oneshot::Sender<()>>,
    stop: Option<oneshot::Sender<()>>,
}

/// For how many ticks no proposer has been known.
#[derive(Default)]
struct Silence(u64);

/// After so many it looks around for members to ask.
const SILENCE_TICKS: u64 = 100;

impl Silence {
    fn note(&mut self, is_led: bool, home: &Home) {
        self.0 = if is_led { 0 } else { self.0 + 1 };
        let hears_nobody = self.0 >= SILENCE_TICKS;
        // A new member hears nobody from its first tick on.
        if is_led || hears_nobody {
            home.hears_nobody
                .send_if_modified(|before| std::mem::replace(before, hears_nobody) != hears_nobody);
        }
    }
}

/// Tells the log who leads, whenever that changes: nothing else shows it, and nobody but operators needs it.
fn note_proposer(known: &mut Option<Incarnation>, now: Option<Incarnation>, me: Incarnation) {
    if std::mem::replace(known, now) == now {
        return;
    }
    match now {
        Some(proposer) if proposer == me => info!("this member is the proposer"),
        Some(proposer) => info!(%proposer, "another member is the proposer"),
        None => info!("no proposer is known"),
    }
}

/// Runs until it is stopped, or the journal fails, which is returned.
pub(crate) async fn drive<D: Disk>(
    mut driver: Driver<World<D>>,
    mut inputs: mpsc::UnboundedReceiver<Input>,
    mut snapshots: Option<Snapshots<D>>,
    home: Arc<Home>,
) -> Option<Failure> {
    let mut taken = Vec::with_capacity(INPUTS_MAX);
    let mut waiting = Waiting::default();
    let mut silence = Silence::default();
    let mut pace = Pace::new();
    let mut proposer = None;
    driver.pump(wall_ms());
    driver.lead_if_only_voter();
    driver.pump(wall_ms());
    loop {
        if driver.is_idle() {
            // Whoever asked may have gone; that changes nothing.
            for done in waiting.settled.drain(..) {
                let _ = done.send(());
            }
            if waiting.stop.is_some() && snapshots.as_ref().is_none_or(|it| !it.is_running()) {
                break;
            }
        }
        tokio::select! {
            count = inputs.recv_many(&mut taken, INPUTS_MAX) => {
                if count == 0 {
                    break;
                }
            }
            () = pace.due() => {}
        }
        if !driver.is_idle() && taken.iter().any(|input| matches!(input, Input::Propose(_))) {
            // The slot may be shared by whatever other connections have to say by now. A lone write is not held up.
            tokio::task::yield_now().await;
            while let Ok(input) = inputs.try_recv() {
                taken.push(input);
            }
        }
        // What comes now comes after the ticks that have passed.
        let passed = pace.passed();
        if passed.was_held {
            driver.held();
        }
        for _ in 0..passed.ticks {
            driver.tick();
            silence.note(driver.replica().proposer().is_some(), &home);
        }
        for input in taken.drain(..) {
            if let Some(failure) = take(input, &mut driver, &mut snapshots, &mut waiting) {
                return Some(failure);
            }
        }
        driver.pump(wall_ms());
        note_proposer(&mut proposer, driver.replica().proposer(), driver.me());
        pace.set(driver.quiet_ticks());
        if driver.is_at_rest() {
            // It leads, and may never tick.
            silence.note(true, &home);
        }
    }
    if let Some(done) = waiting.stop {
        let _ = done.send(());
    }
    None
}

/// Takes one input; a failure ends the task.
fn take<D: Disk>(
    input: Input,
    driver: &mut Driver<World<D>>,
    snapshots: &mut Option<Snapshots<D>>,
    waiting: &mut Waiting,
) -> Option<Failure> {
    match input {
        Input::Propose(proposals) if waiting.stop.is_some() => refuse(proposals),
        Input::Propose(proposals) => {
            for Proposal { command, reply } in proposals {
                driver.write(&command, Some(reply));
            }
        }
        Input::Read(reader) => driver.read(reader),
        Input::Heard(from, messages) => {
            messages.into_iter().for_each(|message| driver.receive(from, message));
        }
        Input::KeepAlive(session, reply) => driver.keep_alive(session, reply),
        Input::Reset(member) => driver.reset(member),
        Input::Join(member) => driver.join(member),
        Input::Own(commands) => commands.iter().for_each(|command| driver.write(command, None)),
        Input::Journal(Report::Kept(id, sizes)) => {
            driver.kept(id, sizes);
            driver.pump(wall_ms());
            if let Some(snapshots) = snapshots {
                snapshots.consider(sizes.log, driver);
            }
        }
        Input::Journal(Report::Full(why)) => {
            warn!(why, "the disk is full");
            driver.full(&why, wall_ms());
        }
        Input::SnapshotDone(result) => {
            if let Some(snapshots) = snapshots {
                snapshots.done(result);
            }
        }
        Input::Failed(failure) => return Some(failure),
        Input::Settled(done) => waiting.settled.push(done),
        Input::Stop(done) => {
            waiting.stop = Some(done);
            snapshots.iter().for_each(Snapshots::give_up);
        }
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
