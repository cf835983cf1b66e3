//! A member in a state, and what it gives out for an input.

use bytes::Bytes;
use doozer_paxos::log::{Base, Log, Suspect};
use doozer_paxos::message::{Envelope, Message, Offer, Proposal};
use doozer_paxos::replica::{Limits, Output, Past, PersistId, Replica, Verdict};
use doozer_paxos::{Ballot, Config, Incarnation, Slot};

use crate::words::{CLUSTER, Chain, accept, accepted, b, have, id, promise, told};

/// What a member starts from.
pub struct Before {
    past: Past,
    limits: Limits,
}

/// Replica 1 of a new cluster of these voters. Nothing stands in its log.
pub fn member(voters: &[u8]) -> Before {
    let first = Config { epoch: 1, voters: voters.iter().copied().map(id).collect() };
    let past = Past {
        boot: 1,
        promised: Ballot::ZERO,
        acc_ballot: Ballot::ZERO,
        suspect: None,
        log: Log::empty(first.clone()),
        entered: first,
    };
    Before { past, limits: Limits::default() }
}

impl Before {
    /// This log, accepted under this ballot, which is promised as well.
    pub fn has(self, chain: &Chain, under: Ballot) -> Before {
        self.has_behind(0, chain, under)
    }

    /// The same, with everything up to `base` in a snapshot.
    pub fn has_behind(mut self, base: u64, chain: &Chain, under: Ballot) -> Before {
        let mut log = if base == 0 { self.past.log } else { Log::new(chain.base(base)) };
        for entry in chain.entries.iter().filter(|entry| entry.slot > Slot(base)) {
            log.push(entry.clone(), entry.hash(CLUSTER));
        }
        self.past.entered = log.config_at(log.base().next()).clone();
        (self.past.log, self.past.acc_ballot, self.past.promised) = (log, under, under);
        self
    }

    pub fn promised(mut self, ballot: Ballot) -> Before {
        self.past.promised = ballot;
        self
    }

    /// The end of its log is suspect.
    pub fn suspect(mut self, acc_ballot: Ballot, last: u64) -> Before {
        self.past.suspect = Some(Suspect { acc_ballot, last: Slot(last) });
        self
    }

    pub fn boot(mut self, boot: u64) -> Before {
        self.past.boot = boot;
        self
    }

    pub fn limits(mut self, change: impl FnOnce(&mut Limits)) -> Before {
        change(&mut self.limits);
        self
    }

    pub fn start(self) -> One {
        One { member: Replica::new(id(1), CLUSTER, self.past, self.limits), given_out: PersistId(0) }
    }
}

/// Replica 1. Each input gives all outputs that come of it.
pub struct One {
    pub member: Replica,
    given_out: PersistId,
}

impl One {
    pub fn does(&mut self, input: impl FnOnce(&mut Replica)) -> Vec<Output> {
        input(&mut self.member);
        self.member.flush(0);
        let outputs: Vec<Output> = std::iter::from_fn(|| self.member.poll_output()).collect();
        for output in &outputs {
            if let Output::Persist(id, _) = output {
                self.given_out = *id;
            }
        }
        outputs
    }

    /// A message of somebody in the same epoch.
    pub fn gets(&mut self, from: u8, message: Message) -> Vec<Output> {
        self.gets_in(self.member.config().epoch, from, message)
    }

    pub fn gets_in(&mut self, epoch: u64, from: u8, message: Message) -> Vec<Output> {
        self.does(|member| member.receive(Envelope { from: id(from), to: id(1), epoch, message }))
    }

    /// Everything that was given out is durable.
    pub fn kept(&mut self) -> Vec<Output> {
        self.kept_up_to(self.given_out.0)
    }

    pub fn kept_up_to(&mut self, number: u64) -> Vec<Output> {
        self.does(|member| member.persisted(PersistId(number)))
    }

    pub fn applied(&mut self, slot: u64) -> Vec<Output> {
        self.does(|member| member.applied(Slot(slot)))
    }

    pub fn ticks(&mut self, count: u64) -> Vec<Output> {
        (0..count).flat_map(|_| self.does(Replica::tick)).collect()
    }

    pub fn campaigns(&mut self) -> Vec<Output> {
        self.does(Replica::campaign)
    }

    pub fn propose(&mut self, command: &str) -> Vec<Output> {
        self.does(|member| member.propose(proposal(command, false)))
    }

    pub fn propose_alone(&mut self, command: &str) -> Vec<Output> {
        self.does(|member| member.propose(proposal(command, true)))
    }

    pub fn evaluated(&mut self, verdict: Verdict) -> Vec<Output> {
        self.does(|member| member.evaluated(verdict))
    }

    pub fn reads(&mut self, token: u64) -> Vec<Output> {
        self.does(|member| member.read(token))
    }

    /// Whether it takes the snapshot, and what it gives out.
    pub fn installs(&mut self, base: Base) -> (bool, Vec<Output>) {
        let mut is_taken = false;
        let outputs = self.does(|member| is_taken = member.install(base));
        (is_taken, outputs)
    }

    /// What it sends to another one.
    pub fn says(&self, to: u8, message: Message) -> Output {
        let epoch = self.member.config().epoch;
        Output::Send(Envelope { from: id(1), to: id(to), epoch, message })
    }
}

pub fn proposal(command: &str, needs_own_slot: bool) -> Proposal {
    Proposal { command: Bytes::copy_from_slice(command.as_bytes()), needs_own_slot }
}

pub fn voters(numbers: &[u8]) -> Vec<Incarnation> {
    numbers.iter().copied().map(id).collect()
}

/// The ballot under which [`leader`] leads.
pub const LED: Ballot = b(2, 1);

/// Replica 1 leads these voters under [`LED`]: all of them follow, and its opening slot, the first, is applied.
pub fn leader(voters: &[u8]) -> (One, Chain) {
    leader_of(member(voters), voters)
}

pub fn leader_of(before: Before, voters: &[u8]) -> (One, Chain) {
    let mut one = before.start();
    one.campaigns();
    one.kept();
    for other in voters.iter().copied().filter(|voter| *voter != 1) {
        one.gets(other, promise(LED, have(Ballot::ZERO, 0, 0), Offer::Nothing));
    }
    one.kept();
    for other in voters.iter().copied().filter(|voter| *voter != 1) {
        one.gets(other, accepted(LED, 1));
    }
    one.applied(1);
    assert!(one.member.is_leading());
    (one, Chain::of(LED, &[""]))
}

/// Replica 1 follows the proposer of this ballot, with this log. Nothing of it is known to be decided.
pub fn follower(voters: &[u8], chain: &Chain, under: Ballot) -> One {
    follower_of(member(voters).has(chain, under), chain, under)
}

pub fn follower_of(before: Before, chain: &Chain, under: Ballot) -> One {
    let mut one = before.start();
    one.gets(under.incarnation.0[0], accept(under, chain.behind(chain.last()), told(0, 0)));
    one
}
