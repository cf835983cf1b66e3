//! `doozer.Entered`: who went through a barrier.

use std::sync::Arc;
use std::time::Duration;

use doozer_bridge::Entered as Bridge;
use pyo3::prelude::*;

use crate::arguments::Limit;
use crate::errors::entry;
use crate::held::{Held, end_block};
use crate::lost::Lost;
use crate::results::nothing;
use crate::waiting::{Waiting, within};

/// Who went through a barrier. A `with` block leaves at its end; collected, it has left.
///
/// In the child of a fork nothing happens to it: it is the parent's.
#[pyclass(frozen, weakref, module = "doozer")]
pub(crate) struct Entered {
    held: Arc<Held<Bridge>>,
    waiting: Waiting,
}

impl Entered {
    pub fn new(bridge: Bridge, waiting: Waiting) -> Entered {
        Entered { held: Held::new(bridge), waiting }
    }
}

#[pymethods]
impl Entered {
    /// The barrier's directory.
    #[getter]
    fn path(&self) -> &str {
        self.held.bridge.path()
    }

    /// Whether it surely counts as inside: false once it has left, or its session may have ended, and in the child of a fork.
    /// Asks nobody: that somebody deleted its file is known only while `lost` is asked.
    #[getter]
    fn is_inside(&self) -> bool {
        !self.held.is_lost()
    }

    /// Raises LockLost unless it surely is inside, as `is_inside` has it; Forked in the child of a fork. Asks nobody.
    fn check(&self, py: Python<'_>) -> PyResult<()> {
        self.held.check(py)
    }

    /// The signal that it counts as having left, though it did not leave.
    #[getter]
    fn lost(&self) -> Lost {
        Lost::new(self.held.clone(), self.waiting)
    }

    /// Leaves, and waits until all who entered together have left; without `timeout` it has no limit. Raises LockLost if it
    /// counted as having left before. Given up, it leaves in the background, and may be called again to wait for the others.
    #[pyo3(signature = (*, timeout=None))]
    fn leave(&self, py: Python<'_>, timeout: Option<Limit>) -> PyResult<Py<PyAny>> {
        entry("leave", || self.waiting.wait(py, within(self.held.bridge.leave(), timeout), nothing))
    }

    /// Leaves in the background, whatever comes of it.
    fn _depart(&self) -> PyResult<()> {
        entry("leave", || {
            // Its first step begins what then goes on by itself.
            drop(self.held.bridge.leave().poll_for(Some(Duration::ZERO)));
            Ok(())
        })
    }

    /// Whether nothing is left to be done.
    #[getter]
    fn _is_over(&self) -> bool {
        self.held.bridge.is_over()
    }

    fn __enter__(slf: Py<Entered>) -> Py<Entered> {
        slf
    }

    /// Leaves, unless that was done, and waits for the others; not if the block raised something, which is not to wait.
    fn __exit__(
        &self,
        py: Python<'_>,
        _class: &Bound<'_, PyAny>,
        raised: Option<&Bound<'_, PyAny>>,
        _traceback: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        entry("leave", || match (self._is_over(), raised) {
            (true, _) => Ok(()),
            (false, None) => end_block(py, self.held.bridge.leave(), None),
            (false, Some(_)) => self._depart(),
        })
    }

    fn __repr__(&self) -> String {
        let inside = if self.is_inside() { "" } else { ", not inside" };
        format!("<doozer.Entered {}{inside}>", self.path())
    }
}
