//! What a single answer does not show: how a chosen slot was once lost, told from its first word to its last.

use std::collections::{BTreeMap, VecDeque};

use doozer_paxos::Slot;
use doozer_paxos::log::Log;
use doozer_paxos::message::Envelope;
use doozer_paxos::replica::{Limits, Output, Past, Replica};
use doozer_paxos::{Ballot, Config, Entry};

use crate::words::*;

/// Members that hear each other, with disks that write at once.
#[derive(Default)]
struct Cluster {
    members: BTreeMap<u8, Replica>,
    under_way: VecDeque<Envelope>,
    applied: BTreeMap<u8, Vec<Entry>>,
}

impl Cluster {
    fn start(&mut self, number: u8, chain: &Chain, acc_ballot: Ballot, promised: Ballot) {
        let first = Config { epoch: 1, voters: (1..=5).map(id).collect() };
        let mut log = Log::empty(first.clone());
        chain.entries.iter().for_each(|entry| log.push(entry.clone(), entry.hash(CLUSTER)));
        let past = Past { boot: 1, promised, acc_ballot, suspect: None, log, entered: first };
        self.members.insert(number, Replica::new(id(number), CLUSTER, past, Limits::default()));
    }

    fn arrive(&mut self, envelope: Envelope) {
        let to = envelope.to.0[0];
        if let Some(member) = self.members.get_mut(&to) {
            member.receive(envelope);
            self.drain(to);
        }
    }

    fn drain(&mut self, number: u8) {
        let member = self.members.get_mut(&number).unwrap();
        member.flush(0);
        while let Some(output) = member.poll_output() {
            match output {
                Output::Persist(id, _) => member.persisted(id),
                Output::Send(envelope) => self.under_way.push_back(envelope),
                Output::Apply(entry, _) => {
                    member.applied(entry.slot);
                    self.applied.entry(number).or_default().push(entry);
                }
                _ => {}
            }
        }
    }

    fn run(&mut self, ticks: usize) {
        for _ in 0..ticks {
            for number in self.members.keys().copied().collect::<Vec<_>>() {
                self.members.get_mut(&number).unwrap().tick();
                self.drain(number);
            }
            while let Some(envelope) = self.under_way.pop_front() {
                self.arrive(envelope);
            }
        }
    }
}

/// Learning once raised the accepted ballot to that of the proposer whose slots they were: with six of ten chosen slots
/// under that, a log outranked those that had all ten.
#[test]
fn a_member_that_learned_some_of_what_was_chosen_does_not_outrank_those_who_have_all() {
    // Ten slots were accepted by 3, 4 and 5: chosen. 1 has five of them, and 4 promised the next ballot to 2, who adopted
    // all ten, and synced 3, before both were gone.
    let (first, second) = (b(1, 5), b(2, 2));
    let log = Chain::of(first, &["", "c2", "c3", "c4", "c5", "c6", "c7", "c8", "c9", "c10"]);
    let mut cluster = Cluster::default();
    cluster.start(1, &log.up_to(5), first, first);
    cluster.start(4, &log, first, second);
    cluster.start(5, &log, first, first);
    // 1 heard of that ballot from somebody who refused another one for its sake.
    cluster.arrive(Envelope { from: id(4), to: id(1), epoch: 1, message: nack(first, second) });
    // 3 knew six of them to be decided, and taught 1 the sixth before it was gone.
    let message = learn(log.up_to(6).behind(5));
    cluster.arrive(Envelope { from: id(3), to: id(1), epoch: 1, message });
    cluster.under_way.clear();
    cluster.run(400);
    for number in [1, 4, 5] {
        let applied = &cluster.applied[&number];
        assert!(applied.len() > 10, "{number} goes on");
        assert_eq!(applied[..10], log.entries[..], "{number} has what was chosen");
    }
    assert_eq!(cluster.members.values().filter(|member| member.is_leading()).count(), 1);
    assert!(cluster.members.values().all(|member| member.decided() > Slot(10)));
}
