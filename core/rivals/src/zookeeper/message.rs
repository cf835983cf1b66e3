//! What a session says and hears: the records of ZooKeeper 3.8's `zookeeper.jute` that a load needs.

use bytes::{BufMut, Bytes, BytesMut};
use doozer_bench::LoadError;

use super::jute::{frame, put_bytes, take_bytes, take_i32, take_i64};

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
    pub const EXISTS: i32 = 3;
    pub const GET_DATA: i32 = 4;
    pub const SET_DATA: i32 = 5;
    pub const GET_CHILDREN: i32 = 8;
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

/// `CreateMode`, as far as needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// It stays.
    Persistent = 0,
    /// It goes with its session, and gets a number behind its name, greater than all before it in its directory.
    EphemeralSequential = 3,
}

/// `CreateRequest` of a node that everybody may use.
pub fn create(out: &mut BytesMut, xid: i32, path: &[u8], value: &[u8], mode: Mode) {
    request(out, xid, operation::CREATE, |out| {
        put_bytes(out, path);
        put_bytes(out, value);
        out.put_i32(1); // one entry in the list of permissions
        out.put_i32(ALL_PERMISSIONS);
        put_bytes(out, b"world");
        put_bytes(out, b"anyone");
        out.put_i32(mode as i32);
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

/// `GetChildrenRequest`, without a watch.
pub fn get_children(out: &mut BytesMut, xid: i32, path: &[u8]) {
    request(out, xid, operation::GET_CHILDREN, |out| {
        put_bytes(out, path);
        out.put_u8(0);
    });
}

/// Reads `GetChildrenResponse`: their names, in any order.
pub fn children(mut body: Bytes) -> Result<Vec<Bytes>, LoadError> {
    let count = take_i32(&mut body)?;
    (0..count).map(|_| take_bytes(&mut body)).collect()
}

/// `ExistsRequest`, with a watch for the next time that it is made, changed or deleted.
pub fn exists(out: &mut BytesMut, xid: i32, path: &[u8]) {
    request(out, xid, operation::EXISTS, |out| {
        put_bytes(out, path);
        out.put_u8(1);
    });
}

/// Reads the path of a `CreateResponse`.
pub fn created(mut body: Bytes) -> Result<Bytes, LoadError> {
    take_bytes(&mut body)
}

/// Reads the path of a `WatcherEvent`.
pub fn event_path(mut body: Bytes) -> Result<Bytes, LoadError> {
    take_i32(&mut body)?; // what happened
    take_i32(&mut body)?; // how the session is
    take_bytes(&mut body)
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Which request it is to, see [`xid`].
    pub xid: i32,
    /// 0, or an error's number.
    pub error: i32,
    /// What is said besides.
    pub body: Bytes,
}

impl Reply {
    /// Reads `ReplyHeader`. An event that is none about a node is `None`.
    pub fn read(mut body: Bytes) -> Result<Option<Reply>, LoadError> {
        let xid = take_i32(&mut body)?;
        take_i64(&mut body)?;
        let error = take_i32(&mut body)?;
        let is_about_session = xid == xid::EVENT && take_i32(&mut body.clone())? == EVENT_NONE;
        Ok((!is_about_session).then_some(Reply { xid, error, body }))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_a_queue() {
        let mut out = BytesMut::new();
        create(&mut out, 7, b"/l/n-", b"", Mode::EphemeralSequential);
        let expected = [
            &b"\0\0\0\x34\0\0\0\x07\0\0\0\x01\0\0\0\x05/l/n-\0\0\0\0"[..],
            b"\0\0\0\x01\0\0\0\x1f\0\0\0\x05world\0\0\0\x06anyone\0\0\0\x03",
        ];
        assert_eq!(out, expected.concat());
        let mut out = BytesMut::new();
        exists(&mut out, 8, b"/l/n-1");
        assert_eq!(&out[..], b"\0\0\0\x13\0\0\0\x08\0\0\0\x03\0\0\0\x06/l/n-1\x01");
    }

    #[test]
    fn what_is_answered() {
        let header = |xid: &[u8; 4]| [&xid[..], &[0; 12]].concat();
        let names = [&header(b"\0\0\0\x07")[..], b"\0\0\0\x02\0\0\0\x01a\0\0\0\x02bc"].concat();
        let reply = Reply::read(names.into()).unwrap().unwrap();
        assert_eq!((reply.xid, reply.error), (7, 0));
        assert_eq!(children(reply.body.clone()).unwrap(), ["a", "bc"]);
        assert!(children(reply.body.slice(..reply.body.len() - 1)).is_err(), "the last name is cut off");

        let deleted = [&header(b"\xff\xff\xff\xff")[..], b"\0\0\0\x02\0\0\0\x03\0\0\0\x02/a"].concat();
        let event = Reply::read(deleted.into()).unwrap().unwrap();
        assert_eq!((event.xid, event_path(event.body).unwrap()), (xid::EVENT, "/a".into()));
        let session = [&header(b"\xff\xff\xff\xff")[..], b"\xff\xff\xff\xff\0\0\0\x03\0\0\0\0"].concat();
        assert_eq!(Reply::read(session.into()).unwrap(), None, "it is about the session");
    }
}
