//! What is told of many seeds, and of one that failed.
//! Never here: how seeds are run.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use crate::checks::Counts as Checked;
use crate::faults::Kind;
use crate::run::Outcome;
use crate::world::Counts;

/// The sum of many seeds.
#[derive(Debug, Default)]
pub struct Totals {
    /// Seeds that were run.
    pub seeds: u64,
    /// Seeds that were run twice, and came to the same.
    pub twice: u64,
    /// Seeds that failed.
    pub failed: u64,
    virtual_us: u64,
    /// Time of all threads together.
    took: Duration,
    checked: Checked,
    counts: Counts,
    faults: BTreeMap<Kind, u64>,
}

impl Totals {
    /// One more seed.
    pub fn add(&mut self, outcome: &Outcome) {
        self.seeds += 1;
        self.failed += u64::from(outcome.violation.is_some());
        self.virtual_us += outcome.virtual_us;
        self.took += outcome.took;
        self.checked += outcome.checked;
        self.counts += outcome.counts;
        for (kind, count) in &outcome.faults {
            *self.faults.entry(*kind).or_default() += count;
        }
    }

    /// In one line, while it goes on.
    pub fn line(&self) -> String {
        let (seconds, operations) = self.rates();
        format!(
            "{} seeds, {} failed, {:.0} virtual s/s, {:.0} operations/s",
            self.seeds, self.failed, seconds, operations
        )
    }

    /// Virtual seconds, and client operations checked, a second of one core.
    pub fn rates(&self) -> (f64, f64) {
        let took = self.took.as_secs_f64().max(1e-9);
        (self.virtual_us as f64 / 1e6 / took, self.checked.operations() as f64 / took)
    }

    /// Everything, at the end.
    pub fn report(&self) -> String {
        let mut text = String::new();
        let (seconds, operations) = self.rates();
        let line = |text: &mut String, count: u64, what: &str| {
            let _ = writeln!(text, "  {count:>13}  {what}");
        };
        let _ = writeln!(text, "seeds");
        line(&mut text, self.seeds, "run");
        line(&mut text, self.twice, "run twice, with the same trace");
        line(&mut text, self.failed, "failed");
        line(&mut text, self.counts.stranded, "without a majority to heal at the end");
        line(&mut text, self.virtual_us / 1_000_000, "virtual seconds");
        line(&mut text, seconds as u64, "virtual seconds a second of one core");
        line(&mut text, self.checked.operations(), "client operations checked");
        line(&mut text, operations as u64, "client operations checked a second of one core");
        let _ = writeln!(text, "checked");
        self.checked.lines().for_each(|(what, count)| line(&mut text, count, what));
        let _ = writeln!(text, "happened");
        self.counts.lines().for_each(|(what, count)| line(&mut text, count, what));
        let _ = writeln!(text, "faults");
        for kind in Kind::ALL {
            line(&mut text, self.faults.get(kind).copied().unwrap_or_default(), kind.name());
        }
        text
    }

    /// What never happened and should have, in so many seeds.
    pub fn vacuous(&self) -> Vec<&'static str> {
        let never = |count: u64| count == 0;
        let kinds = Kind::ALL.iter().filter(|kind| never(self.faults.get(kind).copied().unwrap_or_default()));
        let checked = self.checked.lines().filter(|(_, count)| never(*count)).map(|(what, _)| what);
        kinds.map(|kind| kind.name()).chain(checked).collect()
    }
}

/// A seed that failed: its story, what broke, and how to see it again. `smallest` is the plan it was shrunk to.
pub fn failure(outcome: &Outcome, smallest: &Outcome, tries: usize) -> String {
    let mut text = String::new();
    smallest.story.iter().for_each(|line| {
        let _ = writeln!(text, "{line}");
    });
    let said = |outcome: &Outcome| match &outcome.violation {
        Some(violation) => format!("{violation}"),
        None => "nothing".to_owned(),
    };
    let _ = writeln!(text, "\nVIOLATION, seed {}: {}", outcome.plan.seed, said(outcome));
    let _ = writeln!(text, "  again:  {}", outcome.plan.command());
    if smallest.plan != outcome.plan {
        let _ = writeln!(text, "\nshrunk in {tries} tries (its story is above): {}", said(smallest));
        let _ = writeln!(text, "  again:  {}", smallest.plan.command());
    }
    let _ = writeln!(text, "\nthe plan:\n{}", smallest.plan);
    text
}
