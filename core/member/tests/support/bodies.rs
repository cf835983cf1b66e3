//! What must hold for whatever a member hears of somebody who does not vote, and for any bytes as a snapshot: the seeded tests
//! call these, and so do the targets of `core/fuzz`.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::rc::Rc;

use doozer_journal::Birth;
use doozer_member::driver::{Answer, Driver, Host, NoQuorum, Order, Reader, Reply, Settings};
use doozer_member::machine::{Logged, Machine, MachineLoader, Number, Origin};
use doozer_member::outbox::Wakes;
use doozer_member::peer::Peer;
use doozer_member::recovery::{Role, open_memory};
use doozer_paxos::message::{Message, Proposal};
use doozer_paxos::{ClusterId, Config, Entry, EntryHash, Incarnation, Slot};
use doozer_store::Command;

use crate::wire::messages::message;
use crate::wire::random::{Random, mutate};

type Flying = Rc<RefCell<VecDeque<(Incarnation, Incarnation, Peer)>>>;

/// A member's world: no disk, and a network that loses nothing.
struct World {
    me: Incarnation,
    flying: Flying,
}

/// Whoever waits for a write; counts those that were made.
struct Client(Rc<RefCell<u64>>);

impl Host for World {
    type Reply = Client;
    type Reader = Client;
    type KeepAlive = Infallible;

    fn keep(&mut self, _: Order) -> bool {
        true
    }

    fn send(&mut self, to: Incarnation, message: Peer) {
        self.flying.borrow_mut().push_back((self.me, to, message));
    }
}

impl Reply for Client {
    fn answer(self, answer: Answer<'_>, _: &mut Wakes) {
        if let Answer::Applied(..) = answer {
            *self.0.borrow_mut() += 1;
        }
    }

    fn park(&mut self, _: &mut Wakes) {}

    fn is_wanted(&self) -> bool {
        true
    }
}

impl Reader for Client {
    fn answer(self, _: Result<(), NoQuorum>, _: &mut Wakes) {}
}

struct Cluster {
    members: BTreeMap<Incarnation, Driver<World>>,
    flying: Flying,
    written: Rc<RefCell<u64>>,
}

const VOTERS: u8 = 3;
const STRANGER: Incarnation = Incarnation([9; 16]);

fn id(number: u8) -> Incarnation {
    Incarnation([number; 16])
}

fn set(path: &str, value: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    Command::Set { path, rev: -1, value: value.as_bytes() }.encode(&mut bytes);
    bytes
}

impl Cluster {
    /// Three that vote.
    fn new() -> Cluster {
        let mut cluster =
            Cluster { members: BTreeMap::new(), flying: Flying::default(), written: Rc::default() };
        for number in 1..=VOTERS {
            cluster.start(number);
            cluster.run(40);
            cluster.write(1, &format!("/ctl/cal/{number}"), &id(number).to_string());
            cluster.run(40);
        }
        assert!(cluster.members.values().all(|member| member.replica().config().voters.len() == 3));
        cluster
    }

    fn start(&mut self, number: u8) {
        let birth = Birth { cluster: ClusterId([7; 16]), incarnation: id(number) };
        let role = if number == 1 { Role::Founder } else { Role::Joiner };
        let begin = open_memory(birth, role, doozer_store::Options::default());
        let world = World { me: id(number), flying: Rc::clone(&self.flying) };
        let mut member = Driver::new(begin, Settings::default(), world);
        if number == 1 {
            member.lead_if_only_voter()
        } else {
            member.join(id(1))
        }
        self.members.insert(id(number), member);
    }

    fn write(&mut self, at: u8, path: &str, value: &str) {
        let client = Client(Rc::clone(&self.written));
        if let Some(member) = self.members.get_mut(&id(at)) {
            member.write(&set(path, value), Some(client));
        }
    }

    /// Until nothing is under way, and then as many ticks.
    fn run(&mut self, ticks: u64) {
        for _ in 0..=ticks {
            loop {
                self.members.values_mut().for_each(|member| member.pump(0));
                let Some((from, to, message)) = self.flying.borrow_mut().pop_front() else { break };
                if let Some(member) = self.members.get_mut(&to) {
                    member.receive(from, message);
                }
            }
            self.members.values_mut().for_each(Driver::tick);
        }
    }

    fn digests(&self) -> Vec<[u8; 32]> {
        let states = self.members.values().map(|member| member.local().state.read().machine().digest());
        states.collect()
    }
}

/// Three members and somebody who knows their secret, does not vote, and asks and gives away what it likes. None of them ends,
/// and once it is quiet each takes writes, and all have the same state.
pub fn hears_a_stranger(random: &mut Random) {
    let mut cluster = Cluster::new();
    for n in 0..40 {
        let to = id(1 + random.below(usize::from(VOTERS)) as u8);
        let word = word(to, random);
        if let Some(member) = cluster.members.get_mut(&to) {
            member.receive(STRANGER, word);
        }
        if random.flag() {
            cluster.write(1 + n % VOTERS, &format!("/w/{n}"), "v");
        }
        cluster.run(random.below(3) as u64);
    }
    cluster.run(1_000);
    let before = *cluster.written.borrow();
    (1..=VOTERS).for_each(|at| cluster.write(at, "/after", "v"));
    cluster.run(200);
    assert_eq!(*cluster.written.borrow() - before, u64::from(VOTERS), "a member takes no writes");
    let digests = cluster.digests();
    assert!(digests.iter().all(|digest| *digest == digests[0]), "two members have different states");
}

/// Something that tells nobody what is accepted, promised or decided.
fn word(to: Incarnation, random: &mut Random) -> Peer {
    // Follow, Heartbeat, Forward, Behind, ReadIndex, SnapshotGet, SnapshotGone, SnapshotPiece.
    const KINDS: [usize; 8] = [8, 10, 12, 13, 14, 16, 17, 18];
    let mut word = message(KINDS[random.below(KINDS.len())], STRANGER, to, random);
    if let Peer::Paxos(envelope) = &mut word {
        envelope.epoch = random.below(6) as u64;
        if let Message::Forward { proposals, .. } = &mut envelope.message
            && random.flag()
        {
            proposals.push(Proposal { command: command(random).into(), needs_own_slot: random.flag() });
        }
    }
    word
}

/// A command with a number of its own, or something like it.
fn command(random: &mut Random) -> Vec<u8> {
    let mut some = || random.below(4) as u64;
    let origin = Origin { incarnation: STRANGER, boot: some() };
    let number = Number { origin, number: some(), acknowledged: some() };
    let inner = set("/stranger", "v");
    let logged = match some() {
        0 => Logged::Plain(&inner),
        1 => Logged::Open(origin),
        _ => Logged::Do(number, &inner),
    };
    let mut bytes = logged.encode().to_vec();
    if random.flag() {
        mutate(&mut bytes, random);
    }
    bytes
}

/// A snapshot is refused, wherever it is cut, or makes a state whose own snapshot makes the same one. Whether it makes one.
pub fn snapshot(bytes: &[u8]) -> bool {
    let cut = 1 + bytes.first().map_or(0, |byte| usize::from(*byte)) + bytes.len() / 3;
    let (whole, pieces) = (loaded(bytes, usize::MAX), loaded(bytes, cut));
    assert_eq!(whole.is_some(), pieces.is_some());
    let Some(mut machine) = whole else { return false };
    let bytes = written(&mut machine);
    assert_eq!(written(&mut loaded(&bytes, cut).unwrap()), bytes);
    true
}

fn loaded(bytes: &[u8], cut: usize) -> Option<Machine> {
    let mut loader = MachineLoader::new(doozer_store::Options::default());
    bytes.chunks(cut).try_for_each(|piece| loader.push(piece)).ok()?;
    loader.finish().ok()
}

fn written(machine: &mut Machine) -> Vec<u8> {
    let (mut snapshot, mut bytes) = (machine.begin_snapshot(), Vec::new());
    while snapshot.next_chunk(machine, &mut bytes) {}
    machine.end_snapshot(snapshot);
    bytes
}

/// A snapshot with something of everything.
pub fn some_snapshot() -> Vec<u8> {
    let config = Config { epoch: 1, voters: vec![id(1)] };
    let mut machine = Machine::new(doozer_store::Options::default(), config.clone());
    let origin = Origin { incarnation: id(1), boot: 1 };
    let number = |number| Number { origin, number, acknowledged: 0 };
    let entry = |slot, config, commands| Entry {
        slot: Slot(slot),
        birth: doozer_paxos::Ballot::ZERO,
        previous: EntryHash::NONE,
        wall_ms: 0,
        config,
        commands,
    };
    let (voter, file) = (set("/ctl/cal/0", &id(1).to_string()), set("/a/b", "value"));
    let mut out = Default::default();
    machine.apply(&entry(1, None, vec![Logged::Open(origin).encode()]), &mut out);
    machine.apply(&entry(2, Some(config), vec![Logged::Do(number(1), &voter).encode()]), &mut out);
    machine.apply(&entry(3, None, vec![Logged::Do(number(2), &file).encode()]), &mut out);
    written(&mut machine)
}
