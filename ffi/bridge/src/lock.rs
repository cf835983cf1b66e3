//! The handle of a lock that is held.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use doozer_client::{ErrorKind, Lock as Core};
use tokio::runtime::Handle;

use crate::fork::PerProcess;
use crate::op::{Op, Subject};

/// A lock that is held. Dropped, it is given back in the background; in the child of a fork nothing happens to it.
pub struct Lock {
    path: String,
    rev: i64,
    held: PerProcess<Held>,
    poisoned: Arc<AtomicBool>,
}

struct Held {
    /// `None` only while it is being dropped.
    core: Option<Arc<Core>>,
    is_over: Arc<AtomicBool>,
    handle: Handle,
}

impl Lock {
    /// Made within the runtime.
    pub(crate) fn new(core: Core, poisoned: Arc<AtomicBool>) -> Lock {
        let (path, rev) = (core.path().to_owned(), core.rev());
        let held = Held { core: Some(Arc::new(core)), is_over: Arc::default(), handle: Handle::current() };
        Lock { path, rev, held: PerProcess::new(held), poisoned }
    }

    /// The lock's file.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The fencing token: the revision of the lock's file, which grows from holder to holder.
    pub fn rev(&self) -> i64 {
        self.rev
    }

    /// Whether it is still to be given back: false once it was, or was found lost, and in the child of a fork.
    pub fn is_held(&self) -> bool {
        self.held.get().is_some_and(|held| !held.is_over.load(Ordering::Acquire))
    }

    /// Gives it back. Given up, or after another error than those below, it may be called again.
    ///
    /// # Errors
    /// `Closed` if it was given back before; `LockLost` if it was somebody else's by then; `Forked` in the child of a
    /// fork; and those of a write.
    pub fn unlock(&self) -> Op<()> {
        let subject = Subject::new("unlock", Some(&self.path));
        let Some(held) = self.held.get() else {
            let error = subject.forked();
            return Op::ready(subject, Err(error));
        };
        let (core, is_over) = (held.core.clone(), Arc::clone(&held.is_over));
        Op::new(subject, Arc::clone(&self.poisoned), |_| async move {
            let Some(core) = core else { return Ok(()) };
            let result = core.unlock().await;
            let is_lost = matches!(&result, Err(error) if error.kind() == ErrorKind::LockLost);
            is_over.fetch_or(result.is_ok() || is_lost, Ordering::AcqRel);
            result
        })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let _context = self.handle.enter();
        self.core = None;
    }
}
