//! The parts of a transaction: read, checked, and handed on as the store takes them.

use bytes::Bytes;
use doozer_store::{Change, Compare, Expected, Op, TXN_MAX, Txn, validate};
use doozer_wire::{Action, ErrorKind, Failed, SetFlags, Test, TxnFault, TxnRequest};

use super::commands::{bad_session, check_flags, check_size};
use super::problem::Problem;

/// Reads it.
pub(super) fn decode(body: &Bytes) -> Result<TxnRequest, Problem> {
    TxnRequest::decode(body.clone(), TXN_MAX).map_err(|fault| {
        let kind = match fault {
            TxnFault::TooMany { .. } => ErrorKind::TooLarge,
            _ => ErrorKind::Malformed,
        };
        Problem::new(kind, fault.to_string())
    })
}

/// Whether every part has what it needs.
pub(super) fn check_missing(parts: &TxnRequest) -> Result<(), Problem> {
    each(parts, Part::missing)
}

/// As the store takes it, if it is in order and nothing is missing: first what is a session's, then paths and sizes, as in
/// a command that stands alone.
pub(super) fn checked(
    parts: &TxnRequest,
    is_by_session: bool,
    value_bytes_max: u64,
) -> Result<Txn<'_>, Problem> {
    each(parts, |part| part.check_session(is_by_session))?;
    let mut txn = Txn::default();
    each(parts, |part| {
        match part {
            Part::Compare(compare) => txn.compares.extend(compare_of(compare)?),
            Part::Op(op) => txn.ops.extend(op_of(op, value_bytes_max)?),
        }
        Ok(())
    })?;
    Ok(txn)
}

#[derive(Clone, Copy)]
enum Part<'a> {
    Compare(&'a doozer_wire::Compare),
    Op(&'a doozer_wire::TxnOp),
}

fn each<'a>(
    parts: &'a TxnRequest,
    mut check: impl FnMut(Part<'a>) -> Result<(), Problem>,
) -> Result<(), Problem> {
    let compares = parts.compares.iter().map(Part::Compare).zip((1..).map(Failed::Compare));
    let ops = parts.ops.iter().map(Part::Op).zip((1..).map(Failed::Op));
    for (part, number) in compares.chain(ops) {
        check(part).map_err(|problem| problem.of_part(number, part.path()))?;
    }
    Ok(())
}

impl<'a> Part<'a> {
    fn path(self) -> Option<&'a [u8]> {
        match self {
            Part::Compare(compare) => compare.path.as_deref(),
            Part::Op(op) => op.path.as_deref(),
        }
    }

    fn missing(self) -> Result<(), Problem> {
        let missing = |what| Err(Problem::new(ErrorKind::MissingArg, what));
        match self {
            _ if self.path().is_none() => missing("no path"),
            Part::Compare(compare) if compare.test.is_none() => {
                missing("no rev, value, absent or fence that this member knows")
            }
            Part::Op(op) if op.rev.is_none() => missing("no rev"),
            Part::Op(op) if op.action.is_none() => missing("no set or del that this member knows"),
            _ => Ok(()),
        }
    }

    fn check_session(self, is_by_session: bool) -> Result<(), Problem> {
        let Part::Op(op) = self else { return Ok(()) };
        if op.flags.contains(SetFlags::QUEUE) {
            return Err(bad_session("a transaction cannot wait in a queue"));
        }
        if op.flags != SetFlags::default() && op.action == Some(Action::Del) {
            return Err(bad_session("`flags` belong to a SET"));
        }
        check_flags(op.flags, is_by_session)
    }
}

// What is missing was found before.

fn compare_of(compare: &doozer_wire::Compare) -> Result<Option<Compare<'_>>, Problem> {
    let path = validate(compare.path.as_deref().unwrap_or_default())?;
    let expected = compare.test.as_ref().map(|test| match test {
        Test::Rev(rev) => Expected::Rev(*rev),
        Test::Value(value) => Expected::Value(value),
        Test::Absent => Expected::Absent,
        Test::Fence(token) => Expected::Fence(*token),
    });
    Ok(expected.map(|expected| Compare { path, expected }))
}

fn op_of(op: &doozer_wire::TxnOp, value_bytes_max: u64) -> Result<Option<Op<'_>>, Problem> {
    let path = validate(op.path.as_deref().unwrap_or_default())?;
    let change = match &op.action {
        Some(Action::Set(value)) => {
            check_size(path, value, value_bytes_max)?;
            Change::Set { value, is_ephemeral: op.flags.contains(SetFlags::EPHEMERAL) }
        }
        Some(Action::Del) => Change::Del,
        None => return Ok(None),
    };
    Ok(op.rev.map(|rev| Op { path, rev, change }))
}
