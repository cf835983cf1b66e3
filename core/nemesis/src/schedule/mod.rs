//! What is done to a cluster: each schedule is a kind of round, struck, held and healed again and again.

mod cuts;
mod disks;
mod processes;

use std::fmt;
use std::str::FromStr;

use crate::stage::{Failure, Stage};

/// A kind of round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Schedule {
    KillOne,
    KillProposer,
    KillAll,
    Stop,
    Rolling,
    CutTwoWay,
    CutOneWay,
    Chained,
    Constrained,
    QuorumLoss,
    Delay,
    Loss,
    FullDisk,
    LoseDisk,
    Replace,
    Mixed,
}

impl Schedule {
    /// All of them, in an order in which those after each other differ.
    pub const ALL: [Schedule; 16] = [
        Schedule::KillProposer,
        Schedule::CutTwoWay,
        Schedule::KillAll,
        Schedule::QuorumLoss,
        Schedule::LoseDisk,
        Schedule::CutOneWay,
        Schedule::Stop,
        Schedule::Chained,
        Schedule::Replace,
        Schedule::Constrained,
        Schedule::FullDisk,
        Schedule::Loss,
        Schedule::KillOne,
        Schedule::Delay,
        Schedule::Rolling,
        Schedule::Mixed,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Schedule::KillOne => "kill-one",
            Schedule::KillProposer => "kill-proposer",
            Schedule::KillAll => "kill-all",
            Schedule::Stop => "stop",
            Schedule::Rolling => "rolling",
            Schedule::CutTwoWay => "cut-two-way",
            Schedule::CutOneWay => "cut-one-way",
            Schedule::Chained => "chained",
            Schedule::Constrained => "constrained",
            Schedule::QuorumLoss => "quorum-loss",
            Schedule::Delay => "delay",
            Schedule::Loss => "loss",
            Schedule::FullDisk => "full-disk",
            Schedule::LoseDisk => "lose-disk",
            Schedule::Replace => "replace",
            Schedule::Mixed => "mixed",
        }
    }

    /// In one line.
    pub fn about(self) -> &'static str {
        match self {
            Schedule::KillOne => "SIGKILL of a minority, started again with their data",
            Schedule::KillProposer => "SIGKILL of whoever is the proposer",
            Schedule::KillAll => "SIGKILL of all at once, all started again (durable only)",
            Schedule::Stop => "SIGSTOP of a minority for 0.2 to 5 s, then SIGCONT",
            Schedule::Rolling => "SIGTERM, and a start, of one after the other, each waited for",
            Schedule::CutTwoWay => "one member cut off from all others, or from one, in both directions",
            Schedule::CutOneWay => "the same in one direction only",
            Schedule::Chained => "a chain: each member is connected to its neighbours only",
            Schedule::Constrained => {
                "the proposer cut off from all; one member connected to all others, which are not to each other"
            }
            Schedule::QuorumLoss => "all members, the proposer too, connected to one other member only",
            Schedule::Delay => "packets between members late by 20 to 300 ms, by pair and direction",
            Schedule::Loss => "5 to 40 % of the packets between members lost, by pair and direction",
            Schedule::FullDisk => {
                "one member's disk full while others write much, then free again (durable only)"
            }
            Schedule::LoseDisk => "SIGKILL, and a start with an empty directory at the same address",
            Schedule::Replace => "a new member elsewhere, and another one killed for good (--timeout 2)",
            Schedule::Mixed => "several of all these at once, at a minority and on its ways",
        }
    }

    /// Whether a cluster in memory can bear it.
    pub fn can_be_in_memory(self) -> bool {
        !matches!(self, Schedule::KillAll | Schedule::FullDisk)
    }

    /// Whether packets are delayed or lost.
    pub fn shapes(self) -> bool {
        matches!(self, Schedule::Delay | Schedule::Loss | Schedule::Mixed)
    }

    /// One round: the fault, for as long as it lasts. Whoever called heals, and waits until all are well.
    pub async fn round(self, stage: &mut Stage<'_>) -> Result<(), Failure> {
        match self {
            Schedule::KillOne => processes::kill_one(stage).await,
            Schedule::KillProposer => processes::kill_proposer(stage).await,
            Schedule::KillAll => processes::kill_all(stage).await,
            Schedule::Stop => processes::stop(stage).await,
            Schedule::Rolling => processes::rolling(stage).await,
            Schedule::CutTwoWay => cuts::cut(stage, cuts::Directions::Both).await,
            Schedule::CutOneWay => cuts::cut(stage, cuts::Directions::One).await,
            Schedule::Chained => cuts::chained(stage).await,
            Schedule::Constrained => cuts::constrained(stage).await,
            Schedule::QuorumLoss => cuts::quorum_loss(stage).await,
            Schedule::Delay => cuts::delay(stage).await,
            Schedule::Loss => cuts::loss(stage).await,
            Schedule::FullDisk => disks::full(stage).await,
            Schedule::LoseDisk => disks::lose(stage).await,
            Schedule::Replace => disks::replace(stage).await,
            Schedule::Mixed => processes::mixed(stage).await,
        }
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Schedule {
    type Err = String;

    fn from_str(text: &str) -> Result<Schedule, String> {
        let found = Schedule::ALL.into_iter().find(|schedule| schedule.name() == text);
        found.ok_or_else(|| format!("there is no schedule `{text}`: --list shows all"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_found_by_its_name() {
        for schedule in Schedule::ALL {
            assert_eq!(schedule.name().parse(), Ok(schedule));
            assert!(schedule.about().len() > 20);
        }
        assert!("kill".parse::<Schedule>().is_err());
    }
}
