//! What a load needs of a system: connections to its members, each with many requests under way.
//! What a system's messages look like does not belong here.

use std::future::{Future, poll_fn};
use std::io;
use std::task::{Context, Poll};

use bytes::Bytes;

use crate::patience::PATIENCE;

/// Opens connections to one or several members of a system.
pub trait Connect: Clone + Send + Sync + 'static {
    /// What it opens.
    type Connection: Connection;

    /// Opens the connection with this number, to the member whose turn it is.
    ///
    /// # Errors
    /// If the member does not take it.
    fn connect(&self, number: usize) -> impl Future<Output = Result<Self::Connection, LoadError>> + Send;

    /// The members over which a load is spread, and by which it is told apart, as errors name them: connection `number`
    /// leads to the one at `number` modulo how many there are. None, if that makes no difference.
    fn members(&self) -> &[String] {
        &[]
    }
}

/// One connection to a member.
pub trait Connection: Send + 'static {
    /// Puts a request on its way under this tag, zero or more, which nothing else that is under way has. Does not wait.
    /// Only [`poll_receive`](Connection::poll_receive) gets it there.
    fn send(&mut self, tag: i32, request: Request);

    /// Sends what is to be sent, and appends the answers that have come, in any order: at least one when it is ready.
    ///
    /// # Errors
    /// If the connection has broken, or says what makes no sense. It must not be used any more.
    fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        answers: &mut Vec<Answer>,
    ) -> Poll<Result<(), LoadError>>;

    /// Waits until [`poll_receive`](Connection::poll_receive) is ready. Nothing is lost if it is dropped before.
    fn receive(&mut self, answers: &mut Vec<Answer>) -> impl Future<Output = Result<(), LoadError>> + Send {
        poll_fn(|cx| self.poll_receive(cx, answers))
    }
}

/// What is asked of a member. Paths are given with their slash in front and none behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Writes a file, which exists where that makes a difference to the system, whatever its revision.
    Set {
        /// Its path.
        path: Bytes,
        /// What it shall hold.
        value: Bytes,
    },
    /// Makes a file with its directory. One that is there may keep what it holds.
    Create {
        /// Its path.
        path: Bytes,
        /// What it shall hold.
        value: Bytes,
    },
    /// Deletes a file, if there is one.
    Delete(Bytes),
    /// Reads a file that exists. The answer sees every write that was answered before it was asked for.
    Get(Bytes),
    /// Reads a file that exists, as the member has it.
    LocalGet(Bytes),
    /// Asks to be told of the next change to this file after the answer. It is told as a second answer under the same
    /// tag, once; to be told of the one after that, ask again, under the same tag. (Where a watch goes on by itself, a
    /// change that nobody has asked for yet is told, too.)
    Watch(Bytes),
}

/// That a request has been answered.
#[derive(Debug)]
pub struct Answer {
    /// The request's.
    pub tag: i32,
    /// Whether it was done; a read that found nothing was not.
    pub outcome: Result<(), LoadError>,
}

/// Why a run came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The target has no address.
    #[error("no address to connect to")]
    Nowhere,
    /// There are no files to work on.
    #[error("no files to work on")]
    NoKeys,
    /// An address does not take a connection.
    #[error("cannot connect to {address}: {source}")]
    Connect {
        /// The address.
        address: String,
        /// What the system says.
        source: io::Error,
    },
    /// A connection broke, or the system gives no random number.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// A member answered with an error.
    #[error("refused with {kind}: {detail}")]
    Refused {
        /// The error's name in the protocol.
        kind: &'static str,
        /// What it says about itself.
        detail: String,
    },
    /// An answer is not one to its request.
    #[error("an answer that makes no sense: {0}")]
    Nonsense(&'static str),
    /// A member is being stopped: it refuses what is new, and has answered everything else.
    #[error("the member is being stopped")]
    Leaving,
    /// No answer has come for too long.
    #[error("no answer within {} s", PATIENCE.as_secs())]
    Silent,
    /// A session has ended, and with it what it held.
    #[error("the session is over")]
    SessionOver,
    /// A lock does not lock.
    #[error(
        "a lock was given away with token {token} while it was held, or after it was, with token {before}"
    )]
    NotExclusive {
        /// The one before.
        before: i64,
        /// The one that came.
        token: i64,
    },
    /// One of several members is the reason.
    #[error("{member}: {why}")]
    At {
        /// Its name.
        member: String,
        /// What happened there.
        why: Box<LoadError>,
    },
}

impl LoadError {
    /// The same, with the name of the member at which connection `number` of these ends; unless it stands there already.
    pub(crate) fn at(self, members: &[String], number: usize) -> LoadError {
        match (self, members.get(number % members.len().max(1))) {
            (named @ (LoadError::Connect { .. } | LoadError::At { .. }), _) | (named, None) => named,
            (why, Some(member)) => LoadError::At { member: member.clone(), why: why.into() },
        }
    }

    /// Whether the connection is of no use any more, while another member may go on.
    pub fn is_lost(&self) -> bool {
        match self {
            LoadError::Connect { .. } | LoadError::Io(_) | LoadError::Silent | LoadError::Leaving => true,
            LoadError::At { why, .. } => why.is_lost(),
            _ => false,
        }
    }

    /// Whether what was under way may have been done or not, or may still be done later.
    pub fn may_come_late(&self) -> bool {
        match self {
            LoadError::Connect { .. } | LoadError::Io(_) | LoadError::Silent => true,
            LoadError::At { why, .. } => why.may_come_late(),
            _ => false,
        }
    }
}

/// Asks one thing, when nothing else is under way on the connection, and takes its answer.
///
/// # Errors
/// If the connection breaks, or the answer is an error.
pub async fn ask(connection: &mut impl Connection, request: Request) -> Result<(), LoadError> {
    connection.send(0, request);
    let mut answers = Vec::with_capacity(1);
    connection.receive(&mut answers).await?;
    answers.pop().ok_or(LoadError::Nonsense("no answer"))?.outcome
}
