//! `doozer.Lost`: the signal that something is not held any more.

use std::sync::Arc;

use doozer_bridge::ErrorKind;
use pyo3::prelude::*;

use crate::arguments::Limit;
use crate::errors::{entry, raised};
use crate::held::{Held, Losable};
use crate::results::plain;
use crate::waiting::{Waiting, attend, within};

/// Whether a lock, a leader or a place behind a barrier is lost: like a `threading.Event` that is set from then on. It is
/// set in time, before the cluster can give to another what it stands for, unless this process stood still; and also once
/// that was given back.
///
/// For as long as there is one of these, what it stands for is not given back by being collected.
#[pyclass(frozen, weakref, module = "doozer")]
pub(crate) struct Lost {
    held: Arc<Held<dyn Losable>>,
    waiting: Waiting,
}

impl Lost {
    pub fn new(held: Arc<Held<dyn Losable>>, waiting: Waiting) -> Lost {
        Lost { held, waiting }
    }
}

#[pymethods]
impl Lost {
    /// Whether it is lost. It never waits. From the first call on the file is watched in the background: only so is it known
    /// that somebody deleted or overwrote it.
    fn is_set(&self) -> PyResult<bool> {
        entry("lost", || Ok(self.held.watch()))
    }

    /// Waits until it is lost. Returns True then, and False once `timeout`, in seconds, is over; without it there is no
    /// limit. Raises Forked in the child of a fork.
    #[pyo3(signature = (timeout=None))]
    fn wait(&self, py: Python<'_>, timeout: Option<Limit>) -> PyResult<Py<PyAny>> {
        entry("lost", || {
            let op = within(self.held.bridge.lost(), timeout);
            if self.waiting == Waiting::Later {
                return self.waiting.wait(py, op, |py, ()| plain(py, true));
            }
            match attend(py, op)? {
                Ok(()) => plain(py, true),
                Err(error) if error.kind() == ErrorKind::Timeout => plain(py, false),
                Err(error) => Err(raised(py, &error)),
            }
        })
    }

    fn __repr__(&self) -> String {
        let set = if self.held.is_lost() { ", set" } else { "" };
        format!("<doozer.Lost {}{set}>", self.held.bridge.path())
    }
}
