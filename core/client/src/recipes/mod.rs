//! What programs need again and again, made of the calls: docs/recipes.md says of what each.
//! Nothing here knows the wire, the session's numbers, or a connection.

mod barrier;
mod config;
mod driven;
mod elect;
mod gate;
mod held;
mod live;
mod lock;
mod mirror;
mod register;
mod rw_lock;
mod semaphore;

pub use barrier::{Barrier, Entered};
pub use config::Config;
pub use elect::Leader;
pub use live::Live;
pub use lock::Lock;
pub use register::Registration;

/// `path`'s file or directory of this name.
fn below(path: &str, name: &str) -> String {
    format!("{}/{name}", path.trim_end_matches('/'))
}
