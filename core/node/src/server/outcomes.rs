//! What a write came to, as it is answered.

use bytes::{Bytes, BytesMut};
use doozer_member::machine::{Outcome, Refusal};
use doozer_member::state::Address;
use doozer_store::{Changes, Outcome as Stored, Refusal as StoreRefusal, Revision, TXN_MAX};
use doozer_wire::{ErrorKind, Failed, Response, SessionReply, TxnReply, TxnRequest};

use super::problem::Problem;
use super::sessions::ttl_ms;
use super::writes::Of;

/// Appends the answer.
pub(super) fn encode(outcome: &Outcome, seen: Revision, of: &Of, to: &Address, frames: &mut BytesMut) {
    let counted = of.is_a_command() && is_kept(outcome);
    let store_rev = to.modern.then(|| seen.to_raw());
    let answer = Response { tag: to.tag, store_rev, counted, ..Response::default() };
    match told(outcome, of) {
        Ok(Told::Nothing) => answer.encode_frame(frames),
        Ok(Told::Set(rev)) => Response { rev: Some(rev.to_raw()), ..answer }.encode_frame(frames),
        Ok(Told::Deleted(rev)) => {
            // The original answers DEL with the tag alone.
            let rev = to.modern.then(|| rev.to_raw());
            Response { rev, ..answer }.encode_frame(frames);
        }
        Ok(Told::Txn(reply)) => Response { txn: Some(&reply), ..answer }.encode_frame(frames),
        Ok(Told::Session(reply)) => Response { session: Some(&reply), ..answer }.encode_frame(frames),
        Err(problem) => {
            let problem = Problem { counted, ..problem };
            problem.encode_frame(to.tag, to.modern, Some(seen), frames);
        }
    }
}

/// What an answer says.
enum Told {
    Nothing,
    Set(Revision),
    Deleted(Revision),
    Txn(TxnReply),
    Session(Box<SessionReply>),
}

/// A command that is sent again hears what the first copy came to, whatever it is itself.
fn told(outcome: &Outcome, of: &Of) -> Result<Told, Problem> {
    let stored = match outcome {
        Outcome::Store(stored) => stored,
        Outcome::Refused(refusal) => return Err(Problem::from(*refusal)),
    };
    Ok(match stored {
        Stored::Set(rev) => Told::Set(*rev),
        Stored::Deleted(rev) => Told::Deleted(*rev),
        Stored::Absent | Stored::Nop | Stored::Closed => Told::Nothing,
        Stored::Left if of.is_a_command() => {
            return Err(taken_back());
        }
        Stored::Left => Told::Nothing,
        Stored::Txn(changes) => Told::Txn(TxnReply { revs: revisions(changes, of), failed: None }),
        Stored::Unequal(index) => {
            let part = Failed::Compare(u32::from(*index) + 1);
            let problem = Problem::new(ErrorKind::CompareFailed, "it does not hold");
            return Err(problem.of_part(part, path(part, of).as_deref()));
        }
        Stored::TxnRefused(index, refusal) => {
            let part = Failed::Op(u32::from(*index) + 1);
            return Err(Problem::from(refusal).of_part(part, path(part, of).as_deref()));
        }
        Stored::Opened => Told::Session(Box::new(match of {
            Of::Open(opening) => {
                // If it is there, it may be older than this OPEN.
                let ttl = ttl_ms(&opening.shared, &opening.id).unwrap_or(opening.ttl_ms);
                SessionReply { id: Some(opening.id.0), ttl_ms: Some(ttl), ..SessionReply::default() }
            }
            _ => SessionReply::default(),
        })),
        // The driver keeps whoever waits until it is his turn.
        Stored::Queued => return Err(Problem::new(ErrorKind::Other, "it still waits in its queue")),
        Stored::Refused(refusal) => return Err(Problem::from(refusal)),
    })
}

/// What a queued SET comes to that is cancelled.
pub(super) fn taken_back() -> Problem {
    Problem::new(ErrorKind::Cancelled, "its place in the queue was taken back")
}

/// Whether an outcome of a session's command has used its number up.
fn is_kept(outcome: &Outcome) -> bool {
    let Outcome::Store(Stored::Refused(refusal)) = outcome else {
        return matches!(outcome, Outcome::Store(_));
    };
    !matches!(
        refusal,
        StoreRefusal::Malformed
            | StoreRefusal::NoSession
            | StoreRefusal::OutOfOrder { .. }
            | StoreRefusal::Unacknowledged { .. }
            | StoreRefusal::SessionBytes { .. }
            | StoreRefusal::Places { .. }
    )
}

/// The revision of each operation. Of a transaction that is not at hand, the last ones are left out that took none.
fn revisions(changes: &Changes, of: &Of) -> Vec<i64> {
    let ops = match of {
        Of::Txn(txn) => txn.ops,
        _ => (0..TXN_MAX).rev().find(|op| changes.revision(*op).is_some()).map_or(0, |last| last + 1),
    };
    (0..ops).map(|op| changes.revision(op).map_or(0, Revision::to_raw)).collect()
}

/// The path of a part of a transaction, if that is at hand.
fn path(part: Failed, of: &Of) -> Option<Bytes> {
    let Of::Txn(txn) = of else { return None };
    let TxnRequest { compares, ops } = TxnRequest::decode(txn.body.clone(), TXN_MAX).ok()?;
    let at = |number: u32| usize::try_from(number).ok()?.checked_sub(1);
    match part {
        Failed::Compare(number) => compares.into_iter().nth(at(number)?)?.path,
        Failed::Op(number) => ops.into_iter().nth(at(number)?)?.path,
    }
}

impl Of {
    /// Whether a session's: one with a number.
    fn is_a_command(&self) -> bool {
        match self {
            Of::Command | Of::Queued { .. } => true,
            Of::Txn(txn) => txn.is_counted,
            Of::Write | Of::Leave(_) | Of::Open(_) => false,
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Problem::new(ErrorKind::Other, refusal.to_string())
    }
}
