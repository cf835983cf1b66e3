//! Who is at an address.
//! Never here: what follows from it.

use std::collections::BTreeMap;
use std::sync::Arc;

use doozer_paxos::{ClusterId, Incarnation};
use doozer_wire::Address;
use doozer_wire::peer::{Call, Introduction, Purpose, Refused};
use tokio::task::JoinSet;

use super::dial::dial;
use super::handshake::{Trouble, call};
use super::home::Home;

/// What is at an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum There {
    /// This member.
    Itself,
    /// Another one.
    Member(Introduction),
    /// Nobody: why.
    Nobody(String),
    /// Somebody who does not talk to this member: why.
    Stranger(String),
}

/// Asks all at once. The answers are in an order of their own, whichever comes first: the same are to be the same words.
pub(crate) async fn ask_all(home: &Arc<Home>, places: Vec<Address>) -> Vec<(Address, There)> {
    let mut asking = JoinSet::new();
    for place in places {
        let home = Arc::clone(home);
        asking.spawn(async move {
            let there = ask(&home, &place).await;
            (place, there)
        });
    }
    let mut answers = asking.join_all().await;
    answers.sort_by_key(|(place, _)| place.to_string());
    answers
}

async fn ask(home: &Home, place: &Address) -> There {
    let asked = async {
        let mut stream = dial(home, place).await?;
        call(&mut stream, home, Call { to: None, purpose: Purpose::Question }).await
    };
    match asked.await {
        Ok((them, _)) => There::Member(them),
        Err(Trouble::Refused(Refused::Itself)) => There::Itself,
        Err(trouble) if trouble.is_final() => There::Stranger(trouble.to_string()),
        Err(trouble) => There::Nobody(trouble.to_string()),
    }
}

/// Some member among them that runs a cluster, and which one.
pub(crate) fn who_runs(answers: &[(Address, There)]) -> Option<(ClusterId, Incarnation)> {
    answers.iter().find_map(|(_, there)| match there {
        There::Member(them) => Some((them.cluster?, them.incarnation)),
        There::Itself | There::Nobody(_) | There::Stranger(_) => None,
    })
}

/// Which cluster each address last belonged to. One that is silent for a moment must not decide which of two is joined.
#[derive(Debug, Default)]
pub(crate) struct Seen(BTreeMap<String, ClusterId>);

impl Seen {
    pub fn note(&mut self, answers: &[(Address, There)]) {
        for (place, there) in answers {
            let There::Member(them) = there else { continue };
            match them.cluster {
                Some(cluster) => self.0.insert(place.to_string(), cluster),
                None => self.0.remove(&place.to_string()),
            };
        }
    }

    /// That there are two clusters, in words.
    pub fn two(&self) -> Option<String> {
        let (place, cluster) = self.0.first_key_value()?;
        let (elsewhere, other) = self.0.iter().find(|(_, other)| *other != cluster)?;
        Some(format!("{place} belongs to cluster {cluster}, {elsewhere} to {other}"))
    }
}
