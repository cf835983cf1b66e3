//! Why a command failed, how that is said, and the exit status that goes with it.

use std::io;

use doozer_client::{Error, ErrorKind};

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
            Failure::Unwell(why) | Failure::Member(why) => format!("Error: {}", line(why)),
            // The original's words.
            Failure::Missing(path) => format!("No such file or directory: {path}"),
            Failure::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => return None,
            Failure::Input(error) => format!("Error: cannot read standard input: {}", line(error)),
            Failure::Output(error) => format!("Error: cannot write standard output: {}", line(error)),
            Failure::System(error) => format!("Error: the system refused to start: {}", line(error)),
        })
    }

    /// The exit status: 1 if the file has changed since the revision named or the cluster is not well, 0 if the reader of
    /// the output has gone, 2 otherwise.
    pub fn status(&self) -> u8 {
        match self {
            Failure::Client(error) if error.kind() == ErrorKind::RevMismatch => 1,
            Failure::Unwell(_) => 1,
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
    let detail = if error.detail().is_empty() { error.kind().meaning() } else { error.detail() };
    let unnamed = error.path().filter(|path| !detail.contains(path));
    let path = unnamed.map(|path| format!("{path}: ")).unwrap_or_default();
    format!("Error: {}: {path}{}{advice}", error.kind(), line(&detail))
}
