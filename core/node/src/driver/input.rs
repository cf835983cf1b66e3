//! What the driver's task is told, and by whom it is reached.

use bytes::Bytes;
use doozer_journal::SnapshotError;
use doozer_paxos::Slot;
use tokio::sync::{mpsc, oneshot};

use super::ports::Sizes;
use crate::error::Failure;
use crate::server::writes::WriteReply;

/// What the driver is told.
pub(crate) enum Input {
    /// Commands of one connection, in order.
    Propose(Vec<Proposal>),
    /// Everything up to `slot` is durable.
    Persisted { slot: Slot, sizes: Sizes },
    /// Nothing from `slot` on was written.
    Refused { slot: Slot, why: String },
    /// A snapshot is done (its bytes), was given up, or could not be made.
    SnapshotDone(Result<Option<u64>, SnapshotError>),
    /// The journal failed for good.
    Failed(Failure),
    /// Say so once everything under way is answered.
    Settled(oneshot::Sender<()>),
    /// Answer what is under way, take no more, then say so.
    Stop(oneshot::Sender<()>),
}

/// A command and whom to answer.
pub(crate) struct Proposal {
    pub command: Bytes,
    pub reply: WriteReply,
}

/// A new pair for [`Input`].
pub(crate) fn channel() -> (mpsc::UnboundedSender<Input>, mpsc::UnboundedReceiver<Input>) {
    mpsc::unbounded_channel()
}
