//! The library as a whole: its versions, its end, and what a call costs by itself.

use std::ffi::c_char;
use std::time::Duration;

use doozer_bridge::{ErrorKind, noop, noop_async, shutdown};

use crate::code::doozer_code;
use crate::edge::{entry, quietly};
use crate::error::doozer_error;
use crate::options::{Call, doozer_call_opts};

/// The version of the binary interface that this header describes. It grows when a program that was built before would
/// not work any more.
pub const DOOZER_ABI_VERSION: u32 = 1;

/// The bridge's version with a NUL behind it.
static VERSION: [u8; doozer_bridge::VERSION.len() + 1] = {
    let mut text = [0; doozer_bridge::VERSION.len() + 1];
    let (version, _) = text.split_at_mut(doozer_bridge::VERSION.len());
    version.copy_from_slice(doozer_bridge::VERSION.as_bytes());
    text
};

/// The longest that the end of the threads is waited for; no clock overflows with it.
const PATIENCE_MAX: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// The version of the library that was loaded, such as "0.1.0"; DOOZER_VERSION is that of this header. Never to be freed.
#[unsafe(no_mangle)]
pub extern "C" fn doozer_version() -> *const c_char {
    VERSION.as_ptr().cast()
}

/// The version of the binary interface of the library that was loaded. Every version of the library has this function
/// and the next, as they are, so that a program can ask before it calls anything else.
#[unsafe(no_mangle)]
pub extern "C" fn doozer_abi_version() -> u32 {
    DOOZER_ABI_VERSION
}

/// Whether a program built with the header of that version can use this library; doozer_check_abi is the usual way to
/// ask. A program that loads the library with dlopen passes the DOOZER_ABI_VERSION it was built with.
///
/// Errors: DOOZER_ABI_MISMATCH, naming both versions.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_check_abi_version(version: u32, err: *mut *mut doozer_error) -> doozer_code {
    // SAFETY: the caller's contract, see the header's top.
    unsafe {
        entry("check_abi", err, |edge| {
            if version == DOOZER_ABI_VERSION {
                return Ok(());
            }
            let detail = format!(
                "the program was built for version {version} of the binary interface, and the libdoozer it loaded \
                 ({}) has version {DOOZER_ABI_VERSION}: build the program again with this library's doozer.h, or \
                 install the library it was built for",
                doozer_bridge::VERSION
            );
            Err(edge.error(ErrorKind::AbiMismatch, detail))
        })
    }
}

/// Ends the library's threads, so that nothing is left of it, waiting for them at most so many milliseconds
/// (DOOZER_FOREVER: as long as it takes). No other thread may be within a call of the library, and none may begin one
/// until this returns. Handles that are left say DOOZER_CLOSED and may be freed; whatever is opened afterwards begins
/// anew. Not needed at a program's end.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_shutdown(timeout_ms: i64) {
    let patience = u64::try_from(timeout_ms).map_or(PATIENCE_MAX, Duration::from_millis).min(PATIENCE_MAX);
    // SAFETY: the caller's contract is the same.
    quietly(|| unsafe { shutdown(patience) });
}

/// Does nothing: what a call costs by itself, for benchmarks.
#[unsafe(no_mangle)]
pub extern "C" fn doozer_bench_noop() {
    noop();
}

/// Goes to the library's threads and back: what a call that waits costs by itself, for benchmarks. Blocks.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_bench_noop_async(
    call: *const doozer_call_opts,
    err: *mut *mut doozer_error,
) -> doozer_code {
    // SAFETY: the caller's contract, see the header's top.
    unsafe {
        entry("noop", err, |edge| {
            let call = Call::read(edge, call)?;
            call.block_limited(noop_async())
        })
    }
}
