//! How far a read that begins now must see: the read index (Ongaro, *Consensus: Bridging Theory and Practice*, 2014,
//! section 6.4), asked of the proposer once for all reads that wait.

use super::{Output, Replica, Role};
use crate::message::Message;
use crate::planted::{Planted, is_planted};
use crate::quorum::is_quorum;
use crate::{Ballot, Incarnation, Slot};

#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(super) struct Reads {
    /// Began, and not asked for yet.
    waiting: Vec<Asker>,
    /// The question under way, and whose it is.
    asked: Option<(u64, Vec<Asker>)>,
    /// Rounds that ended since it was asked.
    rounds: u64,
    last_number: u64,
    /// May be answered once so much is applied.
    answered: Vec<(Slot, Vec<u64>)>,
    /// Questions that this member, a proposer, is to answer.
    questions: Vec<Question>,
}

/// For whom a question is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Asker {
    /// A read at this member.
    Read(u64),
    /// The question of a member that does not hear the proposer itself.
    Member(Incarnation, u64),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Question {
    from: Incarnation,
    number: u64,
    index: Slot,
    /// The number that a majority has to confirm: first sent after the question came.
    needs: u64,
    /// Whether who asked vouches for the proposer: it had promised nobody more when it asked, which is after the reads
    /// began. So nobody who was promised more by a majority can have decided anything before that.
    is_vouched: bool,
}

impl Reads {
    /// Numbers its questions from behind `first`.
    pub fn new(first: u64) -> Reads {
        Reads { last_number: first, ..Reads::default() }
    }

    /// Nothing is asked, or waits to be.
    pub fn is_empty(&self) -> bool {
        let Reads { waiting, asked, answered, questions, .. } = self;
        waiting.is_empty() && asked.is_none() && answered.is_empty() && questions.is_empty()
    }

    /// Asks anew whatever was asked of a proposer that is none any more.
    pub fn proposer_changed(&mut self) {
        self.ask_again();
        self.questions.clear();
    }

    /// A round ended: a question that was under way all of it may be lost, and is asked anew.
    pub fn round_ended(&mut self) {
        self.rounds += 1;
        if self.rounds > 1 {
            self.ask_again();
        }
    }

    /// Other members ask again by themselves.
    fn ask_again(&mut self) {
        if let Some((_, askers)) = self.asked.take() {
            self.waiting.extend(askers.into_iter().filter(|asker| matches!(asker, Asker::Read(_))));
        }
    }

    /// Whether a question needs a number that was not sent yet.
    pub fn need(&self, sent: u64) -> bool {
        self.questions.iter().any(|question| question.needs > sent)
    }
}

impl Replica {
    /// A linearizable read begins: [`Output::Read`] says when it may be answered from what is applied. Tokens grow.
    pub fn read(&mut self, token: u64) {
        self.reads.waiting.push(Asker::Read(token));
    }

    /// Whether whatever is acknowledged anywhere is applied here, so that reads need ask nobody: the only voter leads, has
    /// applied what it began with, and ends no configuration. It is so until something else is given out.
    pub fn may_read_alone(&self) -> bool {
        self.is_only_voter()
            && self.leading().is_some_and(|leading| leading.opening <= self.applied)
            && self.log.stop_sign_behind(self.applied).is_none()
    }

    /// Nobody waits for these reads any more, nor for any with a lesser token.
    pub fn forget_reads(&mut self, last: u64) {
        let is_wanted = |asker: &Asker| !matches!(asker, Asker::Read(token) if *token <= last);
        let reads = &mut self.reads;
        reads.waiting.retain(is_wanted);
        if let Some((_, askers)) = &mut reads.asked {
            askers.retain(is_wanted);
        }
        for (_, tokens) in &mut reads.answered {
            tokens.retain(|token| *token > last);
        }
        reads.answered.retain(|(_, tokens)| !tokens.is_empty());
    }

    /// One question at a time, for all that wait.
    pub(super) fn ask_for_reads(&mut self) {
        if self.reads.waiting.is_empty() || self.reads.asked.is_some() || self.is_preparing() {
            return;
        }
        let Some(next) = self.way_to_proposer() else { return };
        self.reads.last_number += 1;
        let number = self.reads.last_number;
        self.reads.rounds = 0;
        self.reads.asked = Some((number, std::mem::take(&mut self.reads.waiting)));
        if next == self.me {
            self.on_read_index(self.me, number, self.promised);
        } else {
            // One whose log is suspect may have lost more than that.
            let promised = if self.suspect.is_some() { Ballot::ZERO } else { self.promised };
            self.send(next, Message::ReadIndex { number, promised });
        }
    }

    pub(super) fn on_read_index(&mut self, from: Incarnation, number: u64, promised: Ballot) {
        let Role::Leading(leading) = &self.role else {
            return self.relay_question(from, number);
        };
        // A follower may have decided on its own what it was told is durable here; and what was decided before this
        // member led may all stand before its opening slot.
        let index = match () {
            () if is_planted(Planted::ReadIndexDecidedOnly) => self.decided,
            () if is_planted(Planted::ReadBeforeOpening) => self.decided.max(leading.told_durable),
            () => self.decided.max(leading.told_durable).max(leading.opening),
        };
        let needs = if is_planted(Planted::ReadUnconfirmed) { 0 } else { leading.confirm + 1 };
        let is_vouched = from != self.me && promised == leading.ballot;
        self.reads.questions.push(Question { from, number, index, needs, is_vouched });
    }

    /// Asks with its own next question for a member that came here because it does not hear the proposer, or that heard
    /// that this one stands. One that does not hear the proposer either asks nobody.
    fn relay_question(&mut self, from: Incarnation, number: u64) {
        let proposer = self.proposer();
        if from != self.me && proposer.is_some() && self.way_to_proposer() == proposer {
            // Who asks again has given its last question up.
            self.reads.waiting.retain(|asker| !matches!(asker, Asker::Member(member, _) if *member == from));
            self.reads.waiting.push(Asker::Member(from, number));
        }
    }

    pub(super) fn on_read_reply(&mut self, number: u64, index: Slot) {
        let Some((_, askers)) = self.reads.asked.take_if(|(asked, _)| *asked == number) else { return };
        let mut tokens = Vec::new();
        for asker in askers {
            match asker {
                Asker::Read(token) => tokens.push(token),
                Asker::Member(member, number) => self.send(member, Message::ReadReply { number, index }),
            }
        }
        self.reads.answered.push((index, tokens));
    }

    /// Answers what is confirmed, and lets go of what is applied.
    pub(super) fn answer_reads(&mut self) {
        for (to, number, index) in self.confirmed_questions() {
            if to == self.me {
                self.on_read_reply(number, index);
            } else {
                self.send(to, Message::ReadReply { number, index });
            }
        }
        let applied = if is_planted(Planted::ReadBeforeApply) { Slot(u64::MAX) } else { self.applied };
        let ready: Vec<_> = self.reads.answered.extract_if(.., |(index, _)| *index <= applied).collect();
        let tokens: Vec<u64> = ready.into_iter().flat_map(|(_, tokens)| tokens).collect();
        if !tokens.is_empty() {
            self.outputs.push_back(Output::Read(tokens));
        }
    }

    fn confirmed_questions(&mut self) -> Vec<(Incarnation, u64, Slot)> {
        let Role::Leading(leading) = &self.role else { return Vec::new() };
        // Before its opening slot is decided, something may be decided that it does not know to be. And while a
        // stop-sign is in its log, those who come after may have gone on.
        let is_open = leading.opening <= self.decided || is_planted(Planted::ReadBeforeOpening);
        if !is_open || self.log.stop_sign_behind(self.applied).is_some() {
            return Vec::new();
        }
        let entered = &self.entered;
        let is_confirmed = |question: &mut Question| {
            let vouches = |voter: &Incarnation| question.is_vouched && *voter == question.from;
            let confirms = |voter: &Incarnation| leading.confirmed(voter) >= question.needs || vouches(voter);
            let confirmed = entered.voters.iter().copied().filter(confirms);
            let is_asked = question.is_vouched || leading.confirm >= question.needs;
            is_asked && is_quorum(entered, confirmed.chain([self.me]))
        };
        let answered = self.reads.questions.extract_if(.., is_confirmed);
        answered.map(|question| (question.from, question.number, question.index)).collect()
    }
}
