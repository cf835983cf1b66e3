//! `doozer.Lock`: a lock that is held.

use doozer_bridge::Lock as Bridge;
use pyo3::prelude::*;

use crate::arguments::Limit;
use crate::errors::entry;
use crate::results::{nothing, types};
use crate::waiting::{Waiting, block};

/// A lock that is held. A `with` block gives it back at its end; collected, it is given back in the background.
///
/// In the child of a fork nothing happens to it: it is the parent's.
#[pyclass(frozen, weakref, module = "doozer")]
pub(crate) struct Lock {
    bridge: Bridge,
    waiting: Waiting,
}

impl Lock {
    pub fn new(bridge: Bridge, waiting: Waiting) -> Lock {
        Lock { bridge, waiting }
    }

    fn unlocking(&self, timeout: Option<Limit>) -> doozer_bridge::Op<()> {
        match timeout.and_then(Limit::duration) {
            Some(limit) => self.bridge.unlock().with_limit(limit),
            None => self.bridge.unlock(),
        }
    }
}

#[pymethods]
impl Lock {
    /// The lock's file.
    #[getter]
    fn path(&self) -> &str {
        self.bridge.path()
    }

    /// The fencing token: the revision of the lock's file, which grows from holder to holder.
    #[getter]
    fn rev(&self) -> i64 {
        self.bridge.rev()
    }

    /// Whether it is still to be given back: false once it was, or was found lost, and in the child of a fork.
    #[getter]
    fn is_held(&self) -> bool {
        self.bridge.is_held()
    }

    /// Gives it back. Raises LockLost if it was somebody else's by then, Closed if it was given back before. After
    /// another error it may be called again.
    #[pyo3(signature = (*, timeout=None))]
    fn unlock(&self, py: Python<'_>, timeout: Option<Limit>) -> PyResult<Py<PyAny>> {
        entry("unlock", || self.waiting.wait(py, self.unlocking(timeout), nothing))
    }

    fn __enter__(slf: Py<Lock>) -> Py<Lock> {
        slf
    }

    /// Gives it back, unless that was done. What the block raised goes before what this would raise.
    fn __exit__(
        &self,
        py: Python<'_>,
        _class: &Bound<'_, PyAny>,
        raised: Option<&Bound<'_, PyAny>>,
        _traceback: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        entry("unlock", || {
            if !self.bridge.is_held() {
                return Ok(());
            }
            match (block(py, self.unlocking(None)), raised) {
                (Err(error), Some(raised)) => types(py)?.both.call1(py, (raised, error)).map(drop),
                (result, _) => result,
            }
        })
    }

    fn __repr__(&self) -> String {
        let held = if self.is_held() { "" } else { ", not held" };
        format!("<doozer.Lock {} rev={}{held}>", self.path(), self.rev())
    }
}
