//! What clients asked to be written, and what the log made of it.
//! A SET is known by its value, which tells whose it is. DELs and NOPs are alike, and are counted: no more can count than
//! were asked for, and were not said to be surely not written.

use std::collections::BTreeMap;

use bytes::Bytes;
use doozer_paxos::Slot;
use doozer_store::Command;

use super::ledger::shown;
use super::verdict::{Verdict, ensure};
use super::{once, writes};
use crate::history::{OpId, Outcome, Request, op_of};

#[derive(Debug, Default)]
pub(super) struct Fates {
    sets: BTreeMap<OpId, Fate>,
    dels: BTreeMap<(String, i64), Tally>,
    nops: Tally,
}

/// A client's SET.
#[derive(Debug)]
struct Fate {
    path: String,
    rev: i64,
    value: Bytes,
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
        match request {
            Request::Set { path, rev, value } if op_of(value) == Some(op) => {
                let (path, value) = (path.clone(), value.clone());
                self.sets.insert(op, Fate { path, rev: *rev, value, is_off: false, taken: None });
            }
            Request::Del { path, rev } => self.dels.entry((path.clone(), *rev)).or_default().asked += 1,
            Request::Nop => self.nops.asked += 1,
            _ => {}
        }
    }

    /// A command of the store counted.
    pub fn taken(&mut self, command: &Bytes, taken: Taken) -> Verdict {
        match Command::decode(command) {
            Ok(Command::Set { path, rev, value }) => match op_of(value) {
                Some(op) => self.set_taken(op, (path, rev, value), taken),
                None => Ok(()),
            },
            Ok(Command::Del { path, rev }) => {
                let tally = self.dels.entry((path.to_owned(), rev)).or_default();
                tally.taken += 1;
                tally.check(|| format!("DEL {path} {rev} in slot {}", taken.slot))
            }
            Ok(Command::Nop) => {
                self.nops.taken += 1;
                self.nops.check(|| format!("NOP in slot {}", taken.slot))
            }
            Err(_) => Ok(()),
        }
    }

    fn set_taken(&mut self, op: OpId, (path, rev, value): (&str, i64, &[u8]), taken: Taken) -> Verdict {
        let fate = self.sets.get_mut(&op);
        let is_asked =
            fate.as_ref().is_some_and(|fate| fate.path == path && fate.rev == rev && fate.value == value);
        ensure!(
            is_asked,
            writes::NAME,
            "slot {} has SET {path} {rev} {}, which nobody asked for: {fate:?}",
            taken.slot,
            shown(value)
        );
        let Some(fate) = fate else { return Ok(()) };
        once::again(fate.taken.is_none(), || {
            format!("the SET of {op} counts twice: {:?} and {taken:?}", fate.taken)
        })?;
        ensure!(
            !fate.is_off,
            writes::NAME,
            "the SET of {op} was said to be surely not written, and came to {taken:?}"
        );
        fate.taken = Some(taken);
        Ok(())
    }

    /// Where the log has a client's SET; None if it has not counted.
    pub fn of(&self, op: OpId) -> Option<Taken> {
        self.sets.get(&op).and_then(|fate| fate.taken)
    }

    /// A client was told that its write surely was not made, and never will be.
    pub fn called_off(&mut self, op: OpId, request: &Request) -> Verdict {
        let tally = match request {
            Request::Del { path, rev } => self.dels.entry((path.clone(), *rev)).or_default(),
            Request::Nop => &mut self.nops,
            _ => {
                let Some(fate) = self.sets.get_mut(&op) else { return Ok(()) };
                fate.is_off = true;
                ensure!(
                    fate.taken.is_none(),
                    writes::NAME,
                    "the SET of {op} is said to be surely not written, and came to {:?}",
                    fate.taken
                );
                return Ok(());
            }
        };
        tally.off += 1;
        tally.check(|| format!("{request:?}, said of {op} to be surely not written"))
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
