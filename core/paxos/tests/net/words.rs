//! Messages in a few words, for scripts and for people.

use bytes::Bytes;
use doozer_paxos::Ballot;
use doozer_paxos::message::{Have, Message, Offer, Proposal, Suffix, Told};

use super::number;

/// The name of its kind.
pub fn kind(message: &Message) -> &'static str {
    match message {
        Message::Prepare { .. } => "Prepare",
        Message::Promise { .. } => "Promise",
        Message::AcceptSync { .. } => "AcceptSync",
        Message::Accept { .. } => "Accept",
        Message::Accepted { .. } => "Accepted",
        Message::Nack { .. } => "Nack",
        Message::Follow { .. } => "Follow",
        Message::Learn { .. } => "Learn",
        Message::Heartbeat { .. } => "Heartbeat",
        Message::Beat { .. } => "Beat",
        Message::Forward { .. } => "Forward",
        Message::Behind { .. } => "Behind",
        Message::ReadIndex { .. } => "ReadIndex",
        Message::ReadReply { .. } => "ReadReply",
    }
}

/// A command; of a long one, how it begins and how long it is.
pub fn command(bytes: &Bytes) -> String {
    let text = String::from_utf8_lossy(bytes);
    if text.len() <= 20 { text.into_owned() } else { format!("{:.4}…{}", text, text.len()) }
}

/// Its kind, and what it says.
pub fn words(message: &Message) -> String {
    let what = match message {
        Message::Prepare { ballot, have } => format!("{}, has {}", short(ballot), had(have)),
        Message::Promise { ballot, have, offer, suspect } => {
            let end = suspect.map(|suspect| format!(", suspect up to {}", suspect.last));
            let offered = match offer {
                Offer::Nothing => String::new(),
                Offer::Suffix(suffix) => format!(", offers {}", run(suffix)),
                Offer::Snapshot => ", offers a snapshot".to_owned(),
            };
            format!("{}, has {}{offered}{}", short(ballot), had(have), end.unwrap_or_default())
        }
        Message::AcceptSync { ballot, suffix, told } | Message::Accept { ballot, suffix, told } => {
            format!("{}, {}, {}", short(ballot), run(suffix), says(told))
        }
        Message::Accepted { ballot, last, .. } => format!("{}, up to {last}", short(ballot)),
        Message::Nack { ballot, promised } => format!("{}, promised {}", short(ballot), short(promised)),
        Message::Follow { have } => format!("has {}", had(have)),
        Message::Learn { suffix } => run(suffix),
        Message::Heartbeat { .. } => String::new(),
        Message::Beat { beat, .. } => {
            let happy = if beat.happy { "happy" } else { "unhappy" };
            let counts = if beat.counts { "" } else { ", does not count" };
            format!("{happy} under {}{counts}", short(&beat.leader))
        }
        Message::Forward { proposals, is_relayed } => {
            format!("{}{}", commands(proposals), if *is_relayed { ", relayed" } else { "" })
        }
        Message::Behind { base } => format!("behind {base}"),
        Message::ReadIndex { .. } => String::new(),
        Message::ReadReply { index, .. } => format!("at {index}"),
    };
    format!("{} {what}", kind(message)).trim_end().to_owned()
}

fn short(ballot: &Ballot) -> String {
    format!("{}.{}.{}", ballot.epoch, ballot.n, number(ballot.incarnation))
}

fn had(have: &Have) -> String {
    format!("{} under {}, decided {}", have.last, short(&have.acc_ballot), have.decided)
}

fn run(suffix: &Suffix) -> String {
    let entries = suffix.entries.iter().map(|entry| {
        let commands: Vec<_> = entry.commands.iter().map(command).collect();
        format!("[{}]", commands.join(" "))
    });
    let entries: Vec<String> = entries.collect();
    if entries.is_empty() {
        format!("nothing from {}", suffix.from)
    } else {
        format!("from {} {}", suffix.from, entries.join(""))
    }
}

fn says(told: &Told) -> String {
    format!("decided {}, durable {}", told.decided, told.durable)
}

fn commands(proposals: &[Proposal]) -> String {
    let commands: Vec<_> = proposals.iter().map(|proposal| command(&proposal.command)).collect();
    format!("[{}]", commands.join(" "))
}
