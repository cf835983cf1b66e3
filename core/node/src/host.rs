//! What a driver has around it in the world: the journal's thread, and the other members.

use doozer_journal::Disk;
use doozer_member::driver::{Host, Order};
use doozer_paxos::Incarnation;

use doozer_wire::peer::Peer;

use crate::journal_thread::JournalThread;
use crate::peers::Peers;
use crate::server::keep_alive::KeepAliveReply;
use crate::server::reads::ReadReply;
use crate::server::writes::WriteReply;

/// The world around a member. Without a journal it keeps nothing.
pub(crate) struct World<D: Disk> {
    pub journal: Option<JournalThread<D>>,
    pub peers: Peers,
}

impl<D: Disk> Host for World<D> {
    type Reply = WriteReply;
    type Reader = ReadReply;
    type KeepAlive = KeepAliveReply;

    fn keep(&mut self, order: Order) -> bool {
        match &self.journal {
            Some(journal) => {
                journal.take(order);
                false
            }
            None => true,
        }
    }

    fn send(&mut self, to: Incarnation, message: Peer) {
        self.peers.send(to, message);
    }
}
