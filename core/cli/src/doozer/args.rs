//! The command line of doozer.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use doozer_client::SessionId;
use serde::Serialize;

use super::bench::Bench;

const EXAMPLES: &str = "\
Examples:
  printf world | doozer add /hello      make a file; prints its revision
  printf WORLD | doozer set /hello 7    replace it unless it changed since 7
  doozer get /hello                     print its value
  doozer -r 8 wait '/srv/*'             the first change on or after revision 8
  doozer watch --json '/srv/**'         all changes from now on, as JSON
  doozer lock /locks/backup -- backup   run backup while nobody else does

Environment:
  DOOZER_URI       the cluster, if -a does not say it, as
                   doozer:?ca=HOST:PORT&ca=HOST:PORT&cn=NAME&sk=SECRET or as
                   HOST:PORT,HOST:PORT; without either 127.0.0.1:8046
  DOOZER_BOOT_URI  the cluster to look members up in, if -b does not say it

Exit status:
  0, or 1 if the file changed since the revision named (REV_MISMATCH), a
  condition of txn does not hold (COMPARE_FAILED) or status --check finds the
  cluster not well, or 2 after any other error. lock, elect and register end
  as the command they run does; their help lists what they add";

const HELD: &str = "\
It waits without end, or for the time that -t gives it. Who waits is served in
order. The command finds the path in DOOZER_LOCK_PATH and the fencing token in
DOOZER_LOCK_TOKEN: hand it along with whatever must be refused once somebody
else holds the lock, as in `if PATH fence TOKEN` of doozer txn.

INT, QUIT, TERM and HUP are passed on to the command. When the lock is lost,
the command is told to end (TERM), and killed if it has not ended 10 s later.
What it has started itself it must end itself. Who kills this program with KILL
leaves the command running, without the lock once its time is over.

Exit status: the command's own, or 128 + n if signal n ended it; else
  124  not acquired: somebody holds it
  125  lost while the command ran; the command was ended
  126  the command cannot be run; 127 there is none
    2  any other error, before the command ran or in giving back";

const RECORD: &str = "\
The file goes when the command ends, or so long after this program died as
--ttl says. If the session is lost, it is written again under the next one.

INT, QUIT, TERM and HUP are passed on to the command.

Exit status: the command's own, or 128 + n if signal n ended it; else
  126  the command cannot be run; 127 there is none
    2  any other error, before the command ran or in taking the file back";

const TXN: &str = "\
The text has a line for each condition and each change, and comments from # on:
  if PATH rev N         its revision is N; 0 if there is nothing
  if PATH value V       it holds V
  if PATH absent        nothing is there
  if PATH fence N       it is held by this token, such as a lock's
  set PATH VALUE        or set PATH VALUE rev N, unless it changed since N
  del PATH              or del PATH rev N
Words are as a shell has them: 'as it is', or \"with \\n, \\t, \\\" and \\\\\".

JSON says the same, and has value_base64 for bytes that are no text:
  {\"if\": [{\"path\": \"/a\", \"rev\": 3}, {\"path\": \"/c\", \"absent\": true}],
   \"do\": [{\"set\": \"/a\", \"value\": \"x\", \"rev\": 3}, {\"del\": \"/b\"}]}

All changes are made if all conditions hold, else none: then the exit status
is 1, and standard error names the condition. Up to 128 of both together.";

/// Reads, writes and watches the files of a Doozer cluster.
#[derive(Debug, Parser)]
#[command(name = "doozer", version, disable_version_flag = true, after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(flatten)]
    pub options: Options,

    /// Print the version
    #[arg(short, long, action = ArgAction::Version)]
    version: Option<bool>,

    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// The cluster to talk to
    #[arg(short = 'a', long, global = true, value_name = "URI")]
    pub uri: Option<String>,

    /// The cluster to look members up in, if the URI names a cluster only
    #[arg(short, long, global = true, value_name = "URI")]
    pub boot: Option<String>,

    /// The revision to read at, or to wait from
    // Its own id, because positional arguments of commands are called `rev` too.
    #[arg(
        id = "at",
        short = 'r',
        long = "rev",
        value_name = "REV",
        global = true,
        allow_negative_numbers = true
    )]
    pub at: Option<i64>,

    /// How long to try; without it 2 s to connect, and 10 s for each call
    #[arg(short, long, global = true, value_name = "SECONDS", value_parser = seconds)]
    pub timeout: Option<Duration>,

    /// Print JSON: one object, or one a line
    #[arg(long, global = true)]
    pub json: bool,

    /// Use TLS, and trust members with a certificate signed by one of these (PEM)
    #[arg(long, global = true, value_name = "FILE")]
    pub tls_ca: Option<PathBuf>,

    /// Show this certificate chain (PEM)
    #[arg(long, global = true, value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,

    /// The certificate's private key (PEM)
    #[arg(long, global = true, value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
}

/// A member is named by its id, its slot or its address.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub(super) enum MemberCommand {
    /// Print all members and open places, as status does
    List,
    /// Open a place among the voters, which a learner takes, or give one to this learner
    Add {
        /// The learner's id or address
        member: Option<String>,
    },
    /// Take a voter's place away, and delete the files of one that does not run
    Remove {
        /// The member's id, slot or address
        member: String,
    },
    /// Give a voter's place to a learner, in one step
    Replace {
        /// The voter's id, slot or address
        member: String,
        /// The learner's id or address; without it the one at the voter's address, or else the only one
        by: Option<String>,
    },
}

/// A command that is run while something is held.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub(super) struct Run {
    /// How long it is held after this program was last heard of; from 1 s to 24 h [default: 10]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub ttl: Option<Duration>,

    /// The command to run, and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

/// A session is named by its id, which is public: it lets nobody write as that session.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub(super) enum SessionCommand {
    /// Print all sessions, with what they hold in numbers
    Ls {
        #[command(flatten)]
        freshness: Freshness,
    },
    /// Print a session with its files and its places in queues
    Show {
        /// The session's id
        id: SessionId,
        #[command(flatten)]
        freshness: Freshness,
    },
    /// End a session, whosever it is: its files go, and its places in queues
    End {
        /// The session's id
        id: SessionId,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub(super) enum Command {
    /// Make a file from standard input, if there is none; prints the new revision
    Add {
        /// The file's path
        path: String,
    },
    /// Measure how much a running cluster does; works in a directory of its own, which it deletes
    Bench(Bench),
    /// Delete a file
    Del {
        /// The file's path
        path: String,
        /// The revision the file may not have changed since; -1 for whatever it is
        #[arg(allow_negative_numbers = true)]
        rev: i64,
    },
    /// Stand for election, and run a command for as long as this one leads
    #[command(after_help = HELD)]
    Elect {
        /// The file that says who leads
        path: String,
        /// What the file says while this one leads [default: the command, this process and the host]
        #[arg(long)]
        value: Option<String>,
        #[command(flatten)]
        run: Run,
    },
    /// Print who holds a path, who waits for it, and its last changes
    Explain {
        /// The path of a lock, or of any file
        path: String,
        #[command(flatten)]
        freshness: Freshness,
    },
    /// List a path and every file and directory below it
    Find {
        /// A file or a directory
        path: String,
        #[command(flatten)]
        freshness: Freshness,
    },
    /// Print a file's value as it is; nothing if there is no such file
    Get {
        /// The file's path
        path: String,
        /// The revision to read at, as with -r
        #[arg(allow_negative_numbers = true)]
        rev: Option<i64>,
        #[command(flatten)]
        freshness: Freshness,
    },
    /// Run a command while holding a lock
    #[command(after_help = HELD)]
    Lock {
        /// The lock's file
        path: String,
        /// Do not wait if somebody holds it
        #[arg(id = "try", long = "try")]
        is_try: bool,
        #[command(flatten)]
        run: Run,
    },
    /// List the names in a directory
    Ls {
        /// A directory or a file
        #[arg(default_value = "/")]
        path: String,
        /// Show revisions and sizes: REV BYTES for a file, d ENTRIES for a directory
        #[arg(short, long)]
        long: bool,
        #[command(flatten)]
        freshness: Freshness,
    },
    /// Show or change who votes
    #[command(subcommand)]
    Member(MemberCommand),
    /// Pass through consensus without a change
    Nop,
    /// Register a service for as long as a command runs
    #[command(after_help = RECORD)]
    Register {
        /// The file of this instance, such as /services/web/1
        path: String,
        /// What the file says, such as the address of the service
        address: String,
        #[command(flatten)]
        run: Run,
    },
    /// Print the current revision
    Rev,
    /// Print the id of the member that answers
    #[command(name = "self")]
    SelfId,
    /// Show the sessions of the cluster's clients, or end one
    #[command(subcommand)]
    Session(SessionCommand),
    /// Write a file from standard input; prints the new revision
    Set {
        /// The file's path
        path: String,
        /// The revision the file may not have changed since; 0 if it may not exist, -1 for whatever it is
        #[arg(allow_negative_numbers = true)]
        rev: i64,
    },
    /// Print REV BYTES of a file, or d ENTRIES of a directory
    Stat {
        /// A file or a directory
        path: String,
        #[command(flatten)]
        freshness: Freshness,
    },
    /// Print what the member that answers says about itself, whether the cluster is well, and all its members
    Status {
        /// Exit with status 1 unless health is ok
        #[arg(long)]
        check: bool,
    },
    /// Write a file as it is, or an empty one, for those who wait for it
    Touch {
        /// The file's path
        path: String,
    },
    /// Draw a directory and all below it
    Tree {
        /// A directory or a file
        #[arg(default_value = "/")]
        path: String,
        #[command(flatten)]
        freshness: Freshness,
    },
    /// Make several changes at once, or none; prints PATH REV set|del for each
    #[command(after_help = TXN)]
    Txn {
        /// What to do, as text or JSON; without it from standard input
        file: Option<PathBuf>,
    },
    /// Print the version
    Version,
    /// Wait for one change; prints PATH REV set|del BYTES, and the value
    Wait {
        /// Which files: ? is a character, * any within a name, ** any across names
        glob: String,
    },
    /// Print every change as it comes, in the form of wait
    Watch {
        /// Which files: ? is a character, * any within a name, ** any across names
        glob: String,
    },
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// What a read without a revision must see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::Args)]
pub(super) struct Freshness {
    /// How fresh the answer must be: a local one comes from what the member at hand has, may be older than what others have
    /// answered, and needs no majority [default: linearizable]
    #[arg(long, value_name = "HOW")]
    pub consistency: Option<Consistency>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Consistency {
    Linearizable,
    Local,
}

impl Command {
    /// How fresh a read must be, if that was said.
    pub fn consistency(&self) -> Option<Consistency> {
        use Command::{Explain, Find, Get, Ls, Session, Stat, Tree};
        match self {
            Explain { freshness, .. }
            | Session(SessionCommand::Ls { freshness } | SessionCommand::Show { freshness, .. })
            | Find { freshness, .. }
            | Get { freshness, .. }
            | Ls { freshness, .. }
            | Stat { freshness, .. }
            | Tree { freshness, .. } => freshness.consistency,
            _ => None,
        }
    }

    /// Whether it looks at many files, which must be those of one revision.
    pub fn lists(&self) -> bool {
        use Command::{Find, Ls, Tree};
        matches!(self, Find { .. } | Ls { .. } | Tree { .. })
    }

    /// Whether `-r` says something to it.
    pub fn takes_revision(&self) -> bool {
        use Command::{Find, Get, Ls, Stat, Tree, Wait, Watch};
        matches!(
            self,
            Find { .. } | Get { .. } | Ls { .. } | Stat { .. } | Tree { .. } | Wait { .. } | Watch { .. }
        )
    }
}

pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    text.parse()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .filter(|duration| !duration.is_zero())
        .ok_or_else(|| "not a number of seconds, such as 5 or 0.5".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn parse(line: &str) -> Args {
        Args::try_parse_from(line.split(' ')).unwrap_or_else(|error| panic!("{line}: {error}"))
    }

    #[test]
    fn the_definition_is_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn options_stand_before_or_after_the_command() {
        for line in ["doozer -a h:1 -r -3 -t .5 --json get /a", "doozer get -a h:1 /a -r -3 --json -t 0.5"] {
            let Args { options, command, .. } = parse(line);
            assert_eq!(options.uri.as_deref(), Some("h:1"), "{line}");
            assert_eq!(options.at, Some(-3), "{line}");
            assert_eq!(options.timeout, Some(Duration::from_millis(500)), "{line}");
            assert!(options.json, "{line}");
            let freshness = Freshness::default();
            assert_eq!(command, Command::Get { path: "/a".into(), rev: None, freshness }, "{line}");
        }
    }

    #[test]
    fn negative_revisions_are_no_flags() {
        let path = || "/a".to_owned();
        assert_eq!(parse("doozer set /a -1").command, Command::Set { path: path(), rev: -1 });
        assert_eq!(parse("doozer del /a -2").command, Command::Del { path: path(), rev: -2 });
        let get = Command::Get { path: path(), rev: Some(-5), freshness: Freshness::default() };
        assert_eq!(parse("doozer get /a -5").command, get);
    }

    #[test]
    fn what_is_no_timeout() {
        for text in ["0", "-1", "x", "", "inf", "nan", "1e30", "1s", "1e-30"] {
            assert!(seconds(text).is_err(), "{text}");
        }
        assert_eq!(seconds("2"), Ok(Duration::from_secs(2)));
    }
}
