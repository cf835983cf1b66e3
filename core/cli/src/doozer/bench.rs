//! `doozer bench`: how much a running cluster does, and how fast.
//! The load itself is `doozer-bench`'s business.

mod figures;
mod interrupts;
mod places;

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use clap::ValueEnum;
use doozer_bench::exchange::{Opener, Stream};
use doozer_bench::{Keys, Load, LoadError, Stop, Target};
use doozer_client::{Client, Dial, Error, ErrorKind, Uri, UriError};
use serde::Serialize;

use super::answers::Out;
use super::args::{Consistency, Options};
use super::connect::{client_options, uri_of};
use super::failure::Failure;
use crate::line::line;
use figures::Figures;
use interrupts::Interrupts;
use places::Places;

/// How long answers do not count yet.
const WARM_UP: Duration = Duration::from_secs(1);

/// How much of what.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub(super) struct Bench {
    /// What to ask for; mixed is nine reads to a write
    #[arg(long, value_name = "KIND", default_value = "mixed")]
    kind: Kind,

    /// How fresh reads must be: local ones are answered by each member from what it has [default: linearizable]
    #[arg(long, value_name = "HOW")]
    consistency: Option<Consistency>,

    /// Connections, spread over the members; at least one to each
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = count)]
    connections: usize,

    /// Requests in flight over all connections; 1 asks one member after the other, one request at a time
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

    /// Ask only the addresses of the URI, and not the other members of the cluster
    #[arg(long)]
    given_only: bool,
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
    #[error("--given-only needs addresses, and a URI that has them")]
    NoAddress,
    #[error("the original's servers have no local reads")]
    NoLocalReads,
    #[error("NO_QUORUM: {0}; nothing was written; doozer status shows which members answer")]
    NoQuorum(String),
    #[error("{0}")]
    Load(#[from] LoadError),
    #[error("interrupted")]
    Interrupted,
    #[error("{why}; files may be left in {directory}")]
    Left { why: Box<Problem>, directory: String },
}

/// Measures, and leaves nothing behind: not after a failure or an interrupt either, as far as that can be had.
pub(super) async fn bench(options: &Options, bench: Bench, out: &mut Out<impl Write>) -> Result<(), Failure> {
    let uri: Uri = uri_of(options).parse().map_err(|error| Failure::Bench(Problem::Uri(error)))?;
    if bench.given_only && uri.addresses.is_empty() {
        return Err(Failure::Bench(Problem::NoAddress));
    }
    let places = look_around(options, &bench, &uri).await?;
    let target = target(options, uri, &places)?;
    let keys = Keys::unique(bench.keys).map_err(|error| Failure::Bench(error.into()))?;
    // From here on a signal is no end without tidying up.
    let mut interrupts = Interrupts::take().map_err(Failure::System)?;
    let stop = Stop::default();
    let filled = interrupts.heed(keys.fill(&target, bench.value_bytes, &stop), &stop).await;
    let measured = match filled {
        Ok(()) => interrupts.heed(bench.load().run(&target, &keys, &stop), &stop).await,
        Err(why) => Err(why),
    };
    // What was under way at a member that is lost may still be done, after the file has been deleted.
    let may_come_late =
        matches!(&measured, Err(Problem::Load(why)) if why.may_come_late() && bench.kind != Kind::Get);
    let deleted = interrupts.heed(keys.delete(&target), &stop).await;
    match (measured, deleted) {
        (Ok(measured), Ok(())) => {
            out.print(&Figures::new(&bench, places, &measured)).map_err(Failure::Output)
        }
        (Err(why), Ok(())) if !may_come_late => Err(Failure::Bench(why)),
        (Ok(_), Err(why)) | (Err(why), _) => {
            let directory = keys.directory().to_owned();
            Err(Failure::Bench(Problem::Left { why: why.into(), directory }))
        }
    }
}

/// Finds out who can be asked, and whether the cluster can write, before anything is left anywhere.
async fn look_around(options: &Options, bench: &Bench, uri: &Uri) -> Result<Places, Failure> {
    let client = Client::open_uri(uri, client_options(options)).await?;
    client.nop().await.map_err(no_quorum)?;
    let places = Places::find(&client, uri, client_options(options), bench.given_only).await?;
    client.close().await;
    if !places.are_modern && bench.consistency() == Consistency::Local {
        return Err(Failure::Bench(Problem::NoLocalReads));
    }
    for (address, why) in &places.missing {
        eprintln!("{address} is left out: {}", line(why));
    }
    Ok(places)
}

fn no_quorum(error: Error) -> Failure {
    match error.kind() {
        ErrorKind::NoQuorum => {
            Failure::Bench(Problem::NoQuorum("no majority of the members can be heard".to_owned()))
        }
        _ => error.into(),
    }
}

fn target(options: &Options, uri: Uri, places: &Places) -> Result<Target, Failure> {
    let dial = Dial::new(client_options(options).tls.as_ref())?;
    let opener: Opener = Arc::new(move |address| {
        let (dial, address) = (dial.clone(), address.parse());
        Box::pin(async move {
            let address = address.map_err(|error: UriError| std::io::Error::other(error.to_string()))?;
            dial.connect(&address).await.map(|stream| Box::new(stream) as Box<dyn Stream>)
        })
    });
    let addresses = places.found.iter().map(|place| place.address.clone()).collect();
    Ok(Target::members(addresses, uri.secret, places.are_modern, opener))
}

impl Bench {
    fn load(&self) -> Load {
        Load {
            kind: match (self.kind, self.consistency()) {
                (Kind::Set, _) => doozer_bench::Kind::Set,
                (Kind::Get, Consistency::Linearizable) => doozer_bench::Kind::Get,
                (Kind::Get, Consistency::Local) => doozer_bench::Kind::LocalGet,
                (Kind::Mixed, Consistency::Linearizable) => doozer_bench::Kind::Mixed,
                (Kind::Mixed, Consistency::Local) => doozer_bench::Kind::LocalMixed,
            },
            connections: self.connections,
            in_flight: self.in_flight,
            value_bytes: self.value_bytes,
            warm_up: WARM_UP,
            measured: self.seconds,
        }
    }

    fn consistency(&self) -> Consistency {
        self.consistency.unwrap_or(Consistency::Linearizable)
    }

    /// Whether what is asked for can be asked for.
    pub fn check(&self) -> Result<(), &'static str> {
        match (self.kind, self.consistency) {
            (Kind::Set, Some(_)) => Err("--consistency says nothing to --kind set, which reads nothing"),
            _ => Ok(()),
        }
    }
}

impl Kind {
    fn reads(self) -> bool {
        self != Kind::Set
    }
}

fn count(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|count| *count > 0).ok_or_else(|| "not a whole number from 1 on".to_owned())
}
