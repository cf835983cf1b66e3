//! What a client sends.

use std::fmt;

use bytes::{Bytes, BytesMut};
use prost::Message as _;
use prost::encoding;

use crate::error::Malformed;
use crate::flags::SetFlags;
use crate::hello::Hello;
use crate::session::SessionRequest;
use crate::{Verb, proto, put};

mod field {
    pub const TAG: u32 = 1;
    pub const VERB: u32 = 2;
    pub const PATH: u32 = 4;
    pub const VALUE: u32 = 5;
    pub const OTHER_TAG: u32 = 6;
    pub const OFFSET: u32 = 7;
    pub const REV: u32 = 9;
    pub const HELLO: u32 = 32;
    pub const LIMIT: u32 = 33;
    pub const AFTER: u32 = 34;
    pub const KEYS_ONLY: u32 = 35;
    pub const CONSISTENCY: u32 = 36;
    pub const MIN_REV: u32 = 37;
    pub const SESSION: u32 = 38;
    pub const SEQUENCE: u32 = 39;
    pub const ACKNOWLEDGED: u32 = 40;
    pub const UNANSWERED: u32 = 41;
    pub const FLAGS: u32 = 42;
    pub const TXN: u32 = 43;
    pub const SESSION_OP: u32 = 44;
}

/// Room for every number of a request, each with its key, at its longest.
const NUMBERS_BYTES: usize = 128;

/// How fresh a read without a revision must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Consistency {
    /// It sees every write that was answered before it was sent. What absence means, and a value this version does
    /// not know: the strongest is always right.
    #[default]
    Linearizable,
    /// It sees what the member has, which is never behind the request's `min_rev`.
    Local,
}

/// A request. Absent and present-but-empty are different things for every `Option`.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Request {
    /// Echoed in the answer, whatever number it is.
    pub tag: Option<i32>,
    /// The raw number of the verb, see [`Verb::from_i32`]. An absent verb reads as 0, which is none.
    pub verb: i32,
    /// A path or a glob, not checked in any way, UTF-8 included.
    pub path: Option<Bytes>,
    /// A value, or ACCESS's secret.
    pub value: Option<Bytes>,
    /// The tag of the request that CANCEL ends.
    pub other_tag: Option<i32>,
    /// Which entry of many.
    pub offset: Option<i32>,
    /// A revision, as the verb takes it.
    pub rev: Option<i64>,
    /// What HELLO says.
    pub hello: Option<Hello>,
    /// How many entries a LIST may answer with.
    pub limit: Option<u32>,
    /// The path after which a LIST goes on.
    pub after: Option<Bytes>,
    /// Whether a LIST leaves the values out.
    pub keys_only: bool,
    /// How fresh a read without a revision must be.
    pub consistency: Consistency,
    /// The revision a local read must not be behind.
    pub min_rev: Option<i64>,
    /// A session's key, of whatever length it came with. A secret: whoever knows it writes as that session.
    pub session: Option<Bytes>,
    /// Which of the session's commands a write is, from 1.
    pub sequence: Option<u64>,
    /// The answers to the session's commands up to this one were heard, except those in `unanswered`.
    pub acknowledged: Option<u64>,
    /// Commands up to `acknowledged` whose answers are still to come. Usually none.
    pub unanswered: Vec<u64>,
    /// What a SET asks for beyond a value.
    pub flags: SetFlags,
    /// A TXN's, still encoded, see [`TxnRequest`](crate::TxnRequest).
    pub txn: Option<Bytes>,
    /// What SESSION does.
    pub session_op: Option<SessionRequest>,
}

impl Request {
    /// Reads the body of a frame. Fields it does not know are skipped; paths, values and keys are slices of `body`.
    ///
    /// # Errors
    /// [`Malformed`] if the body is no request. An unknown verb is not malformed.
    pub fn decode(body: Bytes) -> Result<Request, Malformed> {
        let request = proto::Request::decode(body).map_err(Malformed::from_prost)?;
        let consistency = match request.consistency() {
            proto::Consistency::Linearizable => Consistency::Linearizable,
            proto::Consistency::Local => Consistency::Local,
        };
        Ok(Request {
            tag: request.tag,
            verb: request.verb.unwrap_or_default(),
            keys_only: request.keys_only(),
            flags: SetFlags(request.flags()),
            consistency,
            path: request.path,
            value: request.value,
            other_tag: request.other_tag,
            offset: request.offset,
            rev: request.rev,
            hello: request.hello.map(Hello::from),
            limit: request.limit,
            after: request.after,
            min_rev: request.min_rev,
            session: request.session,
            sequence: request.sequence,
            acknowledged: request.acknowledged,
            unanswered: request.unanswered,
            txn: request.txn,
            session_op: request.session_op.map(SessionRequest::from),
        })
    }

    /// Appends the request to `buf`, length included. Absent fields are not written. Beyond `buf` itself nothing is
    /// allocated, save for what HELLO and SESSION say.
    ///
    /// # Panics
    /// If the request is longer than `i32::MAX` bytes; the caller checks it against the member's frame limit before.
    pub fn encode_frame(&self, buf: &mut BytesMut) {
        let long = [&self.path, &self.value, &self.after, &self.session, &self.txn].map(Option::as_deref);
        let [path, value, after, session, txn] = long;
        let expected = long.iter().flatten().map(|bytes| bytes.len() + 6).sum::<usize>()
            + encoding::uint64::encoded_len_packed(field::UNANSWERED, &self.unanswered);
        put::frame(buf, expected + NUMBERS_BYTES, |buf| {
            put::int32(field::TAG, self.tag, buf);
            put::int32(field::VERB, Some(self.verb), buf);
            put::bytes(field::PATH, path, buf);
            put::bytes(field::VALUE, value, buf);
            put::int32(field::OTHER_TAG, self.other_tag, buf);
            put::int32(field::OFFSET, self.offset, buf);
            put::int64(field::REV, self.rev, buf);
            if let Some(hello) = &self.hello {
                encoding::message::encode(field::HELLO, &proto::HelloRequest::from(hello), buf);
            }
            put::uint32(field::LIMIT, self.limit, buf);
            put::bytes(field::AFTER, after, buf);
            put::flag(field::KEYS_ONLY, self.keys_only, buf);
            if self.consistency == Consistency::Local {
                put::int32(field::CONSISTENCY, Some(proto::Consistency::Local.into()), buf);
            }
            put::int64(field::MIN_REV, self.min_rev, buf);
            put::bytes(field::SESSION, session, buf);
            put::uint64(field::SEQUENCE, self.sequence, buf);
            put::uint64(field::ACKNOWLEDGED, self.acknowledged, buf);
            encoding::uint64::encode_packed(field::UNANSWERED, &self.unanswered, buf);
            put::uint32(field::FLAGS, self.flags.on_wire(), buf);
            put::bytes(field::TXN, txn, buf);
            if let Some(op) = &self.session_op {
                encoding::message::encode(field::SESSION_OP, &proto::SessionRequest::from(op), buf);
            }
        });
    }
}

impl fmt::Debug for Request {
    /// For logs: values and keys are shown by their length alone. They may be long, and ACCESS's value and a session's key
    /// are secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut request = f.debug_struct("Request");
        match Verb::from_i32(self.verb) {
            Some(verb) => request.field("verb", &format_args!("{}", verb.name())),
            None => request.field("verb", &self.verb),
        };
        request
            .field("tag", &self.tag)
            .field("path", &self.path)
            .field("value_bytes", &self.value.as_ref().map(Bytes::len))
            .field("other_tag", &self.other_tag)
            .field("offset", &self.offset)
            .field("rev", &self.rev)
            .field("hello", &self.hello)
            .field("limit", &self.limit)
            .field("after", &self.after)
            .field("keys_only", &self.keys_only)
            .field("consistency", &self.consistency)
            .field("min_rev", &self.min_rev)
            .field("session_bytes", &self.session.as_ref().map(Bytes::len))
            .field("sequence", &self.sequence)
            .field("acknowledged", &self.acknowledged)
            .field("unanswered", &self.unanswered)
            .field("flags", &self.flags)
            .field("txn_bytes", &self.txn.as_ref().map(Bytes::len))
            .field("session_op", &self.session_op)
            .finish()
    }
}
