//! The simple lock.

use std::ffi::{CStr, CString, c_char};
use std::ptr;

use doozer_bridge::Lock;

use crate::client::doozer_client;
use crate::code::doozer_code;
use crate::edge::{Out, c_text, entry, free, give};
use crate::error::doozer_error;
use crate::options::{Call, doozer_call_opts};

/// A lock that was taken. Any thread may use it; in the child of a fork it fails with DOOZER_FORKED, and stays held. It
/// is the caller's to free, with doozer_lock_free.
pub struct doozer_held_lock {
    path: CString,
    lock: Lock,
}

/// Takes a lock: makes the file `path`, which must not exist, waiting for whoever holds it to delete it; without end
/// unless told otherwise. A call that is cancelled or timed out leaves nothing behind. `*lock` is NULL on failure. Blocks.
///
/// This is the simple lock: what a process held that died, or was cut off for good, stays locked until somebody deletes
/// the file; waiters are not served in order; and whoever deletes or overwrites the file takes the lock from its holder,
/// who learns of it in doozer_unlock only. So hand the fencing token, doozer_lock_rev, to what the lock protects, if
/// that can refuse a smaller one than it has seen.
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
    unsafe {
        entry("lock", err, |edge| {
            let out = Out::handle(edge, "lock", lock)?;
            let (path, client) = (edge.path(path)?, edge.handle("client", client)?);
            let call = Call::read(edge, call)?;
            let lock = call.block(client.0.lock(path, call.options))?;
            out.put(give(doozer_held_lock { path: c_text(lock.path()), lock }));
            Ok(())
        })
    }
}

/// Gives a lock back: deletes the file, if it is still this holder's. With DOOZER_OK it is free. The handle is still to be
/// freed. After another error than those below it may be called again. Blocks.
///
/// Errors: DOOZER_LOCK_LOST if the file was not this holder's any more, so that somebody else may have held the lock
/// meanwhile; DOOZER_CLOSED if it was given back, or found lost, before, or if the client was closed; DOOZER_FORKED.
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

/// The lock's path. It lives as long as the handle. NULL for NULL.
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

/// Whether it is still to be given back: false once it was, or was found lost, and in the child of a fork.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_lock_is_held(lock: *const doozer_held_lock) -> bool {
    // SAFETY: the caller's contract, see the header's top.
    unsafe { lock.as_ref() }.is_some_and(|held| held.lock.is_held())
}

/// Frees the handle. A lock that is still held is given back in the background, as far as that can be done;
/// doozer_unlock says whether it was. NULL does nothing. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_lock_free(lock: *mut doozer_held_lock) {
    // SAFETY: the caller's contract, see the header's top.
    unsafe { free(lock) }
}
