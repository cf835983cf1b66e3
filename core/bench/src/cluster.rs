//! Three members on this machine, each a process of its own, of whatever system.
//! What is measured does not belong here.

use std::fs;
use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use tokio::time::{sleep, timeout};

use crate::child::Process;
use crate::connection::{Connect, LoadError, Request, ask};
use crate::ports;
use crate::process::{processor_time, resident_bytes};
use crate::server::Scratch;

/// How many members a cluster has.
pub const MEMBERS: usize = 3;

/// How many ports a member may use.
const PORTS: usize = 3;

/// How long a member has to serve, or a cluster to agree on a leader. A busy machine starts a JVM slowly.
const PATIENCE: Duration = Duration::from_secs(90);

/// How long to wait for one answer while a member may not serve yet.
const TRY: Duration = Duration::from_secs(8);

/// How often it is tried.
const PAUSE: Duration = Duration::from_millis(2);

/// What there is to know of a system to run and ask it.
pub trait System: Clone {
    /// What opens connections to it.
    type Target: Connect;

    /// Its name, for people.
    fn name(&self) -> &'static str;

    /// What starts this one of all members, for the first time or again with its data. May write to its directory.
    ///
    /// # Errors
    /// If that cannot be written, or the program is not there.
    fn command(&self, member: &Place, all: &[Place]) -> io::Result<Command>;

    /// What to do if the program is not there.
    fn advice(&self) -> &'static str;

    /// Opens connections to the members that serve at these addresses.
    fn target(&self, addresses: Vec<String>) -> Self::Target;

    /// What this member says of itself.
    fn status(&self, member: &Place) -> impl Future<Output = Result<Status, LoadError>>;
}

/// What a member says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    /// Whether it leads.
    pub leads: bool,
    /// How far its state has come: a number that grows with every change.
    pub revision: i64,
}

/// Where a member is.
#[derive(Debug, Clone)]
pub struct Place {
    /// Which of the members, from 0 on.
    pub number: usize,
    /// Its data, and what it says.
    pub directory: PathBuf,
    /// Its ports on 127.0.0.1, the first for clients, the others for other members.
    pub ports: [u16; PORTS],
}

impl Place {
    /// Where it serves clients.
    pub fn client(&self) -> String {
        self.address(0)
    }

    /// `HOST:PORT` with this one of its ports.
    pub fn address(&self, port: usize) -> String {
        format!("127.0.0.1:{}", self.ports[port])
    }
}

/// Why a cluster does not do what it should.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// The program cannot be run.
    #[error("{system}: {program} cannot be run: {source}; {advice}")]
    Program {
        /// The system.
        system: &'static str,
        /// What was to be run.
        program: String,
        /// What the machine says.
        source: io::Error,
        /// What to do about it.
        advice: &'static str,
    },
    /// A member does not serve.
    #[error("{system}: member {member} does not serve: {why}")]
    NotServing {
        /// The system.
        system: &'static str,
        /// Its number.
        member: usize,
        /// What it, or the connection to it, has said last.
        why: String,
    },
    /// Nobody leads.
    #[error("{0}: nobody leads")]
    NoLeader(&'static str),
    /// A member is not running.
    #[error("{0}: a member that was to be running is not")]
    Dead(&'static str),
    /// Something was measured and came to nothing.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A file, a process or /proc.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// A running cluster. Dropped, it is killed and its data deleted.
#[derive(Debug)]
pub struct Cluster<S> {
    system: S,
    // Before the directory: they are killed first.
    members: Vec<Option<Process>>,
    places: Vec<Place>,
    _scratch: Scratch,
}

impl<S: System> Cluster<S> {
    /// Starts all members with empty data, in a directory of their own in `parent`, and waits until a write at each of
    /// them has been acknowledged.
    ///
    /// # Errors
    /// [`ClusterError::Program`], [`ClusterError::NotServing`], or [`ClusterError::Io`].
    pub async fn start(system: S, parent: &Path) -> Result<Cluster<S>, ClusterError> {
        let scratch = Scratch::new(parent)?;
        let mut ports = ports::free(MEMBERS * PORTS)?.into_iter();
        let mut places = Vec::with_capacity(MEMBERS);
        for number in 0..MEMBERS {
            let directory = scratch.path().join(format!("{}-{number}", system.name().to_lowercase()));
            fs::create_dir(&directory)?;
            let ports = std::array::from_fn(|_| ports.next().unwrap_or_default());
            places.push(Place { number, directory, ports });
        }
        let members = places.iter().map(|_| None).collect();
        let mut cluster = Cluster { system, members, places, _scratch: scratch };
        cluster.start_all()?;
        cluster.all_serve().await?;
        Ok(cluster)
    }

    /// The system's name.
    pub fn name(&self) -> &'static str {
        self.system.name()
    }

    /// Opens connections to all members in turn.
    pub fn everyone(&self) -> S::Target {
        self.target(0..MEMBERS)
    }

    /// Opens connections to these members in turn.
    pub fn target(&self, members: impl IntoIterator<Item = usize>) -> S::Target {
        self.system.target(members.into_iter().map(|number| self.places[number].client()).collect())
    }

    /// Who leads. Waits until somebody does.
    ///
    /// # Errors
    /// [`ClusterError::NoLeader`].
    pub async fn leader(&self) -> Result<usize, ClusterError> {
        let started = Instant::now();
        while started.elapsed() < PATIENCE {
            for (place, _) in self.places.iter().zip(&self.members).filter(|(_, process)| process.is_some()) {
                if let Ok(Ok(Status { leads: true, .. })) = timeout(TRY, self.system.status(place)).await {
                    return Ok(place.number);
                }
            }
            sleep(PAUSE).await;
        }
        Err(ClusterError::NoLeader(self.name()))
    }

    /// How far a member's state has come.
    ///
    /// # Errors
    /// If it does not say.
    pub async fn revision(&self, number: usize) -> Result<i64, ClusterError> {
        Ok(self.system.status(&self.places[number]).await?.revision)
    }

    /// The process of a member.
    ///
    /// # Errors
    /// [`ClusterError::Dead`].
    pub fn process(&self, number: usize) -> Result<&Process, ClusterError> {
        self.members[number].as_ref().ok_or(ClusterError::Dead(self.name()))
    }

    /// Kills a member (SIGKILL), and waits until it is gone.
    ///
    /// # Errors
    /// [`ClusterError::Dead`], or if the system does not say what became of it.
    pub async fn kill(&mut self, number: usize) -> Result<(), ClusterError> {
        let process = self.members[number].take().ok_or(ClusterError::Dead(self.name()))?;
        Ok(process.kill().await?)
    }

    /// Starts a member with the data that it has. Does not wait until it serves.
    ///
    /// # Errors
    /// [`ClusterError::Program`] or [`ClusterError::Io`].
    pub fn revive(&mut self, number: usize) -> Result<(), ClusterError> {
        let place = &self.places[number];
        let mut command =
            self.system.command(place, &self.places).map_err(|source| self.missing(self.name(), source))?;
        let program = command.get_program().to_string_lossy().into_owned();
        // Whatever becomes of the directory this program was started in.
        command.current_dir(&place.directory);
        let process = Process::start(&mut command, &place.directory.join("log"));
        self.members[number] = Some(process.map_err(|source| self.missing(&program, source))?);
        Ok(())
    }

    /// Starts all members, see [`revive`](Cluster::revive).
    ///
    /// # Errors
    /// As for one.
    pub fn start_all(&mut self) -> Result<(), ClusterError> {
        (0..MEMBERS).try_for_each(|number| self.revive(number))
    }

    /// Waits until a write at each member has been acknowledged.
    ///
    /// # Errors
    /// [`ClusterError::NotServing`].
    pub async fn all_serve(&mut self) -> Result<(), ClusterError> {
        for number in 0..MEMBERS {
            let path = format!("/bench-ready/{number}").into();
            self.done(number, &Request::Create { path, value: "ready".into() }).await?;
        }
        Ok(())
    }

    /// Asks a member, on new connections, until it has done this.
    ///
    /// # Errors
    /// [`ClusterError::NotServing`].
    pub async fn done(&mut self, number: usize, request: &Request) -> Result<(), ClusterError> {
        let (target, started) = (self.target([number]), Instant::now());
        let system = self.name();
        loop {
            let why = match timeout(TRY, once(&target, request)).await {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(why)) => why.to_string(),
                Err(_) => "no answer".to_owned(),
            };
            let process = self.members[number].as_mut().ok_or(ClusterError::Dead(system))?;
            if !process.is_running() {
                let why = format!("it has ended: {}", process.last_words());
                return Err(ClusterError::NotServing { system, member: number, why });
            }
            if started.elapsed() > PATIENCE {
                return Err(ClusterError::NotServing { system, member: number, why });
            }
            sleep(PAUSE).await;
        }
    }

    /// The memory of each member that is really there, in bytes.
    ///
    /// # Errors
    /// If one has gone.
    pub fn resident_bytes(&self) -> Result<Vec<u64>, ClusterError> {
        (0..MEMBERS).map(|number| Ok(resident_bytes(self.process(number)?.id())?)).collect()
    }

    /// The processor time that all members together have used.
    ///
    /// # Errors
    /// If one has gone.
    pub fn processor_time(&self) -> Result<Duration, ClusterError> {
        (0..MEMBERS).map(|number| Ok(processor_time(self.process(number)?.id())?)).sum()
    }

    fn missing(&self, program: &str, source: io::Error) -> ClusterError {
        ClusterError::Program {
            system: self.name(),
            program: program.to_owned(),
            source,
            advice: self.system.advice(),
        }
    }
}

async fn once(target: &impl Connect, request: &Request) -> Result<(), LoadError> {
    ask(&mut target.connect(0).await?, request.clone()).await
}
