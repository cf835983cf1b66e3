//! TXN: several changes at once, under conditions.
//! How many parts a transaction may have is the store's to say; here they are only counted.

use bytes::{Buf, Bytes};
use prost::Message as _;
use prost::encoding::{self, DecodeContext};

use crate::error::Malformed;
use crate::flags::SetFlags;
use crate::proto;

mod field {
    pub const COMPARES: u32 = 1;
    pub const OPS: u32 = 2;
}

/// What TXN asks for: all operations are made if every compare holds, else none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TxnRequest {
    /// What must hold.
    pub compares: Vec<Compare>,
    /// What is made, in this order.
    pub ops: Vec<TxnOp>,
}

/// What a file must be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Compare {
    /// The file's path, not checked in any way.
    pub path: Option<Bytes>,
    /// `None` if none was sent, or one that this version does not know: it cannot be taken to hold.
    pub test: Option<Test>,
}

/// A condition on one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Test {
    /// Its revision is this one; 0 if there is no file.
    Rev(i64),
    /// Its value is this one.
    Value(Bytes),
    /// Nothing is there, no directory either.
    Absent,
    /// Its token is this one: of a file that is bound to no session, its revision.
    Fence(i64),
}

/// One change of a transaction.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TxnOp {
    /// The file's path, not checked in any way.
    pub path: Option<Bytes>,
    /// As in a SET or DEL of its own.
    pub rev: Option<i64>,
    /// `None` if none was sent, or one that this version does not know.
    pub action: Option<Action>,
    /// A SET's.
    pub flags: SetFlags,
}

/// What a change does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Writes this value.
    Set(Bytes),
    /// Deletes the file.
    Del,
}

/// What became of a transaction.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TxnReply {
    /// For each operation the revision it took; 0 for a DEL of nothing.
    pub revs: Vec<i64>,
    /// Which part refused it all. Then the answer is an error.
    pub failed: Option<Failed>,
}

/// The part of a transaction that refused it all, counted from 1 as its detail counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Failed {
    /// The first compare that does not hold.
    Compare(u32),
    /// The first operation that would have been refused.
    Op(u32),
}

/// A transaction that cannot be taken. The frame that it came in was whole: the connection can go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TxnFault {
    /// It is no [`TxnRequest`].
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// It has too many compares and operations.
    #[error("transaction too large: {parts} compares and operations, limit {limit}")]
    TooMany {
        /// How many it has, together.
        parts: usize,
        /// How many it may have.
        limit: usize,
    },
}

impl TxnRequest {
    /// Reads a request's [`txn`](crate::Request::txn). Paths and values are slices of `body`. The parts are counted before
    /// any is read: an empty one takes two bytes of a frame, and many times that in memory.
    ///
    /// # Errors
    /// [`TxnFault`] if it is no transaction, or has more than `limit` compares and operations together.
    pub fn decode(body: Bytes, limit: usize) -> Result<TxnRequest, TxnFault> {
        let parts = count(&body)?;
        if parts > limit {
            return Err(TxnFault::TooMany { parts, limit });
        }
        let txn = proto::TxnRequest::decode(body).map_err(Malformed::from_prost)?;
        Ok(TxnRequest {
            compares: txn.compares.into_iter().map(Compare::from).collect(),
            ops: txn.ops.into_iter().map(TxnOp::from).collect(),
        })
    }

    /// The bytes of a request's [`txn`](crate::Request::txn).
    pub fn encode(&self) -> Bytes {
        let txn = proto::TxnRequest {
            compares: self.compares.iter().map(proto::Compare::from).collect(),
            ops: self.ops.iter().map(proto::Op::from).collect(),
        };
        txn.encode_to_vec().into()
    }
}

/// How many compares and operations there are.
fn count(mut body: &[u8]) -> Result<usize, Malformed> {
    let mut parts = 0;
    while body.has_remaining() {
        let (field, wire_type) = encoding::decode_key(&mut body).map_err(Malformed::from_prost)?;
        encoding::skip_field(wire_type, field, &mut body, DecodeContext::default())
            .map_err(Malformed::from_prost)?;
        parts += usize::from(matches!(field, field::COMPARES | field::OPS));
    }
    Ok(parts)
}

impl From<proto::Compare> for Compare {
    fn from(compare: proto::Compare) -> Compare {
        use proto::compare::Test as Sent;
        let test = compare.test.and_then(|test| match test {
            Sent::Rev(rev) => Some(Test::Rev(rev)),
            Sent::Value(value) => Some(Test::Value(value)),
            Sent::Absent(absent) => absent.then_some(Test::Absent),
            Sent::Fence(token) => Some(Test::Fence(token)),
        });
        Compare { path: compare.path, test }
    }
}

impl From<&Compare> for proto::Compare {
    fn from(compare: &Compare) -> proto::Compare {
        use proto::compare::Test as Sent;
        let test = compare.test.as_ref().map(|test| match test {
            Test::Rev(rev) => Sent::Rev(*rev),
            Test::Value(value) => Sent::Value(value.clone()),
            Test::Absent => Sent::Absent(true),
            Test::Fence(token) => Sent::Fence(*token),
        });
        proto::Compare { path: compare.path.clone(), test }
    }
}

impl From<proto::Op> for TxnOp {
    fn from(op: proto::Op) -> TxnOp {
        use proto::op::Action as Sent;
        let flags = SetFlags(op.flags());
        let action = op.action.and_then(|action| match action {
            Sent::Set(value) => Some(Action::Set(value)),
            Sent::Del(del) => del.then_some(Action::Del),
        });
        TxnOp { path: op.path, rev: op.rev, action, flags }
    }
}

impl From<&TxnOp> for proto::Op {
    fn from(op: &TxnOp) -> proto::Op {
        use proto::op::Action as Sent;
        let action = op.action.as_ref().map(|action| match action {
            Action::Set(value) => Sent::Set(value.clone()),
            Action::Del => Sent::Del(true),
        });
        proto::Op { path: op.path.clone(), rev: op.rev, flags: op.flags.on_wire(), action }
    }
}

impl From<&TxnReply> for proto::TxnReply {
    fn from(reply: &TxnReply) -> proto::TxnReply {
        use proto::txn_reply::Failed as Sent;
        let failed = reply.failed.map(|failed| match failed {
            Failed::Compare(number) => Sent::FailedCompare(number),
            Failed::Op(number) => Sent::FailedOp(number),
        });
        proto::TxnReply { revs: reply.revs.clone(), failed }
    }
}

impl From<proto::TxnReply> for TxnReply {
    fn from(reply: proto::TxnReply) -> TxnReply {
        use proto::txn_reply::Failed as Sent;
        let failed = reply.failed.map(|failed| match failed {
            Sent::FailedCompare(number) => Failed::Compare(number),
            Sent::FailedOp(number) => Failed::Op(number),
        });
        TxnReply { revs: reply.revs, failed }
    }
}
