//! The driver: the one owner of the replica and of changes to the store. It puts commands in, carries out what comes
//! out (persist, then apply, then answer), and knows whom to answer.
//! Never here: sockets, files, clocks (the wall time is passed in).

pub(crate) mod input;
pub(crate) mod ports;
pub(crate) mod run;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use doozer_paxos::{Entry, EntryHash, Output, Replica, Slot};
use doozer_store::Applied;

use self::ports::{Answer, NotWritten, Persist, Position, Reply, Sizes};
use crate::server::outbox::Wakes;
use crate::shared::Shared;

pub(crate) struct Driver<R, P> {
    replica: Replica,
    persist: P,
    shared: Arc<Shared>,
    /// Who waits for each command in the replica, oldest first; `None` for the member's own.
    pending: VecDeque<Option<R>>,
    /// The last applied slot.
    position: Option<Position>,
    /// Reused buffers.
    applied: Applied,
    wakes: Wakes,
}

impl<R: Reply, P: Persist> Driver<R, P> {
    /// `own` is how many commands of the member itself stand in the replica's first slot.
    pub fn new(replica: Replica, own: usize, persist: P, shared: Arc<Shared>) -> Self {
        let pending = (0..own).map(|_| None).collect();
        let (applied, wakes) = (Applied::default(), Wakes::default());
        Driver { replica, persist, shared, pending, position: None, applied, wakes }
    }

    /// Takes a command; [`Driver::pump`] moves it on.
    pub fn propose(&mut self, command: Bytes, reply: Option<R>) {
        self.replica.propose(command);
        self.pending.push_back(reply);
    }

    /// Everything up to `slot` is durable.
    pub fn persisted(&mut self, slot: Slot, sizes: Sizes) {
        self.shared.data_bytes.store(sizes.all, Ordering::Relaxed);
        self.replica.persisted(slot);
    }

    /// Nothing from `slot` on was written.
    pub fn refused(&mut self, slot: Slot, why: &NotWritten, wall_ms: u64) {
        // What was decided before must be answered first: the dropped ones are the newest.
        self.pump(wall_ms);
        self.replica.refused(slot);
        while let Some(output) = self.replica.poll_output() {
            match output {
                Output::Drop(count) => self.drop_newest(count, why),
                other => self.carry_out(other),
            }
        }
        self.wakes.wake_all();
    }

    /// Forms slots and carries out everything that can be done now.
    pub fn pump(&mut self, wall_ms: u64) {
        loop {
            self.replica.form_slots(wall_ms);
            let Some(output) = self.replica.poll_output() else { break };
            self.carry_out(output);
        }
        self.wakes.wake_all();
    }

    /// Every write is answered, and the replica's opening slot is applied.
    pub fn is_idle(&self) -> bool {
        self.pending.is_empty() && self.replica.is_idle()
    }

    /// Where the store stands in the log.
    pub fn position(&self) -> Option<Position> {
        self.position
    }

    pub fn replica(&self) -> &Replica {
        &self.replica
    }

    fn carry_out(&mut self, output: Output) {
        match output {
            Output::Persist(append) => {
                if let Some(slot) = self.persist.persist(append) {
                    self.replica.persisted(slot);
                }
            }
            Output::Apply(entry, hash) => self.apply(&entry, hash),
            Output::Drop(count) => self.drop_newest(count, &NotWritten::ShuttingDown),
        }
    }

    fn apply(&mut self, entry: &Entry, hash: EntryHash) {
        let revision = {
            let mut state = self.shared.state.write();
            state.store.apply(&entry.commands, &mut self.applied);
            state.deliver(&mut self.applied, &mut self.wakes);
            self.shared.value_bytes_max_changed(state.store.value_bytes_max() as u64);
            state.store.revision()
        };
        assert_eq!(self.applied.outcomes.len(), entry.commands.len(), "every command has one outcome");
        for outcome in self.applied.outcomes.drain(..) {
            #[allow(clippy::expect_used, reason = "each proposed command has exactly one entry in `pending`")]
            let reply = self.pending.pop_front().expect("an applied command was proposed here");
            if let Some(reply) = reply {
                reply.answer(Answer::Applied(&outcome, revision), &mut self.wakes);
            }
        }
        self.shared.slot.store(entry.slot.0, Ordering::Relaxed);
        self.position = Some(Position { slot: entry.slot, hash, wall_ms: entry.wall_ms });
    }

    fn drop_newest(&mut self, count: usize, why: &NotWritten) {
        assert!(count <= self.pending.len(), "{count} dropped, {} pending", self.pending.len());
        for reply in self.pending.split_off(self.pending.len() - count).into_iter().flatten() {
            reply.answer(Answer::NotWritten(why.clone()), &mut self.wakes);
        }
    }
}
