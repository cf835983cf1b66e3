//! A way through the states as lines for people.

use doozer_paxos::message::{Envelope, Have, Message, Offer, Suffix, Told};
use doozer_paxos::{Ballot, Entry};
use stateright::Path;

use crate::cluster::{Cluster, Step};
use crate::node::{Event, number};
use crate::state::{Action, Happens, State};

pub fn tell(cluster: &Cluster, path: Path<State, Action>) -> String {
    let mut lines = Vec::new();
    for (step, (state, action)) in (1..).zip(path.into_vec()) {
        match action {
            Some(action) => lines.extend(tell_step(cluster, step, &state, action)),
            None => lines.extend(tell_end(cluster, &state)),
        }
    }
    lines.join("\n")
}

fn tell_step(cluster: &Cluster, step: usize, state: &State, action: Action) -> Vec<String> {
    let what = match action.happens {
        Happens::Deliver(sent) => {
            let sent = cluster.envelope(sent);
            format!("from {}, {}", number(sent.from), message(&sent))
        }
        Happens::Lose(from) => {
            return vec![format!("{step:3}. {}: all that is under way from {from} is lost", action.at)];
        }
        other => format!("{other:?}"),
    };
    let mut lines = vec![format!("{step:3}. {}: {what}", action.at)];
    if let Step::Done { events, sent, .. } = &*cluster.step(&state.nodes, action) {
        lines.extend(events.iter().map(|event| format!("       {}", seen(event))));
        let sent = sent.iter().map(|flying| cluster.envelope(flying.envelope));
        lines.extend(sent.map(|sent| format!("       -> {}", envelope(&sent))));
    }
    lines
}

fn tell_end(cluster: &Cluster, state: &State) -> Vec<String> {
    let fault = cluster.fault(state).map(|fault| format!("     {fault:?}"));
    let nodes = (1..).zip(&state.nodes);
    let nodes = nodes.map(|(at, place): (u8, _)| format!("     {at}: {:?}", cluster.node(*place).member));
    fault.into_iter().chain(nodes).collect()
}

fn seen(event: &Event) -> String {
    match event {
        Event::Sent(sent) => envelope(sent),
        Event::Applied { slot, hash, config, .. } => {
            format!("applied {slot} {hash:?} in epoch {}", config.epoch)
        }
        Event::Answered { read, applied } => format!("read {read} answered at {applied}"),
    }
}

fn envelope(sent: &Envelope) -> String {
    format!("{}: {}", number(sent.to), message(sent))
}

fn message(sent: &Envelope) -> String {
    let text = match &sent.message {
        Message::Prepare { ballot, have } => format!("Prepare {} {}", shown(ballot), had(have)),
        Message::Promise { ballot, have, offer, .. } => {
            let offered = match offer {
                Offer::Nothing => String::new(),
                Offer::Suffix(suffix) => run(suffix),
                Offer::Snapshot => "a snapshot".to_owned(),
            };
            format!("Promise {} {} {offered}", shown(ballot), had(have))
        }
        Message::AcceptSync { ballot, suffix, told } => {
            format!("AcceptSync {} {} {}", shown(ballot), run(suffix), says(told))
        }
        Message::Accept { ballot, suffix, told } => {
            format!("Accept {} {} {}", shown(ballot), run(suffix), says(told))
        }
        Message::Accepted { ballot, last, confirm } => {
            format!("Accepted {} up to {last}, confirms {confirm}", shown(ballot))
        }
        Message::Nack { ballot, promised } => format!("Nack {} for {}", shown(ballot), shown(promised)),
        Message::Follow { have } => format!("Follow {}", had(have)),
        Message::Learn { suffix, .. } => format!("Learn {}", run(suffix)),
        other => format!("{other:?}"),
    };
    format!("{text} (epoch {})", sent.epoch)
}

fn shown(ballot: &Ballot) -> String {
    format!("{}.{}", ballot.n, number(ballot.incarnation))
}

fn had(have: &Have) -> String {
    format!("having {} under {}, decided {}", have.last, shown(&have.acc_ballot), have.decided)
}

fn run(suffix: &Suffix) -> String {
    let entries: Vec<String> = suffix.entries.iter().map(entry).collect();
    format!("from {} [{}]", suffix.from, entries.join(", "))
}

fn entry(entry: &Entry) -> String {
    let commands = entry.commands.iter().map(|command| String::from_utf8_lossy(command).into_owned());
    let words: Vec<String> =
        std::iter::once(format!("born {}", shown(&entry.birth))).chain(commands).collect();
    words.join(" ")
}

fn says(told: &Told) -> String {
    format!("decided {}, durable {}, confirm {}", told.decided, told.durable, told.confirm)
}
