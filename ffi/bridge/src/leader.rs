//! The handle of who was elected.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use bytes::Bytes;
use doozer_client::{Error, Fence, Leader as Core};

use crate::kept::Kept;
use crate::op::{Op, Subject};

/// Who was elected. Dropped, it resigns in the background; in the child of a fork nothing happens to it.
pub struct Leader {
    path: String,
    token: i64,
    held: Kept<Core>,
}

impl Leader {
    /// Made within the runtime.
    pub(crate) fn new(core: Core, poisoned: Arc<AtomicBool>) -> Leader {
        let (path, token) = (core.path().to_owned(), core.token());
        Leader { path, token, held: Kept::new(core, poisoned) }
    }

    /// The file of the election.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The fencing token: greater for each leader than for the one before, and the same however often it proclaims.
    pub fn token(&self) -> i64 {
        self.token
    }

    /// See [`Core::is_leading`]; false in the child of a fork.
    pub fn is_leading(&self) -> bool {
        self.held.get().is_some_and(|core| core.is_leading())
    }

    /// That it is `is_leading`: asks nobody.
    ///
    /// # Errors
    /// `LockLost` if it is not; `Forked` in the child of a fork.
    pub fn check(&self) -> Result<(), Error> {
        self.held.check(&self.subject("check"), |core| core.is_leading())
    }

    /// Whether nothing is left to be done about it: it has resigned, or [`Leader::resign`] has said that it does not lead
    /// any more, or this is the child of a fork.
    pub fn is_over(&self) -> bool {
        self.held.is_over()
    }

    /// See [`Core::lost`]. Has no time limit of its own.
    pub fn lost(&self) -> Op<()> {
        self.held.call(self.subject("lost"), |core| async move {
            core.lost().await;
            Ok(())
        })
    }

    /// What writes are to depend on.
    ///
    /// # Errors
    /// `Forked` in the child of a fork.
    pub fn fence(&self) -> Result<Fence, Error> {
        let core = self.held.get().ok_or_else(|| self.subject("fence").forked())?;
        Ok(Fence::from(&**core))
    }

    /// See [`Core::proclaim`].
    pub fn proclaim(&self, value: Bytes) -> Op<i64> {
        self.held.call(self.subject("proclaim"), |core| async move { core.proclaim(value).await })
    }

    /// See [`Core::resign`]. Given up, or after an error other than those, it may be called again.
    pub fn resign(&self) -> Op<()> {
        self.held.give_back(self.subject("resign"), |core| async move { core.resign().await })
    }

    fn subject(&self, op: &'static str) -> Subject {
        Subject::new(op, Some(&self.path))
    }
}
