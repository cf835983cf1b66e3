//! A few members in one thread, without disks, and a network that loses nothing unless a test does.

#![allow(dead_code, reason = "each test uses some of it")]

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use doozer_journal::Birth;
use doozer_member::driver::{
    Answer, Driver, Host, KeepAlive, Kept, NoQuorum, Order, Reader, Reply, Settings,
};
use doozer_member::machine::Outcome;
use doozer_member::outbox::Wakes;
use doozer_member::peer::Peer;
use doozer_member::recovery::{Role, open_memory};
use doozer_paxos::replica::{Limits, PersistId};
use doozer_paxos::{ClusterId, Incarnation};
use doozer_store::{At, Command, Lookup, Outcome as Stored, SessionId};

pub type Flying = Rc<RefCell<VecDeque<(Incarnation, Incarnation, Peer)>>>;
pub type Answers = Rc<RefCell<Vec<String>>>;

pub struct World {
    pub me: Incarnation,
    /// The last order that waits for room on the disk; `None` while there is room.
    pub full: Option<PersistId>,
    pub flying: Flying,
}

impl Host for World {
    type Reply = Client;
    type Reader = Client;
    type KeepAlive = Client;

    fn keep(&mut self, order: Order) -> bool {
        let Order::Keep { id, .. } = order else { return false };
        self.full.as_mut().map(|last| *last = id).is_none()
    }

    fn send(&mut self, to: Incarnation, message: Peer) {
        self.flying.borrow_mut().push_back((self.me, to, message));
    }
}

pub struct Client(pub &'static str, pub Answers);

impl Reply for Client {
    fn answer(self, answer: Answer<'_>, _: &mut Wakes) {
        let text = match answer {
            Answer::Applied(Outcome::Store(Stored::Set(rev)), _) => format!("{}: set {rev}", self.0),
            Answer::Applied(Outcome::Store(Stored::Deleted(rev)), _) => format!("{}: deleted {rev}", self.0),
            Answer::Applied(Outcome::Refused(why), _) => format!("{}: {why}", self.0),
            other => format!("{}: {other:?}", self.0),
        };
        self.1.borrow_mut().push(text);
    }

    fn park(&mut self, _: &mut Wakes) {
        self.1.borrow_mut().push(format!("{}: waits", self.0));
    }

    fn is_wanted(&self) -> bool {
        true
    }
}

impl KeepAlive for Client {
    fn answer(self, kept: Kept, _: &mut Wakes) {
        self.1.borrow_mut().push(format!("{}: {kept:?}", self.0));
    }
}

impl Reader for Client {
    fn answer(self, readable: Result<(), NoQuorum>, _: &mut Wakes) {
        self.1.borrow_mut().push(format!("{}: {readable:?}", self.0));
    }
}

pub struct Cluster {
    pub members: BTreeMap<Incarnation, Driver<World>>,
    pub flying: Flying,
    pub answers: Answers,
    pub limits: Limits,
}

pub fn id(number: u8) -> Incarnation {
    Incarnation([number; 16])
}

impl Cluster {
    pub fn new(limits: Limits) -> Cluster {
        let (flying, answers) = (Flying::default(), Answers::default());
        let mut cluster = Cluster { members: BTreeMap::new(), flying, answers, limits };
        cluster.start(1, Role::Founder);
        cluster.member(1).lead_if_only_voter();
        cluster.set(1, "birth", "/ctl/cal/0", &id(1).to_string());
        cluster
    }

    pub fn start(&mut self, number: u8, role: Role) {
        let birth = Birth { cluster: ClusterId([9; 16]), incarnation: id(number) };
        let begin = open_memory(birth, role, doozer_store::Options::default());
        let world = World { me: id(number), full: None, flying: Rc::clone(&self.flying) };
        self.members.insert(
            id(number),
            Driver::new(begin, Settings { limits: self.limits, ..Settings::default() }, world),
        );
        if role == Role::Joiner {
            self.member(number).join(id(1));
        } else {
            self.quiet();
        }
    }

    pub fn member(&mut self, number: u8) -> &mut Driver<World> {
        self.members.get_mut(&id(number)).unwrap()
    }

    pub fn set(&mut self, at: u8, name: &'static str, path: &str, value: &str) {
        self.write(at, name, &Command::Set { path, rev: -1, value: value.as_bytes() });
    }

    pub fn write(&mut self, at: u8, name: &'static str, command: &Command<'_>) {
        let mut bytes = Vec::new();
        command.encode(&mut bytes);
        let reply = Client(name, Rc::clone(&self.answers));
        self.member(at).write(&bytes, Some(reply));
        self.quiet();
    }

    pub fn keep_alive(&mut self, at: u8, name: &'static str, session: SessionId) {
        let client = Client(name, Rc::clone(&self.answers));
        self.member(at).keep_alive(session, client);
        self.quiet();
    }

    pub fn read(&mut self, at: u8, name: &'static str) {
        let reader = Client(name, Rc::clone(&self.answers));
        self.member(at).read(reader);
        self.quiet();
    }

    /// Until nothing is under way.
    pub fn quiet(&mut self) {
        while self.deliver(|message| message) {}
    }

    /// Delivers the next message, if there is one, as `change` makes it.
    pub fn deliver(&mut self, change: impl FnOnce(Peer) -> Peer) -> bool {
        self.members.values_mut().for_each(|member| member.pump(0));
        let Some((from, to, message)) = self.flying.borrow_mut().pop_front() else { return false };
        if let Some(member) = self.members.get_mut(&to) {
            member.receive(from, change(message));
        }
        true
    }

    pub fn run(&mut self, ticks: u64) {
        for _ in 0..ticks {
            self.members.values_mut().for_each(Driver::tick);
            self.quiet();
        }
    }

    pub fn value(&mut self, at: u8, path: &str) -> Option<String> {
        let local = self.member(at).local();
        match local.state.read().store().get(path, At::Now) {
            Ok(Lookup::File { value, .. }) => Some(String::from_utf8(value.to_vec()).unwrap()),
            _ => None,
        }
    }

    pub fn answers(&mut self) -> Vec<String> {
        self.answers.borrow_mut().drain(..).collect()
    }
}

impl Cluster {
    pub fn voters(&mut self) -> Vec<u8> {
        let voters = &self.member(1).replica().config().voters;
        let mut numbers: Vec<u8> = voters.iter().map(|voter| voter.0[0]).collect();
        numbers.sort_unstable();
        numbers
    }

    pub fn lose(&mut self, number: u8) {
        self.members.remove(&id(number));
    }
}

/// So many voters, and so many who stand by.
pub fn voters_and_stand_bys(voters: u8, stand_bys: u8) -> Cluster {
    let mut cluster = Cluster::new(Limits::default());
    for number in 2..=voters + stand_bys {
        cluster.start(number, Role::Joiner);
        cluster.run(30);
        if number <= voters {
            cluster.set(1, "vote", &format!("/ctl/cal/{number}"), &id(number).to_string());
            cluster.run(30);
        }
    }
    assert_eq!(cluster.voters(), (1..=voters).collect::<Vec<_>>());
    cluster
}
