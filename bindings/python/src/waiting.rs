//! Waiting for calls in Python's ways: on the thread that calls, without the interpreter and with an ear for signals;
//! or in an event loop, which is told by a file descriptor.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use doozer_bridge::{Completions, Error, ErrorKind, Op, Running};
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::PyType;

use crate::arguments::Limit;
use crate::errors::{entry, raised};
use crate::results::generic;

/// How often the main thread looks for signals while it waits.
const PIECE: Duration = Duration::from_millis(50);

/// The same for other threads, which hear of none: this is only for those taken for others by mistake.
const PIECE_ELSEWHERE: Duration = Duration::from_secs(1);

/// A call's result, to be made into Python's value when the interpreter is there.
pub(crate) type Answer = Box<dyn FnOnce(Python<'_>) -> PyResult<Py<PyAny>> + Send>;

/// How a call ended: its number, and a value or an exception.
type Ended = (u64, Option<Py<PyAny>>, Option<PyErr>);

/// What the calls of a handle do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waiting {
    /// They wait on their thread, and give what the call gives.
    Here,
    /// They give a `Call`, for an event loop to submit.
    Later,
}

impl Waiting {
    pub fn wait<T: Send + 'static>(
        self,
        py: Python<'_>,
        op: Op<T>,
        convert: impl FnOnce(Python<'_>, T) -> PyResult<Py<PyAny>> + Send + 'static,
    ) -> PyResult<Py<PyAny>> {
        match self {
            Waiting::Here => convert(py, block(py, op)?),
            Waiting::Later => {
                let op = op.map(|value| Box::new(|py: Python<'_>| convert(py, value)) as Answer);
                Call(Mutex::new(Stage::Made(op))).into_py_any(py)
            }
        }
    }

    /// The same for what often is there at once, as from an embedded member: then it is given at once, either way, and
    /// other threads have no turn in between.
    pub fn wait_briefly<T: Send + 'static>(
        self,
        py: Python<'_>,
        mut op: Op<T>,
        convert: impl FnOnce(Python<'_>, T) -> PyResult<Py<PyAny>> + Send + 'static,
    ) -> PyResult<Py<PyAny>> {
        match op.poll_for(Some(Duration::ZERO)) {
            Some(Ok(value)) => convert(py, value),
            Some(Err(error)) => Err(raised(py, &error)),
            None => self.wait(py, op, convert),
        }
    }
}

/// Waits on this thread. What a signal's handler raises ends it and drops the call, which takes it back.
pub(crate) fn block<T: Send + 'static>(py: Python<'_>, op: Op<T>) -> PyResult<T> {
    attend(py, op)?.map_err(|error| raised(py, &error))
}

/// The same, with the call's own error as it is: whatever a handler raises is none of those.
pub(crate) fn attend<T: Send + 'static>(py: Python<'_>, mut op: Op<T>) -> PyResult<Result<T, Error>> {
    let mut piece = PIECE;
    loop {
        if let Some(result) = py.detach(|| op.poll_for(Some(piece))) {
            return Ok(result);
        }
        py.check_signals()?;
        if piece == PIECE && !is_main_thread(py)? {
            piece = PIECE_ELSEWHERE;
        }
    }
}

/// A call that has no time limit of its own, with the one it is given, if any.
pub(crate) fn within<T: Send + 'static>(op: Op<T>, timeout: Option<Limit>) -> Op<T> {
    match timeout.and_then(Limit::duration) {
        Some(limit) => op.with_limit(limit),
        None => op,
    }
}

fn is_main_thread(py: Python<'_>) -> PyResult<bool> {
    let threading = py.import("threading")?;
    let main = threading.call_method0("main_thread")?.getattr("ident")?;
    main.eq(threading.call_method0("get_ident")?)
}

/// A call that an event loop waits for. Collected, it is cancelled.
#[pyclass(frozen, module = "doozer._native")]
pub(crate) struct Call(Mutex<Stage>);

enum Stage {
    Made(Op<Answer>),
    Submitted(Running),
    Over,
}

#[pymethods]
impl Call {
    /// Begins the call. Its end comes with `calls`, under that number.
    #[pyo3(signature = (calls, number, /))]
    fn submit(&self, calls: &Calls, number: u64) -> PyResult<()> {
        entry("wait", || {
            let mut stage = locked(&self.0);
            if let Stage::Made(op) = std::mem::replace(&mut *stage, Stage::Over) {
                *stage = Stage::Submitted(calls.0.submit(op, number));
            }
            Ok(())
        })
    }

    /// `Call[File]` in annotations.
    #[classmethod]
    fn __class_getitem__(cls: &Bound<'_, PyType>, item: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        entry("wait", || generic(cls, item))
    }

    /// Takes it back, unless it has ended.
    fn cancel(&self) -> PyResult<()> {
        entry("wait", || {
            self.end();
            Ok(())
        })
    }
}

impl Call {
    fn end(&self) {
        if let Stage::Submitted(running) = std::mem::replace(&mut *locked(&self.0), Stage::Over) {
            running.cancel();
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.end();
    }
}

/// Calls that have ended, and a descriptor that is readable while there are some.
#[pyclass(frozen, module = "doozer._native")]
pub(crate) struct Calls(Completions<Answer>);

#[pymethods]
impl Calls {
    #[new]
    fn new(py: Python<'_>) -> PyResult<Calls> {
        entry("wait", || {
            Completions::new().map(Calls).map_err(|error| {
                let detail = format!("no descriptor is left: {error}");
                raised(py, &Error::new(ErrorKind::Io, "wait", None, detail))
            })
        })
    }

    /// To be polled, and nothing else; -1 in the child of a fork.
    #[getter]
    fn fd(&self) -> i32 {
        self.0.fd()
    }

    /// What has ended, in order.
    fn take(&self, py: Python<'_>) -> PyResult<Vec<Ended>> {
        entry("wait", || {
            let ended = self.0.take().into_iter().map(|(number, result)| {
                let answered = result.map_err(|error| raised(py, &error)).and_then(|answer| answer(py));
                match answered {
                    Ok(value) => (number, Some(value), None),
                    Err(error) => (number, None, Some(error)),
                }
            });
            Ok(ended.collect())
        })
    }
}

/// Nothing that holds one of these can panic.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
