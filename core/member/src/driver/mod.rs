//! The driver: the one owner of the replica and of changes to the state. It puts commands in, carries out what comes out
//! (keep, send, apply, answer), in order, and knows whom to answer.
//! Never here: sockets, files, threads, clocks (ticks and the wall time are passed in).
//!
//! Order of calls: any of [`Driver::write`], [`Driver::read`], [`Driver::receive`], [`Driver::reset`], [`Driver::tick`],
//! [`Driver::kept`], [`Driver::full`], as often as there is something; then [`Driver::pump`].

mod claims;
mod healing;
mod leases;
mod outstanding;
mod parked;
mod ports;
mod reads;
mod renewals;
mod sessions;
mod transfer;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use doozer_paxos::log::Base;
use doozer_paxos::message::Proposal;
use doozer_paxos::planted::{Planted, is_planted};
use doozer_paxos::replica::{Limits, Output, Persist, PersistId, Replica, Verdict};
use doozer_paxos::{Entry, EntryHash, Incarnation};
use doozer_store::{Outcome as Stored, Revision, SessionId};

use self::claims::Claims;
use self::healing::Healing;
use self::leases::Leases;
use self::outstanding::{Outstanding, Settled};
use self::parked::Parked;
pub use self::ports::{
    Answer, Host, KeepAlive, Kept, NoQuorum, NotWritten, Order, Position, Reader, Reply, Sizes,
};
use self::reads::Reads;
use self::renewals::Renewals;
use self::sessions::Asking;
use self::transfer::Transfers;
use crate::local::{Local, Part};
use crate::machine::{Applied, Done, Judgement, Logged, Origin, Outcome};
use crate::outbox::Wakes;
use crate::peer::Peer;
use crate::recovery::Begin;

/// What a driver is told once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// The replica's.
    pub limits: Limits,
    /// Ticks within which a write and a linearizable read are answered, with an error if need be.
    pub answer_within_ticks: u64,
    /// Rounds of heartbeats after which a voter that a quorum does not hear is replaced; 0: never.
    pub silent_rounds_max: u64,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { limits: Limits::default(), answer_within_ticks: 500, silent_rounds_max: 600 }
    }
}

/// See the module's page.
pub struct Driver<H: Host> {
    host: H,
    replica: Replica,
    local: Arc<Local>,
    outstanding: Outstanding<H::Reply>,
    reads: Reads<Asking<H::Reader>>,
    renewals: Renewals<H::KeepAlive>,
    leases: Leases,
    parked: Parked<H::Reply>,
    claims: Claims,
    healing: Healing,
    answer_within_ticks: u64,
    transfers: Transfers,
    position: Position,
    ticks: u64,
    /// Reused buffers.
    applied: Applied,
    wakes: Wakes,
}

impl<H: Host> std::fmt::Debug for Driver<H> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Driver").field("replica", &self.replica).finish_non_exhaustive()
    }
}

impl<H: Host> Driver<H> {
    /// A member that goes on where `begin` ends. The only voter of its cluster leads at once.
    pub fn new(begin: Begin, settings: Settings, host: H) -> Self {
        let Begin { cluster, id, machine, past, position, store_options, .. } = begin;
        let boot = if is_planted(Planted::NumbersReused) { 1 } else { past.boot };
        let origin = Origin { incarnation: id, boot };
        let transfers = Transfers::new(store_options, past.boot);
        let mut driver = Driver {
            host,
            replica: Replica::new(id, cluster, past, settings.limits),
            local: Arc::new(Local::new(machine, position.slot)),
            outstanding: Outstanding::new(origin),
            reads: Reads::new(),
            renewals: Renewals::new(boot << 32),
            leases: Leases::default(),
            parked: Parked::new(),
            claims: Claims::new(),
            healing: Healing::new(settings.silent_rounds_max),
            answer_within_ticks: settings.answer_within_ticks,
            transfers,
            position,
            ticks: 0,
            applied: Applied::default(),
            wakes: Wakes::default(),
        };
        driver.send_again();
        driver
    }

    /// Takes a command of the store, to be decided and applied.
    pub fn write(&mut self, command: &[u8], reply: Option<H::Reply>) {
        let no_quorum = self.no_quorum();
        if let Some(why) = self.outstanding.refuses(self.ticks, self.answer_within_ticks, no_quorum) {
            if let Some(reply) = reply {
                reply.answer(Answer::NotWritten(why), &mut self.wakes);
            }
            return;
        }
        let proposal = self.outstanding.push(command, reply, self.ticks);
        self.replica.propose(proposal);
    }

    /// A linearizable read begins, or as many as begin together.
    pub fn read(&mut self, reader: H::Reader) {
        let token = self.reads.begin(Asking::Reader(reader), self.ticks);
        self.replica.read(token);
    }

    /// Another member says something.
    pub fn receive(&mut self, from: Incarnation, message: Peer) {
        match message {
            Peer::Paxos(envelope) => self.replica.receive(envelope),
            Peer::SnapshotGet { transfer, offset } => {
                let position = self.position;
                let piece = self.transfers.lend(from, transfer, offset, position, &self.local, self.ticks);
                if let Some(piece) = piece {
                    self.host.send(from, piece);
                }
                self.replica.hold_log(self.transfers.lent_from(self.ticks));
            }
            Peer::SnapshotGone { transfer } => {
                if let Some(message) = self.transfers.begin_again(from, transfer, self.ticks) {
                    self.host.send(from, message);
                }
            }
            Peer::SnapshotPiece { .. } => self.take_piece(from, message),
            Peer::KeepAlive { number, sessions } => self.asked_to_keep(from, number, ids(sessions)),
            Peer::KeptAlive { number, ended, unsure } => self.kept_alive(number, &ids(ended), &ids(unsure)),
        }
    }

    /// The connection to another member was lost or made anew: what was sent to it may be gone.
    pub fn reset(&mut self, member: Incarnation) {
        self.replica.reset(member);
    }

    /// Asks a member for what this one lacks. For one that joins, and knows nobody yet.
    pub fn join(&mut self, member: Incarnation) {
        self.replica.follow(member);
    }

    /// Time passes by one tick of 10 ms.
    pub fn tick(&mut self) {
        self.ticks += 1;
        let ends_round = self.replica.ticks_to_round() <= 1;
        self.replica.tick();
        if ends_round {
            self.heal();
        }
        // What a proposer was given is not lost as long as it leads.
        if !self.replica.is_leading() && self.outstanding.is_overdue(self.ticks) {
            self.send_again();
        }
        self.give_up();
        self.claim();
        self.tick_sessions();
        self.replica.hold_log(self.transfers.lent_from(self.ticks));
        for (to, message) in self.transfers.tick(self.ticks, &self.local) {
            self.host.send(to, message);
        }
    }

    /// Everything up to this number is durable.
    pub fn kept(&mut self, id: PersistId, sizes: Sizes) {
        self.local.data_bytes.store(sizes.all, Ordering::Relaxed);
        self.replica.persisted(id);
    }

    /// The disk has no room for an order; it waits, and those behind it. Where this member alone decides, they are taken
    /// back: what was not decided by then is nowhere, and is answered so. Elsewhere others go on.
    pub fn full(&mut self, why: &str, wall_ms: u64) {
        // What was decided before must be answered first.
        self.pump(wall_ms);
        self.replica.full();
        if self.replica.may_take_back() {
            self.host.keep(Order::Forget);
            self.replica.take_back();
            self.transfers.drop_machine();
            for reply in self.outstanding.take_back() {
                reply.answer(Answer::NotWritten(NotWritten::DiskFull(why.to_owned())), &mut self.wakes);
            }
        } else {
            self.host.keep(Order::TryAgain);
        }
        self.pump(wall_ms);
    }

    /// Carries out everything that can be done now. `wall_ms` is the wall clock, milliseconds since 1970.
    pub fn pump(&mut self, wall_ms: u64) {
        loop {
            self.replica.flush(wall_ms);
            let Some(output) = self.replica.poll_output() else { break };
            self.carry_out(output);
            while let Some(output) = self.replica.poll_output() {
                self.carry_out(output);
            }
        }
        self.local.note_reads_alone(self.replica.may_read_alone());
        self.local.note_part(self.part());
        self.local.note_full(self.replica.is_full());
        self.wakes.wake_all();
    }

    fn part(&self) -> Part {
        if self.replica.is_leading() {
            Part::Proposer
        } else if self.replica.config().voters.contains(&self.me()) {
            Part::Voter
        } else {
            Part::Learner
        }
    }

    /// Stands for proposer at once. For the only voter when it starts: nobody else can be leading.
    pub fn lead_if_only_voter(&mut self) {
        if self.replica.is_only_voter() {
            self.replica.campaign();
        }
    }

    /// Who this member is.
    pub fn me(&self) -> Incarnation {
        self.outstanding.origin().incarnation
    }

    /// Every write of this member's is applied and answered, and its life has begun in the log.
    pub fn is_idle(&self) -> bool {
        self.outstanding.is_empty()
    }

    /// Whether time changes nothing: [`Driver::tick`] need not be called until something else is. A member alone sleeps.
    pub fn is_at_rest(&self) -> bool {
        self.is_idle()
            && self.reads.is_empty()
            && self.replica.is_at_rest()
            && self.transfers.is_idle()
            && self.ticks_to_sessions().is_none()
    }

    /// How many ticks may pass at once before anything but the last of them brings something to do; `None`: any number, see
    /// [`Driver::is_at_rest`]. So that a member to which nothing happens need not wake for each of them.
    pub fn quiet_ticks(&self) -> Option<u64> {
        if self.is_at_rest() {
            return None;
        }
        if !self.is_idle() || !self.reads.is_empty() || !self.transfers.is_idle() {
            return Some(1);
        }
        let mut quiet = self.replica.ticks_to_round();
        if self.part() == Part::Learner {
            quiet = quiet.min(self.claims.ticks_to_look(self.ticks));
        }
        Some(self.ticks_to_sessions().map_or(quiet, |ticks| quiet.min(ticks)))
    }

    /// Where the state stands in the log.
    pub fn position(&self) -> Position {
        self.position
    }

    /// The replica, to look at.
    pub fn replica(&self) -> &Replica {
        &self.replica
    }

    /// What others look at.
    pub fn local(&self) -> &Arc<Local> {
        &self.local
    }

    /// The world around.
    pub fn host(&mut self) -> &mut H {
        &mut self.host
    }

    fn carry_out(&mut self, output: Output) {
        // Before anybody can hear of what makes it untrue.
        self.local.note_reads_alone(self.replica.may_read_alone());
        match output {
            Output::Persist(id, what) => self.keep(id, what),
            Output::Send(envelope) => self.host.send(envelope.to, Peer::Paxos(envelope)),
            Output::Apply(entry, hash) => self.apply(&entry, hash),
            Output::Install(base) => self.install(&base),
            Output::Read(tokens) => {
                let askers: Vec<_> = self.reads.end(tokens).collect();
                askers.into_iter().for_each(|asking| self.readable(asking));
            }
            Output::Evaluate(command) => {
                let verdict = self.judge(&command);
                self.replica.evaluated(verdict);
            }
            Output::FetchSnapshot(from) => {
                if let Some(message) = self.transfers.fetch(from, self.ticks) {
                    self.host.send(from, message);
                }
            }
            Output::GaveUp(suspects) => {
                for suspect in suspects {
                    let (ballot, last) = (suspect.acc_ballot, suspect.last);
                    tracing::error!(?ballot, %last, "no member can read this end of the log: it is given up");
                }
            }
            Output::Proposer(proposer) => {
                self.renewals.ask_again();
                if proposer.is_some() {
                    self.send_again();
                }
            }
        }
    }

    fn keep(&mut self, id: PersistId, what: Persist) {
        let snapshot = match &what {
            Persist::Install(_) => self.transfers.snapshot(),
            _ => None,
        };
        if self.host.keep(Order::Keep { id, what, snapshot }) {
            self.replica.persisted(id);
        }
    }

    fn apply(&mut self, entry: &Entry, hash: EntryHash) {
        let seen = {
            let mut state = self.local.state.write();
            state.apply(entry, &mut self.applied, &mut self.wakes);
            self.local.note(&state, entry.slot);
            state.store().revision()
        };
        self.position = Position { slot: entry.slot, hash, wall_ms: entry.wall_ms };
        self.host.applied(entry, hash, &self.applied, seen);
        let mut has_gap = false;
        for done in self.applied.done.drain(..) {
            match done {
                Done::Plain(_) => {}
                Done::Opened(origin) => self.outstanding.opened(&origin, self.ticks),
                Done::Skipped(number) => has_gap |= self.outstanding.shows_a_gap(&number),
                Done::Numbered(number, outcome) => {
                    if let Some(settled) = self.outstanding.done(&number, self.ticks) {
                        settle(settled, &outcome, seen, &mut self.parked, &mut self.wakes);
                    }
                }
            }
        }
        self.note_sessions(seen);
        self.replica.applied(entry.slot);
        if has_gap {
            self.send_again();
        }
    }

    /// The snapshot that was fetched is durable: it takes the place of the state. What it tells to be applied is
    /// answered; whoever waits goes on in its history.
    fn install(&mut self, base: &Base) {
        #[allow(clippy::expect_used, reason = "an Install is given out only for what was handed in")]
        let machine = self.transfers.take_machine(base).expect("the snapshot that was handed in");
        let origin = self.outstanding.origin();
        let done = {
            let mut state = self.local.state.write();
            state.install(machine, &mut self.wakes);
            self.local.note(&state, base.slot);
            let seen = state.store().revision();
            let done = self.outstanding.applied_up_to(state.machine().last_of(&origin), self.ticks);
            let outcome = |number| state.machine().outcome_of(&origin, number);
            done.into_iter().map(|(number, settled)| (outcome(number), settled, seen)).collect::<Vec<_>>()
        };
        self.position = Position { slot: base.slot, hash: base.hash, wall_ms: base.wall_ms };
        let revision = self.local.state.read().store().revision();
        self.host.installed(self.position, revision);
        for (outcome, settled, seen) in done {
            if let Some(outcome) = outcome {
                settle(settled, &outcome, seen, &mut self.parked, &mut self.wakes);
            }
        }
        self.find_sessions();
        self.replica.applied(base.slot);
    }

    fn take_piece(&mut self, from: Incarnation, message: Peer) {
        match self.transfers.take(from, message, self.ticks) {
            transfer::Taken::Next(message) => self.host.send(from, message),
            transfer::Taken::Whole(base) => {
                if !self.replica.install(base) {
                    self.transfers.drop_machine();
                }
            }
            transfer::Taken::Nothing => {}
        }
    }

    /// What a change of who votes comes to, in the state as it is applied now.
    fn judge(&self, command: &Bytes) -> Verdict {
        let state = self.local.state.read();
        let machine = state.machine();
        let is_ready =
            |id: &Incarnation| self.replica.is_caught_up(id) || self.replica.config().voters.contains(id);
        let (number, inner) = match Logged::decode(command) {
            Ok(Logged::Do(number, inner)) => (number, inner),
            Ok(Logged::Plain(inner)) => {
                let is_due = self.healing.due(&self.replica, machine).as_deref() == Some(inner);
                return match machine.judge(inner, is_ready) {
                    Judgement::Change(voters) if is_due || is_planted(Planted::HealedLate) => {
                        Verdict::Change(command.clone(), voters)
                    }
                    _ => Verdict::Drop,
                };
            }
            _ => return Verdict::Put(command.clone()),
        };
        if !machine.is_next(&number) {
            // It came twice, or one before it is missing: its origin sends it again if it has to.
            return Verdict::Drop;
        }
        match machine.judge(inner, is_ready) {
            Judgement::NoChange => Verdict::Put(command.clone()),
            Judgement::Change(voters) => Verdict::Change(command.clone(), voters),
            Judgement::Refused(why) => Verdict::Put(Logged::Refused(number, why).encode()),
        }
    }

    /// Takes an empty place among the voters.
    fn claim(&mut self) {
        if !self.outstanding.is_empty() {
            return;
        }
        let me = self.me();
        let command = self.claims.due(&me, self.local.state.read().machine(), self.ticks);
        if let Some(command) = command {
            self.write(&command, None);
        }
    }

    /// Has a voter that is gone replaced.
    fn heal(&mut self) {
        let command = self.healing.round_ended(&self.replica, self.local.state.read().machine());
        if let Some(command) = command {
            let command = Logged::Plain(&command).encode();
            self.replica.propose(Proposal { command, needs_own_slot: true });
        }
    }

    /// What keeps things from being decided, should they not be.
    fn no_quorum(&self) -> NoQuorum {
        if self.replica.is_full() { NoQuorum::NoRoom } else { NoQuorum::Unheard }
    }

    /// Answers those who have waited too long.
    fn give_up(&mut self) {
        let (now, patience, why) = (self.ticks, self.answer_within_ticks, self.no_quorum());
        for reply in self.outstanding.give_up(now, patience) {
            reply.answer(Answer::Unknown(why), &mut self.wakes);
        }
        if let Some((last, askers)) = self.reads.expire(now, patience) {
            self.replica.forget_reads(last);
            for asking in askers {
                if let Asking::Reader(reader) = asking {
                    reader.answer(Err(why), &mut self.wakes);
                }
            }
        }
        for client in self.renewals.give_up(now, patience) {
            client.answer(Kept::Unknown(why), &mut self.wakes);
        }
    }

    /// Gives the replica everything again that is not applied: what it was given before may be lost.
    fn send_again(&mut self) {
        self.replica.propose_again(self.outstanding.again(self.ticks));
    }
}

/// Answers a write that was applied; of a queued SET that is not granted yet, whoever waits for it is kept.
fn settle<R: Reply>(
    settled: Settled<R>,
    outcome: &Outcome,
    seen: Revision,
    parked: &mut Parked<R>,
    wakes: &mut Wakes,
) {
    if *outcome != Outcome::Store(Stored::Queued) {
        return settled.reply.answer(Answer::Applied(outcome, seen), wakes);
    }
    let command = settled.command().to_vec();
    let mut reply = settled.reply;
    reply.park(wakes);
    parked.park(&command, reply);
}

fn ids(raw: Vec<[u8; 16]>) -> Vec<SessionId> {
    raw.into_iter().map(SessionId).collect()
}
