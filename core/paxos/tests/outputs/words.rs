//! Short words for what members say and keep.

use bytes::Bytes;
use doozer_paxos::election::Beat;
use doozer_paxos::log::{Base, Suspect};
use doozer_paxos::message::{Have, Message, Offer, Suffix, Told};
use doozer_paxos::replica::{Output, Persist, PersistId};
use doozer_paxos::{Append, Ballot, ClusterId, Config, Entry, EntryHash, Incarnation, Slot};

pub const CLUSTER: ClusterId = ClusterId([7; 16]);

pub const fn id(number: u8) -> Incarnation {
    Incarnation([number; 16])
}

/// A member's ballot number `n` in the first epoch.
pub const fn b(n: u64, of: u8) -> Ballot {
    b_in(1, n, of)
}

pub const fn b_in(epoch: u64, n: u64, of: u8) -> Ballot {
    Ballot::of(epoch, n, id(of))
}

/// A log from its first slot on.
#[derive(Clone, Default)]
pub struct Chain {
    pub entries: Vec<Entry>,
}

impl Chain {
    /// One slot for each text, born under this ballot. An empty text is an opening slot, `voters 1 2` a stop-sign; `a+b`
    /// are two commands.
    pub fn of(birth: Ballot, texts: &[&str]) -> Chain {
        Chain::default().then(birth, texts)
    }

    #[must_use]
    pub fn then(&self, birth: Ballot, texts: &[&str]) -> Chain {
        let mut chain = self.clone();
        for text in texts {
            chain.push(birth, text);
        }
        chain
    }

    fn push(&mut self, birth: Ballot, text: &str) {
        let epoch = 2 + self.entries.iter().filter(|entry| entry.config.is_some()).count() as u64;
        let voters = text.strip_prefix("voters ").map(|voters| {
            let numbers = voters.split_whitespace().map(|word| word.parse().unwrap());
            numbers.map(id).collect()
        });
        let commands = text.split('+').filter(|command| !command.is_empty());
        self.entries.push(Entry {
            slot: Slot(self.last() + 1),
            birth,
            previous: self.hash(self.last()),
            wall_ms: 0,
            config: voters.map(|voters| Config { epoch, voters }),
            commands: commands.map(|command| Bytes::copy_from_slice(command.as_bytes())).collect(),
        });
    }

    pub fn last(&self) -> u64 {
        self.entries.len() as u64
    }

    pub fn hash(&self, slot: u64) -> EntryHash {
        if slot == 0 { EntryHash::NONE } else { self.entries[slot as usize - 1].hash(CLUSTER) }
    }

    /// Its first slots.
    #[must_use]
    pub fn up_to(&self, slot: u64) -> Chain {
        Chain { entries: self.entries[..slot as usize].to_vec() }
    }

    /// All behind a slot.
    pub fn behind(&self, slot: u64) -> Suffix {
        Suffix {
            from: Slot(slot + 1),
            previous: self.hash(slot),
            entries: self.entries[slot as usize..].to_vec(),
        }
    }

    /// What a snapshot of this slot says of its place.
    pub fn base(&self, slot: u64) -> Base {
        let config = self.entries[..slot as usize].iter().rev().find_map(|entry| entry.config.clone());
        let first = Config { epoch: 1, voters: [1, 2, 3].map(id).to_vec() };
        Base { slot: Slot(slot), hash: self.hash(slot), wall_ms: 0, config: config.unwrap_or(first) }
    }

    pub fn applies(&self, slot: u64) -> Output {
        Output::Apply(self.entries[slot as usize - 1].clone(), self.hash(slot))
    }
}

pub fn keep_promise(number: u64, ballot: Ballot) -> Output {
    Output::Persist(PersistId(number), Persist::Promise(ballot))
}

/// An append under a ballot, in the first epoch.
pub fn keep(number: u64, acc_ballot: Ballot, suffix: Suffix) -> Output {
    keep_in(1, number, acc_ballot, suffix)
}

pub fn keep_in(epoch: u64, number: u64, acc_ballot: Ballot, suffix: Suffix) -> Output {
    let last_hash = suffix.entries.last().map_or(suffix.previous, |entry| entry.hash(CLUSTER));
    let Suffix { from, entries, .. } = suffix;
    Output::Persist(
        PersistId(number),
        Persist::Append(Append { acc_ballot, epoch, from, entries, last_hash }),
    )
}

pub fn keep_sound(number: u64) -> Output {
    Output::Persist(PersistId(number), Persist::Sound)
}

pub fn keep_snapshot(number: u64, base: Base) -> Output {
    Output::Persist(PersistId(number), Persist::Install(base))
}

pub fn proposer_is(number: u8) -> Output {
    Output::Proposer(Some(id(number)))
}

pub fn nobody_proposes() -> Output {
    Output::Proposer(None)
}

pub fn have(acc_ballot: Ballot, last: u64, decided: u64) -> Have {
    Have { acc_ballot, last: Slot(last), decided: Slot(decided) }
}

/// Decided and durable at the proposer; nothing is to be confirmed.
pub fn told(decided: u64, durable: u64) -> Told {
    Told { decided: Slot(decided), durable: Slot(durable), confirm: 0 }
}

pub fn told_to_confirm(confirm: u64, decided: u64, durable: u64) -> Told {
    Told { confirm, ..told(decided, durable) }
}

pub fn prepare(ballot: Ballot, have: Have) -> Message {
    Message::Prepare { ballot, have }
}

pub fn promise(ballot: Ballot, have: Have, offer: Offer) -> Message {
    Message::Promise { ballot, have, offer, suspect: None }
}

pub fn suspect_promise(ballot: Ballot, have: Have, offer: Offer, suspect: (Ballot, u64)) -> Message {
    let suspect = Some(Suspect { acc_ballot: suspect.0, last: Slot(suspect.1) });
    Message::Promise { ballot, have, offer, suspect }
}

pub fn accept_sync(ballot: Ballot, suffix: Suffix, told: Told) -> Message {
    Message::AcceptSync { ballot, suffix, told }
}

pub fn accept(ballot: Ballot, suffix: Suffix, told: Told) -> Message {
    Message::Accept { ballot, suffix, told }
}

pub fn accepted(ballot: Ballot, last: u64) -> Message {
    confirmed(ballot, last, 0)
}

pub fn confirmed(ballot: Ballot, last: u64, confirm: u64) -> Message {
    Message::Accepted { ballot, last: Slot(last), confirm }
}

pub fn nack(ballot: Ballot, promised: Ballot) -> Message {
    Message::Nack { ballot, promised }
}

pub fn follow(have: Have) -> Message {
    Message::Follow { have }
}

pub fn learn(suffix: Suffix) -> Message {
    Message::Learn { suffix }
}

/// From one that vouches for nobody.
pub fn read_index(number: u64) -> Message {
    vouching(number, Ballot::ZERO)
}

/// From one that vouches for whoever leads under this ballot.
pub fn vouching(number: u64, promised: Ballot) -> Message {
    Message::ReadIndex { number, promised }
}

pub fn read_reply(number: u64, index: u64) -> Message {
    Message::ReadReply { number, index: Slot(index) }
}

pub fn behind(base: u64) -> Message {
    Message::Behind { base: Slot(base) }
}

pub fn heartbeat(round: u64) -> Message {
    Message::Heartbeat { round }
}

/// Of somebody whose word counts, and who hears everybody.
pub fn beat(round: u64, ballot: Ballot, leader: Ballot, happy: bool) -> Message {
    Message::Beat { round, beat: Beat { ballot, leader, happy, counts: true, unheard: Vec::new() } }
}
