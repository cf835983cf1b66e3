//! A store, and short ways to ask it for something in the name of a session.

#![allow(dead_code, reason = "each test file uses some of it")]

use doozer_store::{Applied, At, By, Command, Flags, Lookup, Options, Outcome, Refusal, SessionId, Store};

pub const A: SessionId = SessionId([1; 16]);
pub const B: SessionId = SessionId([2; 16]);
pub const C: SessionId = SessionId([3; 16]);

pub struct Tree {
    pub store: Store,
    /// Of the last command.
    pub out: Applied,
}

impl Default for Tree {
    fn default() -> Self {
        Self { store: Store::new(Options::default()), out: Applied::default() }
    }
}

impl Tree {
    /// With the sessions of A, B and C open.
    pub fn with_sessions() -> Self {
        let mut tree = Self::default();
        assert_eq!([A, B, C].map(|session| tree.open(session)), [Outcome::Opened; 3]);
        tree
    }

    pub fn apply(&mut self, command: Command<'_>) -> Outcome {
        self.store.apply([write(command)], &mut self.out);
        self.out.outcomes[0]
    }

    pub fn open(&mut self, session: SessionId) -> Outcome {
        self.apply(Command::Open { session, ttl_ms: 5000, opened_ms: 7, label: "me" })
    }

    /// Of no session.
    pub fn set(&mut self, path: &str, value: &[u8]) {
        let outcome = self.apply(Command::Set { path, rev: -1, value });
        assert!(matches!(outcome, Outcome::Set(_)), "{path}: {outcome:?}");
    }

    pub fn del(&mut self, path: &str) {
        let outcome = self.apply(Command::Del { path, rev: -1 });
        assert!(matches!(outcome, Outcome::Deleted(_)), "{path}: {outcome:?}");
    }

    pub fn by(
        &mut self,
        who: SessionId,
        sequence: u64,
        acknowledged: u64,
        flags: u8,
        command: &[u8],
    ) -> Outcome {
        self.by_but(who, sequence, acknowledged, &[], flags, command)
    }

    /// All up to the acknowledged one but these.
    pub fn by_but(
        &mut self,
        who: SessionId,
        sequence: u64,
        acknowledged: u64,
        unanswered: &[u64],
        flags: u8,
        command: &[u8],
    ) -> Outcome {
        let by = By::new(who, sequence, acknowledged, command).flagged(Flags(flags));
        let mut bytes = Vec::new();
        by.encode_head(&mut bytes, unanswered.iter().copied());
        bytes.extend(command);
        self.store.apply([bytes], &mut self.out);
        self.out.outcomes[0]
    }

    /// Under the session's next number.
    pub fn next(&mut self, who: SessionId, command: &[u8]) -> Outcome {
        self.next_with(who, 0, command)
    }

    pub fn next_with(&mut self, who: SessionId, flags: u8, command: &[u8]) -> Outcome {
        let last = self.store.session(&who).map_or(0, |session| session.last());
        self.by(who, last + 1, 0, flags, command)
    }

    pub fn ephemeral(&mut self, who: SessionId, path: &str, value: &[u8]) -> Outcome {
        self.next_with(who, Flags::EPHEMERAL.0, &set(path, -1, value))
    }

    pub fn queue(&mut self, who: SessionId, path: &str, value: &[u8]) -> Outcome {
        self.next_with(who, Flags::QUEUE.0, &set(path, 0, value))
    }

    /// One behind the other.
    pub fn queue_all(&mut self, who: &[SessionId], path: &str, value: &[u8]) {
        let outcomes: Vec<_> = who.iter().map(|who| self.queue(*who, path, value)).collect();
        assert!(
            matches!(outcomes[..], [Outcome::Set(_), ref rest @ ..] if rest.iter().all(|outcome| *outcome == Outcome::Queued))
        );
    }

    pub fn would_change(&self, who: SessionId, sequence: u64, acknowledged: u64, command: &[u8]) -> bool {
        self.store.would_change(&write(Command::By(By::new(who, sequence, acknowledged, command))))
    }

    /// Revision and value.
    pub fn get(&self, path: &str) -> Option<(u64, Vec<u8>)> {
        match self.store.get(path, At::Now) {
            Ok(Lookup::File { rev, value }) => Some((rev.0, value.to_vec())),
            _ => None,
        }
    }
}

pub fn write(command: Command<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    command.encode(&mut bytes);
    bytes
}

pub fn set(path: &str, rev: i64, value: &[u8]) -> Vec<u8> {
    write(Command::Set { path, rev, value })
}

pub fn refused(refusal: Refusal) -> Outcome {
    Outcome::Refused(refusal)
}
