//! The process's one tokio runtime: made when it is first needed, and again in a child after a fork.

use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::time::Duration;

use doozer_client::{Error, ErrorKind};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::JoinHandle;

use crate::fork::Process;
use crate::op::{Op, Subject};

/// Threads that drive all clients and members of the process. What they do is short; more would only take turns.
const THREADS_MAX: usize = 4;

struct Slot {
    home: Process,
    runtime: Runtime,
}

/// Null, or a leaked box. A lock would not do: a fork may happen while any thread holds it.
static SLOT: AtomicPtr<Slot> = AtomicPtr::new(ptr::null_mut());

/// The runtime of this process.
pub(crate) fn handle() -> Result<Handle, Error> {
    loop {
        let current = SLOT.load(Ordering::Acquire);
        // SAFETY: a slot is freed only by `shutdown`, whose contract is that nobody is here.
        if let Some(slot) = unsafe { current.as_ref() }
            && slot.home.is_current()
        {
            return Ok(slot.runtime.handle().clone());
        }
        let made = Box::into_raw(Box::new(make()?));
        // What is replaced belongs to the parent of a fork and stays where it is.
        if SLOT.compare_exchange(current, made, Ordering::AcqRel, Ordering::Acquire).is_err() {
            // SAFETY: another thread was faster, and nobody has seen this one.
            drop(unsafe { Box::from_raw(made) });
        }
    }
}

fn make() -> Result<Slot, Error> {
    let home = Process::current();
    let threads = std::thread::available_parallelism().map_or(1, usize::from).clamp(1, THREADS_MAX);
    let runtime = Builder::new_multi_thread()
        .worker_threads(threads)
        .thread_name("doozer")
        .on_thread_start(block_sigpipe)
        .enable_all()
        .build()
        .map_err(|error| {
            Error::new(ErrorKind::Io, "runtime", None, format!("no threads can be made: {error}"))
        })?;
    Ok(Slot { home, runtime })
}

/// Keeps a write to a connection that the other side has closed from killing the host: Rust's own programs ignore
/// SIGPIPE, and a host need not. Such a write is an error all the same, and every write is made on these threads.
fn block_sigpipe() {
    // SAFETY: the set is made before it is read, and the mask is this thread's alone.
    unsafe {
        let mut signals = std::mem::zeroed();
        libc::sigemptyset(&raw mut signals);
        libc::sigaddset(&raw mut signals, libc::SIGPIPE);
        libc::pthread_sigmask(libc::SIG_BLOCK, &raw const signals, ptr::null_mut());
    }
}

/// Does `work` on the runtime's own threads, for what writes to sockets or takes its time. Dropped, it is given up.
pub(crate) async fn on_runtime<T: Send + 'static>(
    handle: &Handle,
    work: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> Result<T, Error> {
    struct Abort<T>(JoinHandle<T>);
    impl<T> Drop for Abort<T> {
        fn drop(&mut self) {
            self.0.abort();
        }
    }
    let mut task = Abort(handle.spawn(work));
    match (&mut task.0).await {
        Ok(result) => result,
        // The boundary is further out.
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => Err(Error::new(ErrorKind::Closed, "runtime", None, "the library was shut down")),
    }
}

/// Ends the runtime and its threads, so that nothing is left of it. Calls under way end with `Closed`. Whatever needs
/// a runtime afterwards makes a new one. Not needed at a process's end.
///
/// # Safety
/// No other thread is within a call of this library, and none begins one until this returns.
pub unsafe fn shutdown(patience: Duration) {
    let slot = SLOT.swap(ptr::null_mut(), Ordering::AcqRel);
    if slot.is_null() {
        return;
    }
    // SAFETY: it came from a box, and by the contract nobody else holds it.
    let slot = unsafe { Box::from_raw(slot) };
    if slot.home.is_current() {
        slot.runtime.shutdown_timeout(patience);
    } else {
        std::mem::forget(slot);
    }
}

/// Does nothing: what a call costs by itself, for benchmarks.
pub fn noop() {}

/// Goes to the runtime and back: what an asynchronous call costs by itself, for benchmarks.
pub fn noop_async() -> Op<()> {
    Op::new(Subject::new("noop", None), Arc::default(), |handle| {
        let handle = handle.clone();
        async move {
            let _ = handle.spawn(async {}).await;
            Ok(())
        }
    })
}
