//! What a member's connections to others share.

use std::net::IpAddr;
use std::sync::Arc;

use doozer_paxos::{ClusterId, Incarnation};
use doozer_wire::peer::Introduction;
use doozer_wire::{Address, Secret};
use parking_lot::{Mutex, RwLock};
use tokio::sync::{mpsc, watch};
use tokio_rustls::TlsConnector;
use tracing::warn;

use super::book::Book;
use crate::input::Input;

pub(crate) struct Home {
    introduction: RwLock<Introduction>,
    pub secret: Secret,
    /// For connections to others, if the cluster has TLS.
    pub tls: Option<TlsConnector>,
    /// Outgoing connections come from here, so that each direction of each pair of members can be told apart from outside.
    pub bind: Option<IpAddr>,
    pub book: Book,
    pub inputs: mpsc::UnboundedSender<Input>,
    /// The driver knows of no proposer, and has not for a while.
    pub hears_nobody: watch::Sender<bool>,
    /// The driver has stopped: nobody is listened to any more. (Until then it needs the others, to finish what it has begun.)
    pub closed: watch::Sender<bool>,
    said: Mutex<Vec<(String, String)>>,
}

/// So many lines are remembered, so that none is repeated for each try.
const SAID_MAX: usize = 64;

impl Home {
    pub fn new(
        introduction: Introduction,
        secret: Secret,
        tls: Option<TlsConnector>,
        bind: Option<IpAddr>,
        inputs: mpsc::UnboundedSender<Input>,
    ) -> Arc<Home> {
        Arc::new(Home {
            introduction: RwLock::new(introduction),
            secret,
            tls,
            bind,
            book: Book::default(),
            inputs,
            // Until it is known that somebody leads.
            hears_nobody: watch::Sender::new(true),
            closed: watch::Sender::new(false),
            said: Mutex::default(),
        })
    }

    /// What it says of itself.
    pub fn introduction(&self) -> Introduction {
        self.introduction.read().clone()
    }

    pub fn id(&self) -> Incarnation {
        self.introduction.read().incarnation
    }

    /// It belongs to a cluster from now on, as this member of it.
    pub fn belongs(&self, cluster: ClusterId, id: Incarnation) {
        let mut introduction = self.introduction.write();
        (introduction.cluster, introduction.incarnation) = (Some(cluster), id);
    }

    /// Tells people, once, why there is no connection to or from somebody; again when that changes.
    pub fn warn(&self, whom: impl ToString, why: impl ToString) {
        let (whom, why) = (whom.to_string(), why.to_string());
        let mut said = self.said.lock();
        let before = said.iter().position(|(other, _)| *other == whom).map(|at| said.remove(at).1);
        if before.as_ref() != Some(&why) {
            warn!("{whom}: {why}");
        }
        said.push((whom, why));
        if said.len() > SAID_MAX {
            said.remove(0);
        }
    }

    /// There is a connection again: what was wrong is to be said anew if it comes back.
    pub fn is_well(&self, whom: impl ToString) {
        let whom = whom.to_string();
        self.said.lock().retain(|(other, _)| *other != whom);
    }

    /// The addresses that it was started with.
    pub fn listed(&self) -> Vec<Address> {
        self.introduction.read().listed.clone()
    }
}
