//! What a lock, a leader and whoever went through a barrier share: they can be lost, and a block gives them back at its end.

use std::sync::{Arc, OnceLock};

use doozer_bridge::{Entered, Error, Fence, Leader, Lock, Op, Running};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

use crate::errors::{entry, raised};
use crate::results::types;
use crate::waiting::block;
use crate::{leader, lock};

/// What a session holds, and may lose.
pub(crate) trait Losable: Send + Sync {
    fn path(&self) -> &str;

    /// What to say of it unless it surely is held. Asks nobody.
    fn check(&self) -> Result<(), Error>;

    /// Waits until it is not held any more.
    fn lost(&self) -> Op<()>;
}

impl Losable for Lock {
    fn path(&self) -> &str {
        self.path()
    }

    fn check(&self) -> Result<(), Error> {
        self.check()
    }

    fn lost(&self) -> Op<()> {
        self.lost()
    }
}

impl Losable for Leader {
    fn path(&self) -> &str {
        self.path()
    }

    fn check(&self) -> Result<(), Error> {
        self.check()
    }

    fn lost(&self) -> Op<()> {
        self.lost()
    }
}

impl Losable for Entered {
    fn path(&self) -> &str {
        self.path()
    }

    fn check(&self) -> Result<(), Error> {
        self.check()
    }

    fn lost(&self) -> Op<()> {
        self.lost()
    }
}

/// Something that is held, with the signal of its loss. It is given back when its handle and all its signals are gone.
pub(crate) struct Held<T: ?Sized> {
    watching: OnceLock<Watching>,
    pub bridge: T,
}

/// A wait for the loss, in the background. It must end before what it waits for can be given back.
struct Watching(Running);

impl Drop for Watching {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

impl<T> Held<T> {
    pub fn new(bridge: T) -> Arc<Held<T>> {
        Arc::new(Held { watching: OnceLock::new(), bridge })
    }
}

impl<T: Losable + ?Sized> Held<T> {
    /// Whether it is known not to be held any more.
    pub fn is_lost(&self) -> bool {
        self.bridge.check().is_err()
    }

    /// Raises unless it surely is held.
    pub fn check(&self, py: Python<'_>) -> PyResult<()> {
        entry("check", || self.bridge.check().map_err(|error| raised(py, &error)))
    }

    /// The same; and from now on somebody waits for it.
    pub fn watch(&self) -> bool {
        // A child of a fork ends here, and touches nothing of its parent's.
        if self.is_lost() {
            return true;
        }
        // That it ends changes what is known of it.
        self.watching.get_or_init(|| Watching(self.bridge.lost().spawn(drop)));
        self.is_lost()
    }
}

/// The end of a block: what gives it back. What the block raised goes before what this would raise.
pub(crate) fn end_block(py: Python<'_>, op: Op<()>, raised: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
    match (block(py, op), raised) {
        (Err(error), Some(raised)) => types(py)?.both.call1(py, (raised, error)).map(drop),
        (result, _) => result,
    }
}

/// The lock, or the leader, on which a write depends.
pub(crate) struct FencedBy(pub Fence);

impl<'a, 'py> FromPyObject<'a, 'py> for FencedBy {
    type Error = PyErr;

    fn extract(given: Borrowed<'a, 'py, PyAny>) -> PyResult<FencedBy> {
        let fence = if let Ok(lock) = given.cast::<lock::Lock>() {
            lock.get().fence()
        } else if let Ok(leader) = given.cast::<leader::Leader>() {
            leader.get().fence()
        } else {
            let class = given.get_type().name()?;
            return Err(PyTypeError::new_err(format!("a fence is a Lock or a Leader, not {class}")));
        };
        fence.map(FencedBy).map_err(|error| raised(given.py(), &error))
    }
}
