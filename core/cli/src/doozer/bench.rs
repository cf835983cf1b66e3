//! `doozer bench`: how much a running cluster does, and how fast.
//! The load itself is `doozer-bench`'s business.

use std::io::{self, Write};
use std::pin::pin;
use std::time::Duration;

use clap::ValueEnum;
use doozer_bench::{Keys, Load, LoadError, Measured, Stop, Target};
use doozer_client::{Uri, UriError};
use serde::Serialize;
use tokio::signal::ctrl_c;

use super::answers::{Answer, Out};
use super::args::Options;
use super::connect::uri_of;
use super::failure::Failure;

/// How long answers do not count yet.
const WARM_UP: Duration = Duration::from_secs(1);

/// How much of what.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub(super) struct Bench {
    /// What to ask for; mixed is nine reads to a write
    #[arg(long, value_name = "KIND", default_value = "mixed")]
    kind: Kind,

    /// Connections, spread over the addresses of the URI
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = count)]
    connections: usize,

    /// Requests in flight over all connections
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = count)]
    in_flight: usize,

    /// Bytes of each value
    #[arg(long, value_name = "N", default_value_t = 128)]
    value_bytes: usize,

    /// Files to work on
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = count)]
    keys: usize,

    /// How long to measure, after one second to warm up
    #[arg(long, value_name = "N", default_value = "5", value_parser = super::args::seconds)]
    seconds: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Set,
    Get,
    Mixed,
}

/// Why there are no figures, or something was left behind.
#[derive(Debug, thiserror::Error)]
pub(super) enum Problem {
    #[error("{0}")]
    Uri(#[from] UriError),
    #[error("bench needs addresses, and a URI that has them: it does not look names up")]
    Name,
    #[error("bench does not speak TLS")]
    Tls,
    #[error("{0}")]
    Load(#[from] LoadError),
    #[error("interrupted")]
    Interrupted,
    #[error("{why}; files may be left in {directory}")]
    Left { why: Box<Problem>, directory: String },
}

impl Problem {
    /// What to do about it, to be put behind it.
    pub fn advice(&self) -> &'static str {
        match self {
            Problem::Load(LoadError::Connect { .. }) => "; start doozerd or set DOOZER_URI",
            _ => "",
        }
    }
}

/// Measures, and leaves nothing behind: not after a failure or an interrupt either, as far as that can be had.
pub(super) async fn bench(options: &Options, bench: Bench, out: &mut Out<impl Write>) -> Result<(), Failure> {
    let (target, keys) = prepare(options, &bench)?;
    let stop = Stop::default();
    let filled = interruptible(keys.fill(&target, bench.value_bytes, &stop), &stop).await;
    if let Err(why @ Problem::Load(LoadError::Connect { .. })) = filled {
        return Err(Failure::Bench(why));
    }
    let measured = match filled {
        Ok(()) => interruptible(bench.load().run(&target, &keys, &stop), &stop).await,
        Err(why) => Err(why),
    };
    let deleted = interruptible(keys.delete(&target), &stop).await;
    let measured = match (measured, deleted) {
        (Ok(measured), Ok(())) => measured,
        (Err(why), Ok(())) => return Err(Failure::Bench(why)),
        (Ok(_), Err(why)) | (Err(why), Err(_)) => {
            let directory = keys.directory().to_owned();
            return Err(Failure::Bench(Problem::Left { why: why.into(), directory }));
        }
    };
    out.print(&Figures::new(&bench, &measured)).map_err(Failure::Output)
}

fn prepare(options: &Options, bench: &Bench) -> Result<(Target, Keys), Failure> {
    if options.tls_ca.is_some() {
        return Err(Failure::Bench(Problem::Tls));
    }
    let uri: Uri = uri_of(options).parse().map_err(|error| Failure::Bench(Problem::Uri(error)))?;
    if uri.addresses.is_empty() {
        return Err(Failure::Bench(Problem::Name));
    }
    let keys = Keys::unique(bench.keys).map_err(|error| Failure::Bench(error.into()))?;
    Ok((Target::of(&uri), keys))
}

impl Bench {
    fn load(&self) -> Load {
        Load {
            kind: self.kind.into(),
            connections: self.connections,
            in_flight: self.in_flight,
            value_bytes: self.value_bytes,
            warm_up: WARM_UP,
            measured: self.seconds,
        }
    }
}

/// A first interrupt stops the work and waits for its end, a second one leaves it where it is.
async fn interruptible<T>(
    work: impl Future<Output = Result<T, LoadError>>,
    stop: &Stop,
) -> Result<T, Problem> {
    let mut work = pin!(work);
    tokio::select! {
        done = &mut work => return Ok(done?),
        _ = ctrl_c() => stop.stop(),
    }
    tokio::select! {
        done = work => done.map(drop)?,
        _ = ctrl_c() => {}
    }
    Err(Problem::Interrupted)
}

fn count(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|count| *count > 0).ok_or_else(|| "not a whole number from 1 on".to_owned())
}

impl From<Kind> for doozer_bench::Kind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Set => Self::Set,
            Kind::Get => Self::Get,
            Kind::Mixed => Self::Mixed,
        }
    }
}

/// What came of it.
#[derive(Debug, Serialize)]
struct Figures {
    kind: Kind,
    connections: usize,
    in_flight: usize,
    value_bytes: usize,
    keys: usize,
    seconds: f64,
    ops: u64,
    ops_per_second: f64,
    p50_us: f64,
    p90_us: f64,
    p99_us: f64,
    max_us: f64,
}

impl Figures {
    fn new(bench: &Bench, measured: &Measured) -> Figures {
        Figures {
            kind: bench.kind,
            connections: bench.connections.min(bench.in_flight),
            in_flight: bench.in_flight,
            value_bytes: bench.value_bytes,
            keys: bench.keys,
            seconds: measured.duration.as_secs_f64(),
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
        writeln!(out, "ops/s {:.0}", self.ops_per_second)?;
        let latencies =
            [("p50", self.p50_us), ("p90", self.p90_us), ("p99", self.p99_us), ("max", self.max_us)];
        latencies.iter().try_for_each(|(name, us)| writeln!(out, "{name}   {us:.1} µs"))
    }
}
