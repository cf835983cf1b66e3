//! What a benchmark prints.

use std::io::{self, Write};

use doozer_bench::Measured;
use serde::Serialize;

use super::super::answers::Answer;
use super::super::args::Consistency;
use super::super::columns::columns;
use super::places::{Place, Places};
use super::{Bench, Kind};

/// What came of it. Fields are printed under these names; more may follow.
#[derive(Debug, Serialize)]
pub(super) struct Figures {
    kind: Kind,
    connections: usize,
    in_flight: usize,
    value_bytes: usize,
    keys: usize,
    seconds: f64,
    #[serde(flatten)]
    all: Rates,
    /// Of the reads, if there are any.
    consistency: Option<Consistency>,
    members: Vec<OfMember>,
    missing: Vec<Missing>,
}

/// How much, and how fast.
#[derive(Debug, Clone, Copy, Serialize)]
struct Rates {
    ops: u64,
    ops_per_second: f64,
    p50_us: f64,
    p90_us: f64,
    p99_us: f64,
    max_us: f64,
}

/// The share of one member.
#[derive(Debug, Serialize)]
struct OfMember {
    member: Option<String>,
    address: String,
    role: Option<String>,
    #[serde(flatten)]
    rates: Rates,
}

/// A member that was not asked.
#[derive(Debug, Serialize)]
struct Missing {
    address: String,
    why: String,
}

impl Figures {
    pub fn new(bench: &Bench, places: Places, measured: &Measured) -> Figures {
        let Places { found, missing, .. } = places;
        let of_member = |(Place { member, address, role }, measured)| OfMember {
            member,
            address,
            role,
            rates: Rates::of(measured),
        };
        Figures {
            kind: bench.kind,
            connections: bench.load().connections(found.len()),
            in_flight: bench.in_flight,
            value_bytes: bench.value_bytes,
            keys: bench.keys,
            seconds: measured.duration.as_secs_f64(),
            all: Rates::of(measured),
            consistency: bench.kind.reads().then(|| bench.consistency()),
            members: found.into_iter().zip(&measured.members).map(of_member).collect(),
            missing: missing.into_iter().map(|(address, why)| Missing { address, why }).collect(),
        }
    }
}

impl Rates {
    fn of(measured: &Measured) -> Rates {
        Rates {
            ops: measured.answers(),
            ops_per_second: measured.rate(),
            p50_us: measured.quantile_us(0.5),
            p90_us: measured.quantile_us(0.9),
            p99_us: measured.quantile_us(0.99),
            max_us: measured.quantile_us(1.0),
        }
    }
}

impl Answer for Figures {
    fn plain(&self, out: &mut dyn Write) -> io::Result<()> {
        let Rates { ops_per_second, p50_us, p90_us, p99_us, max_us, .. } = self.all;
        writeln!(out, "ops/s {ops_per_second:.0}")?;
        for (name, us) in [("p50", p50_us), ("p90", p90_us), ("p99", p99_us), ("max", max_us)] {
            writeln!(out, "{name}   {us:.1} µs")?;
        }
        if self.members.len() < 2 {
            return Ok(());
        }
        writeln!(out)?;
        let headings =
            ["address", "role", "ops/s", "p50 µs", "p90 µs", "p99 µs", "max µs"].map(str::to_owned);
        let mut rows = vec![headings];
        rows.extend(self.members.iter().map(|OfMember { address, role, rates, .. }| {
            let Rates { ops_per_second, p50_us, p90_us, p99_us, max_us, .. } = rates;
            let role = role.clone().unwrap_or_else(|| "-".to_owned());
            let [p50, p90, p99, max] = [p50_us, p90_us, p99_us, max_us].map(|us| format!("{us:.1}"));
            [address.clone(), role, format!("{ops_per_second:.0}"), p50, p90, p99, max]
        }));
        columns(&rows, out)
    }
}
