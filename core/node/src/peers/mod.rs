//! The other members: connections to them and from them, and who is where. Each member dials each other one it has something
//! to say to, and a connection carries messages one way, so that each direction can be lost by itself.
//! Never here: what is said (the driver's business), or how it stands in bytes (`doozer_wire::peer`'s).
//!
//! | module | what it holds |
//! |---|---|
//! | `home` | what a member's connections to others share: who it is, the secret, where others are |
//! | `book` | where members are reached |
//! | `ask` | who is at an address |
//! | `dial` | a connection to an address, with TLS if the cluster has it |
//! | `handshake` | the first frames of either side |
//! | `link` | what is sent to one member |
//! | `inbound` | what one member sends |
//! | `said` | what people are told, and how often |
//! | `words` | what went wrong, in words for people |
//! | `meet` | whom a new member joins, or whether it founds a cluster |

pub(crate) mod ask;
pub(crate) mod book;
mod dial;
mod handshake;
pub(crate) mod home;
pub(crate) mod inbound;
mod link;
pub(crate) mod meet;
mod said;
mod words;

use std::collections::HashMap;
use std::sync::Arc;

use doozer_paxos::Incarnation;
use doozer_wire::peer::Peer;

use self::home::Home;
use self::link::Link;

/// What is sent to other members.
pub(crate) struct Peers {
    home: Arc<Home>,
    links: HashMap<Incarnation, Link>,
}

impl Peers {
    pub fn new(home: Arc<Home>) -> Peers {
        Peers { home, links: HashMap::new() }
    }

    /// Sends, if it is known where that member is; what cannot be sent now is dropped, and said again by whoever wants it.
    pub fn send(&mut self, to: Incarnation, message: Peer) {
        let home = &self.home;
        let link = self.links.entry(to).or_insert_with(|| Link::new(Arc::clone(home), to));
        if let Err(message) = link.send(message) {
            // It had nothing to say for long, and ended.
            *link = Link::new(Arc::clone(home), to);
            let _ = link.send(message);
        }
    }
}
