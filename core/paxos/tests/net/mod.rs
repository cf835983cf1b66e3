//! A cluster of members in one thread: its network, its disks, and what must never happen, checked at every step.
#![allow(dead_code, reason = "each test program uses some of it")]

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;
use doozer_paxos::cluster::{Limits, Member, Output, Past, Persist, PersistId};
use doozer_paxos::log::Log;
use doozer_paxos::message::Envelope;
use doozer_paxos::{Ballot, ClusterId, Config, Entry, EntryHash, Incarnation, Slot};

pub const CLUSTER: ClusterId = ClusterId([7; 16]);

pub fn id(number: u8) -> Incarnation {
    Incarnation([number; 16])
}

pub fn number(id: Incarnation) -> u8 {
    id.0[0]
}

/// What a member has on its disk, and what is on its way there.
pub struct Disk {
    pub promised: Ballot,
    pub acc_ballot: Ballot,
    pub log: Vec<Entry>,
    pub boot: u64,
    pub under_way: VecDeque<(PersistId, Persist)>,
}

impl Disk {
    fn new() -> Disk {
        let (promised, acc_ballot) = (Ballot::ZERO, Ballot::ZERO);
        Disk { promised, acc_ballot, log: Vec::new(), boot: 0, under_way: VecDeque::new() }
    }

    /// Writes the next thing. Its number, if there was one.
    fn write(&mut self) -> Option<PersistId> {
        let (id, what) = self.under_way.pop_front()?;
        match what {
            Persist::Promise(ballot) => {
                assert!(ballot > self.promised, "a promise was taken back");
                self.promised = ballot;
            }
            Persist::Append(append) => {
                assert!(append.acc_ballot <= self.promised, "accepted before it was promised");
                self.acc_ballot = append.acc_ballot;
                self.log.truncate(append.from.0 as usize - 1);
                assert_eq!(self.log.len() as u64 + 1, append.from.0, "an append leaves a gap");
                self.log.extend(append.entries);
            }
        }
        Some(id)
    }

    fn has(&self, slot: Slot, hash: EntryHash) -> bool {
        self.log.get(slot.0 as usize - 1).is_some_and(|entry| entry.hash(CLUSTER) == hash)
    }
}

pub struct Node {
    pub member: Member,
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
    /// The one entry of each slot that anybody applied.
    chosen: BTreeMap<Slot, EntryHash>,
    pub reads_answered: usize,
    last_read: u64,
    pub wall_ms: u64,
    /// What happened, for scripts and for failures.
    pub events: Vec<String>,
    pub trace_messages: bool,
}

impl Net {
    /// Voters from 1 on, and learners behind them.
    pub fn new(voters: u8, learners: u8, limits: Limits) -> Net {
        let first = Config { epoch: 1, voters: (1..=voters).map(id).collect() };
        let mut net = Net {
            nodes: BTreeMap::new(),
            first,
            limits,
            flying: Vec::new(),
            cut: BTreeSet::new(),
            chosen: BTreeMap::new(),
            reads_answered: 0,
            last_read: 0,
            wall_ms: 1,
            events: Vec::new(),
            trace_messages: false,
        };
        for number in 1..=voters + learners {
            net.boot(number, Disk::new());
        }
        net
    }

    fn boot(&mut self, number: u8, disk: Disk) {
        let mut log = Log::new(Slot(0), EntryHash::NONE, self.first.clone());
        for entry in &disk.log {
            log.push(entry.clone(), entry.hash(CLUSTER));
        }
        let past = Past {
            boot: disk.boot + 1,
            promised: disk.promised,
            acc_ballot: disk.acc_ballot,
            log,
            entered: self.first.clone(),
        };
        let node = Node {
            member: Member::new(id(number), CLUSTER, past, self.limits),
            disk: Disk { under_way: VecDeque::new(), boot: disk.boot + 1, ..disk },
            applied: Vec::new(),
            reads: BTreeMap::new(),
            is_up: true,
            disk_is_held: false,
        };
        self.nodes.insert(number, node);
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

    pub fn propose(&mut self, number: u8, command: &str) {
        let command = Bytes::copy_from_slice(command.as_bytes());
        self.node(number).member.propose(command);
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

    pub fn propose_config(&mut self, number: u8, voters: &[u8]) -> bool {
        let voters = voters.iter().copied().map(id).collect();
        let wall_ms = self.wall_ms;
        let done = self.node(number).member.propose_config(Bytes::from_static(b"config"), voters, wall_ms);
        self.drain(number);
        done
    }

    /// Writes the next thing that waits for a member's disk.
    pub fn write(&mut self, number: u8) -> bool {
        let node = self.node(number);
        let Some(id) = node.disk.write() else { return false };
        node.member.persisted(id);
        self.drain(number);
        true
    }

    /// Delivers one of the messages under way.
    pub fn deliver(&mut self, index: usize) {
        let envelope = self.flying.remove(index);
        self.arrive(envelope);
    }

    pub fn arrive(&mut self, envelope: Envelope) {
        let to = number(envelope.to);
        if self.passes(&envelope) {
            self.node(to).member.receive(envelope);
            self.drain(to);
        }
    }

    fn passes(&self, envelope: &Envelope) -> bool {
        let (from, to) = (number(envelope.from), number(envelope.to));
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

    /// Flushes, and carries out what comes.
    fn drain(&mut self, number: u8) {
        let wall_ms = self.wall_ms;
        let node = self.node(number);
        node.member.flush(wall_ms);
        while let Some(output) = self.node(number).member.poll_output() {
            self.carry_out(number, output);
        }
    }

    fn carry_out(&mut self, number: u8, output: Output) {
        match output {
            Output::Persist(id, what) => self.node(number).disk.under_way.push_back((id, what)),
            Output::Send(envelope) => {
                if self.trace_messages {
                    self.events.push(format!(
                        "{number} -> {}: {:?}",
                        self::number(envelope.to),
                        envelope.message
                    ));
                }
                self.flying.push(envelope);
            }
            Output::Apply(entry, hash) => self.apply(number, entry, hash),
            Output::Read(tokens) => {
                let applied = Slot(self.node(number).applied.len() as u64);
                for token in tokens {
                    let must_see = self.node(number).reads.remove(&token).expect("a read that began");
                    assert!(applied >= must_see, "a read at {number} saw {applied} and not {must_see}");
                    self.reads_answered += 1;
                    self.events.push(format!("{number}: read at {applied}"));
                }
            }
            Output::Proposer(proposer) => {
                let who = proposer.map_or("nobody".to_owned(), |id| self::number(id).to_string());
                self.events.push(format!("{number}: proposer is {who}"));
            }
            Output::SendSnapshot(_) | Output::FetchSnapshot(_) => {
                panic!("no log here is ever cut at its front")
            }
        }
    }

    fn apply(&mut self, number: u8, entry: Entry, hash: EntryHash) {
        let slot = entry.slot;
        let node = self.node(number);
        assert_eq!(node.applied.len() as u64 + 1, slot.0, "applied out of order at {number}");
        let before = node.applied.last().map_or(EntryHash::NONE, |entry| entry.hash(CLUSTER));
        assert_eq!(entry.previous, before, "slot {slot} at {number} does not follow what it applied");
        node.applied.push(entry.clone());
        node.member.applied(slot);
        let commands: Vec<String> =
            entry.commands.iter().map(|command| String::from_utf8_lossy(command).into_owned()).collect();
        self.events.push(format!("{number}: applied {slot} [{}]", commands.join(" ")));
        match self.chosen.get(&slot) {
            Some(chosen) => assert_eq!(*chosen, hash, "slot {slot} was decided twice"),
            None => {
                // Who was the first to apply it had better be right.
                let config = self.config_at(number, slot);
                let durable = config.voters.iter().filter(|voter| {
                    let node = &self.nodes[&self::number(**voter)];
                    node.disk.has(slot, hash)
                });
                let durable = durable.count();
                assert!(
                    durable > config.voters.len() / 2,
                    "slot {slot} is applied, and durable at {durable} only"
                );
                self.chosen.insert(slot, hash);
            }
        }
    }

    /// The configuration in force at a slot, as far as a member has applied.
    fn config_at(&self, number: u8, slot: Slot) -> Config {
        let brought = self.nodes[&number].applied.iter().rev().filter(|entry| entry.slot < slot);
        brought.filter_map(|entry| entry.config.clone()).next().unwrap_or(self.first.clone())
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
