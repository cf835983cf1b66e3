//! `doozer.Registration`: a service that was registered.

use doozer_bridge::Registration as Bridge;
use pyo3::prelude::*;

use crate::arguments::Limit;
use crate::errors::entry;
use crate::held::end_block;
use crate::results::nothing;
use crate::waiting::{Waiting, within};

/// A file that is there for as long as this is. A `with` block takes it back at its end; collected, it is taken back in the
/// background.
///
/// In the child of a fork nothing happens to it: it is the parent's.
#[pyclass(frozen, weakref, module = "doozer")]
pub(crate) struct Registration {
    bridge: Bridge,
    waiting: Waiting,
}

impl Registration {
    pub fn new(bridge: Bridge, waiting: Waiting) -> Registration {
        Registration { bridge, waiting }
    }
}

#[pymethods]
impl Registration {
    /// The file's path.
    #[getter]
    fn path(&self) -> &str {
        self.bridge.path()
    }

    /// The file's revision; None while it may be gone with a session that was lost, until it is written again; also once it
    /// was taken back, and in the child of a fork. Asks nobody.
    #[getter]
    fn rev(&self) -> Option<i64> {
        self.bridge.rev()
    }

    /// Takes it back: then the file is gone, or is somebody else's. Raises Closed if that was done before. Given up, it goes
    /// on in the background.
    #[pyo3(signature = (*, timeout=None))]
    fn deregister(&self, py: Python<'_>, timeout: Option<Limit>) -> PyResult<Py<PyAny>> {
        entry("deregister", || self.waiting.wait(py, within(self.bridge.deregister(), timeout), nothing))
    }

    /// Whether nothing is left to be taken back.
    #[getter]
    fn _is_over(&self) -> bool {
        self.bridge.is_over()
    }

    fn __enter__(slf: Py<Registration>) -> Py<Registration> {
        slf
    }

    /// Takes it back, unless that was done. What the block raised goes before what this would raise.
    fn __exit__(
        &self,
        py: Python<'_>,
        _class: &Bound<'_, PyAny>,
        raised: Option<&Bound<'_, PyAny>>,
        _traceback: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        entry("deregister", || match self._is_over() {
            true => Ok(()),
            false => end_block(py, self.bridge.deregister(), raised),
        })
    }

    fn __repr__(&self) -> String {
        let there = match self.rev() {
            Some(rev) => format!(" rev={rev}"),
            None if self._is_over() => ", taken back".to_owned(),
            None => ", not there".to_owned(),
        };
        format!("<doozer.Registration {}{there}>", self.path())
    }
}
