//! The Rust runner of the scenarios in `bindings/spec/conformance`, whose format `bindings/spec/README.md` describes, and
//! the check that the files keep to that format. What Doozer does, or should do, does not belong here.
//!
//! | module | what it holds |
//! |---|---|
//! | `scenario` | scenarios and steps as they are in the files |
//! | `subset`, `rules` | what a file may look like, and which keys a step may have |
//! | `world` | what a scenario has opened: member, proxy, clients, streams, what is held, calls |
//! | `step` | one step, from its arguments to its outcome |
//! | `call` | the calls of a client |
//! | `kept` | what calls gave that is kept: locks, leaders and others |
//! | `txn` | transactions as they stand in a step |
//! | `given`, `expect` | what calls give, and whether it is what a step expects |
//! | `proxy` | the fault proxy's process |
//! | `runner`, `report` | all scenarios in turn, and what became of them |

mod call;
mod expect;
mod given;
mod kept;
mod proxy;
mod report;
mod rules;
mod runner;
mod scenario;
mod step;
mod subset;
mod txn;
mod world;

pub use proxy::Proxy;
pub use report::{Outcome, Report};
pub use rules::check_file;
pub use runner::run;
pub use scenario::{Scenario, load};
