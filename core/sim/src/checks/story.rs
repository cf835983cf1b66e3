//! A cluster as it should be, told to the checks step by step: their tests take one step of it otherwise.
//! Outcomes come from the real store, so that the model is held against it here too.

use std::collections::BTreeMap;

use bytes::Bytes;
use doozer_paxos::message::{Envelope, Have, Message, Offer, Suffix, Told};
use doozer_paxos::replica::Persist;
use doozer_paxos::{Append, Ballot, ClusterId, Config, Entry, EntryHash, Incarnation, Slot};
use doozer_store::{Applied as StoreApplied, Command, SessionId, Store};

use super::{Checks, Options, Violation};
use crate::history::{
    Answer, Applied, ClientId, Effect, Event, Found, MemberId, Numbered, OpId, Outcome, Place, Refusal,
    Request, SessionEvent, Settled, Time, value_of,
};

pub(super) const CLUSTER: ClusterId = ClusterId([7; 16]);

pub(super) fn id(member: u32) -> Incarnation {
    Incarnation([member as u8 + 1; 16])
}

pub(super) fn ballot(n: u64, member: u32) -> Ballot {
    Ballot { n, epoch: 1, incarnation: id(member) }
}

/// A slot that is formed, and what it comes to.
#[derive(Debug, Clone)]
pub(super) struct Made {
    pub entry: Entry,
    pub hash: EntryHash,
    pub effects: Vec<Effect>,
    pub settled: Vec<Settled>,
    pub sessions: Vec<SessionEvent>,
    pub before: u64,
    pub after: u64,
}

pub(super) struct Story {
    pub checks: Checks,
    pub made: Vec<Made>,
    pub ballot: Ballot,
    pub voters: Vec<u32>,
    pub now: Time,
    store: Store,
    seqs: BTreeMap<u32, u64>,
    last_op: u64,
}

/// Asserts that it was this check that spoke.
#[track_caller]
pub(super) fn caught(verdict: Result<(), Violation>, check: &str) -> Violation {
    let violation = verdict.expect_err("a broken promise");
    assert_eq!(violation.check, check, "{violation}");
    violation
}

impl Story {
    /// So many voters, led by the first, and one member more, that only learns.
    pub fn new(voters: u32) -> Story {
        let voters: Vec<u32> = (0..voters).collect();
        let first = Config { epoch: 1, voters: voters.iter().copied().map(id).collect() };
        let mut story = Story {
            checks: Checks::new(first, Options { history_revisions_min: 100 }),
            made: Vec::new(),
            ballot: ballot(1, 0),
            voters,
            now: Time(0),
            store: Store::new(doozer_store::Options::default()),
            seqs: BTreeMap::new(),
            last_op: 0,
        };
        for member in 0..=story.voters.len() as u32 {
            story.checks.born(MemberId(member), id(member));
            story.promise(member).unwrap();
        }
        let open = [&[16][..], &id(0).0, &1_u64.to_le_bytes()].concat();
        story.decide(vec![open.into()]);
        story
    }

    pub fn everybody(&self) -> Vec<u32> {
        let mut all = self.voters.clone();
        all.push(self.voters.len() as u32);
        all
    }

    pub fn promise(&mut self, member: u32) -> Result<(), Violation> {
        self.checks.persisted(self.now, MemberId(member), &Persist::Promise(self.ballot))
    }

    /// A command of the first member, with its next number.
    pub fn numbered(&mut self, command: Command<'_>) -> Bytes {
        let seq = self.seqs.entry(0).or_default();
        *seq += 1;
        numbered(0, *seq, command)
    }

    /// The next slot. Nobody has it yet.
    pub fn form(&mut self, commands: Vec<Bytes>, config: Option<Config>) -> Made {
        let (slot, previous) =
            self.made.last().map_or((Slot(1), EntryHash::NONE), |made| (made.entry.slot.next(), made.hash));
        let before = self.store.revision().0;
        let (mut settled, mut sessions) = (Vec::new(), Vec::new());
        let mut effects = Vec::new();
        for command in &commands {
            effects.push(self.effect(command, &mut settled, &mut sessions));
        }
        let entry = Entry { slot, birth: self.ballot, previous, wall_ms: slot.0, config, commands };
        let hash = entry.hash(CLUSTER);
        let after = self.store.revision().0;
        let made = Made { entry, hash, effects, settled, sessions, before, after };
        self.made.push(made.clone());
        made
    }

    fn effect(
        &mut self,
        bytes: &Bytes,
        settled: &mut Vec<Settled>,
        sessions: &mut Vec<SessionEvent>,
    ) -> Effect {
        match bytes[0] {
            16 => Effect::Opened,
            18 => Effect::Done(Outcome::Refused(Refusal::Voters)),
            kind => {
                let mut command = if kind == 17 { bytes.slice(41..) } else { bytes.clone() };
                if kind == 19 {
                    let session = SessionId(bytes[29..45].try_into().unwrap());
                    command = encoded(Command::Expire { session }).into();
                }
                let mut applied = StoreApplied::default();
                self.store.apply([command], &mut applied);
                settled.extend(applied.granted.iter().copied().map(Settled::from));
                sessions.extend(applied.sessions.iter().copied().map(SessionEvent::from));
                Effect::Done(applied.outcomes[0].into())
            }
        }
    }

    pub fn keep(&mut self, member: u32, made: &Made) -> Result<(), Violation> {
        let append = append(self.ballot, std::slice::from_ref(&made.entry));
        self.checks.persisted(self.now, MemberId(member), &Persist::Append(append))
    }

    pub fn apply(&mut self, member: u32, made: &Made) -> Result<(), Violation> {
        let Made { entry, hash, effects, settled, sessions, before, after } = made;
        let report = Applied {
            member: MemberId(member),
            entry,
            hash: *hash,
            effects,
            settled,
            sessions,
            before: *before,
            after: *after,
        };
        self.checks.applied(self.now, &report)
    }

    /// A slot that is decided and applied everywhere.
    pub fn decide(&mut self, commands: Vec<Bytes>) -> Made {
        self.decide_with(commands, None)
    }

    pub fn decide_with(&mut self, commands: Vec<Bytes>, config: Option<Config>) -> Made {
        self.now.0 += 1000;
        let made = self.form(commands, config);
        for member in self.everybody() {
            self.keep(member, &made).unwrap();
        }
        for member in self.everybody() {
            self.apply(member, &made).unwrap();
        }
        made
    }

    /// A file as it would be written by somebody who is no client: no answer is owed.
    pub fn write(&mut self, path: &str, value: &[u8]) -> u64 {
        let command = self.numbered(Command::Set { path, rev: -1, value });
        self.decide(vec![command]).after
    }

    pub fn op(&mut self) -> OpId {
        self.last_op += 1;
        OpId(self.last_op)
    }

    /// A client asks the first member.
    pub fn ask(&mut self, request: &Request) -> OpId {
        let op = self.op();
        self.checks.asked(self.now, op, ClientId(1), MemberId(0), request);
        op
    }

    pub fn answer(&mut self, op: OpId, answer: &Answer, store: u64) -> Result<(), Violation> {
        self.checks.answered(self.now, op, answer, store)
    }

    /// A client's SET: asked, with nothing decided yet.
    pub fn ask_set(&mut self, path: &str, rev: i64) -> (OpId, Bytes) {
        let value = value_of(OpId(self.last_op + 1), 0);
        let op = self.ask(&Request::Set { path: path.to_owned(), rev, value: value.clone() });
        (op, self.numbered(Command::Set { path, rev, value: &value }))
    }

    /// A client's SET from beginning to end.
    pub fn set(&mut self, path: &str) -> u64 {
        let (op, command) = self.ask_set(path, -1);
        let rev = self.decide(vec![command]).after;
        self.answer(op, &Answer::Set(rev), rev).unwrap();
        rev
    }

    /// A session, from its OPEN on.
    pub fn open(&mut self, n: u8) -> SessionId {
        let session = SessionId([n; 16]);
        let op = self.ask(&Request::Open { session, ttl_ms: 1_000 });
        let command = self.numbered(Command::Open { session, ttl_ms: 1_000, opened_ms: 0, label: "sim" });
        self.decide(vec![command]);
        self.answer(op, &Answer::Became(Outcome::Opened), 0).unwrap();
        session
    }

    /// A session's command, asked for: what stands in the log for it.
    pub fn by(
        &mut self,
        session: SessionId,
        sequence: u64,
        write: Request,
        is_queued: bool,
    ) -> (OpId, Bytes) {
        let numbered = Numbered {
            session,
            sequence,
            acknowledged: 0,
            unanswered: Vec::new(),
            is_ephemeral: is_queued,
            is_queued,
            write: Box::new(write),
        };
        let bytes = numbered.encode();
        let op = self.ask(&Request::By(numbered));
        (op, self.numbered(Command::decode(&bytes).unwrap()))
    }

    /// A session's queued SET, decided.
    pub fn lock(&mut self, session: SessionId, sequence: u64, path: &str) -> OpId {
        let value = value_of(OpId(self.last_op + 1), 0);
        let (op, command) =
            self.by(session, sequence, Request::Set { path: path.into(), rev: 0, value }, true);
        self.decide(vec![command]);
        op
    }

    /// The next slot, which everybody has, and nobody has applied.
    pub fn kept(&mut self, commands: Vec<Bytes>) -> Made {
        let made = self.form(commands, None);
        for member in self.everybody() {
            self.keep(member, &made).unwrap();
        }
        made
    }

    /// The change with this number, as an event.
    pub fn event(&self, rev: u64) -> Event {
        let event = self.store.event(doozer_store::Revision(rev)).unwrap();
        let value = event.value.as_deref().map(Bytes::copy_from_slice);
        Event { rev, path: event.path.to_string(), value }
    }

    /// What a member finds that comes back with its log up to a slot.
    pub fn recover(
        &mut self,
        member: u32,
        boot: u64,
        last: usize,
        is_suspect: bool,
    ) -> Result<(), Violation> {
        self.recover_as(member, boot, last, is_suspect, self.ballot)
    }

    pub fn recover_as(
        &mut self,
        member: u32,
        boot: u64,
        last: usize,
        is_suspect: bool,
        promised: Ballot,
    ) -> Result<(), Violation> {
        let entries: Vec<Entry> = self.made[..last].iter().map(|made| made.entry.clone()).collect();
        let last_hash = entries.last().map_or(EntryHash::NONE, |entry| entry.hash(CLUSTER));
        let base = Place { slot: Slot(0), hash: EntryHash::NONE, revision: 0, digest: None };
        let found =
            Found { boot, promised, acc_ballot: promised, base, entries: &entries, last_hash, is_suspect };
        self.checks.recovered(self.now, MemberId(member), &found)
    }

    /// A member applies again what it has.
    pub fn apply_all(&mut self, member: u32) {
        for made in self.made.clone() {
            self.apply(member, &made).unwrap();
        }
    }

    pub fn send(&mut self, member: u32, message: Message) -> Result<(), Violation> {
        let envelope = Envelope { from: id(member), to: id(9), epoch: 1, message };
        self.checks.sent(self.now, MemberId(member), &envelope)
    }

    pub fn place(&self, slot: usize) -> Place {
        let made = &self.made[slot - 1];
        Place { slot: made.entry.slot, hash: made.hash, revision: made.after, digest: None }
    }

    pub fn finish(&mut self, open: &[OpId]) -> Result<(), Violation> {
        let settled: Vec<MemberId> = self.everybody().into_iter().map(MemberId).collect();
        self.checks.finish(self.now, &settled, open)
    }
}

pub(super) fn encoded(command: Command<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    command.encode(&mut bytes);
    bytes
}

/// A command with the number that its member gave it, in its first life.
pub(super) fn numbered(member: u32, seq: u64, command: Command<'_>) -> Bytes {
    let number = [1, seq, 0].map(u64::to_le_bytes).concat();
    [&[17][..], &id(member).0, &number, &encoded(command)].concat().into()
}

pub(super) fn append(acc_ballot: Ballot, entries: &[Entry]) -> Append {
    let (from, last_hash) = (entries[0].slot, entries[entries.len() - 1].hash(CLUSTER));
    Append { acc_ballot, epoch: 1, from, entries: entries.to_vec(), last_hash }
}

pub(super) fn promised(ballot: Ballot, last: Slot) -> Message {
    let have = Have { acc_ballot: ballot, last, decided: Slot(0) };
    Message::Promise { ballot, have, offer: Offer::Nothing, suspect: None }
}

pub(super) fn accepted(ballot: Ballot, last: Slot) -> Message {
    Message::Accepted { ballot, last, confirm: 0 }
}

pub(super) fn prepare(ballot: Ballot) -> Message {
    Message::Prepare { ballot, have: Have { acc_ballot: ballot, last: Slot(0), decided: Slot(0) } }
}

pub(super) fn accept(ballot: Ballot, durable: Slot) -> Message {
    let suffix = Suffix { from: Slot(1), previous: EntryHash::NONE, entries: Vec::new() };
    Message::Accept { ballot, suffix, told: Told { decided: Slot(0), durable, confirm: 0 } }
}
