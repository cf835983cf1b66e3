//! `doozer.Client`: one method for each call.

use doozer_bridge::{Client as Bridge, Error, Feed, ListOptions, Op};
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;

use crate::arguments::{Freshness, Limit, Places, Value, call_options, limited};
use crate::entered::Entered;
use crate::errors::{entry, raised};
use crate::held::FencedBy;
use crate::leader::Leader;
use crate::live::Live;
use crate::lock::Lock;
use crate::registration::Registration;
use crate::results::{self, nothing, plain};
use crate::stream::{Items, Stream};
use crate::txn::Txn;
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

    /// A call that gives something to be kept.
    fn keep<T, K>(&self, py: Python<'_>, op: Op<T>, made: fn(T, Waiting) -> K) -> PyResult<Py<PyAny>>
    where
        T: Send + 'static,
        K: for<'py> IntoPyObject<'py> + 'static,
    {
        let waiting = self.waiting;
        waiting.wait(py, op, move |py, kept| plain(py, made(kept, waiting)))
    }

    fn stream<T>(
        &self,
        py: Python<'_>,
        feed: Result<Feed<T>, Error>,
        items: fn(Feed<T>) -> Items,
    ) -> PyResult<Stream> {
        let feed = feed.map_err(|error| raised(py, &error))?;
        Ok(Stream::new(items(feed), self.waiting))
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
    /// With `fence`, a Lock or a Leader, only while that still has its token: otherwise raises LockLost.
    ///
    /// Returns the revision this made.
    #[pyo3(signature = (path, value, rev, *, fence=None, timeout=None))]
    fn set(
        &self,
        py: Python<'_>,
        path: PyBackedStr,
        value: Value,
        rev: i64,
        fence: Option<FencedBy>,
        timeout: Option<Limit>,
    ) -> PyResult<Py<PyAny>> {
        entry("set", || {
            let (value, options) = (value.0.into(), limited(timeout));
            let op = match fence {
                None => self.bridge.set(&path, value, rev, options),
                Some(FencedBy(fence)) => self.bridge.set_fenced(&path, value, rev, fence, options),
            };
            self.waiting.wait(py, op, plain)
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

    /// Deletes a file that has not changed since `rev`; `rev` and `fence` as for `set`.
    ///
    /// Returns the revision this made, 0 if there was nothing.
    #[pyo3(signature = (path, rev, *, fence=None, timeout=None))]
    fn del_(
        &self,
        py: Python<'_>,
        path: PyBackedStr,
        rev: i64,
        fence: Option<FencedBy>,
        timeout: Option<Limit>,
    ) -> PyResult<Py<PyAny>> {
        entry("del", || {
            let op = match fence {
                None => self.bridge.del(&path, rev, limited(timeout)),
                Some(FencedBy(fence)) => self.bridge.del_fenced(&path, rev, fence, limited(timeout)),
            };
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
            self.stream(py, feed, Items::Entries)
        })
    }

    /// A stream of every change from `rev` on of files that match `glob`, in order, without end.
    #[pyo3(signature = (glob, rev))]
    fn watch(&self, py: Python<'_>, glob: PyBackedStr, rev: i64) -> PyResult<Stream> {
        entry("watch", || self.stream(py, self.bridge.watch(&glob, rev), Items::Events))
    }

    /// The same, though changes are forgotten: where some are, the stream goes on with the difference to what there is, and
    /// loses nothing but what was changed again since. Without `rev` it begins with every file that there is.
    #[pyo3(signature = (glob, rev=None))]
    fn follow(&self, py: Python<'_>, glob: PyBackedStr, rev: Option<i64>) -> PyResult<Stream> {
        entry("follow", || self.stream(py, self.bridge.follow(&glob, rev), Items::Events))
    }

    /// A file as a live value: a stream of File(value, rev), first as it is, then after each change, without end.
    #[pyo3(signature = (path))]
    fn config(&self, py: Python<'_>, path: PyBackedStr) -> PyResult<Stream> {
        entry("config", || self.stream(py, self.bridge.config(&path), Items::Files))
    }

    /// Who leads, and who leads next, as a live value: what the leader of the election `path` said last, as `config`
    /// gives it. While nobody leads, there is no file.
    #[pyo3(signature = (path))]
    fn observe(&self, py: Python<'_>, path: PyBackedStr) -> PyResult<Stream> {
        entry("observe", || self.stream(py, self.bridge.observe(&path), Items::Files))
    }

    /// Writes again what a file held at an older revision, unless it changes meanwhile.
    ///
    /// Returns the revision this made.
    #[pyo3(signature = (path, rev, *, timeout=None))]
    fn rollback(
        &self,
        py: Python<'_>,
        path: PyBackedStr,
        rev: i64,
        timeout: Option<Limit>,
    ) -> PyResult<Py<PyAny>> {
        entry("rollback", || self.waiting.wait(py, self.bridge.rollback(&path, rev, limited(timeout)), plain))
    }

    /// A transaction without any part yet: what it is to do is added with its methods, and `commit` does it.
    fn txn(&self) -> PyResult<Txn> {
        entry("txn", || Ok(Txn::new(self.bridge.clone(), self.waiting)))
    }

    /// Takes a lock: makes the file `path`, bound to the client's session, as soon as it does not exist. Those who wait are
    /// served in order. Without `timeout` it has no limit.
    ///
    /// Returns a Lock, which a `with` block gives back at its end.
    #[pyo3(signature = (path, *, timeout=None))]
    fn lock(&self, py: Python<'_>, path: PyBackedStr, timeout: Option<Limit>) -> PyResult<Py<PyAny>> {
        entry("lock", || self.keep(py, self.bridge.lock(&path, limited(timeout)), Lock::new))
    }

    /// Takes a lock if nobody holds it. Returns a Lock, or None if somebody does.
    #[pyo3(signature = (path, *, timeout=None))]
    fn try_lock(&self, py: Python<'_>, path: PyBackedStr, timeout: Option<Limit>) -> PyResult<Py<PyAny>> {
        entry("try_lock", || {
            let op = self.bridge.try_lock(&path, limited(timeout));
            self.keep(py, op, |lock, waiting| lock.map(|lock| Lock::new(lock, waiting)))
        })
    }

    /// Takes a read-write lock for reading: in the directory `path` may be many readers at a time, and no writer. Those who
    /// wait are served in order. Without `timeout` it has no limit.
    ///
    /// Returns a Lock, whose file is one of its own in that directory.
    #[pyo3(signature = (path, *, timeout=None))]
    fn read_lock(&self, py: Python<'_>, path: PyBackedStr, timeout: Option<Limit>) -> PyResult<Py<PyAny>> {
        entry("read_lock", || self.keep(py, self.bridge.read_lock(&path, limited(timeout)), Lock::new))
    }

    /// The same for writing: alone.
    #[pyo3(signature = (path, *, timeout=None))]
    fn write_lock(&self, py: Python<'_>, path: PyBackedStr, timeout: Option<Limit>) -> PyResult<Py<PyAny>> {
        entry("write_lock", || self.keep(py, self.bridge.write_lock(&path, limited(timeout)), Lock::new))
    }

    /// Takes one of `n` places in the directory `path`; all who use it say the same number. Otherwise as `read_lock`.
    #[pyo3(signature = (path, n, *, timeout=None))]
    fn semaphore(
        &self,
        py: Python<'_>,
        path: PyBackedStr,
        n: Places,
        timeout: Option<Limit>,
    ) -> PyResult<Py<PyAny>> {
        entry("semaphore", || self.keep(py, self.bridge.semaphore(&path, n.0, limited(timeout)), Lock::new))
    }

    /// Stands for election: waits until the file `path` is this candidate's. It holds `value`, for everybody to see.
    /// Candidates are elected in order. Without `timeout` it has no limit.
    ///
    /// Returns a Leader, which a `with` block lets resign at its end.
    #[pyo3(signature = (path, value, *, timeout=None))]
    fn elect(
        &self,
        py: Python<'_>,
        path: PyBackedStr,
        value: Value,
        timeout: Option<Limit>,
    ) -> PyResult<Py<PyAny>> {
        entry("elect", || {
            self.keep(py, self.bridge.elect(&path, value.0.into(), limited(timeout)), Leader::new)
        })
    }

    /// Registers a service: writes the file `path`, whatever was there, and again after a lost session. What somebody else
    /// deletes or overwrites is left alone.
    ///
    /// Returns a Registration, which a `with` block takes back at its end.
    #[pyo3(signature = (path, value, *, timeout=None))]
    fn register(
        &self,
        py: Python<'_>,
        path: PyBackedStr,
        value: Value,
        timeout: Option<Limit>,
    ) -> PyResult<Py<PyAny>> {
        entry("register", || {
            self.keep(py, self.bridge.register(&path, value.0.into(), limited(timeout)), Registration::new)
        })
    }

    /// The files that match `glob`, such as services that were registered, as a map that is kept current in the background.
    ///
    /// Returns a Live, which a `with` block closes at its end.
    #[pyo3(signature = (glob, *, timeout=None))]
    fn discover(&self, py: Python<'_>, glob: PyBackedStr, timeout: Option<Limit>) -> PyResult<Py<PyAny>> {
        entry("discover", || self.keep(py, self.bridge.discover(&glob, limited(timeout)), Live::new))
    }

    /// Goes through a barrier: waits until `n` have come to the directory `path`, this one included. Without `timeout` it
    /// has no limit.
    ///
    /// Returns an Entered; at the end of its `with` block it leaves, and waits until all have left.
    #[pyo3(signature = (path, n, *, timeout=None))]
    fn barrier(
        &self,
        py: Python<'_>,
        path: PyBackedStr,
        n: Places,
        timeout: Option<Limit>,
    ) -> PyResult<Py<PyAny>> {
        entry("enter", || self.keep(py, self.bridge.enter(&path, n.0, limited(timeout)), Entered::new))
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
