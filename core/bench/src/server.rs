//! A real member in a process of its own, on a port of its own.

use std::env;
use std::fs;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::thread;

use rustix::process::{Pid, Signal, kill_process};

use crate::pipe::Target;

/// A `doozerd` that runs. Dropped, it is killed.
#[derive(Debug)]
pub struct Server {
    child: Child,
    address: String,
}

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The program cannot be run.
    #[error(
        "{program}: {source}; `cargo build --release --bin doozerd` makes it, DOOZERD= names another one"
    )]
    Program {
        /// Its path.
        program: String,
        /// What the system says.
        source: io::Error,
    },
    /// It ended before it served.
    #[error("doozerd did not start: {0}")]
    NotServing(String),
    /// It was to end well and did not.
    #[error("doozerd did not stop as it should: {0}")]
    Stop(String),
}

/// The `doozerd` to measure: what the variable DOOZERD names, or the release build beside the bench's own build, whose
/// directory for temporary files is `target_tmp`.
pub fn program(target_tmp: &str) -> PathBuf {
    let built = || Path::new(target_tmp).with_file_name("release").join("doozerd");
    env::var_os("DOOZERD").map_or_else(built, PathBuf::from)
}

impl Server {
    /// Starts a member that serves on loopback, with its data in this directory or in memory, and waits until it serves.
    ///
    /// # Errors
    /// [`ServerError::Program`] or [`ServerError::NotServing`].
    pub fn start(program: &Path, data: Option<&Path>) -> Result<Server, ServerError> {
        let not_run = |source| ServerError::Program { program: program.display().to_string(), source };
        let mut command = Command::new(program);
        command.args(["--listen", "127.0.0.1:0"]).stdin(Stdio::null()).stderr(Stdio::piped());
        for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("DOOZER_")) {
            // A secret, say, that is meant for another member.
            command.env_remove(name);
        }
        match data {
            Some(directory) => command.arg("--data-dir").arg(directory),
            None => command.arg("--memory"),
        };
        let mut child = command.spawn().map_err(not_run)?;
        let stderr = child.stderr.take();
        // From here on its end is taken care of.
        let mut server = Server { child, address: String::new() };
        let mut lines = BufReader::new(stderr.ok_or_else(|| not_run(io::ErrorKind::BrokenPipe.into()))?);
        server.address = serving(&mut lines).map_err(ServerError::NotServing)?;
        // Whatever else it says must neither block it nor be lost.
        thread::spawn(move || lines.lines().map_while(Result::ok).for_each(|line| eprintln!("{line}")));
        Ok(server)
    }

    /// Where it serves.
    pub fn target(&self) -> Target {
        Target::open(&self.address)
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to stop, and waits until it has.
    ///
    /// # Errors
    /// [`ServerError::Stop`] if it ended with anything but success.
    pub fn stop(mut self) -> Result<(), ServerError> {
        let stopped = kill_process(Pid::from_child(&self.child), Signal::TERM).map_err(io::Error::from);
        match stopped.and_then(|()| self.child.wait()) {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(ServerError::Stop(status.to_string())),
            Err(error) => Err(ServerError::Stop(error.to_string())),
        }
    }

    /// Kills it as a crash would, and waits until it is gone.
    pub fn kill(self) {
        drop(self);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already, which is all that is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The address in the line that says that it serves; otherwise what it said instead.
fn serving(lines: &mut BufReader<ChildStderr>) -> Result<String, String> {
    let mut said = String::new();
    loop {
        let start = said.len();
        match lines.read_line(&mut said) {
            Ok(0) => return Err(said),
            Err(error) => return Err(error.to_string()),
            Ok(_) => {
                if let Some(address) = address(&said[start..]) {
                    return Ok(address.to_owned());
                }
            }
        }
    }
}

fn address(line: &str) -> Option<&str> {
    line.strip_prefix("doozerd ")?.split_once(" serving ")?.1.split(',').next()
}

/// A directory that is gone, with all that is in it, when this is dropped.
#[derive(Debug)]
pub struct Scratch(PathBuf);

impl Scratch {
    /// Makes one in `parent`, under a name that nobody else has.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn new(parent: impl AsRef<Path>) -> io::Result<Scratch> {
        let path = parent.as_ref().join(format!("doozer-bench-{:016x}", getrandom::u64()?));
        fs::create_dir_all(&path)?;
        Ok(Scratch(path))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // There is nobody to tell; what is left has a telling name.
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_that_says_where() {
        let line = "doozerd 0.1.0: member abc of cluster \"local\" serving 127.0.0.1:4711, data in memory (revision 3)\n";
        assert_eq!(address(line), Some("127.0.0.1:4711"));
        assert_eq!(address("2026-01-01 WARN now serving nothing, really"), None);
    }

    #[test]
    fn a_program_that_does_not_serve() {
        let missing = Server::start(Path::new("/nowhere/doozerd"), None).unwrap_err();
        assert!(missing.to_string().contains("/nowhere/doozerd"), "{missing}");
        let silent = Server::start(Path::new("/bin/false"), None).unwrap_err();
        assert!(matches!(&silent, ServerError::NotServing(said) if said.is_empty()), "{silent}");
    }

    #[test]
    fn a_scratch_directory_goes_with_its_owner() {
        let scratch = Scratch::new(env::temp_dir()).unwrap();
        let path = scratch.path().to_owned();
        fs::write(path.join("file"), "x").unwrap();
        drop(scratch);
        assert!(!path.exists());
    }
}
