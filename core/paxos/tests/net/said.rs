//! What a message vouches for is durable when it leaves.

use doozer_paxos::message::{Envelope, Have, Message};
use doozer_paxos::{Ballot, Slot};

use super::disk::Disk;

/// Panics if the disk of its sender does not bear it out.
pub fn check(envelope: &Envelope, disk: &Disk) {
    let (from, message) = (super::number(envelope.from), &envelope.message);
    let is_borne_out = match message {
        Message::Prepare { ballot, .. } => disk.promised >= *ballot,
        Message::Promise { ballot, have, .. } => disk.promised >= *ballot && has(disk, have),
        Message::Accepted { ballot, last, .. } => has_up_to(disk, *ballot, *last),
        Message::AcceptSync { ballot, told, .. } | Message::Accept { ballot, told, .. } => {
            has_up_to(disk, *ballot, told.durable)
        }
        Message::Follow { have } => has(disk, have),
        _ => true,
    };
    assert!(is_borne_out, "{from} says what is not durable there: {message:?}");
}

fn has(disk: &Disk, have: &Have) -> bool {
    (disk.acc_ballot, disk.last()) == (have.acc_ballot, have.last)
}

fn has_up_to(disk: &Disk, ballot: Ballot, last: Slot) -> bool {
    last == Slot(0) || (disk.acc_ballot == ballot && disk.last() >= last)
}
