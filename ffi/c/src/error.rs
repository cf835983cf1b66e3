//! What a call failed with.

use std::ffi::{CStr, CString, c_char};
use std::ptr;

use doozer_bridge::{Error, FailedPart, Retry};

use crate::code::{doozer_code, name};
use crate::edge::{Out, c_text, free};

/// Why a call failed. It is the caller's to free; its texts live as long as it does, and are in UTF-8. NULL stands for
/// no error wherever one is read.
pub struct doozer_error {
    code: doozer_code,
    retry: doozer_retry,
    is_retryable: bool,
    part: Option<FailedPart>,
    op: CString,
    path: Option<CString>,
    detail: CString,
    message: CString,
}

/// What a second attempt is good for.
#[derive(Clone, Copy)]
#[repr(C)]
pub enum doozer_retry {
    /// The same request will fail again. Nothing was changed.
    DOOZER_RETRY_NEVER = 0,
    /// The request can succeed once something else has changed: look first, then decide. Nothing was changed.
    DOOZER_RETRY_AFTER_CHANGE = 1,
    /// Nothing was changed, and the same request may be sent again, after a short pause or to another member.
    DOOZER_RETRY_SAFE = 2,
    /// A read may be sent again. A write may or may not have been made: look before sending it again.
    DOOZER_RETRY_UNKNOWN = 3,
}

/// What kind of part of a transaction refused it.
#[derive(Clone, Copy)]
#[repr(C)]
pub enum doozer_part {
    /// None: it was no transaction, or no part of one.
    DOOZER_PART_NONE = 0,
    /// A condition, such as doozer_txn_if_rev.
    DOOZER_PART_COMPARE = 1,
    /// A change, such as doozer_txn_set.
    DOOZER_PART_OPERATION = 2,
}

impl doozer_error {
    pub(crate) fn new(error: Error) -> doozer_error {
        doozer_error {
            code: error.kind().into(),
            retry: match error.kind().retry() {
                Retry::Never => doozer_retry::DOOZER_RETRY_NEVER,
                Retry::AfterChange => doozer_retry::DOOZER_RETRY_AFTER_CHANGE,
                Retry::Safe => doozer_retry::DOOZER_RETRY_SAFE,
                Retry::Unknown => doozer_retry::DOOZER_RETRY_UNKNOWN,
            },
            is_retryable: error.is_retryable(),
            part: error.failed_part(),
            op: c_text(error.op()),
            path: error.path().map(c_text),
            detail: c_text(error.detail()),
            message: c_text(error.to_string()),
        }
    }
}

/// A part of an error, unless there is none.
///
/// # Safety
/// `error` is null or alive.
unsafe fn part<T>(error: *const doozer_error, none: T, of: impl FnOnce(&doozer_error) -> T) -> T {
    // SAFETY: by the contract.
    unsafe { error.as_ref() }.map_or(none, of)
}

/// The error's kind as the number that never changes; DOOZER_OK for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_error_code(error: *const doozer_error) -> doozer_code {
    // SAFETY: the caller's contract, see the header's top.
    unsafe { part(error, doozer_code::DOOZER_OK, |error| error.code) }
}

/// The error's kind by its name, such as "REV_MISMATCH"; "OK" for NULL. Never NULL, and never to be freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_error_kind(error: *const doozer_error) -> *const c_char {
    // SAFETY: the caller's contract, see the header's top.
    doozer_code_name(unsafe { doozer_error_code(error) } as i32)
}

/// The operation that failed, such as "set"; "" for NULL. Never NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_error_op(error: *const doozer_error) -> *const c_char {
    // SAFETY: the caller's contract, see the header's top.
    unsafe { part(error, c"".as_ptr(), |error| error.op.as_ptr()) }
}

/// The path or glob the operation was about; NULL if it was about none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_error_path(error: *const doozer_error) -> *const c_char {
    let of = |error: &doozer_error| error.path.as_deref().map_or(ptr::null(), CStr::as_ptr);
    // SAFETY: the caller's contract, see the header's top.
    unsafe { part(error, ptr::null(), of) }
}

/// What there is to say beyond the kind; "" if there is nothing. Never NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_error_detail(error: *const doozer_error) -> *const c_char {
    // SAFETY: the caller's contract, see the header's top.
    unsafe { part(error, c"".as_ptr(), |error| error.detail.as_ptr()) }
}

/// All of it in a line, such as "REV_MISMATCH: set /a: the file is at revision 7"; "" for NULL. Never NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_error_message(error: *const doozer_error) -> *const c_char {
    // SAFETY: the caller's contract, see the header's top.
    unsafe { part(error, c"".as_ptr(), |error| error.message.as_ptr()) }
}

/// What a second attempt is good for, as far as the kind tells; DOOZER_RETRY_NEVER for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_error_retry(error: *const doozer_error) -> doozer_retry {
    // SAFETY: the caller's contract, see the header's top.
    unsafe { part(error, doozer_retry::DOOZER_RETRY_NEVER, |error| error.retry) }
}

/// Whether the very same call may be made again without looking first. False for a write whose outcome is not known.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_error_is_retryable(error: *const doozer_error) -> bool {
    // SAFETY: the caller's contract, see the header's top.
    unsafe { part(error, false, |error| error.is_retryable) }
}

/// Which part of a transaction refused it; DOOZER_PART_NONE if none did, and for NULL. `*number` says which of that kind, in
/// the order they were added, counted from 1; 0 with DOOZER_PART_NONE. `number` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_error_part(error: *const doozer_error, number: *mut u32) -> doozer_part {
    // SAFETY: the caller's contract, see the header's top.
    let (out, failed) = unsafe { (Out::new(number, 0), part(error, None, |error| error.part)) };
    let (kind, number) = match failed {
        None => return doozer_part::DOOZER_PART_NONE,
        Some(FailedPart::Compare(number)) => (doozer_part::DOOZER_PART_COMPARE, number),
        Some(FailedPart::Op(number)) => (doozer_part::DOOZER_PART_OPERATION, number),
    };
    out.put(number);
    kind
}

/// Frees an error. NULL does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_error_free(error: *mut doozer_error) {
    // SAFETY: the caller's contract, see the header's top.
    unsafe { free(error) }
}

/// What a doozer_code is called, such as "REV_MISMATCH"; "OTHER" if this version does not know it. Never NULL, and
/// never to be freed.
#[unsafe(no_mangle)]
pub extern "C" fn doozer_code_name(code: i32) -> *const c_char {
    u32::try_from(code).ok().and_then(name).unwrap_or(c"OTHER").as_ptr()
}
