//! The bench with a member that knows sessions.

use std::time::Duration;

use super::*;
use crate::session::Tenure;
use doozer_wire::{SessionOp, SessionReply, SetFlags};

/// A table connected to a member that knows sessions.
pub(super) fn sessions() -> Bench {
    let known = Features::CANCEL | Features::PING | Features::LOCAL_READS | Features::SESSIONS;
    let mut bench = bench(known);
    bench.table.connected(&bench.peer.clone(), &mut bench.done);
    bench
}

/// The same with a session that was opened, under number 1 of whose commands a file was made.
pub(super) fn opened() -> Bench {
    let mut bench = sessions();
    let (_, mut first) = bench.submit(Verb::Set, "/first", Some(0));
    bench.open();
    let sent = bench.send();
    bench.count(&sent[0], 1);
    assert_eq!(first.try_recv().unwrap().unwrap().generation, Some(1));
    bench
}

pub(super) type Told = oneshot::Receiver<Answer>;

impl Bench {
    /// The member opens the session that is asked for.
    pub(super) fn open(&mut self) -> Request {
        let sent = self.send();
        assert_eq!((names(&sent), op(&sent[0])), (vec!["SESSION"], Some(SessionOp::Open)));
        let reply = SessionReply { ttl_ms: Some(12_000), ..SessionReply::default() };
        self.answer(sent[0].tag.unwrap(), |answer| answer.session = Some(Box::new(reply)));
        sent[0].clone()
    }

    /// The member makes a command.
    pub(super) fn count(&mut self, request: &Request, rev: i64) {
        self.answer(request.tag.unwrap(), |answer| (answer.rev, answer.counted) = (Some(rev), true));
    }

    /// The member makes a NOP.
    pub(super) fn count_nop(&mut self, request: &Request) {
        assert_eq!(request.verb, Verb::Nop as i32);
        self.answer(request.tag.unwrap(), |answer| answer.counted = true);
    }

    /// The member refuses a request, without counting it.
    pub(super) fn fail(&mut self, request: &Request, kind: ErrorKind, detail: &str) {
        self.answer(request.tag.unwrap(), |answer| {
            (answer.err_code, answer.kind) = (Some(127), Some(kind.number()));
            answer.err_detail = Some(detail.to_owned());
        });
    }

    pub(super) fn set(&mut self, path: &str) -> (Tag, Told) {
        self.submit(Verb::Set, path, Some(0))
    }

    pub(super) fn queued_set(&mut self, path: &str) -> (Tag, Told) {
        let (caller, answer) = oneshot::channel();
        let flags = SetFlags::EPHEMERAL | SetFlags::QUEUE;
        let request = Request { flags, ..request(Verb::Set, path, Some(0)) };
        (self.table.submit(request, Owner::Caller(caller), &mut self.done), answer)
    }

    pub(super) fn reconnect(&mut self) {
        self.lose();
        self.table.connected(&self.peer.clone(), &mut self.done);
        self.done.deliver();
    }

    /// The transport takes everything, and the member answers keep-alives; returns the rest.
    pub(super) fn commands(&mut self) -> Vec<Request> {
        let mut requests = self.send();
        requests.retain(|request| {
            let is_renewal = op(request) == Some(SessionOp::KeepAlive);
            if is_renewal {
                self.answer(request.tag.unwrap(), |_| {});
            }
            !is_renewal
        });
        requests
    }

    pub(super) fn pass(&mut self, seconds: u64) {
        self.now = self.now.after(Duration::from_secs(seconds));
    }

    pub(super) fn tenure(&mut self) -> Option<Option<Tenure>> {
        self.done.tenure.take()
    }
}

pub(super) fn op(request: &Request) -> Option<SessionOp> {
    SessionOp::from_i32(request.session_op.as_ref()?.op)
}

/// Verb, path and number of each.
pub(super) fn sent(requests: &[Request]) -> Vec<String> {
    let show = |request: &Request| {
        let path = request.path.as_ref().map(|path| String::from_utf8_lossy(path).into_owned());
        let verb = Verb::from_i32(request.verb).map_or("?", Verb::name);
        format!("{verb} {} {}", path.unwrap_or_default(), request.sequence.unwrap_or_default())
    };
    requests.iter().map(show).collect()
}

pub(super) fn rev(told: &mut Told) -> Option<i64> {
    told.try_recv().unwrap().unwrap().response.rev
}
