//! SESSION, as far as it changes something: opening, keeping alive, ending. What is shown of sessions is in `shown`.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use doozer_store::{Command, LABEL_BYTES_MAX, Refusal, SessionId, TTL_MS};
use doozer_wire::{ErrorKind, Request, SessionOp, SessionRequest, Verb};

use super::commands::{bad_session, session_of};
use super::connection::Connection;
use super::keep_alive::KeepAliveReply;
use super::problem::Problem;
use super::requests::given;
use super::writes::{Of, Opening};
use crate::access::Access;
use crate::input::Input;
use crate::shared::Shared;

/// What a request's SESSION does.
pub(super) fn op(request: &Request) -> Result<(SessionOp, &SessionRequest), Problem> {
    let op = request.session_op.as_ref().ok_or(ErrorKind::MissingArg)?;
    let known = SessionOp::from_i32(op.op)
        .ok_or_else(|| Problem::new(ErrorKind::UnknownVerb, format!("SESSION has no operation {}", op.op)))?;
    Ok((known, op))
}

/// The access it needs.
pub(super) fn needed(op: SessionOp) -> Access {
    match op {
        SessionOp::List | SessionOp::Show | SessionOp::Explain => Access::Read,
        _ => Access::Write,
    }
}

impl Connection {
    pub(super) fn session(&mut self, request: &Request) -> Result<(), Problem> {
        let (op, asked) = op(request)?;
        match op {
            SessionOp::Open => self.open_session(request, asked),
            SessionOp::KeepAlive => {
                let session = session_of(given(&request.session)?)?;
                self.keep_alive(request.tag, session);
                Ok(())
            }
            SessionOp::Close => {
                let session = session_of(given(&request.session)?)?;
                self.end_session(request.tag, session);
                Ok(())
            }
            SessionOp::End => {
                let session = id(given(&asked.id)?)?;
                self.end_session(request.tag, session);
                Ok(())
            }
            _ => self.read(Verb::Session, request),
        }
    }

    fn open_session(&mut self, request: &Request, asked: &SessionRequest) -> Result<(), Problem> {
        let (key, ttl_ms) = (given(&request.session)?, asked.ttl_ms.ok_or(ErrorKind::MissingArg)?);
        let id = session_of(key)?;
        let (min, max) = (*TTL_MS.start(), *TTL_MS.end());
        let ms = u32::try_from(ttl_ms).unwrap_or(u32::MAX);
        if !TTL_MS.contains(&ms) {
            return Err(Problem::from(&Refusal::BadTtl { ms, min, max }));
        }
        let label = label(&asked.label);
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let opened_ms = since.map_or(0, |since| since.as_millis() as u64);
        let open = Command::Open { session: id, ttl_ms: ms, opened_ms, label: &label };
        let of = Of::Open(Box::new(Opening { shared: Arc::clone(&self.shared), id, ttl_ms }));
        self.propose(request.tag, of, |arena| open.encode(arena));
        Ok(())
    }

    fn end_session(&mut self, tag: Option<i32>, session: SessionId) {
        self.propose(tag, Of::Write, |arena| Command::Close { session }.encode(arena));
    }

    fn keep_alive(&mut self, tag: Option<i32>, session: SessionId) {
        // What was sent before comes first: the OPEN, for one.
        self.hand_over_batch();
        let (to, shared) = (self.address(tag), Arc::clone(&self.shared));
        let reply = KeepAliveReply { to, session, shared };
        self.asks_the_driver(Input::KeepAlive(session, reply));
    }
}

/// The TTL of a session, if this member knows it.
pub(super) fn ttl_ms(shared: &Shared, session: &SessionId) -> Option<u64> {
    // Whoever asks may be looking at the state itself.
    let state = shared.state().read_recursive();
    Some(state.store().session(session)?.ttl_ms().into())
}

/// A session's public id, as an operator gives it.
pub(super) fn id(bytes: &[u8]) -> Result<SessionId, Problem> {
    let id = bytes
        .try_into()
        .map_err(|_| bad_session(format!("a session's id has 16 bytes, not {}", bytes.len())))?;
    Ok(SessionId(id))
}

/// A label as text, and no more of it than is kept.
fn label(bytes: &[u8]) -> Cow<'_, str> {
    // What is behind the end of the kept part can be cut before it is known whether it is text.
    let kept = &bytes[..bytes.len().min(LABEL_BYTES_MAX + 3)];
    String::from_utf8_lossy(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_text_and_short() {
        assert_eq!(label(b"me"), "me");
        assert_eq!(label(b"\xffx"), "\u{fffd}x");
        let long = "é".repeat(4 << 20);
        assert!(label(long.as_bytes()).starts_with(&"é".repeat(LABEL_BYTES_MAX / 2)));
        assert!(label(long.as_bytes()).len() < 3 * LABEL_BYTES_MAX);
    }
}
