//! `doozer.Live`: a live map of files.

use std::sync::{Arc, Mutex};

use doozer_bridge::{Error, ErrorKind, Files, Live as Bridge, Next};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::arguments::Limit;
use crate::errors::{entry, raised};
use crate::results::{self, nothing};
use crate::waiting::{Waiting, block, locked, within};

/// The files that match a glob, kept current in the background: an iterator of what they are after each change.
///
/// Closed or collected, it is taken back from the member. It belongs to the process that made it.
#[pyclass(frozen, weakref, module = "doozer")]
pub(crate) struct Live {
    bridge: Bridge,
    made: Made,
    waiting: Waiting,
}

/// The last files that were made into a dict.
#[derive(Default)]
struct Made(Mutex<Option<Last>>);

struct Last {
    files: Files,
    dict: Py<PyDict>,
}

impl Made {
    /// A dict of the caller's own. What is in it is made once for each change.
    fn dict(&self, py: Python<'_>, files: Files) -> PyResult<Py<PyAny>> {
        let dict = match self.known(py, &files) {
            Some(dict) => dict,
            None => {
                let dict = results::files(py, &files)?;
                self.swap(Last { files, dict: dict.clone_ref(py) });
                dict
            }
        };
        Ok(dict.bind(py).copy()?.into_any().unbind())
    }

    fn known(&self, py: Python<'_>, files: &Files) -> Option<Py<PyDict>> {
        let made = locked(&self.0);
        made.as_ref().filter(|last| Arc::ptr_eq(&last.files, files)).map(|last| last.dict.clone_ref(py))
    }

    /// Nothing of Python's is dropped, or made, with the lock held.
    fn swap(&self, last: Last) {
        let before = locked(&self.0).replace(last);
        drop(before);
    }
}

impl Live {
    pub fn new(bridge: Bridge, waiting: Waiting) -> Live {
        Live { bridge, made: Made::default(), waiting }
    }

    fn closed(&self, py: Python<'_>) -> PyErr {
        raised(py, &Error::new(ErrorKind::Closed, "discover", Some(self.glob()), "the map was closed"))
    }
}

#[pymethods]
impl Live {
    /// What it is a map of.
    #[getter]
    fn glob(&self) -> &str {
        self.bridge.glob()
    }

    /// The files as they are now, a dict of File(value, rev) by path. Asks nobody: without a connection it is what was known
    /// last.
    #[getter]
    fn files(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        entry("discover", || match self.bridge.files() {
            Ok(files) => self.made.dict(py, files),
            Err(error) => Err(raised(py, &error)),
        })
    }

    /// Waits until something has changed since the last call, or since the map was made, and gives the files as `files`
    /// does. Raises Timeout if nothing does in time, and loses nothing; without `timeout` it has no limit. Raises Closed
    /// once it is.
    #[pyo3(signature = (*, timeout=None))]
    fn changed(&self, py: Python<'_>, timeout: Option<Limit>) -> PyResult<Py<PyAny>> {
        entry("discover", || match block(py, within(self.bridge.changed(), timeout))? {
            Some(files) => self.made.dict(py, files),
            None => Err(self.closed(py)),
        })
    }

    /// For event loops: the files, if a change has come that was not taken, or else None. Raises Closed once it is.
    fn _take(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        entry("discover", || match self.bridge.take() {
            Ok(Next::Item(files)) => self.made.dict(py, files).map(Some),
            Ok(Next::NotYet) => Ok(None),
            Ok(Next::End) => Err(self.closed(py)),
            Err(error) => Err(raised(py, &error)),
        })
    }

    /// Likewise: a `Call` that ends when `_take` has something to give.
    #[pyo3(signature = (*, timeout=None))]
    fn _ready(&self, py: Python<'_>, timeout: Option<Limit>) -> PyResult<Py<PyAny>> {
        entry("discover", || self.waiting.wait(py, within(self.bridge.ready(), timeout), nothing))
    }

    /// Ends it: whoever waits for a change wakes up, and the files stay as they are. Again, it does nothing.
    fn close(&self) -> PyResult<()> {
        entry("close", || {
            self.bridge.close();
            Ok(())
        })
    }

    /// Whether it was closed.
    #[getter]
    fn is_closed(&self) -> bool {
        self.bridge.is_closed()
    }

    fn __iter__(slf: Py<Live>) -> Py<Live> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        entry("discover", || {
            block(py, self.bridge.changed())?.map(|files| self.made.dict(py, files)).transpose()
        })
    }

    fn __enter__(slf: Py<Live>) -> Py<Live> {
        slf
    }

    #[pyo3(signature = (*_raised))]
    fn __exit__(&self, _raised: &Bound<'_, PyAny>) -> PyResult<()> {
        self.close()
    }

    fn __repr__(&self) -> String {
        let closed = if self.is_closed() { ", closed" } else { "" };
        format!("<doozer.Live {}{closed}>", self.glob())
    }
}
