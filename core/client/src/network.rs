//! Where a client can connect over the network: the addresses it was given and those it has learned.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Arc;

use doozer_wire::Address;
use parking_lot::Mutex;

use crate::boot::Boot;
use crate::dial::Unreachable;
use crate::handshake::Refused;
use crate::link::Link;
use crate::race::Race;
use crate::shared::Shared;
use crate::tls::TlsClient;

pub(crate) struct Network {
    book: Mutex<Book>,
    boot: Option<Boot>,
    tls: Option<TlsClient>,
}

/// The addresses a client knows.
#[derive(Default)]
struct Book {
    /// From the URI.
    given: Vec<Address>,
    /// From the cluster itself, or from the cluster it was looked up in.
    learned: Vec<Address>,
    /// Where the last connection led. It is tried last: a member that was just lost may not be back yet.
    last: Option<SocketAddr>,
    last_round_failed: bool,
}

impl Network {
    pub fn new(given: Vec<Address>, boot: Option<Boot>, tls: Option<TlsClient>) -> Network {
        Network { book: Mutex::new(Book { given, ..Book::default() }), boot, tls }
    }

    /// Replaces what was learned about the cluster's addresses.
    pub fn learn(&self, addresses: Vec<Address>) {
        self.book.lock().learned = addresses;
    }

    /// Tries every address once; the first connection whose first words are said wins.
    pub async fn dial(&self, shared: &Arc<Shared>) -> Result<Link, Unreachable> {
        let last = self.book.lock().last;
        let mut race = Race::new(Arc::clone(shared), self.tls.clone(), last);
        if let Some(boot) = self.boot.as_ref().filter(|_| self.should_look_up()) {
            match boot.look_up().await {
                Ok(addresses) => self.learn(addresses),
                Err(why) => race.failed(&boot.place(), Refused::Now(why)),
            }
        }
        race.enter(self.book.lock().all());
        let outcome = race.run().await;
        let mut book = self.book.lock();
        book.last_round_failed = outcome.is_err();
        outcome.map(|(link, socket)| {
            book.last = Some(socket);
            link
        })
    }

    fn should_look_up(&self) -> bool {
        let book = self.book.lock();
        book.last_round_failed || book.all().is_empty()
    }
}

impl Book {
    fn all(&self) -> HashSet<Address> {
        self.given.iter().chain(&self.learned).cloned().collect()
    }
}
