//! Sessions as bare requests: opening one, writing under it, waiting in queues. Nothing that checks a promise.

use bytes::Bytes;
use doozer_wire::{
    Compare, OwnedResponse, Request, SessionInfo, SessionOp, SessionReply, SessionRequest, SetFlags, Test,
    TxnOp, TxnRequest, Verb,
};

use super::{Raw, at, request, set};

/// Long enough that none of them ends by itself in a test.
pub const TTL_MS: u64 = 60_000;

/// A session, by its key, and the number of its last command.
#[derive(Clone)]
pub struct Session {
    pub key: Bytes,
    pub last: u64,
}

impl Session {
    /// With a key that begins with this number.
    pub fn new(number: u32) -> Session {
        let mut key = vec![0xA5; 16];
        key[..4].copy_from_slice(&number.to_be_bytes());
        Session { key: key.into(), last: 0 }
    }

    /// One that is open.
    pub fn open(raw: &mut Raw, number: u32) -> Session {
        Session::open_for(raw, number, TTL_MS)
    }

    /// One that is open for so long.
    pub fn open_for(raw: &mut Raw, number: u32, ttl_ms: u64) -> Session {
        let session = Session::new(number);
        let answer = raw.call(session.opening(ttl_ms));
        assert_eq!(answer.failure(), None);
        assert_eq!(answer.session.unwrap().ttl_ms, Some(ttl_ms));
        session
    }

    pub fn opening(&self, ttl_ms: u64) -> Request {
        let label = Bytes::from_static(b"a test");
        self.asks(SessionRequest { ttl_ms: Some(ttl_ms), label, ..does(SessionOp::Open) })
    }

    /// A SESSION of this one's.
    pub fn asks(&self, op: SessionRequest) -> Request {
        Request { session: Some(self.key.clone()), session_op: Some(op), ..request(Verb::Session) }
    }

    /// The public id.
    pub fn id(&self) -> [u8; 16] {
        blake3::hash(&self.key).as_bytes()[..16].try_into().unwrap()
    }

    /// The request as this command of the session's.
    pub fn numbered(&self, sequence: u64, request: Request) -> Request {
        Request { session: Some(self.key.clone()), sequence: Some(sequence), ..request }
    }

    /// As its next command.
    pub fn next(&mut self, request: Request) -> Request {
        self.last += 1;
        self.numbered(self.last, request)
    }

    pub fn end(&self, raw: &mut Raw) -> OwnedResponse {
        raw.call(self.asks(does(SessionOp::Close)))
    }

    pub fn keep_alive(&self, raw: &mut Raw) -> OwnedResponse {
        raw.call(self.asks(does(SessionOp::KeepAlive)))
    }

    /// What the cluster knows of it.
    pub fn shown(&self, raw: &mut Raw) -> SessionInfo {
        let answer = raw.call(by_id(SessionOp::Show, self.id()));
        assert_eq!(answer.failure(), None);
        answer.session.unwrap().sessions.remove(0)
    }
}

pub fn does(op: SessionOp) -> SessionRequest {
    SessionRequest { op: op as i32, ..SessionRequest::default() }
}

/// SHOW or END.
pub fn by_id(op: SessionOp, id: [u8; 16]) -> Request {
    let id = Some(Bytes::copy_from_slice(&id));
    Request { session_op: Some(SessionRequest { id, ..does(op) }), ..request(Verb::Session) }
}

pub fn explain(raw: &mut Raw, path: &str) -> SessionReply {
    let answer = raw.call(Request { session_op: Some(does(SessionOp::Explain)), ..at(Verb::Session, path) });
    assert_eq!(answer.failure(), None);
    *answer.session.unwrap()
}

pub fn ephemeral(path: &str, value: &'static str, rev: i64) -> Request {
    Request { flags: SetFlags::EPHEMERAL, ..set(path, value, rev) }
}

pub fn queued(path: &str, value: &'static str) -> Request {
    Request { flags: SetFlags::QUEUE, ..set(path, value, 0) }
}

pub fn del(path: &str, rev: i64) -> Request {
    Request { rev: Some(rev), ..at(Verb::Del, path) }
}

pub fn txn(compares: Vec<Compare>, ops: Vec<TxnOp>) -> Request {
    Request { txn: Some(TxnRequest { compares, ops }.encode()), ..request(Verb::Txn) }
}

pub fn compare(path: &str, test: Test) -> Compare {
    Compare { path: Some(Bytes::copy_from_slice(path.as_bytes())), test: Some(test) }
}

/// How many wait for a path, once there are so many.
pub fn wait_for_queue(raw: &mut Raw, path: &str, count: usize) {
    let until = std::time::Instant::now() + std::time::Duration::from_secs(30);
    loop {
        let waiting = explain(raw, path).lock.unwrap().queue.len();
        if waiting == count {
            return;
        }
        assert!(std::time::Instant::now() < until, "{waiting} wait for {path}, not {count}");
    }
}
