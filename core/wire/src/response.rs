//! What a member answers.

use bytes::{Bytes, BytesMut};
use prost::Message as _;
use prost::encoding;

use crate::entry::{Entry, OwnedEntry};
use crate::error::Malformed;
use crate::hello::HelloReply;
use crate::kind::ErrorKind;
use crate::session::SessionReply;
use crate::status::StatusReply;
use crate::txn::TxnReply;
use crate::{proto, put};

pub(crate) mod field {
    pub const TAG: u32 = 1;
    pub const FLAGS: u32 = 2;
    pub const REV: u32 = 3;
    pub const PATH: u32 = 5;
    pub const VALUE: u32 = 6;
    pub const LEN: u32 = 8;
    pub const KIND: u32 = 32;
    pub const STORE_REV: u32 = 33;
    pub const HELLO: u32 = 34;
    pub const ENTRIES: u32 = 35;
    pub const MORE: u32 = 36;
    pub const STATUS: u32 = 37;
    pub const TXN: u32 = 38;
    pub const SESSION: u32 = 39;
    pub const COUNTED: u32 = 41;
    pub const ERR_CODE: u32 = 100;
    pub const ERR_DETAIL: u32 = 101;
}

/// In `flags`: the file was written.
pub const FLAG_SET: i32 = 4;
/// In `flags`: the file was deleted.
pub const FLAG_DEL: i32 = 8;
/// In `flags` of a WATCH's answer: no change, but every change up to and including `rev` has been sent.
pub const FLAG_PROGRESS: i32 = 16;

/// Room for every number of a response, each with its key, at its longest.
const NUMBERS_BYTES: usize = 96;

/// An answer as a member sends it. What is `None`, empty (`entries`) or false (`more`) is not written, because old
/// clients look at which fields are there.
#[derive(Debug, Clone, Default)]
pub struct Response<'a> {
    /// The request's.
    pub tag: Option<i32>,
    /// [`FLAG_SET`], [`FLAG_DEL`] or [`FLAG_PROGRESS`].
    pub flags: Option<i32>,
    /// A revision.
    pub rev: Option<i64>,
    /// A path, or GETDIR's name.
    pub path: Option<&'a [u8]>,
    /// A value.
    pub value: Option<&'a [u8]>,
    /// STAT's length in bytes, or number of entries.
    pub len: Option<i32>,
    /// An error's code: [`ErrorKind::wire_code`] and nothing else.
    pub err_code: Option<i32>,
    /// What an error has to say.
    pub err_detail: Option<&'a str>,
    /// An error's permanent number. From here on: after HELLO only.
    pub kind: Option<u32>,
    /// The store revision the answer saw.
    pub store_rev: Option<i64>,
    /// HELLO's answer.
    pub hello: Option<&'a HelloReply>,
    /// LIST's files.
    pub entries: &'a [Entry<'a>],
    /// Whether the LIST was cut short, or SESSION's answer.
    pub more: bool,
    /// STATUS's answer.
    pub status: Option<&'a StatusReply>,
    /// TXN's answer, or beside an error which part of it failed.
    pub txn: Option<&'a TxnReply>,
    /// SESSION's answer.
    pub session: Option<&'a SessionReply>,
    /// To a session's write: its sequence number is used up, and this answer is kept until it is acknowledged.
    pub counted: bool,
}

impl<'a> Response<'a> {
    /// A failure as the original's clients know it: a code they know, and a detail only with OTHER, which then always
    /// has one (a kind of ours without a detail says its meaning).
    pub fn error(tag: Option<i32>, kind: ErrorKind, detail: Option<&'a str>) -> Response<'a> {
        let code = kind.wire_code();
        let detail = detail.filter(|detail| !detail.is_empty()).unwrap_or(kind.meaning());
        let is_other = code == ErrorKind::Other.wire_code();
        Response { tag, err_code: Some(code), err_detail: is_other.then_some(detail), ..Response::default() }
    }

    /// A failure after HELLO: with its kind's number, and its detail whatever the kind is.
    pub fn error_after_hello(tag: Option<i32>, kind: ErrorKind, detail: Option<&'a str>) -> Response<'a> {
        let old = Response::error(tag, kind, detail);
        Response { kind: Some(kind.number()), err_detail: old.err_detail.or(detail), ..old }
    }

    /// Appends the answer to `buf`, length included. Beyond `buf` itself nothing is allocated, save for the
    /// answers of HELLO, STATUS, TXN and SESSION.
    ///
    /// # Panics
    /// If the answer is longer than `i32::MAX` bytes; a member cuts a LIST to the frame limit before.
    pub fn encode_frame(&self, buf: &mut BytesMut) {
        let expected = self.path.map_or(0, <[u8]>::len)
            + self.value.map_or(0, <[u8]>::len)
            + self.err_detail.map_or(0, str::len)
            + self.entries.iter().map(Entry::frame_bytes).sum::<usize>();
        put::frame(buf, expected + NUMBERS_BYTES, |buf| self.put(buf));
    }

    fn put(&self, buf: &mut BytesMut) {
        put::int32(field::TAG, self.tag, buf);
        put::int32(field::FLAGS, self.flags, buf);
        put::int64(field::REV, self.rev, buf);
        put::bytes(field::PATH, self.path, buf);
        put::bytes(field::VALUE, self.value, buf);
        put::int32(field::LEN, self.len, buf);
        put::uint32(field::KIND, self.kind, buf);
        put::int64(field::STORE_REV, self.store_rev, buf);
        if let Some(hello) = self.hello {
            encoding::message::encode(field::HELLO, &proto::HelloReply::from(hello), buf);
        }
        for entry in self.entries {
            entry.put(buf);
        }
        put::flag(field::MORE, self.more, buf);
        if let Some(status) = self.status {
            encoding::message::encode(field::STATUS, &proto::StatusReply::from(status), buf);
        }
        if let Some(txn) = self.txn {
            encoding::message::encode(field::TXN, &proto::TxnReply::from(txn), buf);
        }
        if let Some(session) = self.session {
            encoding::message::encode(field::SESSION, &proto::SessionReply::from(session), buf);
        }
        put::flag(field::COUNTED, self.counted, buf);
        put::int32(field::ERR_CODE, self.err_code, buf);
        put::bytes(field::ERR_DETAIL, self.err_detail.map(str::as_bytes), buf);
    }
}

/// An answer as a client gets it. The fields are those of [`Response`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OwnedResponse {
    /// The request's.
    pub tag: Option<i32>,
    /// [`FLAG_SET`], [`FLAG_DEL`] or [`FLAG_PROGRESS`].
    pub flags: Option<i32>,
    /// A revision.
    pub rev: Option<i64>,
    /// A path, or GETDIR's name.
    pub path: Option<Bytes>,
    /// A value.
    pub value: Option<Bytes>,
    /// STAT's length in bytes, or number of entries.
    pub len: Option<i32>,
    /// An error's code, raw; see [`OwnedResponse::failure`].
    pub err_code: Option<i32>,
    /// What an error has to say; what is not UTF-8 in it is replaced.
    pub err_detail: Option<String>,
    /// An error's permanent number, raw; see [`OwnedResponse::failure`].
    pub kind: Option<u32>,
    /// The store revision the answer saw.
    pub store_rev: Option<i64>,
    /// HELLO's answer.
    pub hello: Option<HelloReply>,
    /// LIST's files.
    pub entries: Vec<OwnedEntry>,
    /// Whether the LIST was cut short: ask again with `after` = the last path. Or SESSION's answer.
    pub more: bool,
    /// STATUS's answer.
    pub status: Option<StatusReply>,
    /// TXN's answer, or beside an error which part of it failed.
    pub txn: Option<TxnReply>,
    /// SESSION's answer. It is the longest of all, and rare: hence the box.
    pub session: Option<Box<SessionReply>>,
    /// To a session's write: its sequence number is used up, and this answer is kept until it is acknowledged.
    pub counted: bool,
}

impl OwnedResponse {
    /// Reads the body of a frame. Fields it does not know are skipped; paths and values are slices of `body`.
    ///
    /// # Errors
    /// [`Malformed`] if the body is no response.
    pub fn decode(body: Bytes) -> Result<OwnedResponse, Malformed> {
        let response = proto::Response::decode(body).map_err(Malformed::from_prost)?;
        Ok(OwnedResponse {
            more: response.more(),
            counted: response.counted(),
            tag: response.tag,
            flags: response.flags,
            rev: response.rev,
            path: response.path,
            value: response.value,
            len: response.len,
            err_code: response.err_code,
            err_detail: response.err_detail.map(|detail| String::from_utf8_lossy(&detail).into_owned()),
            kind: response.kind,
            store_rev: response.store_rev,
            hello: response.hello.map(HelloReply::try_from).transpose()?,
            entries: response.entries.into_iter().map(OwnedEntry::from).collect(),
            status: response.status.map(StatusReply::try_from).transpose()?,
            txn: response.txn.map(TxnReply::from),
            session: response
                .session
                .map(|session| SessionReply::try_from(*session).map(Box::new))
                .transpose()?,
        })
    }

    /// The kind and the detail of an error; `None` if the answer is none. Whatever code or kind a newer member sends,
    /// an error never reads as a success: what is not known is [`ErrorKind::Other`].
    pub fn failure(&self) -> Option<(ErrorKind, &str)> {
        let code = self.err_code?;
        let by_number = self.kind.and_then(ErrorKind::from_number);
        let by_code =
            || ErrorKind::from_number(u32::try_from(code).ok()?).filter(|kind| kind.wire_code() == code);
        let kind = by_number.or_else(by_code).unwrap_or(ErrorKind::Other);
        Some((kind, self.err_detail.as_deref().unwrap_or_default()))
    }
}
