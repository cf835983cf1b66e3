//! What a run came to, for people.

use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::time::Duration;

use crate::stage::Report;
use crate::turns::Turn;

/// A row for each kind of stage.
#[derive(Debug, Default)]
pub struct Table {
    rows: BTreeMap<(Turn, &'static str), Row>,
    /// What was not run, and why.
    missing: Vec<String>,
}

#[derive(Debug, Default)]
struct Row {
    rounds: usize,
    operations: u64,
    acknowledged: u64,
    unknown: u64,
    events: u64,
    holds: u64,
    slowest: Duration,
    violations: usize,
}

impl Table {
    pub fn add(&mut self, turn: Turn, wires: &'static str, report: &Report) {
        self.rows.entry((turn, wires)).or_default().add(&Row {
            rounds: report.rounds,
            operations: report.operations,
            acknowledged: report.acknowledged,
            unknown: report.unknown,
            events: report.events,
            holds: report.holds,
            slowest: report.slowest,
            violations: report.violations.len(),
        });
    }

    pub fn missing(&mut self, what: String) {
        self.missing.push(what);
    }

    pub fn violations(&self) -> usize {
        self.rows.values().map(|row| row.violations).sum()
    }
}

impl Row {
    fn add(&mut self, other: &Row) {
        self.rounds += other.rounds;
        self.operations += other.operations;
        self.acknowledged += other.acknowledged;
        self.unknown += other.unknown;
        self.events += other.events;
        self.holds += other.holds;
        self.slowest = self.slowest.max(other.slowest);
        self.violations += other.violations;
    }
}

impl Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Row { rounds, operations, acknowledged, unknown, events, holds, slowest, violations } = self;
        let slowest = slowest.as_secs_f64();
        write!(
            f,
            "| {rounds} | {operations} | {acknowledged} | {unknown} | {events} | {holds} | {slowest:.2} s | {violations} |"
        )
    }
}

impl Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| schedule | mode | members | wires | rounds | operations | acknowledged | unknown | events | locks held | slowest recovery | violations |"
        )?;
        writeln!(f, "|---|---|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|")?;
        let mut all = Row::default();
        for ((turn, wires), row) in &self.rows {
            let mode = if turn.is_durable { "durable" } else { "memory" };
            writeln!(f, "| {} | {mode} | {} | {wires} {row}", turn.schedule, turn.members)?;
            all.add(row);
        }
        writeln!(f, "| all | | | {all}")?;
        self.missing.iter().try_for_each(|what| writeln!(f, "not run: {what}"))
    }
}
