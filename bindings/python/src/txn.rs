//! `doozer.Txn`: several changes at once, under conditions.

use std::sync::Mutex;

use doozer_bridge::{Client, Txn as Bridge};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;

use crate::arguments::{Limit, Value, limited};
use crate::errors::entry;
use crate::held::FencedBy;
use crate::results::plain;
use crate::waiting::{Waiting, locked};

/// A transaction, made by a client's `txn`: what must hold, and what is then done, all of it or nothing. Up to 128 conditions
/// and changes together.
///
/// Conditions look at the files as they are before; a change sees what the changes before it did. Parts are counted from 1,
/// conditions and changes each. Each method but `commit` adds one and returns the transaction.
#[pyclass(frozen, weakref, module = "doozer")]
pub(crate) struct Txn {
    client: Client,
    parts: Mutex<Bridge>,
    waiting: Waiting,
}

impl Txn {
    pub fn new(client: Client, waiting: Waiting) -> Txn {
        Txn { client, parts: Mutex::default(), waiting }
    }

    fn add(&self, add: impl FnOnce(Bridge) -> Bridge) {
        let mut parts = locked(&self.parts);
        *parts = add(std::mem::take(&mut parts));
    }
}

/// A method that adds a part.
fn adding(txn: Py<Txn>, add: impl FnOnce(Bridge) -> Bridge) -> PyResult<Py<Txn>> {
    entry("txn", || {
        txn.get().add(add);
        Ok(txn)
    })
}

#[pymethods]
impl Txn {
    /// Only if the file's revision is this one; 0: nothing is there.
    fn if_rev(slf: Py<Txn>, path: PyBackedStr, rev: i64) -> PyResult<Py<Txn>> {
        adding(slf, |txn| txn.if_rev(&path, rev))
    }

    /// Only if the file holds this value.
    fn if_value(slf: Py<Txn>, path: PyBackedStr, value: Value) -> PyResult<Py<Txn>> {
        adding(slf, |txn| txn.if_value(&path, value.0))
    }

    /// Only if nothing is there, no directory either.
    fn if_absent(slf: Py<Txn>, path: PyBackedStr) -> PyResult<Py<Txn>> {
        adding(slf, |txn| txn.if_absent(&path))
    }

    /// Only if the file is held with this fencing token, such as a lock's `rev`.
    fn if_fence(slf: Py<Txn>, path: PyBackedStr, token: i64) -> PyResult<Py<Txn>> {
        adding(slf, |txn| txn.if_fence(&path, token))
    }

    /// Only while a Lock is held, or a Leader leads.
    fn fence(slf: Py<Txn>, held: FencedBy) -> PyResult<Py<Txn>> {
        adding(slf, |txn| txn.if_fence(&held.0.path, held.0.token))
    }

    /// Writes a file, by the rule of a client's `set`.
    fn set(slf: Py<Txn>, path: PyBackedStr, value: Value, rev: i64) -> PyResult<Py<Txn>> {
        adding(slf, |txn| txn.set(&path, value.0, rev))
    }

    /// Writes a file that goes when the client's session ends.
    fn set_ephemeral(slf: Py<Txn>, path: PyBackedStr, value: Value, rev: i64) -> PyResult<Py<Txn>> {
        adding(slf, |txn| txn.set_ephemeral(&path, value.0, rev))
    }

    /// Deletes a file, by the rule of a client's `del_`.
    fn del_(slf: Py<Txn>, path: PyBackedStr, rev: i64) -> PyResult<Py<Txn>> {
        adding(slf, |txn| txn.del(&path, rev))
    }

    /// Makes all changes, or none. Called again, it does the same again.
    ///
    /// Returns a list with the revision that each change made, in their order; None for the deletion of a file that was not
    /// there. Raises CompareFailed if a condition does not hold, and what a change by itself would raise: `part` of the error
    /// says which, as ("compare", 2) or ("operation", 1).
    #[pyo3(signature = (*, timeout=None))]
    fn commit(&self, py: Python<'_>, timeout: Option<Limit>) -> PyResult<Py<PyAny>> {
        entry("txn", || {
            let txn = locked(&self.parts).clone();
            self.waiting.wait(py, self.client.txn(txn, limited(timeout)), plain)
        })
    }
}
