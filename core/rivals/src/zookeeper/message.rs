//! What a session says and hears: the records of ZooKeeper 3.8's `zookeeper.jute` that a load needs.

use bytes::{BufMut, Bytes, BytesMut};
use doozer_bench::LoadError;

use super::jute::{frame, put_bytes, take_i32, take_i64};

/// Which request an answer is to, if it is to none of a load's: those have their tags.
pub mod xid {
    /// A watch has fired.
    pub const EVENT: i32 = -1;
    /// A sign of life.
    pub const PING: i32 = -2;
    /// The sync in front of a read.
    pub const SYNC: i32 = i32::MAX;
    /// The directory of a file that is made.
    pub const PARENT: i32 = i32::MAX - 1;
    /// The end of the session.
    pub const CLOSE: i32 = i32::MAX - 2;
}

/// `OpCode`.
mod operation {
    pub const CREATE: i32 = 1;
    pub const DELETE: i32 = 2;
    pub const GET_DATA: i32 = 4;
    pub const SET_DATA: i32 = 5;
    pub const SYNC: i32 = 9;
    pub const PING: i32 = 11;
    pub const CLOSE_SESSION: i32 = -11;
}

/// Whatever the version is.
const ANY_VERSION: i32 = -1;

/// All that a node allows.
const ALL_PERMISSIONS: i32 = 31;

/// The kind of an event that is about the session and not about a node.
const EVENT_NONE: i32 = -1;

/// `ConnectRequest`, for a new session.
pub fn connect(out: &mut BytesMut, timeout_ms: i32) {
    frame(out, |out| {
        out.put_i32(0); // the protocol's version
        out.put_i64(0); // the last zxid seen
        out.put_i32(timeout_ms);
        out.put_i64(0); // no session yet
        put_bytes(out, &[0; 16]); // nor its password
        out.put_u8(0); // not with a member that only reads
    });
}

/// Reads `ConnectResponse`: the time in milliseconds without a sign of life after which the session is over; `None` if
/// there is no session.
pub fn connected(mut body: Bytes) -> Result<Option<i32>, LoadError> {
    take_i32(&mut body)?;
    let timeout_ms = take_i32(&mut body)?;
    let session = take_i64(&mut body)?;
    Ok((session != 0 && timeout_ms > 0).then_some(timeout_ms))
}

/// `CreateRequest` of a node that everybody may use and that stays.
pub fn create(out: &mut BytesMut, xid: i32, path: &[u8], value: &[u8]) {
    request(out, xid, operation::CREATE, |out| {
        put_bytes(out, path);
        put_bytes(out, value);
        out.put_i32(1); // one entry in the list of permissions
        out.put_i32(ALL_PERMISSIONS);
        put_bytes(out, b"world");
        put_bytes(out, b"anyone");
        out.put_i32(0); // neither ephemeral nor sequential
    });
}

/// `SetDataRequest`.
pub fn set_data(out: &mut BytesMut, xid: i32, path: &[u8], value: &[u8]) {
    request(out, xid, operation::SET_DATA, |out| {
        put_bytes(out, path);
        put_bytes(out, value);
        out.put_i32(ANY_VERSION);
    });
}

/// `DeleteRequest`.
pub fn delete(out: &mut BytesMut, xid: i32, path: &[u8]) {
    request(out, xid, operation::DELETE, |out| {
        put_bytes(out, path);
        out.put_i32(ANY_VERSION);
    });
}

/// `GetDataRequest`, with a watch for the next change or without.
pub fn get_data(out: &mut BytesMut, xid: i32, path: &[u8], watch: bool) {
    request(out, xid, operation::GET_DATA, |out| {
        put_bytes(out, path);
        out.put_u8(u8::from(watch));
    });
}

/// `SyncRequest`: what follows on this connection sees all that was acknowledged before.
pub fn sync(out: &mut BytesMut, path: &[u8]) {
    request(out, xid::SYNC, operation::SYNC, |out| put_bytes(out, path));
}

/// A sign of life.
pub fn ping(out: &mut BytesMut) {
    request(out, xid::PING, operation::PING, |_| {});
}

/// The end of the session.
pub fn close(out: &mut BytesMut) {
    request(out, xid::CLOSE, operation::CLOSE_SESSION, |_| {});
}

/// An answer, or an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reply {
    /// Which request it is to, see [`xid`].
    pub xid: i32,
    /// 0, or an error's number.
    pub error: i32,
}

impl Reply {
    /// Reads `ReplyHeader`. What follows is not needed, but for an event that is none about a node, which is `None`.
    pub fn read(mut body: Bytes) -> Result<Option<Reply>, LoadError> {
        let xid = take_i32(&mut body)?;
        take_i64(&mut body)?;
        let error = take_i32(&mut body)?;
        if xid == xid::EVENT && take_i32(&mut body)? == EVENT_NONE {
            return Ok(None);
        }
        Ok(Some(Reply { xid, error }))
    }
}

/// The errors that matter here.
pub mod error {
    /// There is no such node.
    pub const NO_NODE: i32 = -101;
    /// There is such a node already.
    pub const NODE_EXISTS: i32 = -110;
}

/// `KeeperException.Code`.
pub fn error_name(error: i32) -> &'static str {
    match error {
        -1 => "SYSTEMERROR",
        -2 => "RUNTIMEINCONSISTENCY",
        -4 => "CONNECTIONLOSS",
        -5 => "MARSHALLINGERROR",
        -6 => "UNIMPLEMENTED",
        -7 => "OPERATIONTIMEOUT",
        -8 => "BADARGUMENTS",
        error::NO_NODE => "NONODE",
        -102 => "NOAUTH",
        -103 => "BADVERSION",
        error::NODE_EXISTS => "NODEEXISTS",
        -112 => "SESSIONEXPIRED",
        -118 => "SESSIONMOVED",
        _ => "an error",
    }
}

fn request(out: &mut BytesMut, xid: i32, operation: i32, fill: impl FnOnce(&mut BytesMut)) {
    frame(out, |out| {
        out.put_i32(xid);
        out.put_i32(operation);
        fill(out);
    });
}
