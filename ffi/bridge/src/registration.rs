//! The handle of a service that was registered.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use doozer_client::{ErrorKind, Registration as Core};
use parking_lot::Mutex;

use crate::kept::Kept;
use crate::op::{Op, Subject};

/// A file that is there for as long as this is. Dropped, it is deleted in the background; in the child of a fork nothing
/// happens to it.
pub struct Registration {
    path: String,
    /// `None` once it is being taken back.
    kept: Kept<Mutex<Option<Core>>>,
}

impl Registration {
    /// Made within the runtime.
    pub(crate) fn new(core: Core, poisoned: Arc<AtomicBool>) -> Registration {
        let path = core.path().to_owned();
        Registration { path, kept: Kept::new(Mutex::new(Some(core)), poisoned) }
    }

    /// The file's path.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// See [`Core::rev`]; `None` also once it is taken back, and in the child of a fork.
    pub fn rev(&self) -> Option<i64> {
        self.kept.get()?.lock().as_ref()?.rev()
    }

    /// Whether nothing is left to be done about it: it was taken back, or this is the child of a fork.
    pub fn is_over(&self) -> bool {
        self.kept.get().is_none_or(|kept| kept.lock().is_none())
    }

    /// See [`Core::deregister`]. Given up, it goes on in the background.
    ///
    /// # Errors
    /// Those; `Closed` if it was taken back before, `Forked` in the child of a fork.
    pub fn deregister(&self) -> Op<()> {
        let subject = Subject::new("deregister", Some(&self.path));
        let about = subject.clone();
        self.kept.call(subject, |kept| async move {
            let core = kept.lock().take();
            match core {
                Some(core) => core.deregister().await,
                None => Err(about.error(ErrorKind::Closed, "it was taken back before")),
            }
        })
    }
}
