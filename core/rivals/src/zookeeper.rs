//! ZooKeeper: three members as Debian's package `zookeeper` runs them, and its clients' protocol.
//!
//! | module | what it holds |
//! |---|---|
//! | `jute` | the encoding of numbers and texts |
//! | `message` | what a session says and hears |
//! | `line` | a connection with a session of its own |
//! | `session` | what a load asks over it |
//! | `locker` | a lock, over another one |

mod jute;
mod line;
mod locker;
mod message;
mod session;

use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;

use bytes::Bytes;
use doozer_bench::LoadError;
use doozer_bench::cluster::{Place, Status, System};
use doozer_bench::connection::Connect;
use doozer_bench::exchange::dial;
use doozer_bench::lock::Lockers;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

pub use locker::Contender;
pub use session::Session;

/// What Debian's package puts there.
const JAR: &str = "/usr/share/java/zookeeper.jar";
const CONFIGURATION: &str = "/etc/zookeeper/conf";

/// What Debian's own start script has on the command line, but for the paths.
const OPTIONS: [&str; 3] = [
    "-Dcom.sun.management.jmxremote",
    "-Dcom.sun.management.jmxremote.local.only=true",
    "-Dzookeeper.root.logger=INFO,ROLLINGFILE",
];

/// Three members of ZooKeeper.
#[derive(Debug, Clone, Copy, Default)]
pub struct ZooKeeper;

/// Opens sessions at members in turn.
#[derive(Debug, Clone)]
pub struct Target {
    addresses: Vec<String>,
}

impl System for ZooKeeper {
    type Target = Target;

    fn name(&self) -> &'static str {
        "ZooKeeper"
    }

    fn command(&self, member: &Place, all: &[Place]) -> io::Result<Command> {
        if !Path::new(JAR).exists() {
            return Err(io::Error::new(io::ErrorKind::NotFound, format!("there is no {JAR}")));
        }
        fs::write(member.directory.join("myid"), id(member))?;
        let configuration = member.directory.join("zoo.cfg");
        fs::write(&configuration, settings(member, all))?;
        let mut command = Command::new("java");
        command.arg("-cp").arg(format!("{CONFIGURATION}:{JAR}")).args(OPTIONS);
        command.arg(format!("-Dzookeeper.log.dir={}", member.directory.display()));
        command.arg("org.apache.zookeeper.server.quorum.QuorumPeerMain").arg(configuration);
        Ok(command)
    }

    fn advice(&self) -> &'static str {
        "`apt-get install --no-install-recommends zookeeper` brings it"
    }

    fn target(&self, addresses: Vec<String>) -> Target {
        Target { addresses }
    }

    /// Asks with `srvr`, the one of its four-letter words that is on by default.
    async fn status(&self, member: &Place) -> Result<Status, LoadError> {
        let mut stream = dial(&member.client()).await?;
        stream.write_all(b"srvr").await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        status(&answer).ok_or(LoadError::Nonsense("no status"))
    }
}

impl Target {
    /// Whose turn it is.
    fn address(&self, number: usize) -> Result<&str, LoadError> {
        let address = self.addresses.get(number % self.addresses.len().max(1));
        address.map(String::as_str).ok_or(LoadError::Nowhere)
    }
}

impl Connect for Target {
    type Connection = Session;

    async fn connect(&self, number: usize) -> Result<Session, LoadError> {
        Session::open(self.address(number)?).await
    }
}

impl Lockers for Target {
    type Locker = Contender;

    async fn locker(&self, number: usize, path: Bytes) -> Result<Contender, LoadError> {
        Contender::open(self.address(number)?, path).await
    }
}

/// What `srvr` has answered; nothing while the member serves nobody.
fn status(answer: &str) -> Option<Status> {
    let field = |name: &str| answer.lines().find_map(|line| line.strip_prefix(name));
    let revision = i64::from_str_radix(field("Zxid: 0x")?, 16).ok()?;
    Some(Status { leads: field("Mode: ")? == "leader", revision })
}

/// The package's `zoo.cfg`, with places of our own. What differs: more than 60 connections from one address, for the
/// watchers; and no administration server, since three would want the same port.
fn settings(member: &Place, all: &[Place]) -> String {
    let mut settings = format!(
        "tickTime=2000\ninitLimit=10\nsyncLimit=5\ndataDir={}\nclientPort={}\nclientPortAddress=127.0.0.1\n\
         maxClientCnxns=0\nadmin.enableServer=false\n",
        member.directory.display(),
        member.ports[0],
    );
    for member in all {
        let [_, to_leader, election] = member.ports;
        settings += &format!("server.{}=127.0.0.1:{to_leader}:{election}\n", id(member));
    }
    settings
}

/// Members are numbered from 1 on.
fn id(member: &Place) -> String {
    (member.number + 1).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_member_says_of_itself() {
        let answer = "Zookeeper version: 3.8.0-11+deb12u2-, built on 2024-06-16\nLatency min/avg/max: 0/0.0/0\n\
                      Received: 1\nSent: 0\nConnections: 1\nOutstanding: 0\nZxid: 0x100000002\nMode: leader\n\
                      Node count: 5\n";
        assert_eq!(status(answer), Some(Status { leads: true, revision: (1 << 32) + 2 }));
        let follower = answer.replace("leader", "follower");
        assert_eq!(status(&follower), Some(Status { leads: false, revision: (1 << 32) + 2 }));
        assert_eq!(status("This ZooKeeper instance is not currently serving requests"), None);
    }

    #[test]
    fn every_member_has_the_same_list_and_its_own_place() {
        let place = |number, first: u16| Place {
            number,
            directory: format!("/data/{number}").into(),
            ports: [first, first + 1, first + 2],
        };
        let all = [place(0, 100), place(1, 200)];
        let expected = "tickTime=2000\ninitLimit=10\nsyncLimit=5\ndataDir=/data/1\nclientPort=200\n\
                        clientPortAddress=127.0.0.1\nmaxClientCnxns=0\nadmin.enableServer=false\n\
                        server.1=127.0.0.1:101:102\nserver.2=127.0.0.1:201:202\n";
        assert_eq!(settings(&all[1], &all), expected);
    }
}
