//! `doozer.connect`: how a client of a cluster is opened.

use doozer_bridge::Client as Bridge;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::PyDict;

use crate::arguments::{self, Keywords};
use crate::client::Client;
use crate::errors::entry;
use crate::waiting::Waiting;

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
/// session_ttl: seconds that what the client holds outlives its last sign of life, from 1 to a day; default 10
/// session_label: what its session is called in listings, for people; default the program's name and the process's id
/// boot: URI of the cluster in which a name without addresses is looked up; default the environment's DOOZER_BOOT_URI
/// tls_ca: file of the certificates that may have signed a member's; without it there is no TLS
/// tls_cert, tls_key: files of this client's own certificate and key
/// tls_server_name: the name a member's certificate must be for; default the host of its address
#[pyfunction]
#[pyo3(
    signature = (uri=None, **options),
    text_signature = "(uri=None, *, timeout=None, connect_timeout=None, secret=None, name=None, boot=None, \
                      session_ttl=None, session_label=None, tls_ca=None, tls_cert=None, tls_key=None, \
                      tls_server_name=None)"
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
