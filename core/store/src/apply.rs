//! Applying: commands in, outcomes and fired watches out.
//! The same on every member: no outcome may depend on options, watches or how much history there is.

use crate::command::{By, Change, Command, Flags, Op, Txn};
use crate::files::FileId;
use crate::order::Position;
use crate::outcome::{Granted, Outcome, Refusal};
use crate::path::{is_below, stem, validate};
use crate::planted::{Planted, is_planted};
use crate::revision::Revision;
use crate::session::{SessionId, Waiter};
use crate::settings;
use crate::store::Store;
use crate::watch::Fired;

/// What applying a batch of commands brought. Meant to be used again for the next one.
#[derive(Debug, Default)]
pub struct Applied {
    /// One for each command, in their order.
    pub outcomes: Vec<Outcome>,
    /// The watches that the changes concern, in the order of the revisions.
    pub fired: Vec<Fired>,
    /// What became of queued SETs that waited, in the order in which it did.
    pub granted: Vec<Granted>,
    /// The sessions that opened or ended, in order.
    pub sessions: Vec<SessionChange>,
}

/// A session that came or went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionChange {
    /// It opened, with this TTL in milliseconds.
    Opened(SessionId, u32),
    /// It ended.
    Ended(SessionId),
}

/// What a write finds at its path.
pub(crate) enum Target {
    File(FileId),
    Directory,
    BelowFile,
    /// Nothing; a file of this path belongs here among the live ones.
    Missing(Position),
}

/// Whose a SET is, and what it is beside a SET.
#[derive(Clone, Copy)]
struct Owner {
    session: SessionId,
    sequence: u64,
    flags: Flags,
}

impl Store {
    /// Applies encoded commands one after the other. `out` is emptied first.
    pub fn apply(&mut self, commands: impl IntoIterator<Item: AsRef<[u8]>>, out: &mut Applied) {
        out.outcomes.clear();
        out.fired.clear();
        out.granted.clear();
        out.sessions.clear();
        for command in commands {
            let outcome = self.apply_one(command.as_ref(), out).unwrap_or_else(Outcome::Refused);
            if !is_planted(Planted::GrantedLater) || outcome == Outcome::Nop {
                self.grant(out);
            }
            out.outcomes.push(outcome);
        }
    }

    /// Whether a write, applied now, would change the files that it names. What else there is, a session's end for one, is
    /// no write.
    pub fn would_change(&self, command: &[u8]) -> bool {
        match Command::decode(command) {
            Ok(Command::By(by)) => {
                let is_admitted = self.sessions.would_admit(&by, &self.settings);
                let write = Command::decode(by.command).ok().filter(|_| is_admitted);
                write.is_some_and(|write| self.would_write(&write, Some(by.flags)))
            }
            Ok(write) => self.would_write(&write, None),
            Err(_) => false,
        }
    }

    /// The flags are those of a session's write.
    fn would_write(&self, write: &Command<'_>, flags: Option<Flags>) -> bool {
        let is_queued = flags.is_some_and(|flags| flags.has(Flags::QUEUE));
        let is_ephemeral = flags.is_some_and(|flags| flags != Flags::default());
        let one = |op| Txn { compares: Vec::new(), ops: vec![op] };
        let txn = match *write {
            // It would be refused.
            Command::Set { rev, .. } if is_queued && rev != 0 => return false,
            Command::Set { path, rev, value } => {
                one(Op { path, rev, change: Change::Set { value, is_ephemeral } })
            }
            Command::Del { path, rev } => one(Op { path, rev, change: Change::Del }),
            Command::Txn(ref txn) => txn.clone(),
            _ => return false,
        };
        matches!(self.try_txn(&txn, flags.is_some()), Outcome::Txn(changes) if !changes.is_empty())
    }

    fn apply_one(&mut self, command: &[u8], out: &mut Applied) -> Result<Outcome, Refusal> {
        match Command::decode(command)? {
            Command::By(by) => Ok(self.apply_by(&by, out)),
            Command::Open { session, ttl_ms, opened_ms, label } => {
                let is_new = self.session(&session).is_none();
                let outcome = self.sessions.open(session, ttl_ms, opened_ms, label, &self.settings)?;
                if is_new {
                    out.sessions.push(SessionChange::Opened(session, ttl_ms));
                }
                Ok(outcome)
            }
            Command::Close { session } | Command::Expire { session } => self.end(session, out),
            Command::Leave { session, sequence, path } => {
                let has_left = self.leave(&session, sequence, path, out);
                Ok(if has_left { Outcome::Left } else { Outcome::Absent })
            }
            write => self.write(&write, None, out),
        }
    }

    /// A session's write: once, whatever comes of it.
    fn apply_by(&mut self, by: &By<'_>, out: &mut Applied) -> Outcome {
        if let Err(outcome) = self.sessions.admit(by, &self.settings) {
            return outcome;
        }
        let owner = Owner { session: by.session, sequence: by.sequence, flags: by.flags };
        let outcome = Command::decode(by.command).map_err(Refusal::from);
        let outcome = outcome.and_then(|write| self.write(&write, Some(owner), out));
        let outcome = outcome.unwrap_or_else(Outcome::Refused);
        self.sessions.keep(by, outcome);
        outcome
    }

    fn write(
        &mut self,
        write: &Command<'_>,
        owner: Option<Owner>,
        out: &mut Applied,
    ) -> Result<Outcome, Refusal> {
        match (write, owner) {
            (&Command::Set { path, rev, value }, Some(owner)) if owner.flags.has(Flags::QUEUE) => {
                self.set_in_turn(path, rev, value, owner, out)
            }
            (&Command::Set { path, rev, value }, Some(owner)) if owner.flags.has(Flags::EPHEMERAL) => {
                let rev = self.set_bound(path, rev, value, owner.session, out)?;
                Ok(Outcome::Set(rev))
            }
            (&Command::Set { path, rev, value }, _) => {
                self.set_plain(path, rev, value, out).map(Outcome::Set)
            }
            (&Command::Del { path, rev }, _) => {
                let deleted = self.del(path, rev, out)?;
                Ok(deleted.map_or(Outcome::Absent, Outcome::Deleted))
            }
            (Command::Nop, _) => Ok(Outcome::Nop),
            (Command::Txn(txn), _) => self.apply_txn(txn, owner.map(|owner| owner.session), out),
            // The decoder lets nothing else through.
            _ => Err(Refusal::Malformed),
        }
    }

    fn set_plain(
        &mut self,
        path: &str,
        rev: i64,
        value: &[u8],
        out: &mut Applied,
    ) -> Result<Revision, Refusal> {
        let id = self.set(path, rev, value)?;
        let file = self.files.get(id);
        self.watches.fire(file.rev, path, file.value.as_ref(), &mut out.fired);
        Ok(file.rev)
    }

    /// A SET whose file goes with a session. One that the session holds already it goes on holding by the same token.
    fn set_bound(
        &mut self,
        path: &str,
        rev: i64,
        value: &[u8],
        session: SessionId,
        out: &mut Applied,
    ) -> Result<Revision, Refusal> {
        settings::check_bindable(path)?;
        let token = self.sessions.token(&session, path);
        let rev = self.set_plain(path, rev, value, out)?;
        if let Some(id) = self.files.find(path) {
            self.bind(id, session, token.unwrap_or(rev));
        }
        Ok(rev)
    }

    /// A queued SET: makes the file, or waits for its turn.
    fn set_in_turn(
        &mut self,
        path: &str,
        rev: i64,
        value: &[u8],
        owner: Owner,
        out: &mut Applied,
    ) -> Result<Outcome, Refusal> {
        if rev != 0 {
            return Err(Refusal::BadQueue);
        }
        settings::check_bindable(path)?;
        match self.target(path)? {
            Target::File(_) => {
                self.settings.check_value(path, value)?;
                let Owner { session, sequence, .. } = owner;
                self.sessions.join(path, Waiter { session, sequence, value: value.into() });
                Ok(Outcome::Queued)
            }
            _ => self.set_bound(path, rev, value, owner.session, out).map(Outcome::Set),
        }
    }

    fn apply_txn(
        &mut self,
        txn: &Txn<'_>,
        session: Option<SessionId>,
        out: &mut Applied,
    ) -> Result<Outcome, Refusal> {
        let outcome = self.try_txn(txn, session.is_some());
        let is_made = matches!(outcome, Outcome::Txn(_))
            || (is_planted(Planted::TxnInPart) && !matches!(outcome, Outcome::Unequal(_)));
        if !is_made {
            return Ok(outcome);
        }
        for Op { path, rev, change } in &txn.ops {
            // Nothing is refused here that was not refused by the trial.
            match (*change, session) {
                (Change::Set { value, is_ephemeral: true }, Some(session)) => {
                    self.set_bound(path, *rev, value, session, out)?;
                }
                (Change::Set { value, .. }, _) => {
                    self.set_plain(path, *rev, value, out)?;
                }
                (Change::Del, _) => {
                    self.del(path, *rev, out)?;
                }
            }
        }
        Ok(outcome)
    }

    fn end(&mut self, session: SessionId, out: &mut Applied) -> Result<Outcome, Refusal> {
        if is_planted(Planted::FilesBeforePlaces) {
            let files: Vec<Box<str>> = self.sessions.files(&session).map(|(path, _)| path.into()).collect();
            for path in files {
                self.del(&path, -1, out)?;
            }
            self.grant(out);
        }
        let ended = self.sessions.end(&session).ok_or(Refusal::NoSession)?;
        out.granted.extend(ended.places);
        for path in ended.files {
            self.del(&path, -1, out)?;
        }
        out.sessions.push(SessionChange::Ended(session));
        Ok(Outcome::Closed)
    }

    /// Takes a place in a queue back; or, if it was granted, the file. Whether the queued SET has come to that.
    fn leave(&mut self, session: &SessionId, sequence: u64, path: &str, out: &mut Applied) -> bool {
        if let Some(left) = self.sessions.leave(session, sequence, path) {
            out.granted.push(left);
            true
        } else if let Some(Outcome::Set(granted)) = self.sessions.outcome(session, sequence) {
            if self.sessions.token(session, path) == Some(granted) {
                // It is there: the session holds it.
                let _ = self.del(path, -1, out);
            }
            // Whoever asks for the answer once more must not take it for held.
            if !is_planted(Planted::LeftStaysGranted) {
                self.sessions.revoke(session, sequence);
            }
            true
        } else {
            false
        }
    }

    /// Gives files that were freed to the first of those who wait for them. Nobody can come between: it is the same step.
    fn grant(&mut self, out: &mut Applied) {
        while let Some(path) = self.sessions.next_freed() {
            let refusal = match self.target(&path) {
                Ok(Target::File(_)) => continue,
                Ok(Target::Missing(place)) => {
                    if let Some(waiter) = self.sessions.next(&path) {
                        let id = self.create(&path, place, waiter.value.clone());
                        let file = self.files.get(id);
                        let rev = file.rev;
                        self.watches.fire(rev, &path, file.value.as_ref(), &mut out.fired);
                        self.bind(id, waiter.session, rev);
                        out.granted.push(self.sessions.settle(&waiter, Outcome::Set(rev)));
                    }
                    continue;
                }
                Ok(Target::Directory) => Refusal::IsDir,
                Ok(Target::BelowFile) => Refusal::NotDir,
                Err(refusal) => refusal,
            };
            while let Some(waiter) = self.sessions.next(&path) {
                out.granted.push(self.sessions.settle(&waiter, Outcome::Refused(refusal)));
            }
        }
    }

    fn set(&mut self, path: &str, rev: i64, value: &[u8]) -> Result<FileId, Refusal> {
        let target = self.target(path)?;
        self.settings.check_value(path, value)?;
        match target {
            Target::File(id) => {
                check_rev(rev, self.files.get(id).rev.to_raw())?;
                self.replace(id, value.into());
                Ok(id)
            }
            Target::Missing(place) => {
                check_rev(rev, 0)?;
                Ok(self.create(path, place, value.into()))
            }
            Target::Directory => Err(on_directory(rev)),
            Target::BelowFile => Err(Refusal::NotDir),
        }
    }

    /// None if there was nothing to delete.
    fn del(&mut self, path: &str, rev: i64, out: &mut Applied) -> Result<Option<Revision>, Refusal> {
        match self.target(path)? {
            Target::File(id) => {
                check_rev(rev, self.files.get(id).rev.to_raw())?;
                let rev = self.delete(id);
                self.watches.fire(rev, path, None, &mut out.fired);
                Ok(Some(rev))
            }
            Target::Directory => Err(on_directory(rev)),
            Target::BelowFile | Target::Missing(_) => check_rev(rev, 0).map(|()| None),
        }
    }

    /// One look-up for a file that exists: its path, known since it was made, needs no check. Anything else
    /// takes one search in the order of the live files: what is below a path directly follows it, and a file
    /// above it, having nothing below, directly precedes it.
    pub(crate) fn target(&self, path: &str) -> Result<Target, Refusal> {
        if let Some(id) = self.files.find(path)
            && self.files.get(id).value.is_some()
        {
            return Ok(Target::File(id));
        }
        validate(path.as_bytes()).map_err(Refusal::BadPath)?;
        let Some(stem) = stem(path).filter(|stem| !stem.is_empty()) else { return Ok(Target::Directory) };
        let place = self.live.seek_after(&self.files, stem);
        if self.live.get(place).is_some_and(|id| is_below(self.files.path(id), stem)) {
            return Ok(Target::Directory);
        }
        if self.live.before(place).is_some_and(|id| is_below(path, self.files.path(id))) {
            return Ok(Target::BelowFile);
        }
        Ok(Target::Missing(place))
    }
}

/// The rule of all writes: a revision at least the present one, or -1 for any.
pub(crate) fn check_rev(rev: i64, present: i64) -> Result<(), Refusal> {
    if rev == -1 || rev >= present { Ok(()) } else { Err(Refusal::RevMismatch) }
}

/// A directory has, as far as that rule goes, revision -2.
pub(crate) fn on_directory(rev: i64) -> Refusal {
    check_rev(rev, -2).err().unwrap_or(Refusal::IsDir)
}
