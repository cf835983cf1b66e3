//! The accept phase (Sequence Paxos, the proposer's side): slots, what followers have, what is decided.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::{Output, Replica, Role};
use crate::log::Log;
use crate::message::{Have, Message, Suffix, Told};
use crate::planted::{Planted, is_planted};
use crate::quorum::reached;
use crate::{Ballot, Config, Entry, Incarnation, Slot};

/// A proposer with a majority's promises.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Leading {
    pub ballot: Ballot,
    /// Of the log it went on with: who accepted under its ballot has a part of it.
    adopted: Have,
    /// The last slot of the log that it began with: its opening slot, or a stop-sign that it adopted. Until that is decided
    /// it does not know what is.
    pub opening: Slot,
    followers: BTreeMap<Incarnation, Progress>,
    /// The last number sent to be confirmed.
    pub confirm: u64,
    /// The greatest slot that followers were told is durable here: one of them may have decided it.
    pub told_durable: Slot,
    /// When `decided` last moved, or there was nothing to decide.
    moved_at: u64,
    /// What followers were last told to be decided.
    told_decided: Slot,
    /// The driver judges a command that is to stand alone.
    is_evaluating: bool,
    /// For how many rounds in a row a quorum has not heard a voter. Those it heard do not stand here.
    silent_rounds: BTreeMap<Incarnation, u64>,
}

/// What is to become of a command that stands alone in its slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing: it was decided before.
    Drop,
    /// This stands in the slot, and nothing changes about who votes.
    Put(Bytes),
    /// This stands in the slot, and behind it these vote.
    Change(Bytes, Vec<Incarnation>),
}

/// A member that answered no heartbeat for longer is not ready to vote.
const READY_ROUNDS: u64 = 3;

/// What a member has, as far as it said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Progress {
    /// The next slot to be sent.
    next: Slot,
    /// Durable there.
    last: Slot,
    confirmed: u64,
    /// The tick in which it last answered a heartbeat, or began to follow.
    heard_at: u64,
}

impl Progress {
    /// Bytes that were sent and not acknowledged, going by the log as it is.
    fn unacknowledged(&self, log: &Log) -> usize {
        let sent = (self.last.0 + 1..self.next.0).rev().map_while(|slot| log.at(Slot(slot)));
        sent.map(|(entry, _)| entry.command_bytes()).sum()
    }
}

impl Leading {
    pub fn new(ballot: Ballot, adopted: Have, now: u64) -> Leading {
        Leading {
            ballot,
            adopted,
            opening: Slot(0),
            followers: BTreeMap::new(),
            confirm: 0,
            told_durable: Slot(0),
            moved_at: now,
            told_decided: Slot(0),
            is_evaluating: false,
            silent_rounds: BTreeMap::new(),
        }
    }

    /// What nobody may do: go on after a restart as if there had been none.
    pub fn again(ballot: Ballot, last: Slot) -> Leading {
        let adopted = Have { acc_ballot: ballot, last, decided: last };
        Leading { opening: last, ..Leading::new(ballot, adopted, 0) }
    }

    /// It will say itself where it is.
    pub fn forget(&mut self, member: Incarnation) {
        self.followers.remove(&member);
    }

    /// Whom it brings along.
    pub fn members(&self) -> impl Iterator<Item = Incarnation> {
        self.followers.keys().copied()
    }

    /// Whether it brings this member along.
    pub fn is_followed_by(&self, member: &Incarnation) -> bool {
        self.followers.contains_key(member)
    }

    /// Whether nobody follows it.
    pub fn leads_nobody(&self) -> bool {
        self.followers.is_empty()
    }

    /// The greatest number that a member has confirmed.
    pub fn confirmed(&self, member: &Incarnation) -> u64 {
        self.followers.get(member).map_or(0, |progress| progress.confirmed)
    }
}

impl Replica {
    pub(super) fn leading(&self) -> Option<&Leading> {
        if let Role::Leading(leading) = &self.role { Some(leading) } else { None }
    }

    /// Begins to lead with what was adopted and an opening slot of its own, in one durable step. Behind a stop-sign
    /// that is not decided nothing may come, not even that.
    pub(super) fn open(&mut self, ballot: Ballot, mut suffix: Suffix) {
        let before = Slot(suffix.from.0 - 1);
        let (mut previous, mut next) = (suffix.previous, suffix.from);
        let mut wall_ms = self.log.at(before).map_or(self.log.wall_ms(), |(entry, _)| entry.wall_ms);
        let mut ends_with_stop_sign =
            self.log.stop_sign_behind(self.applied).is_some_and(|sign| sign <= before);
        if is_planted(Planted::BirthRewritten) {
            self.rewrite_births(ballot, &mut suffix);
        }
        if let Some(last) = suffix.entries.last() {
            (previous, next, wall_ms) = (last.hash(self.cluster), last.slot.next(), last.wall_ms);
            ends_with_stop_sign = last.config.is_some();
        }
        if !ends_with_stop_sign {
            suffix.entries.push(Entry {
                slot: next,
                birth: ballot,
                previous,
                wall_ms,
                config: None,
                commands: Vec::new(),
            });
        }
        self.write_log(ballot, suffix);
        let last = self.log.last();
        if let Role::Leading(leading) = &mut self.role {
            leading.opening = last;
        }
    }

    /// What nobody may do: the hash of an entry tells who first proposed it.
    fn rewrite_births(&self, ballot: Ballot, suffix: &mut Suffix) {
        let mut previous = suffix.previous;
        for entry in &mut suffix.entries {
            (entry.birth, entry.previous) = (ballot, previous);
            previous = entry.hash(self.cluster);
        }
    }

    /// Brings a follower to this log, from where it has the same.
    pub(super) fn sync(&mut self, member: Incarnation, have: Have) {
        let Some(leading) = self.leading() else { return };
        let (ballot, adopted) = (leading.ballot, leading.adopted);
        let from = if have.acc_ballot == ballot {
            have.last.next()
        } else if have.acc_ballot == adopted.acc_ballot {
            have.last.min(adopted.last).max(have.decided).next()
        } else {
            have.decided.next()
        };
        // Whole, unless it has this ballot's log already: with a part of it, what it gave up for that would be missing.
        let is_same = have.acc_ballot == ballot || is_planted(Planted::SyncInParts);
        let bytes_max = if is_same { self.limits.message_bytes_max } else { usize::MAX };
        let Some(suffix) = self.log.suffix(from, bytes_max) else {
            return self.say_behind(member);
        };
        let told = self.tell();
        let next = suffix.last().next();
        self.send(member, Message::AcceptSync { ballot, suffix, told });
        if let Role::Leading(leading) = &mut self.role {
            let confirmed = leading.confirmed(&member);
            let heard_at = self.ticks;
            leading.followers.insert(member, Progress { next, last: Slot(0), confirmed, heard_at });
        }
    }

    pub(super) fn on_follow(&mut self, from: Incarnation, have: Have) {
        match self.role {
            Role::Leading(_) => self.sync(from, have),
            // Somebody else leads; what is decided can be had here as well.
            Role::Following => self.teach(from, have),
            Role::Preparing(_) => drop(self.learners.insert(from)),
        }
    }

    pub(super) fn on_accepted(&mut self, from: Incarnation, ballot: Ballot, last: Slot, confirm: u64) {
        let Role::Leading(leading) = &mut self.role else { return };
        if leading.ballot != ballot {
            return;
        }
        let Some(progress) = leading.followers.get_mut(&from) else { return };
        progress.last = progress.last.max(last);
        progress.next = progress.next.max(last.next());
        progress.confirmed = progress.confirmed.max(confirm);
        self.send_next(from);
    }

    /// A member answers.
    pub(super) fn note_here(&mut self, from: Incarnation) {
        let now = self.ticks;
        if let Role::Leading(leading) = &mut self.role
            && let Some(progress) = leading.followers.get_mut(&from)
        {
            progress.heard_at = now;
        }
    }

    /// Puts what waits into slots, and sends what can be sent.
    pub(super) fn lead_on(&mut self, wall_ms: u64) {
        self.wall_ms = wall_ms;
        while self.may_form_slot() {
            if self.waiting.next_needs_own_slot() {
                self.evaluate_next();
                break;
            }
            let commands = self.waiting.take_batch(self.limits.slot_bytes_max);
            self.put_in_slot(commands, None);
        }
        self.send_all();
    }

    fn may_form_slot(&self) -> bool {
        let undecided = self.log.last().0 - self.decided.0;
        !self.waiting.is_empty()
            && undecided < self.limits.slots_in_flight_max
            && (self.log.stop_sign_behind(self.applied).is_none()
                || is_planted(Planted::ProposedBehindStopSign))
            && self.leading().is_some_and(|leading| leading.opening <= self.decided && !leading.is_evaluating)
    }

    /// Has a command judged by the state in which it will be applied: once everything before it is.
    fn evaluate_next(&mut self) {
        if self.applied < self.log.last() && !is_planted(Planted::ChangeNotDrained) {
            return;
        }
        if let Role::Leading(leading) = &mut self.role
            && let Some(proposal) = self.waiting.pop()
        {
            leading.is_evaluating = true;
            self.outputs.push_back(Output::Evaluate(proposal.command));
        }
    }

    /// The answer to [`Output::Evaluate`], by the state as it was then.
    pub fn evaluated(&mut self, verdict: Verdict) {
        if let Role::Leading(leading) = &mut self.role
            && std::mem::take(&mut leading.is_evaluating)
        {
            match verdict {
                Verdict::Drop => {}
                Verdict::Put(command) => self.put_in_slot(vec![command], None),
                Verdict::Change(command, voters) => {
                    let config = Config { epoch: self.entered.epoch + 1, voters };
                    self.put_in_slot(vec![command], Some(config));
                }
            }
        }
        self.settle();
    }

    /// Whether a member that only learns is there and has about all there is, as its proposer sees it. One that has gone
    /// must not become a voter for what it once had.
    pub fn is_caught_up(&self, member: &Incarnation) -> bool {
        let is_here =
            |progress: &Progress| self.ticks - progress.heard_at <= READY_ROUNDS * self.limits.round_ticks;
        let behind = |progress: &Progress| self.log.last().0.saturating_sub(progress.last.0);
        let progress = self.leading().and_then(|leading| leading.followers.get(member));
        progress.is_some_and(|it| is_here(it) && behind(it) <= self.limits.slots_in_flight_max)
    }

    /// Those who could take a voter's place at once.
    pub fn stand_bys(&self) -> Vec<Incarnation> {
        let members = self.leading().into_iter().flat_map(Leading::members);
        members.filter(|member| !self.is_voter(member) && self.is_caught_up(member)).collect()
    }

    /// For how many rounds in a row a quorum of the voters has not heard this one, as its proposer knows.
    pub fn silent_rounds(&self, voter: &Incarnation) -> u64 {
        self.leading().and_then(|leading| leading.silent_rounds.get(voter)).copied().unwrap_or_default()
    }

    /// A round has ended: who is silent in it is so for one round more. In a round in which no quorum answers, as after a
    /// pause of this member's own, nobody is.
    pub(super) fn note_silence(&mut self) {
        let is_silent = |voter: &Incarnation| {
            self.election.finds_silent(&self.entered, voter)
                || (is_planted(Planted::SilentToOne) && self.unheard().contains(voter))
        };
        let silent: Vec<Incarnation> = self.others().into_iter().filter(is_silent).collect();
        if let Role::Leading(leading) = &mut self.role {
            let before = std::mem::take(&mut leading.silent_rounds);
            let rounds = |voter: &Incarnation| before.get(voter).copied().unwrap_or_default() + 1;
            leading.silent_rounds = silent.iter().map(|voter| (*voter, rounds(voter))).collect();
        }
    }

    fn put_in_slot(&mut self, commands: Vec<Bytes>, config: Option<Config>) {
        let entry = Entry {
            slot: self.log.last().next(),
            birth: self.promised,
            previous: self.log.last_hash(),
            wall_ms: self.log.wall_ms().max(self.wall_ms),
            config,
            commands,
        };
        let suffix = Suffix { from: entry.slot, previous: entry.previous, entries: vec![entry] };
        self.write_log(self.promised, suffix);
    }

    fn send_all(&mut self) {
        let Some(leading) = self.leading() else { return };
        let members: Vec<Incarnation> = leading.followers.keys().copied().collect();
        let news = self.decided > leading.told_decided || self.reads.need(leading.confirm);
        if self.reads.need(leading.confirm)
            && let Role::Leading(leading) = &mut self.role
        {
            leading.confirm += 1;
        }
        for member in members {
            if !self.send_next(member) && news {
                self.show(member);
            }
        }
        if let Role::Leading(leading) = &mut self.role {
            leading.told_decided = self.decided;
        }
    }

    /// Sends a follower the next entries, if there are any and it has room. Whether there were.
    fn send_next(&mut self, member: Incarnation) -> bool {
        let Some(leading) = self.leading() else { return false };
        let Some(progress) = leading.followers.get(&member).copied() else { return false };
        let is_full = || progress.unacknowledged(&self.log) >= self.limits.unacknowledged_bytes_max;
        if progress.next > self.log.last() || is_full() {
            return false;
        }
        let ballot = leading.ballot;
        let Some(suffix) = self.log.suffix(progress.next, self.limits.message_bytes_max) else {
            self.say_behind(member);
            if let Role::Leading(leading) = &mut self.role {
                leading.forget(member);
            }
            return false;
        };
        let (told, next) = (self.tell(), suffix.last().next());
        self.send(member, Message::Accept { ballot, suffix, told });
        if let Role::Leading(leading) = &mut self.role
            && let Some(progress) = leading.followers.get_mut(&member)
        {
            progress.next = next;
        }
        true
    }

    /// Tells a follower, without an entry, what is decided and where the log ends.
    fn show(&mut self, member: Incarnation) {
        let Some(leading) = self.leading() else { return };
        let Some(progress) = leading.followers.get(&member) else { return };
        let (ballot, from) = (leading.ballot, progress.next);
        let Some(previous) = self.log.hash_at(Slot(from.0 - 1)) else { return };
        let suffix = Suffix { from, previous, entries: Vec::new() };
        let told = self.tell();
        self.send(member, Message::Accept { ballot, suffix, told });
    }

    /// Those who only learn, and asked this member before it led, or in the configuration before, need not find out by
    /// themselves.
    pub(super) fn call_learners(&mut self) {
        for learner in std::mem::take(&mut self.learners) {
            if !self.is_voter(&learner)
                && let Some(leading) = self.leading()
            {
                let ballot = leading.ballot;
                let suffix = Suffix {
                    from: self.log.last().next(),
                    previous: self.log.last_hash(),
                    entries: Vec::new(),
                };
                let told = self.tell();
                self.send(learner, Message::Accept { ballot, suffix, told });
            }
        }
    }

    /// Each round: a follower that missed something finds out, and one that never answered is asked for a promise again.
    pub(super) fn show_everyone(&mut self) {
        if let Role::Leading(leading) = &mut self.role
            && leading.followers.values().any(|progress| progress.last.next() < progress.next)
        {
            // What was acknowledged may be lost: a new number is answered with it once more.
            leading.confirm += 1;
        }
        let Some(leading) = self.leading() else { return };
        let ballot = leading.ballot;
        let (known, silent): (Vec<_>, Vec<_>) =
            self.others().into_iter().partition(|voter| leading.followers.contains_key(voter));
        let learners = leading.followers.keys().copied().filter(|member| !self.is_voter(member));
        for member in known.into_iter().chain(learners.collect::<Vec<_>>()) {
            self.show(member);
        }
        let have = self.have();
        for voter in silent {
            self.send(voter, Message::Prepare { ballot, have });
        }
    }

    /// What is told with each Accept; what that says of durability is remembered.
    fn tell(&mut self) -> Told {
        let mut durable = self.keep.durable_under(self.acc_ballot).unwrap_or_default();
        if is_planted(Planted::DurableTooEarly) {
            durable = self.log.last();
        }
        let decided = self.decided;
        let Role::Leading(leading) = &mut self.role else {
            return Told { decided, durable: Slot(0), confirm: 0 };
        };
        leading.told_durable = leading.told_durable.max(durable);
        Told { decided, durable, confirm: leading.confirm }
    }

    /// What a majority has durably is decided.
    pub(super) fn decide(&mut self) {
        if let Some(proven) = self.log.proven_stop_sign() {
            self.decided = self.decided.max(proven);
        }
        let Role::Leading(leading) = &self.role else { return self.decide_with_proposer() };
        let own = self.keep.durable_under(leading.ballot).unwrap_or_default();
        let last_of = |voter: &Incarnation| {
            if *voter == self.me {
                own
            } else {
                leading.followers.get(voter).map_or(Slot(0), |progress| progress.last)
            }
        };
        let reached = reached(&self.entered, last_of).unwrap_or_default();
        let has_moved = reached > self.decided;
        self.decided = self.decided.max(reached);
        let is_all = self.decided == self.log.last();
        let now = self.ticks;
        if let Role::Leading(leading) = &mut self.role
            && (has_moved || is_all)
        {
            leading.moved_at = now;
        }
    }

    /// A proposer that gets nothing decided for a while. That is longer after each change of proposers that helped
    /// nothing: when all disks are slow, a change only costs.
    pub(super) fn is_stuck(&self) -> bool {
        self.leading().is_some_and(|leading| {
            self.decided < self.log.last() && self.ticks - leading.moved_at >= self.patience()
        })
    }

    /// Whether something waits for this member's disk for so long that it had better not lead.
    pub(super) fn is_disk_stuck(&self) -> bool {
        self.keep.waits_since().is_some_and(|since| self.ticks - since >= self.patience())
    }

    fn patience(&self) -> u64 {
        self.limits.stuck_ticks << self.changes_in_vain.min(6)
    }
}
