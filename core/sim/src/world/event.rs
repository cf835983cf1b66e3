//! The events of the world.
//! Never here: what they do.

use doozer_member::peer::Peer;
use doozer_paxos::Incarnation;
use doozer_store::SessionId;

use crate::faults::Kind;
use crate::history::{OpId, Request};
use crate::network::Links;
use crate::serve::Said;

/// Something that happens at a time. `life` names one run of a process at a place: what was meant for another one does
/// nothing.
#[derive(Debug)]
pub(super) enum Event {
    /// A member's clock ticks.
    Tick { place: usize, life: u32 },
    /// A message arrives, if its link is not cut by now.
    Arrive { from: usize, sender: Incarnation, to: usize, receiver: Incarnation, message: Box<Peer> },
    /// A disk has done what it was given.
    Synced { place: usize, life: u32 },
    /// A disk that was full is tried again.
    Retry { place: usize, life: u32 },
    /// A member goes on with its snapshot.
    SnapshotStep { place: usize, life: u32 },
    /// A member starts, unless it runs.
    Start { place: usize },
    /// A member that was stopped goes on.
    Resume { place: usize, life: u32 },
    /// A member notices that a connection was lost or made anew.
    Reset { place: usize, life: u32, peer: Incarnation },
    /// A process ends, if it has not by itself.
    End { place: usize, life: u32, how: Ending },
    /// A client does the next thing.
    Think { client: usize },
    /// A client gives up.
    Impatient { client: usize, op: OpId },
    /// A request arrives at a member.
    Ask { connection: u64, op: OpId, request: Box<Request> },
    /// A member notices that a client's connection is gone.
    HangUp { connection: u64 },
    /// It is time to keep a client's session alive.
    KeepAlive { client: usize, session: SessionId },
    /// A client sends again what was not answered as it should.
    Again { client: usize },
    /// Something arrives at a client.
    Say { connection: u64, said: Box<Said> },
    /// A client notices that its connection is gone.
    Broken { connection: u64 },
    /// A kind of fault strikes.
    Strike(Kind),
    /// A fault ends.
    Heal(Heal),
    /// Whoever looks after the cluster looks at it.
    Operate,
    /// The world's own stages.
    Stage,
}

/// How a process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// Its machine loses power: what was not synced may be gone.
    PowerCut,
    /// The process alone: the cache survives.
    Killed,
    /// Its machine is gone with its disk.
    DiskLost,
    /// A disk error was more than it could take; it is started again.
    Failed,
}

/// A fault that ends.
#[derive(Debug)]
pub(super) enum Heal {
    /// Links that were cut.
    Links(Links),
    /// Links that were slow.
    Slow(Links),
    /// A disk that was slow.
    DiskSlow(usize),
    /// A disk that was full.
    DiskFull(usize),
    /// No fault ends, but a client's connection.
    ClientBreaks,
}

impl Event {
    /// What tells it from others in the trace.
    pub fn mark(&self) -> (u64, u64) {
        match self {
            Event::Tick { place, .. } => (0, *place as u64),
            Event::Arrive { from, to, .. } => (1, (from << 8 | to) as u64),
            Event::Synced { place, .. } => (2, *place as u64),
            Event::SnapshotStep { place, .. } => (3, *place as u64),
            Event::Start { place } => (4, *place as u64),
            Event::Resume { place, .. } => (5, *place as u64),
            Event::Reset { place, .. } => (6, *place as u64),
            Event::End { place, .. } => (7, *place as u64),
            Event::Think { client } => (8, *client as u64),
            Event::Impatient { op, .. } => (9, op.0),
            Event::Ask { op, .. } => (10, op.0),
            Event::HangUp { connection } => (11, *connection),
            Event::Say { said, .. } => (12, said.op.0 ^ said.revision.rotate_left(32)),
            Event::Broken { connection } => (13, *connection),
            Event::Strike(kind) => (14, *kind as u64),
            Event::Heal(_) => (15, 0),
            Event::Operate => (16, 0),
            Event::Stage => (17, 0),
            Event::Retry { place, .. } => (18, *place as u64),
            Event::KeepAlive { client, .. } => (19, *client as u64),
            Event::Again { client } => (20, *client as u64),
        }
    }
}
