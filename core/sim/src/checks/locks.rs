//! G10: of each file the tokens grow; those who wait get it in their order, and nobody else; a transaction under an old
//! token has no effect; and no client takes a lock for its own that another one was given since its session ended by
//! time. (Burrows, *The Chubby lock service*, 2006, section 2.4, for tokens: sequencers there.)
//! Told what members did, not what the rules say of it: so that both are held against each other.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;
use doozer_store::{Command, Expected, Flags, SessionId};

use super::ledger::Ledger;
use super::verdict::{Verdict, ensure};
use crate::history::{Effect, Outcome, SessionEvent, Settled, Time};
use crate::model::{Lookup, Model};

pub(super) const NAME: &str = "locks";

#[derive(Debug, Default)]
pub(super) struct Locks {
    /// Who waits for which file.
    waiting: BTreeMap<String, VecDeque<(SessionId, u64)>>,
    places: BTreeMap<(SessionId, u64), String>,
    /// The greatest token of each file.
    tokens: BTreeMap<String, u64>,
    ended: BTreeSet<SessionId>,
    /// Who was told of a token.
    told: BTreeMap<(String, u64), SessionId>,
    /// Locks that were lost since a session ended by time, by a proposer with a good clock.
    expired: BTreeSet<(String, u64)>,
    /// What clients believe to hold.
    beliefs: BTreeMap<String, Vec<(SessionId, u64)>>,
    /// Until when each session lives, as its client counts.
    until: BTreeMap<SessionId, Time>,
}

impl Locks {
    /// A command of the log came to this. The model has applied it, too.
    pub fn came_to(&mut self, model: &Model, command: &Bytes, effect: Effect) -> Verdict {
        let Effect::Done(outcome) = effect else { return Ok(()) };
        match (Command::decode(command), outcome) {
            (Ok(Command::By(by)), _) => {
                if model.step().by != Some((by.session, by.sequence)) {
                    return Ok(());
                }
                match (Command::decode(by.command), outcome) {
                    (Ok(Command::Set { path, .. }), Outcome::Queued) => {
                        self.places.insert((by.session, by.sequence), path.to_owned());
                        let queue = self.waiting.entry(path.to_owned()).or_default();
                        queue.push_back((by.session, by.sequence));
                    }
                    (Ok(Command::Set { path, .. }), Outcome::Set(rev)) if by.flags.has(Flags::QUEUE) => {
                        let first = self.waiting.get(path).and_then(VecDeque::front);
                        ensure!(first.is_none(), NAME, "{by:?} got {path}, and {first:?} waits for it");
                        self.token(path, rev)?;
                    }
                    (Ok(Command::Txn(txn)), outcome) => self.fenced(&txn, outcome)?,
                    _ => {}
                }
            }
            (Ok(Command::Txn(txn)), outcome) => self.fenced(&txn, outcome)?,
            _ => {}
        }
        Ok(())
    }

    /// What else a command brought, in order.
    pub fn brought(&mut self, model: &Model, settled: &[Settled], sessions: &[SessionEvent]) -> Verdict {
        for event in sessions {
            if let SessionEvent::Ended(session) = event {
                self.ended.insert(*session);
            }
        }
        settled.iter().try_for_each(|settled| self.settled(settled))?;
        for (path, queue) in &self.waiting {
            let gone = queue.iter().find(|(session, _)| self.ended.contains(session));
            ensure!(gone.is_none(), NAME, "{gone:?} waits for {path}, and its session ended");
            let is_there = matches!(model.get(path, model.revision()), Lookup::File { .. });
            ensure!(is_there, NAME, "{queue:?} wait for {path}, which is not there");
        }
        Ok(())
    }

    fn settled(&mut self, settled: &Settled) -> Verdict {
        let place = (settled.session, settled.sequence);
        let Some(path) = self.places.remove(&place) else {
            ensure!(false, NAME, "{settled:?}, and it did not wait");
            return Ok(());
        };
        let Some(queue) = self.waiting.get_mut(&path) else { return Ok(()) };
        let position = queue.iter().position(|waiter| *waiter == place);
        if let Outcome::Set(token) = settled.outcome {
            ensure!(position == Some(0), NAME, "{settled:?} got {path} before its turn: {queue:?}");
            let has_ended = self.ended.contains(&settled.session);
            ensure!(!has_ended, NAME, "{settled:?} got {path}, and its session ended");
            queue.pop_front();
            self.token(&path, token)?;
        } else {
            queue.retain(|waiter| *waiter != place);
        }
        self.waiting.retain(|_, queue| !queue.is_empty());
        Ok(())
    }

    fn token(&mut self, path: &str, token: u64) -> Verdict {
        let last = self.tokens.insert(path.to_owned(), token).unwrap_or_default();
        ensure!(last < token, NAME, "{path} was given by token {token}, and by {last} before");
        Ok(())
    }

    fn fenced(&self, txn: &doozer_store::Txn<'_>, outcome: Outcome) -> Verdict {
        if !matches!(outcome, Outcome::Txn { .. }) {
            return Ok(());
        }
        for compare in &txn.compares {
            if let Expected::Fence(token) = compare.expected {
                let newest = self.tokens.get(compare.path).copied().unwrap_or_default();
                ensure!(
                    i64::try_from(newest).is_ok_and(|newest| newest <= token),
                    NAME,
                    "a transaction was made under token {token} of {}, and {newest} was given since",
                    compare.path
                );
            }
        }
        Ok(())
    }

    /// A session's lock was lost since its time was over, as was found by somebody with a good clock.
    pub fn lost(&mut self, lost: &[(String, u64)]) {
        self.expired.extend(lost.iter().cloned());
    }

    /// A member says that a session was given a file by this token.
    pub fn told(&mut self, session: SessionId, path: &str, token: u64) -> Verdict {
        let first = *self.told.entry((path.to_owned(), token)).or_insert(session);
        ensure!(
            first == session,
            NAME,
            "{session} and {first} were told that they hold {path} by token {token}"
        );
        Ok(())
    }

    /// A client counts on its session until then.
    pub fn lives(&mut self, session: SessionId, until: Time) {
        self.until.insert(session, until);
    }

    /// A client takes a file for its own from now on.
    pub fn holds(
        &mut self,
        ledger: &Ledger,
        now: Time,
        session: SessionId,
        path: &str,
        token: u64,
    ) -> Verdict {
        let mine = (session, token);
        let beliefs = self.beliefs.entry(path.to_owned()).or_default();
        beliefs.push(mine);
        beliefs.retain(|(session, _)| self.until.get(session).is_some_and(|until| *until > now));
        let lost = beliefs.iter().find(|(_, token)| self.expired.contains(&(path.to_owned(), *token)));
        ensure!(
            lost.is_none() || beliefs.len() < 2,
            NAME,
            "{beliefs:?} all believe to hold {path}, one of them by a token that was lost with its session{}",
            ledger.around(token)
        );
        Ok(())
    }

    /// A client gives a file back, or all of them.
    pub fn frees(&mut self, session: SessionId, path: Option<&str>) {
        for (at, beliefs) in &mut self.beliefs {
            if path.is_none_or(|path| path == at) {
                beliefs.retain(|(holder, _)| *holder != session);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::story::{Made, Story, caught};
    use super::*;
    use crate::history::{Answer, Compare, Expected as Fenced, Op, Request, Txn, value_of};

    /// The first session holds /l, two others wait for it; and the slot in which the first one frees it.
    fn freed() -> (Story, [SessionId; 3], Made) {
        let mut story = Story::new(3);
        let sessions = [1, 2, 3].map(|n| story.open(n));
        let first = story.lock(sessions[0], 1, "/l");
        story.answer(first, &Answer::Set(1), 1).unwrap();
        story.lock(sessions[1], 1, "/l");
        story.lock(sessions[2], 1, "/l");
        let (_, command) = story.by(sessions[0], 2, Request::Del { path: "/l".into(), rev: 1 }, false);
        let made = story.kept(vec![command]);
        (story, sessions, made)
    }

    #[test]
    fn the_first_who_waits_gets_it() {
        let (mut story, [_, second, _], made) = freed();
        let granted = Settled { session: second, sequence: 1, outcome: Outcome::Set(3) };
        assert_eq!(made.settled, [granted]);
        story.apply(0, &made).unwrap();
        assert_eq!(story.checks.counts().granted, 1);
    }

    #[test]
    fn somebody_else_gets_it_or_nobody() {
        let (mut story, [_, _, third], mut made) = freed();
        made.settled[0].session = third;
        caught(story.apply(0, &made), NAME);
        let (mut story, _, mut made) = freed();
        made.settled.clear();
        caught(story.apply(0, &made), NAME);
        let (mut story, _, mut made) = freed();
        made.settled[0].outcome = Outcome::Set(1);
        caught(story.apply(0, &made), NAME);
        let (mut story, _, mut made) = freed();
        made.settled[0].sequence = 2;
        caught(story.apply(0, &made), NAME);
    }

    #[test]
    fn a_waiter_whose_session_ended_gets_nothing() {
        let (mut story, [_, second, _], made) = freed();
        story.apply(0, &made).unwrap();
        let op = story.ask(&Request::Close { session: second });
        let command = story.numbered(Command::Close { session: second });
        let mut made = story.kept(vec![command]);
        story.answer(op, &Answer::Unknown, 0).unwrap();
        assert_eq!(made.settled.len(), 1, "the third gets what the second held");
        made.settled[0].session = second;
        caught(story.apply(0, &made), NAME);
    }

    #[test]
    fn a_transaction_under_an_old_token() {
        let (mut story, _, made) = freed();
        (0..3).for_each(|member| story.apply(member, &made).unwrap());
        let mut fenced = |token, outcome: Option<Outcome>| {
            let op = story.op();
            let compares = vec![Compare { path: "/l".into(), expected: Fenced::Fence(token) }];
            let value = Some(value_of(op, 0));
            let ops = vec![Op { path: "/o".into(), rev: -1, value, is_ephemeral: false }];
            let request = Request::Txn(Txn { compares, ops });
            story.checks.asked(
                story.now,
                op,
                crate::history::ClientId(1),
                crate::history::MemberId(0),
                &request,
            );
            let bytes = request.encode();
            let command = story.numbered(Command::decode(&bytes).unwrap());
            let mut made = story.kept(vec![command]);
            made.effects = outcome.map_or(made.effects, |outcome| vec![Effect::Done(outcome)]);
            story.apply(0, &made)
        };
        fenced(3, None).unwrap();
        fenced(1, None).unwrap();
        caught(fenced(1, Some(Outcome::Txn { first: 5, made: 1 })), NAME);
    }

    #[test]
    fn two_who_believe_to_hold_it() {
        let (mut story, [first, second, _], _) = freed();
        let now = story.now;
        story.checks.lives(first, Time(now.0 + 100));
        story.checks.holds(now, first, "/l", 1).unwrap();
        story.checks.lives(second, Time(now.0 + 1_000));
        story.checks.locks.lost(&[("/l".to_owned(), 1)]);
        caught(story.checks.holds(now, second, "/l", 3), NAME);
        story.checks.frees(first, Some("/l"));
        story.checks.frees(second, None);
        story.checks.holds(now, second, "/l", 3).unwrap();
        assert!(story.checks.locks.told(first, "/l", 3).is_ok());
        assert!(story.checks.locks.told(second, "/l", 3).is_err());
    }
}
