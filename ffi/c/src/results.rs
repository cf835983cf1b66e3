//! What calls give: files, events, entries, names.

use std::ffi::{CStr, CString, c_char, c_void};
use std::ptr;

use doozer_bridge::{Change, Entry, Event, File, Files, LocalFile};

use crate::edge::{c_text, free};

/// A file as it was read: its value and the revision that wrote it, or that there is none. It is the caller's to free.
/// NULL stands for a file that is missing.
pub struct doozer_file(Content);

enum Content {
    Read(File),
    /// Of an embedded member: the member's own copy, shared.
    Local(LocalFile),
}

/// A change of a file. It is the caller's to free.
pub struct doozer_event {
    path: CString,
    event: Event,
}

/// A file of a walk, a list or a live map. One of doozer_list_next is the caller's to free; one of doozer_entries_at is not.
pub struct doozer_entry {
    path: CString,
    entry: Entry,
}

/// The files of a walk or a live map. They are the caller's to free. NULL stands for none.
pub struct doozer_entries(Vec<doozer_entry>);

/// The names in a directory. They are the caller's to free. NULL stands for none.
pub struct doozer_names(Vec<CString>);

impl From<File> for doozer_file {
    fn from(file: File) -> doozer_file {
        doozer_file(Content::Read(file))
    }
}

impl From<LocalFile> for doozer_file {
    fn from(file: LocalFile) -> doozer_file {
        doozer_file(Content::Local(file))
    }
}

impl doozer_file {
    fn value(&self) -> Option<&[u8]> {
        match &self.0 {
            Content::Read(file) => file.value.as_deref(),
            Content::Local(file) => file.value.as_deref(),
        }
    }

    fn rev(&self) -> i64 {
        match &self.0 {
            Content::Read(file) => file.rev,
            Content::Local(file) => file.rev,
        }
    }
}

impl From<Event> for doozer_event {
    fn from(mut event: Event) -> doozer_event {
        doozer_event { path: c_text(std::mem::take(&mut event.path)), event }
    }
}

impl From<Entry> for doozer_entry {
    fn from(mut entry: Entry) -> doozer_entry {
        doozer_entry { path: c_text(std::mem::take(&mut entry.path)), entry }
    }
}

impl From<Vec<Entry>> for doozer_entries {
    fn from(entries: Vec<Entry>) -> doozer_entries {
        doozer_entries(entries.into_iter().map(doozer_entry::from).collect())
    }
}

impl From<Files> for doozer_entries {
    fn from(files: Files) -> doozer_entries {
        let entry = |(path, file): (&String, &File)| {
            doozer_entry::from(Entry {
                path: path.clone(),
                len: file.value.as_ref().map_or(0, |value| value.len() as u64),
                value: file.value.clone(),
                rev: file.rev,
            })
        };
        doozer_entries(files.iter().map(entry).collect())
    }
}

impl From<Vec<String>> for doozer_names {
    fn from(names: Vec<String>) -> doozer_names {
        doozer_names(names.into_iter().map(c_text).collect())
    }
}

/// A part of a result, unless there is none.
///
/// # Safety
/// `result` is null or alive.
unsafe fn part<R, T>(result: *const R, none: T, of: impl FnOnce(&R) -> T) -> T {
    // SAFETY: by the contract.
    unsafe { result.as_ref() }.map_or(none, of)
}

/// Null only for what is missing: an empty value begins somewhere too.
fn start(value: Option<&[u8]>) -> *const c_void {
    match value {
        None => ptr::null(),
        Some([]) => c"".as_ptr().cast(),
        Some(value) => value.as_ptr().cast(),
    }
}

/// The value's first byte; NULL if the file is missing. A value has no NUL behind it: see doozer_file_len.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_file_value(file: *const doozer_file) -> *const c_void {
    // SAFETY: the caller's contract, see the header's top.
    unsafe { part(file, ptr::null(), |file| start(file.value())) }
}

/// The value's length in bytes; 0 if the file is missing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_file_len(file: *const doozer_file) -> usize {
    // SAFETY: the caller's contract, see the header's top.
    unsafe { part(file, 0, |file| file.value().map_or(0, <[u8]>::len)) }
}

/// The revision that wrote the file; 0 if it is missing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_file_rev(file: *const doozer_file) -> i64 {
    // SAFETY: the caller's contract, see the header's top.
    unsafe { part(file, 0, doozer_file::rev) }
}

/// Whether there is no such file.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_file_is_missing(file: *const doozer_file) -> bool {
    // SAFETY: the caller's contract, see the header's top.
    unsafe { part(file, true, |file| file.value().is_none()) }
}

/// Frees a file, and its value with it. NULL does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_file_free(file: *mut doozer_file) {
    // SAFETY: the caller's contract, see the header's top.
    unsafe { free(file) }
}

/// The path of the file that changed. It lives as long as the event. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_event_path(event: *const doozer_event) -> *const c_char {
    // SAFETY: the caller's contract, see the header's top.
    unsafe { part(event, ptr::null(), |event| event.path.as_ptr()) }
}

/// What the file holds now, see doozer_event_len; empty if it was deleted. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_event_value(event: *const doozer_event) -> *const c_void {
    // SAFETY: the caller's contract, see the header's top.
    unsafe { part(event, ptr::null(), |event| start(Some(&event.event.value))) }
}

/// The value's length in bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_event_len(event: *const doozer_event) -> usize {
    // SAFETY: the caller's contract, see the header's top.
    unsafe { part(event, 0, |event| event.event.value.len()) }
}

/// The revision the change made.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_event_rev(event: *const doozer_event) -> i64 {
    // SAFETY: the caller's contract, see the header's top.
    unsafe { part(event, 0, |event| event.event.rev) }
}

/// Whether the file was written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_event_is_set(event: *const doozer_event) -> bool {
    // SAFETY: the caller's contract, see the header's top.
    unsafe { part(event, false, |event| event.event.kind == Change::Set) }
}

/// Whether the file was deleted.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_event_is_del(event: *const doozer_event) -> bool {
    // SAFETY: the caller's contract, see the header's top.
    unsafe { part(event, false, |event| event.event.kind == Change::Del) }
}

/// Frees an event, its path and value with it. NULL does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_event_free(event: *mut doozer_event) {
    // SAFETY: the caller's contract, see the header's top.
    unsafe { free(event) }
}

/// The file's path. It lives as long as the entry. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_entry_path(entry: *const doozer_entry) -> *const c_char {
    // SAFETY: the caller's contract, see the header's top.
    unsafe { part(entry, ptr::null(), |entry| entry.path.as_ptr()) }
}

/// The value's first byte; NULL if only the paths were asked for.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_entry_value(entry: *const doozer_entry) -> *const c_void {
    // SAFETY: the caller's contract, see the header's top.
    unsafe { part(entry, ptr::null(), |entry| start(entry.entry.value.as_deref())) }
}

/// The value's length in bytes, whether it was asked for or not.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_entry_len(entry: *const doozer_entry) -> u64 {
    // SAFETY: the caller's contract, see the header's top.
    unsafe { part(entry, 0, |entry| entry.entry.len) }
}

/// The revision that wrote the file.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_entry_rev(entry: *const doozer_entry) -> i64 {
    // SAFETY: the caller's contract, see the header's top.
    unsafe { part(entry, 0, |entry| entry.entry.rev) }
}

/// Frees an entry of doozer_list_next. NULL does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_entry_free(entry: *mut doozer_entry) {
    // SAFETY: the caller's contract, see the header's top.
    unsafe { free(entry) }
}

/// How many entries there are.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_entries_count(entries: *const doozer_entries) -> usize {
    // SAFETY: the caller's contract, see the header's top.
    unsafe { part(entries, 0, |entries| entries.0.len()) }
}

/// One of them, counted from 0; NULL past the last. It belongs to the entries, and is freed with them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_entries_at(
    entries: *const doozer_entries,
    index: usize,
) -> *const doozer_entry {
    let of = |entries: &doozer_entries| entries.0.get(index).map_or(ptr::null(), ptr::from_ref);
    // SAFETY: the caller's contract, see the header's top.
    unsafe { part(entries, ptr::null(), of) }
}

/// Frees entries. NULL does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_entries_free(entries: *mut doozer_entries) {
    // SAFETY: the caller's contract, see the header's top.
    unsafe { free(entries) }
}

/// How many names there are.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_names_count(names: *const doozer_names) -> usize {
    // SAFETY: the caller's contract, see the header's top.
    unsafe { part(names, 0, |names| names.0.len()) }
}

/// One of them, counted from 0; NULL past the last. It belongs to the names, and is freed with them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_names_at(names: *const doozer_names, index: usize) -> *const c_char {
    let of = |names: &doozer_names| names.0.get(index).map_or(ptr::null(), |name| CStr::as_ptr(name));
    // SAFETY: the caller's contract, see the header's top.
    unsafe { part(names, ptr::null(), of) }
}

/// Frees names. NULL does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_names_free(names: *mut doozer_names) {
    // SAFETY: the caller's contract, see the header's top.
    unsafe { free(names) }
}
