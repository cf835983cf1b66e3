//! Signals that would end this program, which is to give back first what it holds.

use std::{fs, io};

use rustix::process::{Signal, getpgrp};
use rustix::termios::tcgetpgrp;
use tokio::signal::unix::{self, SignalKind, signal};

use crate::doozer::failure::Failure;

/// INT, QUIT, TERM and HUP, which no longer end the process.
pub(super) struct Signals {
    int: Option<unix::Signal>,
    quit: Option<unix::Signal>,
    term: Option<unix::Signal>,
    hup: Option<unix::Signal>,
}

impl Signals {
    /// Those that are ignored stay so, here and in what is started: `nohup`, and a shell that runs something in the
    /// background, count on it.
    pub fn take() -> io::Result<Signals> {
        let ignored = ignored();
        let take = |kind: SignalKind| {
            let is_ignored = ignored & (1 << (kind.as_raw_value() - 1)) != 0;
            if is_ignored { Ok(None) } else { signal(kind).map(Some) }
        };
        Ok(Signals {
            int: take(SignalKind::interrupt())?,
            quit: take(SignalKind::quit())?,
            term: take(SignalKind::terminate())?,
            hup: take(SignalKind::hangup())?,
        })
    }

    /// Works until a signal comes.
    pub async fn unless<T>(&mut self, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        tokio::select! {
            biased;
            signal = self.next() => Err(Failure::Signalled(signal)),
            done = work => done,
        }
    }

    /// The next one that a command must be told of: a terminal tells the command itself.
    pub async fn for_the_command(&mut self) -> Signal {
        loop {
            let signal = self.next().await;
            let is_a_key = signal == Signal::INT || signal == Signal::QUIT;
            if !(is_a_key && is_at_a_terminal()) {
                return signal;
            }
        }
    }

    async fn next(&mut self) -> Signal {
        tokio::select! {
            () = come(&mut self.int) => Signal::INT,
            () = come(&mut self.quit) => Signal::QUIT,
            () = come(&mut self.term) => Signal::TERM,
            () = come(&mut self.hup) => Signal::HUP,
        }
    }
}

async fn come(signal: &mut Option<unix::Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}

/// Whether this process and what it started are those that the keys of their terminal are for.
fn is_at_a_terminal() -> bool {
    let foreground = fs::File::open("/dev/tty").and_then(|tty| Ok(tcgetpgrp(tty)?));
    foreground.is_ok_and(|group| group == getpgrp())
}

/// The signals that this process was started to ignore, as bits from 0; on other systems than Linux it cannot be told.
fn ignored() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    mask(&status)
}

fn mask(status: &str) -> u64 {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mask_is_found() {
        assert_eq!(mask("Name:\tx\nSigBlk:\t01\nSigIgn:\t0000000000001001\nSigCgt:\tff\n"), 0x1001);
        assert_eq!(mask(""), 0);
    }
}
