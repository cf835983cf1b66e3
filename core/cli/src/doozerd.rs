//! The program `doozerd`: one member of a cluster, from its command line to its end.
//! What a member does is `doozer-node`'s business.

mod args;
mod log;
mod old_flags;
mod problem;
mod recover;
mod secrets;
mod setup;
mod signals;
mod size;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;
use doozer_node::{Config, Data, Node};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::{debug, info, warn};

use crate::line::line;
use args::{Args, LogFormat, RecoverArgs};
use problem::Problem;
use setup::{Setup, setup};
use signals::Signals;

/// Runs `doozerd` with the arguments and the environment of this process until it is told to stop.
///
/// `doozerd recover` does something else, and ends.
///
/// The exit status is 0 after a stop, 1 if the member's disk failed while it ran, 128 and a signal's number if that
/// signal cut a stop short, and 2 if the member could not start. Whatever it is, standard error says why.
pub fn main() -> ExitCode {
    let mut words = std::env::args_os();
    let ended = if std::env::args_os().nth(1).is_some_and(|word| word == "recover") {
        // Whatever comes first is the name of the program.
        words.next();
        parsed(words).map(|RecoverArgs { data_dir, to }| recover::recover(&data_dir, to.as_deref()))
    } else {
        let old_flags::Rewritten { args, ignored } = old_flags::rewrite(words);
        parsed(args).map(|args| run(args, &ignored))
    };
    match ended {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(problem)) => {
            eprintln!("doozerd: {}", line(&problem));
            ExitCode::from(problem.status())
        }
        Err(usage) => usage,
    }
}

/// A command line, or the exit status of one that asks for help, or is wrong: it has been told which.
fn parsed<T: Parser>(words: impl IntoIterator<Item = OsString>) -> Result<T, ExitCode> {
    T::try_parse_from(words).map_err(|usage| {
        // Nobody may be there to read it.
        let _ = usage.print();
        ExitCode::from(u8::try_from(usage.exit_code()).unwrap_or(2))
    })
}

fn run(args: Args, ignored: &[&str]) -> Result<(), Problem> {
    let format = args.log_format;
    log::start(format, args.log_level)?;
    for flag in ignored {
        warn!("-{flag} means nothing to this version and is ignored");
    }
    let Setup { config, warnings } = setup(args, |name| std::env::var_os(name))?;
    for warning in warnings {
        warn!("{warning}");
    }
    raise_open_files();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(serving_threads())
        .enable_all()
        .build()
        .map_err(|source| Problem::System { what: "threads", source })?;
    let ended = runtime.block_on(serve(config, format));
    // Whatever is still at work was cut short on purpose.
    runtime.shutdown_background();
    ended
}

/// Half of the processors, four at most: commands are taken by one task and the disk has a thread of its own, so that more
/// threads mostly wake each other. Two processors with one of them serve reads as fast as with two, and writes faster.
fn serving_threads() -> usize {
    std::thread::available_parallelism().map_or(1, |processors| (processors.get() / 2).clamp(1, 4))
}

async fn serve(config: Config, format: LogFormat) -> Result<(), Problem> {
    let mut signals =
        Signals::take().map_err(|source| Problem::System { what: "signal handlers", source })?;
    let told = config.clone();
    let mut node = tokio::select! {
        node = Node::start(config) => node?,
        _ = signals.next() => return Ok(()),
    };
    announce(&node, &told, format);
    tokio::select! {
        _ = signals.next() => {}
        failure = node.failed() => return Err(Problem::Failed(failure)),
    }
    tokio::select! {
        () = node.stop() => Ok(()),
        signal = signals.next() => Err(Problem::Hurried { signal }),
    }
}

/// Says that the member serves, where, and with what. Scripts wait for this line.
fn announce(node: &Node, told: &Config, format: LogFormat) {
    let version = env!("CARGO_PKG_VERSION");
    let (id, revision) = (node.id(), node.revision());
    let cluster = node.cluster_name();
    if cluster != told.cluster_name {
        warn!(
            "-c {}: the data belongs to cluster \"{cluster}\", and that is who this member is",
            told.cluster_name
        );
    }
    let (sessions, session_bytes) = node.sessions_max();
    for (name, what, set, wanted) in [
        ("max-value", "the cluster's largest value is", node.value_bytes_max(), Some(told.value_bytes_max)),
        ("max-sessions", "the most sessions of the cluster are", sessions, told.sessions_max),
        ("max-session-bytes", "the cluster's sessions may take", session_bytes, told.session_bytes_max),
    ] {
        let unit = if name == "max-sessions" { "" } else { " bytes" };
        if let Some(wanted) = wanted.filter(|wanted| *wanted != set) {
            warn!(
                "--{name} {wanted}: {what} {set}{unit}; change it with \
                 `printf {wanted} | doozer set /ctl/settings/{name} -1`"
            );
        }
    }
    let unconfirmed_slots = node.unconfirmed_slots();
    let address = node.address().map(|address| address.to_string()).unwrap_or_default();
    let data = match &told.data {
        Data::Memory => "memory".to_owned(),
        Data::Directory(path) => path.display().to_string(),
    };
    match format {
        LogFormat::Json => {
            info!(target: log::START, version, member = id, cluster, address, data, revision, unconfirmed_slots, "serving");
        }
        LogFormat::Text => {
            let more = match unconfirmed_slots {
                0 => String::new(),
                slots => format!(", and {slots} slots of its log for a majority to confirm"),
            };
            eprintln!(
                "doozerd {version}: member {id} of cluster \"{cluster}\" serving {address}, data in {data} \
                 (revision {revision}{more})"
            );
        }
    }
}

/// Lets the process open as many files as it may: each client is one.
fn raise_open_files() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        debug!(%error, "the limit of open files stays as it is");
    }
}
