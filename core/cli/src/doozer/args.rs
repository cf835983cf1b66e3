//! The command line of doozer.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use serde::Serialize;

use super::bench::Bench;

const EXAMPLES: &str = "\
Examples:
  printf world | doozer add /hello      make a file; prints its revision
  printf WORLD | doozer set /hello 7    replace it unless it changed since 7
  doozer get /hello                     print its value
  doozer -r 8 wait '/srv/*'             the first change on or after revision 8
  doozer watch --json '/srv/**'         all changes from now on, as JSON

Environment:
  DOOZER_URI       the cluster, if -a does not say it, as
                   doozer:?ca=HOST:PORT&ca=HOST:PORT&cn=NAME&sk=SECRET or as
                   HOST:PORT,HOST:PORT; without either 127.0.0.1:8046
  DOOZER_BOOT_URI  the cluster to look members up in, if -b does not say it

Exit status:
  0, or 1 if the file changed since the revision named (REV_MISMATCH) or
  status --check finds the cluster not well, or 2 after any other error";

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
    /// Print the current revision
    Rev,
    /// Print the id of the member that answers
    #[command(name = "self")]
    SelfId,
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
        use Command::{Find, Get, Ls, Stat, Tree};
        match self {
            Find { freshness, .. }
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
