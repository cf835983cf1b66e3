//! The command line.

use clap::{Parser, ValueEnum};

use crate::schedule::Schedule;

/// Runs real doozerds under faults, with clients at each of them, and checks everything that the clients heard: every
/// schedule, durable and in memory, with three and with five members, in turn.
///
/// Exit status: 0 if every promise was kept, 1 if one was broken, 2 if it could not run, 130 if it was interrupted.
#[derive(Debug, Parser)]
#[command(name = "doozer-nemesis", version)]
pub struct Args {
    /// How long, about
    #[arg(long, value_name = "M", default_value_t = 4.0, value_parser = minutes)]
    pub minutes: f64,
    /// With so many members only: 3, 4 or 5
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(3..=5))]
    pub members: Option<u64>,
    /// Members that keep nothing on disk only
    #[arg(long, conflicts_with = "durable")]
    pub memory: bool,
    /// Members that keep their data only
    #[arg(long)]
    pub durable: bool,
    /// This schedule only; may be given several times
    #[arg(long, value_name = "NAME")]
    pub schedule: Vec<Schedule>,
    /// What to draw from; without it a fresh one, which is printed
    #[arg(long, value_name = "S")]
    pub seed: Option<u64>,
    /// How members are connected; without it namespaces where the machine has them, and the relay for what they cannot do
    #[arg(long, value_name = "KIND")]
    pub wires: Option<Kind>,
    /// Keep the directory of the run, with the members' logs and data and each stage's history, even if nothing is wrong
    #[arg(long)]
    pub keep: bool,
    /// Show the schedules, and run nothing
    #[arg(long)]
    pub list: bool,
}

/// What connects members.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// Network namespaces, in the kernel
    Namespaces,
    /// A relay in user space, on loopback
    Relay,
}

fn minutes(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(minutes) if (0.05..=100_000.0).contains(&minutes) => Ok(minutes),
        _ => Err("not a number of minutes, 0.05 or more".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let parse = |line: &str| Args::try_parse_from(line.split(' '));
        assert!(parse("doozer-nemesis --minutes 0.5 --schedule stop --schedule mixed --wires relay").is_ok());
        for line in ["--minutes 0", "--minutes x", "--members 2", "--members 7", "--schedule x", "--wires x"]
            .map(|flags| format!("doozer-nemesis {flags}"))
        {
            assert!(parse(&line).is_err(), "{line}");
        }
        assert!(parse("doozer-nemesis --memory --durable").is_err());
    }
}
