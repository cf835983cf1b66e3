//! Messages between members, of every kind.

use bytes::Bytes;
use doozer_paxos::election::Beat;
use doozer_paxos::log::{Base, Suspect};
use doozer_paxos::message::{Envelope, Have, Message, Offer, Proposal, Suffix, Told};
use doozer_paxos::{Ballot, Config, Entry, EntryHash, Incarnation, Slot};
use doozer_wire::peer::Peer;

use super::random::Random;

/// How many kinds there are: [`message`] makes each of those below.
pub const KINDS: usize = 21;

/// A message of a kind, on its way from one member to another.
pub fn message(kind: usize, from: Incarnation, to: Incarnation, random: &mut Random) -> Peer {
    let message = match kind {
        0 => Message::Prepare { ballot: ballot(random), have: have(random) },
        1 => promise(Offer::Nothing, random),
        2 => promise(Offer::Suffix(suffix(random)), random),
        3 => promise(Offer::Snapshot, random),
        4 => Message::AcceptSync { ballot: ballot(random), suffix: suffix(random), told: told(random) },
        5 => Message::Accept { ballot: ballot(random), suffix: suffix(random), told: told(random) },
        6 => Message::Accepted { ballot: ballot(random), last: slot(random), confirm: number(random) },
        7 => Message::Nack { ballot: ballot(random), promised: ballot(random) },
        8 => Message::Follow { have: have(random) },
        9 => Message::Learn { suffix: suffix(random) },
        10 => Message::Heartbeat { round: number(random) },
        11 => Message::Beat { round: number(random), beat: beat(random) },
        12 => Message::Forward { proposals: list(random, proposal), is_relayed: random.flag() },
        13 => Message::Behind { base: slot(random) },
        14 => Message::ReadIndex { number: number(random), promised: ballot(random) },
        15 => Message::ReadReply { number: number(random), index: slot(random) },
        16 => return Peer::SnapshotGet { transfer: number(random), offset: number(random) },
        17 => return Peer::SnapshotGone { transfer: number(random) },
        18 => return piece(random),
        19 => return Peer::KeepAlive { number: number(random), sessions: list(random, Random::array) },
        20 => {
            let (ended, unsure) = (list(random, Random::array), list(random, Random::array));
            return Peer::KeptAlive { number: number(random), ended, unsure };
        }
        _ => unreachable!("there are {KINDS} kinds"),
    };
    let epoch = u64::from(random.number() as u32);
    Peer::Paxos(Envelope { from, to, epoch, message })
}

/// An Accept with so many entries of so many commands of so many bytes, as a proposer under load sends it.
pub fn accept(from: Incarnation, to: Incarnation, entries: u64, commands: usize, bytes: usize) -> Peer {
    let ballot = Ballot { n: 7, epoch: 1, incarnation: from };
    let entry = |at: u64| Entry {
        slot: Slot(1_000_000 + at),
        birth: ballot,
        previous: EntryHash([at as u8; 32]),
        wall_ms: 1_700_000_000_000,
        config: None,
        commands: (0..commands).map(|at| Bytes::from(vec![at as u8; bytes])).collect(),
    };
    let suffix = Suffix {
        from: Slot(1_000_000),
        previous: EntryHash([0; 32]),
        entries: (0..entries).map(entry).collect(),
    };
    let told = Told { decided: Slot(999_999), durable: Slot(1_000_003), confirm: 123_456 };
    Peer::Paxos(Envelope { from, to, epoch: 1, message: Message::Accept { ballot, suffix, told } })
}

fn promise(offer: Offer, random: &mut Random) -> Message {
    let suspect = random.maybe(|random| Suspect { acc_ballot: ballot(random), last: slot(random) });
    Message::Promise { ballot: ballot(random), have: have(random), offer, suspect }
}

fn number(random: &mut Random) -> u64 {
    random.number() as u64
}

fn slot(random: &mut Random) -> Slot {
    Slot(number(random) >> 2)
}

fn incarnation(random: &mut Random) -> Incarnation {
    Incarnation(random.array())
}

fn ballot(random: &mut Random) -> Ballot {
    Ballot { n: number(random) >> 2, epoch: random.next() as u32, incarnation: incarnation(random) }
}

fn have(random: &mut Random) -> Have {
    Have { acc_ballot: ballot(random), last: slot(random), decided: slot(random) }
}

fn told(random: &mut Random) -> Told {
    Told { decided: slot(random), durable: slot(random), confirm: number(random) }
}

fn beat(random: &mut Random) -> Beat {
    Beat {
        ballot: ballot(random),
        leader: ballot(random),
        happy: random.flag(),
        counts: random.flag(),
        unheard: list(random, incarnation),
    }
}

fn proposal(random: &mut Random) -> Proposal {
    Proposal { command: random.bytes(), needs_own_slot: random.flag() }
}

fn list<T>(random: &mut Random, make: impl Fn(&mut Random) -> T) -> Vec<T> {
    (0..random.below(4)).map(|_| make(random)).collect()
}

fn config(random: &mut Random) -> Config {
    Config { epoch: u64::from(random.next() as u32), voters: list(random, incarnation) }
}

fn suffix(random: &mut Random) -> Suffix {
    let (from, previous) = (Slot(slot(random).0.clamp(1, 1 << 61)), EntryHash(random.array()));
    let mut entries: Vec<Entry> = list(random, |random| Entry {
        slot: from,
        birth: ballot(random),
        previous: EntryHash(random.array()),
        wall_ms: number(random),
        config: random.maybe(config),
        commands: list(random, Random::bytes),
    });
    (from.0..).zip(&mut entries).for_each(|(slot, entry)| entry.slot = Slot(slot));
    if let Some(first) = entries.first_mut() {
        first.previous = previous;
    }
    Suffix { from, previous, entries }
}

fn piece(random: &mut Random) -> Peer {
    let head = Base {
        slot: slot(random),
        hash: EntryHash(random.array()),
        wall_ms: number(random),
        config: config(random),
    };
    Peer::SnapshotPiece {
        transfer: number(random),
        head: Box::new(head),
        offset: number(random),
        bytes: random.bytes(),
        is_last: random.flag(),
    }
}
