//! What others leave for a connection to send or do: answers to its writes, events, reads that became possible.
//! The driver fills it, the connection's own task empties it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::{Bytes, BytesMut};
use doozer_store::Revision;
use doozer_wire::Request;
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::driver::NoQuorum;
use crate::state::WaiterId;

/// One connection's inbox for everybody but itself.
#[derive(Debug, Default)]
pub struct Outbox {
    left: Mutex<Left>,
    wake: Notify,
    /// The connection is gone.
    closed: AtomicBool,
}

/// What was left.
#[derive(Debug, Default)]
pub struct Left {
    /// Encoded frames, ready to be sent.
    pub frames: BytesMut,
    /// Reads whose revision has come.
    pub ready: Vec<(WaiterId, Request)>,
    /// Waiters of this connection that ended by themselves.
    pub finished: Vec<WaiterId>,
    /// Waiters of this connection whose history is gone: they are to be answered so.
    pub too_late: Vec<WaiterId>,
    /// Batches of linearizable reads, by number, that may be answered now, or for which no majority was heard of.
    pub reads: Vec<(u64, Result<(), NoQuorum>)>,
    /// A stream of this connection has more events than it was sent.
    pub lagging: bool,
    /// Answered writes since the connection last looked.
    pub writes_answered: usize,
    /// Their bytes.
    pub write_bytes_answered: usize,
    /// What became of queued SETs, in order.
    pub queued: Vec<QueueNews>,
    /// Other commands that wait with a queued SET of the same number, and have given their place among the writes back.
    pub parked: usize,
    /// Those of them that were answered.
    pub parked_answered: usize,
}

/// What became of a queued SET, by the number that its connection gave it.
#[derive(Debug)]
pub enum QueueNews {
    /// It has an answer.
    Answered {
        /// Its number.
        number: u64,
        /// The answer, if no CANCEL makes another of it.
        frame: Bytes,
    },
    /// A CANCEL of it is through.
    Cancelled {
        /// The SET's number.
        number: u64,
        /// The CANCEL's tag.
        cancel: Option<i32>,
        /// The revision that it saw; `None` if it failed, and was answered.
        seen: Option<Revision>,
        /// The place was taken back, or the file, if it was granted.
        has_left: bool,
    },
}

impl Left {
    fn is_empty(&self) -> bool {
        self.frames.is_empty()
            && self.ready.is_empty()
            && self.finished.is_empty()
            && self.too_late.is_empty()
            && self.reads.is_empty()
            && !self.lagging
            && self.writes_answered == 0
            && self.queued.is_empty()
            && self.parked == 0
            && self.parked_answered == 0
    }
}

/// The outboxes that were filled while a lock was held, to be woken once it is free.
#[derive(Debug, Default)]
pub struct Wakes(Vec<Arc<Outbox>>);

impl Wakes {
    /// Wakes each connection once.
    pub fn wake_all(&mut self) {
        for outbox in self.0.drain(..) {
            outbox.wake.notify_one();
        }
    }
}

impl Outbox {
    /// Leaves something. The connection is woken by [`Wakes::wake_all`].
    pub fn leave(self: &Arc<Self>, wakes: &mut Wakes, fill: impl FnOnce(&mut Left)) {
        let mut left = self.left.lock();
        let was_empty = left.is_empty();
        fill(&mut left);
        drop(left);
        if was_empty {
            wakes.0.push(Arc::clone(self));
        }
    }

    /// Takes everything, swapping `frames` in for the next round's buffer.
    pub fn take(&self, frames: BytesMut) -> Left {
        let mut left = self.left.lock();
        if left.is_empty() {
            return Left { frames, ..Left::default() };
        }
        std::mem::replace(&mut *left, Left { frames, ..Left::default() })
    }

    /// The connection is gone: nobody takes anything any more.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    /// Whether the connection is gone.
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// Waits until something was left since the last wake-up. May wake for nothing.
    pub async fn woken(&self) {
        self.wake.notified().await;
    }
}
