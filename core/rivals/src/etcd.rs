//! etcd: three members as Debian's package `etcd-server` runs them, and its gRPC.
//!
//! | module | what it holds |
//! |---|---|
//! | `api` | etcd's messages |
//! | `grpc` | calls over one HTTP/2 connection |
//! | `client` | what a load asks, as calls |
//! | `locker` | a session with a lock, as calls |

mod api;
mod client;
mod grpc;
mod locker;

use std::io;
use std::process::Command;

use bytes::Bytes;
use doozer_bench::LoadError;
use doozer_bench::cluster::{Place, Status, System};
use doozer_bench::connection::Connect;
use doozer_bench::lock::Lockers;

pub use client::Client;
pub use locker::Contender;

/// Three members of etcd.
#[derive(Debug, Clone, Copy, Default)]
pub struct Etcd;

/// Opens connections to members in turn.
#[derive(Debug, Clone)]
pub struct Target {
    addresses: Vec<String>,
}

impl System for Etcd {
    type Target = Target;

    fn name(&self) -> &'static str {
        "etcd"
    }

    fn command(&self, member: &Place, all: &[Place]) -> io::Result<Command> {
        let mut command = Command::new("etcd");
        let name = name(member);
        for (option, value) in [
            ("--name", name.as_str()),
            ("--listen-client-urls", &url(member, 0)),
            ("--advertise-client-urls", &url(member, 0)),
            ("--listen-peer-urls", &url(member, 1)),
            ("--initial-advertise-peer-urls", &url(member, 1)),
            ("--initial-cluster", &list(all)),
        ] {
            command.args([option, value]);
        }
        command.arg("--data-dir").arg(member.directory.join("data"));
        // What the environment sets is meant for another one.
        for (variable, _) in std::env::vars_os() {
            if variable.to_string_lossy().starts_with("ETCD_") {
                command.env_remove(variable);
            }
        }
        Ok(command)
    }

    fn advice(&self) -> &'static str {
        "`apt-get install --no-install-recommends etcd-server` brings it"
    }

    fn target(&self, addresses: Vec<String>) -> Target {
        Target { addresses }
    }

    async fn status(&self, member: &Place) -> Result<Status, LoadError> {
        let mut client = Client::open(&member.client()).await?;
        let status = client.status().await?;
        let header = status.header.ok_or(LoadError::Nonsense("no header"))?;
        let leads = status.leader != 0 && status.leader == header.member_id;
        Ok(Status { leads, revision: header.revision })
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
    type Connection = Client;

    async fn connect(&self, number: usize) -> Result<Client, LoadError> {
        Client::open(self.address(number)?).await
    }
}

impl Lockers for Target {
    type Locker = Contender;

    async fn locker(&self, number: usize, path: Bytes) -> Result<Contender, LoadError> {
        Contender::open(self.address(number)?, &path).await
    }
}

fn name(member: &Place) -> String {
    format!("m{}", member.number)
}

fn url(member: &Place, port: usize) -> String {
    format!("http://{}", member.address(port))
}

/// What all members are told of each other, so that they begin as one cluster.
fn list(all: &[Place]) -> String {
    let members: Vec<String> =
        all.iter().map(|member| format!("{}={}", name(member), url(member, 1))).collect();
    members.join(",")
}
