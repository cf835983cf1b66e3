//! Barriers.

use std::ffi::c_char;

use doozer_bridge::Entered;

use crate::client::{ask, doozer_client};
use crate::code::doozer_code;
use crate::edge::{Out, entry, free, give};
use crate::error::doozer_error;
use crate::options::{Call, doozer_call_opts};

/// Who went through a barrier. Any thread may use it; in the child of a fork it fails with DOOZER_FORKED, and has not left.
/// It is the caller's to free, with doozer_entered_free.
pub struct doozer_entered(Entered);

/// Goes through the barrier in the directory `path`: waits until `n` have come, this one included; without end unless told
/// otherwise. Should there be more by then, they go through too; who comes when some have gone through waits until all of
/// those have left, and for `n` of its own. A call that is cancelled or timed out has not come. `*entered` is NULL on
/// failure. Blocks.
///
/// Errors: DOOZER_RANGE if `n` is 0; DOOZER_BAD_PATH; DOOZER_NOTDIR if a file stands at `path`; DOOZER_LOCK_LOST if the
/// session was lost meanwhile; DOOZER_PERMISSION_DENIED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_barrier_enter(
    client: *const doozer_client,
    path: *const c_char,
    n: usize,
    call: *const doozer_call_opts,
    entered: *mut *mut doozer_entered,
    err: *mut *mut doozer_error,
) -> doozer_code {
    // SAFETY: the caller's contract, see the header's top.
    unsafe {
        entry("enter", err, |edge| {
            let out = Out::handle(edge, "entered", entered)?;
            let path = edge.path(path)?;
            let entered = ask(edge, client, call, |client, with| client.enter(path, n, with))?;
            out.put(give(doozer_entered(entered)));
            Ok(())
        })
    }
}

/// Leaves, and waits until all who went through together have left: as long as `call` says;
/// without end unless told otherwise. A call that is cancelled or timed out has left, and may be made again to wait for the
/// others. The handle is still to be freed. Blocks.
///
/// Errors: DOOZER_LOCK_LOST if it counted as having left before; DOOZER_CLOSED if the client was closed; DOOZER_FORKED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_barrier_leave(
    entered: *const doozer_entered,
    call: *const doozer_call_opts,
    err: *mut *mut doozer_error,
) -> doozer_code {
    // SAFETY: the caller's contract, see the header's top.
    unsafe {
        entry("leave", err, |edge| {
            let doozer_entered(entered) = edge.handle("entered", entered)?;
            let call = Call::read(edge, call)?;
            call.block_limited(entered.leave())
        })
    }
}

/// Waits until it counts as having left, because its session may have ended, or somebody deleted its file, or it has left.
/// Otherwise as doozer_lock_lost. Blocks.
///
/// Errors: as doozer_lock_lost.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_barrier_lost(
    entered: *const doozer_entered,
    call: *const doozer_call_opts,
    err: *mut *mut doozer_error,
) -> doozer_code {
    // SAFETY: the caller's contract, see the header's top.
    unsafe {
        entry("lost", err, |edge| {
            let doozer_entered(entered) = edge.handle("entered", entered)?;
            let call = Call::read(edge, call)?;
            call.block_limited(entered.lost())
        })
    }
}

/// Whether it surely counts as inside: it has not left, nor was found lost, and the cluster does not end its session yet. Asks
/// nobody: that somebody deleted its file is known only while doozer_barrier_lost waits. False in the child of a fork, and for
/// NULL. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_barrier_is_inside(entered: *const doozer_entered) -> bool {
    // SAFETY: the caller's contract, see the header's top.
    unsafe { entered.as_ref() }.is_some_and(|doozer_entered(entered)| entered.is_inside())
}

/// Frees the handle. One that has not left does so in the background, once no other thread waits in doozer_barrier_lost. NULL
/// does nothing. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_entered_free(entered: *mut doozer_entered) {
    // SAFETY: the caller's contract, see the header's top.
    unsafe { free(entered) }
}
