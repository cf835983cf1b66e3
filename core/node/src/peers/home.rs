//! What a member's connections to others share.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use doozer_paxos::{ClusterId, Incarnation};
use doozer_wire::peer::Introduction;
use doozer_wire::{Address, Secret};
use parking_lot::{Mutex, RwLock};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio_rustls::TlsConnector;
use tracing::{debug, warn};

use super::book::Book;
use super::said::{Said, Tell};
use super::{inbound, words};
use crate::input::Input;

pub(crate) struct Home {
    introduction: RwLock<Introduction>,
    /// Addresses at which others may be, beside those in the book.
    known: RwLock<Vec<Address>>,
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
    /// Room for those who dialed this member and have not proven who they are.
    pub guests: Semaphore,
    said: Mutex<Said>,
    said_of_strangers: Mutex<Said>,
}

/// So many may be there at a time who have not proven who they are.
pub(super) const GUESTS_MAX: usize = 256;

impl Home {
    pub fn new(
        introduction: Introduction,
        secret: Secret,
        tls: Option<TlsConnector>,
        bind: Option<IpAddr>,
        inputs: mpsc::UnboundedSender<Input>,
    ) -> Arc<Home> {
        Arc::new(Home {
            known: RwLock::new(introduction.listed.clone()),
            introduction: RwLock::new(introduction),
            secret,
            tls,
            bind,
            book: Book::default(),
            inputs,
            // Until it is known that somebody leads.
            hears_nobody: watch::Sender::new(true),
            closed: watch::Sender::new(false),
            guests: Semaphore::new(GUESTS_MAX),
            said: Mutex::new(Said::of_members()),
            said_of_strangers: Mutex::new(Said::of_strangers()),
        })
    }

    /// What it says of itself.
    pub fn introduction(&self) -> Introduction {
        let introduction = self.introduction.read().clone();
        match introduction.cluster {
            Some(_) => Introduction { name: self.book.cluster_name(), ..introduction },
            None => introduction,
        }
    }

    /// Which cluster it looks for; as long as it says so to whoever asks, it founds none.
    pub fn looks_for(&self, name: Option<&str>) {
        self.introduction.write().name = name.map(str::to_owned);
    }

    /// It lost who it was, and with it all that it knew of its cluster: it founds none, and says so.
    pub fn only_joins(&self) {
        self.introduction.write().only_joins = true;
    }

    pub fn id(&self) -> Incarnation {
        self.introduction.read().incarnation
    }

    /// It belongs to a cluster from now on, as this member of it.
    pub fn belongs(&self, cluster: ClusterId, id: Incarnation) {
        let mut introduction = self.introduction.write();
        (introduction.cluster, introduction.incarnation) = (Some(cluster), id);
    }

    /// Tells people, once, why there is no connection to or from a member, or what is wrong at an address; again when that
    /// changes.
    pub fn warn(&self, whom: impl ToString, why: impl ToString) {
        let (whom, why) = (whom.to_string(), why.to_string());
        match self.said.lock().tell(&whom, &why, Instant::now()) {
            Tell::Line => warn!("{whom}: {why}"),
            Tell::Enough | Tell::Nothing => debug!("{whom}: {why}"),
        }
    }

    /// Tells people why somebody who may be anybody was refused; only so much, however many come.
    pub fn warn_of_stranger(&self, whom: impl ToString, why: impl ToString) {
        let (whom, why) = (whom.to_string(), why.to_string());
        let tell = self.said_of_strangers.lock().tell(&whom, &why, Instant::now());
        match tell {
            Tell::Line => warn!("{whom}: {why}"),
            Tell::Enough => {
                warn!("more connections are refused than are told of here: --log-level debug tells of each");
                debug!("{whom}: {why}");
            }
            Tell::Nothing => debug!("{whom}: {why}"),
        }
    }

    /// Tells people why somebody who dialed this member gets no TLS. Who only hangs up is not worth a word.
    pub fn warn_of_handshake(&self, from: Option<IpAddr>, error: &io::Error) {
        match words::of_guest(error) {
            Some(why) => self.warn_of_stranger(inbound::name(from, None), why),
            None => debug!(%error, "a TLS handshake ended"),
        }
    }

    /// There is a connection again: what was wrong is to be said anew if it comes back.
    pub fn is_well(&self, whom: impl ToString) {
        self.said.lock().is_well(&whom.to_string());
    }

    /// Where others may be, beside those in the book.
    pub fn known(&self) -> Vec<Address> {
        self.known.read().clone()
    }

    /// Others may be there as well.
    pub fn know(&self, addresses: impl IntoIterator<Item = Address>) {
        let mut known = self.known.write();
        for address in addresses {
            if !known.contains(&address) {
                known.push(address);
            }
        }
    }
}
