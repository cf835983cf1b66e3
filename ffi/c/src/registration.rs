//! Services, and whatever else is there as long as its process is.

use std::ffi::{CStr, CString, c_char, c_void};
use std::ptr;

use doozer_bridge::Registration;

use crate::client::{ask, doozer_client};
use crate::code::doozer_code;
use crate::edge::{Out, c_text, entry, free, give};
use crate::error::doozer_error;
use crate::options::{Call, doozer_call_opts};

/// A file that is there for as long as this is. Any thread may use it; in the child of a fork it fails with
/// DOOZER_FORKED, and the file stays. It is the caller's to free, with doozer_registration_free.
pub struct doozer_registration {
    path: CString,
    registration: Registration,
}

/// Registers a service, or whatever there is as long as this process is: writes the file `path`, bound to the client's
/// session, with `value` of `len` bytes, whatever was there before, and writes it again whenever the session was lost. Give
/// each instance a path of its own; doozer_discover finds them. `*registration` is NULL on failure. Blocks until the file is
/// there, for a call's usual time; a call that is cancelled or timed out leaves nothing behind.
///
/// When the process dies, the file goes within the session's TTL and a margin. After an outage of the cluster, or of the
/// way to it, the file is there again a moment after. A file that somebody else deletes or overwrites is left alone: so an
/// instance can be taken out by hand.
///
/// Errors: DOOZER_BAD_PATH; DOOZER_ISDIR, DOOZER_NOTDIR; DOOZER_TOO_LARGE; DOOZER_PERMISSION_DENIED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_register(
    client: *const doozer_client,
    path: *const c_char,
    value: *const c_void,
    len: usize,
    call: *const doozer_call_opts,
    registration: *mut *mut doozer_registration,
    err: *mut *mut doozer_error,
) -> doozer_code {
    // SAFETY: the caller's contract, see the header's top.
    unsafe {
        entry("register", err, |edge| {
            let out = Out::handle(edge, "registration", registration)?;
            let (path, value) = (edge.path(path)?, edge.bytes("value", value, len)?.to_vec());
            let registration =
                ask(edge, client, call, |client, with| client.register(path, value.into(), with))?;
            out.put(give(doozer_registration { path: c_text(registration.path()), registration }));
            Ok(())
        })
    }
}

/// Takes a registration back. With DOOZER_OK the file is gone, or is somebody else's. The handle is still to be freed. It may
/// take as long as `call` says, and no longer than is usual for the client. A call that is cancelled or timed out
/// leaves it being taken back. Blocks.
///
/// Errors: DOOZER_CLOSED if it was taken back before, or if the client was closed; DOOZER_FORKED; those of a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_deregister(
    registration: *const doozer_registration,
    call: *const doozer_call_opts,
    err: *mut *mut doozer_error,
) -> doozer_code {
    // SAFETY: the caller's contract, see the header's top.
    unsafe {
        entry("deregister", err, |edge| {
            let doozer_registration { registration, .. } = edge.handle("registration", registration)?;
            let call = Call::read(edge, call)?;
            call.block_limited(registration.deregister())
        })
    }
}

/// The file's path. It lives as long as the handle. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_registration_path(registration: *const doozer_registration) -> *const c_char {
    // SAFETY: the caller's contract, see the header's top.
    unsafe { registration.as_ref() }.map_or(ptr::null(), |registration| CStr::as_ptr(&registration.path))
}

/// The file's revision; 0 while it may be gone with a session that was lost, and is to be written again; 0 also once it was
/// taken back, in the child of a fork, and for NULL. Asks nobody. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_registration_rev(registration: *const doozer_registration) -> i64 {
    // SAFETY: the caller's contract, see the header's top.
    unsafe { registration.as_ref() }.and_then(|registration| registration.registration.rev()).unwrap_or(0)
}

/// Frees the handle. What is still registered is taken back in the background, as far as that can be done. NULL does
/// nothing. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_registration_free(registration: *mut doozer_registration) {
    // SAFETY: the caller's contract, see the header's top.
    unsafe { free(registration) }
}
