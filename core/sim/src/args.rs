//! The command line.

use std::path::PathBuf;

use clap::Parser;

/// Runs whole clusters in virtual time, with faults drawn from seeds, and checks every promise of Doozer.
///
/// Exit status: 0 if every promise was kept, 1 if one was broken, 2 for a wrong command line.
#[derive(Debug, Parser)]
#[command(name = "doozer-sim", version)]
pub struct Args {
    /// How many seeds to run.
    #[arg(long, value_name = "N", conflicts_with_all = ["seed", "minutes"])]
    pub seeds: Option<u64>,
    /// The first of them; without it a fresh one, which is printed.
    #[arg(long, value_name = "S")]
    pub from: Option<u64>,
    /// Run as many seeds as begin within so many minutes.
    #[arg(long, value_name = "M", conflicts_with = "seed")]
    pub minutes: Option<f64>,
    /// Run this seed alone.
    #[arg(long, value_name = "S")]
    pub seed: Option<u64>,
    /// Run the seeds of this file: one a line, with what is set in its plan, and a comment behind `#`.
    #[arg(long, value_name = "FILE")]
    pub regressions: Option<PathBuf>,
    /// Plant each fault in turn, and look for it with seed after seed. Only in the build of core/sim/planted.
    #[arg(long, conflicts_with_all = ["seed", "minutes"])]
    pub planted: bool,
    /// Plant this fault alone.
    #[arg(long, value_name = "NAME", requires = "planted")]
    pub fault: Option<String>,
    /// Set numbers of the plan: NAME=NUMBER, separated by commas.
    #[arg(long, value_name = "SET", default_value = "")]
    pub set: String,
    /// Show the plan of the seed, and run nothing.
    #[arg(long, requires = "seed")]
    pub plan: bool,
    /// Tell the story of the seed even if it does not fail.
    #[arg(long, requires = "seed")]
    pub story: bool,
    /// Lines of a story that are kept, the last ones.
    #[arg(long, value_name = "N", default_value_t = 400)]
    pub story_lines: usize,
    /// Threads; without it, as many as there are cores.
    #[arg(long, value_name = "J")]
    pub jobs: Option<usize>,
    /// How many of 100 seeds are run twice, and must come to the same.
    #[arg(long, value_name = "P", default_value_t = 1)]
    pub twice_percent: u64,
    /// Stop after so many failures.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub failures_max: u64,
    /// Do not look for a smaller plan that fails.
    #[arg(long)]
    pub no_shrink: bool,
}
