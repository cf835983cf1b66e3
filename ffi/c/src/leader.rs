//! Elections.

use std::ffi::{CStr, CString, c_char, c_void};
use std::ptr;

use doozer_bridge::Leader;

use crate::client::{ask, doozer_client};
use crate::code::doozer_code;
use crate::edge::{Out, c_text, entry, free, give};
use crate::error::doozer_error;
use crate::options::{Call, doozer_call_opts, put_fence};

/// Who was elected. Any thread may use it; in the child of a fork it fails with DOOZER_FORKED, and goes on leading. It is
/// the caller's to free, with doozer_leader_free.
pub struct doozer_leader {
    path: CString,
    leader: Leader,
}

/// Stands for election: waits until the file `path` is this candidate's, which then leads. The file holds `value`, of `len`
/// bytes, for everybody to see: see doozer_observe_open. Candidates are elected in the order in which they came. `*leader`
/// is NULL on failure. Otherwise as doozer_lock. Blocks.
///
/// Errors: as doozer_lock; DOOZER_TOO_LARGE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_elect(
    client: *const doozer_client,
    path: *const c_char,
    value: *const c_void,
    len: usize,
    call: *const doozer_call_opts,
    leader: *mut *mut doozer_leader,
    err: *mut *mut doozer_error,
) -> doozer_code {
    // SAFETY: the caller's contract, see the header's top.
    unsafe {
        entry("elect", err, |edge| {
            let out = Out::handle(edge, "leader", leader)?;
            let (path, value) = (edge.path(path)?, edge.bytes("value", value, len)?.to_vec());
            let leader = ask(edge, client, call, |client, with| client.elect(path, value.into(), with))?;
            out.put(give(doozer_leader { path: c_text(leader.path()), leader }));
            Ok(())
        })
    }
}

/// Says something else from now on; the token stays. `*new_rev` is the revision of that; `new_rev` may be NULL. It may take
/// as long as `call` says, and no longer than the election might. Cancelled or timed out, it may have been said, or not.
/// Blocks.
///
/// Errors: DOOZER_LOCK_LOST if it does not lead any more; DOOZER_CLOSED if it has resigned; DOOZER_FORKED; and as doozer_set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_proclaim(
    leader: *const doozer_leader,
    value: *const c_void,
    len: usize,
    call: *const doozer_call_opts,
    new_rev: *mut i64,
    err: *mut *mut doozer_error,
) -> doozer_code {
    // SAFETY: the caller's contract, see the header's top.
    unsafe {
        entry("proclaim", err, |edge| {
            let out = Out::new(new_rev, 0);
            let doozer_leader { leader, .. } = edge.handle("leader", leader)?;
            let value = edge.bytes("value", value, len)?.to_vec();
            let call = Call::read(edge, call)?;
            out.put(call.block_limited(leader.proclaim(value.into()))?);
            Ok(())
        })
    }
}

/// Leads no longer; the next candidate does. Otherwise as doozer_unlock. Blocks.
///
/// Errors: DOOZER_LOCK_LOST if it did not lead any more; DOOZER_CLOSED if it has resigned before, or if the client was
/// closed; DOOZER_FORKED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_resign(
    leader: *const doozer_leader,
    call: *const doozer_call_opts,
    err: *mut *mut doozer_error,
) -> doozer_code {
    // SAFETY: the caller's contract, see the header's top.
    unsafe {
        entry("resign", err, |edge| {
            let doozer_leader { leader, .. } = edge.handle("leader", leader)?;
            let call = Call::read(edge, call)?;
            call.block_limited(leader.resign())
        })
    }
}

/// Waits until it does not lead any more, as doozer_lock_lost. Blocks.
///
/// Errors: as doozer_lock_lost.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_leader_lost(
    leader: *const doozer_leader,
    call: *const doozer_call_opts,
    err: *mut *mut doozer_error,
) -> doozer_code {
    // SAFETY: the caller's contract, see the header's top.
    unsafe {
        entry("lost", err, |edge| {
            let doozer_leader { leader, .. } = edge.handle("leader", leader)?;
            let call = Call::read(edge, call)?;
            call.block_limited(leader.lost())
        })
    }
}

/// Makes the writes that `call` is given to depend on its leading, as doozer_lock_fence does. Does not block.
///
/// Errors: as doozer_lock_fence.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_leader_fence(
    leader: *const doozer_leader,
    call: *mut doozer_call_opts,
    err: *mut *mut doozer_error,
) -> doozer_code {
    // SAFETY: the caller's contract, see the header's top.
    unsafe {
        entry("fence", err, |edge| {
            let doozer_leader { path, leader } = edge.handle("leader", leader)?;
            put_fence(edge, call, path, leader.fence()?.token)
        })
    }
}

/// The path of the election's file. It lives as long as the handle. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_leader_path(leader: *const doozer_leader) -> *const c_char {
    // SAFETY: the caller's contract, see the header's top.
    unsafe { leader.as_ref() }.map_or(ptr::null(), |leader| CStr::as_ptr(&leader.path))
}

/// The fencing token: greater for each leader than for the one before, and the same however often it proclaims.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_leader_token(leader: *const doozer_leader) -> i64 {
    // SAFETY: the caller's contract, see the header's top.
    unsafe { leader.as_ref() }.map_or(0, |leader| leader.leader.token())
}

/// Whether it surely leads, as doozer_lock_is_held. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_leader_is_leading(leader: *const doozer_leader) -> bool {
    // SAFETY: the caller's contract, see the header's top.
    unsafe { leader.as_ref() }.is_some_and(|leader| leader.leader.is_leading())
}

/// Frees the handle. One that still leads resigns in the background, as doozer_lock_free gives a lock back. NULL does
/// nothing. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_leader_free(leader: *mut doozer_leader) {
    // SAFETY: the caller's contract, see the header's top.
    unsafe { free(leader) }
}
