//! The handle of a lock that is held.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use doozer_client::{Error, Fence, Lock as Core};

use crate::kept::Kept;
use crate::op::{Op, Subject};

/// A lock that is held. Dropped, it is given back in the background; in the child of a fork nothing happens to it.
pub struct Lock {
    path: String,
    rev: i64,
    held: Kept<Core>,
}

impl Lock {
    /// Made within the runtime.
    pub(crate) fn new(core: Core, poisoned: Arc<AtomicBool>) -> Lock {
        let (path, rev) = (core.path().to_owned(), core.rev());
        Lock { path, rev, held: Kept::new(core, poisoned) }
    }

    /// The lock's file.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The fencing token: the revision of the lock's file, which grows from holder to holder.
    pub fn rev(&self) -> i64 {
        self.rev
    }

    /// See [`Core::is_held`]; false in the child of a fork.
    pub fn is_held(&self) -> bool {
        self.held.get().is_some_and(|core| core.is_held())
    }

    /// That it is `is_held`: asks nobody.
    ///
    /// # Errors
    /// `LockLost` if it is not; `Forked` in the child of a fork.
    pub fn check(&self) -> Result<(), Error> {
        self.held.check(&self.subject("check"), |core| core.is_held())
    }

    /// Whether nothing is left to be done about it: it was given back, or [`Lock::unlock`] has said that it is lost, or this
    /// is the child of a fork.
    pub fn is_over(&self) -> bool {
        self.held.is_over()
    }

    /// See [`Core::valid_for`]; nothing in the child of a fork.
    pub fn valid_for(&self) -> Duration {
        self.held.get().map_or(Duration::ZERO, |core| core.valid_for())
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

    /// See [`Core::unlock`]. Given up, or after an error other than those, it may be called again.
    pub fn unlock(&self) -> Op<()> {
        self.held.give_back(self.subject("unlock"), |core| async move { core.unlock().await })
    }

    fn subject(&self, op: &'static str) -> Subject {
        Subject::new(op, Some(&self.path))
    }
}
