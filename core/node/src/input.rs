//! What the driver's task is told, and by whom it is reached.

use bytes::Bytes;
use doozer_journal::SnapshotError;
use doozer_member::keeper::{Failure, Report};
use doozer_paxos::Incarnation;
use doozer_store::SessionId;
use doozer_wire::peer::Peer;
use tokio::sync::{mpsc, oneshot};

use crate::server::keep_alive::KeepAliveReply;
use crate::server::reads::ReadReply;
use crate::server::writes::WriteReply;

/// What the driver is told.
pub(crate) enum Input {
    /// Commands of one connection, in order.
    Propose(Vec<Proposal>),
    /// Linearizable reads of one connection, which began together.
    Read(ReadReply),
    /// A session is to be kept alive.
    KeepAlive(SessionId, KeepAliveReply),
    /// What another member says.
    Heard(Incarnation, Vec<Peer>),
    /// What was sent to that member may be lost.
    Reset(Incarnation),
    /// That member belongs to the cluster, and may be asked for what is missing here.
    Join(Incarnation),
    /// Commands of the member itself.
    Own(Vec<Bytes>),
    /// The journal's thread reports.
    Journal(Report),
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
