//! What clients asked to be written, and what the log made of it.
//! A SET is known by its value, which tells whose it is, and a transaction by the first of its values. DELs, NOPs and what
//! opens and ends sessions are alike, and are counted: no more can count than were asked for, and were not said to be surely
//! not written.

use std::collections::BTreeMap;

use bytes::Bytes;
use doozer_paxos::Slot;
use doozer_store::{Change, Command};

use super::verdict::{Verdict, ensure};
use super::{once, writes};
use crate::history::{OpId, Outcome, Request, op_of};

#[derive(Debug, Default)]
pub(super) struct Fates {
    told: BTreeMap<OpId, Fate>,
    alike: BTreeMap<Vec<u8>, Tally>,
}

/// A client's SET or transaction.
#[derive(Debug)]
struct Fate {
    command: Vec<u8>,
    /// The client was told that it surely was not made.
    is_off: bool,
    taken: Option<Taken>,
}

/// Where the log has it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Taken {
    pub slot: Slot,
    /// The store's revision right before.
    pub before: u64,
    pub outcome: Outcome,
}

#[derive(Debug, Default)]
struct Tally {
    asked: u64,
    off: u64,
    taken: u64,
}

impl Fates {
    /// A client asks for a write.
    pub fn asked(&mut self, op: OpId, request: &Request) {
        let request = if let Request::By(numbered) = request { &*numbered.write } else { request };
        let is_command = request.is_write() || request.is_of_session();
        if !is_command || matches!(request, Request::KeepAlive { .. }) {
            return;
        }
        let command = request.encode();
        match op_in(&command) {
            Some(told) if told == op => {
                self.told.insert(op, Fate { command, is_off: false, taken: None });
            }
            Some(_) => {}
            None => self.alike.entry(command).or_default().asked += 1,
        }
    }

    /// A command of the store counted.
    pub fn taken(&mut self, command: &Bytes, taken: Taken) -> Verdict {
        if let Some(op) = op_in(command) {
            return self.told_taken(op, command, taken);
        }
        if matches!(Command::decode(command), Ok(Command::Set { .. }) | Err(_)) {
            return Ok(());
        }
        let tally = self.alike.entry(command.to_vec()).or_default();
        tally.taken += 1;
        tally.check(|| format!("{:?} in slot {}", Command::decode(command), taken.slot))
    }

    fn told_taken(&mut self, op: OpId, command: &Bytes, taken: Taken) -> Verdict {
        let fate = self.told.get_mut(&op);
        let is_asked = fate.as_ref().is_some_and(|fate| fate.command == **command);
        ensure!(
            is_asked,
            writes::NAME,
            "slot {} has {:?}, which nobody asked for: {fate:?}",
            taken.slot,
            Command::decode(command)
        );
        let Some(fate) = fate else { return Ok(()) };
        once::again(fate.taken.is_none(), || {
            format!("the write of {op} counts twice: {:?} and {taken:?}", fate.taken)
        })?;
        ensure!(
            !fate.is_off,
            writes::NAME,
            "the write of {op} was said to be surely not written, and came to {taken:?}"
        );
        fate.taken = Some(taken);
        Ok(())
    }

    /// Where the log has a client's SET or transaction; None if it has not counted.
    pub fn of(&self, op: OpId) -> Option<Taken> {
        self.told.get(&op).and_then(|fate| fate.taken)
    }

    /// A client was told that its write surely was not made, and never will be.
    pub fn called_off(&mut self, op: OpId, request: &Request) -> Verdict {
        if let Some(fate) = self.told.get_mut(&op) {
            fate.is_off = true;
            ensure!(
                fate.taken.is_none(),
                writes::NAME,
                "the write of {op} is said to be surely not written, and came to {:?}",
                fate.taken
            );
            return Ok(());
        }
        if matches!(request, Request::Set { .. }) {
            return Ok(());
        }
        let tally = self.alike.entry(request.encode()).or_default();
        tally.off += 1;
        tally.check(|| format!("{request:?}, said of {op} to be surely not written"))
    }
}

/// Whose a command is, by the first value that it writes.
fn op_in(command: &[u8]) -> Option<OpId> {
    match Command::decode(command) {
        Ok(Command::Set { value, .. }) => op_of(value),
        Ok(Command::Txn(txn)) => txn.ops.iter().find_map(|op| match op.change {
            Change::Set { value, .. } => op_of(value),
            Change::Del => None,
        }),
        _ => None,
    }
}

impl Tally {
    fn check(&self, what: impl Fn() -> String) -> Verdict {
        once::again(self.taken <= self.asked, || {
            format!("{}: more of its like count than were asked for: {self:?}", what())
        })?;
        ensure!(
            self.taken + self.off <= self.asked,
            writes::NAME,
            "{}: more of its like count than were asked for and not called off: {self:?}",
            what()
        );
        Ok(())
    }
}
