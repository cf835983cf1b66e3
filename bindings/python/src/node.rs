//! `doozer.Node`: a member within this process.

use std::path::PathBuf;

use doozer_bridge::{Data, ErrorKind, Node as Bridge, NodeConfig, Secrets, TlsFiles};
use pyo3::IntoPyObjectExt;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::PyDict;

use crate::arguments::{self, Keywords, Limit};
use crate::client::Client;
use crate::errors::{entry, raised};
use crate::results::{self, nothing, plain};
use crate::waiting::{Waiting, block, within};

/// A member within this process. It serves when this returns. A `with` block stops it at its end.
///
/// data_dir: directory for its data; without it they are in memory
/// listen: "HOST:PORT" to serve clients on, port 0 is a free one; without it, it serves this process only
/// cluster_name: the cluster's name, at its birth
/// history, history_bytes: how many revisions, and bytes of them, it keeps
/// max_value: the largest value in bytes, at the cluster's birth
/// secret, read_secret: the cluster's secrets to write and to read
/// tls_cert, tls_key: files of its certificate chain and key; with them it serves TLS
/// tls_ca: file of the certificates that must have signed a client's
/// hostname: what it says of its host
#[pyclass(frozen, weakref, module = "doozer")]
pub(crate) struct Node {
    bridge: Bridge,
    waiting: Waiting,
}

#[pymethods]
impl Node {
    #[new]
    #[pyo3(
        signature = (**options),
        text_signature = "(*, data_dir=None, listen=None, cluster_name=None, history=None, history_bytes=None, \
                          max_value=None, secret=None, read_secret=None, tls_cert=None, tls_key=None, tls_ca=None, \
                          hostname=None)"
    )]
    fn new(py: Python<'_>, options: Option<&Bound<'_, PyDict>>) -> PyResult<Node> {
        entry("start", || {
            let bridge = block(py, Bridge::start(config(options)?))?;
            Ok(Node { bridge, waiting: Waiting::Here })
        })
    }

    /// The same as `Node(...)`, by the name it has in other languages.
    #[staticmethod]
    #[pyo3(
        signature = (**options),
        text_signature = "(*, data_dir=None, listen=None, cluster_name=None, history=None, history_bytes=None, \
                          max_value=None, secret=None, read_secret=None, tls_cert=None, tls_key=None, tls_ca=None, \
                          hostname=None)"
    )]
    fn start(py: Python<'_>, options: Option<&Bound<'_, PyDict>>) -> PyResult<Node> {
        Node::new(py, options)
    }

    /// The same for event loops.
    #[staticmethod]
    #[pyo3(signature = (**options))]
    fn _start_later(py: Python<'_>, options: Option<&Bound<'_, PyDict>>) -> PyResult<Py<PyAny>> {
        entry("start", || {
            let waiting = Waiting::Later;
            let made = move |py: Python<'_>, bridge| Node { bridge, waiting }.into_py_any(py);
            waiting.wait(py, Bridge::start(config(options)?), made)
        })
    }

    /// A client of it, without a socket. It lives no longer than the member.
    ///
    /// timeout: seconds a call may take unless it says otherwise; default 10, math.inf is without end
    /// connect_timeout: seconds this call may take; default 10
    /// name: what the client calls itself in the member's log
    /// session_ttl, session_label: as for `doozer.connect`
    #[pyo3(
        signature = (**options),
        text_signature = "($self, *, timeout=None, connect_timeout=None, name=None, session_ttl=None, \
                          session_label=None)"
    )]
    fn client(&self, py: Python<'_>, options: Option<&Bound<'_, PyDict>>) -> PyResult<Py<PyAny>> {
        entry("connect", || {
            let waiting = self.waiting;
            let given = Keywords::new(options)?;
            let options = arguments::own_options(&given)?;
            given.finish("client")?;
            let made = move |py: Python<'_>, client| Client::made(py, client, waiting);
            waiting.wait(py, self.bridge.client(options), made)
        })
    }

    /// Reads a file from this member's state as it is, or was at a revision, without a request. It never waits.
    ///
    /// Returns File(value, rev), which is (None, 0) if there is no such file.
    #[pyo3(signature = (path, rev=None))]
    fn get_local(&self, py: Python<'_>, path: PyBackedStr, rev: Option<i64>) -> PyResult<Py<PyAny>> {
        entry("get_local", || match self.bridge.get_local(&path, rev) {
            Ok(file) => results::local_file(py, file),
            Err(error) => Err(raised(py, &error)),
        })
    }

    /// The revision of this member's state.
    fn revision(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        entry("rev", || match self.bridge.revision() {
            Ok(rev) => plain(py, rev),
            Err(error) => Err(raised(py, &error)),
        })
    }

    /// Its id, as `self_id` of a client gives it.
    #[getter]
    fn id(&self) -> &str {
        self.bridge.id()
    }

    /// The name its cluster was born with.
    #[getter]
    fn cluster_name(&self) -> &str {
        self.bridge.cluster_name()
    }

    /// Where it listens, "HOST:PORT" with the port it got; None if it does not.
    #[getter]
    fn address(&self) -> Option<String> {
        self.bridge.address().map(|address| address.to_string())
    }

    /// Takes no more requests, answers what is under way, makes everything durable, and ends. Again, it does nothing.
    /// Once begun, it goes on though nobody waits for it any more.
    #[pyo3(signature = (*, timeout=None))]
    fn stop(&self, py: Python<'_>, timeout: Option<Limit>) -> PyResult<Py<PyAny>> {
        entry("stop", || self.waiting.wait(py, within(self.bridge.stop(), timeout), nothing))
    }

    fn __enter__(slf: Py<Node>) -> Py<Node> {
        slf
    }

    /// Stops it, unless this is the child of a fork, where it is the parent's.
    #[pyo3(signature = (*_raised))]
    fn __exit__(&self, py: Python<'_>, _raised: &Bound<'_, PyAny>) -> PyResult<()> {
        entry("stop", || if self._is_ours() { block(py, self.bridge.stop()) } else { Ok(()) })
    }

    /// Whether this is the process that started it.
    #[getter]
    fn _is_ours(&self) -> bool {
        !matches!(self.bridge.revision(), Err(error) if error.kind() == ErrorKind::Forked)
    }

    fn __repr__(&self) -> String {
        let listens = self.address().map_or_else(String::new, |address| format!(" {address}"));
        format!("<doozer.Node {}{listens}>", self.id())
    }
}

fn config(options: Option<&Bound<'_, PyDict>>) -> PyResult<NodeConfig> {
    let given = Keywords::new(options)?;
    let mut config = NodeConfig { listen: given.take("listen")?, ..NodeConfig::default() };
    if let Some(directory) = given.take::<PathBuf>("data_dir")? {
        config.data = Data::Directory(directory);
    }
    config.cluster_name = given.take("cluster_name")?.unwrap_or(config.cluster_name);
    config.hostname = given.take("hostname")?.unwrap_or(config.hostname);
    config.history.revisions_max = given.take("history")?.unwrap_or(config.history.revisions_max);
    config.history.bytes_max = given.take("history_bytes")?.unwrap_or(config.history.bytes_max);
    config.value_bytes_max = given.take("max_value")?.unwrap_or(config.value_bytes_max);
    config.secrets = Secrets::new(given.take("secret")?, given.take("read_secret")?);
    config.tls = match (given.take("tls_cert")?, given.take("tls_key")?, given.take("tls_ca")?) {
        (Some(certificate), Some(key), client_ca) => Some(TlsFiles { certificate, key, client_ca }),
        (None, None, None) => None,
        _ => return Err(PyValueError::new_err("tls_cert and tls_key go together, and tls_ca needs both")),
    };
    given.finish("Node")?;
    Ok(config)
}
