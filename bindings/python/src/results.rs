//! What calls give, as Python's values: named tuples of `doozer._types`, integers, bytes.

use std::collections::BTreeMap;

use doozer_bridge::{Change, Entry, Event, File, LocalFile, Stat};
use pyo3::IntoPyObjectExt;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyTuple, PyType};

/// What of the package's Python part is made here.
pub(crate) struct Types {
    /// `tuple.__new__`: it makes a named tuple faster than the named tuple's own class does.
    new_tuple: Py<PyAny>,
    file: Py<PyAny>,
    event: Py<PyAny>,
    entry: Py<PyAny>,
    stat: Py<PyAny>,
    /// The exception of each number.
    pub errors: Py<PyDict>,
    /// What the end of a block does with two exceptions at once.
    pub both: Py<PyAny>,
}

pub(crate) fn types(py: Python<'_>) -> PyResult<&'static Types> {
    static TYPES: PyOnceLock<Types> = PyOnceLock::new();
    TYPES.get_or_try_init(py, || {
        let types = py.import("doozer._types")?;
        Ok(Types {
            new_tuple: py.get_type::<PyTuple>().getattr("__new__")?.unbind(),
            file: types.getattr("File")?.unbind(),
            event: types.getattr("Event")?.unbind(),
            entry: types.getattr("Entry")?.unbind(),
            stat: types.getattr("Stat")?.unbind(),
            errors: py.import("doozer._errors")?.getattr("BY_NUMBER")?.cast_into()?.unbind(),
            both: py.import("doozer._base")?.getattr("both")?.unbind(),
        })
    })
}

fn named<'py>(
    py: Python<'py>,
    class: fn(&Types) -> &Py<PyAny>,
    parts: impl IntoPyObject<'py, Target = PyTuple, Output = Bound<'py, PyTuple>, Error = PyErr>,
) -> PyResult<Py<PyAny>> {
    let types = types(py)?;
    types.new_tuple.call1(py, (class(types), parts.into_pyobject(py)?))
}

fn bytes<'py>(py: Python<'py>, value: Option<&[u8]>) -> Option<Bound<'py, PyBytes>> {
    value.map(|value| PyBytes::new(py, value))
}

pub(crate) fn file(py: Python<'_>, file: File) -> PyResult<Py<PyAny>> {
    named(py, |types| &types.file, (bytes(py, file.value.as_deref()), file.rev))
}

/// Files by their paths, as a dict.
pub(crate) fn files(py: Python<'_>, files: &BTreeMap<String, File>) -> PyResult<Py<PyDict>> {
    let dict = PyDict::new(py);
    for (path, known) in files {
        dict.set_item(path, file(py, known.clone())?)?;
    }
    Ok(dict.unbind())
}

pub(crate) fn local_file(py: Python<'_>, file: LocalFile) -> PyResult<Py<PyAny>> {
    named(py, |types| &types.file, (bytes(py, file.value.as_deref()), file.rev))
}

pub(crate) fn event(py: Python<'_>, event: Event) -> PyResult<Py<PyAny>> {
    let kind = match event.kind {
        Change::Set => intern!(py, "set"),
        Change::Del => intern!(py, "del"),
    };
    named(py, |types| &types.event, (event.path, PyBytes::new(py, &event.value), event.rev, kind))
}

pub(crate) fn entry(py: Python<'_>, entry: Entry) -> PyResult<Py<PyAny>> {
    named(py, |types| &types.entry, (entry.path, bytes(py, entry.value.as_deref()), entry.rev, entry.len))
}

pub(crate) fn entries(py: Python<'_>, entries: Vec<Entry>) -> PyResult<Py<PyAny>> {
    let entries: PyResult<Vec<_>> = entries.into_iter().map(|it| entry(py, it)).collect();
    plain(py, entries?)
}

pub(crate) fn stat(py: Python<'_>, stat: Stat) -> PyResult<Py<PyAny>> {
    named(py, |types| &types.stat, (stat.len, stat.rev))
}

/// What Python has a type of its own for.
pub(crate) fn plain<T: for<'py> IntoPyObject<'py>>(py: Python<'_>, value: T) -> PyResult<Py<PyAny>> {
    value.into_py_any(py)
}

/// What gives nothing.
pub(crate) fn nothing(py: Python<'_>, (): ()) -> PyResult<Py<PyAny>> {
    Ok(py.None())
}

/// What a class gives with something in brackets behind it, as annotations have it.
pub(crate) fn generic(class: &Bound<'_, PyType>, item: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
    let alias = class.py().import("types")?.getattr("GenericAlias")?;
    Ok(alias.call1((class, item))?.unbind())
}
