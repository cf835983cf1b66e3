//! `doozer.Lock`: a lock that is held.

use std::sync::Arc;

use doozer_bridge::{Error, Fence, Lock as Bridge};
use pyo3::prelude::*;

use crate::arguments::Limit;
use crate::errors::entry;
use crate::held::{Held, end_block};
use crate::lost::Lost;
use crate::results::nothing;
use crate::waiting::{Waiting, within};

/// A lock that is held. A `with` block gives it back at its end; collected, it is given back in the background.
///
/// In the child of a fork nothing happens to it: it is the parent's.
#[pyclass(frozen, weakref, module = "doozer")]
pub(crate) struct Lock {
    held: Arc<Held<Bridge>>,
    waiting: Waiting,
}

impl Lock {
    pub fn new(bridge: Bridge, waiting: Waiting) -> Lock {
        Lock { held: Held::new(bridge), waiting }
    }

    pub fn fence(&self) -> Result<Fence, Error> {
        self.held.bridge.fence()
    }
}

#[pymethods]
impl Lock {
    /// The lock's file.
    #[getter]
    fn path(&self) -> &str {
        self.held.bridge.path()
    }

    /// The fencing token: the revision of the lock's file, which grows from holder to holder.
    #[getter]
    fn rev(&self) -> i64 {
        self.held.bridge.rev()
    }

    /// Whether it surely is held: false once it was given back, or was found lost, or its session may have ended, and in the
    /// child of a fork. Asks nobody: that somebody deleted or overwrote the file is known only while `lost` is asked.
    #[getter]
    fn is_held(&self) -> bool {
        !self.held.is_lost()
    }

    /// For how many seconds it surely is held, if it is not given back and nobody deletes or overwrites its file; 0.0 once
    /// it is not. Asks nobody.
    #[getter]
    fn valid_for(&self) -> f64 {
        self.held.bridge.valid_for().as_secs_f64()
    }

    /// The signal that it is not held any more.
    #[getter]
    fn lost(&self) -> Lost {
        Lost::new(self.held.clone(), self.waiting)
    }

    /// Raises LockLost unless it surely is held, as `is_held` has it; Forked in the child of a fork. Asks nobody.
    fn check(&self, py: Python<'_>) -> PyResult<()> {
        self.held.check(py)
    }

    /// Gives it back. Raises LockLost if it was somebody else's by then, Closed if it was given back before. After
    /// another error it may be called again.
    #[pyo3(signature = (*, timeout=None))]
    fn unlock(&self, py: Python<'_>, timeout: Option<Limit>) -> PyResult<Py<PyAny>> {
        entry("unlock", || self.waiting.wait(py, within(self.held.bridge.unlock(), timeout), nothing))
    }

    /// Whether nothing is left to be given back.
    #[getter]
    fn _is_over(&self) -> bool {
        self.held.bridge.is_over()
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
        entry("unlock", || match self._is_over() {
            true => Ok(()),
            false => end_block(py, self.held.bridge.unlock(), raised),
        })
    }

    fn __repr__(&self) -> String {
        let held = if self.is_held() { "" } else { ", not held" };
        format!("<doozer.Lock {} rev={}{held}>", self.path(), self.rev())
    }
}
