//! The boundary: arguments come in, results and errors go out, and no panic crosses.

use std::cell::Cell;
use std::ffi::{CStr, CString, c_char, c_void};
use std::{ptr, slice};

use doozer_bridge::{Error, ErrorKind, guard};

use crate::code::doozer_code;
use crate::error::doozer_error;

/// What is longer than this is no value but a mistake, and is not even read.
const VALUE_BYTES_MAX: usize = i32::MAX as usize;

/// One call from C: what its errors are to name, and how its arguments are read.
pub(crate) struct Edge<'a> {
    op: Cell<&'static str>,
    path: Cell<Option<&'a str>>,
}

/// Does the work of a function. What it fails with goes to `err`, and its code is returned.
///
/// # Safety
/// `err` is null or may be written to.
pub(crate) unsafe fn entry<'a>(
    op: &'static str,
    err: *mut *mut doozer_error,
    work: impl FnOnce(&Edge<'a>) -> Result<(), Error>,
) -> doozer_code {
    let ended = guard(op, || work(&Edge { op: Cell::new(op), path: Cell::new(None) }));
    let code = ended.as_ref().map_or_else(|error| error.kind().into(), |()| doozer_code::DOOZER_OK);
    if !err.is_null() {
        let error = ended.err().map_or(ptr::null_mut(), |error| give(doozer_error::new(error)));
        // SAFETY: by the contract.
        unsafe { err.write(error) };
    }
    code
}

/// Does the work of a function that cannot fail. A panic in it is a bug that has been told on standard error.
pub(crate) fn quietly(work: impl FnOnce()) {
    let _ = guard("free", || {
        work();
        Ok(())
    });
}

/// A handle for C.
pub(crate) fn give<T>(value: T) -> *mut T {
    Box::into_raw(Box::new(value))
}

/// Frees a handle.
///
/// # Safety
/// It is null or came from [`give`], and nobody uses it any more.
pub(crate) unsafe fn free<T>(handle: *mut T) {
    if !handle.is_null() {
        // SAFETY: by the contract.
        let owned = unsafe { Box::from_raw(handle) };
        quietly(|| drop(owned));
    }
}

/// Text for C. It has no NUL; if ever it had, C would see it cut short.
pub(crate) fn c_text(text: impl Into<String>) -> CString {
    let text = text.into();
    CString::new(text).unwrap_or_else(|error| {
        let shown = String::from_utf8_lossy(&error.into_vec()).replace('\0', "\u{fffd}");
        CString::new(shown).unwrap_or_default()
    })
}

impl<'a> Edge<'a> {
    pub fn error(&self, kind: ErrorKind, detail: impl Into<String>) -> Error {
        Error::new(kind, self.op.get(), self.path.get(), detail)
    }

    /// An error of a handle that knows what it is about.
    pub fn error_about(&self, kind: ErrorKind, path: &str, detail: &str) -> Error {
        Error::new(kind, self.op.get(), Some(path), detail)
    }

    /// All errors from here on are to name this operation: a function may serve several.
    pub fn is_for(&self, op: &'static str) {
        self.op.set(op);
    }

    pub fn is_null(&self, argument: &str) -> Error {
        self.error(ErrorKind::MissingArg, format!("the argument `{argument}` is NULL"))
    }

    /// What a handle stands for.
    ///
    /// # Safety
    /// It is null, or lives for `'a`.
    pub unsafe fn handle<T>(&self, argument: &str, handle: *const T) -> Result<&'a T, Error> {
        // SAFETY: by the contract.
        unsafe { handle.as_ref() }.ok_or_else(|| self.is_null(argument))
    }

    /// The same, to change it.
    ///
    /// # Safety
    /// As [`Edge::handle`], and nobody else uses it for `'a`.
    pub unsafe fn handle_mut<T>(&self, argument: &str, handle: *mut T) -> Result<&'a mut T, Error> {
        // SAFETY: by the contract.
        unsafe { handle.as_mut() }.ok_or_else(|| self.is_null(argument))
    }

    /// A path, which all errors from here on name.
    ///
    /// # Safety
    /// It is null, or ends with a NUL and lives for `'a`.
    pub unsafe fn path(&self, path: *const c_char) -> Result<&'a str, Error> {
        // SAFETY: by the contract.
        unsafe { self.subject("path", ErrorKind::BadPath, path) }
    }

    /// A glob, likewise.
    ///
    /// # Safety
    /// As [`Edge::path`].
    pub unsafe fn glob(&self, glob: *const c_char) -> Result<&'a str, Error> {
        // SAFETY: by the contract.
        unsafe { self.subject("glob", ErrorKind::BadGlob, glob) }
    }

    unsafe fn subject(&self, argument: &str, kind: ErrorKind, text: *const c_char) -> Result<&'a str, Error> {
        // SAFETY: the caller's contract.
        let text = unsafe { self.text(argument, kind, text) }?.ok_or_else(|| self.is_null(argument))?;
        self.path.set(Some(text));
        Ok(text)
    }

    /// Text, or `None` for null. What is not UTF-8 is an error of `kind`.
    ///
    /// # Safety
    /// As [`Edge::path`].
    pub unsafe fn text(
        &self,
        argument: &str,
        kind: ErrorKind,
        text: *const c_char,
    ) -> Result<Option<&'a str>, Error> {
        if text.is_null() {
            return Ok(None);
        }
        // SAFETY: by the contract.
        let text = unsafe { CStr::from_ptr(text) };
        let not_utf8 = |error| {
            let shown = text.to_string_lossy();
            self.error(kind, format!("the argument `{argument}` is not UTF-8: {shown}: {error}"))
        };
        text.to_str().map(Some).map_err(not_utf8)
    }

    /// A value. Null will do for an empty one.
    ///
    /// # Safety
    /// It is null, or has `len` bytes and lives for `'a`.
    pub unsafe fn bytes(&self, argument: &str, start: *const c_void, len: usize) -> Result<&'a [u8], Error> {
        if len > VALUE_BYTES_MAX {
            let detail = format!("the argument `{argument}` has {len} bytes: no value can be that large");
            return Err(self.error(ErrorKind::TooLarge, detail));
        }
        match (start.is_null(), len) {
            (_, 0) => Ok(&[]),
            (true, _) => Err(self.is_null(argument)),
            // SAFETY: by the contract.
            (false, _) => Ok(unsafe { slice::from_raw_parts(start.cast(), len) }),
        }
    }
}

/// Where a result goes.
pub(crate) struct Out<T>(*mut T);

impl<T> Out<T> {
    /// A place that is `empty` until there is a result, so that a failed call leaves nothing undefined.
    ///
    /// # Safety
    /// `place` is null or may be written to until the call ends.
    pub unsafe fn new(place: *mut T, empty: T) -> Out<T> {
        let out = Out(place);
        out.put(empty);
        out
    }

    /// Null is for whoever does not want the result.
    pub fn put(&self, value: T) {
        if !self.0.is_null() {
            // SAFETY: the contract of `new`.
            unsafe { self.0.write(value) };
        }
    }
}

impl<T> Out<*mut T> {
    /// A place for a handle. It has to be one: whatever nobody takes could never be freed.
    ///
    /// # Safety
    /// As [`Out::new`].
    pub unsafe fn handle(edge: &Edge<'_>, argument: &str, place: *mut *mut T) -> Result<Out<*mut T>, Error> {
        if place.is_null() {
            return Err(edge.is_null(argument));
        }
        // SAFETY: by the contract.
        Ok(unsafe { Out::new(place, ptr::null_mut()) })
    }
}
