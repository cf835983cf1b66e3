//! What JavaScript says, as the bridge has it. `lib/` has checked all of it: numbers are in range, texts are texts.

use std::time::Duration;

use doozer_bridge::{
    CallOptions, Consistency, Data, Fence, History, NodeConfig, Op, Options, Secret, Secrets, Timeout, Tls,
    TlsFiles,
};
use napi::bindgen_prelude::Buffer;
use napi_derive::napi;

/// What a client can be told.
#[napi(object, object_to_js = false)]
pub struct ClientOptions {
    /// The usual time limit of calls in milliseconds; infinity is none.
    pub timeout: Option<f64>,
    /// The time limit of opening it, alike.
    pub connect_timeout: Option<f64>,
    /// What it presents on each connection.
    pub secret: Option<Buffer>,
    /// What it calls itself.
    pub name: Option<String>,
    /// How long its session outlives its last sign of life, in milliseconds.
    pub session_ttl: Option<f64>,
    /// What its session is called.
    pub session_label: Option<String>,
    /// The URI of the cluster that knows the addresses.
    pub boot: Option<String>,
    /// A file of certificates that may have signed a member's.
    pub tls_ca: Option<String>,
    /// A file with the client's own certificate.
    pub tls_cert: Option<String>,
    /// A file with its key.
    pub tls_key: Option<String>,
    /// The name a member's certificate must be for.
    pub tls_server_name: Option<String>,
}

/// The options of a write that is made only while a lock is held.
#[napi(object, object_to_js = false)]
pub struct Fenced {
    /// The time limit of the call, see [`call`].
    pub timeout: f64,
    /// The lock's file.
    pub path: String,
    /// The fencing token.
    pub token: i64,
}

/// What a member can be told.
#[napi(object, object_to_js = false)]
pub struct NodeOptions {
    /// Where its data is; none: in memory.
    pub data_dir: Option<String>,
    /// `HOST:PORT` to listen on; none: nowhere.
    pub listen: Option<String>,
    /// The name of the cluster it begins.
    pub cluster_name: Option<String>,
    /// How many revisions it keeps.
    pub history: Option<i64>,
    /// How many bytes of them.
    pub history_bytes: Option<i64>,
    /// The largest value in bytes.
    pub max_value: Option<i64>,
    /// The read-write secret.
    pub secret: Option<String>,
    /// The read-only secret.
    pub read_secret: Option<String>,
    /// A file with its certificate.
    pub tls_cert: Option<String>,
    /// A file with its key.
    pub tls_key: Option<String>,
    /// A file of certificates that may have signed a client's.
    pub tls_ca: Option<String>,
    /// What it calls its host.
    pub hostname: Option<String>,
}

impl From<ClientOptions> for Options {
    fn from(told: ClientOptions) -> Options {
        let usual = Options::default();
        Options {
            timeout: told.timeout.map_or(usual.timeout, limit),
            connect_timeout: told
                .connect_timeout
                .map_or(usual.connect_timeout, |ms| limit(ms).unwrap_or(Duration::MAX)),
            boot: told.boot.or(usual.boot),
            tls: told.tls_ca.map(|ca| Tls {
                ca: ca.into(),
                certificate: told.tls_cert.map(Into::into),
                key: told.tls_key.map(Into::into),
                server_name: told.tls_server_name,
            }),
            secret: told.secret.map(|secret| Secret::from(secret.to_vec())),
            name: told.name.unwrap_or_else(|| concat!("doozer-node/", env!("CARGO_PKG_VERSION")).to_owned()),
            session_ttl: told.session_ttl.and_then(limit).unwrap_or(usual.session_ttl),
            session_label: told.session_label,
        }
    }
}

impl From<Fenced> for Fence {
    fn from(told: Fenced) -> Fence {
        Fence { path: told.path, token: told.token }
    }
}

impl From<NodeOptions> for NodeConfig {
    fn from(told: NodeOptions) -> NodeConfig {
        let usual = NodeConfig::default();
        let count = |number: Option<i64>, usual: u64| number.map_or(usual, |number| number.unsigned_abs());
        NodeConfig {
            listen: told.listen,
            cluster_name: told.cluster_name.unwrap_or(usual.cluster_name),
            data: told.data_dir.map_or(Data::Memory, |directory| Data::Directory(directory.into())),
            history: History {
                revisions_max: count(told.history, usual.history.revisions_max),
                bytes_max: count(told.history_bytes, usual.history.bytes_max),
            },
            value_bytes_max: count(told.max_value, usual.value_bytes_max),
            secrets: Secrets::new(told.secret, told.read_secret),
            tls: told.tls_cert.zip(told.tls_key).map(|(certificate, key)| TlsFiles {
                certificate: certificate.into(),
                key: key.into(),
                client_ca: told.tls_ca.map(Into::into),
            }),
            hostname: told.hostname.unwrap_or(usual.hostname),
            ..usual
        }
    }
}

/// The options of one call. A time limit in milliseconds: below 0 is the usual one, infinity is none.
pub(crate) fn call(timeout_ms: f64, is_local: bool) -> CallOptions {
    let timeout = if timeout_ms < 0.0 {
        Timeout::Usual
    } else {
        limit(timeout_ms).map_or(Timeout::Never, Timeout::After)
    };
    let consistency = if is_local { Consistency::Local } else { Consistency::Linearizable };
    CallOptions { timeout, consistency }
}

/// A time limit; infinity, and what is too long to be counted, is none.
pub(crate) fn limit(ms: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(ms / 1e3).ok()
}

/// A call that has the client's usual time limit by itself, with that of the caller: below 0 is none beside it.
pub(crate) fn limited<T: Send + 'static>(op: Op<T>, timeout_ms: f64) -> Op<T> {
    match limit(timeout_ms) {
        Some(limit) => op.with_limit(limit),
        None => op,
    }
}
