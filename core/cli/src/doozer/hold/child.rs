//! The command that something is held for: started, told of signals, and ended when it must not go on.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::pin::pin;
use std::process::ExitStatus;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::Command;
use tokio::time::timeout;

use super::signals::Signals;

/// How long a command has to end by itself before it is killed.
const GRACE: Duration = Duration::from_secs(10);

pub(super) struct Child(tokio::process::Child);

/// How the command came to its end.
pub(super) enum Ended {
    /// By itself, with an exit status as a shell tells it.
    Itself(u8),
    /// It was ended, since it could not be allowed any more.
    Lost,
}

impl Child {
    pub fn start(command: &[OsString], variables: Vec<(&str, String)>) -> io::Result<Child> {
        let Some((program, args)) = command.split_first() else {
            return Err(io::Error::from(io::ErrorKind::NotFound));
        };
        Command::new(program).args(args).envs(variables).spawn().map(Child)
    }

    /// Waits for its end, and brings it about once `lost` is done.
    pub async fn run(mut self, signals: &mut Signals, lost: impl Future<Output = ()>) -> io::Result<Ended> {
        let mut lost = pin!(lost);
        loop {
            tokio::select! {
                biased;
                // First: after a pause, what ended meanwhile may have done so too late.
                () = &mut lost => {
                    self.end().await?;
                    return Ok(Ended::Lost);
                }
                status = self.0.wait() => return Ok(Ended::Itself(as_a_shell(status?))),
                signal = signals.for_the_command() => self.signal(signal),
            }
        }
    }

    async fn end(&mut self) -> io::Result<()> {
        self.signal(Signal::TERM);
        // If it is stopped, it takes note of that only now.
        self.signal(Signal::CONT);
        if timeout(GRACE, self.0.wait()).await.is_err() {
            self.0.kill().await?;
        }
        Ok(())
    }

    fn signal(&self, signal: Signal) {
        let pid = self.0.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        if let Some(pid) = pid {
            // One that has become another user's cannot be signalled, and is waited for.
            let _ = kill_process(pid, signal);
        }
    }
}

/// 128 + the signal for a command that one ended.
fn as_a_shell(status: ExitStatus) -> u8 {
    let status = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default());
    u8::try_from(status).unwrap_or(u8::MAX)
}
