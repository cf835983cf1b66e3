//! Errors as Python's exceptions, and the boundary no panic crosses.

use doozer_bridge::{Error, FailedPart, guard};
use pyo3::prelude::*;

use crate::results;

/// What every entry point goes through: a panic becomes a `doozer.Panic`.
pub(crate) fn entry<T>(op: &'static str, work: impl FnOnce() -> PyResult<T>) -> PyResult<T> {
    match guard(op, || Ok(work())) {
        Ok(result) => result,
        Err(error) => Err(Python::attach(|py| raised(py, &error))),
    }
}

/// The exception that an error is raised as.
pub(crate) fn raised(py: Python<'_>, error: &Error) -> PyErr {
    let exception = results::types(py).and_then(|types| {
        let class = types.errors.bind(py).as_any().get_item(error.kind().number())?;
        let part = error.failed_part().map(|part| match part {
            FailedPart::Compare(number) => ("compare", number),
            FailedPart::Op(number) => ("operation", number),
        });
        let said = (error.to_string(), error.op(), error.path(), error.detail(), error.is_retryable(), part);
        class.call1(said)
    });
    exception.map_or_else(|error| error, PyErr::from_value)
}
