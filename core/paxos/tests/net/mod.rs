//! A cluster of members in one thread: its network, its disks, and what must never happen, checked at every step.
#![allow(dead_code, reason = "each test program uses some of it")]

mod disk;

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use disk::{Disk, Written};
use doozer_paxos::cluster::{Limits, Member, Output, Past, Verdict};
use doozer_paxos::log::{Base, Log};
use doozer_paxos::message::{Envelope, Proposal};
use doozer_paxos::{ClusterId, Config, Entry, EntryHash, Incarnation, Slot};

pub const CLUSTER: ClusterId = ClusterId([7; 16]);

pub fn id(number: u8) -> Incarnation {
    Incarnation([number; 16])
}

pub fn number(id: Incarnation) -> u8 {
    id.0[0]
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
    /// Those entries, from the first on: any state is a part of it.
    history: Vec<Entry>,
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
            first: first.clone(),
            limits,
            flying: Vec::new(),
            cut: BTreeSet::new(),
            chosen: BTreeMap::new(),
            history: Vec::new(),
            reads_answered: 0,
            last_read: 0,
            wall_ms: 1,
            events: Vec::new(),
            trace_messages: std::env::var_os("DOOZER_PAXOS_TRACE").is_some(),
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
            member: Member::new(id(number), CLUSTER, past, self.limits),
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
        self.propose_either(number, command, false);
    }

    fn propose_either(&mut self, number: u8, command: &str, is_alone: bool) {
        let command = Bytes::copy_from_slice(command.as_bytes());
        self.node(number).member.propose(Proposal { command, is_alone });
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

    /// Judges a change as a driver would: one voter more or less, and a new one must have caught up.
    fn evaluate(&mut self, number: u8, command: &Bytes) {
        let node = self.node(number);
        assert_eq!(node.applied.len() as u64, node.member.last().0, "something is under way at {number}");
        let words = std::str::from_utf8(command).unwrap().split_whitespace().skip(1);
        let voters: Vec<Incarnation> = words.map(|word| id(word.parse().unwrap())).collect();
        let now = &node.member.config().voters;
        let new: Vec<_> = voters.iter().filter(|voter| !now.contains(voter)).collect();
        let gone = now.iter().filter(|voter| !voters.contains(voter)).count();
        let is_one = new.len() + gone == 1;
        let is_ready = new.iter().all(|voter| node.member.is_caught_up(voter));
        let verdict = if is_one && is_ready && !voters.is_empty() {
            Verdict::Change(command.clone(), voters)
        } else {
            Verdict::Put(Bytes::from_static(b"refused"))
        };
        node.member.evaluated(verdict);
    }

    /// Writes the next thing that waits for a member's disk.
    pub fn write(&mut self, number: u8) -> bool {
        let node = self.node(number);
        match node.disk.write() {
            None => return false,
            Some(Written::Done(id)) => node.member.persisted(id),
            Some(Written::NoRoom) => {
                node.member.full();
                if node.member.is_alone() {
                    node.disk.drop_orders();
                    node.member.take_back();
                }
                self.note(format!("{number}: disk full"));
            }
        }
        self.drain(number);
        true
    }

    /// A member gets the state of another one.
    fn fetch_snapshot(&mut self, number: u8, from: Incarnation) {
        let Some(lender) = self.nodes.get(&self::number(from)).filter(|node| node.is_up) else { return };
        if self.cut.contains(&(self::number(from), number)) {
            return;
        }
        let slot = Slot(lender.applied.len() as u64);
        let Some(last) = lender.applied.last() else { return };
        let base = Base {
            slot,
            hash: last.hash(CLUSTER),
            wall_ms: last.wall_ms,
            config: self.config_at(self::number(from), slot.next()),
        };
        if self.node(number).member.install(base) {
            self.note(format!("{number}: takes a snapshot of {slot} from {}", self::number(from)));
        }
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
                    self.note(format!("{number} -> {}: {:?}", self::number(envelope.to), envelope.message));
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
                    self.note(format!("{number}: read at {applied}"));
                }
            }
            Output::Proposer(proposer) => {
                let who = proposer.map_or("nobody".to_owned(), |id| self::number(id).to_string());
                self.note(format!("{number}: proposer is {who}"));
            }
            Output::Evaluate(command) => self.evaluate(number, &command),
            Output::FetchSnapshot(from) => self.fetch_snapshot(number, from),
            Output::Install(base) => {
                let state = self.history[..base.slot.0 as usize].to_vec();
                let node = self.node(number);
                node.applied = state;
                node.member.applied(base.slot);
            }
            // Whether any of it had been decided, the slots tell.
            Output::GaveUp(suspects) => self.note(format!("{number}: gave up {}", suspects.len())),
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
        self.note(format!("{number}: applied {slot} [{}]", commands.join(" ")));
        match self.chosen.get(&slot) {
            Some(chosen) => assert_eq!(*chosen, hash, "slot {slot} was decided twice"),
            None => {
                // Who was the first to apply it had better be right.
                let config = self.config_at(number, slot);
                let durable = config.voters.iter().filter(|voter| {
                    let node = &self.nodes[&self::number(**voter)];
                    node.disk.had(slot, hash)
                });
                let durable = durable.count();
                assert!(
                    durable > config.voters.len() / 2,
                    "slot {slot} is applied, and durable at {durable} only"
                );
                self.chosen.insert(slot, hash);
                assert_eq!(self.history.len() as u64 + 1, slot.0, "slot {slot} is the first of a gap");
                self.history.push(entry);
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
