//! SET, DEL, NOP and TXN on their way to the driver: checked as far as that can be done without the store, and encoded. Of
//! a session's commands the order of checks is the protocol's: what is missing, the session's own fields, then paths and
//! sizes.

use std::sync::atomic::Ordering;

use doozer_store::{By, Command, Flags, OUTCOMES_MAX, SessionId, validate};
use doozer_wire::{ErrorKind, Request, SetFlags};

use super::connection::Connection;
use super::problem::Problem;
use super::requests::given;
use super::txn;
use super::writes::{Of, Standing, Transaction};

impl Connection {
    pub(super) fn set(&mut self, request: &Request) -> Result<(), Problem> {
        let (path, rev) = (given(&request.path)?, request.rev.ok_or(ErrorKind::MissingArg)?);
        let by = by(request, &mut self.known)?;
        check_flags(request.flags, by.is_some())?;
        let is_queued = request.flags.contains(SetFlags::QUEUE);
        if is_queued && rev != 0 {
            return Err(bad_session(format!("a queued SET must have rev 0, not {rev}")));
        }
        let path = validate(path)?;
        let value = request.value.as_deref().unwrap_or_default();
        check_size(path, value, self.shared.value_bytes_max())?;
        let set = Command::Set { path, rev, value };
        match by {
            Some(by) if is_queued => self.set_in_turn(request, by, path, &set),
            by => {
                self.command(request, by, &set);
                Ok(())
            }
        }
    }

    pub(super) fn del(&mut self, request: &Request) -> Result<(), Problem> {
        let (path, rev) = (given(&request.path)?, request.rev.ok_or(ErrorKind::MissingArg)?);
        let by = without_flags(request, &mut self.known)?;
        let path = validate(path)?;
        self.command(request, by, &Command::Del { path, rev });
        Ok(())
    }

    pub(super) fn nop(&mut self, request: &Request) -> Result<(), Problem> {
        let by = without_flags(request, &mut self.known)?;
        self.command(request, by, &Command::Nop);
        Ok(())
    }

    pub(super) fn txn(&mut self, request: &Request) -> Result<(), Problem> {
        let body = request.txn.as_ref().ok_or(ErrorKind::MissingArg)?;
        let parts = txn::decode(body);
        if let Ok(parts) = &parts {
            txn::check_missing(parts)?;
        }
        let by = without_flags(request, &mut self.known)?;
        let parts = parts?;
        let txn = txn::checked(&parts, by.is_some(), self.shared.value_bytes_max())?;
        let of = Transaction { is_counted: by.is_some(), ops: txn.ops.len(), body: body.clone() };
        self.propose(request.tag, Of::Txn(Box::new(of)), |arena| {
            encode(request, by, &Command::Txn(txn), arena)
        });
        Ok(())
    }

    fn command(&mut self, request: &Request, by: Option<By<'_>>, command: &Command<'_>) {
        let of = if by.is_some() { Of::Command } else { Of::Write };
        self.propose(request.tag, of, |arena| encode(request, by, command, arena));
    }

    /// A SET that may wait, for as long as it takes, and can be cancelled.
    fn set_in_turn(
        &mut self,
        request: &Request,
        by: By<'_>,
        path: &str,
        set: &Command<'_>,
    ) -> Result<(), Problem> {
        self.room_for_a_waiter(request.tag)?;
        let number = self.queued.push(request.tag, by.session, by.sequence, path);
        let of = Of::Queued { number, _standing: Standing::new(&self.shared.queued) };
        self.propose(request.tag, of, |arena| encode(request, Some(by), set, arena));
        Ok(())
    }

    /// How many queued SETs the member keeps, of all connections.
    pub(super) fn queued_by_all(&self) -> usize {
        self.shared.queued.load(Ordering::Relaxed)
    }
}

/// A session whose key was hashed already: that would be a good part of what a command costs here.
pub(super) struct Known {
    key: [u8; 16],
    id: SessionId,
}

/// Appends a command and, if it is a session's, what stands before it.
fn encode(request: &Request, by: Option<By<'_>>, command: &Command<'_>, arena: &mut Vec<u8>) {
    if let Some(by) = by {
        by.encode_head(arena, request.unanswered.iter().copied());
    }
    command.encode(arena);
}

/// Whose command a request is, and which; `None` if nobody's. `known` is whoever sent the last one by this connection.
fn by(request: &Request, known: &mut Option<Known>) -> Result<Option<By<'static>>, Problem> {
    let (key, sequence) = match (&request.session, request.sequence) {
        (None, None) => return Ok(None),
        (Some(key), Some(sequence)) => (key, sequence),
        _ => return Err(bad_session("a command of a session needs both: its session and its sequence")),
    };
    let session = match known {
        Some(known) if known.key == key[..] => known.id,
        _ => {
            let id = session_of(key)?;
            *known = <[u8; 16]>::try_from(&key[..]).ok().map(|key| Known { key, id });
            id
        }
    };
    if sequence == 0 {
        return Err(bad_session("a session's commands are numbered from 1, not from 0"));
    }
    let acknowledged = request.acknowledged.unwrap_or_default();
    let unanswered = &request.unanswered;
    let is_ascending = unanswered.is_sorted_by(|one, next| one < next);
    if !is_ascending || unanswered.last().is_some_and(|last| *last > acknowledged) {
        return Err(bad_session("`unanswered` must ascend, and hold no number above `acknowledged`"));
    }
    if unanswered.len() > OUTCOMES_MAX {
        let count = unanswered.len();
        return Err(bad_session(format!("{count} numbers are unanswered, limit {OUTCOMES_MAX}")));
    }
    Ok(Some(By::new(session, sequence, acknowledged, &[]).flagged(flags_of(request.flags))))
}

/// The id of the session that a key opens.
pub(super) fn session_of(key: &[u8]) -> Result<SessionId, Problem> {
    let key = key
        .try_into()
        .map_err(|_| bad_session(format!("a session's key has 16 bytes, not {}", key.len())))?;
    Ok(SessionId::of_key(key))
}

/// For verbs that have no flags.
fn without_flags(request: &Request, known: &mut Option<Known>) -> Result<Option<By<'static>>, Problem> {
    if request.flags != SetFlags::default() {
        return Err(bad_session("`flags` belong to a SET"));
    }
    by(request, known)
}

/// What a SET, or one of a transaction, may ask for.
pub(super) fn check_flags(flags: SetFlags, is_by_session: bool) -> Result<(), Problem> {
    if flags == SetFlags::default() {
        return Ok(());
    }
    let unknown = flags.unknown();
    if unknown != SetFlags::default() {
        return Err(bad_session(format!("flags {unknown:?} are not known to this member")));
    }
    if !is_by_session {
        return Err(bad_session("EPHEMERAL and QUEUE need a session"));
    }
    Ok(())
}

fn flags_of(flags: SetFlags) -> Flags {
    let bit = |wire, flag: Flags| if flags.contains(wire) { flag.0 } else { 0 };
    Flags(bit(SetFlags::EPHEMERAL, Flags::EPHEMERAL) | bit(SetFlags::QUEUE, Flags::QUEUE))
}

/// Early, and only for those whose size the store would refuse in any case: it writes the cluster's own files whatever the
/// limit, which could not be raised again otherwise.
pub(super) fn check_size(path: &str, value: &[u8], limit: u64) -> Result<(), Problem> {
    if value.len() as u64 <= limit || path.starts_with("/ctl/") {
        return Ok(());
    }
    let detail = format!("value too large: {} bytes, limit {limit}", value.len());
    Err(Problem::new(ErrorKind::TooLarge, detail))
}

pub(super) fn bad_session(detail: impl Into<String>) -> Problem {
    Problem::new(ErrorKind::BadSession, detail)
}
