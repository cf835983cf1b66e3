//! Real doozerds under faults, with clients at each of them, and a check of everything that the clients heard.
//! Never here: code of a member. What is tried is the program, as it is shipped.
//!
//! | module | what it holds |
//! |---|---|
//! | `args`, `run`, `turns`, `table` | the command line, and a whole run |
//! | `stage`, `schedule` | one cluster, and what is done to it |
//! | `cluster`, `wires`, `programs` | the members, and what connects them |
//! | `load`, `history` | the clients, and what they heard |
//! | `check` | what must hold of it: a pure function |

mod args;
mod check;
mod cluster;
mod history;
mod load;
mod programs;
mod random;
mod run;
mod schedule;
mod stage;
mod table;
mod trouble;
mod turns;
mod wires;

use std::process::ExitCode;

use clap::Parser;
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};

use crate::args::Args;
use crate::run::Run;
use crate::schedule::Schedule;
use crate::trouble::{Trouble, io};

/// The program, from its command line to its exit status.
pub fn main() -> ExitCode {
    let args = Args::parse();
    if args.list {
        Schedule::ALL.iter().for_each(|schedule| println!("{schedule:<14} {}", schedule.about()));
        return ExitCode::SUCCESS;
    }
    match go(&args) {
        Ok(Some(true)) => ExitCode::SUCCESS,
        Ok(Some(false)) => ExitCode::from(1),
        Ok(None) => ExitCode::from(130),
        Err(trouble) => {
            eprintln!("doozer-nemesis: {trouble}");
            ExitCode::from(2)
        }
    }
}

/// Whether every promise was kept; None if it was interrupted. Nothing that it started is left behind in any case.
fn go(args: &Args) -> Result<Option<bool>, Trouble> {
    let run = Run::prepare(args)?;
    // Only now: its threads are to be where the clients are.
    let runtime = Runtime::new().map_err(io("threads"))?;
    runtime.block_on(async {
        let mut terminated = signal(SignalKind::terminate()).map_err(io("SIGTERM"))?;
        tokio::select! {
            kept = run.go() => kept.map(Some),
            _ = tokio::signal::ctrl_c() => Ok(None),
            _ = terminated.recv() => Ok(None),
        }
    })
}
