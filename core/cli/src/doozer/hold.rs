//! A command that runs while something is held for it: a lock, the place of a leader, a service record.

mod child;
mod signals;

use std::ffi::OsString;
use std::future::pending;

use doozer_client::{CallOptions, Client, Error, ErrorKind, Leader, Lock, Registration, Timeout};

use self::child::{Child, Ended};
use self::signals::Signals;
use super::args::{Options, Run};
use super::connect::{client_options, uri_of};
use super::failure::Failure;

/// What is to be held.
pub(super) enum Wanted {
    /// A lock, at once or not at all if it is to be `try`d.
    Lock { path: String, is_try: bool },
    /// The place of a leader, who says this about itself.
    Leader { path: String, value: Option<String> },
    /// A service record.
    Record { path: String, address: String },
}

/// What is held.
enum Held {
    Lock(Lock),
    Leader(Leader),
    Record(Registration),
}

/// Gets what is wanted, runs the command while it is held, and gives it back.
pub(super) async fn hold(options: &Options, wanted: Wanted, run: Run) -> Result<(), Failure> {
    let mut signals = Signals::take().map_err(Failure::System)?;
    let label = label(&run.command);
    let client = signals.unless(connect(options, &run, label.clone())).await?;
    let done = match signals.unless(wanted.get(&client, options, label)).await {
        Ok(held) => held.during(&run.command, &mut signals).await,
        Err(failure) => Err(failure),
    };
    // What could not be given back goes with the session.
    client.close().await;
    done
}

/// A client whose session lives as long as is wanted. How long something may be waited for has nothing to do with how
/// long giving it back may take.
async fn connect(options: &Options, run: &Run, label: String) -> Result<Client, Failure> {
    let usual = doozer_client::Options::default();
    let options_of_client = doozer_client::Options {
        timeout: usual.timeout,
        session_ttl: run.ttl.unwrap_or(usual.session_ttl),
        session_label: Some(label),
        ..client_options(options)
    };
    Ok(Client::open(&uri_of(options), options_of_client).await?)
}

/// What listings, and the file of a lock, say of who holds it.
fn label(command: &[OsString]) -> String {
    let program = program(command);
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    format!("{program} (doozer pid {} on {host})", std::process::id())
}

impl Wanted {
    async fn get(self, client: &Client, options: &Options, label: String) -> Result<Held, Failure> {
        let timeout = options.timeout.map_or(Timeout::Usual, Timeout::After);
        let client = client.with(CallOptions { timeout, ..CallOptions::default() });
        match self {
            Wanted::Lock { path, is_try: true } => match client.try_lock(&path).await? {
                Some(lock) => Ok(Held::Lock(lock)),
                None => Err(Failure::NotAcquired(format!("{path}: somebody holds it"))),
            },
            Wanted::Lock { path, .. } => client.lock(&path).await.map(Held::Lock).map_err(in_time),
            Wanted::Leader { path, value } => {
                client.elect(&path, value.unwrap_or(label)).await.map(Held::Leader).map_err(in_time)
            }
            Wanted::Record { path, address } => Ok(Held::Record(client.register(&path, address).await?)),
        }
    }
}

/// Who waits no longer has been refused nothing.
fn in_time(error: Error) -> Failure {
    match error.kind() {
        ErrorKind::Timeout => {
            let path = error.path().unwrap_or_default();
            Failure::NotAcquired(format!("{path}: {}", error.detail()))
        }
        _ => error.into(),
    }
}

impl Held {
    /// Runs the command, and gives this back: when the command has ended, or cannot be run.
    async fn during(self, command: &[OsString], signals: &mut Signals) -> Result<(), Failure> {
        let path = self.path().to_owned();
        let ended = match Child::start(command, self.variables()) {
            Ok(child) => child.run(signals, self.lost()).await.map_err(Failure::System),
            Err(error) => Err(Failure::Start(program(command), error)),
        };
        let given_back = self.give_back().await;
        match (ended?, given_back) {
            (Ended::Lost, _) => Err(Failure::Lost(path, "the command was ended")),
            // It was not known in time, so nobody can say what was done while somebody else held it.
            (Ended::Itself(_), Err(error)) if error.kind() == ErrorKind::LockLost => {
                Err(Failure::Lost(path, "the command has ended by itself"))
            }
            (Ended::Itself(0), given_back) => Ok(given_back?),
            (Ended::Itself(status), _) => Err(Failure::Command(status)),
        }
    }

    fn path(&self) -> &str {
        match self {
            Held::Lock(lock) => lock.path(),
            Held::Leader(leader) => leader.path(),
            Held::Record(record) => record.path(),
        }
    }

    /// What the command finds in its environment. The token of a record means nothing: it changes with the session.
    fn variables(&self) -> Vec<(&'static str, String)> {
        let token = match self {
            Held::Lock(lock) => lock.rev(),
            Held::Leader(leader) => leader.token(),
            Held::Record(_) => return Vec::new(),
        };
        vec![("DOOZER_LOCK_PATH", self.path().to_owned()), ("DOOZER_LOCK_TOKEN", token.to_string())]
    }

    /// Waits until it is held no longer. A record comes back under another session.
    async fn lost(&self) {
        match self {
            Held::Lock(lock) => lock.lost().await,
            Held::Leader(leader) => leader.lost().await,
            Held::Record(_) => pending().await,
        }
    }

    async fn give_back(self) -> Result<(), Error> {
        match self {
            Held::Lock(lock) => lock.unlock().await,
            Held::Leader(leader) => leader.resign().await,
            Held::Record(record) => record.deregister().await,
        }
    }
}

fn program(command: &[OsString]) -> String {
    command.first().map(|program| program.to_string_lossy().into_owned()).unwrap_or_default()
}
