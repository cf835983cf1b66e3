//! Live maps of files.

use std::ffi::c_char;

use doozer_bridge::{ErrorKind, Live};

use crate::client::{ask, doozer_client};
use crate::code::doozer_code;
use crate::edge::{Out, entry, free, give, quietly};
use crate::error::doozer_error;
use crate::options::{Call, doozer_call_opts};
use crate::results::doozer_entries;

/// The files that match a glob, kept current in the background. Any thread may use it; in the child of a fork it fails with
/// DOOZER_FORKED. It is the caller's to free, with doozer_live_free.
pub struct doozer_live(Live);

/// The files that match `glob`, such as services that were registered (doozer_register), as a map that is kept current in
/// the background: reading it costs nothing. `*live` is NULL on failure. Blocks until it is known what there is, for a call's
/// usual time; after that there is no time limit, whatever happens to connections and members meanwhile. While there is no
/// connection the map is what was known last. Its errors name the operation "discover".
///
/// Errors: DOOZER_BAD_GLOB; DOOZER_PERMISSION_DENIED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_discover(
    client: *const doozer_client,
    glob: *const c_char,
    call: *const doozer_call_opts,
    live: *mut *mut doozer_live,
    err: *mut *mut doozer_error,
) -> doozer_code {
    // SAFETY: the caller's contract, see the header's top.
    unsafe {
        entry("discover", err, |edge| {
            let out = Out::handle(edge, "live", live)?;
            let glob = edge.glob(glob)?;
            out.put(give(doozer_live(ask(edge, client, call, |client, with| client.discover(glob, with))?)));
            Ok(())
        })
    }
}

/// The files as they are now, in the order of their paths. Asks nobody. Once the map was closed they stay as they were.
/// `*entries` is the caller's to free, with doozer_entries_free; NULL on failure. Does not block.
///
/// Errors: DOOZER_FORKED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_live_files(
    live: *const doozer_live,
    entries: *mut *mut doozer_entries,
    err: *mut *mut doozer_error,
) -> doozer_code {
    // SAFETY: the caller's contract, see the header's top.
    unsafe {
        entry("discover", err, |edge| {
            let out = Out::handle(edge, "entries", entries)?;
            out.put(give(edge.handle("live", live)?.0.files()?.into()));
            Ok(())
        })
    }
}

/// Waits until something has changed since the last call that said so, or since the map was made; then gives the files.
/// Several changes may come at once. Waits without end unless told otherwise; a call that is cancelled or timed out loses
/// none. `*entries` is the caller's to free, with doozer_entries_free; NULL on failure. Blocks.
///
/// Errors: DOOZER_CLOSED once the map was closed, or its client; DOOZER_PERMISSION_DENIED; DOOZER_FORKED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_live_changed(
    live: *const doozer_live,
    call: *const doozer_call_opts,
    entries: *mut *mut doozer_entries,
    err: *mut *mut doozer_error,
) -> doozer_code {
    // SAFETY: the caller's contract, see the header's top.
    unsafe {
        entry("discover", err, |edge| {
            let out = Out::handle(edge, "entries", entries)?;
            let (doozer_live(live), call) = (edge.handle("live", live)?, Call::read(edge, call)?);
            // The handle may be freed while this waits.
            let (glob, changed) = (live.glob().to_owned(), live.changed());
            let files = call.block_limited(changed)?;
            let closed = || edge.error_about(ErrorKind::Closed, &glob, "the map was closed");
            out.put(give(files.ok_or_else(closed)?.into()));
            Ok(())
        })
    }
}

/// Closes a map: it is kept current no longer, and whoever waits in doozer_live_changed, in any thread, hears DOOZER_CLOSED
/// at once. The handle is still to be freed. NULL, and closing again, do nothing. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_live_close(live: *const doozer_live) {
    // SAFETY: the caller's contract, see the header's top.
    if let Some(doozer_live(live)) = unsafe { live.as_ref() } {
        quietly(|| live.close());
    }
}

/// Frees a map, and takes it back from the member once no other thread waits in it. NULL does nothing. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_live_free(live: *mut doozer_live) {
    // SAFETY: the caller's contract, see the header's top.
    unsafe { free(live) }
}
