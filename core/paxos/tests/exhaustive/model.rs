//! The cluster as `stateright` explores it: what can happen in a state, and what the state is then.
//! Never here: what a member does with an input (`node`), or what is asked of all states (`properties`).

use doozer_paxos::Slot;
use stateright::{Model, Property};

use crate::cluster::{Chosen, Cluster, Step};
use crate::fault::Fault;
use crate::node::{Event, number};
use crate::properties;
use crate::scope::{MEMBERS, Network, Scope};
use crate::state::{Action, Flying, Happens, Place, State, Used};

impl Model for Cluster {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![if self.scope.is_led { self.led() } else { self.newborn() }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        if state.fault.is_none() {
            self.members_act(state, actions);
            self.messages_arrive(state, actions);
        }
    }

    /// What changes nothing but that a message is not under way any more is no step: what can happen without the message
    /// can happen with it, too, if it never arrives. That is so where a message does not stand in another's way.
    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let next = self.next(last, action);
        let is_same = next.nodes == last.nodes && next.chosen == last.chosen && next.fault == last.fault;
        let is_idle = is_same
            && self.scope.network != Network::Orderly
            && matches!(action.happens, Happens::Deliver(_) | Happens::Campaign | Happens::Reset(_))
            && next.network.iter().all(|flying| last.network.binary_search(flying).is_ok());
        (!is_idle).then_some(next)
    }

    fn properties(&self) -> Vec<Property<Cluster>> {
        properties::of(&self.scope)
    }
}

impl Cluster {
    fn members_act(&self, state: &State, actions: &mut Vec<Action>) {
        let (scope, used) = (&self.scope, &state.used);
        for (at, Place { facts, .. }) in (1..).zip(&state.nodes) {
            let mut may = |happens| actions.push(Action { at, happens });
            if facts.under_way > 0 {
                may(Happens::Write);
            }
            if used.campaigns < scope.campaigns && scope.candidates.contains(&at) {
                may(Happens::Campaign);
            }
            // Who knows no proposer keeps a command until it does: that is as if it was proposed then.
            if used.commands < scope.commands && scope.proposers.contains(&at) && facts.knows_proposer {
                may(Happens::Propose(used.commands));
            }
            if used.changes < scope.changes && facts.is_leading {
                may(Happens::Change);
            }
            if used.reads < scope.reads && scope.readers.contains(&at) && facts.knows_proposer {
                may(Happens::Read(used.reads));
            }
            if used.resets < scope.resets {
                let others = (1..=MEMBERS as u8).filter(|other| *other != at);
                others.for_each(|other| may(Happens::Reset(other)));
            }
            if used.crashes < scope.crashes && scope.crashing.contains(&at) {
                (0..=facts.under_way).for_each(|written| may(Happens::Crash(written)));
            }
        }
    }

    fn messages_arrive(&self, state: &State, actions: &mut Vec<Action>) {
        let is_orderly = self.scope.network == Network::Orderly;
        let mut before = None;
        for flying in &state.network {
            let is_first = before != Some(flying.direction());
            before = Some(flying.direction());
            if is_first || !is_orderly {
                actions.push(flying.delivery());
            }
            if is_first && is_orderly && state.used.losses < self.scope.losses {
                actions.push(Action { at: flying.to, happens: Happens::Lose(flying.from) });
            }
        }
    }

    /// Replica 1 stands for proposer, and everything arrives and becomes durable at once, until nothing is under way. Who does
    /// not vote learns from it, if that is to be.
    fn led(&self) -> State {
        let mut state = self.next(&self.newborn(), Action { at: 1, happens: Happens::Campaign });
        let Scope { voters, learners_follow, .. } = self.scope;
        let learners = (1..=MEMBERS as u8).filter(|number| learners_follow && !voters.contains(number));
        let mut learners: Vec<u8> = learners.collect();
        loop {
            let writing = (1..).zip(&state.nodes).find(|(_, place)| place.facts.under_way > 0);
            let action = match (writing, state.network.first()) {
                (Some((at, _)), _) => Action { at, happens: Happens::Write },
                (None, Some(first)) => first.delivery(),
                (None, None) => match learners.pop() {
                    Some(learner) => {
                        state.network.push(self.call(&state, learner));
                        continue;
                    }
                    None => break,
                },
            };
            state = self.next(&state, action);
            if let Happens::Deliver(envelope) = action.happens {
                state.network.retain(|flying| flying.envelope != envelope);
            }
        }
        State { used: Used::default(), ..state }
    }

    fn next(&self, last: &State, action: Action) -> State {
        let mut state = last.clone();
        self.count(&mut state, action);
        if let Happens::Lose(_) = action.happens {
            return state;
        }
        match &*self.step(&last.nodes, action) {
            Step::Fault(fault) => state.fault = Some(*fault),
            Step::Done { place, sent, events } => {
                state.nodes[usize::from(action.at) - 1] = *place;
                self.send(&mut state, action.at, sent);
                let fault = events.iter().find_map(|event| self.see(&mut state, action.at, event).err());
                state.fault = fault.map(|fault| self.faults.number(fault));
            }
        }
        state
    }

    /// What becomes of the network and of what is left to happen.
    fn count(&self, state: &mut State, Action { at, happens }: Action) {
        let State { network, used, reads, chosen, .. } = state;
        match happens {
            Happens::Deliver(envelope) if self.arrives_once(envelope) => {
                let index = network.iter().position(|flying| flying.envelope == envelope);
                index.map(|index| network.remove(index));
            }
            Happens::Deliver(_) | Happens::Write => {}
            Happens::Lose(from) => {
                used.losses += 1;
                network.retain(|flying| flying.direction() != (at, from));
            }
            Happens::Reset(from) => {
                used.resets += 1;
                network.retain(|flying| flying.direction() != (at, from));
            }
            Happens::Campaign => used.campaigns += 1,
            Happens::Propose(_) => used.commands += 1,
            Happens::Change => used.changes += 1,
            Happens::Read(read) => {
                used.reads += 1;
                reads.push((read, Slot(chosen.len() as u64)));
            }
            Happens::Crash(_) => {
                used.crashes += 1;
                if self.scope.network == Network::Orderly {
                    // What was under way to it goes with its connections; what it sent may still arrive.
                    network.retain(|flying| flying.to != at);
                }
            }
        }
    }

    fn send(&self, state: &mut State, at: u8, sent: &[Flying]) {
        state.network.extend(sent);
        if self.scope.network == Network::Orderly {
            return state.network.sort_by_key(|flying| flying.direction());
        }
        state.network.sort_unstable();
        state.network.dedup();
        if self.scope.drops_spent {
            let nodes = state.nodes;
            let concerns = |flying: &Flying| flying.to == at || flying.from == at;
            state.network.retain(|flying| !concerns(flying) || !self.is_spent(&nodes, *flying));
        }
    }

    /// Holds what a member did against what the others have, and have done.
    fn see(&self, state: &mut State, at: u8, event: &Event) -> Result<(), Fault> {
        match event {
            Event::Sent(_) => Ok(()),
            Event::Answered { read, applied } => {
                let index = state.reads.iter().position(|(known, _)| known == read);
                let index = index.ok_or_else(|| Fault::Panic("an answer to no read".into()))?;
                let (_, must_see) = state.reads.remove(index);
                if *applied >= must_see { Ok(()) } else { Err(Fault::StaleRead) }
            }
            Event::Applied { slot, hash, config, is_durable } => {
                let chosen = Chosen { hash: *hash, config: config.clone() };
                let Some(known) = state.chosen.get(slot.0 as usize - 1) else {
                    self.is_durable(state, (at, *is_durable), *slot, &chosen)?;
                    state.chosen.push(self.chosen.number(chosen));
                    return Ok(());
                };
                match &*self.chosen.get(*known) {
                    known if known.hash != chosen.hash => Err(Fault::TwoValues),
                    known if known.config != chosen.config => Err(Fault::TwoConfigurations),
                    _ => Ok(()),
                }
            }
        }
    }

    /// Whoever is the first to apply a slot had better be right: a majority of its configuration has it. `own` is who that
    /// is, and whether it was durable there by then.
    fn is_durable(&self, state: &State, own: (u8, bool), slot: Slot, chosen: &Chosen) -> Result<(), Fault> {
        let has = |voter: u8| {
            let place = state.nodes[usize::from(voter) - 1];
            if voter == own.0 { own.1 } else { self.node(place).disk.has(slot, chosen.hash) }
        };
        let voters = &chosen.config.voters;
        let having = voters.iter().filter(|voter| has(number(**voter))).count();
        if having > voters.len() / 2 { Ok(()) } else { Err(Fault::NotDurable) }
    }
}
