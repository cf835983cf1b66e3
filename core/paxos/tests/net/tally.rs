//! How often what happened, so that a test can see that it reached what it is there for.

use std::collections::BTreeMap;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    SlotDecided,
    ReadAnswered,
    VotersChanged,
    SnapshotInstalled,
    DiskFull,
    EndRotten,
    EndGivenUp,
    ForwardRelayed,
    LearnedByVoter,
}

impl What {
    pub const ALL: [What; 9] = [
        What::SlotDecided,
        What::ReadAnswered,
        What::VotersChanged,
        What::SnapshotInstalled,
        What::DiskFull,
        What::EndRotten,
        What::EndGivenUp,
        What::ForwardRelayed,
        What::LearnedByVoter,
    ];

    pub fn words(self) -> &'static str {
        match self {
            What::SlotDecided => "slots were decided",
            What::ReadAnswered => "reads were answered",
            What::VotersChanged => "changes of the voters were decided",
            What::SnapshotInstalled => "snapshots were installed",
            What::DiskFull => "times a disk was full",
            What::EndRotten => "times the end of a log could not be read any more",
            What::EndGivenUp => "times such ends were given up",
            What::ForwardRelayed => "forwards came to a proposer by way of another member",
            What::LearnedByVoter => "voters learned entries from one that does not lead",
        }
    }
}

#[derive(Debug, Clone, Default)]
pub struct Tally(BTreeMap<What, usize>);

impl Tally {
    pub fn count(&mut self, what: What) {
        *self.0.entry(what).or_default() += 1;
    }

    pub fn of(&self, what: What) -> usize {
        self.0.get(&what).copied().unwrap_or_default()
    }

    pub fn add(&mut self, other: &Tally) {
        for (what, times) in &other.0 {
            *self.0.entry(*what).or_default() += times;
        }
    }
}
