//! What a member's driver does with its outputs, and what must never happen while it does, checked at each of them.

use bytes::Bytes;
use doozer_paxos::log::Base;
use doozer_paxos::replica::{Output, Verdict};
use doozer_paxos::{Config, Entry, EntryHash, Incarnation, Slot};

use super::disk::Written;
use super::{CLUSTER, Net, What, id, words};

impl Net {
    /// Flushes, and carries out what comes.
    pub(super) fn drain(&mut self, number: u8) {
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
            Output::Send(envelope) => self.launch(envelope),
            Output::Apply(entry, hash) => self.apply(number, entry, hash),
            Output::Read(tokens) => {
                let applied = Slot(self.node(number).applied.len() as u64);
                for token in tokens {
                    let must_see = self.node(number).reads.remove(&token).expect("a read that began");
                    assert!(applied >= must_see, "a read at {number} saw {applied} and not {must_see}");
                    self.tally.count(What::ReadAnswered);
                    self.note(format!("{number}: read at {applied}"));
                }
            }
            Output::Proposer(proposer) => {
                let who = proposer.map_or("nobody".to_owned(), |id| super::number(id).to_string());
                self.note(format!("{number}: proposer is {who}"));
            }
            Output::Evaluate(command) => self.evaluate(number, &command),
            Output::FetchSnapshot(from) => self.fetch_snapshot(number, from),
            Output::Install(base) => {
                let state = self.history[..base.slot.0 as usize].to_vec();
                let node = self.node(number);
                node.applied = state;
                node.member.applied(base.slot);
                self.tally.count(What::SnapshotInstalled);
            }
            // Whether any of it had been decided, the slots tell.
            Output::GaveUp(suspects) => {
                let ends: Vec<String> = suspects.iter().map(|suspect| suspect.last.to_string()).collect();
                self.tally.count(What::EndGivenUp);
                self.note(format!("{number}: gave up what may have stood up to {}", ends.join(", ")));
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
        let commands: Vec<String> = entry.commands.iter().map(words::command).collect();
        self.note(format!("{number}: applied {slot} [{}]", commands.join(" ")));
        match self.chosen.get(&slot) {
            Some(chosen) => assert_eq!(*chosen, hash, "slot {slot} was decided twice"),
            None => {
                // Who was the first to apply it had better be right.
                let config = self.config_at(number, slot);
                let durable = config.voters.iter().filter(|voter| {
                    let node = &self.nodes[&super::number(**voter)];
                    node.disk.had(slot, hash)
                });
                let durable = durable.count();
                assert!(
                    durable > config.voters.len() / 2,
                    "slot {slot} is applied, and durable at {durable} only"
                );
                self.chosen.insert(slot, hash);
                assert_eq!(self.history.len() as u64 + 1, slot.0, "slot {slot} is the first of a gap");
                self.tally.count(What::SlotDecided);
                if entry.config.is_some() {
                    self.tally.count(What::VotersChanged);
                }
                self.history.push(entry);
            }
        }
    }

    /// The configuration in force at a slot, as far as a member has applied.
    fn config_at(&self, number: u8, slot: Slot) -> Config {
        let brought = self.nodes[&number].applied.iter().rev().filter(|entry| entry.slot < slot);
        brought.filter_map(|entry| entry.config.clone()).next().unwrap_or(self.first.clone())
    }

    /// Writes the next thing that waits for a member's disk.
    pub fn write(&mut self, number: u8) -> bool {
        let node = self.node(number);
        match node.disk.write() {
            None => return false,
            Some(Written::Done(id)) => node.member.persisted(id),
            Some(Written::NoRoom) => {
                node.member.full();
                if node.member.may_take_back() {
                    node.disk.drop_orders();
                    node.member.take_back();
                }
                self.tally.count(What::DiskFull);
                self.note(format!("{number}: disk full"));
            }
        }
        self.drain(number);
        true
    }

    /// Judges a change as a driver would: one voter more or less, or one in place of another, and a new one must have caught
    /// up.
    fn evaluate(&mut self, number: u8, command: &Bytes) {
        let node = self.node(number);
        assert_eq!(node.applied.len() as u64, node.member.last().0, "something is under way at {number}");
        let words = std::str::from_utf8(command).unwrap().split_whitespace().skip(1);
        let voters: Vec<Incarnation> = words.map(|word| id(word.parse().unwrap())).collect();
        let now = &node.member.config().voters;
        let new: Vec<_> = voters.iter().filter(|voter| !now.contains(voter)).collect();
        let gone = now.iter().filter(|voter| !voters.contains(voter)).count();
        let is_one = new.len() <= 1 && gone <= 1 && new.len() + gone > 0;
        let is_ready = new.iter().all(|voter| node.member.is_caught_up(voter));
        let verdict = if is_one && is_ready && !voters.is_empty() {
            Verdict::Change(command.clone(), voters)
        } else {
            Verdict::Put(Bytes::from_static(b"refused"))
        };
        node.member.evaluated(verdict);
    }

    /// A member gets the state of another one.
    fn fetch_snapshot(&mut self, number: u8, from: Incarnation) {
        let Some(lender) = self.nodes.get(&super::number(from)).filter(|node| node.is_up) else { return };
        if self.cut.contains(&(super::number(from), number)) {
            return;
        }
        let slot = Slot(lender.applied.len() as u64);
        let Some(last) = lender.applied.last() else { return };
        let base = Base {
            slot,
            hash: last.hash(CLUSTER),
            wall_ms: last.wall_ms,
            config: self.config_at(super::number(from), slot.next()),
        };
        if self.node(number).member.install(base) {
            self.note(format!("{number}: takes a snapshot of {slot} from {}", super::number(from)));
        }
    }
}
