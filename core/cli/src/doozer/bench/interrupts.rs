//! What a benchmark does when it is told to end: it tidies up first.

use std::io;
use std::pin::pin;

use doozer_bench::{LoadError, Stop};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::Problem;

/// SIGINT and SIGTERM, which no longer end the process.
pub(super) struct Interrupts {
    int: Signal,
    term: Signal,
}

impl Interrupts {
    pub fn take() -> io::Result<Interrupts> {
        Ok(Interrupts { int: signal(SignalKind::interrupt())?, term: signal(SignalKind::terminate())? })
    }

    /// A first interrupt stops the work and waits for its end, a second one leaves it where it is.
    pub async fn heed<T>(
        &mut self,
        work: impl Future<Output = Result<T, LoadError>>,
        stop: &Stop,
    ) -> Result<T, Problem> {
        let mut work = pin!(work);
        tokio::select! {
            done = &mut work => return Ok(done?),
            () = self.next() => stop.stop(),
        }
        tokio::select! {
            done = work => done.map(drop)?,
            () = self.next() => {}
        }
        Err(Problem::Interrupted)
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.int.recv() => {}
            _ = self.term.recv() => {}
        }
    }
}
