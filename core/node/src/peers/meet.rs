//! Whom a new member joins, or whether it founds a cluster: it asks every address that it was started with.
//!
//! All members of a new cluster are started with the same list. None of them may found one as long as any of the others could
//! have done so, or belong to one already: so only the one with the smallest address does, and only once every other one has
//! said that it has nothing, and the same list.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use doozer_paxos::{ClusterId, Incarnation};
use doozer_wire::Address;
use doozer_wire::peer::Introduction;
use tokio::time::sleep;
use tracing::info;

use super::ask::{Seen, There, ask_all, who_runs};
use super::home::Home;
use crate::input::Input;

/// Between two rounds of questions.
pub(crate) const AGAIN: Duration = Duration::from_millis(250);

/// Between two looks whether this member hears of its cluster.
const LOOK: Duration = Duration::from_millis(500);

/// A member that was asked so often to bring this one along, and has never come here, cannot.
const ASKED_IN_VAIN: u32 = 4;

/// What becomes of a member that has nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It founds a cluster for so many.
    Found(usize),
    /// It joins this cluster by way of this member.
    Join(ClusterId, Incarnation),
}

/// What the answers of one round come to.
#[derive(Debug, PartialEq, Eq)]
enum Judged {
    Fate(Fate),
    /// Nothing yet: what is waited for.
    Wait(String),
}

/// Asks, until it is clear what becomes of this member. Cancel-safe.
pub(crate) async fn meet(home: &Arc<Home>) -> Fate {
    let mut seen = Seen::default();
    loop {
        let answers = ask_all(home, home.introduction().listed).await;
        seen.note(&answers);
        match judge(&home.introduction(), &answers, &seen) {
            Judged::Fate(fate) => return fate,
            Judged::Wait(why) => home.warn("waiting", why),
        }
        sleep(AGAIN).await;
    }
}

/// Looks after a member for as long as it runs: while it hears of no proposer, it asks the addresses it knows for members of
/// its cluster, and those to be brought along.
pub(crate) async fn look_around(home: Arc<Home>) {
    let mut hears_nobody = home.hears_nobody.subscribe();
    let mut times = 0;
    // Where others are may have changed while it was away.
    while ask_around(&home, times).await {
        times += 1;
        let looks_again = async {
            sleep(LOOK).await;
            hears_nobody.wait_for(|hears_nobody| *hears_nobody).await.is_ok()
        };
        if !looks_again.await {
            return;
        }
    }
}

/// Asks once more than so many times; false if the driver is gone.
async fn ask_around(home: &Arc<Home>, times: u32) -> bool {
    let me = home.introduction();
    let mut places: BTreeSet<String> = home.known().iter().map(Address::to_string).collect();
    places.extend(home.book.all().iter().map(Address::to_string));
    places.remove(&me.address.to_string());
    let places = places.iter().filter_map(|place| place.parse().ok()).collect();
    for (place, there) in ask_all(home, places).await {
        let them = match there {
            There::Member(them) => them,
            There::Stranger(why) => {
                home.warn(place, why);
                continue;
            }
            There::Itself | There::Nobody(_) => continue,
        };
        home.book.note(them.incarnation, them.address.clone());
        let is_ours = them.cluster == me.cluster && *home.hears_nobody.borrow();
        if is_ours && home.inputs.send(Input::Join(them.incarnation)).is_err() {
            return false;
        }
        if is_ours && times >= ASKED_IN_VAIN && !home.book.has_come(&them.incarnation) {
            home.warn(
                format_args!("member {} at {place}", them.incarnation),
                format_args!(
                    "it is there, and does not come here: see whether it can reach this member at {} (its log says why \
                     not), or start this one with -l and an address that it can",
                    me.address
                ),
            );
        }
    }
    !home.inputs.is_closed()
}

fn judge(me: &Introduction, answers: &[(Address, There)], seen: &Seen) -> Judged {
    if let Some(two) = seen.two() {
        return Judged::Wait(format!("{two}: give the addresses of one cluster with -a"));
    }
    if let Some((cluster, member)) = who_runs(answers) {
        return Judged::Fate(Fate::Join(cluster, member));
    }
    if let Some(lacking) = lacking(me, answers) {
        return Judged::Wait(lacking);
    }
    let smallest = answers.iter().min_by_key(|(place, _)| place.to_string());
    match smallest {
        Some((_, There::Itself)) => Judged::Fate(Fate::Found(members(answers))),
        Some((place, _)) => Judged::Wait(format!("{place}, the smallest address, is to found the cluster")),
        None => Judged::Wait("no address was given".to_owned()),
    }
}

/// What stands in the way of founding a cluster.
fn lacking(me: &Introduction, answers: &[(Address, There)]) -> Option<String> {
    let silent: Vec<String> = answers
        .iter()
        .filter_map(|(place, there)| match there {
            There::Nobody(why) | There::Stranger(why) => Some(format!("{place} ({why})")),
            There::Itself | There::Member(_) => None,
        })
        .collect();
    if me.only_joins {
        let silent = if silent.is_empty() { String::new() } else { format!(": {}", silent.join(", ")) };
        return Some(format!(
            "this member lost who it was, so it founds no cluster, and no address given with -a runs one{silent}; start those \
             that have their data"
        ));
    }
    let lost = answers.iter().find(|(_, there)| matches!(there, There::Member(them) if them.only_joins));
    if let Some((place, _)) = lost {
        return Some(format!(
            "{place} lost who it was, and nobody founds a cluster with it: start those that have their data; if nobody has, \
             start it with an empty data directory"
        ));
    }
    let itself = answers.iter().filter(|(_, there)| *there == There::Itself).count();
    if itself == 0 && !me.listed.contains(&me.address) {
        let silent = if silent.is_empty() { String::new() } else { format!(": {}", silent.join(", ")) };
        return Some(format!(
            "no address given with -a runs a cluster to join{silent}; to found one, give this member's own ({}) to each as well",
            me.address
        ));
    }
    // This would not pass by itself, as silence may.
    let differs = answers.iter().find_map(|(place, there)| match there {
        There::Member(them) if list(&them.listed) != list(&me.listed) => Some((place, &them.listed)),
        _ => None,
    });
    if let Some((place, listed)) = differs {
        let (theirs, ours) = (shown(listed), shown(&me.listed));
        return Some(format!(
            "{place} was started with {theirs}, this member with {ours}: give the same addresses to all"
        ));
    }
    if !silent.is_empty() {
        let silent = silent.join(", ");
        return Some(format!(
            "no address given with -a runs a cluster, and a new one needs an answer of each: {silent}"
        ));
    }
    // More than one would mean that some other member's address leads here, and this one's there, perhaps.
    (itself != 1).then(|| {
        let itself = answers.iter().filter(|(_, there)| *there == There::Itself);
        let places: Vec<String> = itself.map(|(place, _)| place.to_string()).collect();
        format!("{} all lead to this member: give each member's address once", places.join(", "))
    })
}

fn list(addresses: &[Address]) -> BTreeSet<String> {
    addresses.iter().map(Address::to_string).collect()
}

/// As they stand on a command line.
fn shown(addresses: &[Address]) -> String {
    let flags: Vec<String> = list(addresses).iter().map(|address| format!("-a {address}")).collect();
    if flags.is_empty() { "no -a".to_owned() } else { flags.join(" ") }
}

/// How many members the addresses are of.
fn members(answers: &[(Address, There)]) -> usize {
    let others: BTreeSet<Incarnation> = answers
        .iter()
        .filter_map(|(_, there)| match there {
            There::Member(them) => Some(them.incarnation),
            There::Itself | There::Nobody(_) | There::Stranger(_) => None,
        })
        .collect();
    others.len() + 1
}

impl Fate {
    pub fn tell(&self) {
        match self {
            Fate::Found(members) => info!(members, "founding a cluster"),
            Fate::Join(cluster, member) => info!(%cluster, %member, "joining a cluster"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn address(text: &str) -> Address {
        text.parse().unwrap()
    }

    fn member(id: u8, cluster: Option<u8>, listed: &[&str]) -> Introduction {
        Introduction {
            cluster: cluster.map(|id| ClusterId([id; 16])),
            incarnation: Incarnation([id; 16]),
            address: address("x:1"),
            listed: listed.iter().map(|text| address(text)).collect(),
            name: None,
            only_joins: false,
        }
    }

    const ALL: [&str; 3] = ["a:1", "b:1", "c:1"];

    /// What member 1, started with `ALL` or some such, makes of what is at each of these addresses.
    fn judged(listed: &[&str], there: [There; 3]) -> Judged {
        let answers: Vec<_> = ALL.iter().map(|text| address(text)).zip(there).collect();
        judged_after(&[], listed, &answers)
    }

    fn judged_after(before: &[(Address, There)], listed: &[&str], answers: &[(Address, There)]) -> Judged {
        let mut seen = Seen::default();
        seen.note(before);
        seen.note(answers);
        judge(&member(1, None, listed), answers, &seen)
    }

    fn empty(id: u8) -> There {
        There::Member(member(id, None, &["b:1", "a:1", "c:1"]))
    }

    fn nobody() -> There {
        There::Nobody("refused".to_owned())
    }

    fn waits(judged: Judged, why: &str) {
        let Judged::Wait(said) = judged else { panic!("{judged:?}") };
        assert!(said.contains(why), "{said}");
    }

    #[test]
    fn the_smallest_founds_once_all_have_answered_that_they_have_nothing() {
        let judged = |there| judged(&ALL, there);
        assert_eq!(judged([There::Itself, empty(2), empty(3)]), Judged::Fate(Fate::Found(3)));
        waits(judged([empty(2), There::Itself, empty(3)]), "a:1, the smallest address, is to found");
        waits(judged([There::Itself, empty(2), nobody()]), "an answer of each: c:1 (refused)");
        // One member under two addresses is one.
        assert_eq!(judged([There::Itself, empty(2), empty(2)]), Judged::Fate(Fate::Found(2)));
    }

    #[test]
    fn who_runs_a_cluster_is_joined_whoever_else_does_not_answer() {
        let runs = |id, cluster| There::Member(member(id, Some(cluster), &[]));
        let joined = Judged::Fate(Fate::Join(ClusterId([9; 16]), Incarnation([2; 16])));
        assert_eq!(judged(&ALL, [There::Itself, runs(2, 9), nobody()]), joined);
        assert_eq!(judged(&ALL, [nobody(), runs(2, 9), runs(3, 9)]), joined);
        let why =
            format!("b:1 belongs to cluster {}, c:1 to {}: give", ClusterId([9; 16]), ClusterId([8; 16]));
        waits(judged(&ALL, [nobody(), runs(2, 9), runs(3, 8)]), &why);
        // That one of them is silent for a moment decides nothing; that it has been started anew does.
        let before = [(address("b:1"), runs(2, 9)), (address("c:1"), runs(3, 8))];
        let silent = [(address("b:1"), runs(2, 9)), (address("c:1"), nobody())];
        waits(judged_after(&before, &ALL, &silent), &why);
        let anew = [(address("b:1"), runs(2, 9)), (address("c:1"), empty(4))];
        assert_eq!(judged_after(&before, &ALL, &anew), joined);
    }

    #[test]
    fn nobody_founds_by_mistake() {
        waits(judged(&ALL, [There::Itself, There::Itself, empty(2)]), "a:1, b:1 all lead to this member");
        let differs =
            "b:1 was started with -a a:1 -a b:1 -a c:1, this member with -a a:1 -a b:1: give the same";
        waits(judged(&["a:1", "b:1"], [There::Itself, empty(2), empty(3)]), differs);
        waits(judged(&["a:1", "b:1"], [There::Itself, empty(2), nobody()]), differs);
    }

    #[test]
    fn with_one_that_lost_who_it_was_nobody_founds() {
        let lost = Introduction { only_joins: true, ..member(2, None, &ALL) };
        let there = |cluster| There::Member(Introduction { cluster, ..lost.clone() });
        let why = "b:1 lost who it was, and nobody founds a cluster with it";
        waits(judged(&ALL, [There::Itself, there(None), empty(3)]), why);
        let joined = Judged::Fate(Fate::Join(ClusterId([9; 16]), Incarnation([2; 16])));
        assert_eq!(judged(&ALL, [There::Itself, there(Some(ClusterId([9; 16]))), nobody()]), joined);
        let me = Introduction { only_joins: true, ..member(1, None, &ALL) };
        let answers: Vec<_> =
            ALL.iter().map(|text| address(text)).zip([There::Itself, empty(2), nobody()]).collect();
        let why = "this member lost who it was, so it founds no cluster, and no address given with -a runs one: c:1 (refused)";
        waits(judge(&me, &answers, &Seen::default()), why);
    }

    #[test]
    fn who_is_only_to_join_waits_for_a_cluster() {
        let joins = "runs a cluster to join; to found one, give this member's own (x:1) to each as well";
        waits(judged(&ALL, [empty(4), empty(2), empty(3)]), joins);
        waits(
            judged(&ALL, [empty(4), nobody(), empty(3)]),
            "runs a cluster to join: b:1 (refused); to found",
        );
    }
}
