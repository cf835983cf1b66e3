//! Several changes at once, under conditions.

use bytes::Bytes;
use doozer_store::TXN_MAX;
use doozer_wire::{Action, Compare, ErrorKind, Failed, Request, SetFlags, Test, TxnOp, TxnRequest, Verb};

use crate::call::{Deadline, start};
use crate::client::Client;
use crate::error::{Error, Subject};
use crate::verbs::plain;

/// A transaction: what must hold, and what is then done, all of it or nothing. Up to 128 conditions and changes together.
///
/// Conditions look at the files as they are before; a change sees what the changes before it did. The parts are counted
/// from 1, conditions and changes each, in the order they are added.
///
/// ```
/// # use doozer_client::Txn;
/// let txn = Txn::new()
///     .if_rev("/accounts/a", 40)
///     .if_fence("/locks/accounts", 38)
///     .set("/accounts/a", "7", -1)
///     .set("/accounts/b", "12", -1)
///     .del("/transfers/4711", -1);
/// ```
#[derive(Debug, Clone, Default)]
#[must_use = "it does nothing until it is handed to `Client::txn`"]
pub struct Txn(TxnRequest);

impl Txn {
    /// One without any part.
    pub fn new() -> Txn {
        Txn::default()
    }

    /// The file's revision is this one; 0: nothing is there.
    pub fn if_rev(self, path: &str, rev: i64) -> Txn {
        self.compare(path, Test::Rev(rev))
    }

    /// The file holds this value.
    pub fn if_value(self, path: &str, value: impl Into<Bytes>) -> Txn {
        self.compare(path, Test::Value(value.into()))
    }

    /// Nothing is there, no directory either.
    pub fn if_absent(self, path: &str) -> Txn {
        self.compare(path, Test::Absent)
    }

    /// The file is bound to a session by this fencing token, such as that of a lock. The token of a file that is bound
    /// to none is its revision.
    pub fn if_fence(self, path: &str, token: i64) -> Txn {
        self.compare(path, Test::Fence(token))
    }

    /// Writes a file, by the rule of [`Client::set`].
    pub fn set(self, path: &str, value: impl Into<Bytes>, rev: i64) -> Txn {
        self.op(path, rev, Action::Set(value.into()), SetFlags::default())
    }

    /// Writes a file that goes when the client's session ends, see [`Client::set_ephemeral`].
    pub fn set_ephemeral(self, path: &str, value: impl Into<Bytes>, rev: i64) -> Txn {
        self.op(path, rev, Action::Set(value.into()), SetFlags::EPHEMERAL)
    }

    /// Deletes a file, by the rule of [`Client::del`].
    pub fn del(self, path: &str, rev: i64) -> Txn {
        self.op(path, rev, Action::Del, SetFlags::default())
    }

    /// What is sent to have it made.
    pub(crate) fn request(&self) -> Request {
        Request { txn: Some(self.0.encode()), ..plain(Verb::Txn) }
    }

    fn compare(mut self, path: &str, test: Test) -> Txn {
        self.0.compares.push(Compare { path: Some(copy(path)), test: Some(test) });
        self
    }

    fn op(mut self, path: &str, rev: i64, action: Action, flags: SetFlags) -> Txn {
        self.0.ops.push(TxnOp { path: Some(copy(path)), rev: Some(rev), action: Some(action), flags });
        self
    }

    /// What is wrong with it, whatever the store holds.
    fn check(&self, subject: &Subject<'_>) -> Result<(), Error> {
        let TxnRequest { compares, ops } = &self.0;
        let parts = compares.len() + ops.len();
        if parts > TXN_MAX {
            let detail = format!("transaction too large: {parts} compares and operations, limit {TXN_MAX}");
            return Err(subject.error(ErrorKind::TooLarge, detail));
        }
        let named = |what: &str, part: fn(u32) -> Failed, paths: Vec<&Option<Bytes>>| {
            (1..).zip(paths).find_map(|(number, path)| {
                let error = doozer_store::validate(path.as_deref().unwrap_or_default()).err()?;
                let error = subject.error(ErrorKind::BadPath, format!("{what} {number}: {error}"));
                Some(error.of_part(part(number)))
            })
        };
        let compared =
            named("compare", Failed::Compare, compares.iter().map(|compare| &compare.path).collect());
        let changed = || named("operation", Failed::Op, ops.iter().map(|op| &op.path).collect());
        compared.or_else(changed).map_or(Ok(()), Err)
    }

    fn binds(&self) -> bool {
        self.0.ops.iter().any(|op| op.flags.contains(SetFlags::EPHEMERAL))
    }
}

impl Client {
    /// Makes all changes of a transaction if all its conditions hold, or none. Returns the revision that each change
    /// took, in their order; `None` for the deletion of a file that was not there. They are consecutive, and nobody who
    /// reads the current state sees only some of them.
    ///
    /// # Errors
    /// [`CompareFailed`](ErrorKind::CompareFailed) if a condition does not hold; what a change would end with by itself,
    /// as [`Client::set`]; which part it was, [`Error::failed_part`] tells. [`TooLarge`](ErrorKind::TooLarge) for more
    /// than 128 parts. [`UnknownVerb`](ErrorKind::UnknownVerb) from a member that has no transactions.
    pub async fn txn(&self, txn: Txn) -> Result<Vec<Option<i64>>, Error> {
        let subject = Subject::new("txn");
        txn.check(&subject)?;
        if txn.binds() {
            self.shared.table(|table, _| table.session.bind());
        }
        self.make(subject, self.deadline(), &txn).await.map(|made| made.revs)
    }

    /// Makes a transaction, all the same which of the client's sessions it is to belong to.
    pub(crate) async fn make(
        &self,
        subject: Subject<'_>,
        deadline: Deadline,
        txn: &Txn,
    ) -> Result<Made, Error> {
        let pending = start(&self.shared, subject, deadline, txn.request()).await?;
        let answered = pending.answered().await?;
        let changes = txn.0.ops.len();
        let revs = match answered.response.txn {
            Some(reply) if reply.revs.len() == changes => {
                reply.revs.into_iter().map(|rev| Some(rev).filter(|rev| *rev > 0)).collect()
            }
            None if changes == 0 => Vec::new(),
            _ => return Err(subject.garbled("lacks the revisions of its changes")),
        };
        Ok(Made { revs, generation: answered.generation })
    }
}

/// What a transaction did.
pub(crate) struct Made {
    /// The revision of each change.
    pub revs: Vec<Option<i64>>,
    /// The session that it belongs to.
    pub generation: Option<u64>,
}

fn copy(path: &str) -> Bytes {
    Bytes::copy_from_slice(path.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(txn: &Txn) -> Option<(ErrorKind, String)> {
        let error = txn.check(&Subject::new("txn")).err()?;
        Some((error.kind(), error.detail().to_owned()))
    }

    #[test]
    fn up_to_128_parts() {
        let mut txn = Txn::new();
        for _ in 0..64 {
            txn = txn.if_absent("/a").del("/a", -1);
        }
        assert_eq!(fault(&txn), None);
        let detail = "transaction too large: 129 compares and operations, limit 128".to_owned();
        assert_eq!(fault(&txn.if_rev("/b", 1)), Some((ErrorKind::TooLarge, detail)));
    }

    #[test]
    fn a_bad_path_is_named_by_its_part() {
        let (kind, detail) = fault(&Txn::new().if_rev("/a", 1).set("/b", "", 0).del("c", 0)).unwrap();
        assert!(detail.starts_with("operation 2: "), "{detail}");
        assert_eq!(kind, ErrorKind::BadPath);
        let error = Txn::new().set("/b", "", 0).del("c", 0).check(&Subject::new("txn")).unwrap_err();
        assert_eq!(error.failed_part(), Some(Failed::Op(2)));
        let (_, detail) = fault(&Txn::new().if_rev("/a/", 1).set("b", "", 0)).unwrap();
        assert!(detail.starts_with("compare 1: "), "{detail}");
        assert_eq!(fault(&Txn::new()), None);
    }
}
