//! Who is to lead: ballot leader election by heartbeats that are request and reply, so that each proves both directions
//! (Ng, Haridi, Carbone, *OmniPaxos*, EuroSys 2023, section 5). It elects; whether the elected may decide anything is the
//! acceptors' matter, and safety never depends on this module.
//! Never here: the log, or when a round ends (the replica says so).

use crate::quorum::is_quorum;
use crate::{Ballot, Config, Incarnation};

/// What a member says of itself when it is asked in a round.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Beat {
    /// The ballot it would lead under.
    pub ballot: Ballot,
    /// The ballot of the leader it follows.
    pub leader: Ballot,
    /// Whether it can do its part under that leader.
    pub happy: bool,
    /// Whether what it says counts: a member with a suspect tail is asked, but does not count.
    pub counts: bool,
    /// Voters it did not hear of in its last whole round, for people to see where a partition runs.
    pub unheard: Vec<Incarnation>,
}

/// What a member can do as a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fitness {
    /// It may take over, and lead.
    Fit,
    /// It leads, but gets nothing done: its disk or its followers are stuck. It is unhappy, so that others may take over.
    Stuck,
    /// The end of its log is suspect: it does not count, and takes over only if everybody is here and nobody is better.
    Suspect,
    /// It is no voter.
    Unfit,
}

/// What a round came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Nothing new.
    Same,
    /// Another member leads.
    Follow(Ballot),
    /// This member is to lead under this ballot, of its own.
    Lead(Ballot),
}

/// The election's state at one member, for one configuration.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Election {
    me: Incarnation,
    epoch: u64,
    /// The ballot under which this member would lead, or does.
    ballot: Ballot,
    leader: Ballot,
    happy: bool,
    round: u64,
    /// It came into this configuration in the middle of the round: what it heard in it says nothing yet.
    is_partial: bool,
    /// The leader when the round began. What the others say in the round may be older than a leader it heard of since.
    began_under: Ballot,
    /// The connection to the leader was lost, and this round is to show whether it is there.
    is_in_doubt: bool,
    replies: Vec<(Incarnation, Beat)>,
    /// Who answered in the round before.
    heard: Vec<(Incarnation, Beat)>,
    unheard: Vec<Incarnation>,
}

impl Election {
    /// A member that follows nobody yet in the configuration of `epoch`. `above` is the greatest ballot it ever promised
    /// or used; rounds are numbered from `round`.
    pub fn new(me: Incarnation, above: Ballot, epoch: u64, round: u64) -> Election {
        // Not one that it led under before it was started again: others may still take that for the leader's.
        let ballot = Ballot::of(epoch, above.n + 1, me);
        Election {
            me,
            epoch,
            ballot,
            leader: Ballot::ZERO,
            happy: false,
            round,
            is_partial: false,
            began_under: Ballot::ZERO,
            is_in_doubt: false,
            replies: Vec::new(),
            heard: Vec::new(),
            unheard: Vec::new(),
        }
    }

    /// The election of the next configuration, entered in the middle of a round. Nobody leads it yet.
    pub fn next(&self, above: Ballot, epoch: u64) -> Election {
        Election { is_partial: true, ..Election::new(self.me, above.max(self.leader), epoch, self.round) }
    }

    /// The greatest leader it knows of.
    pub fn leader(&self) -> Ballot {
        self.leader
    }

    /// Whether this member is the leader it knows of.
    pub fn is_leader(&self) -> bool {
        self.leader == self.ballot && self.leader != Ballot::ZERO
    }

    /// Whether it can do its part under its leader.
    pub fn is_happy(&self) -> bool {
        self.happy
    }

    /// The round under way: replies to an earlier one are not counted.
    pub fn round(&self) -> u64 {
        self.round
    }

    /// The answer to somebody's request.
    pub fn beat(&self, fitness: Fitness) -> Beat {
        Beat {
            ballot: self.ballot,
            leader: self.leader,
            happy: self.happy && fitness == Fitness::Fit,
            counts: matches!(fitness, Fitness::Fit | Fitness::Stuck),
            unheard: self.unheard.clone(),
        }
    }

    /// Somebody answered.
    pub fn reply(&mut self, from: Incarnation, round: u64, beat: Beat) {
        if round == self.round && self.replies.iter().all(|(known, _)| *known != from) {
            self.replies.push((from, beat));
        }
    }

    /// Somebody refused this member for the sake of a greater ballot. Returns whether that is a new leader.
    pub fn outdone(&mut self, by: Ballot) -> bool {
        let is_new = by > self.leader;
        if is_new {
            self.leader = by;
            if by.incarnation == self.me {
                // Of an earlier life of this member, which told others of it but did not live to keep it.
                self.ballot = self.ballot.max(self.own(by.n + 1));
            }
        }
        is_new
    }

    /// This member does not lead after all: it is unhappy until somebody does, itself under a greater ballot perhaps.
    pub fn resign(&mut self) {
        if self.is_leader() {
            self.ballot = self.own(self.ballot.n + 1);
            self.happy = false;
        }
    }

    /// The connection to the leader was lost: begins another round, which may be short, and is unhappy until the leader is
    /// heard in it. Returns whether it does; once a round is enough.
    pub fn doubt(&mut self) -> bool {
        let begins = !self.is_in_doubt && !self.is_leader() && self.leader != Ballot::ZERO;
        if begins {
            self.replies.clear();
            (self.is_in_doubt, self.happy) = (true, false);
            self.begin_round();
        }
        begins
    }

    fn begin_round(&mut self) {
        self.round += 1;
        self.began_under = self.leader;
    }

    /// Ends the round, draws its conclusions, and begins the next.
    pub fn end_round(&mut self, config: &Config, fitness: Fitness) -> Outcome {
        let mut replies = std::mem::take(&mut self.replies);
        replies.retain(|(from, _)| *from != self.me && config.voters.contains(from));
        self.is_in_doubt = false;
        let heard = |voter: &Incarnation| *voter == self.me || replies.iter().any(|(from, _)| from == voter);
        self.unheard = config.voters.iter().copied().filter(|voter| !heard(voter)).collect();
        if std::mem::take(&mut self.is_partial) {
            self.begin_round();
            return Outcome::Same;
        }
        let before = self.leader;
        if let Some(greatest) = replies.iter().map(|(_, beat)| beat.leader).max() {
            self.outdone(greatest);
        }
        self.happy = fitness != Fitness::Stuck && self.can_be_happy(config, &replies);
        if fitness == Fitness::Unfit && !self.happy {
            self.settle_for_less(config, &replies);
        }
        let takes_over = self.should_take_over(config, &replies, fitness);
        self.heard = replies;
        let outcome = if takes_over {
            Outcome::Lead(self.take_over())
        } else if self.leader == before {
            Outcome::Same
        } else {
            Outcome::Follow(self.leader)
        };
        self.begin_round();
        outcome
    }

    /// Takes over without having been elected: for who led the configuration before this one.
    pub fn take_over(&mut self) -> Ballot {
        self.ballot = self.own(self.leader.max(self.ballot).n + 1);
        (self.leader, self.happy) = (self.ballot, true);
        self.ballot
    }

    fn own(&self, count: u64) -> Ballot {
        Ballot::of(self.epoch, count, self.me)
    }

    /// A leader needs a quorum that answers it; anybody else needs to hear from its leader that it is happy. Who leads has
    /// heard of nobody greater, in these replies either.
    fn can_be_happy(&self, config: &Config, replies: &[(Incarnation, Beat)]) -> bool {
        if !self.is_leader() {
            return replies.iter().any(|(_, beat)| beat.ballot == self.leader && beat.happy);
        }
        is_quorum(config, replies.iter().map(|(from, _)| *from).chain([self.me]))
    }

    /// Who cannot take over, and hears that others are happy, follows their leader, even if somebody has a greater ballot that
    /// nobody is happy with: a voter that only this member hears, say, and that tries in vain to lead.
    fn settle_for_less(&mut self, config: &Config, replies: &[(Incarnation, Beat)]) {
        if let Some(leader) = replies.iter().filter(|(_, beat)| beat.happy).map(|(_, beat)| beat.leader).max()
        {
            self.leader = leader;
            self.happy = self.can_be_happy(config, replies);
        }
    }

    fn should_take_over(&self, config: &Config, replies: &[(Incarnation, Beat)], fitness: Fitness) -> bool {
        let counting = replies.iter().filter(|(_, beat)| beat.counts).map(|(from, _)| *from);
        // Nobody is left who could know more.
        let is_everybody = replies.len() + 1 >= config.voters.len();
        let can_win = match fitness {
            Fitness::Fit => is_everybody || is_quorum(config, counting.chain([self.me])),
            Fitness::Suspect => is_everybody && counting.count() == 0,
            Fitness::Stuck | Fitness::Unfit => false,
        };
        // Who has just taken over said in this round, before it did, that it is unhappy.
        let is_new = self.leader != self.began_under;
        can_win
            && !self.happy
            && !is_new
            && config.voters.contains(&self.me)
            && replies.iter().all(|(_, beat)| !beat.happy)
    }

    /// Voters that it did not hear of in its last whole round.
    pub fn unheard(&self) -> &[Incarnation] {
        &self.unheard
    }

    /// Whether a quorum did not hear a voter: this member in the round that ended, the others, as they said in it, in theirs
    /// before.
    pub fn finds_silent(&self, config: &Config, voter: &Incarnation) -> bool {
        let others =
            self.heard.iter().filter(|(_, beat)| beat.unheard.contains(voter)).map(|(from, _)| *from);
        let own = self.unheard.contains(voter).then_some(self.me);
        is_quorum(config, others.chain(own))
    }

    /// Whom to send to what is for the leader: itself, or, if it did not answer in the last round, a member that it
    /// serves.
    pub fn way_to_leader(&self, leader: Incarnation) -> Incarnation {
        if self.heard.iter().any(|(from, _)| *from == leader) {
            return leader;
        }
        let is_served = |(_, beat): &&(Incarnation, Beat)| beat.happy && beat.leader == self.leader;
        self.heard.iter().find(is_served).map_or(leader, |(from, _)| *from)
    }
}

#[cfg(test)]
#[path = "election_tests.rs"]
mod tests;
