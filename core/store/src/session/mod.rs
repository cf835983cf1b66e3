//! Sessions: what clients keep here. docs/sessions.md says what they are and why each rule is safe.
//!
//! | module | what it holds |
//! |---|---|
//! | `id` | keys and ids |
//! | `table` | all sessions and queues, their bounds, and what they take |
//! | `record` | one session: its outcomes, its files, its places in queues |
//! | `queues` | who waits for which file |
//! | `code` | all of that as bytes |
//! | `view` | what people are shown |

mod code;
mod id;
mod queues;
mod record;
mod table;
mod view;

pub use id::{InvalidSessionId, SessionId};
pub use view::{BoundFile, LockView, Place, SessionView, WaiterView};

pub(crate) use code::{QUEUE, SESSION};
pub(crate) use queues::Waiter;
pub(crate) use table::Sessions;

/// The shortest and the longest TTL, in milliseconds.
pub const TTL_MS: std::ops::RangeInclusive<u32> = 1_000..=86_400_000;

/// A label is cut after so many bytes.
pub const LABEL_BYTES_MAX: usize = 256;

/// The most outcomes that a session need not have acknowledged.
pub const OUTCOMES_MAX: usize = 4_096;

/// The most places in queues that a session has.
pub const PLACES_MAX: usize = 1_024;

/// So many outcomes are kept of each session even while all of them together take too much.
pub const OUTCOMES_ALWAYS: usize = 16;
