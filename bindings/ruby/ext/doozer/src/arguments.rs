//! From Ruby's values to the bridge's. What does not fit is Ruby's own TypeError, RangeError or ArgumentError.

use std::time::Duration;

use doozer_bridge::{CallOptions, Consistency, Fence, Op, Options, Secret, Timeout, Tls};
use magnus::typed_data::Obj;
use magnus::value::ReprValue;
use magnus::{Error, Float, Integer, RHash, RString, Ruby, Symbol, TryConvert, Value};

use crate::leader::Leader;
use crate::lock::Lock;

/// A path, glob or name, as UTF-8.
pub(crate) fn text(value: Value) -> Result<String, Error> {
    RString::try_convert(value)?.to_string()
}

/// Bytes, whatever the string's encoding says.
pub(crate) fn bytes(value: Value) -> Result<Vec<u8>, Error> {
    let string = RString::try_convert(value)?;
    // SAFETY: they are copied before Ruby can run again and change them.
    Ok(unsafe { string.as_slice() }.to_vec())
}

/// A revision. Unlike Ruby's own conversion this takes no other numbers: 1.5 is no revision.
pub(crate) fn rev(value: Value) -> Result<i64, Error> {
    integer("a revision", value)?.to_i64()
}

/// A revision, or nil for now.
pub(crate) fn rev_or_now(value: Value) -> Result<Option<i64>, Error> {
    if value.is_nil() { Ok(None) } else { rev(value).map(Some) }
}

/// A number of something that may be left out.
pub(crate) fn count(what: &str, value: Value) -> Result<Option<u64>, Error> {
    if value.is_nil() { Ok(None) } else { integer(what, value)?.to_u64().map(Some) }
}

/// How many are let in.
pub(crate) fn places(value: Value) -> Result<usize, Error> {
    let n = integer("n", value)?.to_i64()?;
    usize::try_from(n).map_err(|_| {
        let text = format!("n is how many are let in, not {n}");
        Error::new(Ruby::get_with(value).exception_range_error(), text)
    })
}

/// What a write is to depend on: a lock, or a leader.
pub(crate) fn fence(ruby: &Ruby, value: Value) -> Result<Fence, Error> {
    if let Ok(lock) = Obj::<Lock>::try_convert(value) {
        return lock.fence(ruby);
    }
    if let Ok(leader) = Obj::<Leader>::try_convert(value) {
        return leader.fence(ruby);
    }
    // SAFETY: the class's name is copied at once.
    let class = unsafe { value.classname() }.into_owned();
    let text = format!("fence is a Doozer::Lock or a Doozer::Leader, not {class}");
    Err(Error::new(ruby.exception_type_error(), text))
}

fn integer(what: &str, value: Value) -> Result<Integer, Error> {
    Integer::from_value(value).ok_or_else(|| {
        // SAFETY: the class's name is copied at once.
        let class = unsafe { value.classname() }.into_owned();
        let ruby = Ruby::get_with(value);
        Error::new(ruby.exception_type_error(), format!("{what} is an Integer, not {class}"))
    })
}

/// `timeout:` and `consistency:` of a call.
pub(crate) fn call_options(timeout_s: Value, consistency: Value) -> Result<CallOptions, Error> {
    Ok(CallOptions { timeout: timeout("timeout", timeout_s)?, consistency: self::consistency(consistency)? })
}

/// `timeout:` of a call that has no `consistency:`.
pub(crate) fn limited(timeout_s: Value) -> Result<CallOptions, Error> {
    Ok(CallOptions { timeout: timeout("timeout", timeout_s)?, ..CallOptions::default() })
}

/// A call that has no time limit of its own, with `timeout:` for one; nil is none.
pub(crate) fn within<T: Send + 'static>(op: Op<T>, timeout_s: Value) -> Result<Op<T>, Error> {
    Ok(match timeout("timeout", timeout_s)? {
        Timeout::After(limit) => op.with_limit(limit),
        Timeout::Usual | Timeout::Never => op,
    })
}

/// A time limit in seconds: nil is the usual one, infinity none.
pub(crate) fn timeout(what: &str, value: Value) -> Result<Timeout, Error> {
    if value.is_nil() {
        return Ok(Timeout::Usual);
    }
    let ruby = Ruby::get_with(value);
    if !value.is_kind_of(ruby.class_numeric()) {
        // SAFETY: the class's name is copied at once.
        let class = unsafe { value.classname() }.into_owned();
        let text = format!("{what} is a number of seconds, not {class}");
        return Err(Error::new(ruby.exception_type_error(), text));
    }
    let seconds = Float::try_convert(value)?.to_f64();
    if seconds == f64::INFINITY {
        return Ok(Timeout::Never);
    }
    if seconds.is_nan() || seconds < 0.0 {
        let text = format!("{what} is no time: {seconds}");
        return Err(Error::new(ruby.exception_arg_error(), text));
    }
    let limit = Duration::try_from_secs_f64(seconds).map_err(|_| {
        let text =
            format!("{what} is longer than can be counted ({seconds} s); Float::INFINITY is without end");
        Error::new(ruby.exception_range_error(), text)
    })?;
    Ok(Timeout::After(limit))
}

fn consistency(value: Value) -> Result<Consistency, Error> {
    if value.is_nil() {
        return Ok(Consistency::default());
    }
    let given =
        Symbol::from_value(value).map_or_else(|| text(value), |symbol| Ok(symbol.name()?.into_owned()))?;
    match given.as_str() {
        "linearizable" => Ok(Consistency::Linearizable),
        "local" => Ok(Consistency::Local),
        other => {
            let ruby = Ruby::get_with(value);
            let text = format!("consistency is :linearizable or :local, not {other:?}");
            Err(Error::new(ruby.exception_arg_error(), text))
        }
    }
}

/// Keyword arguments, as a hash whose keys are symbols; nil is the same as left out.
pub(crate) struct Keywords<'a> {
    pub ruby: &'a Ruby,
    pub hash: RHash,
}

impl Keywords<'_> {
    pub fn value(&self, name: &str) -> Option<Value> {
        self.hash.get(self.ruby.to_symbol(name)).filter(|value| !value.is_nil())
    }

    pub fn text(&self, name: &str) -> Result<Option<String>, Error> {
        self.value(name).map(text).transpose()
    }

    pub fn count(&self, name: &str) -> Result<Option<u64>, Error> {
        self.value(name).map_or(Ok(None), |value| count(name, value))
    }

    /// What the system knows a file by.
    pub fn file<T: TryConvert>(&self, name: &str) -> Result<Option<T>, Error> {
        self.value(name).map(T::try_convert).transpose()
    }

    pub fn wrong(&self, text: &'static str) -> Error {
        Error::new(self.ruby.exception_arg_error(), text)
    }
}

/// How a client works.
pub(crate) fn options(given: &Keywords<'_>) -> Result<Options, Error> {
    let mut options =
        Options { name: concat!("doozer-ruby/", env!("CARGO_PKG_VERSION")).to_owned(), ..Options::default() };
    if let Some(value) = given.value("timeout") {
        options.timeout = match timeout("timeout", value)? {
            Timeout::Usual => options.timeout,
            Timeout::Never => None,
            Timeout::After(limit) => Some(limit),
        };
    }
    if let Some(value) = given.value("connect_timeout") {
        options.connect_timeout = match timeout("connect_timeout", value)? {
            Timeout::Usual => options.connect_timeout,
            Timeout::Never => Duration::MAX,
            Timeout::After(limit) => limit,
        };
    }
    if let Some(value) = given.value("session_ttl") {
        options.session_ttl = match timeout("session_ttl", value)? {
            Timeout::Usual => options.session_ttl,
            // Too long, as the client will say.
            Timeout::Never => Duration::MAX,
            Timeout::After(ttl) => ttl,
        };
    }
    options.session_label = given.text("session_label")?;
    options.secret = given.value("secret").map(bytes).transpose()?.map(Secret::from);
    options.boot = given.text("boot")?.or(options.boot);
    options.name = given.text("name")?.unwrap_or(options.name);
    options.tls = tls(given)?;
    Ok(options)
}

fn tls(given: &Keywords<'_>) -> Result<Option<Tls>, Error> {
    let certificate = given.file("tls_cert")?;
    let key = given.file("tls_key")?;
    let server_name = given.text("tls_server_name")?;
    match given.file("tls_ca")? {
        Some(ca) => Ok(Some(Tls { ca, certificate, key, server_name })),
        None if certificate.is_none() && key.is_none() && server_name.is_none() => Ok(None),
        None => Err(given.wrong("tls_cert:, tls_key: and tls_server_name: need tls_ca:")),
    }
}
