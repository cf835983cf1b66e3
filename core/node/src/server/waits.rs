//! WAIT, WATCH, and the feeding of streams that fell behind.

use std::sync::Arc;

use bytes::Bytes;
use doozer_store::{Glob, Revision, Scan};
use doozer_wire::{ErrorKind, FLAG_PROGRESS, Request, Response};

use super::connection::Connection;
use super::problem::{Problem, bad_glob};
use super::requests::given;
use doozer_member::state::{Found, Next, SCAN_EVENTS, WaiterId, event_body};

/// Streams are fed from the history only while fewer bytes than this wait to be sent.
const FEED_BYTES: usize = 256 << 10;

impl Connection {
    pub(super) fn wait(&mut self, request: &Request) -> Result<(), Problem> {
        let (glob, from) = self.glob_and_rev(request)?;
        let to = self.address(request.tag);
        let mut from = from;
        // The long way through the history is gone together with other readers; only its end needs the state alone.
        let found = loop {
            let scan = self.shared.state().read().store().scan(&glob, from, SCAN_EVENTS);
            match scan {
                Scan::More(next) => from = next,
                Scan::Found(event) => break Found::Event(event),
                Scan::TooLate => break Found::TooLate,
                Scan::CaughtUp => match self.shared.state().write().wait(&glob, from, &to) {
                    Found::More(next) => from = next,
                    found => break found,
                },
            }
        };
        match found {
            Found::Event(event) => {
                let store_rev = self.modern.then(|| self.revision().to_raw());
                event_body(&event).encode_frame(request.tag, store_rev, &mut self.out);
            }
            Found::TooLate | Found::More(_) => return Err(ErrorKind::TooLate.into()),
            Found::Registered(id) => self.remember(id, request.tag),
        }
        Ok(())
    }

    pub(super) fn watch(&mut self, request: &Request) -> Result<(), Problem> {
        let (glob, from) = self.glob_and_rev(request)?;
        let to = self.address(request.tag);
        let id = self.shared.state().write().stream(glob, from, to);
        self.remember(id, request.tag);
        self.streams.push(id);
        self.lagging = true;
        Ok(())
    }

    /// Brings streams that are behind forward from the history, as far as there is room to send.
    pub(super) fn feed_streams(&mut self) {
        if !self.lagging {
            return;
        }
        self.lagging = false;
        for id in self.streams.clone() {
            if !self.feed(id) {
                self.lagging = true;
                return;
            }
        }
    }

    /// Whether the stream has caught up, or ended; otherwise there was no more room.
    fn feed(&mut self, id: WaiterId) -> bool {
        let Some(tag) = self.waiters.get(&id).copied() else { return true };
        let shared = Arc::clone(&self.shared);
        while self.out.len() < FEED_BYTES {
            let (next, revision) = {
                let mut state = shared.state().write();
                let next = state.stream_next(id);
                // Events handed over while the stream was live come before these, and none can be added meanwhile.
                self.take_outbox();
                (next, state.store().revision())
            };
            match next {
                Next::Events(events) => {
                    for event in events {
                        event_body(&event).encode_frame(tag, Some(revision.to_raw()), &mut self.out);
                    }
                }
                Next::CaughtUp(mark) => {
                    if let Some(mark) = mark {
                        progress(tag, mark).encode_frame(&mut self.out);
                    }
                    return true;
                }
                Next::TooLate => {
                    self.answer_too_late(id);
                    return true;
                }
                Next::Gone => return true,
            }
        }
        false
    }

    /// The history that a WAIT or a WATCH stands in is gone.
    pub(super) fn answer_too_late(&mut self, id: WaiterId) {
        let tag = self.waiters.get(&id).copied().flatten();
        if self.forget(id) {
            let (modern, revision) = (self.modern, self.revision());
            Problem::from(ErrorKind::TooLate).encode_frame(tag, modern, Some(revision), &mut self.out);
        }
    }

    /// Tells live streams how far they have seen, where there is news.
    pub(super) fn mark_progress(&mut self) {
        let shared = Arc::clone(&self.shared);
        let mut state = shared.state().write();
        // Events up to the mark may still lie in the outbox: they go first.
        self.take_outbox();
        for id in &self.streams {
            if let (Some(mark), Some(tag)) = (state.progress(*id), self.waiters.get(id)) {
                progress(*tag, mark).encode_frame(&mut self.out);
            }
        }
    }

    fn glob_and_rev(&self, request: &Request) -> Result<(Glob, Revision), Problem> {
        let (pattern, rev) = (given(&request.path)?, request.rev.ok_or(ErrorKind::MissingArg)?);
        let glob = parse_glob(pattern)?;
        self.room_for_a_waiter(request.tag)?;
        Ok((glob, Revision::from_raw(rev)))
    }

    /// Whether one more outstanding request may be kept under this tag.
    pub(super) fn room_for_a_waiter(&self, tag: Option<i32>) -> Result<(), Problem> {
        let is_used = |tag| self.waiter_tags.contains_key(&tag) || self.queued.has(tag);
        if tag.is_some_and(is_used) {
            return Err(ErrorKind::TagInUse.into());
        }
        let max = self.shared.limits.waits_max;
        if self.shared.state().read().waiters() + self.queued_by_all() >= max {
            let detail = format!("this member already keeps {max} waits: try another one, or later");
            return Err(Problem::new(ErrorKind::Overloaded, detail));
        }
        Ok(())
    }
}

pub(super) fn parse_glob(pattern: &Bytes) -> Result<Glob, Problem> {
    Glob::parse(pattern).map_err(|error| bad_glob(pattern, &error))
}

fn progress(tag: Option<i32>, mark: Revision) -> Response<'static> {
    let rev = Some(mark.to_raw());
    Response { tag, rev, flags: Some(FLAG_PROGRESS), store_rev: rev, ..Response::default() }
}
