//! Elections among members that hear each other or do not: who leads after a few rounds, and that it stays so.

use super::*;

/// Members 0 to n, and who hears whom. A pair that is cut hears nothing of each other, in either direction.
struct Net {
    members: Vec<Election>,
    config: Config,
    fitness: Vec<Fitness>,
    cut: Vec<(usize, usize)>,
    /// Leaders as they were made, in order.
    led: Vec<usize>,
}

fn id(member: usize) -> Incarnation {
    Incarnation([member as u8 + 1; 16])
}

impl Net {
    fn of(count: usize) -> Net {
        let config = Config { epoch: 1, voters: (0..count).map(id).collect() };
        let members = (0..count).map(|member| Election::new(id(member), Ballot::ZERO, 1, 0)).collect();
        Net { members, config, fitness: vec![Fitness::Fit; count], cut: Vec::new(), led: Vec::new() }
    }

    fn hears(&self, a: usize, b: usize) -> bool {
        !self.cut.contains(&(a, b)) && !self.cut.contains(&(b, a))
    }

    fn isolate(&mut self, member: usize) {
        let others = (0..self.members.len()).filter(|other| *other != member);
        self.cut.extend(others.map(|other| (member, other)));
    }

    /// Leaves nothing but these connections.
    fn only(&mut self, connected: &[(usize, usize)]) {
        let count = self.members.len();
        let pairs = (0..count).flat_map(|a| (a + 1..count).map(move |b| (a, b)));
        self.cut =
            pairs.filter(|(a, b)| !connected.contains(&(*a, *b)) && !connected.contains(&(*b, *a))).collect();
    }

    /// Everybody asks everybody; then each ends its round, `first` before the others.
    fn round(&mut self, first: usize) {
        let count = self.members.len();
        for asking in 0..count {
            for asked in 0..count {
                if asked == asking || !self.hears(asking, asked) {
                    continue;
                }
                self.ask(asking, asked);
            }
        }
        for member in (0..count).map(|step| (first + step) % count) {
            if let Outcome::Lead(_) = self.end(member) {
                self.led.push(member);
            }
        }
    }

    /// One asks another one in its round.
    fn ask(&mut self, asking: usize, asked: usize) {
        let (round, beat) = (self.members[asking].round(), self.members[asked].beat(self.fitness[asked]));
        self.members[asking].reply(id(asked), round, beat);
    }

    fn end(&mut self, member: usize) -> Outcome {
        self.members[member].end_round(&self.config, self.fitness[member])
    }

    fn rounds(&mut self, count: usize) {
        (0..count).for_each(|_| self.round(0));
    }

    fn leader_of(&self, member: usize) -> Option<usize> {
        (0..self.members.len()).find(|other| id(*other) == self.members[member].leader().incarnation)
    }
}

#[test]
fn one_leads_and_goes_on_leading() {
    for count in [1, 2, 3, 5] {
        let mut net = Net::of(count);
        net.rounds(5);
        let leader = net.leader_of(0);
        assert!((0..count).all(|member| net.leader_of(member) == leader && net.members[member].is_happy()));
        let made = net.led.len();
        net.rounds(50);
        assert_eq!(
            (net.leader_of(0), net.led.len()),
            (leader, made),
            "nobody takes over from a happy leader"
        );
    }
}

#[test]
fn a_dead_leader_is_replaced_once_and_its_return_changes_nothing() {
    let mut net = Net::of(3);
    net.rounds(5);
    let old = net.leader_of(0).unwrap();
    let ballot = net.members[old].leader();
    net.isolate(old);
    net.rounds(4);
    let new = net.leader_of((old + 1) % 3).unwrap();
    assert_ne!(new, old);
    assert!(net.members[new].leader() > ballot);
    net.cut.clear();
    net.rounds(4);
    assert!((0..3).all(|member| net.leader_of(member) == Some(new)));
    assert!(!net.members[old].is_leader());
    let made = net.led.len();
    net.rounds(20);
    assert_eq!(net.led.len(), made);
}

#[test]
fn without_a_majority_nobody_takes_over() {
    let mut net = Net::of(5);
    net.rounds(5);
    let made = net.led.len();
    net.only(&[(0, 1), (2, 3)]);
    net.rounds(30);
    assert_eq!(net.led.len(), made);
    assert!((0..5).all(|member| !net.members[member].is_happy()));
}

/// Quorum loss (section 2.2): the leader is alive but keeps only one connection, to the one member that hears everybody.
#[test]
fn a_leader_without_a_quorum_gives_way_to_the_only_one_that_has_one() {
    for leader in 0..5 {
        let mut net = Net::of(5);
        net.members[leader].outdone(Ballot { n: 7, epoch: 0, incarnation: id(4) });
        net.round(leader);
        while net.leader_of(0) != Some(leader) {
            // Only it hears enough, until it leads.
            net.only(
                &(0..5).filter(|other| *other != leader).map(|other| (leader, other)).collect::<Vec<_>>(),
            );
            net.round(leader);
        }
        net.cut.clear();
        net.rounds(3);
        let hub = (leader + 2) % 5;
        net.only(&(0..5).filter(|other| *other != hub).map(|other| (hub, other)).collect::<Vec<_>>());
        net.rounds(6);
        assert_eq!(net.leader_of(hub), Some(hub));
        assert!((0..5).all(|member| net.leader_of(member) == Some(hub)), "all hear the hub, and follow it");
        let made = net.led.len();
        net.rounds(30);
        assert_eq!(net.led.len(), made, "and it stays so");
    }
}

/// Constrained election (section 2.2): the leader is gone for all, and only one member hears a majority, although it may
/// have the shortest log: connectivity alone decides who is elected.
#[test]
fn whoever_hears_a_majority_is_elected() {
    for hub in 0..5 {
        let mut net = Net::of(5);
        net.rounds(5);
        let leader = net.leader_of(0).unwrap();
        if leader == hub {
            continue;
        }
        let rest = (0..5).filter(|other| *other != hub && *other != leader);
        net.only(&rest.map(|other| (hub, other)).collect::<Vec<_>>());
        net.rounds(6);
        let rest: Vec<usize> = (0..5).filter(|other| *other != leader).collect();
        assert!(rest.iter().all(|member| net.leader_of(*member) == Some(hub)), "hub {hub}");
    }
}

/// Chained (section 2.2): three members in a row, the leader at one end. The middle hears both; no two ends take turns.
#[test]
fn a_chain_settles_and_stays() {
    for leader in 0..3 {
        let mut net = Net::of(3);
        while net.leader_of(leader) != Some(leader) || net.members.iter().any(|member| !member.is_happy()) {
            // Everybody else is kept from leading until the one that should does.
            net.fitness = (0..3).map(|m| if m == leader { Fitness::Fit } else { Fitness::Stuck }).collect();
            net.rounds(3);
            net.fitness = vec![Fitness::Fit; 3];
            net.rounds(2);
        }
        let [far, middle] = [(leader + 1) % 3, (leader + 2) % 3];
        net.only(&[(leader, middle), (middle, far)]);
        net.rounds(10);
        let made = net.led.len();
        net.rounds(50);
        assert_eq!(net.led.len(), made, "leader {leader}: the lead goes round");
    }
}

#[test]
fn a_stuck_leader_gives_way_and_an_unfit_member_never_leads() {
    let mut net = Net::of(3);
    net.rounds(5);
    let old = net.leader_of(0).unwrap();
    let (next, last) = ((old + 1) % 3, (old + 2) % 3);
    net.fitness[old] = Fitness::Stuck;
    net.fitness[next] = Fitness::Unfit;
    net.rounds(6);
    // The unfit does not count, so two are needed, and one of them is stuck but hears and answers.
    assert_eq!(net.leader_of(last), Some(last));
    assert!(!net.led.iter().skip(1).any(|member| *member == next));
    net.fitness[old] = Fitness::Fit;
    let made = net.led.len();
    net.rounds(20);
    assert_eq!(net.led.len(), made);
}

#[test]
fn who_was_not_heard_is_told() {
    let mut net = Net::of(3);
    net.rounds(2);
    net.only(&[(0, 1), (1, 2)]);
    net.rounds(2);
    assert_eq!(net.members[0].beat(Fitness::Fit).unheard, [id(2)]);
    assert!(net.members[1].beat(Fitness::Fit).unheard.is_empty());
}

#[test]
fn late_and_repeated_replies_and_those_of_strangers_do_not_count() {
    let mut net = Net::of(3);
    let beat = net.members[1].beat(Fitness::Fit);
    let me = &mut net.members[0];
    me.reply(id(1), me.round() + 1, beat.clone());
    assert_eq!(me.end_round(&net.config, Fitness::Fit), Outcome::Same);
    me.reply(id(1), 0, beat.clone());
    assert_eq!(me.end_round(&net.config, Fitness::Fit), Outcome::Same);
    me.reply(id(9), me.round(), beat.clone());
    assert_eq!(me.end_round(&net.config, Fitness::Fit), Outcome::Same);
    me.reply(id(1), me.round(), beat);
    assert!(matches!(me.end_round(&net.config, Fitness::Fit), Outcome::Lead(_)));
}

#[test]
fn a_new_ballot_is_above_everything_it_promised_and_every_leader_it_heard_of() {
    let promised = Ballot { n: 9, epoch: 0, incarnation: id(2) };
    let config = Config { epoch: 1, voters: vec![id(0)] };
    let mut alone = Election::new(id(0), promised, 1, 0);
    let Outcome::Lead(first) = alone.end_round(&config, Fitness::Fit) else { panic!("it leads alone") };
    assert!(first > promised);
    let refused = Ballot { n: 40, epoch: 0, incarnation: id(2) };
    assert!(alone.outdone(refused));
    assert!(!alone.outdone(promised));
    let second = loop {
        if let Outcome::Lead(ballot) = alone.end_round(&config, Fitness::Fit) {
            break ballot;
        }
    };
    assert!(second > refused);
}

/// Each ends its round by itself, having asked when it began: the second hears of the first's ballot in the middle of its
/// round, when all that it was told in it is from before.
#[test]
fn nobody_takes_over_from_who_has_just_done_so() {
    let mut net = Net::of(3);
    net.rounds(5);
    let old = net.leader_of(0).unwrap();
    let (first, second) = ((old + 1) % 3, (old + 2) % 3);
    net.isolate(old);
    net.round(first);
    net.ask(first, second);
    net.ask(second, first);
    let Outcome::Lead(ballot) = net.end(first) else { panic!("it does not take over") };
    assert!(net.members[second].outdone(ballot), "it is asked for a promise");
    assert_eq!(net.end(second), Outcome::Same, "the other was unhappy when it answered");
    net.ask(second, first);
    assert_eq!(net.end(second), Outcome::Same);
    assert!(net.members[second].is_happy());
    assert_eq!(net.members[second].leader(), ballot);
}

#[test]
fn a_lost_connection_leads_to_a_look_and_not_to_more() {
    let mut net = Net::of(3);
    net.rounds(5);
    let leader = net.leader_of(0).unwrap();
    let (one, other) = ((leader + 1) % 3, (leader + 2) % 3);
    let made = net.led.len();
    assert!(!net.members[leader].doubt(), "it leads itself");
    for member in [one, other] {
        assert!(net.members[member].doubt());
        assert!(!net.members[member].doubt(), "it looks already");
        assert!(!net.members[member].is_happy());
    }
    net.round(0);
    assert!((0..3).all(|member| net.members[member].is_happy()), "it was there");
    assert_eq!((net.leader_of(0), net.led.len()), (Some(leader), made));

    net.isolate(leader);
    net.members[one].doubt();
    net.ask(one, other);
    assert_eq!(net.end(one), Outcome::Same, "the other has noticed nothing yet");
    net.members[one].doubt();
    net.members[other].doubt();
    net.ask(one, other);
    assert!(matches!(net.end(one), Outcome::Lead(_)), "after one round");
    let nobody = Election::new(id(0), Ballot::ZERO, 1, 0).doubt();
    assert!(!nobody, "there is nobody to doubt");
}

#[test]
fn who_only_learns_follows_whoever_others_are_happy_with() {
    let mut net = Net::of(4);
    net.config.voters.pop();
    net.fitness[3] = Fitness::Unfit;
    net.rounds(6);
    let leader = net.leader_of(0).unwrap();
    assert_eq!(net.leader_of(3), Some(leader));
    // A voter that nobody but the learner hears tries to lead under ever greater ballots.
    let lonely = (leader + 1) % 3;
    net.cut = (0..3).filter(|other| *other != lonely).map(|other| (lonely, other)).collect();
    for _ in 0..5 {
        net.members[lonely].take_over();
        net.members[lonely].happy = false;
        net.rounds(1);
        assert_eq!(net.leader_of(3), Some(leader));
        assert!(net.members[3].is_happy());
    }
    // Once it is nobody's leader any more, the greater one counts.
    net.isolate(leader);
    net.rounds(3);
    assert_ne!(net.leader_of(3), Some(leader));
}
