//! One member, its disk, and the driver between them: the real replica takes one input and everything is carried out
//! that follows from it alone.
//! Never here: what other members have, or what comes next.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::Bytes;
use doozer_paxos::message::{Envelope, Message, Proposal};
use doozer_paxos::replica::{Limits, Output, Replica, Verdict};
use doozer_paxos::{ClusterId, Config, Entry, EntryHash, Incarnation, Slot};

use crate::disk::Disk;
use crate::fault::Fault;

pub const CLUSTER: ClusterId = ClusterId([7; 16]);

/// The wall clock stands still: no decision uses it.
const WALL_MS: u64 = 1;

/// The command that changes the voters.
const CHANGE: Bytes = Bytes::from_static(b"change");

pub fn id(number: u8) -> Incarnation {
    Incarnation([number; 16])
}

pub fn number(id: Incarnation) -> u8 {
    id.0[0]
}

/// What is the same for all members of a scope.
#[derive(Clone)]
pub struct Rules {
    pub first: Config,
    /// Who votes after the change.
    pub changed: Vec<Incarnation>,
    pub limits: Limits,
    #[cfg(doozer_planted)]
    pub planted: Option<doozer_paxos::planted::Planted>,
}

/// What happens to a member.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Input {
    Deliver(Arc<Envelope>),
    /// It stands for proposer: instead of time, that passes and finds nobody leading.
    Campaign,
    Propose(u8),
    /// A change of the voters is proposed.
    Change,
    /// A linearizable read begins, under this number.
    Read(u8),
    /// The connection to that member was lost and made anew.
    Reset(u8),
    /// The oldest thing under way becomes durable.
    Write,
    /// It crashes and is started again from its disk. So many things under way had just become durable.
    Crash(u8),
}

/// What the rest of the cluster sees of a step.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Event {
    Sent(Envelope),
    /// An entry was applied that stands in this configuration; and whether it was durable here by then.
    Applied {
        slot: Slot,
        hash: EntryHash,
        config: Config,
        is_durable: bool,
    },
    /// A read was answered with what is applied up to here.
    Answered {
        read: u8,
        applied: Slot,
    },
}

#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Node {
    pub member: Replica,
    pub disk: Disk,
    pub applied: Vec<Entry>,
    disk_is_slow: bool,
}

impl Node {
    /// A member that was just born. What a slow disk is given becomes durable in steps of their own.
    pub fn new(number: u8, rules: &Rules, disk_is_slow: bool) -> Node {
        let mut disk = Disk::new();
        let member = Replica::new(id(number), CLUSTER, disk.start(&rules.first), rules.limits);
        Node { member, disk, applied: Vec::new(), disk_is_slow }
    }

    /// Takes one input, and carries out what follows. A panic of the replica's is a fault like any other.
    pub fn step(&mut self, number: u8, input: &Input, rules: &Rules) -> Result<Vec<Event>, Fault> {
        #[cfg(doozer_planted)]
        doozer_paxos::planted::plant(rules.planted);
        let step = || {
            self.take(number, input, rules)?;
            self.settle(rules)
        };
        catch_unwind(AssertUnwindSafe(step)).unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            Err(Fault::Panic(text.unwrap_or_default()))
        })
    }

    /// Whether a message that does nothing here now, but for a refusal, has nothing to do later either: its ballot is
    /// outdone, or what it tells is known.
    pub fn is_beyond(&self, message: &Message) -> bool {
        match message {
            Message::Prepare { ballot, .. } => *ballot < self.disk.promised(),
            Message::AcceptSync { ballot, suffix, .. } | Message::Accept { ballot, suffix, .. } => {
                *ballot < self.disk.promised()
                    || *ballot == self.disk.acc_ballot() && suffix.last() <= self.member.last()
            }
            Message::Learn { suffix, .. } => suffix.last() <= self.member.decided(),
            Message::Promise { .. } | Message::Accepted { .. } | Message::Nack { .. } => true,
            Message::ReadReply { .. } => true,
            _ => false,
        }
    }

    fn take(&mut self, number: u8, input: &Input, rules: &Rules) -> Result<(), Fault> {
        match input {
            Input::Deliver(envelope) => self.member.receive((**envelope).clone()),
            Input::Campaign => self.member.campaign(),
            Input::Propose(command) => {
                self.member.propose(Proposal { command: command_bytes(*command), needs_own_slot: false });
            }
            Input::Change => self.member.propose(Proposal { command: CHANGE, needs_own_slot: true }),
            Input::Read(read) => self.member.read(u64::from(*read)),
            Input::Reset(from) => self.member.reset(id(*from)),
            Input::Write => self.write()?,
            Input::Crash(written) => {
                self.disk.lose_power(usize::from(*written))?;
                self.member = Replica::new(id(number), CLUSTER, self.disk.start(&rules.first), rules.limits);
                self.applied.clear();
            }
        }
        Ok(())
    }

    /// Flushes and carries out until nothing comes any more. All of that is this member's alone: whatever arrives in
    /// between can as well arrive before or behind it, but for what a slow disk does, which is a step of its own.
    fn settle(&mut self, rules: &Rules) -> Result<Vec<Event>, Fault> {
        let mut events = Vec::new();
        loop {
            self.member.flush(WALL_MS);
            let mut outputs: VecDeque<Output> = std::iter::from_fn(|| self.member.poll_output()).collect();
            let is_done = outputs.is_empty() && (self.disk_is_slow || self.disk.under_way() == 0);
            if is_done {
                return Ok(events);
            }
            while let Some(output) = outputs.pop_front() {
                self.carry_out(output, rules, &mut events)?;
                outputs.extend(std::iter::from_fn(|| self.member.poll_output()));
            }
            if !self.disk_is_slow {
                self.write()?;
            }
        }
    }

    fn write(&mut self) -> Result<(), Fault> {
        if let Some(id) = self.disk.write()? {
            self.member.persisted(id);
        }
        Ok(())
    }

    fn carry_out(&mut self, output: Output, rules: &Rules, events: &mut Vec<Event>) -> Result<(), Fault> {
        match output {
            Output::Persist(id, what) => self.disk.give(id, what),
            Output::Send(envelope) if !self.disk.bears_out(&envelope.message) => {
                return Err(Fault::SaidBeforeDurable);
            }
            Output::Send(envelope) => events.push(Event::Sent(envelope)),
            Output::Apply(entry, hash) => events.push(self.apply(entry, hash, rules)?),
            Output::Read(reads) => {
                let applied = Slot(self.applied.len() as u64);
                events.extend(reads.into_iter().map(|read| Event::Answered { read: read as u8, applied }));
            }
            Output::Evaluate(command) => {
                let is_changed = self.config(rules).voters == rules.changed;
                let change = Verdict::Change(command, rules.changed.clone());
                self.member.evaluated(if is_changed { Verdict::Drop } else { change });
            }
            Output::Proposer(_) => {}
            Output::Install(_) | Output::FetchSnapshot(_) | Output::GaveUp(_) => {
                return Err(Fault::Panic(format!("no log begins behind a snapshot here: {output:?}")));
            }
        }
        Ok(())
    }

    fn apply(&mut self, entry: Entry, hash: EntryHash, rules: &Rules) -> Result<Event, Fault> {
        let slot = entry.slot;
        let before = self.applied.last().map_or(EntryHash::NONE, |entry| entry.hash(CLUSTER));
        if slot.0 != self.applied.len() as u64 + 1 || entry.previous != before {
            return Err(Fault::OutOfOrder);
        }
        let (config, is_durable) = (self.config(rules).clone(), self.disk.has(slot, hash));
        self.applied.push(entry);
        self.member.applied(slot);
        Ok(Event::Applied { slot, hash, config, is_durable })
    }

    /// The configuration in force behind what is applied.
    fn config<'a>(&'a self, rules: &'a Rules) -> &'a Config {
        let brought = self.applied.iter().rev().find_map(|entry| entry.config.as_ref());
        brought.unwrap_or(&rules.first)
    }
}

/// The bytes of the command of this number.
pub fn command_bytes(command: u8) -> Bytes {
    Bytes::copy_from_slice(&[b'c', b'0' + command])
}
