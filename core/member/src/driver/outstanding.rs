//! This member's own commands that are not applied yet: numbered, kept for being sent again, answered in order.

use std::collections::VecDeque;

use bytes::Bytes;
use doozer_paxos::message::Proposal;

use crate::driver::{NoQuorum, NotWritten};
use crate::machine::{Logged, Number, Origin, is_about_voters};

/// Ticks without progress after which everything is sent again: two rounds of heartbeats.
const PATIENCE_TICKS: u64 = 20;

/// It waits longer each time, up to four times that: whatever holds things up, sending more does not help.
const PATIENCE_DOUBLINGS_MAX: u32 = 2;

/// While commands are not decided in time, so many are kept, or so many bytes of them.
const LATE_MAX: usize = 10_000;
const LATE_BYTES_MAX: usize = 16 << 20;

#[derive(Debug)]
pub(super) struct Outstanding<R> {
    origin: Origin,
    /// The command that begins this life is applied: before it, none counts.
    is_open: bool,
    /// The number of the last command that was applied.
    applied: u64,
    /// The commands behind it, in order.
    commands: VecDeque<Own<R>>,
    /// How many of the first of them were answered before they were applied: nobody waits for them any more.
    given_up: usize,
    /// Bytes of all of them.
    bytes: usize,
    /// When something was last applied, in ticks.
    applied_at: u64,
    /// When something last was applied or sent, and how often it was sent again only because nothing was.
    moved_at: u64,
    sent_in_vain: u32,
    /// How far it was applied when a gap last led to sending again.
    gap_at: Option<u64>,
}

/// A command that was applied, and whoever waits for what became of it.
#[derive(Debug)]
pub(super) struct Settled<R> {
    pub reply: R,
    logged: Bytes,
}

impl<R> Settled<R> {
    /// The command of the store.
    pub fn command(&self) -> &[u8] {
        match Logged::decode(&self.logged) {
            Ok(Logged::Do(_, command)) => command,
            _ => &[],
        }
    }
}

#[derive(Debug)]
struct Own<R> {
    proposal: Proposal,
    reply: Option<R>,
    /// When it was given, in ticks.
    since: u64,
}

impl<R> Outstanding<R> {
    pub fn new(origin: Origin) -> Outstanding<R> {
        Outstanding {
            origin,
            is_open: false,
            applied: 0,
            commands: VecDeque::new(),
            given_up: 0,
            bytes: 0,
            applied_at: 0,
            moved_at: 0,
            sent_in_vain: 0,
            gap_at: None,
        }
    }

    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// Nothing is left to be applied.
    pub fn is_empty(&self) -> bool {
        self.is_open && self.commands.is_empty()
    }

    /// Numbers a command of the store.
    pub fn push(&mut self, command: &[u8], reply: Option<R>, now: u64) -> Proposal {
        if self.commands.is_empty() {
            self.moved_at = now;
        }
        let number = Number {
            origin: self.origin,
            number: self.applied + self.commands.len() as u64 + 1,
            acknowledged: self.applied,
        };
        let proposal = Proposal {
            command: Logged::Do(number, command).encode(),
            needs_own_slot: is_about_voters(command),
        };
        self.bytes += proposal.command.len();
        self.commands.push_back(Own { proposal: proposal.clone(), reply, since: now });
        proposal
    }

    /// Why one more had better be refused, while it surely is nowhere: nothing has been decided for so many ticks, because
    /// of `no_quorum`; or things take longer than that, and as much waits as is to be kept. What waits shows when that is
    /// over.
    pub fn refuses(&self, now: u64, patience: u64, no_quorum: NoQuorum) -> Option<NotWritten> {
        if self.given_up == 0 {
            return None;
        }
        if now >= self.applied_at + patience {
            return Some(NotWritten::NoQuorum(no_quorum));
        }
        let is_full = self.bytes >= LATE_BYTES_MAX || self.commands.len() >= LATE_MAX;
        is_full.then_some(NotWritten::Overloaded)
    }

    /// Whom to tell that what became of their commands, given so many ticks ago, is not known: they were not decided
    /// since. The commands stay: what comes behind them counts only after them.
    pub fn give_up(&mut self, now: u64, patience: u64) -> Vec<R> {
        let mut gone = Vec::new();
        while let Some(own) = self.commands.get_mut(self.given_up)
            && now >= own.since + patience
        {
            gone.extend(own.reply.take());
            self.given_up += 1;
        }
        gone
    }

    fn pop(&mut self) -> Option<Settled<R>> {
        let own = self.commands.pop_front()?;
        self.bytes -= own.proposal.command.len();
        self.given_up = self.given_up.saturating_sub(1);
        Some(Settled { reply: own.reply?, logged: own.proposal.command })
    }

    /// Everything that is not applied, to be sent once more.
    pub fn again(&mut self, now: u64) -> Vec<Proposal> {
        let was_overdue = self.is_overdue(now);
        self.sent_in_vain = if was_overdue { self.sent_in_vain + 1 } else { 0 };
        self.moved_at = now;
        let open = (!self.is_open).then(|| Proposal { command: self.opening(), needs_own_slot: false });
        open.into_iter().chain(self.commands.iter().map(|own| own.proposal.clone())).collect()
    }

    fn opening(&self) -> Bytes {
        Logged::Open(self.origin).encode()
    }

    /// Whether so long nothing was applied that what was sent may be lost.
    pub fn is_overdue(&self, now: u64) -> bool {
        let patience = PATIENCE_TICKS << self.sent_in_vain.min(PATIENCE_DOUBLINGS_MAX);
        !self.is_empty() && now >= self.moved_at + patience
    }

    /// This life's beginning is applied.
    pub fn opened(&mut self, origin: &Origin, now: u64) {
        if *origin == self.origin {
            self.is_open = true;
            (self.applied_at, self.moved_at, self.sent_in_vain) = (now, now, 0);
        }
    }

    /// A command was applied; whom to answer, if it is one of these.
    pub fn done(&mut self, number: &Number, now: u64) -> Option<Settled<R>> {
        if number.origin != self.origin {
            return None;
        }
        assert_eq!(number.number, self.applied + 1, "a command of this member's is applied out of order");
        self.applied = number.number;
        (self.applied_at, self.moved_at, self.sent_in_vain) = (now, now, 0);
        self.pop()
    }

    /// A command was skipped. Whether one before it must be missing, or the beginning of this life, which is to be sent
    /// again at once.
    pub fn shows_a_gap(&mut self, number: &Number) -> bool {
        let is_gap = number.origin == self.origin
            && (number.number > self.applied + 1 || !self.is_open)
            && self.gap_at != Some(self.applied);
        if is_gap {
            self.gap_at = Some(self.applied);
        }
        is_gap
    }

    /// In a state that came as a snapshot, this life's commands are applied up to `last`. Whom to answer for those that
    /// were not known to be, with their numbers.
    pub fn applied_up_to(&mut self, last: Option<u64>, now: u64) -> Vec<(u64, Settled<R>)> {
        let Some(last) = last else { return Vec::new() };
        self.is_open = true;
        let mut done = Vec::new();
        while self.applied < last {
            self.applied += 1;
            (self.applied_at, self.moved_at) = (now, now);
            let settled = self.pop();
            done.extend(settled.map(|settled| (self.applied, settled)));
        }
        done
    }

    /// Takes back everything that is not applied: it is nowhere. Whom to tell. The numbers are given again.
    pub fn take_back(&mut self) -> Vec<R> {
        (self.given_up, self.bytes) = (0, 0);
        self.commands.drain(..).filter_map(|own| own.reply).collect()
    }
}
