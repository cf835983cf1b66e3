//! Keep-alives on their way to the proposer: gathered for a moment, then asked about in one question at a time.
//! Never here: whether a session lives (the proposer's leases).

use std::collections::BTreeMap;

use doozer_paxos::Incarnation;
use doozer_store::SessionId;

use super::ports::Kept;

/// Ticks between two questions at least: clients wait for nothing but their next keep-alive.
const EVERY_TICKS: u64 = 5;

/// Ticks after which a question or its answer is taken for lost.
const LOST_TICKS: u64 = 20;

#[derive(Debug)]
pub(super) struct Renewals<K> {
    last_number: u64,
    /// When the last question was asked.
    asked_at: u64,
    waiting: Gathered<K>,
    /// Asked about, by this question.
    asked: Option<(u64, Gathered<K>)>,
}

/// For whom there is to be asked.
#[derive(Debug)]
struct Gathered<K> {
    /// Clients of this member's, and since when they wait.
    clients: BTreeMap<SessionId, Vec<(u64, K)>>,
    /// The questions of members that do not hear the proposer themselves: the last one of each.
    members: BTreeMap<Incarnation, (u64, Vec<SessionId>)>,
    /// No client waits since before this.
    since: u64,
}

/// An answer, as it goes on to another member.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Relayed {
    pub to: Incarnation,
    pub number: u64,
    pub ended: Vec<SessionId>,
    pub unsure: Vec<SessionId>,
}

impl<K> Renewals<K> {
    /// Numbers its questions from behind `first`.
    pub fn new(first: u64) -> Renewals<K> {
        Renewals { last_number: first, asked_at: 0, waiting: Gathered::new(), asked: None }
    }

    /// A client keeps a session alive.
    pub fn heard(&mut self, session: SessionId, client: K, now: u64) {
        self.waiting.since = self.waiting.since.min(now);
        self.waiting.clients.entry(session).or_default().push((now, client));
    }

    /// A member asks that does not hear the proposer.
    pub fn relay(&mut self, from: Incarnation, number: u64, sessions: Vec<SessionId>) {
        self.waiting.members.insert(from, (number, sessions));
    }

    pub fn is_empty(&self) -> bool {
        self.asked.is_none() && self.waiting.is_empty()
    }

    /// How many ticks it is until there is something to do. Clients wait for so many ticks.
    pub fn ticks_to_next(&self, now: u64, patience: u64) -> Option<u64> {
        if self.is_empty() {
            return None;
        }
        let after = if self.asked.is_some() { LOST_TICKS } else { EVERY_TICKS };
        let asked_since = self.asked.as_ref().map_or(u64::MAX, |(_, asked)| asked.since);
        let given_up_at = self.waiting.since.min(asked_since).saturating_add(patience);
        Some((self.asked_at + after).min(given_up_at).saturating_sub(now).max(1))
    }

    /// The next question, if one is to be asked now: its number, and about whom.
    pub fn ask(&mut self, now: u64) -> Option<(u64, Vec<SessionId>)> {
        if self.asked.is_some() && now >= self.asked_at + LOST_TICKS {
            self.ask_again();
        }
        if self.asked.is_some() || self.waiting.is_empty() || now < self.asked_at + EVERY_TICKS {
            return None;
        }
        (self.asked_at, self.last_number) = (now, self.last_number + 1);
        let gathered = std::mem::replace(&mut self.waiting, Gathered::new());
        let mut sessions: Vec<SessionId> = gathered.clients.keys().copied().collect();
        sessions.extend(gathered.members.values().flat_map(|(_, sessions)| sessions));
        sessions.sort_unstable();
        sessions.dedup();
        self.asked = Some((self.last_number, gathered));
        Some((self.last_number, sessions))
    }

    /// The proposer is another one: what was asked of the last one is asked anew.
    pub fn ask_again(&mut self) {
        let Some((_, mut asked)) = self.asked.take() else { return };
        std::mem::swap(&mut asked, &mut self.waiting);
        self.waiting.since = self.waiting.since.min(asked.since);
        for (session, mut clients) in asked.clients {
            self.waiting.clients.entry(session).or_default().append(&mut clients);
        }
        self.waiting.members.append(&mut asked.members);
    }

    /// An answer: whom to tell what. About those of which the proposer is unsure there is to be asked again.
    pub fn answered(
        &mut self,
        number: u64,
        ended: &[SessionId],
        unsure: &[SessionId],
    ) -> (Vec<(K, Kept)>, Vec<Relayed>) {
        let Some((_, gathered)) = self.asked.take_if(|(asked, _)| *asked == number) else {
            return (Vec::new(), Vec::new());
        };
        let mut told = Vec::new();
        for (session, mut clients) in gathered.clients {
            if unsure.contains(&session) {
                self.waiting.since = self.waiting.since.min(gathered.since);
                self.waiting.clients.entry(session).or_default().append(&mut clients);
                continue;
            }
            let kept = || if ended.contains(&session) { Kept::Ended } else { Kept::Alive };
            told.extend(clients.into_iter().map(|(_, client)| (client, kept())));
        }
        let members = gathered.members.into_iter().map(|(to, (number, sessions))| {
            let among =
                |some: &[SessionId]| some.iter().filter(|id| sessions.contains(id)).copied().collect();
            Relayed { to, number, ended: among(ended), unsure: among(unsure) }
        });
        (told, members.collect())
    }

    /// Who has waited for so many ticks.
    pub fn give_up(&mut self, now: u64, patience: u64) -> Vec<K> {
        let mut gone = Vec::new();
        for gathered in self.asked.iter_mut().map(|(_, asked)| asked).chain([&mut self.waiting]) {
            if now < gathered.since.saturating_add(patience) {
                continue;
            }
            for clients in gathered.clients.values_mut() {
                let late = clients.extract_if(.., |(since, _)| now >= *since + patience);
                gone.extend(late.map(|(_, client)| client));
            }
            gathered.clients.retain(|_, clients| !clients.is_empty());
            let waiting = gathered.clients.values().flatten().map(|(since, _)| *since);
            gathered.since = waiting.min().unwrap_or(u64::MAX);
        }
        gone
    }
}

impl<K> Gathered<K> {
    fn new() -> Gathered<K> {
        Gathered { clients: BTreeMap::new(), members: BTreeMap::new(), since: u64::MAX }
    }

    fn is_empty(&self) -> bool {
        self.clients.is_empty() && self.members.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: SessionId = SessionId([1; 16]);
    const TWO: SessionId = SessionId([2; 16]);
    const OTHER: Incarnation = Incarnation([9; 16]);

    #[test]
    fn one_question_at_a_time_for_all_that_came() {
        let mut renewals = Renewals::new(7);
        assert_eq!(renewals.ask(100), None);
        renewals.heard(ONE, 'a', 100);
        assert_eq!(renewals.ask(100), Some((8, vec![ONE])));
        renewals.heard(ONE, 'b', 101);
        renewals.heard(TWO, 'c', 101);
        renewals.relay(OTHER, 33, vec![TWO]);
        assert_eq!(renewals.ask(106), None, "one is under way");
        assert_eq!(renewals.answered(7, &[], &[]).0, [], "to another question");
        assert_eq!(renewals.answered(8, &[], &[]).0, [('a', Kept::Alive)]);
        assert_eq!(renewals.ask(104), None, "too soon");
        assert_eq!(renewals.ask(105), Some((9, vec![ONE, TWO])));
        let (told, relayed) = renewals.answered(9, &[TWO], &[]);
        assert_eq!(told, [('b', Kept::Alive), ('c', Kept::Ended)]);
        assert_eq!(relayed, [Relayed { to: OTHER, number: 33, ended: vec![TWO], unsure: vec![] }]);
        assert!(renewals.is_empty());
    }

    #[test]
    fn what_is_unsure_or_lost_is_asked_again() {
        let mut renewals = Renewals::new(0);
        renewals.heard(ONE, 'a', 100);
        assert_eq!(renewals.ask(100), Some((1, vec![ONE])));
        assert_eq!(renewals.answered(1, &[], &[ONE]).0, []);
        assert_eq!(renewals.ask(105), Some((2, vec![ONE])));
        assert_eq!(renewals.ticks_to_next(110, 100), Some(15));
        assert_eq!(renewals.ticks_to_next(110, 14), Some(4), "a client has waited for long enough");
        assert_eq!(renewals.ask(125), Some((3, vec![ONE])), "lost");
        assert_eq!(renewals.answered(2, &[ONE], &[]).0, [], "too late");
        renewals.ask_again();
        assert_eq!(renewals.ask(131), Some((4, vec![ONE])), "of another proposer");
        renewals.heard(TWO, 'b', 140);
        assert_eq!(renewals.give_up(200, 100), ['a']);
        assert_eq!(renewals.answered(4, &[ONE], &[]).0, []);
        assert_eq!(renewals.give_up(239, 100), []);
        assert_eq!(renewals.give_up(240, 100), ['b']);
        assert!(renewals.is_empty());
    }
}
