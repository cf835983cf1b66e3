//! Each request on its way to its answer. The order of checks is the protocol's: access, then missing arguments, then
//! the path or glob, then the state.

use bytes::Bytes;
use doozer_store::Revision;
use doozer_wire::{
    ErrorKind, Features, HelloReply, PROTOCOL_VERSION, Request, Response, Role, SetFlags, Verb,
};

use super::connection::Connection;
use super::problem::Problem;
use super::sessions;
use super::status;
use crate::access::Access;

/// What this version of the server understands.
fn features() -> Features {
    Features::CANCEL
        | Features::LIST
        | Features::WATCH
        | Features::STATUS
        | Features::PING
        | Features::LOCAL_READS
        | Features::SESSIONS
}

impl Connection {
    /// Answers a request, or sees to it that it will be answered.
    pub(super) fn handle(&mut self, request: &Request) {
        let done = self.dispatch(request);
        self.finish(request, done);
    }

    /// Answers what went wrong.
    pub(super) fn finish(&mut self, request: &Request, done: Result<(), Problem>) {
        if let Err(problem) = done {
            let seen = self.modern.then(|| self.shared.state().read().store().revision());
            problem.encode_frame(request.tag, self.modern, seen, &mut self.out);
        }
    }

    fn dispatch(&mut self, request: &Request) -> Result<(), Problem> {
        let verb = Verb::from_i32(request.verb).ok_or(ErrorKind::UnknownVerb)?;
        self.require(needed(verb, request)?)?;
        if !self.modern && needs_hello(verb, request) {
            let whose = if verb_is_new(verb) { "" } else { " of a session" };
            let detail = format!("{}{whose} needs a HELLO first", verb.name());
            return Err(Problem::new(ErrorKind::HelloNeeded, detail));
        }
        match verb {
            Verb::Rev | Verb::Get | Verb::Stat | Verb::Getdir | Verb::Walk | Verb::List => {
                self.read(verb, request)
            }
            Verb::Wait => self.wait(request),
            Verb::Watch => self.watch(request),
            Verb::Cancel => self.cancel(request),
            Verb::Set => self.set(request),
            Verb::Del => self.del(request),
            Verb::Nop => self.nop(request),
            Verb::Txn => self.txn(request),
            Verb::Session => self.session(request),
            Verb::SelfId => {
                let id = self.shared.id_text.clone();
                self.answer(request, |response| Response { value: Some(id.as_bytes()), ..response });
                Ok(())
            }
            Verb::Ping => {
                self.answer(request, |response| response);
                Ok(())
            }
            Verb::Access => self.present(request),
            Verb::Hello => self.hello(request),
            Verb::Status => {
                let status = status::of(&self.shared);
                self.answer(request, |response| Response { status: Some(&status), ..response });
                Ok(())
            }
            _ => Err(ErrorKind::UnknownVerb.into()),
        }
    }

    fn require(&self, needed: Access) -> Result<(), Problem> {
        if self.access >= needed { Ok(()) } else { Err(Problem::permission_denied()) }
    }

    /// The revision everything up to which is visible here.
    pub(super) fn revision(&self) -> Revision {
        self.shared.state().read().store().revision()
    }

    /// Sends an answer; `fill` adds to the parts that every answer has.
    pub(super) fn answer<'a>(&mut self, request: &Request, fill: impl FnOnce(Response<'a>) -> Response<'a>) {
        let store_rev = self.modern.then(|| self.revision().to_raw());
        fill(Response { tag: request.tag, store_rev, ..Response::default() }).encode_frame(&mut self.out);
    }

    fn present(&mut self, request: &Request) -> Result<(), Problem> {
        let secret = request.value.as_deref().unwrap_or_default();
        let granted = self.shared.secrets.present(secret).ok_or_else(Problem::permission_denied)?;
        self.access = self.access.max(granted);
        self.answer(request, |response| response);
        Ok(())
    }

    fn hello(&mut self, request: &Request) -> Result<(), Problem> {
        let hello = request.hello.clone().unwrap_or_default();
        if hello.role == Role::Peer {
            self.is_a_members(request);
            return Ok(());
        }
        self.modern = true;
        self.hears_goodbye = hello.features.contains(Features::GOODBYE);
        let reply = HelloReply {
            version: PROTOCOL_VERSION,
            features: features(),
            cluster: self.shared.cluster.0,
            member: self.shared.id_text.clone(),
            value_bytes_max: self.shared.value_bytes_max(),
            frame_bytes_max: self.shared.frame_limit() as u64,
            server_version: self.shared.version.clone(),
            peer: None,
        };
        self.answer(request, |response| Response { hello: Some(&reply), ..response });
        Ok(())
    }

    fn cancel(&mut self, request: &Request) -> Result<(), Problem> {
        let tag = request.other_tag.ok_or(ErrorKind::MissingArg)?;
        // A queued SET that was answered is not outstanding any more.
        self.take_outbox();
        if self.leave_queue(request.tag, tag) {
            return Ok(());
        }
        if let Some(id) = self.waiter_tags.get(&tag).copied() {
            self.shared.state().write().remove(id);
            self.forget(id);
        }
        self.asked.cancel(tag);
        // Nothing with that tag may follow this answer, so what is already on its way goes first.
        self.take_outbox();
        self.answer(request, |response| response);
        Ok(())
    }
}

/// A field as it came; not given is MISSING_ARG.
pub(super) fn given(field: &Option<Bytes>) -> Result<&Bytes, Problem> {
    field.as_ref().ok_or_else(|| ErrorKind::MissingArg.into())
}

fn needed(verb: Verb, request: &Request) -> Result<Access, Problem> {
    Ok(match verb {
        Verb::Set | Verb::Del | Verb::Nop | Verb::Txn => Access::Write,
        Verb::Session => sessions::needed(sessions::op(request)?.0),
        Verb::Get
        | Verb::Stat
        | Verb::Getdir
        | Verb::Walk
        | Verb::List
        | Verb::Wait
        | Verb::Watch
        | Verb::Status => Access::Read,
        _ => Access::None,
    })
}

/// Whether a request is one that only follows a HELLO.
fn needs_hello(verb: Verb, request: &Request) -> bool {
    let Request { session, sequence, acknowledged, unanswered, flags, .. } = request;
    let is_of_a_session = session.is_some()
        || sequence.is_some()
        || acknowledged.is_some()
        || !unanswered.is_empty()
        || *flags != SetFlags::default();
    verb_is_new(verb) || (matches!(verb, Verb::Set | Verb::Del | Verb::Nop) && is_of_a_session)
}

/// Verbs that the original does not have, but for those that can be sent at once.
fn verb_is_new(verb: Verb) -> bool {
    matches!(verb, Verb::Cancel | Verb::List | Verb::Watch | Verb::Txn | Verb::Session | Verb::Status)
}
