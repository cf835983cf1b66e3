//! What the measurement of locks needs of a system: sessions that take a lock, and give it back.
//! How a system's lock works does not belong here.

use std::future::Future;

use bytes::Bytes;

use crate::connection::LoadError;

/// What grows each time a lock is given to somebody, as its system counts.
pub type Token = i64;

/// Opens sessions at one or several members of a system.
pub trait Lockers: Clone + Send + Sync + 'static {
    /// What it opens.
    type Locker: Locker;

    /// Opens the session with this number, over a connection of its own to the member whose turn it is, for the lock at
    /// this path.
    ///
    /// # Errors
    /// If the member does not take it.
    fn locker(
        &self,
        number: usize,
        path: Bytes,
    ) -> impl Future<Output = Result<Self::Locker, LoadError>> + Send;
}

/// Whether the lock is there at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Joined {
    /// It is ours.
    Held(Token),
    /// Somebody else has it, and we are in the queue: who gives it back, once we are the next, gives it to us.
    Waiting,
}

/// A session that takes one lock. Dropped, it may keep what it has until its time is over.
pub trait Locker: Send + 'static {
    /// Writes a file that exists, over the same connection.
    ///
    /// # Errors
    /// If it is refused, or the connection breaks.
    fn set(&mut self, path: Bytes, value: Bytes) -> impl Future<Output = Result<(), LoadError>> + Send;

    /// Takes the lock if it is free, or a place in the queue. Must be neither held nor waited for.
    ///
    /// # Errors
    /// If it is refused, or the session is over, or the connection breaks.
    fn join(&mut self) -> impl Future<Output = Result<Joined, LoadError>> + Send;

    /// Waits in the queue until the lock is ours. Dropped before that, the session can only be closed.
    ///
    /// # Errors
    /// If the session is over, or the connection breaks.
    fn granted(&mut self) -> impl Future<Output = Result<Token, LoadError>> + Send;

    /// Takes the lock, however long that takes, with no more messages than that needs.
    ///
    /// # Errors
    /// As for [`join`](Locker::join).
    fn lock(&mut self) -> impl Future<Output = Result<Token, LoadError>> + Send {
        async {
            match self.join().await? {
                Joined::Held(token) => Ok(token),
                Joined::Waiting => self.granted().await,
            }
        }
    }

    /// Gives the lock back, which is held.
    ///
    /// # Errors
    /// If it is refused, or the session is over, or the connection breaks.
    fn unlock(&mut self) -> impl Future<Output = Result<(), LoadError>> + Send;

    /// Ends the session: what it held is free, and its place in the queue is gone.
    ///
    /// # Errors
    /// If the connection breaks.
    fn close(self) -> impl Future<Output = Result<(), LoadError>> + Send;
}
