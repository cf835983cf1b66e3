//! Messages between members to bytes and back.

mod any;
mod by_prost;
mod reading;
mod refusing;

use bytes::{Bytes, BytesMut};
use doozer_paxos::message::{Envelope, Message, Suffix};
use doozer_paxos::{Ballot, Entry, EntryHash, Incarnation, Slot};

use super::decode::{BadMessage, Decoded, decode};
use super::encode::Whole;
use super::fields::Body;
use super::{Peer, frame};
use crate::put;

const FROM: Incarnation = Incarnation([1; 16]);
const TO: Incarnation = Incarnation([2; 16]);

/// The body of a frame with these messages.
fn body(peers: &[Peer]) -> Bytes {
    let mut out = BytesMut::new();
    for peer in peers {
        put::head(frame::MESSAGES, Whole(peer).len(), &mut out);
        Whole(peer).put(&mut out);
    }
    out.freeze()
}

fn read(body: Bytes) -> Result<Vec<Peer>, BadMessage> {
    let Decoded { messages, skipped } = decode(body, FROM, TO)?;
    assert_eq!(skipped, 0);
    Ok(messages)
}

const BALLOT: Ballot = Ballot { n: 3, epoch: 2, incarnation: Incarnation([9; 16]) };

fn two_entries() -> Suffix {
    let entry = |slot, command: &'static [u8]| Entry {
        slot: Slot(slot),
        birth: BALLOT,
        previous: EntryHash([5; 32]),
        wall_ms: 1,
        config: None,
        commands: vec![Bytes::from_static(command)],
    };
    Suffix {
        from: Slot(8),
        previous: EntryHash([5; 32]),
        entries: vec![entry(8, b"eight"), entry(9, b"nine")],
    }
}

fn paxos(message: Message) -> Peer {
    Peer::Paxos(Envelope { from: FROM, to: TO, epoch: 1, message })
}
