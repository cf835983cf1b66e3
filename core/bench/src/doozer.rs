//! Doozer as a cluster of three: `doozerd` with the same list of addresses at every member.

use std::env;
use std::io;
use std::path::{self, PathBuf};
use std::process::Command;

use doozer_wire::{Request, Verb};

use crate::cluster::{Place, Status, System};
use crate::connection::LoadError;
use crate::pipe::Target;

/// How STATUS names the member that leads.
const LEADS: &str = "proposer";

/// Three `doozerd`.
#[derive(Debug, Clone)]
pub struct Doozer {
    /// The program.
    pub program: PathBuf,
    /// Whether nothing is kept on disk.
    pub in_memory: bool,
}

impl System for Doozer {
    type Target = Target;

    fn name(&self) -> &'static str {
        "Doozer"
    }

    fn command(&self, member: &Place, all: &[Place]) -> io::Result<Command> {
        // It is started in another directory.
        let mut command = Command::new(path::absolute(&self.program)?);
        for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("DOOZER_")) {
            // A secret, say, that is meant for another member.
            command.env_remove(name);
        }
        command.args(["--listen", &member.client()]);
        for member in all {
            command.args(["-a", &member.client()]);
        }
        if self.in_memory {
            command.arg("--memory");
        } else {
            command.arg("--data-dir").arg(member.directory.join("data"));
        }
        Ok(command)
    }

    fn advice(&self) -> &'static str {
        "`cargo build --release --bin doozerd` makes it, DOOZERD= names another one"
    }

    fn target(&self, addresses: Vec<String>) -> Target {
        Target::greeted(addresses)
    }

    async fn status(&self, member: &Place) -> Result<Status, LoadError> {
        let mut pipe = self.target(vec![member.client()]).pipe(0).await?;
        let status = pipe.ask(&Request { verb: Verb::Status as i32, ..Request::default() }).await?.status;
        let status = status.ok_or(LoadError::Nonsense("no status"))?;
        Ok(Status { leads: status.role == LEADS, revision: status.revision })
    }
}
