//! What members do in a scope, each step of each worked out once: a member's state and its input are all that the replica's
//! code depends on, and there are far fewer of those than states of a cluster.
//! Never here: what can happen when (`model`).

use std::sync::Arc;

use doozer_paxos::message::{Envelope, Message, Suffix, Told};
use doozer_paxos::{Config, EntryHash, Slot};

use crate::fault::Fault;
use crate::node::{Event, Input, Node, Rules, id, number};
use crate::scope::{MEMBERS, Network, Scope};
use crate::state::{Action, Facts, Flying, Happens, Place, State, Used};
use crate::table::{Memo, Number, Table};

pub struct Cluster {
    pub scope: Scope,
    rules: Rules,
    nodes: Table<Node>,
    envelopes: Table<Envelope>,
    pub chosen: Table<Chosen>,
    pub faults: Table<Fault>,
    steps: Memo<(u8, Number, Happens), Step>,
    spent: Memo<(Number, Number), bool>,
}

/// The one entry of a slot, and the configuration it was applied in.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Chosen {
    pub hash: EntryHash,
    pub config: Config,
}

/// What a member does with an input: where it is then, what it sends, and what else is seen of it.
pub enum Step {
    Fault(Number),
    Done { place: Place, sent: Vec<Flying>, events: Vec<Event> },
}

impl Cluster {
    pub fn new(scope: Scope) -> Cluster {
        Cluster {
            rules: scope.rules(),
            scope,
            nodes: Table::new(),
            envelopes: Table::new(),
            chosen: Table::new(),
            faults: Table::new(),
            steps: Memo::new(),
            spent: Memo::new(),
        }
    }

    pub fn fault(&self, state: &State) -> Option<Arc<Fault>> {
        state.fault.map(|fault| self.faults.get(fault))
    }

    pub fn node(&self, place: Place) -> Arc<Node> {
        self.nodes.get(place.node)
    }

    pub fn envelope(&self, number: Number) -> Arc<Envelope> {
        self.envelopes.get(number)
    }

    /// Nothing has happened yet.
    pub fn newborn(&self) -> State {
        let node = |number: u8| {
            let disk_is_slow = self.scope.slow_disks.contains(&number);
            self.place(Node::new(number, &self.rules, disk_is_slow))
        };
        State {
            nodes: [node(1), node(2), node(3)],
            network: Vec::new(),
            chosen: Vec::new(),
            reads: Vec::new(),
            used: Used::default(),
            fault: None,
        }
    }

    /// What the replica's code does with what happens to a member. What happens to the network is no step.
    pub fn step(&self, nodes: &[Place; MEMBERS], action: Action) -> Arc<Step> {
        let place = nodes[usize::from(action.at) - 1];
        let key = (action.at, place.node, action.happens);
        self.steps.get_or(key, || {
            let mut node = (*self.nodes.get(place.node)).clone();
            match node.step(action.at, &self.input(action.happens), &self.rules) {
                Err(fault) => Step::Fault(self.faults.number(fault)),
                Ok(events) => self.done(node, events),
            }
        })
    }

    fn input(&self, happens: Happens) -> Input {
        match happens {
            Happens::Deliver(envelope) => Input::Deliver(self.envelope(envelope)),
            Happens::Campaign => Input::Campaign,
            Happens::Propose(command) => Input::Propose(command),
            Happens::Change => Input::Change,
            Happens::Read(read) => Input::Read(read),
            Happens::Write => Input::Write,
            Happens::Crash(written) => Input::Crash(written),
            Happens::Reset(from) => Input::Reset(from),
            Happens::Lose(_) => unreachable!("it happens to the network"),
        }
    }

    fn done(&self, node: Node, events: Vec<Event>) -> Step {
        let place = self.place(node);
        let (mut sent, mut seen) = (Vec::new(), Vec::new());
        for event in events {
            match event {
                Event::Sent(envelope) => sent.push(self.flying(envelope)),
                event => seen.push(event),
            }
        }
        Step::Done { place, sent, events: seen }
    }

    fn place(&self, node: Node) -> Place {
        let facts = Facts::of(&node);
        Place { node: self.nodes.number(node), facts }
    }

    fn flying(&self, envelope: Envelope) -> Flying {
        let (to, from) = (number(envelope.to), number(envelope.from));
        Flying { to, from, envelope: self.envelopes.number(envelope) }
    }

    /// What a proposer shows a member, here member 1 one that only learns: with that it asks to follow. Otherwise it would
    /// take heartbeats to find its proposer.
    pub fn call(&self, state: &State, learner: u8) -> Flying {
        let proposer = self.node(state.nodes[0]);
        let (last, previous) = proposer.disk.end();
        let suffix = Suffix { from: last.next(), previous, entries: Vec::new() };
        let told = Told { decided: Slot(0), durable: Slot(0), confirm: 0 };
        let message = Message::Accept { ballot: proposer.disk.promised(), suffix, told };
        self.flying(Envelope { from: id(1), to: id(learner), epoch: self.rules.first.epoch, message })
    }

    /// Whether a message is gone once it arrived.
    pub fn arrives_once(&self, envelope: Number) -> bool {
        let is_once =
            |message: &Message| matches!(message, Message::Forward { .. } | Message::ReadIndex { .. });
        self.scope.network != Network::Again || is_once(&self.envelope(envelope).message)
    }

    /// Whether a message does nothing where it goes, but for a refusal, and has nothing to do there later.
    pub fn is_spent(&self, nodes: &[Place; MEMBERS], flying: Flying) -> bool {
        let place = nodes[usize::from(flying.to) - 1];
        let is_spent = || {
            let Step::Done { place: after, sent, events } = &*self.step(nodes, flying.delivery()) else {
                return false;
            };
            let is_refusal =
                |sent: &Flying| matches!(self.envelope(sent.envelope).message, Message::Nack { .. });
            let is_idle = after.node == place.node && events.is_empty() && sent.iter().all(is_refusal);
            is_idle && self.node(place).is_beyond(&self.envelope(flying.envelope).message)
        };
        *self.spent.get_or((place.node, flying.envelope), is_spent)
    }
}
