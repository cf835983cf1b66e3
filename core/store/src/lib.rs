//! The versioned file tree of Doozer: pure, deterministic, no I/O.
//! No clock, thread, randomness or socket ever appears here, and no hash map is iterated.
//!
//! ```
//! use doozer_store::{Applied, At, Command, Glob, Lookup, Mode, Options, Outcome, Revision, Store};
//!
//! let mut store = Store::new(Options::default());
//! store.watch(Glob::parse(b"/srv/**")?, Revision(1), Mode::Stream, 42);
//!
//! let mut command = Vec::new();
//! Command::Set { path: "/srv/web/1", rev: 0, value: b"10.0.0.1:80" }.encode(&mut command);
//! let mut out = Applied::default();
//! store.apply([&command], &mut out);
//! assert_eq!(out.outcomes, [Outcome::Set(Revision(1))]);
//! assert_eq!((out.fired[0].token, &*out.fired[0].event.path), (42, "/srv/web/1"));
//!
//! assert_eq!(store.get("/srv/web", At::Now)?, Lookup::Directory);
//! assert_eq!(store.dir_entries("/srv/web", At::Now)?.collect::<Vec<_>>(), ["1"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! How it is made: files lie in a slab, found by a hash of their path; two sorted sequences of ids give them
//! the order of the tree. The history is an undo log: entry *r* says what the change *r* displaced, and leads
//! to the file's older versions. A change of an existing file thus costs one look-up and one entry, a read
//! of the past one look-up and a short search along the file's versions.

#![forbid(unsafe_code)]

mod apply;
mod command;
mod digest;
mod event;
mod files;
mod glob;
mod history;
mod leap;
mod load;
mod order;
mod outcome;
mod path;
pub mod planted;
mod read;
mod revision;
mod session;
mod settings;
mod snapshot;
mod store;
mod txn;
mod walk;
mod watch;

pub use apply::{Applied, SessionChange};
pub use command::{By, Change, Command, Compare, Expected, Flags, Malformed, Op, TXN_MAX, Txn};
pub use event::{Event, Scan};
pub use glob::{Glob, InvalidGlob};
pub use history::History;
pub use load::{Loader, SnapshotError};
pub use outcome::{Changes, Granted, Outcome, Refusal};
pub use path::{PATH_BYTES_MAX, Path, PathError, allowed, cmp_components, validate};
pub use read::{DirEntries, Lookup, ReadError, Stat};
pub use revision::{At, Revision};
pub use session::{
    BoundFile, InvalidSessionId, LABEL_BYTES_MAX, LockView, OUTCOMES_ALWAYS, OUTCOMES_MAX, PLACES_MAX, Place,
    SessionId, SessionView, TTL_MS, WaiterView,
};
pub use settings::{MAX_VALUE, SESSION_BYTES, SESSIONS, Setting};
pub use snapshot::Snapshot;
pub use store::{Options, Pin, Stats, Store};
pub use walk::{FileRef, Walk};
pub use watch::{Fired, Mode, WatchId};

/// What a file holds. Shared, not copied: a reader's clone outlives the file.
pub type Value = std::sync::Arc<[u8]>;
