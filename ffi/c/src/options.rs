//! What functions can be told beside their arguments. Each struct begins with its own size, so that programs and
//! libraries of different ages understand each other.

use std::ffi::{CStr, c_char};
use std::mem::{MaybeUninit, offset_of};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{ptr, slice};

use doozer_bridge::{
    CallOptions, Consistency, Data, Error, ErrorKind, Fence, History, ListOptions, NodeConfig, Op, Options,
    Secret, Secrets, Timeout, Tls, TlsFiles,
};

use crate::cancel::{Token, doozer_cancel};
use crate::edge::Edge;

/// For timeout_ms: without end.
const FOREVER: i64 = -1;
/// What is larger is no size of a struct but a mistake.
const SIZE_MAX: usize = 4096;

/// How one call works. Begin with doozer_call_opts_init(); all zeros behind the size are the defaults, and so is NULL in
/// place of the whole.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct doozer_call_opts {
    /// sizeof(doozer_call_opts).
    pub size: usize,
    /// How long the call may take in milliseconds, reconnecting included. 0: as long as the client's calls usually may;
    /// without end for what waits for others (doozer_wait, the streams' next, locks, elections and barriers, and that one
    /// of them is lost, doozer_live_changed) and for a member's start and stop. DOOZER_FOREVER: without end. It fails with
    /// DOOZER_TIMEOUT then, with DOOZER_DISCONNECTED if no member could be reached, or, a write that was sent, with
    /// DOOZER_OUTCOME_UNKNOWN.
    pub timeout_ms: i64,
    /// Ends the call early; NULL: nothing does. It has to live until the call begins to wait.
    pub cancel: *const doozer_cancel,
    /// How fresh a read without a revision must be: DOOZER_LINEARIZABLE (0, the default) or DOOZER_LOCAL.
    pub consistency: u32,
    /// For doozer_set and doozer_del: the file of a lock or a leader. The write is made only while that still has the
    /// fencing token fence_token, and fails with DOOZER_LOCK_LOST otherwise. doozer_lock_fence and doozer_leader_fence set
    /// both. NULL: no such condition. All other functions refuse it with DOOZER_RANGE; a transaction has
    /// doozer_txn_if_fence.
    pub fence_path: *const c_char,
    /// The fencing token that goes with fence_path: doozer_lock_rev, doozer_leader_token.
    pub fence_token: i64,
}

/// How a client works. Begin with doozer_connect_opts_init(); all zeros behind the size are the defaults, and so is NULL
/// in place of the whole. Texts are copied.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct doozer_connect_opts {
    /// sizeof(doozer_connect_opts).
    pub size: usize,
    /// How long the client's calls usually may take in milliseconds; see doozer_call_opts. 0: 10 s. DOOZER_FOREVER:
    /// without end.
    pub timeout_ms: i64,
    /// How long opening the client may take in milliseconds, over all addresses. 0: 10 s. DOOZER_FOREVER: without end.
    pub connect_timeout_ms: i64,
    /// Ends the opening early; NULL: nothing does.
    pub cancel: *const doozer_cancel,
    /// What ACCESS presents on each connection; NULL: what the URI says.
    pub secret: *const c_char,
    /// What the client calls itself to members, for their logs; NULL: "doozer-c/VERSION".
    pub name: *const c_char,
    /// The URI of the cluster in which addresses are looked up if the URI holds only a cluster's name; NULL: what the
    /// environment's DOOZER_BOOT_URI says.
    pub boot: *const c_char,
    /// The file of the certificates, in PEM form, that may have signed a member's. NULL: no TLS.
    pub tls_ca: *const c_char,
    /// The file of this client's certificate chain, for clusters that ask for one; then tls_key is needed too.
    pub tls_cert: *const c_char,
    /// The file of the private key of tls_cert.
    pub tls_key: *const c_char,
    /// The name that a member's certificate must be for; NULL: the host of the address.
    pub tls_server_name: *const c_char,
    /// How long what the client holds by its session (locks, elections, registrations) outlives its last sign of life, in
    /// milliseconds, from 1 s to 24 h. 0: 10 s.
    pub session_ttl_ms: i64,
    /// What its session is called in listings, and what the files of its locks hold, for people; what is longer than 256
    /// bytes is cut. NULL: the program's name and the process's id.
    pub session_label: *const c_char,
}

/// What a list leaves out. Begin with doozer_list_opts_init(); all zeros behind the size are the defaults, and so is
/// NULL in place of the whole.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct doozer_list_opts {
    /// sizeof(doozer_list_opts).
    pub size: usize,
    /// At most so many files, the first ones; 0: all.
    pub limit: u64,
    /// Not 0: leave the values out.
    pub keys_only: i32,
}

/// What a member within the program is told at its start. Begin with doozer_node_opts_init(); all zeros behind the size
/// are the defaults, and so is NULL in place of the whole. Texts are copied.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct doozer_node_opts {
    /// sizeof(doozer_node_opts).
    pub size: usize,
    /// The directory of its data, which is made if it is not there; NULL: in memory.
    pub data_dir: *const c_char,
    /// "HOST:PORT" to serve clients on; port 0 takes a free one. NULL: it serves only this program.
    pub listen: *const c_char,
    /// The cluster's name. Used at its birth only. NULL: "local".
    pub cluster_name: *const c_char,
    /// How many revisions it keeps; 0: 360,000.
    pub history: u64,
    /// How many bytes of history it keeps; 0: 256 MiB.
    pub history_bytes: u64,
    /// The largest value in bytes. Used at a cluster's birth only. 0: 1 MiB.
    pub max_value: u64,
    /// The secret that gives the right to write over the network; NULL: no secret is needed.
    pub secret: *const c_char,
    /// The secret that gives the right to read; NULL: none is needed.
    pub read_secret: *const c_char,
    /// The file of its certificate chain, in PEM form, for TLS; then tls_key is needed too. NULL: no TLS.
    pub tls_cert: *const c_char,
    /// The file of the private key of tls_cert.
    pub tls_key: *const c_char,
    /// The file of the certificates one of which must have signed a client's; NULL: clients need none.
    pub tls_ca: *const c_char,
    /// What /ctl/node/ID/hostname says; NULL: "localhost".
    pub hostname: *const c_char,
}

/// How long a call waits, and what ends it early.
pub(crate) struct Call {
    pub options: CallOptions,
    cancel: Option<Arc<Token>>,
    began: Instant,
}

impl Call {
    /// # Safety
    /// `options` is null, or alive with all it points to.
    pub unsafe fn read(edge: &Edge<'_>, options: *const doozer_call_opts) -> Result<Call, Error> {
        // SAFETY: by the contract.
        let (call, fence) = unsafe { Call::read_fenced(edge, options) }?;
        if fence.is_none() {
            return Ok(call);
        }
        // Not to be passed over: whoever set it takes the call for fenced.
        let detail = "`fence_path` is for doozer_set and doozer_del alone: set it to NULL for this call; a transaction \
                      has doozer_txn_if_fence";
        Err(edge.error(ErrorKind::Range, detail))
    }

    /// The same, with what a write is to depend on.
    ///
    /// # Safety
    /// As [`Call::read`].
    pub unsafe fn read_fenced(
        edge: &Edge<'_>,
        options: *const doozer_call_opts,
    ) -> Result<(Call, Option<Fence>), Error> {
        // SAFETY: by the contract.
        let Some(told) = (unsafe { sized(edge, "doozer_call_opts", options) })? else {
            let call = Call { options: CallOptions::default(), cancel: None, began: Instant::now() };
            return Ok((call, None));
        };
        let consistency = match told.consistency {
            0 => Consistency::Linearizable,
            1 => Consistency::Local,
            other => return Err(edge.error(ErrorKind::Range, format!("no consistency is {other}"))),
        };
        let timeout = timeout(edge, "timeout_ms", told.timeout_ms)?;
        // SAFETY: by the contract.
        let cancel = unsafe { told.cancel.as_ref() }.map(doozer_cancel::token);
        // SAFETY: by the contract.
        let fence = unsafe { fence(edge, &told) }?;
        Ok((Call { options: CallOptions { timeout, consistency }, cancel, began: Instant::now() }, fence))
    }

    /// Waits for a call that keeps its time limit itself.
    pub fn block<T: Send + 'static>(&self, op: Op<T>) -> Result<T, Error> {
        match &self.cancel {
            Some(token) => token.block(op),
            None => op.block(),
        }
    }

    /// Waits for a call that has no time limit of its own.
    pub fn block_limited<T: Send + 'static>(&self, op: Op<T>) -> Result<T, Error> {
        match self.options.timeout {
            Timeout::After(limit) => self.block(op.with_limit(limit.saturating_sub(self.began.elapsed()))),
            Timeout::Usual | Timeout::Never => self.block(op),
        }
    }
}

/// What a write is to depend on, if anything.
///
/// # Safety
/// What `told` points to is alive.
unsafe fn fence(edge: &Edge<'_>, told: &doozer_call_opts) -> Result<Option<Fence>, Error> {
    let token = told.fence_token;
    // SAFETY: by the contract.
    match unsafe { edge.text("fence_path", ErrorKind::BadPath, told.fence_path) }? {
        None if token == 0 => Ok(None),
        None => {
            let detail = format!("`fence_token` is {token}, and `fence_path` is NULL: they go together");
            Err(edge.error(ErrorKind::MissingArg, detail))
        }
        Some(path) if token > 0 => Ok(Some(Fence { path: path.to_owned(), token })),
        Some(_) => {
            let detail = format!("`fence_token` is no fencing token: {token}; it goes with `fence_path`");
            Err(edge.error(ErrorKind::Range, detail))
        }
    }
}

/// Makes writes with `call` depend on a file's fencing token.
///
/// # Safety
/// `call` is null, or alive with the size it says; `path` lives for as long as `call` is used.
pub(crate) unsafe fn put_fence(
    edge: &Edge<'_>,
    call: *mut doozer_call_opts,
    path: &CStr,
    token: i64,
) -> Result<(), Error> {
    const NEEDED: usize = offset_of!(doozer_call_opts, fence_token) + size_of::<i64>();
    // SAFETY: by the contract.
    let told = unsafe { sized(edge, "doozer_call_opts", call) }?.ok_or_else(|| edge.is_null("call"))?;
    if told.size < NEEDED {
        let detail = "the program's doozer_call_opts has no place for a fence: build it again with this library's doozer.h";
        return Err(edge.error(ErrorKind::AbiMismatch, detail));
    }
    // SAFETY: by the contract, and it is large enough.
    unsafe {
        (&raw mut (*call).fence_path).write(path.as_ptr());
        (&raw mut (*call).fence_token).write(token);
    }
    Ok(())
}

/// A client's options, and what ends its opening early.
///
/// # Safety
/// `options` is null, or alive with all it points to.
pub(crate) unsafe fn connecting(
    edge: &Edge<'_>,
    options: *const doozer_connect_opts,
) -> Result<(Options, Call), Error> {
    let mut made =
        Options { name: concat!("doozer-c/", env!("CARGO_PKG_VERSION")).into(), ..Options::default() };
    let mut call = Call { options: CallOptions::default(), cancel: None, began: Instant::now() };
    // SAFETY: by the contract.
    let Some(told) = (unsafe { sized(edge, "doozer_connect_opts", options) })? else {
        return Ok((made, call));
    };
    // SAFETY: by the contract.
    let text = |argument, text| unsafe { edge.text(argument, ErrorKind::Other, text) };
    match timeout(edge, "timeout_ms", told.timeout_ms)? {
        Timeout::Usual => {}
        Timeout::Never => made.timeout = None,
        Timeout::After(limit) => made.timeout = Some(limit),
    }
    match timeout(edge, "connect_timeout_ms", told.connect_timeout_ms)? {
        Timeout::Usual => {}
        Timeout::Never => made.connect_timeout = Duration::MAX,
        Timeout::After(limit) => made.connect_timeout = limit,
    }
    if let Some(name) = text("name", told.name)? {
        made.name = name.to_owned();
    }
    if let Some(boot) = text("boot", told.boot)? {
        made.boot = Some(boot.to_owned());
    }
    made.secret = text("secret", told.secret)?.map(|secret| Secret::from(secret.as_bytes().to_vec()));
    let file = |argument, name| Ok::<_, Error>(text(argument, name)?.map(PathBuf::from));
    let (ca, certificate, key) =
        (file("tls_ca", told.tls_ca)?, file("tls_cert", told.tls_cert)?, file("tls_key", told.tls_key)?);
    let server_name = text("tls_server_name", told.tls_server_name)?.map(str::to_owned);
    made.session_ttl = match u64::try_from(told.session_ttl_ms) {
        Ok(0) => made.session_ttl,
        Ok(ttl) => Duration::from_millis(ttl),
        Err(_) => return Err(negative(edge, "session_ttl_ms", told.session_ttl_ms)),
    };
    made.session_label = text("session_label", told.session_label)?.map(str::to_owned);
    made.tls = match ca {
        Some(ca) => Some(Tls { ca, certificate, key, server_name }),
        None if certificate.is_some() || key.is_some() || server_name.is_some() => {
            return Err(edge.error(ErrorKind::MissingArg, "TLS needs `tls_ca`"));
        }
        None => None,
    };
    // SAFETY: by the contract.
    call.cancel = unsafe { told.cancel.as_ref() }.map(doozer_cancel::token);
    Ok((made, call))
}

/// What a list leaves out.
///
/// # Safety
/// `options` is null or alive.
pub(crate) unsafe fn listing(
    edge: &Edge<'_>,
    options: *const doozer_list_opts,
) -> Result<ListOptions, Error> {
    // SAFETY: by the contract.
    let Some(told) = (unsafe { sized(edge, "doozer_list_opts", options) })? else {
        return Ok(ListOptions::default());
    };
    Ok(ListOptions { limit: Some(told.limit).filter(|limit| *limit > 0), keys_only: told.keys_only != 0 })
}

/// A member's configuration.
///
/// # Safety
/// `options` is null, or alive with all it points to.
pub(crate) unsafe fn configuration(
    edge: &Edge<'_>,
    options: *const doozer_node_opts,
) -> Result<NodeConfig, Error> {
    let mut made = NodeConfig::default();
    // SAFETY: by the contract.
    let Some(told) = (unsafe { sized(edge, "doozer_node_opts", options) })? else { return Ok(made) };
    let text = |argument, text| {
        // SAFETY: by the contract.
        let text = unsafe { edge.text(argument, ErrorKind::Other, text) }?;
        Ok::<_, Error>(text.map(str::to_owned))
    };
    let given = |number: u64| Some(number).filter(|number| *number > 0);
    if let Some(directory) = text("data_dir", told.data_dir)? {
        made.data = Data::Directory(directory.into());
    }
    made.listen = text("listen", told.listen)?;
    made.cluster_name = text("cluster_name", told.cluster_name)?.unwrap_or(made.cluster_name);
    made.hostname = text("hostname", told.hostname)?.unwrap_or(made.hostname);
    made.history = History {
        revisions_max: given(told.history).unwrap_or(made.history.revisions_max),
        bytes_max: given(told.history_bytes).unwrap_or(made.history.bytes_max),
    };
    made.value_bytes_max = given(told.max_value).unwrap_or(made.value_bytes_max);
    made.secrets = Secrets::new(text("secret", told.secret)?, text("read_secret", told.read_secret)?);
    let client_ca = text("tls_ca", told.tls_ca)?.map(PathBuf::from);
    made.tls = match (text("tls_cert", told.tls_cert)?, text("tls_key", told.tls_key)?) {
        (Some(certificate), Some(key)) => {
            Some(TlsFiles { certificate: certificate.into(), key: key.into(), client_ca })
        }
        (None, None) if client_ca.is_none() => None,
        _ => return Err(edge.error(ErrorKind::MissingArg, "TLS needs both `tls_cert` and `tls_key`")),
    };
    Ok(made)
}

fn timeout(edge: &Edge<'_>, argument: &str, told: i64) -> Result<Timeout, Error> {
    match u64::try_from(told) {
        Ok(0) => Ok(Timeout::Usual),
        Ok(limit) => Ok(Timeout::After(Duration::from_millis(limit))),
        Err(_) if told == FOREVER => Ok(Timeout::Never),
        Err(_) => Err(negative(edge, argument, told)),
    }
}

fn negative(edge: &Edge<'_>, argument: &str, told: i64) -> Error {
    edge.error(ErrorKind::Range, format!("`{argument}` is negative: {told}"))
}

/// A struct that begins with its size. What a smaller one, of an older program, lacks is zero; what a larger one, of a
/// newer program, has beyond must be zero, since this library could not obey it. `None` for null.
///
/// # Safety
/// `told` is null, or alive with the size it says. All zeros are a valid `T`.
unsafe fn sized<T: Copy>(edge: &Edge<'_>, name: &str, told: *const T) -> Result<Option<T>, Error> {
    if told.is_null() {
        return Ok(None);
    }
    // SAFETY: by the contract it begins with its size, however large it is.
    let size = unsafe { told.cast::<usize>().read_unaligned() };
    if !(size_of::<usize>()..=SIZE_MAX).contains(&size) {
        let detail = format!("the size of a {name} is not {size}: begin with {name}_init()");
        return Err(edge.error(ErrorKind::Range, detail));
    }
    // SAFETY: by the contract, so many bytes are there.
    let bytes = unsafe { slice::from_raw_parts(told.cast::<u8>(), size) };
    let (known, beyond) = bytes.split_at(size.min(size_of::<T>()));
    if beyond.iter().any(|byte| *byte != 0) {
        let detail = format!(
            "this library knows {} bytes of {name}, and the program has set something in the {} bytes behind: it was \
             built for a newer library",
            size_of::<T>(),
            beyond.len()
        );
        return Err(edge.error(ErrorKind::AbiMismatch, detail));
    }
    let mut read = MaybeUninit::<T>::zeroed();
    // SAFETY: `known` is no longer than a `T`, and the two do not overlap; zeros are valid, and so is what C has set.
    Ok(Some(unsafe {
        ptr::copy_nonoverlapping(known.as_ptr(), read.as_mut_ptr().cast(), known.len());
        read.assume_init()
    }))
}
