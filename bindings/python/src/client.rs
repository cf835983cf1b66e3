//! `doozer.Client`: one method for each call.

use doozer_bridge::{Client as Bridge, ListOptions, Lock as HeldLock};
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::PyDict;

use crate::arguments::{self, Freshness, Keywords, Limit, Value, call_options, limited};
use crate::errors::{entry, raised};
use crate::lock::Lock;
use crate::results::{self, nothing, plain};
use crate::stream::{Items, Stream};
use crate::waiting::{Waiting, block};

/// A client of one cluster, made by `doozer.connect`. It may be used from any number of threads.
///
/// In the child of a fork it opens a connection of its own when it is first used there.
#[pyclass(frozen, weakref, module = "doozer")]
pub(crate) struct Client {
    bridge: Bridge,
    waiting: Waiting,
}

impl Client {
    /// As a call gives it.
    pub fn made(py: Python<'_>, bridge: Bridge, waiting: Waiting) -> PyResult<Py<PyAny>> {
        Client { bridge, waiting }.into_py_any(py)
    }
}

#[pymethods]
impl Client {
    /// Reads a file, now or as it was at a revision; one that has not come yet is waited for.
    ///
    /// Returns File(value, rev), which is (None, 0) if there is no such file.
    #[pyo3(signature = (path, rev=None, *, timeout=None, consistency=None))]
    fn get(
        &self,
        py: Python<'_>,
        path: PyBackedStr,
        rev: Option<i64>,
        timeout: Option<Limit>,
        consistency: Option<Freshness>,
    ) -> PyResult<Py<PyAny>> {
        entry("get", || {
            let op = self.bridge.get(&path, rev, call_options(timeout, consistency));
            self.waiting.wait_briefly(py, op, results::file)
        })
    }

    /// Writes a file that has not changed since `rev`: 0 is for one that does not exist yet, -1 for whatever there is.
    ///
    /// Returns the revision this made.
    #[pyo3(signature = (path, value, rev, *, timeout=None))]
    fn set(
        &self,
        py: Python<'_>,
        path: PyBackedStr,
        value: Value,
        rev: i64,
        timeout: Option<Limit>,
    ) -> PyResult<Py<PyAny>> {
        entry("set", || {
            self.waiting.wait(py, self.bridge.set(&path, value.0.into(), rev, limited(timeout)), plain)
        })
    }

    /// Makes a file that does not exist yet. Returns the revision this made.
    #[pyo3(signature = (path, value, *, timeout=None))]
    fn add(
        &self,
        py: Python<'_>,
        path: PyBackedStr,
        value: Value,
        timeout: Option<Limit>,
    ) -> PyResult<Py<PyAny>> {
        entry("add", || {
            self.waiting.wait(py, self.bridge.add(&path, value.0.into(), limited(timeout)), plain)
        })
    }

    /// Deletes a file that has not changed since `rev`, as for `set`.
    ///
    /// Returns the revision this made, 0 if there was nothing.
    #[pyo3(signature = (path, rev, *, timeout=None))]
    fn del_(
        &self,
        py: Python<'_>,
        path: PyBackedStr,
        rev: i64,
        timeout: Option<Limit>,
    ) -> PyResult<Py<PyAny>> {
        entry("del", || {
            let op = self.bridge.del(&path, rev, limited(timeout));
            self.waiting.wait(py, op, |py, rev| plain(py, rev.unwrap_or_default()))
        })
    }

    /// Waits for the first change on or after `rev` of a file that matches `glob`. Without `timeout` it has no limit.
    ///
    /// Returns Event(path, value, rev, kind).
    #[pyo3(signature = (glob, rev, *, timeout=None))]
    fn wait(
        &self,
        py: Python<'_>,
        glob: PyBackedStr,
        rev: i64,
        timeout: Option<Limit>,
    ) -> PyResult<Py<PyAny>> {
        entry("wait", || {
            self.waiting.wait(py, self.bridge.wait(&glob, rev, limited(timeout)), results::event)
        })
    }

    /// The current revision.
    #[pyo3(signature = (*, timeout=None))]
    fn rev(&self, py: Python<'_>, timeout: Option<Limit>) -> PyResult<Py<PyAny>> {
        entry("rev", || self.waiting.wait(py, self.bridge.rev(limited(timeout)), plain))
    }

    /// Looks at a file or a directory, now or at a revision.
    ///
    /// Returns Stat(len, rev): a file's length and revision; a directory's number of entries and -2; (0, 0) if there is
    /// nothing.
    #[pyo3(signature = (path, rev=None, *, timeout=None, consistency=None))]
    fn stat(
        &self,
        py: Python<'_>,
        path: PyBackedStr,
        rev: Option<i64>,
        timeout: Option<Limit>,
        consistency: Option<Freshness>,
    ) -> PyResult<Py<PyAny>> {
        entry("stat", || {
            let op = self.bridge.stat(&path, rev, call_options(timeout, consistency));
            self.waiting.wait(py, op, results::stat)
        })
    }

    /// The names in a directory, in order, now or at a revision.
    #[pyo3(signature = (path, rev=None, *, timeout=None, consistency=None))]
    fn getdir(
        &self,
        py: Python<'_>,
        path: PyBackedStr,
        rev: Option<i64>,
        timeout: Option<Limit>,
        consistency: Option<Freshness>,
    ) -> PyResult<Py<PyAny>> {
        entry("getdir", || {
            let op = self.bridge.getdir(&path, rev, call_options(timeout, consistency));
            self.waiting.wait(py, op, plain)
        })
    }

    /// All files that match `glob`, in order of their paths, now or at a revision.
    ///
    /// Returns a list of Entry(path, value, rev, len).
    #[pyo3(signature = (glob, rev=None, *, timeout=None, consistency=None))]
    fn walk(
        &self,
        py: Python<'_>,
        glob: PyBackedStr,
        rev: Option<i64>,
        timeout: Option<Limit>,
        consistency: Option<Freshness>,
    ) -> PyResult<Py<PyAny>> {
        entry("walk", || {
            let op = self.bridge.walk(&glob, rev, call_options(timeout, consistency));
            self.waiting.wait(py, op, results::entries)
        })
    }

    /// The same as a stream, which asks for more as it is read: for many or large files. `limit` stops after so many;
    /// with `keys_only` the values stay where they are and are None.
    #[allow(clippy::too_many_arguments, reason = "keyword arguments in Python")]
    #[pyo3(signature = (glob, rev=None, *, limit=None, keys_only=false, timeout=None, consistency=None))]
    fn list(
        &self,
        py: Python<'_>,
        glob: PyBackedStr,
        rev: Option<i64>,
        limit: Option<u64>,
        keys_only: bool,
        timeout: Option<Limit>,
        consistency: Option<Freshness>,
    ) -> PyResult<Stream> {
        entry("list", || {
            let list = ListOptions { limit, keys_only };
            let feed = self.bridge.list(&glob, rev, list, call_options(timeout, consistency));
            Ok(Stream::new(feed.map(Items::Entries).map_err(|error| raised(py, &error))?, self.waiting))
        })
    }

    /// A stream of every change from `rev` on of files that match `glob`, in order, without end.
    #[pyo3(signature = (glob, rev))]
    fn watch(&self, py: Python<'_>, glob: PyBackedStr, rev: i64) -> PyResult<Stream> {
        entry("watch", || {
            let feed = self.bridge.watch(&glob, rev);
            Ok(Stream::new(feed.map(Items::Events).map_err(|error| raised(py, &error))?, self.waiting))
        })
    }

    /// A file as a live value: a stream of File(value, rev), first as it is, then after each change, without end.
    #[pyo3(signature = (path))]
    fn config(&self, py: Python<'_>, path: PyBackedStr) -> PyResult<Stream> {
        entry("config", || {
            let feed = self.bridge.config(&path);
            Ok(Stream::new(feed.map(Items::Files).map_err(|error| raised(py, &error))?, self.waiting))
        })
    }

    /// Takes a lock: makes the file `path`, waiting for whoever holds it to delete it. Without `timeout` it has no
    /// limit.
    ///
    /// Returns a Lock, which a `with` block gives back at its end.
    #[pyo3(signature = (path, *, timeout=None))]
    fn lock(&self, py: Python<'_>, path: PyBackedStr, timeout: Option<Limit>) -> PyResult<Py<PyAny>> {
        entry("lock", || {
            let waiting = self.waiting;
            let made = move |py: Python<'_>, lock: HeldLock| Lock::new(lock, waiting).into_py_any(py);
            waiting.wait(py, self.bridge.lock(&path, limited(timeout)), made)
        })
    }

    /// Passes through the cluster's consensus without changing anything: proof that writing works.
    #[pyo3(signature = (*, timeout=None))]
    fn nop(&self, py: Python<'_>, timeout: Option<Limit>) -> PyResult<Py<PyAny>> {
        entry("nop", || self.waiting.wait(py, self.bridge.nop(limited(timeout)), nothing))
    }

    /// The id of the member this client is connected to.
    #[pyo3(signature = (*, timeout=None))]
    fn self_id(&self, py: Python<'_>, timeout: Option<Limit>) -> PyResult<Py<PyAny>> {
        entry("self", || self.waiting.wait(py, self.bridge.self_id(limited(timeout)), plain))
    }

    /// Presents a secret, now and on every connection to come.
    #[pyo3(signature = (secret, *, timeout=None))]
    fn access(&self, py: Python<'_>, secret: Value, timeout: Option<Limit>) -> PyResult<Py<PyAny>> {
        entry("access", || self.waiting.wait(py, self.bridge.access(&secret.0, limited(timeout)), nothing))
    }

    /// Closes it. Calls under way end with Closed, or, writes that were sent, with OutcomeUnknown. Again, it does
    /// nothing.
    fn close(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        entry("close", || self.waiting.wait(py, self.bridge.close(), nothing))
    }

    /// Whether it was closed.
    #[getter]
    fn is_closed(&self) -> bool {
        self.bridge.is_closed()
    }

    fn __enter__(slf: Py<Client>) -> Py<Client> {
        slf
    }

    #[pyo3(signature = (*_raised))]
    fn __exit__(&self, py: Python<'_>, _raised: &Bound<'_, PyAny>) -> PyResult<()> {
        entry("close", || block(py, self.bridge.close()))
    }

    fn __repr__(&self) -> &'static str {
        if self.is_closed() { "<doozer.Client, closed>" } else { "<doozer.Client>" }
    }
}

fn open(
    py: Python<'_>,
    uri: Option<PyBackedStr>,
    options: Option<&Bound<'_, PyDict>>,
    waiting: Waiting,
) -> PyResult<Py<PyAny>> {
    let given = Keywords::new(options)?;
    let options = arguments::options(&given)?;
    given.finish("connect")?;
    let made = move |py: Python<'_>, client| Client::made(py, client, waiting);
    waiting.wait(py, Bridge::connect(uri.as_deref(), options), made)
}

/// Opens a client of a cluster. It waits until a connection stands.
///
/// uri: "HOST:PORT,HOST:PORT" or "doozer:?ca=HOST:PORT&cn=NAME&sk=SECRET"; without it, what the environment's
///     DOOZER_URI says, else 127.0.0.1:8046
/// timeout: seconds a call may take unless it says otherwise; default 10, math.inf is without end
/// connect_timeout: seconds this call may take; default 10
/// secret: bytes or str that is presented on each connection; default the URI's own
/// name: what the client calls itself in members' logs
/// boot: URI of the cluster in which a name without addresses is looked up; default the environment's DOOZER_BOOT_URI
/// tls_ca: file of the certificates that may have signed a member's; without it there is no TLS
/// tls_cert, tls_key: files of this client's own certificate and key
/// tls_server_name: the name a member's certificate must be for; default the host of its address
#[pyfunction]
#[pyo3(
    signature = (uri=None, **options),
    text_signature = "(uri=None, *, timeout=None, connect_timeout=None, secret=None, name=None, boot=None, \
                      tls_ca=None, tls_cert=None, tls_key=None, tls_server_name=None)"
)]
pub(crate) fn connect(
    py: Python<'_>,
    uri: Option<PyBackedStr>,
    options: Option<&Bound<'_, PyDict>>,
) -> PyResult<Py<PyAny>> {
    entry("connect", || open(py, uri, options, Waiting::Here))
}

/// The same for event loops.
#[pyfunction]
#[pyo3(signature = (uri=None, **options))]
pub(crate) fn connect_later(
    py: Python<'_>,
    uri: Option<PyBackedStr>,
    options: Option<&Bound<'_, PyDict>>,
) -> PyResult<Py<PyAny>> {
    entry("connect", || open(py, uri, options, Waiting::Later))
}
