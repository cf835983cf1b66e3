//! Sessions as bytes: one form, for snapshots and for the digest. All numbers are little-endian. Records, sessions first, in
//! the order of their ids, then queues in the order of their paths:
//!
//! | kind (1 byte) | then |
//! |---|---|
//! | 5 SESSION | length of the rest (u32), id (16 bytes), TTL in ms (u32), opened in ms (u64), last sequence (u64), label (u16 and text), outcomes (u32; of each its sequence as u64, and itself), files (u32; of each its token as u64, and its path behind a u16) |
//! | 6 QUEUE | length of the rest (u32), path (u16 and text), waiters (u32; of each its session, sequence (u64), value behind a u32) |

use super::queues::Waiter;
use super::record::Session;
use super::table::Sessions;
use super::{LABEL_BYTES_MAX, OUTCOMES_MAX, PLACES_MAX, SessionId, TTL_MS};
use crate::outcome::Outcome;
use crate::path::PATH_BYTES_MAX;
use crate::planted::{Planted, is_planted};
use crate::revision::Revision;
use crate::settings::MAX_VALUE;

pub(crate) const SESSION: u8 = 5;
pub(crate) const QUEUE: u8 = 6;

impl Sessions {
    /// Appends all of them.
    pub fn encode(&self, out: &mut Vec<u8>) {
        for (id, session) in &self.known {
            record(out, SESSION, |out| put_session(out, id, session));
        }
        for (path, queue) in self.queues.iter() {
            record(out, QUEUE, |out| {
                put_text(out, path);
                out.extend_from_slice(&(queue.len() as u32).to_le_bytes());
                for waiter in queue {
                    out.extend_from_slice(&waiter.session.0);
                    out.extend_from_slice(&waiter.sequence.to_le_bytes());
                    out.extend_from_slice(&(waiter.value.len() as u32).to_le_bytes());
                    out.extend_from_slice(&waiter.value);
                }
            });
        }
    }

    /// Takes in the session of a record. Its paths are not checked. `None` if it makes no sense.
    pub fn load_session(&mut self, mut bytes: &[u8]) -> Option<SessionId> {
        let (id, session) = take_session(&mut bytes)?;
        let is_behind = self.known.last_key_value().is_none_or(|(last, _)| *last < id);
        let is_before_queues = self.queues.iter().next().is_none();
        if !bytes.is_empty() || !is_behind || !is_before_queues {
            return None;
        }
        self.bytes += session.bytes;
        self.known.insert(id, session);
        Some(id)
    }

    /// Takes in the queue of a record, and tells its path, which is not checked. `None` if it makes no sense.
    pub fn load_queue(&mut self, mut bytes: &[u8]) -> Option<Box<str>> {
        let path: Box<str> = take_text(&mut bytes, PATH_BYTES_MAX)?.into();
        let waiters = u32::from_le_bytes(take(&mut bytes)?);
        let is_behind = self.queues.iter().next_back().is_none_or(|(last, _)| *last < *path);
        if waiters == 0 || !is_behind {
            return None;
        }
        for _ in 0..waiters {
            let (session, sequence) = (SessionId(take(&mut bytes)?), u64::from_le_bytes(take(&mut bytes)?));
            let len = usize::try_from(u32::from_le_bytes(take(&mut bytes)?)).ok()?;
            let (value, rest) = bytes.split_at_checked(len).filter(|_| len <= MAX_VALUE.max)?;
            bytes = rest;
            let known = self.known.get(&session)?;
            let is_placed = known.places.contains_key(&sequence) || known.places.len() == PLACES_MAX;
            if known.outcome(sequence) != Some(Outcome::Queued) || is_placed {
                return None;
            }
            self.join(&path, Waiter { session, sequence, value: value.into() });
        }
        bytes.is_empty().then_some(path)
    }

    /// Whether everybody who waits has a place.
    pub fn is_whole(&self) -> bool {
        let is_whole = |session: &Session| {
            let queued = session.outcomes.iter().filter(|(_, outcome)| *outcome == Outcome::Queued);
            queued.map(|(sequence, _)| sequence).eq(session.places.keys())
        };
        self.known.values().all(is_whole)
    }
}

/// A record's kind and length around its bytes.
fn record(out: &mut Vec<u8>, kind: u8, fill: impl FnOnce(&mut Vec<u8>)) {
    out.push(kind);
    let at = out.len();
    out.extend_from_slice(&[0; 4]);
    fill(out);
    // Sessions are bounded far below that.
    let len = (out.len() - at - 4) as u32;
    out[at..at + 4].copy_from_slice(&len.to_le_bytes());
}

fn put_session(out: &mut Vec<u8>, id: &SessionId, session: &Session) {
    out.extend_from_slice(&id.0);
    out.extend_from_slice(&session.ttl_ms.to_le_bytes());
    out.extend_from_slice(&session.opened_ms.to_le_bytes());
    out.extend_from_slice(&session.last.to_le_bytes());
    put_text(out, &session.label);
    let is_carried =
        |outcome: Outcome| outcome == Outcome::Queued || !is_planted(Planted::AnswersLostWithSnapshot);
    let outcomes = session.outcomes.iter().filter(|(_, outcome)| is_carried(*outcome));
    out.extend_from_slice(&(outcomes.clone().count() as u32).to_le_bytes());
    for (sequence, outcome) in outcomes {
        out.extend_from_slice(&sequence.to_le_bytes());
        outcome.encode(out);
    }
    out.extend_from_slice(&(session.files.len() as u32).to_le_bytes());
    for (path, token) in &session.files {
        out.extend_from_slice(&token.0.to_le_bytes());
        put_text(out, path);
    }
}

fn take_session(bytes: &mut &[u8]) -> Option<(SessionId, Session)> {
    let id = SessionId(take(bytes)?);
    let (ttl_ms, opened_ms) = (u32::from_le_bytes(take(bytes)?), u64::from_le_bytes(take(bytes)?));
    let last = u64::from_le_bytes(take(bytes)?);
    let label = take_text(bytes, LABEL_BYTES_MAX).filter(|_| TTL_MS.contains(&ttl_ms))?;
    let mut session = Session::new(ttl_ms, opened_ms, label);
    for _ in 0..u32::from_le_bytes(take(bytes)?) {
        let sequence = u64::from_le_bytes(take(bytes)?);
        let is_behind = session.outcomes.back().is_none_or(|(before, _)| *before < sequence);
        if !is_behind || sequence == 0 || sequence > last || session.outcomes.len() == OUTCOMES_MAX {
            return None;
        }
        let outcome = Outcome::decode(bytes)?;
        session.keep(sequence, outcome);
    }
    session.last = last;
    for _ in 0..u32::from_le_bytes(take(bytes)?) {
        let token = Revision(u64::from_le_bytes(take(bytes)?));
        let path = take_text(bytes, PATH_BYTES_MAX)?;
        if session.files.last_key_value().is_some_and(|(before, _)| **before >= *path) {
            return None;
        }
        session.bind(path, token);
    }
    Some((id, session))
}

/// Paths and labels are shorter than that.
fn put_text(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(&(text.len() as u16).to_le_bytes());
    out.extend_from_slice(text.as_bytes());
}

fn take_text<'a>(bytes: &mut &'a [u8], bytes_max: usize) -> Option<&'a str> {
    let len = usize::from(u16::from_le_bytes(take(bytes)?));
    let (text, rest) = bytes.split_at_checked(len).filter(|_| len <= bytes_max)?;
    *bytes = rest;
    std::str::from_utf8(text).ok()
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*taken)
}
