//! Messages of every kind, for proptest.

use bytes::Bytes;
use doozer_paxos::election::Beat;
use doozer_paxos::log::{Base, Suspect};
use doozer_paxos::message::{Envelope, Have, Message, Offer, Proposal, Suffix, Told};
use doozer_paxos::{Ballot, Config, Entry, EntryHash, Incarnation, Slot};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;

use super::{FROM, TO};
use crate::peer::Peer;

/// Zero is not written, and each further seven bits take a byte.
fn number() -> impl Strategy<Value = u64> {
    (any::<u64>(), 0..64u32).prop_map(|(number, shift)| number >> shift)
}

fn slot() -> impl Strategy<Value = Slot> {
    number().prop_map(|number| Slot(number.min(1 << 62)))
}

fn incarnation() -> impl Strategy<Value = Incarnation> {
    any::<[u8; 16]>().prop_map(Incarnation)
}

fn hash() -> impl Strategy<Value = EntryHash> {
    any::<[u8; 32]>().prop_map(EntryHash)
}

fn blob() -> impl Strategy<Value = Bytes> {
    prop_oneof![vec(any::<u8>(), 0..5), vec(any::<u8>(), 120..140)].prop_map(Bytes::from)
}

fn ballot() -> impl Strategy<Value = Ballot> {
    let parts = (slot(), any::<u32>(), incarnation());
    parts.prop_map(|(n, epoch, incarnation)| Ballot { n: n.0, epoch, incarnation })
}

fn have() -> impl Strategy<Value = Have> {
    (ballot(), slot(), slot()).prop_map(|(acc_ballot, last, decided)| Have { acc_ballot, last, decided })
}

fn suspect() -> impl Strategy<Value = Suspect> {
    (ballot(), slot()).prop_map(|(acc_ballot, last)| Suspect { acc_ballot, last })
}

fn told() -> impl Strategy<Value = Told> {
    (slot(), slot(), number()).prop_map(|(decided, durable, confirm)| Told { decided, durable, confirm })
}

fn config() -> impl Strategy<Value = Config> {
    let parts = (any::<u32>(), vec(incarnation(), 0..4));
    parts.prop_map(|(epoch, voters)| Config { epoch: epoch.into(), voters })
}

fn entry() -> impl Strategy<Value = Entry> {
    let parts = (ballot(), hash(), number(), of(config()), vec(blob(), 0..4));
    parts.prop_map(|(birth, previous, wall_ms, config, commands)| Entry {
        slot: Slot(0),
        birth,
        previous,
        wall_ms,
        config,
        commands,
    })
}

fn suffix() -> impl Strategy<Value = Suffix> {
    let from = number().prop_map(|number| number.clamp(1, 1 << 61));
    (from, hash(), vec(entry(), 0..4)).prop_map(|(from, previous, mut entries)| {
        (from..).zip(&mut entries).for_each(|(slot, entry)| entry.slot = Slot(slot));
        entries.iter_mut().take(1).for_each(|first| first.previous = previous);
        Suffix { from: Slot(from), previous, entries }
    })
}

fn offer() -> impl Strategy<Value = Offer> {
    prop_oneof![Just(Offer::Nothing), suffix().prop_map(Offer::Suffix), Just(Offer::Snapshot)]
}

fn beat() -> impl Strategy<Value = Beat> {
    let parts = (ballot(), ballot(), any::<bool>(), any::<bool>(), vec(incarnation(), 0..4));
    parts.prop_map(|(ballot, leader, happy, counts, unheard)| Beat { ballot, leader, happy, counts, unheard })
}

fn proposal() -> impl Strategy<Value = Proposal> {
    (blob(), any::<bool>()).prop_map(|(command, needs_own_slot)| Proposal { command, needs_own_slot })
}

fn messages() -> impl Strategy<Value = Message> {
    let accept = || (ballot(), suffix(), told());
    prop_oneof![
        (ballot(), have()).prop_map(|(ballot, have)| Message::Prepare { ballot, have }),
        (ballot(), have(), offer(), of(suspect()))
            .prop_map(|(ballot, have, offer, suspect)| Message::Promise { ballot, have, offer, suspect }),
        accept().prop_map(|(ballot, suffix, told)| Message::AcceptSync { ballot, suffix, told }),
        accept().prop_map(|(ballot, suffix, told)| Message::Accept { ballot, suffix, told }),
        (ballot(), slot(), number()).prop_map(|(ballot, last, confirm)| Message::Accepted {
            ballot,
            last,
            confirm
        }),
        (ballot(), ballot()).prop_map(|(ballot, promised)| Message::Nack { ballot, promised }),
        have().prop_map(|have| Message::Follow { have }),
        suffix().prop_map(|suffix| Message::Learn { suffix }),
        number().prop_map(|round| Message::Heartbeat { round }),
        (number(), beat()).prop_map(|(round, beat)| Message::Beat { round, beat }),
        (vec(proposal(), 0..4), any::<bool>())
            .prop_map(|(proposals, is_relayed)| Message::Forward { proposals, is_relayed }),
        slot().prop_map(|base| Message::Behind { base }),
        (number(), ballot()).prop_map(|(number, promised)| Message::ReadIndex { number, promised }),
        (number(), slot()).prop_map(|(number, index)| Message::ReadReply { number, index }),
    ]
}

fn sessions() -> impl Strategy<Value = Vec<[u8; 16]>> {
    vec(any::<[u8; 16]>(), 0..4)
}

pub(super) fn peers() -> impl Strategy<Value = Peer> {
    let base = (slot(), hash(), number(), config());
    let head = base.prop_map(|(slot, hash, wall_ms, config)| Box::new(Base { slot, hash, wall_ms, config }));
    let paxos = (any::<u32>(), messages()).prop_map(|(epoch, message)| {
        Peer::Paxos(Envelope { from: FROM, to: TO, epoch: epoch.into(), message })
    });
    prop_oneof![
        14 => paxos,
        1 => (number(), number()).prop_map(|(transfer, offset)| Peer::SnapshotGet { transfer, offset }),
        1 => number().prop_map(|transfer| Peer::SnapshotGone { transfer }),
        1 => (number(), head, number(), blob(), any::<bool>()).prop_map(|(transfer, head, offset, bytes, is_last)| {
            Peer::SnapshotPiece { transfer, head, offset, bytes, is_last }
        }),
        1 => (number(), sessions()).prop_map(|(number, sessions)| Peer::KeepAlive { number, sessions }),
        1 => (number(), sessions(), sessions())
            .prop_map(|(number, ended, unsure)| Peer::KeptAlive { number, ended, unsure }),
    ]
}
