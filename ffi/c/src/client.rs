//! A client and its calls.

use std::ffi::{CString, c_char, c_void};

use doozer_bridge::{CallOptions, Client, Error, ErrorKind, Op};

use crate::code::doozer_code;
use crate::edge::{Edge, Out, c_text, entry, free, give, quietly};
use crate::error::doozer_error;
use crate::options::{Call, connecting, doozer_call_opts, doozer_connect_opts};
use crate::results::{doozer_entries, doozer_event, doozer_file, doozer_names};

/// For revisions of reads: as things are now.
const NOW: i64 = i64::MIN;

/// A client of one cluster. Any number of threads may use it at once. In the child of a fork it opens a connection of
/// its own when it is first used there; the client of an embedded member stays with its parent, and fails with
/// DOOZER_FORKED. It is the caller's to free, with doozer_client_free.
pub struct doozer_client(pub(crate) Client);

/// The revision of a read: `None` is now.
pub(crate) fn at(rev: i64) -> Option<i64> {
    Some(rev).filter(|rev| *rev != NOW)
}

/// Makes a call of a client and waits for it.
///
/// # Safety
/// `client` and `call` are null or alive.
pub(crate) unsafe fn ask<T: Send + 'static>(
    edge: &Edge<'_>,
    client: *const doozer_client,
    call: *const doozer_call_opts,
    make: impl FnOnce(&Client, CallOptions) -> Op<T>,
) -> Result<T, Error> {
    // SAFETY: by the contract.
    let (doozer_client(client), call) = unsafe { (edge.handle("client", client)?, Call::read(edge, call)?) };
    // From here on nothing of the caller's is used: it may be freed while this waits.
    call.block(make(client, call.options))
}

/// Opens a client of the cluster that `uri` names: "HOST:PORT", or several with commas between, or "doozer:?ca=…&sk=…".
/// NULL is what the environment's DOOZER_URI says, or else 127.0.0.1:8046. NULL options are the defaults.
///
/// Blocks until a connection stands, at most for connect_timeout_ms. `*client` is the new client, or NULL on failure.
///
/// Errors: DOOZER_BAD_URI; DOOZER_DISCONNECTED, naming the addresses, if none could be reached in time;
/// DOOZER_PERMISSION_DENIED for a wrong secret; DOOZER_IO for a certificate that cannot be read; DOOZER_BAD_TTL for a
/// session_ttl_ms below 1 s or above 24 h.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_connect(
    uri: *const c_char,
    options: *const doozer_connect_opts,
    client: *mut *mut doozer_client,
    err: *mut *mut doozer_error,
) -> doozer_code {
    // SAFETY: the caller's contract, see the header's top.
    unsafe {
        entry("connect", err, |edge| {
            let out = Out::handle(edge, "client", client)?;
            let (options, call) = connecting(edge, options)?;
            let uri = edge.text("uri", ErrorKind::BadUri, uri)?;
            out.put(give(doozer_client(call.block(Client::connect(uri, options))?)));
            Ok(())
        })
    }
}

/// Closes a client. Calls under way in other threads end with DOOZER_CLOSED, or, writes that were sent, with
/// DOOZER_OUTCOME_UNKNOWN; all later ones fail with DOOZER_CLOSED. Closing again is no error. The handle is still to be
/// freed. In the child of a fork the parent's connection is left alone.
///
/// Blocks until the connection is given up.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_close(
    client: *const doozer_client,
    call: *const doozer_call_opts,
    err: *mut *mut doozer_error,
) -> doozer_code {
    // SAFETY: the caller's contract, see the header's top.
    unsafe {
        entry("close", err, |edge| {
            let (client, call) = (edge.handle("client", client)?, Call::read(edge, call)?);
            call.block_limited(client.0.close())
        })
    }
}

/// Whether the client was closed. True for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_is_closed(client: *const doozer_client) -> bool {
    // SAFETY: the caller's contract, see the header's top.
    unsafe { client.as_ref() }.is_none_or(|client| client.0.is_closed())
}

/// Frees a client. Calls that other threads are already waiting in, open streams, and what is held by it (locks,
/// elections, registrations, live maps) go on: close it first to end them. NULL does nothing. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_client_free(client: *mut doozer_client) {
    // SAFETY: the caller's contract, see the header's top.
    unsafe { free(client) }
}

/// Writes the file `path`, provided that it has not changed since `rev`: 0 is for a file that does not exist yet, -1 for
/// whatever there is. `value` has `len` bytes; NULL will do if there are none. `*new_rev` is the revision this made;
/// `new_rev` may be NULL. With a fence in `call`, see doozer_lock_fence, it is made only while that lock is held. Blocks.
///
/// Errors: DOOZER_REV_MISMATCH if it has changed; DOOZER_BAD_PATH; DOOZER_ISDIR, DOOZER_NOTDIR if no file can stand there;
/// DOOZER_TOO_LARGE; DOOZER_PERMISSION_DENIED; DOOZER_OUTCOME_UNKNOWN if the answer did not come; DOOZER_LOCK_LOST if what
/// the fence names is not held any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_set(
    client: *const doozer_client,
    path: *const c_char,
    value: *const c_void,
    len: usize,
    rev: i64,
    call: *const doozer_call_opts,
    new_rev: *mut i64,
    err: *mut *mut doozer_error,
) -> doozer_code {
    // SAFETY: the caller's contract, see the header's top.
    unsafe {
        entry("set", err, |edge| {
            let out = Out::new(new_rev, 0);
            let (path, value) = (edge.path(path)?, edge.bytes("value", value, len)?.to_vec().into());
            let doozer_client(client) = edge.handle("client", client)?;
            let (call, fence) = Call::read_fenced(edge, call)?;
            let op = match fence {
                None => client.set(path, value, rev, call.options),
                Some(fence) => client.set_fenced(path, value, rev, fence, call.options),
            };
            out.put(call.block(op)?);
            Ok(())
        })
    }
}

/// Makes the file `path`, which must not exist yet: doozer_set with revision 0. Blocks.
///
/// Errors: as doozer_set; DOOZER_REV_MISMATCH if it exists.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_add(
    client: *const doozer_client,
    path: *const c_char,
    value: *const c_void,
    len: usize,
    call: *const doozer_call_opts,
    new_rev: *mut i64,
    err: *mut *mut doozer_error,
) -> doozer_code {
    // SAFETY: the caller's contract, see the header's top.
    unsafe {
        entry("add", err, |edge| {
            let out = Out::new(new_rev, 0);
            let (path, value) = (edge.path(path)?, edge.bytes("value", value, len)?.to_vec());
            out.put(ask(edge, client, call, |client, with| client.add(path, value.into(), with))?);
            Ok(())
        })
    }
}

/// Deletes the file `path`, provided that it has not changed since `rev`, see doozer_set. `*new_rev` is the revision this
/// made; 0 if there was no such file. `new_rev` may be NULL. Blocks.
///
/// Errors: as doozer_set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_del(
    client: *const doozer_client,
    path: *const c_char,
    rev: i64,
    call: *const doozer_call_opts,
    new_rev: *mut i64,
    err: *mut *mut doozer_error,
) -> doozer_code {
    // SAFETY: the caller's contract, see the header's top.
    unsafe {
        entry("del", err, |edge| {
            let out = Out::new(new_rev, 0);
            let (path, doozer_client(client)) = (edge.path(path)?, edge.handle("client", client)?);
            let (call, fence) = Call::read_fenced(edge, call)?;
            let op = match fence {
                None => client.del(path, rev, call.options),
                Some(fence) => client.del_fenced(path, rev, fence, call.options),
            };
            out.put(call.block(op)?.unwrap_or(0));
            Ok(())
        })
    }
}

/// Writes again what the file `path` held at revision `rev`, provided that nobody changes it meanwhile. `*new_rev` is the
/// revision this made; if the file is still the one of that time, its own. `new_rev` may be NULL. Blocks.
///
/// Errors: as doozer_get; DOOZER_NOENT if there was no file then; DOOZER_REV_MISMATCH if it was changed meanwhile; those of
/// doozer_set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_rollback(
    client: *const doozer_client,
    path: *const c_char,
    rev: i64,
    call: *const doozer_call_opts,
    new_rev: *mut i64,
    err: *mut *mut doozer_error,
) -> doozer_code {
    // SAFETY: the caller's contract, see the header's top.
    unsafe {
        entry("rollback", err, |edge| {
            let out = Out::new(new_rev, 0);
            let path = edge.path(path)?;
            out.put(ask(edge, client, call, |client, with| client.rollback(path, rev, with))?);
            Ok(())
        })
    }
}

/// Reads the file `path` as it is (DOOZER_NOW) or was at a revision; one that has not come yet is waited for. A file that
/// does not exist is no error, see doozer_file_is_missing. `*file` is the file, or NULL on failure. Blocks.
///
/// Errors: DOOZER_ISDIR; DOOZER_BAD_PATH; DOOZER_RANGE for a negative revision; DOOZER_TOO_LATE for one that is not kept
/// any more; DOOZER_PERMISSION_DENIED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_get(
    client: *const doozer_client,
    path: *const c_char,
    rev: i64,
    call: *const doozer_call_opts,
    file: *mut *mut doozer_file,
    err: *mut *mut doozer_error,
) -> doozer_code {
    // SAFETY: the caller's contract, see the header's top.
    unsafe {
        entry("get", err, |edge| {
            let out = Out::handle(edge, "file", file)?;
            let path = edge.path(path)?;
            out.put(give(ask(edge, client, call, |client, with| client.get(path, at(rev), with))?.into()));
            Ok(())
        })
    }
}

/// The current revision goes to `*rev`. Blocks.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_rev(
    client: *const doozer_client,
    call: *const doozer_call_opts,
    rev: *mut i64,
    err: *mut *mut doozer_error,
) -> doozer_code {
    // SAFETY: the caller's contract, see the header's top.
    unsafe {
        entry("rev", err, |edge| {
            let out = Out::new(rev, 0);
            out.put(ask(edge, client, call, Client::rev)?);
            Ok(())
        })
    }
}

/// Looks at a file or directory, now (DOOZER_NOW) or at a revision. `*len` is the file's length in bytes, or the number of
/// the directory's entries; `*file_rev` is the revision that wrote the file, DOOZER_DIRECTORY for a directory, 0 if there
/// is nothing. Either may be NULL. Blocks.
///
/// Errors: as doozer_get, but for a directory.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_stat(
    client: *const doozer_client,
    path: *const c_char,
    rev: i64,
    call: *const doozer_call_opts,
    len: *mut u64,
    file_rev: *mut i64,
    err: *mut *mut doozer_error,
) -> doozer_code {
    // SAFETY: the caller's contract, see the header's top.
    unsafe {
        entry("stat", err, |edge| {
            let (len, file_rev) = (Out::new(len, 0), Out::new(file_rev, 0));
            let path = edge.path(path)?;
            let stat = ask(edge, client, call, |client, with| client.stat(path, at(rev), with))?;
            len.put(stat.len);
            file_rev.put(stat.rev);
            Ok(())
        })
    }
}

/// The names in a directory, in order, now (DOOZER_NOW) or at a revision. `*names` is NULL on failure. Blocks.
///
/// Errors: DOOZER_NOENT; DOOZER_NOTDIR; and those of doozer_get.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_getdir(
    client: *const doozer_client,
    path: *const c_char,
    rev: i64,
    call: *const doozer_call_opts,
    names: *mut *mut doozer_names,
    err: *mut *mut doozer_error,
) -> doozer_code {
    // SAFETY: the caller's contract, see the header's top.
    unsafe {
        entry("getdir", err, |edge| {
            let out = Out::handle(edge, "names", names)?;
            let path = edge.path(path)?;
            out.put(give(ask(edge, client, call, |client, with| client.getdir(path, at(rev), with))?.into()));
            Ok(())
        })
    }
}

/// All files that match `glob` at one revision, the current one (DOOZER_NOW) or another, in the order of the tree.
/// doozer_list_open gives them piece by piece. `*entries` is NULL on failure. Blocks.
///
/// Errors: DOOZER_BAD_GLOB; DOOZER_RANGE; DOOZER_TOO_LATE; DOOZER_PERMISSION_DENIED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_walk(
    client: *const doozer_client,
    glob: *const c_char,
    rev: i64,
    call: *const doozer_call_opts,
    entries: *mut *mut doozer_entries,
    err: *mut *mut doozer_error,
) -> doozer_code {
    // SAFETY: the caller's contract, see the header's top.
    unsafe {
        entry("walk", err, |edge| {
            let out = Out::handle(edge, "entries", entries)?;
            let glob = edge.glob(glob)?;
            out.put(give(ask(edge, client, call, |client, with| client.walk(glob, at(rev), with))?.into()));
            Ok(())
        })
    }
}

/// Waits for the first change of a file that matches `glob`, on or after revision `rev`; without end unless told
/// otherwise. `*event` is NULL on failure. Blocks.
///
/// Errors: DOOZER_BAD_GLOB; DOOZER_RANGE; DOOZER_TOO_LATE; DOOZER_PERMISSION_DENIED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_wait(
    client: *const doozer_client,
    glob: *const c_char,
    rev: i64,
    call: *const doozer_call_opts,
    event: *mut *mut doozer_event,
    err: *mut *mut doozer_error,
) -> doozer_code {
    // SAFETY: the caller's contract, see the header's top.
    unsafe {
        entry("wait", err, |edge| {
            let out = Out::handle(edge, "event", event)?;
            let glob = edge.glob(glob)?;
            out.put(give(ask(edge, client, call, |client, with| client.wait(glob, rev, with))?.into()));
            Ok(())
        })
    }
}

/// Passes through the cluster without changing anything: proof that writing works. Takes the right to write. Blocks.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_nop(
    client: *const doozer_client,
    call: *const doozer_call_opts,
    err: *mut *mut doozer_error,
) -> doozer_code {
    // SAFETY: the caller's contract, see the header's top.
    unsafe { entry("nop", err, |edge| ask(edge, client, call, Client::nop)) }
}

/// The id of the member the client is connected to. `*id` is the caller's to free with doozer_string_free; NULL on
/// failure. Blocks.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_self(
    client: *const doozer_client,
    call: *const doozer_call_opts,
    id: *mut *mut c_char,
    err: *mut *mut doozer_error,
) -> doozer_code {
    // SAFETY: the caller's contract, see the header's top.
    unsafe {
        entry("self", err, |edge| {
            let out = Out::handle(edge, "id", id)?;
            out.put(c_text(ask(edge, client, call, Client::self_id)?).into_raw());
            Ok(())
        })
    }
}

/// Frees the text of doozer_self. NULL does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_string_free(text: *mut c_char) {
    if !text.is_null() {
        // SAFETY: the caller's contract, see the header's top: it came from `doozer_self`.
        let text = unsafe { CString::from_raw(text) };
        quietly(|| drop(text));
    }
}

/// Presents a secret of `len` bytes, and presents it again on every connection to come. Blocks.
///
/// Errors: DOOZER_PERMISSION_DENIED if it is wrong; nothing has changed then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_access(
    client: *const doozer_client,
    secret: *const c_void,
    len: usize,
    call: *const doozer_call_opts,
    err: *mut *mut doozer_error,
) -> doozer_code {
    // SAFETY: the caller's contract, see the header's top.
    unsafe {
        entry("access", err, |edge| {
            let secret = edge.bytes("secret", secret, len)?;
            ask(edge, client, call, |client, with| client.access(secret, with))
        })
    }
}
