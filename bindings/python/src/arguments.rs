//! From Python's values to the bridge's. What does not fit is Python's own TypeError, ValueError or OverflowError.

use std::path::PathBuf;
use std::time::Duration;

use doozer_bridge::{CallOptions, Consistency, Options, Secret, Timeout, Tls};
use pyo3::exceptions::{PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyDict, PyMemoryView, PyString};

/// Bytes, or text as UTF-8.
pub(crate) struct Value(pub Vec<u8>);

impl<'a, 'py> FromPyObject<'a, 'py> for Value {
    type Error = PyErr;

    fn extract(given: Borrowed<'a, 'py, PyAny>) -> PyResult<Value> {
        if let Ok(bytes) = given.cast::<PyBytes>() {
            return Ok(Value(bytes.as_bytes().to_vec()));
        }
        if let Ok(text) = given.cast::<PyString>() {
            return Ok(Value(text.to_cow()?.into_owned().into_bytes()));
        }
        if let Ok(bytes) = given.cast::<PyByteArray>() {
            return Ok(Value(bytes.to_vec()));
        }
        if given.is_instance_of::<PyMemoryView>() {
            return given.call_method0("tobytes")?.extract();
        }
        let class = given.get_type().name()?;
        Err(PyTypeError::new_err(format!("a value is bytes, bytearray, memoryview or str, not {class}")))
    }
}

/// A time limit in seconds: None is the usual one, infinity none.
#[derive(Clone, Copy)]
pub(crate) struct Limit(pub Timeout);

impl<'a, 'py> FromPyObject<'a, 'py> for Limit {
    type Error = PyErr;

    fn extract(given: Borrowed<'a, 'py, PyAny>) -> PyResult<Limit> {
        if given.is_none() {
            return Ok(Limit(Timeout::Usual));
        }
        let seconds: f64 = given.extract()?;
        if seconds == f64::INFINITY {
            return Ok(Limit(Timeout::Never));
        }
        if seconds.is_nan() || seconds < 0.0 {
            return Err(PyValueError::new_err(format!("a timeout is not {seconds} s")));
        }
        let limit = Duration::try_from_secs_f64(seconds).map_err(|_| {
            PyOverflowError::new_err(format!(
                "a timeout of {seconds:e} s is longer than can be counted; math.inf is without end"
            ))
        })?;
        Ok(Limit(Timeout::After(limit)))
    }
}

/// How many are let in.
pub(crate) struct Places(pub usize);

impl<'a, 'py> FromPyObject<'a, 'py> for Places {
    type Error = PyErr;

    fn extract(given: Borrowed<'a, 'py, PyAny>) -> PyResult<Places> {
        let n: i64 = given.extract()?;
        let places = usize::try_from(n);
        places.map(Places).map_err(|_| PyValueError::new_err(format!("n is how many are let in, not {n}")))
    }
}

/// How long a session outlives its client's last sign of life.
struct Ttl(Duration);

impl<'a, 'py> FromPyObject<'a, 'py> for Ttl {
    type Error = PyErr;

    fn extract(given: Borrowed<'a, 'py, PyAny>) -> PyResult<Ttl> {
        let seconds: f64 = given.extract()?;
        if seconds.is_nan() || seconds < 0.0 {
            return Err(PyValueError::new_err(format!("a session_ttl is not {seconds} s")));
        }
        // What is too long for a session is said of what is too long to be counted, too.
        Ok(Ttl(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)))
    }
}

impl Limit {
    /// For what has no usual limit.
    pub fn duration(self) -> Option<Duration> {
        match self.0 {
            Timeout::Usual | Timeout::Never => None,
            Timeout::After(limit) => Some(limit),
        }
    }
}

/// How fresh a read must be.
#[derive(Clone, Copy)]
pub(crate) struct Freshness(Consistency);

impl<'a, 'py> FromPyObject<'a, 'py> for Freshness {
    type Error = PyErr;

    fn extract(given: Borrowed<'a, 'py, PyAny>) -> PyResult<Freshness> {
        match given.cast::<PyString>()?.to_cow()?.as_ref() {
            "linearizable" => Ok(Freshness(Consistency::Linearizable)),
            "local" => Ok(Freshness(Consistency::Local)),
            other => {
                let text = format!("consistency is 'linearizable' or 'local', not '{other}'");
                Err(PyValueError::new_err(text))
            }
        }
    }
}

/// How a read works.
pub(crate) fn call_options(timeout: Option<Limit>, consistency: Option<Freshness>) -> CallOptions {
    CallOptions {
        consistency: consistency.map_or_else(Default::default, |given| given.0),
        ..limited(timeout)
    }
}

/// How a call works that is no read.
pub(crate) fn limited(timeout: Option<Limit>) -> CallOptions {
    CallOptions { timeout: timeout.map_or_else(Default::default, |given| given.0), ..CallOptions::default() }
}

/// Keyword arguments, each taken once. None is the same as left out.
pub(crate) struct Keywords<'py>(Option<Bound<'py, PyDict>>);

impl<'py> Keywords<'py> {
    pub fn new(given: Option<&Bound<'py, PyDict>>) -> PyResult<Keywords<'py>> {
        // A copy, since what is taken is removed.
        given.map(|given| given.copy()).transpose().map(Keywords)
    }

    pub fn take<T>(&self, name: &str) -> PyResult<Option<T>>
    where
        T: for<'a> FromPyObject<'a, 'py, Error = PyErr>,
    {
        let Some(given) = &self.0 else { return Ok(None) };
        let Some(value) = given.get_item(name)? else { return Ok(None) };
        given.del_item(name)?;
        let wrong = |error: PyErr| {
            let py = value.py();
            if !error.is_instance_of::<PyTypeError>(py) {
                return error;
            }
            PyTypeError::new_err(format!("argument '{name}': {}", error.value(py)))
        };
        if value.is_none() { Ok(None) } else { value.extract().map(Some).map_err(wrong) }
    }

    /// To be called at last: whatever was not taken is no argument of `function`.
    pub fn finish(self, function: &str) -> PyResult<()> {
        match self.0.and_then(|left| left.keys().get_item(0).ok()) {
            None => Ok(()),
            Some(name) => {
                let text = format!("{function}() got an unexpected keyword argument {}", name.repr()?);
                Err(PyTypeError::new_err(text))
            }
        }
    }
}

/// How a client of a cluster works.
pub(crate) fn options(given: &Keywords<'_>) -> PyResult<Options> {
    let mut options = own_options(given)?;
    options.secret = given.take("secret")?.map(|Value(secret)| Secret::from(secret));
    options.boot = given.take("boot")?.or(options.boot);
    options.tls = tls(given)?;
    Ok(options)
}

/// How any client works, that of an embedded member included.
pub(crate) fn own_options(given: &Keywords<'_>) -> PyResult<Options> {
    let mut options = Options {
        name: concat!("doozer-python/", env!("CARGO_PKG_VERSION")).to_owned(),
        ..Options::default()
    };
    if let Some(Limit(timeout)) = given.take("timeout")? {
        options.timeout = match timeout {
            Timeout::Usual => options.timeout,
            Timeout::Never => None,
            Timeout::After(limit) => Some(limit),
        };
    }
    if let Some(Limit(timeout)) = given.take("connect_timeout")? {
        options.connect_timeout = match timeout {
            Timeout::Usual => options.connect_timeout,
            Timeout::Never => Duration::MAX,
            Timeout::After(limit) => limit,
        };
    }
    options.name = given.take("name")?.unwrap_or(options.name);
    options.session_ttl = given.take("session_ttl")?.map_or(options.session_ttl, |Ttl(ttl)| ttl);
    options.session_label = given.take("session_label")?;
    Ok(options)
}

fn tls(given: &Keywords<'_>) -> PyResult<Option<Tls>> {
    let certificate: Option<PathBuf> = given.take("tls_cert")?;
    let key: Option<PathBuf> = given.take("tls_key")?;
    let server_name = given.take("tls_server_name")?;
    match given.take("tls_ca")? {
        Some(ca) => Ok(Some(Tls { ca, certificate, key, server_name })),
        None if certificate.is_none() && key.is_none() && server_name.is_none() => Ok(None),
        None => Err(PyValueError::new_err("tls_cert, tls_key and tls_server_name need tls_ca")),
    }
}
