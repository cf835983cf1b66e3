//! What comes one after another: a watch's events, a live file's values, a list's entries.

use std::ffi::c_char;
use std::sync::Arc;

use doozer_bridge::{Entry, Error, ErrorKind, Event, Feed, File};

use crate::client::{at, doozer_client};
use crate::code::doozer_code;
use crate::edge::{Edge, Out, entry, free, give, quietly};
use crate::error::doozer_error;
use crate::options::{Call, doozer_call_opts, doozer_list_opts, listing};
use crate::results::{doozer_entry, doozer_event, doozer_file};

/// Every change of the files that match a glob, from a revision on, in order: none is missed and none comes twice,
/// whatever happens to connections (one of doozer_follow_open may give a difference instead, see there). Several threads may
/// read it; each event goes to one of them. In the child of a fork it fails with DOOZER_FORKED. It is the caller's to free.
pub struct doozer_watch(Stream<Event>);

/// A file as a live value: first as it is, then as it is after each of its changes. Threads and forks: as doozer_watch.
/// It is the caller's to free.
pub struct doozer_config(Stream<File>);

/// The files that match a glob, all as of one revision, piece by piece, so that any number of them takes little memory.
/// Threads and forks: as doozer_watch. It is the caller's to free.
pub struct doozer_list(Stream<Entry>);

/// What the three of them are.
struct Stream<T> {
    feed: Feed<T>,
    /// What opened it, for errors.
    op: &'static str,
    /// The path or glob, for errors.
    path: Arc<str>,
}

impl<T: Send + 'static> Stream<T> {
    fn new(feed: Feed<T>, op: &'static str, path: &str) -> Stream<T> {
        Stream { feed, op, path: path.into() }
    }

    /// For a call that waits: the caller's handle may be freed meanwhile.
    fn share(&self, edge: &Edge<'_>) -> Stream<T> {
        edge.is_for(self.op);
        Stream { feed: self.feed.clone(), op: self.op, path: Arc::clone(&self.path) }
    }

    /// Waits for the next item; `None` at the end.
    fn next(&self, edge: &Edge<'_>, call: &Call) -> Result<Option<T>, Error> {
        let item = self.feed.next_with(|ready| call.block_limited(ready))?;
        if item.is_none() && self.feed.is_closed() {
            return Err(self.closed(edge, "the stream was closed"));
        }
        Ok(item)
    }

    /// The same of a stream that has an end only after an error.
    fn next_always(&self, edge: &Edge<'_>, call: &Call) -> Result<T, Error> {
        let ended = || self.closed(edge, "the stream has ended with an earlier error");
        self.next(edge, call)?.ok_or_else(ended)
    }

    fn closed(&self, edge: &Edge<'_>, detail: &str) -> Error {
        edge.error_about(ErrorKind::Closed, &self.path, detail)
    }

    fn close(&self) {
        quietly(|| self.feed.close());
    }
}

/// Opens a watch of every change from revision `rev` on of the files that match `glob`. It has to be closed or freed. It
/// asks the member for nothing until doozer_watch_next. `*watch` is NULL on failure. Does not block.
///
/// Errors: DOOZER_CLOSED, DOOZER_FORKED; all others come with the first event.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_watch_open(
    client: *const doozer_client,
    glob: *const c_char,
    rev: i64,
    watch: *mut *mut doozer_watch,
    err: *mut *mut doozer_error,
) -> doozer_code {
    // SAFETY: the caller's contract, see the header's top.
    unsafe {
        entry("watch", err, |edge| {
            let out = Out::handle(edge, "watch", watch)?;
            let (glob, client) = (edge.glob(glob)?, edge.handle("client", client)?);
            out.put(give(doozer_watch(Stream::new(client.0.watch(glob, rev)?, "watch", glob))));
            Ok(())
        })
    }
}

/// Opens a stream of the changes of the files that match `glob` which never fails because it is too late: from revision
/// `rev` on, or, with DOOZER_NOW, beginning with every file that there is. Where changes are not kept any more it gives the
/// difference instead: the files that were written since, with what they hold now, then those that are gone, each with the
/// revision at which it was looked. It is read, closed and freed as a watch; its errors name the operation "follow".
/// `*watch` is NULL on failure. Does not block.
///
/// Errors: as doozer_watch_open.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_follow_open(
    client: *const doozer_client,
    glob: *const c_char,
    rev: i64,
    watch: *mut *mut doozer_watch,
    err: *mut *mut doozer_error,
) -> doozer_code {
    // SAFETY: the caller's contract, see the header's top.
    unsafe {
        entry("follow", err, |edge| {
            let out = Out::handle(edge, "watch", watch)?;
            let (glob, client) = (edge.glob(glob)?, edge.handle("client", client)?);
            out.put(give(doozer_watch(Stream::new(client.0.follow(glob, at(rev))?, "follow", glob))));
            Ok(())
        })
    }
}

/// Waits for the next event; without end unless told otherwise. A call that is cancelled or timed out loses none.
/// `*event` is the caller's to free; NULL on failure. Blocks.
///
/// Errors: DOOZER_CLOSED once the watch was closed, or has ended with an earlier error; DOOZER_BAD_GLOB; DOOZER_RANGE;
/// DOOZER_TOO_LATE if a revision is not kept any more; DOOZER_PERMISSION_DENIED; DOOZER_FORKED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_watch_next(
    watch: *const doozer_watch,
    call: *const doozer_call_opts,
    event: *mut *mut doozer_event,
    err: *mut *mut doozer_error,
) -> doozer_code {
    // SAFETY: the caller's contract, see the header's top.
    unsafe {
        entry("watch", err, |edge| {
            let out = Out::handle(edge, "event", event)?;
            let (watch, call) = (edge.handle("watch", watch)?.0.share(edge), Call::read(edge, call)?);
            out.put(give(watch.next_always(edge, &call)?.into()));
            Ok(())
        })
    }
}

/// Closes a watch: it is taken back from the member, and whoever waits for its next event, in any thread, hears
/// DOOZER_CLOSED at once. The handle is still to be freed. NULL, and closing again, do nothing. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_watch_close(watch: *const doozer_watch) {
    // SAFETY: the caller's contract, see the header's top.
    if let Some(watch) = unsafe { watch.as_ref() } {
        watch.0.close();
    }
}

/// Frees a watch and closes it, unless another thread is waiting in it. NULL does nothing. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_watch_free(watch: *mut doozer_watch) {
    // SAFETY: the caller's contract, see the header's top.
    unsafe { free(watch) }
}

/// Opens the file `path` as a live value. It has to be closed or freed. `*config` is NULL on failure. Does not block.
///
/// Errors: as doozer_watch_open.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_config_open(
    client: *const doozer_client,
    path: *const c_char,
    config: *mut *mut doozer_config,
    err: *mut *mut doozer_error,
) -> doozer_code {
    // SAFETY: the caller's contract, see the header's top.
    unsafe {
        entry("config", err, |edge| {
            let out = Out::handle(edge, "config", config)?;
            let (path, client) = (edge.path(path)?, edge.handle("client", client)?);
            out.put(give(doozer_config(Stream::new(client.0.config(path)?, "config", path))));
            Ok(())
        })
    }
}

/// Opens the election at `path`, see doozer_elect, as a live value: what its leader said last; a missing file while nobody
/// leads. It is read, closed and freed as a doozer_config; its errors name the operation "observe". `*config` is NULL on
/// failure. Does not block.
///
/// Errors: as doozer_watch_open.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_observe_open(
    client: *const doozer_client,
    path: *const c_char,
    config: *mut *mut doozer_config,
    err: *mut *mut doozer_error,
) -> doozer_code {
    // SAFETY: the caller's contract, see the header's top.
    unsafe {
        entry("observe", err, |edge| {
            let out = Out::handle(edge, "config", config)?;
            let (path, client) = (edge.path(path)?, edge.handle("client", client)?);
            out.put(give(doozer_config(Stream::new(client.0.observe(path)?, "observe", path))));
            Ok(())
        })
    }
}

/// The file as it is, the first time; then waits for its next change, without end unless told otherwise. A file that is
/// not there, or not any more, comes as a missing one. A reader so slow that the member does not keep a change any more
/// misses changes, but never the latest. `*file` is the caller's to free; NULL on failure. Blocks.
///
/// Errors: DOOZER_CLOSED as doozer_watch_next; DOOZER_BAD_PATH; DOOZER_ISDIR; DOOZER_PERMISSION_DENIED; DOOZER_FORKED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_config_next(
    config: *const doozer_config,
    call: *const doozer_call_opts,
    file: *mut *mut doozer_file,
    err: *mut *mut doozer_error,
) -> doozer_code {
    // SAFETY: the caller's contract, see the header's top.
    unsafe {
        entry("config", err, |edge| {
            let out = Out::handle(edge, "file", file)?;
            let (config, call) = (edge.handle("config", config)?.0.share(edge), Call::read(edge, call)?);
            out.put(give(config.next_always(edge, &call)?.into()));
            Ok(())
        })
    }
}

/// Closes a live value, as doozer_watch_close does a watch.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_config_close(config: *const doozer_config) {
    // SAFETY: the caller's contract, see the header's top.
    if let Some(config) = unsafe { config.as_ref() } {
        config.0.close();
    }
}

/// Frees a live value, as doozer_watch_free does a watch.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_config_free(config: *mut doozer_config) {
    // SAFETY: the caller's contract, see the header's top.
    unsafe { free(config) }
}

/// Opens a list of the files that match `glob` at one revision, the current one (DOOZER_NOW) or another, in the order of
/// the tree. They come page by page, and each page has the time limit and the consistency of `call`. The list has to be
/// closed or freed. `*list` is NULL on failure. Does not block.
///
/// Errors: as doozer_watch_open.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_list_open(
    client: *const doozer_client,
    glob: *const c_char,
    rev: i64,
    options: *const doozer_list_opts,
    call: *const doozer_call_opts,
    list: *mut *mut doozer_list,
    err: *mut *mut doozer_error,
) -> doozer_code {
    // SAFETY: the caller's contract, see the header's top.
    unsafe {
        entry("list", err, |edge| {
            let out = Out::handle(edge, "list", list)?;
            let (glob, client) = (edge.glob(glob)?, edge.handle("client", client)?);
            let (options, call) = (listing(edge, options)?, Call::read(edge, call)?);
            let feed = client.0.list(glob, at(rev), options, call.options)?;
            out.put(give(doozer_list(Stream::new(feed, "list", glob))));
            Ok(())
        })
    }
}

/// The next file of a list. `*entry_out` is the caller's to free; NULL, with DOOZER_OK, after the last, and NULL on
/// failure. Blocks while a page is fetched.
///
/// Errors: DOOZER_CLOSED once the list was closed; DOOZER_BAD_GLOB; DOOZER_RANGE; DOOZER_TOO_LATE if the revision is not
/// kept any more; DOOZER_PERMISSION_DENIED; DOOZER_FORKED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_list_next(
    list: *const doozer_list,
    call: *const doozer_call_opts,
    entry_out: *mut *mut doozer_entry,
    err: *mut *mut doozer_error,
) -> doozer_code {
    // SAFETY: the caller's contract, see the header's top.
    unsafe {
        entry("list", err, |edge| {
            let out = Out::handle(edge, "entry_out", entry_out)?;
            let (list, call) = (edge.handle("list", list)?.0.share(edge), Call::read(edge, call)?);
            if let Some(item) = list.next(edge, &call)? {
                out.put(give(item.into()));
            }
            Ok(())
        })
    }
}

/// Closes a list, as doozer_watch_close does a watch.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_list_close(list: *const doozer_list) {
    // SAFETY: the caller's contract, see the header's top.
    if let Some(list) = unsafe { list.as_ref() } {
        list.0.close();
    }
}

/// Frees a list, as doozer_watch_free does a watch.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_list_free(list: *mut doozer_list) {
    // SAFETY: the caller's contract, see the header's top.
    unsafe { free(list) }
}
