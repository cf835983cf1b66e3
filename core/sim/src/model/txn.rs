//! Transactions, as plainly as can be: the operations are made one after the other, and undone if one is refused.

use bytes::Bytes;
use doozer_paxos::Slot;
use doozer_store::{Change, Compare, Expected, Txn};

use super::sessions::Owner;
use super::{Lookup, Model, is_own};
use crate::history::{Outcome, Refusal};

impl Model {
    /// Applies a transaction. `command` is the bytes that it was read from.
    pub(super) fn txn(
        &mut self,
        txn: &Txn<'_>,
        command: &Bytes,
        owner: Option<Owner>,
        slot: Slot,
    ) -> Outcome {
        let is_ephemeral = |change: Change<'_>| matches!(change, Change::Set { is_ephemeral: true, .. });
        if owner.is_none() && txn.ops.iter().any(|op| is_ephemeral(op.change)) {
            return Outcome::Refused(Refusal::Malformed);
        }
        if let Some(unequal) = txn.compares.iter().position(|compare| !self.compare_holds(compare)) {
            return Outcome::Unequal(unequal as u8);
        }
        let (changes, sessions) = (self.changes.len(), self.sessions.clone());
        let mut made = 0_u128;
        for (index, op) in txn.ops.iter().enumerate() {
            let outcome = match (op.change, owner) {
                (Change::Set { is_ephemeral: true, .. }, _) if is_own(op.path) => {
                    Outcome::Refused(Refusal::NotBindable)
                }
                (Change::Set { value, is_ephemeral: true }, Some(owner)) => {
                    let owner = owner.of_txn();
                    self.set_by(op.path, op.rev, command.slice_ref(value), owner, slot)
                }
                (Change::Set { value, .. }, _) => {
                    self.set_plain(op.path, op.rev, command.slice_ref(value), slot)
                }
                (Change::Del, _) => self.del_plain(op.path, op.rev, slot),
            };
            match outcome {
                Outcome::Refused(refusal) => {
                    self.undo(changes);
                    self.sessions = sessions;
                    return Outcome::TxnRefused(index as u8, refusal);
                }
                Outcome::Absent => {}
                _ => made |= 1 << index,
            }
        }
        let first = if made == 0 { 0 } else { changes as u64 + 1 };
        Outcome::Txn { first, made }
    }

    fn compare_holds(&self, compare: &Compare<'_>) -> bool {
        let found = self.get(compare.path, self.revision());
        match (compare.expected, found) {
            (Expected::Rev(0) | Expected::Absent, Lookup::Missing) => true,
            (Expected::Rev(expected), Lookup::File { rev, .. }) => i64::try_from(rev) == Ok(expected),
            (Expected::Value(expected), Lookup::File { value, .. }) => **value == *expected,
            (Expected::Fence(expected), Lookup::File { rev, .. }) => {
                let token = self.holder(compare.path).map_or(rev, |(_, token)| token);
                i64::try_from(token) == Ok(expected)
            }
            _ => false,
        }
    }

    /// All changes behind the first so many never were.
    fn undo(&mut self, changes: usize) {
        for change in self.changes.drain(changes..).rev() {
            self.files[change.file].versions.pop();
        }
    }
}
