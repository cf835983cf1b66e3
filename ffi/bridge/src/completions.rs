//! Finished calls behind a pollable file descriptor, for hosts with an event loop and a lock of their own.
//!
//! The runtime's threads never wait for a host's lock this way (an embedded member runs on them): they leave the result,
//! and the host takes it when its loop says that the descriptor is readable.

use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;

use doozer_client::Error;
use parking_lot::Mutex;

use crate::fork::PerProcess;
use crate::op::{Op, Running};

/// A queue of finished calls, each with the host's own name for it. Cloning is cheap, and all clones are one queue.
pub struct Completions<T>(Arc<PerProcess<Queue<T>>>);

struct Queue<T> {
    finished: Mutex<Finished<T>>,
    reader: PipeReader,
}

struct Finished<T> {
    calls: Vec<(u64, Result<T, Error>)>,
    writer: PipeWriter,
}

impl<T> Clone for Completions<T> {
    fn clone(&self) -> Completions<T> {
        Completions(Arc::clone(&self.0))
    }
}

impl<T: Send + 'static> Completions<T> {
    /// An empty queue.
    ///
    /// # Errors
    /// The system has no descriptor left.
    pub fn new() -> io::Result<Completions<T>> {
        let (reader, writer) = io::pipe()?;
        let finished = Mutex::new(Finished { calls: Vec::new(), writer });
        Ok(Completions(Arc::new(PerProcess::new(Queue { finished, reader }))))
    }

    /// Readable while there is something to take. It belongs to the queue: poll it, and do nothing else with it.
    pub fn fd(&self) -> RawFd {
        self.0.get().map_or(-1, |queue| queue.reader.as_raw_fd())
    }

    /// Lets the runtime do a call and leaves its result here as `name`.
    pub fn submit(&self, op: Op<T>, name: u64) -> Running {
        let queue = self.clone();
        op.spawn(move |result| queue.finish(name, result))
    }

    /// Takes all that is there, in the order in which it came. Does not block.
    pub fn take(&self) -> Vec<(u64, Result<T, Error>)> {
        let Some(queue) = self.0.get() else { return Vec::new() };
        let mut finished = queue.finished.lock();
        if finished.calls.is_empty() {
            return Vec::new();
        }
        // There is one byte, so this does not block.
        let _ = (&queue.reader).read(&mut [0]);
        std::mem::take(&mut finished.calls)
    }

    fn finish(&self, name: u64, result: Result<T, Error>) {
        let Some(queue) = self.0.get() else { return };
        let mut finished = queue.finished.lock();
        finished.calls.push((name, result));
        // One byte for any number of calls: the pipe can never be full.
        if finished.calls.len() == 1 {
            let _ = finished.writer.write(&[0]);
        }
    }
}
