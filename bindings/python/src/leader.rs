//! `doozer.Leader`: who was elected.

use std::sync::Arc;

use doozer_bridge::{Error, Fence, Leader as Bridge};
use pyo3::prelude::*;

use crate::arguments::{Limit, Value};
use crate::errors::entry;
use crate::held::{Held, end_block};
use crate::lost::Lost;
use crate::results::{nothing, plain};
use crate::waiting::{Waiting, within};

/// Who was elected. A `with` block resigns at its end; collected, it resigns in the background.
///
/// In the child of a fork nothing happens to it: it is the parent's.
#[pyclass(frozen, weakref, module = "doozer")]
pub(crate) struct Leader {
    held: Arc<Held<Bridge>>,
    waiting: Waiting,
}

impl Leader {
    pub fn new(bridge: Bridge, waiting: Waiting) -> Leader {
        Leader { held: Held::new(bridge), waiting }
    }

    pub fn fence(&self) -> Result<Fence, Error> {
        self.held.bridge.fence()
    }
}

#[pymethods]
impl Leader {
    /// The file of the election.
    #[getter]
    fn path(&self) -> &str {
        self.held.bridge.path()
    }

    /// The fencing token: greater for each leader than for the one before, and the same however often it proclaims.
    #[getter]
    fn token(&self) -> i64 {
        self.held.bridge.token()
    }

    /// Whether it surely leads: false once it has resigned, or was found deposed, or its session may have ended, and in the
    /// child of a fork. Asks nobody: that somebody deleted or overwrote the file is known only while `lost` is asked.
    #[getter]
    fn is_leading(&self) -> bool {
        !self.held.is_lost()
    }

    /// The signal that it does not lead any more.
    #[getter]
    fn lost(&self) -> Lost {
        Lost::new(self.held.clone(), self.waiting)
    }

    /// Raises LockLost unless it surely leads, as `is_leading` has it; Forked in the child of a fork. Asks nobody.
    fn check(&self, py: Python<'_>) -> PyResult<()> {
        self.held.check(py)
    }

    /// Says something else from now on; the token stays.
    ///
    /// Returns the revision of that. Raises LockLost if it does not lead any more, Closed if it has resigned.
    #[pyo3(signature = (value, *, timeout=None))]
    fn proclaim(&self, py: Python<'_>, value: Value, timeout: Option<Limit>) -> PyResult<Py<PyAny>> {
        entry("proclaim", || {
            let op = self.held.bridge.proclaim(value.0.into());
            self.waiting.wait(py, within(op, timeout), plain)
        })
    }

    /// Leads no longer; the next candidate does. Raises LockLost if it did not lead any more, Closed if it has resigned
    /// before. After another error it may be called again.
    #[pyo3(signature = (*, timeout=None))]
    fn resign(&self, py: Python<'_>, timeout: Option<Limit>) -> PyResult<Py<PyAny>> {
        entry("resign", || self.waiting.wait(py, within(self.held.bridge.resign(), timeout), nothing))
    }

    /// Whether nothing is left to be given back.
    #[getter]
    fn _is_over(&self) -> bool {
        self.held.bridge.is_over()
    }

    fn __enter__(slf: Py<Leader>) -> Py<Leader> {
        slf
    }

    /// Resigns, unless that was done. What the block raised goes before what this would raise.
    fn __exit__(
        &self,
        py: Python<'_>,
        _class: &Bound<'_, PyAny>,
        raised: Option<&Bound<'_, PyAny>>,
        _traceback: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        entry("resign", || match self._is_over() {
            true => Ok(()),
            false => end_block(py, self.held.bridge.resign(), raised),
        })
    }

    fn __repr__(&self) -> String {
        let leading = if self.is_leading() { "" } else { ", not leading" };
        format!("<doozer.Leader {} token={}{leading}>", self.path(), self.token())
    }
}
