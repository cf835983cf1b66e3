//! A program that this one has started: stopped, continued and killed by its id, and never left behind.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::time::sleep;

/// A process. Dropped, it is killed.
#[derive(Debug)]
pub struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts a program; what it says goes to the end of a file.
    ///
    /// # Errors
    /// If there is no such program, or the file cannot be written.
    pub fn start(command: &mut Command, log: &Path) -> io::Result<Process> {
        let said = File::options().create(true).append(true).open(log)?;
        command.stdin(Stdio::null()).stdout(said.try_clone()?).stderr(said);
        Ok(Process { child: command.spawn()?, log: log.to_owned() })
    }

    /// Its id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Holds it where it is (SIGSTOP).
    ///
    /// # Errors
    /// If it has gone.
    pub fn pause(&self) -> io::Result<()> {
        self.signal(Signal::STOP)
    }

    /// Lets it go on (SIGCONT).
    ///
    /// # Errors
    /// If it has gone.
    pub fn resume(&self) -> io::Result<()> {
        self.signal(Signal::CONT)
    }

    /// Asks it to end (SIGTERM).
    ///
    /// # Errors
    /// If it has gone.
    pub fn terminate(&self) -> io::Result<()> {
        self.signal(Signal::TERM)
    }

    /// How it has ended; `None` while it runs.
    ///
    /// # Errors
    /// If the system does not say what became of it.
    pub fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    /// Kills it as a crash would (SIGKILL), and waits until it is gone. Others go on meanwhile.
    ///
    /// # Errors
    /// If the system does not say what became of it.
    pub async fn kill(mut self) -> io::Result<()> {
        self.child.kill()?;
        while self.child.try_wait()?.is_none() {
            sleep(Duration::from_micros(500)).await;
        }
        Ok(())
    }

    /// Whether it still runs, or is held.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// The end of what it has said, without the traces of a virtual machine, for an error.
    pub fn last_words(&self) -> String {
        let said = fs::read(&self.log).unwrap_or_default();
        let said = String::from_utf8_lossy(&said);
        let lines: Vec<&str> = said.lines().filter(|line| says_something(line)).collect();
        lines[lines.len().saturating_sub(3)..].join(" | ")
    }

    fn signal(&self, signal: Signal) -> io::Result<()> {
        Ok(kill_process(Pid::from_child(&self.child), signal)?)
    }
}

fn says_something(line: &str) -> bool {
    let line = line.trim();
    !line.is_empty() && !line.starts_with("at ")
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already, which is all that is wanted. A process that is held can be killed, too.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::Scratch;

    fn shell(script: &str, log: &Path) -> Process {
        Process::start(Command::new("/bin/sh").args(["-c", script]), log).unwrap()
    }

    /// The letter in /proc: R, S, T for held, Z for dead and not yet waited for.
    fn state(id: u32) -> Option<char> {
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        stat.rsplit(") ").next()?.chars().next()
    }

    #[tokio::test]
    async fn is_held_and_goes_on_and_is_killed() {
        let scratch = Scratch::new(std::env::temp_dir()).unwrap();
        let process = shell("while :; do :; done", &scratch.path().join("log"));
        let id = process.id();
        process.pause().unwrap();
        while state(id) != Some('T') {
            tokio::task::yield_now().await;
        }
        process.resume().unwrap();
        while state(id) == Some('T') {
            tokio::task::yield_now().await;
        }
        process.pause().unwrap();
        process.kill().await.unwrap();
        assert_eq!(state(id), None, "killed although it was held, and waited for");
    }

    #[test]
    fn it_may_end_in_its_own_way() {
        let scratch = Scratch::new(std::env::temp_dir()).unwrap();
        let log = scratch.path().join("log");
        let mut process = shell("trap 'exit 3' TERM; echo ready; while :; do :; done", &log);
        while process.last_words() != "ready" {
            std::thread::yield_now();
        }
        assert_eq!(process.ended().unwrap(), None);
        process.terminate().unwrap();
        let status = loop {
            if let Some(status) = process.ended().unwrap() {
                break status;
            }
            std::thread::yield_now();
        };
        assert_eq!(status.code(), Some(3));
    }

    #[test]
    fn what_it_says_is_kept() {
        let scratch = Scratch::new(std::env::temp_dir()).unwrap();
        let mut process = shell(
            "echo one; echo; echo two >&2; printf '\\tat Some.where\\n'; exit 3",
            &scratch.path().join("log"),
        );
        while process.is_running() {
            std::thread::yield_now();
        }
        assert_eq!(process.last_words(), "one | two");
    }
}
