//! Why a command failed, how that is said, and the exit status that goes with it.

use std::io;

use doozer_client::{Error, ErrorKind};
use rustix::process::Signal;

use super::bench::Problem;
use crate::line::line;

/// Why a command failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// The client or the member says so.
    Client(Error),
    /// A benchmark says so.
    Bench(Problem),
    /// The cluster is not well: what is wrong.
    Unwell(String),
    /// Who is to vote cannot be found out, or the command makes no sense for it: why.
    Member(String),
    /// What is to be done cannot be read, or makes no sense: where, and why.
    Plan(String),
    /// A part of a transaction refused it, which stands there, if that can be said.
    Txn(Error, Option<String>),
    /// Somebody else holds what was to be held: what, and since when.
    NotAcquired(String),
    /// What was held at this path may be somebody else's. And what became of the command.
    Lost(String, &'static str),
    /// A command cannot be run.
    Start(String, io::Error),
    /// A command was run, and has said itself why it ended with this status.
    Command(u8),
    /// This program was told to end before there was a command.
    Signalled(Signal),
    /// There is nothing at this path.
    Missing(String),
    /// Standard input cannot be read.
    Input(io::Error),
    /// Standard output cannot be written.
    Output(io::Error),
    /// The system refused something every program needs.
    System(io::Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Client(error)
    }
}

impl Failure {
    /// The line for standard error; `None` if there is nothing to say, since whoever read the output has gone.
    pub fn message(&self) -> Option<String> {
        Some(match self {
            Failure::Client(error) => client(error),
            Failure::Bench(problem) => format!("Error: {}", line(problem)),
            Failure::Unwell(why) | Failure::Member(why) | Failure::Plan(why) => {
                format!("Error: {}", line(why))
            }
            Failure::Txn(error, place) => {
                let place = place.as_deref().map(|place| format!("{}: ", line(&place))).unwrap_or_default();
                format!("Error: {}: {place}{}", error.kind(), line(&detail(error)))
            }
            Failure::NotAcquired(why) => format!("Error: not acquired: {}", line(why)),
            Failure::Lost(path, what) => format!(
                "Error: {}: {path}: it is no longer held, or may soon be another's; {what}",
                ErrorKind::LockLost
            ),
            Failure::Start(program, error) => format!("Error: cannot run {program}: {}", line(error)),
            Failure::Command(_) => return None,
            Failure::Signalled(signal) => format!("Error: ended by signal {}", signal.as_raw()),
            // The original's words.
            Failure::Missing(path) => format!("No such file or directory: {path}"),
            Failure::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => return None,
            Failure::Input(error) => format!("Error: cannot read standard input: {}", line(error)),
            Failure::Output(error) => format!("Error: cannot write standard output: {}", line(error)),
            Failure::System(error) => format!("Error: the system refused to start: {}", line(error)),
        })
    }

    /// The exit status: 1 if a file is not what the command wants it to be or the cluster is not well, 0 if the reader of
    /// the output has gone, 2 otherwise. Around another command it is what a shell's would be (126 and up), what `timeout`
    /// says of time that is up (124), and one beside that (125).
    pub fn status(&self) -> u8 {
        match self {
            Failure::Client(error) | Failure::Txn(error, _)
                if matches!(error.kind(), ErrorKind::RevMismatch | ErrorKind::CompareFailed) =>
            {
                1
            }
            Failure::Unwell(_) => 1,
            Failure::NotAcquired(_) => 124,
            Failure::Lost(..) => 125,
            Failure::Start(_, error) if error.kind() == io::ErrorKind::NotFound => 127,
            Failure::Start(..) => 126,
            Failure::Command(status) => *status,
            Failure::Signalled(signal) => u8::try_from(128 + signal.as_raw()).unwrap_or(u8::MAX),
            Failure::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => 0,
            _ => 2,
        }
    }
}

/// A revision mismatch stands alone, as the original printed it and as scripts look for it. Everything else also says
/// what it is about.
fn client(error: &Error) -> String {
    let advice = match error.kind() {
        ErrorKind::RevMismatch => return format!("Error: {}", error.kind()),
        ErrorKind::Disconnected => "; start doozerd or set DOOZER_URI",
        _ => "",
    };
    let detail = detail(error);
    let unnamed = error.path().filter(|path| !detail.contains(path));
    let path = unnamed.map(|path| format!("{path}: ")).unwrap_or_default();
    format!("Error: {}: {path}{}{advice}", error.kind(), line(&detail))
}

fn detail(error: &Error) -> &str {
    if error.detail().is_empty() { error.kind().meaning() } else { error.detail() }
}
