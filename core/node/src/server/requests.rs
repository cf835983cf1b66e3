//! Each request on its way to its answer. The order of checks is the protocol's: access, then missing arguments, then
//! the path or glob, then the state.

use bytes::Bytes;
use doozer_store::{Command, Revision, validate};
use doozer_wire::{ErrorKind, Features, HelloReply, PROTOCOL_VERSION, Request, Response, Role, Verb};

use super::connection::Connection;
use super::problem::Problem;
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
        self.require(needed(verb))?;
        if needs_hello(verb) && !self.modern {
            let detail = format!("{} needs a HELLO first", verb.name());
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
            Verb::Nop => {
                self.write(request.tag, |arena| Command::Nop.encode(arena));
                Ok(())
            }
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

    fn set(&mut self, request: &Request) -> Result<(), Problem> {
        let (path, rev) = path_and_rev(request)?;
        let value = request.value.as_deref().unwrap_or_default();
        let limit = self.shared.value_bytes_max();
        if value.len() as u64 > limit {
            let detail = format!("value too large: {} bytes, limit {limit}", value.len());
            return Err(Problem::new(ErrorKind::TooLarge, detail));
        }
        self.write(request.tag, |arena| Command::Set { path, rev, value }.encode(arena));
        Ok(())
    }

    fn del(&mut self, request: &Request) -> Result<(), Problem> {
        let (path, rev) = path_and_rev(request)?;
        self.write(request.tag, |arena| Command::Del { path, rev }.encode(arena));
        Ok(())
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

fn path_and_rev(request: &Request) -> Result<(&str, i64), Problem> {
    let (Some(path), Some(rev)) = (&request.path, request.rev) else {
        return Err(ErrorKind::MissingArg.into());
    };
    Ok((validate(path)?, rev))
}

/// A path or glob as it came; not given is MISSING_ARG.
pub(super) fn given(path: &Option<Bytes>) -> Result<&Bytes, Problem> {
    path.as_ref().ok_or_else(|| ErrorKind::MissingArg.into())
}

fn needed(verb: Verb) -> Access {
    match verb {
        Verb::Set | Verb::Del | Verb::Nop => Access::Write,
        Verb::Get
        | Verb::Stat
        | Verb::Getdir
        | Verb::Walk
        | Verb::List
        | Verb::Wait
        | Verb::Watch
        | Verb::Status => Access::Read,
        _ => Access::None,
    }
}

/// Verbs whose answers hold fields that only follow a HELLO.
fn needs_hello(verb: Verb) -> bool {
    matches!(verb, Verb::Cancel | Verb::List | Verb::Watch | Verb::Status)
}
