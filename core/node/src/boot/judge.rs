//! What follows, for a member that has nothing, from what is registered and from who answers. Why, see the module above.

use doozer_paxos::{ClusterId, Incarnation};
use doozer_wire::Address;
use doozer_wire::peer::Introduction;

use super::lacking::{Lack, lacking, words};
use super::registry::Registered;
use crate::peers::ask::{Seen, There, who_runs};

/// What a member is that belongs to a cluster and cannot say what it is called.
const NOTHING_YET: &str =
    "it has joined a cluster of which it has nothing yet; if that stays so, start it anew";

/// Who judges, and what it looks for.
pub(super) struct Seeker {
    pub address: Address,
    /// The addresses it was started with (`-a`).
    pub attach: Vec<Address>,
    /// The cluster's name.
    pub name: String,
    /// Where the boot cluster is, for people.
    pub place: String,
    /// It lost who it was: it founds none.
    pub only_joins: bool,
}

/// What was registered, and who answered after that.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Round {
    pub registered: Registered,
    pub answers: Vec<(Address, There)>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Judged {
    /// It joins this cluster by way of this member.
    Join(ClusterId, Incarnation),
    /// It may claim over the claim of that revision, or over none (0).
    Claim { over: i64 },
    /// Nothing yet, and nobody need know why.
    Again,
    /// Nothing yet: what is waited for.
    Wait(String),
}

impl Round {
    /// Who belongs to a cluster of another name is a stranger.
    pub fn new(name: &str, registered: Registered, mut answers: Vec<(Address, There)>) -> Round {
        for (_, there) in &mut answers {
            if let There::Member(Introduction { cluster: Some(_), name: theirs, .. }) = &*there
                && theirs.as_deref() != Some(name)
            {
                *there = match theirs {
                    Some(theirs) => There::Stranger(format!("it belongs to cluster {theirs:?}")),
                    None => There::Nobody(NOTHING_YET.to_owned()),
                };
            }
        }
        Round { registered, answers }
    }
}

impl Seeker {
    pub fn judge(&self, round: &Round, before: Option<&Round>, seen: &Seen) -> Judged {
        if let Some(two) = seen.two() {
            return Judged::Wait(format!("{two}, and both are called {:?}: stop one of them", self.name));
        }
        if let Some((cluster, member)) = who_runs(&round.answers) {
            return Judged::Join(cluster, member);
        }
        let own = round.answers.iter().find(|(place, _)| *place == self.address);
        if let Some((place, There::Member(them))) = own {
            let member = them.incarnation;
            return Judged::Wait(format!(
                "at {place}, which this member says is its own address, is another one ({member}): give each its own with \
                 -l or --advertise"
            ));
        }
        if self.only_joins {
            return Judged::Wait(format!(
                "this member lost who it was, so it founds no cluster, and nobody who is registered runs {:?}: start those \
                 that have their data; if nobody has, start this one with an empty data directory",
                self.name
            ));
        }
        let lacks = lacking(self, round);
        if lacks.iter().any(|(_, lack)| *lack == Lack::Passing) {
            return Judged::Again;
        }
        match &round.registered.claim {
            _ if !lacks.is_empty() => Judged::Wait(words(self, round, &lacks)),
            None => Judged::Claim { over: 0 },
            Some(claim) if before == Some(round) => Judged::Claim { over: claim.rev },
            Some(_) => Judged::Again,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::super::registry::{Claim, Entry};
    use super::*;

    fn address(text: &str) -> Address {
        text.parse().unwrap()
    }

    fn seeker(attach: &[&str]) -> Seeker {
        let attach = attach.iter().map(|text| address(text)).collect();
        let (name, place) = ("prod".to_owned(), "boot:1".to_owned());
        Seeker { address: address("a:1"), attach, name, place, only_joins: false }
    }

    fn member(id: u8, cluster: Option<u8>, name: Option<&str>) -> There {
        There::Member(Introduction {
            cluster: cluster.map(|id| ClusterId([id; 16])),
            incarnation: Incarnation([id; 16]),
            address: address("x:1"),
            listed: Vec::new(),
            name: name.map(str::to_owned),
            only_joins: false,
        })
    }

    fn empty(id: u8) -> There {
        member(id, None, Some("prod"))
    }

    fn silent() -> There {
        There::Nobody("refused".to_owned())
    }

    /// These are registered, at revisions from 1 on, after a claim or not, and this is what is there.
    fn round(claim: Option<i64>, there: &[(&str, There)]) -> Round {
        let entries = (1..).zip(there).map(|(rev, (place, _))| Entry {
            id: format!("id{rev}"),
            address: (*place).to_owned(),
            rev,
        });
        let claim = claim.map(|rev| Claim { id: Incarnation([9; 16]).to_string(), rev });
        let answers = there.iter().map(|(place, there)| (address(place), there.clone())).collect();
        Round::new("prod", Registered { entries: entries.collect(), claim }, answers)
    }

    fn judged(rounds: &[Round]) -> Judged {
        let mut seen = Seen::default();
        rounds.iter().for_each(|round| seen.note(&round.answers));
        let (last, before) = rounds.split_last().unwrap();
        seeker(&[]).judge(last, before.last(), &seen)
    }

    fn twice(claim: Option<i64>, there: &[(&str, There)]) -> Judged {
        judged(&[round(claim, there), round(claim, there)])
    }

    #[track_caller]
    fn waits(judged: Judged, why: &str) {
        let Judged::Wait(said) = judged else { panic!("{judged:?}") };
        assert_eq!(said, why);
    }

    #[test]
    fn the_first_claim_waits_for_nobody() {
        assert_eq!(judged(&[round(None, &[("a:1", There::Itself)])]), Judged::Claim { over: 0 });
        let others = [("a:1", There::Itself), ("b:1", empty(2)), ("c:1", silent())];
        assert_eq!(judged(&[round(None, &others)]), Judged::Claim { over: 0 });
    }

    #[test]
    fn a_further_claim_takes_the_word_of_each_twice() {
        let all = [("a:1", There::Itself), ("b:1", empty(2)), ("c:1", empty(3))];
        assert_eq!(judged(&[round(Some(7), &all)]), Judged::Again);
        assert_eq!(twice(Some(7), &all), Judged::Claim { over: 7 });
        // Another life, another entry, another claim meanwhile: from the start.
        let other_life = [("a:1", There::Itself), ("b:1", empty(2)), ("c:1", empty(4))];
        assert_eq!(judged(&[round(Some(7), &other_life), round(Some(7), &all)]), Judged::Again);
        assert_eq!(judged(&[round(Some(7), &all[..2]), round(Some(7), &all)]), Judged::Again);
        assert_eq!(judged(&[round(Some(7), &all), round(Some(8), &all)]), Judged::Again);
        // Whether its own address leads back to it is no matter, as long as nobody else is there.
        let no_way_back = [("a:1", silent()), ("b:1", empty(2))];
        assert_eq!(twice(Some(7), &no_way_back), Judged::Claim { over: 7 });
    }

    #[test]
    fn silence_is_no_proof() {
        let all = [("a:1", There::Itself), ("b:1", silent()), ("c:1", empty(3))];
        let why = "cluster \"prod\" was founded before, and of those who answer nobody runs it; to found it anew, each that \
                   is registered has to say that it has nothing: b:1 (refused): start it; if it is gone for good, delete \
                   its entry: `doozer -a boot:1 del /ctl/ns/prod/id2 2`";
        waits(twice(Some(7), &all), why);
        let all = [("a:1", There::Itself), ("b:1", member(2, Some(5), Some("other"))), ("c:1", silent())];
        let why = "cluster \"prod\" was founded before, and of those who answer nobody runs it; to found it anew, each that \
                   is registered has to say that it has nothing: b:1 (it belongs to cluster \"other\"), c:1 (refused): start \
                   them; if they are gone for good, delete their entries: `doozer -a boot:1 del /ctl/ns/prod/id2 2`, \
                   `doozer -a boot:1 del /ctl/ns/prod/id3 3`";
        waits(twice(Some(7), &all), why);
    }

    #[test]
    fn who_runs_the_cluster_is_joined() {
        let runs = |id, cluster| member(id, Some(cluster), Some("prod"));
        let joined = Judged::Join(ClusterId([2; 16]), Incarnation([2; 16]));
        assert_eq!(judged(&[round(Some(7), &[("b:1", silent()), ("c:1", runs(2, 2))])]), joined);
        // Not one of another name, nor one that does not know its own yet.
        for name in [Some("other"), None] {
            let there = [("a:1", There::Itself), ("b:1", member(2, Some(2), name))];
            assert!(matches!(twice(Some(7), &there), Judged::Wait(_)), "{name:?}");
        }
        let two = [("b:1", member(2, Some(2), Some("prod"))), ("c:1", member(3, Some(3), Some("prod")))];
        let Judged::Wait(why) = judged(&[round(Some(7), &two)]) else { panic!() };
        assert!(why.ends_with(", and both are called \"prod\": stop one of them"), "{why}");
    }

    #[test]
    fn with_one_that_lost_who_it_was_nobody_founds() {
        let There::Member(empty) = empty(2) else { panic!() };
        let lost = There::Member(Introduction { only_joins: true, ..empty });
        let there = [("a:1", There::Itself), ("b:1", lost)];
        let Judged::Wait(why) = twice(Some(7), &there) else { panic!() };
        assert!(why.contains("b:1 (it lost who it was, "), "{why}");
        let me = Seeker { only_joins: true, ..seeker(&[]) };
        let alone = round(None, &there[..1]);
        let Judged::Wait(why) = me.judge(&alone, Some(&alone), &Seen::default()) else { panic!() };
        assert!(why.starts_with("this member lost who it was, so it founds no cluster"), "{why}");
    }

    #[test]
    fn a_founder_on_its_way_is_waited_for() {
        let there = [("a:1", There::Itself), ("b:1", member(9, None, None))];
        assert_eq!(twice(Some(7), &there), Judged::Again);
    }

    #[test]
    fn an_address_that_is_another_ones() {
        let there = [("a:1", empty(2)), ("b:1", empty(3))];
        let id = Incarnation([2; 16]);
        let why = format!(
            "at a:1, which this member says is its own address, is another one ({id}): give each its own with -l or --advertise"
        );
        waits(twice(Some(7), &there), &why);
    }

    #[test]
    fn addresses_given_with_a_count_even_for_the_first_claim() {
        let judged = |there: &[(&str, There)]| {
            let registered = round(None, &there[..1]).registered;
            let answers = there.iter().map(|(place, there)| (address(place), there.clone())).collect();
            seeker(&["b:1"]).judge(&Round::new("prod", registered, answers), None, &Seen::default())
        };
        assert_eq!(judged(&[("a:1", There::Itself), ("b:1", empty(2))]), Judged::Claim { over: 0 });
        let why = "no address given with -a runs cluster \"prod\", and to found it, each has to say that it has nothing: b:1 \
                   (refused): start it, or leave its -a out";
        waits(judged(&[("a:1", There::Itself), ("b:1", silent())]), why);
        let listed = There::Member(Introduction {
            cluster: None,
            incarnation: Incarnation([2; 16]),
            address: address("b:1"),
            listed: vec![address("b:1")],
            name: None,
            only_joins: false,
        });
        let why = "no address given with -a runs cluster \"prod\", and to found it, each has to say that it has nothing: b:1 \
                   (it was started with -a and without -b): start it, or leave its -a out";
        waits(judged(&[("a:1", There::Itself), ("b:1", listed)]), why);
    }
}
