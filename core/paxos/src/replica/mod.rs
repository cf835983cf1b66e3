//! A member of a cluster as a state machine: Sequence Paxos with one stable proposer, elected by `election`.
//! Never here: I/O, time but for ticks, what a command means, who else reads what.
//!
//! Order of calls: any of [`Replica::receive`], [`Replica::tick`], [`Replica::persisted`], [`Replica::applied`],
//! [`Replica::propose`], [`Replica::propose_again`], [`Replica::read`], [`Replica::reset`], [`Replica::follow`],
//! [`Replica::campaign`], [`Replica::evaluated`], [`Replica::install`], [`Replica::hold_log`], [`Replica::full`],
//! [`Replica::take_back`]; then [`Replica::flush`]; then drain [`Replica::poll_output`], and carry out what it gives, in
//! order; and both again, until nothing comes out.
//!
//! One write, given to a follower: `propose`, `flush`, `forward_waiting` (Forward) → at the proposer `on_forward`, `flush`,
//! `lead_on`, `put_in_slot`, `write_log` (the log, Persist), `send_next` (Accept) → at each follower `on_accept`, `extend`,
//! `write_log`, `acknowledge`, and, when the disk has it, `persisted` (Accepted) → `on_accepted`, `settle`: `decide`,
//! `hand_out` (Apply); with the next `flush`, `show` (an Accept without entries, which tells what is decided) → `on_accept`,
//! `take_told`, `settle`, `hand_out` (Apply).
//!
//! One election: `tick`, `end_round`, `prepare` (Persist, then Prepare) → at each voter `on_prepare`, `promise`, `offer`
//! (Persist, then Promise) → `on_promise`, `settle`: `lead_if_promised`, `begin_leading`, `open` (its opening slot), `sync`
//! (AcceptSync) → `on_accept_sync`, `replace`, `write_log`, `acknowledge` (Accepted) → `on_accepted`, `decide`: once the
//! opening slot is decided it puts commands into slots and answers how far reads must see.
//!
//! | module | what it holds |
//! |---|---|
//! | `follower` | promises, and entries as the proposer sends them |
//! | `candidate` | from an election to the log that is to be gone on with |
//! | `leader` | slots, what followers have, what is decided |
//! | `forward`, `waiting` | commands on their way to the proposer, and those that stand in no slot yet |
//! | `reads` | how far a read must see |
//! | `writes` | every change of the log |
//! | `keep` | what is durable, and what may be said only then |
//! | `configuration` | epochs, and members that are behind or only learn |
//! | `snapshots` | logs that begin behind a snapshot |
//! | `full` | a disk without room |
//! | `rounds` | what time brings: elections, and what is said again |
//! | `invariants` | what must hold after every call |

mod candidate;
mod configuration;
mod follower;
mod forward;
mod full;
mod invariants;
mod keep;
mod leader;
mod limits;
mod reads;
mod rounds;
mod snapshots;
mod waiting;
mod writes;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;

use bytes::Bytes;

use self::candidate::{Preparing, Promised};
use self::configuration::Pupil;
use self::keep::Keep;
pub use self::keep::{Persist, PersistId};
use self::leader::Leading;
pub use self::leader::Verdict;
pub use self::limits::Limits;
use self::reads::Reads;
use self::waiting::Waiting;
use crate::election::Election;
use crate::log::{Base, Log, Suspect};
use crate::message::{Envelope, Have, Message};
use crate::planted::{Planted, is_planted};
use crate::{Ballot, ClusterId, Config, Entry, EntryHash, Incarnation, Slot};

/// What the driver must do.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Output {
    /// Make this durable, in the order of the numbers, then call [`Replica::persisted`].
    Persist(PersistId, Persist),
    /// Send this. Whatever it vouches for is durable already.
    Send(Envelope),
    /// Decided: apply it, then call [`Replica::applied`]. Entries come in slot order, each once, with their hash.
    Apply(Entry, EntryHash),
    /// These reads may be answered from what is applied now.
    Read(Vec<u64>),
    /// The state at this place is durable here as a snapshot: it takes the place of the state so far. Call
    /// [`Replica::applied`] when it does.
    Install(Base),
    /// This command is to stand alone in its slot, and nothing is under way: judge it by the state as it is applied
    /// now, and call [`Replica::evaluated`].
    Evaluate(Bytes),
    /// This member lacks what others do not hold in their logs any more: it needs a snapshot of that member's, and
    /// [`Replica::install`] when that is here.
    FetchSnapshot(Incarnation),
    /// Every voter has answered, and these ends of logs, which may have been acknowledged, are nowhere intact: they are
    /// given up. Worth an error in front of people.
    GaveUp(Vec<Suspect>),
    /// The proposer that this member knows of is another one, or none: what it forwarded may have to be sent again.
    Proposer(Option<Incarnation>),
}

/// What a member starts from: what it finds durable, or what it was born with.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Past {
    /// How often it was started, this time included: what it numbers is never taken for something of an earlier life.
    pub boot: u64,
    /// The greatest ballot it promised.
    pub promised: Ballot,
    /// The ballot under which its log was last accepted.
    pub acc_ballot: Ballot,
    /// The end of its log, if that may have been acknowledged and cannot be read any more.
    pub suspect: Option<Suspect>,
    /// Its log; the base is where its state stands, all of which is decided.
    pub log: Log,
    /// The configuration in force at the slot behind the base.
    pub entered: Config,
}

#[derive(Clone, PartialEq, Eq, Hash)]
enum Role {
    Following,
    Preparing(Preparing),
    Leading(Leading),
}

/// One member. See the module's page for the order of calls.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Replica {
    me: Incarnation,
    cluster: ClusterId,
    limits: Limits,
    role: Role,
    election: Election,
    keep: Keep,
    /// Its log: perhaps not all of it durable yet, nor decided.
    log: Log,
    /// The greatest ballot promised, perhaps not durably yet: what depends on it waits in `keep`.
    promised: Ballot,
    /// The ballot under which the log was last accepted.
    acc_ballot: Ballot,
    /// Known here to be decided, up to here: a prefix of the log.
    decided: Slot,
    /// Given out to be applied.
    handed: Slot,
    /// Applied, as the driver says.
    applied: Slot,
    /// The configuration that is in force here: the stop-sign that brought it in, if one did, is applied.
    entered: Config,
    /// Of the proposer under `acc_ballot`: durable there up to here.
    durable_at_proposer: Slot,
    /// The greatest number to be confirmed that was heard, under its ballot.
    heard_confirm: (Ballot, u64),
    /// When the proposer was last heard of.
    heard_at: u64,
    /// What this member must have again before its promise is worth anything.
    suspect: Option<Suspect>,
    /// The snapshot that is being made durable, to take the place of the state.
    installing: Option<(PersistId, Base)>,
    /// Somebody is getting a snapshot of this slot, or a later one: what stands behind it is held.
    held_from: Option<Slot>,
    /// The disk had no room, and took nothing since.
    is_full: bool,
    /// To be put into slots, by a proposer.
    waiting: Waiting,
    reads: Reads,
    /// Who is to be told when this member leads: it asked before, or was brought along in the configuration before.
    learners: BTreeSet<Incarnation>,
    /// Who gets decided entries from here, though another one leads.
    pupils: BTreeMap<Incarnation, Pupil>,
    ticks: u64,
    /// The tick that ends the round of heartbeats.
    round_ends: u64,
    /// The wall clock as it was last told.
    wall_ms: u64,
    /// Proposers that came and went since anything of the newest one's own was decided.
    changes_in_vain: u32,
    /// Where the log ended when the proposer changed.
    changed_at: Slot,
    /// The proposer last told of.
    told_proposer: Option<Incarnation>,
    /// When and whom it last asked to be brought along, so as not to ask for every message. Whoever answers is asked even
    /// if another one, gone for good perhaps, has just been.
    asked_at: Option<(u64, Incarnation)>,
    outputs: VecDeque<Output>,
}

impl Replica {
    /// A member that takes up where its past ended.
    pub fn new(me: Incarnation, cluster: ClusterId, past: Past, limits: Limits) -> Replica {
        let Past { boot, promised, acc_ballot, suspect, log, entered } = past;
        let first_number = boot << 32;
        let (base, last) = (log.base(), log.last());
        let role = if is_planted(Planted::OldBallotAfterRestart)
            && promised.incarnation == me
            && acc_ballot == promised
        {
            Role::Leading(Leading::again(promised, last))
        } else {
            Role::Following
        };
        Replica {
            me,
            cluster,
            limits,
            role,
            election: Election::new(me, promised.max(acc_ballot), entered.epoch, first_number),
            keep: Keep::new(acc_ballot, last),
            log,
            promised,
            acc_ballot,
            decided: base,
            handed: base,
            applied: base,
            entered,
            durable_at_proposer: base,
            heard_confirm: (Ballot::ZERO, 0),
            heard_at: 0,
            suspect,
            installing: None,
            held_from: None,
            is_full: false,
            waiting: Waiting::default(),
            reads: Reads::new(first_number),
            learners: BTreeSet::new(),
            pupils: BTreeMap::new(),
            ticks: 0,
            round_ends: limits.round_ticks,
            wall_ms: 0,
            changes_in_vain: 0,
            changed_at: Slot(0),
            told_proposer: None,
            asked_at: None,
            outputs: VecDeque::new(),
        }
    }

    /// A message arrived.
    pub fn receive(&mut self, envelope: Envelope) {
        let Envelope { from, epoch, message, .. } = envelope;
        let is_later = epoch > self.entered.epoch && is_planted(Planted::LaterEpochAnswered);
        if epoch == self.entered.epoch && asks_for_a_vote(&message) && self.is_over() {
            self.bring_along(from, message);
        } else if epoch == self.entered.epoch || is_later {
            self.understand(from, message);
        } else if epoch < self.entered.epoch {
            self.bring_along(from, message);
        } else {
            self.fall_behind(from, message);
        }
        self.settle();
    }

    fn understand(&mut self, from: Incarnation, message: Message) {
        match message {
            Message::Prepare { ballot, have } => self.on_prepare(from, ballot, have),
            Message::Promise { ballot, have, offer, suspect } => {
                self.on_promise(from, ballot, Promised { have, offer, suspect });
            }
            Message::AcceptSync { ballot, suffix, told } => self.on_accept_sync(from, ballot, suffix, told),
            Message::Accept { ballot, suffix, told } => self.on_accept(from, ballot, suffix, told),
            Message::Accepted { ballot, last, confirm } => self.on_accepted(from, ballot, last, confirm),
            Message::Nack { ballot, promised } => self.on_nack(ballot, promised),
            Message::Follow { have } => self.on_follow(from, have),
            Message::Learn { suffix } => self.on_learn(from, suffix),
            Message::Heartbeat { round } => {
                let beat = self.election.beat(self.fitness());
                self.send(from, Message::Beat { round, beat });
            }
            Message::Beat { round, beat } => {
                self.note_here(from);
                self.election.reply(from, round, beat);
            }
            Message::Forward { proposals, is_relayed } => self.on_forward(proposals, is_relayed),
            Message::Behind { base } => self.on_behind(from, base),
            Message::ReadIndex { number, promised } => self.on_read_index(from, number, promised),
            Message::ReadReply { number, index } => self.on_read_reply(number, index),
        }
    }

    /// Asks a member for what this one lacks. For one that joins and knows nobody yet.
    pub fn follow(&mut self, whom: Incarnation) {
        if matches!(self.role, Role::Following) {
            self.ask_to_follow(whom);
        }
        self.settle();
    }

    /// Everything up to this number is durable.
    pub fn persisted(&mut self, id: PersistId) {
        self.is_full = false;
        let released = self.keep.persisted(id);
        self.outputs.extend(released.into_iter().map(Output::Send));
        self.finish_installing(id);
        self.settle();
    }

    /// Everything up to `slot` is applied.
    pub fn applied(&mut self, slot: Slot) {
        assert!(
            slot <= self.handed,
            "slot {slot} is said to be applied, but {} was the last given out",
            self.handed
        );
        self.applied = slot;
        self.enter_configurations();
        self.trim();
        self.settle();
    }

    /// The connection to a member was lost or made anew: what was sent to it may be gone.
    pub fn reset(&mut self, member: Incarnation) {
        self.on_reset(member);
        self.settle();
    }

    /// Forms slots and sends what has gathered. `wall_ms` is the wall clock, which only people read.
    pub fn flush(&mut self, wall_ms: u64) {
        self.ask_for_reads();
        match self.role {
            Role::Leading(_) => self.lead_on(wall_ms),
            Role::Preparing(_) => {}
            Role::Following if self.is_only_voter() && !self.waiting.is_empty() => self.stand(),
            Role::Following => self.forward_waiting(),
        }
        self.teach_all();
        self.settle();
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// The proposer that this member knows of.
    pub fn proposer(&self) -> Option<Incarnation> {
        match &self.role {
            Role::Leading(_) | Role::Preparing(_) => Some(self.me),
            Role::Following => {
                let leader = self.election.leader();
                (leader != Ballot::ZERO && leader.incarnation != self.me).then_some(leader.incarnation)
            }
        }
    }

    /// Whether this member is the proposer and takes commands into slots.
    pub fn is_leading(&self) -> bool {
        matches!(self.role, Role::Leading(_))
    }

    /// The ballot under which it leads.
    pub fn leading_ballot(&self) -> Option<Ballot> {
        self.leading().map(|leading| leading.ballot)
    }

    /// The same, once everything that it began with is applied.
    pub fn open_ballot(&self) -> Option<Ballot> {
        self.leading().filter(|leading| leading.opening <= self.applied).map(|leading| leading.ballot)
    }

    fn is_preparing(&self) -> bool {
        matches!(self.role, Role::Preparing(_))
    }

    /// Where its log ends.
    pub fn last(&self) -> Slot {
        self.log.last()
    }

    /// What it knows to be decided.
    pub fn decided(&self) -> Slot {
        self.decided
    }

    /// The configuration in force here.
    pub fn config(&self) -> &Config {
        &self.entered
    }

    /// What follows from whatever has changed: the last step of every call.
    fn settle(&mut self) {
        self.lead_if_promised();
        self.decide();
        self.hand_out();
        self.answer_reads();
        self.tell_proposer();
        self.check();
    }

    fn hand_out(&mut self) {
        // What is behind a stop-sign belongs to a configuration that is not entered yet.
        let end = self.log.stop_sign_behind(self.applied).unwrap_or(self.decided).min(self.decided);
        while self.handed < end && self.installing.is_none() {
            let next = self.handed.next();
            let Some((entry, hash)) = self.log.at(next) else { return };
            self.outputs.push_back(Output::Apply(entry.clone(), *hash));
            self.handed = next;
        }
    }

    fn have(&self) -> Have {
        Have { acc_ballot: self.acc_ballot, last: self.log.last(), decided: self.decided }
    }

    fn is_voter(&self, member: &Incarnation) -> bool {
        self.entered.voters.contains(member)
    }

    /// Whether it is the only voter.
    pub fn is_only_voter(&self) -> bool {
        self.entered.voters == [self.me]
    }

    fn others(&self) -> Vec<Incarnation> {
        self.entered.voters.iter().copied().filter(|voter| *voter != self.me).collect()
    }

    /// Sends at once. For what vouches for nothing that is not durable.
    fn send(&mut self, to: Incarnation, message: Message) {
        let envelope = self.envelope(to, message);
        self.outputs.push_back(Output::Send(envelope));
    }

    /// Sends once everything that this member has given out to be kept is durable.
    fn send_when_kept(&mut self, to: Incarnation, message: Message) {
        let envelope = self.envelope(to, message);
        if let Some(envelope) = self.keep.hold(envelope) {
            self.outputs.push_back(Output::Send(envelope));
        }
    }

    fn envelope(&self, to: Incarnation, message: Message) -> Envelope {
        Envelope { from: self.me, to, epoch: self.entered.epoch, message }
    }

    fn persist(&mut self, what: Persist) {
        let id = self.keep.give_out(&what, self.ticks);
        self.outputs.push_back(Output::Persist(id, what));
    }
}

fn asks_for_a_vote(message: &Message) -> bool {
    matches!(message, Message::Prepare { .. } | Message::AcceptSync { .. } | Message::Accept { .. })
}

/// The few numbers that tell where a member stands.
impl fmt::Debug for Replica {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let role = match self.role {
            Role::Following => "following",
            Role::Preparing(_) => "preparing",
            Role::Leading(_) => "leading",
        };
        let Replica { entered, log, decided, applied, promised, acc_ballot, .. } = self;
        let leader = self.election.leader();
        write!(
            f,
            "{role} in epoch {} of {}, log {}..{}, ",
            entered.epoch,
            entered.voters.len(),
            log.base(),
            log.last()
        )?;
        let short = |ballot: &Ballot| format!("{}.{}", ballot.epoch, ballot.n);
        let (promised, accepted, leader) = (short(promised), short(acc_ballot), short(&leader));
        write!(f, "decided {decided}, applied {applied}, promised {promised}, accepted {accepted}, ")?;
        write!(f, "leader {leader}, happy {}, waiting {}", self.election.is_happy(), self.waiting.len())
    }
}
