//! The handle of who went through a barrier.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use doozer_client::{Entered as Core, Error};

use crate::kept::Kept;
use crate::op::{Op, Subject};

/// Who went through a barrier. Dropped, it has left; in the child of a fork nothing happens to it.
pub struct Entered {
    path: String,
    held: Kept<Core>,
}

impl Entered {
    /// Made within the runtime.
    pub(crate) fn new(path: String, core: Core, poisoned: Arc<AtomicBool>) -> Entered {
        Entered { path, held: Kept::new(core, poisoned) }
    }

    /// The barrier's directory.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// See [`Core::is_inside`]; false in the child of a fork.
    pub fn is_inside(&self) -> bool {
        self.held.get().is_some_and(|core| core.is_inside())
    }

    /// That it is `is_inside`: asks nobody.
    ///
    /// # Errors
    /// `LockLost` if it is not; `Forked` in the child of a fork.
    pub fn check(&self) -> Result<(), Error> {
        self.held.check(&self.subject("check"), |core| core.is_inside())
    }

    /// Whether nothing is left to be done about it: it has left, or [`Entered::leave`] has said that it counted as having
    /// left, or this is the child of a fork.
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

    /// See [`Core::leave`], which has no time limit of its own either. Given up, it may be called again.
    pub fn leave(&self) -> Op<()> {
        self.held.give_back(self.subject("leave"), |core| async move { core.leave().await })
    }

    fn subject(&self, op: &'static str) -> Subject {
        Subject::new(op, Some(&self.path))
    }
}
