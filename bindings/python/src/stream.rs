//! `doozer.Stream`: events, files or entries that come one after another.

use doozer_bridge::{Entry, Event, Feed, File, Next, Op};
use pyo3::exceptions::PyStopIteration;
use pyo3::prelude::*;
use pyo3::types::PyType;

use crate::arguments::Limit;
use crate::errors::{entry, raised};
use crate::results::{self, generic, nothing};
use crate::waiting::{Waiting, block, within};

/// What a client's `watch`, `follow`, `config`, `observe` or `list` gives, one after another: an iterator.
///
/// Closed or collected, it is taken back from the member. It belongs to the process that opened it.
#[pyclass(frozen, weakref, module = "doozer")]
pub(crate) struct Stream {
    items: Items,
    waiting: Waiting,
}

pub(crate) enum Items {
    Events(Feed<Event>),
    Files(Feed<File>),
    Entries(Feed<Entry>),
}

/// One method of all kinds of feeds.
macro_rules! of_each {
    ($items:expr, $feed:ident => $do:expr) => {
        match $items {
            Items::Events($feed) => $do,
            Items::Files($feed) => $do,
            Items::Entries($feed) => $do,
        }
    };
}

impl Stream {
    pub fn new(items: Items, waiting: Waiting) -> Stream {
        Stream { items, waiting }
    }

    fn take(&self, py: Python<'_>) -> PyResult<Next<Py<PyAny>>> {
        match &self.items {
            Items::Events(feed) => taken(py, feed.take(), results::event),
            Items::Files(feed) => taken(py, feed.take(), results::file),
            Items::Entries(feed) => taken(py, feed.take(), results::entry),
        }
    }

    fn ready(&self) -> Op<()> {
        of_each!(&self.items, feed => feed.ready())
    }

    fn end(&self) {
        of_each!(&self.items, feed => feed.close());
    }

    /// The next item, `None` at the end. `limit` is the time limit of the wait, if there has to be one.
    fn advance(&self, py: Python<'_>, limit: Option<Limit>) -> PyResult<Option<Py<PyAny>>> {
        loop {
            match self.take(py)? {
                Next::Item(item) => return Ok(Some(item)),
                Next::End => return Ok(None),
                Next::NotYet => block(py, within(self.ready(), limit))?,
            }
        }
    }
}

fn taken<T>(
    py: Python<'_>,
    taken: Result<Next<T>, doozer_bridge::Error>,
    convert: fn(Python<'_>, T) -> PyResult<Py<PyAny>>,
) -> PyResult<Next<Py<PyAny>>> {
    match taken {
        Ok(Next::Item(item)) => convert(py, item).map(Next::Item),
        Ok(Next::NotYet) => Ok(Next::NotYet),
        Ok(Next::End) => Ok(Next::End),
        Err(error) => Err(raised(py, &error)),
    }
}

#[pymethods]
impl Stream {
    /// The next item. Raises Timeout if it does not come in time, and loses nothing; without `timeout` it has no limit.
    /// Raises StopIteration at the end, as the built-in `next` does.
    #[pyo3(signature = (*, timeout=None))]
    fn next(&self, py: Python<'_>, timeout: Option<Limit>) -> PyResult<Py<PyAny>> {
        entry("next", || self.advance(py, timeout)?.ok_or_else(|| PyStopIteration::new_err(())))
    }

    /// Ends it: nothing more is given, and whoever waits for the next item is at the end.
    fn close(&self) -> PyResult<()> {
        entry("close", || {
            self.end();
            Ok(())
        })
    }

    /// Whether it was closed.
    #[getter]
    fn is_closed(&self) -> bool {
        of_each!(&self.items, feed => feed.is_closed())
    }

    fn __iter__(slf: Py<Stream>) -> Py<Stream> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        entry("next", || self.advance(py, None))
    }

    fn __enter__(slf: Py<Stream>) -> Py<Stream> {
        slf
    }

    #[pyo3(signature = (*_raised))]
    fn __exit__(&self, _raised: &Bound<'_, PyAny>) -> PyResult<()> {
        self.close()
    }

    /// `Stream[Event]` in annotations.
    #[classmethod]
    fn __class_getitem__(cls: &Bound<'_, PyType>, item: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        entry("next", || generic(cls, item))
    }

    /// For event loops: an item that has come, or None if there is none yet. Raises StopIteration at the end.
    fn _take(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        entry("next", || match self.take(py)? {
            Next::Item(item) => Ok(Some(item)),
            Next::NotYet => Ok(None),
            Next::End => Err(PyStopIteration::new_err(())),
        })
    }

    /// Likewise: a `Call` that ends when `_take` has something to give.
    #[pyo3(signature = (*, timeout=None))]
    fn _ready(&self, py: Python<'_>, timeout: Option<Limit>) -> PyResult<Py<PyAny>> {
        entry("next", || self.waiting.wait(py, within(self.ready(), timeout), nothing))
    }
}
