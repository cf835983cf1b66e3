//! A cluster of members in one thread: its network, its disks, and what must never happen, checked at every step.
#![allow(dead_code, reason = "each test program uses some of it")]

mod disk;
mod driver;
mod said;
mod tally;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use disk::Disk;
use doozer_paxos::log::Log;
use doozer_paxos::message::{Envelope, Message, Proposal};
use doozer_paxos::replica::{Limits, Past, Replica};
use doozer_paxos::{ClusterId, Config, Entry, EntryHash, Incarnation, Slot};
pub use tally::{Tally, What};

pub const CLUSTER: ClusterId = ClusterId([7; 16]);

pub fn id(number: u8) -> Incarnation {
    Incarnation([number; 16])
}

pub fn number(id: Incarnation) -> u8 {
    id.0[0]
}

/// Between whom it passes.
fn ends(envelope: &Envelope) -> (u8, u8) {
    (number(envelope.from), number(envelope.to))
}

pub struct Node {
    pub member: Replica,
    pub disk: Disk,
    pub applied: Vec<Entry>,
    /// Reads under way: what each has to see.
    reads: BTreeMap<u64, Slot>,
    pub is_up: bool,
    /// Writes wait until they are let through.
    pub disk_is_held: bool,
}

pub struct Net {
    pub nodes: BTreeMap<u8, Node>,
    first: Config,
    limits: Limits,
    pub flying: Vec<Envelope>,
    /// Directions in which nothing passes.
    pub cut: BTreeSet<(u8, u8)>,
    /// Directions in which everything takes its time, until it is let through.
    delayed: BTreeSet<(u8, u8)>,
    kept_back: Vec<Envelope>,
    /// The one entry of each slot that anybody applied.
    chosen: BTreeMap<Slot, EntryHash>,
    /// Those entries, from the first on: any state is a part of it.
    history: Vec<Entry>,
    pub tally: Tally,
    last_read: u64,
    pub wall_ms: u64,
    /// What happened, for scripts and for failures.
    pub events: Vec<String>,
    pub trace_messages: bool,
    /// Kinds of messages that are noted when they arrive.
    pub shown: BTreeSet<String>,
}

impl Net {
    /// Voters from 1 on, and learners behind them.
    pub fn new(voters: u8, learners: u8, limits: Limits) -> Net {
        let first = Config { epoch: 1, voters: (1..=voters).map(id).collect() };
        let mut net = Net {
            nodes: BTreeMap::new(),
            first: first.clone(),
            limits,
            flying: Vec::new(),
            cut: BTreeSet::new(),
            delayed: BTreeSet::new(),
            kept_back: Vec::new(),
            chosen: BTreeMap::new(),
            history: Vec::new(),
            tally: Tally::default(),
            last_read: 0,
            wall_ms: 1,
            events: Vec::new(),
            trace_messages: std::env::var_os("DOOZER_PAXOS_TRACE").is_some(),
            shown: BTreeSet::new(),
        };
        for number in 1..=voters + learners {
            net.boot(number, Disk::new(first.clone()));
        }
        net
    }

    fn boot(&mut self, number: u8, mut disk: Disk) {
        disk.boot += 1;
        disk.under_way.clear();
        let base = disk.base.clone();
        let applied = self.history[..base.slot.0 as usize].to_vec();
        let entered = base.config.clone();
        let mut log = Log::new(base);
        for entry in &disk.log {
            log.push(entry.clone(), entry.hash(CLUSTER));
        }
        let past = Past {
            boot: disk.boot,
            promised: disk.promised,
            acc_ballot: disk.acc_ballot,
            suspect: disk.suspect,
            log,
            entered,
        };
        let node = Node {
            member: Replica::new(id(number), CLUSTER, past, self.limits),
            disk,
            applied,
            reads: BTreeMap::new(),
            is_up: true,
            disk_is_held: false,
        };
        self.nodes.insert(number, node);
    }

    /// Notes what happened. `DOOZER_PAXOS_TRACE` shows it at once.
    fn note(&mut self, event: String) {
        if self.trace_messages {
            println!("{event}");
        }
        self.events.push(event);
    }

    /// Ends a member; what was not written yet is lost.
    pub fn crash(&mut self, number: u8) {
        let node = self.node(number);
        node.is_up = false;
        node.disk.under_way.clear();
        // What it sent may still arrive.
        self.flying.retain(|envelope| envelope.to != id(number));
    }

    /// Starts it again from its disk.
    pub fn restart(&mut self, number: u8) {
        let node = self.nodes.remove(&number).expect("a member");
        self.boot(number, node.disk);
    }

    /// The last append on a member's disk cannot be read any more. False if there is none that others may have too.
    pub fn rot(&mut self, number: u8) -> bool {
        let is_rotten = self.node(number).disk.rot();
        if is_rotten {
            self.tally.count(What::EndRotten);
        }
        is_rotten
    }

    /// Whether nobody else ever had anything that the last append on a member's disk brought, and the log before it was
    /// accepted under the same ballot: then nothing of it is decided.
    pub fn is_rot_harmless(&self, number: u8) -> bool {
        let Some(appended) = self.nodes[&number].disk.last_append() else { return false };
        appended.into_iter().all(|(slot, hash)| {
            let holders = self.nodes.values().filter(|node| node.disk.had(slot, hash));
            holders.count() <= 1
        })
    }

    /// The connection of two members breaks: what is under way between them is gone, and both are told.
    pub fn reset(&mut self, a: u8, b: u8) {
        let between = |envelope: &Envelope| [(a, b), (b, a)].contains(&ends(envelope));
        self.flying.retain(|envelope| !between(envelope));
        self.kept_back.retain(|envelope| !between(envelope));
        for (number, other) in [(a, b), (b, a)] {
            if self.node(number).is_up {
                self.node(number).member.reset(id(other));
                self.drain(number);
            }
        }
    }

    /// What goes from one to another from now on takes its time.
    pub fn delay(&mut self, from: u8, to: u8) {
        self.delayed.insert((from, to));
    }

    /// What took its time arrives, in the order in which it was sent.
    pub fn let_through(&mut self, from: u8, to: u8) {
        self.delayed.remove(&(from, to));
        let late = self.kept_back.extract_if(.., |envelope| ends(envelope) == (from, to));
        self.flying.extend(late);
    }

    fn launch(&mut self, envelope: Envelope) {
        if self.trace_messages {
            let (from, to) = ends(&envelope);
            self.note(format!("{from} -> {to}: {:?}", envelope.message));
        }
        let (from, _) = ends(&envelope);
        said::check(&envelope, &self.nodes[&from].disk);
        let is_late = self.delayed.contains(&ends(&envelope));
        if is_late { self.kept_back.push(envelope) } else { self.flying.push(envelope) }
    }

    pub fn node(&mut self, number: u8) -> &mut Node {
        self.nodes.get_mut(&number).expect("a member")
    }

    pub fn up(&self) -> Vec<u8> {
        self.nodes.iter().filter(|(_, node)| node.is_up).map(|(number, _)| *number).collect()
    }

    pub fn tick(&mut self, number: u8) {
        self.node(number).member.tick();
        self.drain(number);
    }

    /// A member stands for proposer without waiting for an election.
    pub fn campaign(&mut self, number: u8) {
        self.node(number).member.campaign();
        self.drain(number);
    }

    pub fn propose(&mut self, number: u8, command: &str) {
        self.propose_either(number, command, false);
    }

    fn propose_either(&mut self, number: u8, command: &str, needs_own_slot: bool) {
        let command = Bytes::copy_from_slice(command.as_bytes());
        self.node(number).member.propose(Proposal { command, needs_own_slot });
        self.drain(number);
    }

    /// A linearizable read: it must see all that anybody has applied by now.
    pub fn read(&mut self, number: u8) {
        self.last_read += 1;
        let must_see = self.chosen.keys().next_back().copied().unwrap_or_default();
        let token = self.last_read;
        let node = self.node(number);
        node.reads.insert(token, must_see);
        node.member.read(token);
        self.drain(number);
    }

    /// A change of the voters. Whether it is made is seen.
    pub fn propose_voters(&mut self, number: u8, voters: &[u8]) {
        let words: Vec<String> = voters.iter().map(u8::to_string).collect();
        self.propose_either(number, &format!("voters {}", words.join(" ")), true);
    }

    /// Delivers one of the messages under way.
    pub fn deliver(&mut self, index: usize) {
        let envelope = self.flying.remove(index);
        self.arrive(envelope);
    }

    pub fn arrive(&mut self, envelope: Envelope) {
        let to = number(envelope.to);
        if self.passes(&envelope) {
            self.count_arrival(&envelope);
            self.node(to).member.receive(envelope);
            self.drain(to);
        }
    }

    /// Tells of a message that arrives, where that is asked for.
    fn count_arrival(&mut self, envelope: &Envelope) {
        let (from, to) = ends(envelope);
        if self.shown.contains(words::kind(&envelope.message)) {
            self.note(format!("{from} > {to}: {}", words::words(&envelope.message)));
        }
        let member = &self.node(to).member;
        let config = member.config();
        let what = match &envelope.message {
            Message::Forward { is_relayed: true, .. } if member.is_leading() => What::ForwardRelayed,
            Message::Learn { suffix }
                if !suffix.entries.is_empty()
                    && config.voters.contains(&id(to))
                    && envelope.epoch == config.epoch =>
            {
                What::LearnedByVoter
            }
            _ => return,
        };
        self.tally.count(what);
    }

    fn passes(&self, envelope: &Envelope) -> bool {
        let (from, to) = ends(envelope);
        self.nodes.get(&to).is_some_and(|node| node.is_up) && !self.cut.contains(&(from, to))
    }

    /// Delivers and writes until nothing is under way, in order.
    pub fn quiet(&mut self) {
        loop {
            let writable: Vec<u8> = self
                .nodes
                .iter()
                .filter(|(_, node)| node.is_up && !node.disk_is_held)
                .map(|(n, _)| *n)
                .collect();
            let wrote = writable.into_iter().fold(false, |wrote, number| self.write(number) | wrote);
            if !self.flying.is_empty() {
                self.deliver(0);
            } else if !wrote {
                return;
            }
        }
    }

    /// So many ticks for everybody, each until all is quiet.
    pub fn run(&mut self, ticks: u64) {
        for _ in 0..ticks {
            for number in self.up() {
                self.tick(number);
            }
            self.quiet();
        }
    }

    /// How many slots were decided.
    pub fn decided(&self) -> usize {
        self.chosen.len()
    }

    pub fn leaders(&self) -> Vec<u8> {
        let leads = |node: &Node| node.is_up && node.member.is_leading();
        self.nodes.iter().filter(|(_, node)| leads(node)).map(|(number, _)| *number).collect()
    }
}
