//! Queued SETs of this member's clients that wait for their turn: for whom, until it comes. A place in a queue outlives
//! whoever waits for it here.

use std::collections::BTreeMap;

use doozer_store::{Command, Granted, Outcome, Refusal, SessionId, Store};

use super::ports::Reply;

#[derive(Debug)]
pub(super) struct Parked<R>(BTreeMap<(SessionId, u64), Vec<R>>);

impl<R: Reply> Parked<R> {
    pub fn new() -> Parked<R> {
        Parked(BTreeMap::new())
    }

    /// Keeps whoever waits for a command that came to [`Outcome::Queued`].
    pub fn park(&mut self, command: &[u8], reply: R) {
        if let Ok(Command::By(by)) = Command::decode(command) {
            self.0.entry((by.session, by.sequence)).or_default().push(reply);
        }
    }

    /// Who waited for this, and waits no more.
    pub fn granted(&mut self, granted: &Granted) -> Vec<R> {
        self.0.remove(&(granted.session, granted.sequence)).unwrap_or_default()
    }

    /// Another state took the place of this member's: who waits no more, and what became of it.
    pub fn found(&mut self, store: &Store) -> Vec<(Outcome, Vec<R>)> {
        let settled = self.0.extract_if(.., |place, _| outcome(store, place) != Outcome::Queued);
        settled.map(|(place, replies)| (outcome(store, &place), replies)).collect()
    }

    /// Lets go of those whom nobody can tell any more.
    pub fn sweep(&mut self) {
        self.0.retain(|_, replies| {
            replies.retain(Reply::is_wanted);
            !replies.is_empty()
        });
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What became of a queued SET, in some later state.
fn outcome(store: &Store, (session, sequence): &(SessionId, u64)) -> Outcome {
    match store.session(session) {
        None => Outcome::Refused(Refusal::NoSession),
        Some(session) => session.outcome(*sequence).unwrap_or(Outcome::Refused(Refusal::AnswerGone)),
    }
}
