//! Members whose messages are lost, repeated, reordered and delayed, whose disks lag, and who crash and come back: one
//! value for each slot, durable at a majority before it is applied; reads see all before them; and once all is well
//! again, everybody goes on.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

mod net;

use doozer_paxos::replica::Limits;
use net::{Net, Tally, What};

/// A small generator with a seed (Marsaglia, *Xorshift RNGs*, 2003).
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn one_in(&mut self, of: u64) -> bool {
        self.next().is_multiple_of(of)
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> Option<T> {
        (!from.is_empty()).then(|| from[self.below(from.len())])
    }
}

/// How often things go wrong, drawn for each seed: one in so many.
struct Odds {
    drop: u64,
    repeat: u64,
    reorder: u64,
    crash: u64,
    cut: u64,
    partial: u64,
    reset: u64,
    slow_disk: u64,
    change: u64,
    full: u64,
    rot: u64,
    /// Of so many messages under way one more is delivered in each step: the more, the more arrive late.
    late: usize,
}

const NEVER: u64 = 1_000_000_000;

impl Odds {
    fn draw(random: &mut Random) -> Odds {
        let late = random.pick(&[4, 8, 32]).unwrap();
        let mut odds = |choices: &[u64]| random.pick(choices).unwrap();
        Odds {
            drop: odds(&[3, 10, 100, NEVER]),
            repeat: odds(&[5, 50, NEVER]),
            reorder: odds(&[2, 10, NEVER]),
            crash: odds(&[4, 12, 40, NEVER]),
            cut: odds(&[50, 200, NEVER]),
            partial: odds(&[10, 50, NEVER]),
            reset: odds(&[10, 100, NEVER]),
            slow_disk: odds(&[1, 2, 8]),
            change: odds(&[5, 20, NEVER]),
            full: odds(&[10, 100, NEVER, NEVER]),
            rot: odds(&[1, 1, 3, NEVER]),
            late,
        }
    }
}

const STEPS: usize = 5_000;

fn limits(random: &mut Random) -> Limits {
    Limits {
        round_ticks: 2,
        doubt_ticks: 1,
        waiting_bytes_max: 1_000_000,
        stuck_ticks: random.pick(&[6, 20]).unwrap(),
        slots_in_flight_max: random.pick(&[1, 3, 8]).unwrap(),
        slot_bytes_max: random.pick(&[1, 20]).unwrap(),
        message_bytes_max: random.pick(&[1, 20, 1000]).unwrap(),
        unacknowledged_bytes_max: random.pick(&[1, 20, 1000]).unwrap(),
        full_bytes_max: 50,
        kept_bytes_max: random.pick(&[0, 2_000, 1_000_000]).unwrap(),
    }
}

fn run(seed: u64) -> Tally {
    let mut random = Random::new(seed);
    let voters = random.pick(&[1, 2, 2, 3, 3, 3, 4, 5, 5, 5]).unwrap();
    let learners = random.pick(&[0, 1, 1, 2]).unwrap();
    let (limits, odds) = (limits(&mut random), Odds::draw(&mut random));
    let mut net = Net::new(voters, learners, limits);
    let all: Vec<u8> = (1..=voters + learners).collect();
    for step in 0..STEPS {
        chaos(&mut net, &mut random, &odds, &all, step);
    }
    let tally = net.tally.clone();
    recover(&mut net, &all, seed);
    tally
}

fn chaos(net: &mut Net, random: &mut Random, odds: &Odds, all: &[u8], step: usize) {
    for _ in 0..net.flying.len() / odds.late {
        deliver(net, random, odds);
    }
    let Some(member) = random.pick(&net.up()) else { return net.restart(random.pick(all).unwrap()) };
    match random.below(24) {
        0..=1 => net.tick(member),
        2 => net.propose(member, &step.to_string()),
        3 => net.read(member),
        4..=7 if random.one_in(odds.slow_disk) => drop(net.write(member)),
        8 => crash_or_restart(net, random, odds, all, member),
        9 => {
            if random.one_in(odds.cut) {
                net.cut.insert((member, random.pick(all).unwrap()));
            } else if random.one_in(20) {
                net.cut.clear();
            }
        }
        10 if random.one_in(odds.change) => change(net, random, all),
        11 => net.node(member).disk.is_full = random.one_in(odds.full),
        12 if random.one_in(odds.partial) => {
            // Nothing but its proposer is out of a member's reach.
            if let Some(leader) = random.pick(&net.leaders()) {
                net.cut.extend([(leader, member), (member, leader)]);
            }
        }
        13 if random.one_in(odds.reset) => net.reset(member, random.pick(all).unwrap()),
        _ => deliver(net, random, odds),
    }
}

fn crash_or_restart(net: &mut Net, random: &mut Random, odds: &Odds, all: &[u8], member: u8) {
    if random.one_in(odds.crash) {
        net.crash(member);
        // One at a time whatever it had; others only what nobody else had, or that may be gone for good.
        let is_first = net.nodes.values().all(|node| node.disk.suspect.is_none());
        if random.one_in(odds.rot) && (is_first || net.is_rot_harmless(member)) {
            net.rot(member);
        }
    }
    let down: Vec<u8> = all.iter().copied().filter(|number| !net.up().contains(number)).collect();
    if random.one_in(4)
        && let Some(back) = random.pick(&down)
    {
        net.restart(back);
    }
}

fn deliver(net: &mut Net, random: &mut Random, odds: &Odds) {
    if net.flying.is_empty() {
        return;
    }
    let index = if random.one_in(odds.reorder) { random.below(net.flying.len()) } else { 0 };
    if random.one_in(odds.drop) {
        net.flying.remove(index);
        return;
    }
    if random.one_in(odds.repeat) {
        let again = net.flying[index].clone();
        net.flying.push(again);
    }
    net.deliver(index);
}

/// Changes the voters by one, or swaps one, as a proposer may that has nothing under way.
fn change(net: &mut Net, random: &mut Random, all: &[u8]) {
    let Some(member) = random.pick(&net.up()) else { return };
    let mut voters: Vec<u8> =
        net.node(member).member.config().voters.iter().map(|id| net::number(*id)).collect();
    let changed = random.pick(all).unwrap();
    match voters.iter().position(|voter| *voter == changed) {
        Some(_) if voters.len() == 1 => return,
        Some(at) => drop(voters.remove(at)),
        None if random.one_in(2) => {
            let at = random.below(voters.len());
            voters[at] = changed;
        }
        None => voters.push(changed),
    }
    net.propose_voters(member, &voters);
}

/// All is well again: everybody applies what anybody proposes.
fn recover(net: &mut Net, all: &[u8], seed: u64) {
    net.cut.clear();
    net.nodes.values_mut().for_each(|node| node.disk.is_full = false);
    for number in all {
        if !net.up().contains(number) {
            net.restart(*number);
        }
    }
    net.run(200);
    let (before, reads) = (net.decided(), net.tally.of(What::ReadAnswered));
    for number in all {
        net.propose(*number, &format!("last {number}"));
        net.read(*number);
    }
    net.run(60);
    if net.decided() == before {
        net.nodes.iter().for_each(|(number, node)| println!("{number}: {:?}", node.member));
    }
    assert!(net.decided() > before, "seed {seed}: nothing is decided any more");
    if net.tally.of(What::ReadAnswered) < reads + all.len() {
        net.nodes.iter().for_each(|(number, node)| println!("{number}: {:?}", node.member));
    }
    assert!(net.tally.of(What::ReadAnswered) >= reads + all.len(), "seed {seed}: reads are not answered");
    let length = net.node(all[0]).applied.len();
    for number in all {
        let applied = &net.node(*number).applied;
        assert_eq!(applied.len(), length, "seed {seed}: {number} lags");
        for other in all {
            let command = format!("last {other}");
            let is_there =
                applied.iter().flat_map(|entry| &entry.commands).any(|each| each == command.as_bytes());
            assert!(is_there, "seed {seed}: `{command}` is not applied at {number}");
        }
    }
}

/// Seeds of the default run; `DOOZER_PAXOS_SEEDS=FROM..TO` runs others.
fn seeds() -> std::ops::Range<u64> {
    let told = std::env::var("DOOZER_PAXOS_SEEDS").ok();
    let bounds = told.as_deref().and_then(|told| told.split_once(".."));
    bounds.map_or(0..200, |(from, to)| from.parse().unwrap()..to.parse().unwrap())
}

#[test]
fn one_value_for_each_slot_whatever_happens() {
    let mut tally = Tally::default();
    for seed in seeds() {
        let outcome = std::panic::catch_unwind(|| run(seed));
        tally.add(&outcome.unwrap_or_else(|_| panic!("seed {seed}")));
    }
    println!("While things went wrong:");
    for what in What::ALL {
        println!("{:9} {}", tally.of(what), what.words());
    }
    if seeds().count() >= 200 {
        let missed = What::ALL.into_iter().find(|what| tally.of(*what) == 0);
        assert_eq!(missed, None, "this was not put to the test");
    }
}
