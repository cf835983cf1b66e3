//! Locks of every kind, and places in a semaphore.

use std::ffi::{CStr, CString, c_char};
use std::ptr;

use doozer_bridge::{CallOptions, Client, Error, Lock, Op};

use crate::client::doozer_client;
use crate::code::doozer_code;
use crate::edge::{Edge, Out, c_text, entry, free, give};
use crate::error::doozer_error;
use crate::options::{Call, doozer_call_opts, put_fence};

/// A lock that was taken, of any kind, or a place of a semaphore. Any thread may use it; in the child of a fork it fails
/// with DOOZER_FORKED, and stays held. It is the caller's to free, with doozer_lock_free.
pub struct doozer_held_lock {
    path: CString,
    lock: Lock,
}

impl From<Lock> for doozer_held_lock {
    fn from(lock: Lock) -> doozer_held_lock {
        doozer_held_lock { path: c_text(lock.path()), lock }
    }
}

/// Takes a lock of some kind, or, by trying, none.
///
/// # Safety
/// The caller's contract, see the header's top.
unsafe fn take<T: Into<Option<Lock>> + Send + 'static>(
    edge: &Edge<'_>,
    client: *const doozer_client,
    path: *const c_char,
    call: *const doozer_call_opts,
    lock: *mut *mut doozer_held_lock,
    make: impl FnOnce(&Client, &str, CallOptions) -> Op<T>,
) -> Result<(), Error> {
    // SAFETY: by the contract.
    let (out, path, client, call) = unsafe {
        let out = Out::handle(edge, "lock", lock)?;
        (out, edge.path(path)?, edge.handle("client", client)?, Call::read(edge, call)?)
    };
    if let Some(taken) = call.block(make(&client.0, path, call.options))?.into() {
        out.put(give(taken.into()));
    }
    Ok(())
}

/// Takes a lock: makes the file `path`, bound to the client's session, as soon as it does not exist. Those who wait stand in
/// a queue of the cluster's and are served in order; without end unless told otherwise. A call that is cancelled or timed
/// out leaves nothing behind. `*lock` is NULL on failure. Blocks.
///
/// It is held until it is given back, or the client is closed, or the client's session ends because nothing was heard of it
/// for its TTL (session_ttl_ms of doozer_connect_opts): a process that dies holds it no longer than that. The holder knows of
/// such a loss before the cluster gives the lock to the next one, see doozer_lock_lost, unless it stood still meanwhile. So
/// hand the fencing token, doozer_lock_rev, to what the lock protects, if that can refuse a smaller one than it has seen;
/// for writes to Doozer itself there is doozer_lock_fence. Whoever deletes or overwrites the file takes the lock from its
/// holder.
///
/// Errors: DOOZER_BAD_PATH; DOOZER_ISDIR, DOOZER_NOTDIR if no file can stand there; DOOZER_TIMEOUT, naming the revision of
/// the holder's file; DOOZER_PERMISSION_DENIED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_lock(
    client: *const doozer_client,
    path: *const c_char,
    call: *const doozer_call_opts,
    lock: *mut *mut doozer_held_lock,
    err: *mut *mut doozer_error,
) -> doozer_code {
    // SAFETY: the caller's contract, see the header's top.
    unsafe { entry("lock", err, |edge| take(edge, client, path, call, lock, Client::lock)) }
}

/// Takes a lock if nobody holds it: `*lock` is NULL, with DOOZER_OK, if somebody does, and NULL on failure. Otherwise as
/// doozer_lock. Blocks for a call's usual time.
///
/// Errors: as doozer_lock.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_try_lock(
    client: *const doozer_client,
    path: *const c_char,
    call: *const doozer_call_opts,
    lock: *mut *mut doozer_held_lock,
    err: *mut *mut doozer_error,
) -> doozer_code {
    // SAFETY: the caller's contract, see the header's top.
    unsafe { entry("try_lock", err, |edge| take(edge, client, path, call, lock, Client::try_lock)) }
}

/// Takes a read-write lock for reading: `path` is a directory, in which many readers may be at a time, and no writer. All who
/// want in are served in the order in which they came. The lock's path and token are those of a file in that directory that
/// stands for this reader. Otherwise as doozer_lock. Blocks.
///
/// Errors: as doozer_lock; DOOZER_NOTDIR if a file stands at `path`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_read_lock(
    client: *const doozer_client,
    path: *const c_char,
    call: *const doozer_call_opts,
    lock: *mut *mut doozer_held_lock,
    err: *mut *mut doozer_error,
) -> doozer_code {
    // SAFETY: the caller's contract, see the header's top.
    unsafe { entry("read_lock", err, |edge| take(edge, client, path, call, lock, Client::read_lock)) }
}

/// Takes a read-write lock for writing: alone. Otherwise as doozer_read_lock. Blocks.
///
/// Errors: as doozer_read_lock.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_write_lock(
    client: *const doozer_client,
    path: *const c_char,
    call: *const doozer_call_opts,
    lock: *mut *mut doozer_held_lock,
    err: *mut *mut doozer_error,
) -> doozer_code {
    // SAFETY: the caller's contract, see the header's top.
    unsafe { entry("write_lock", err, |edge| take(edge, client, path, call, lock, Client::write_lock)) }
}

/// Takes one of `n` places: `path` is a directory, in which so many may be at a time. All who want in are served in the order
/// in which they came; each goes in once fewer than its own `n` are inside, so give all the same. The lock's path and token
/// are those of a file in that directory that stands for this place. Otherwise as doozer_lock. Blocks.
///
/// Errors: as doozer_read_lock; DOOZER_RANGE if `n` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_semaphore(
    client: *const doozer_client,
    path: *const c_char,
    n: usize,
    call: *const doozer_call_opts,
    lock: *mut *mut doozer_held_lock,
    err: *mut *mut doozer_error,
) -> doozer_code {
    // SAFETY: the caller's contract, see the header's top.
    unsafe {
        entry("semaphore", err, |edge| {
            take(edge, client, path, call, lock, |client, path, with| client.semaphore(path, n, with))
        })
    }
}

/// Gives a lock back: deletes the file, if it is still this holder's. With DOOZER_OK it is free, or the next one has it. The
/// handle is still to be freed. It may take as long as `call` says, and no longer than is usual for the client. A
/// call that is cancelled or timed out leaves it being given back; after another error than those below it may be called
/// again, too. Blocks.
///
/// Errors: DOOZER_LOCK_LOST if it was not this holder's any more, so that somebody else may have held the lock meanwhile;
/// DOOZER_CLOSED if it was given back before, or if the client was closed; DOOZER_FORKED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_unlock(
    lock: *const doozer_held_lock,
    call: *const doozer_call_opts,
    err: *mut *mut doozer_error,
) -> doozer_code {
    // SAFETY: the caller's contract, see the header's top.
    unsafe {
        entry("unlock", err, |edge| {
            let held = edge.handle("lock", lock)?;
            let call = Call::read(edge, call)?;
            call.block_limited(held.lock.unlock())
        })
    }
}

/// Waits until the lock is not held any more: until the cluster may soon give it to somebody else, because it has confirmed
/// nothing for too long; or because somebody deleted or overwrote the file, or it was given back. The former is known before
/// the next one can have it, unless this process stands still. Waits without end unless told otherwise; it may be called
/// from any number of threads, before and after. Blocks.
///
/// Errors: DOOZER_TIMEOUT and DOOZER_CANCELLED, by `call`, if it was held until then; DOOZER_FORKED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_lock_lost(
    lock: *const doozer_held_lock,
    call: *const doozer_call_opts,
    err: *mut *mut doozer_error,
) -> doozer_code {
    // SAFETY: the caller's contract, see the header's top.
    unsafe {
        entry("lost", err, |edge| {
            let held = edge.handle("lock", lock)?;
            let call = Call::read(edge, call)?;
            call.block_limited(held.lock.lost())
        })
    }
}

/// Makes the writes that `call` is given to, doozer_set and doozer_del, depend on the lock: sets fence_path, which lives as
/// long as the lock's handle, and fence_token. The cluster refuses them with DOOZER_LOCK_LOST once somebody else may hold the
/// lock, however late they come. Does not block.
///
/// Errors: DOOZER_FORKED; DOOZER_ABI_MISMATCH if the program's doozer_call_opts has no place for it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_lock_fence(
    lock: *const doozer_held_lock,
    call: *mut doozer_call_opts,
    err: *mut *mut doozer_error,
) -> doozer_code {
    // SAFETY: the caller's contract, see the header's top.
    unsafe {
        entry("fence", err, |edge| {
            let held = edge.handle("lock", lock)?;
            put_fence(edge, call, &held.path, held.lock.fence()?.token)
        })
    }
}

/// The path of the lock's file. It lives as long as the handle. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_lock_path(lock: *const doozer_held_lock) -> *const c_char {
    // SAFETY: the caller's contract, see the header's top.
    unsafe { lock.as_ref() }.map_or(ptr::null(), |held| CStr::as_ptr(&held.path))
}

/// The fencing token: the revision of the lock's file, which grows from holder to holder.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_lock_rev(lock: *const doozer_held_lock) -> i64 {
    // SAFETY: the caller's contract, see the header's top.
    unsafe { lock.as_ref() }.map_or(0, |held| held.lock.rev())
}

/// Whether it surely is held: it was not given back, nor found lost, and the cluster does not end its session yet. Asks
/// nobody: that somebody deleted or overwrote the file is known only while doozer_lock_lost waits. False in the child of a
/// fork, and for NULL. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_lock_is_held(lock: *const doozer_held_lock) -> bool {
    // SAFETY: the caller's contract, see the header's top.
    unsafe { lock.as_ref() }.is_some_and(|held| held.lock.is_held())
}

/// For how many milliseconds it surely is held, if it is not given back and nobody deletes or overwrites its file; 0 once
/// doozer_lock_is_held is false. By a clock that goes on while the machine sleeps. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_lock_valid_for_ms(lock: *const doozer_held_lock) -> i64 {
    // SAFETY: the caller's contract, see the header's top.
    let valid_for = unsafe { lock.as_ref() }.map(|held| held.lock.valid_for().as_millis());
    valid_for.map_or(0, |ms| i64::try_from(ms).unwrap_or(i64::MAX))
}

/// Frees the handle. A lock that is still held is given back in the background, as far as that can be done, once no other
/// thread waits in doozer_lock_lost; doozer_unlock says whether it was. NULL does nothing. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_lock_free(lock: *mut doozer_held_lock) {
    // SAFETY: the caller's contract, see the header's top.
    unsafe { free(lock) }
}
