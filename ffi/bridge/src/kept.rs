//! What a recipe gave, behind a handle: kept in its own process, and dropped within its runtime.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use doozer_client::{Error, ErrorKind};
use tokio::runtime::Handle;

use crate::fork::PerProcess;
use crate::op::{Op, Subject};

/// Dropped, what it keeps is given back in the background; in the child of a fork nothing happens to it.
pub(crate) struct Kept<T> {
    inner: PerProcess<Inner<T>>,
    /// It was given back, or is known to be lost.
    is_over: Arc<AtomicBool>,
    poisoned: Arc<AtomicBool>,
}

struct Inner<T> {
    /// `None` only while it is being dropped.
    core: Option<Arc<T>>,
    handle: Handle,
}

impl<T> Kept<T> {
    /// Made within the runtime. A panic in one of its calls sets `poisoned`.
    pub fn new(core: T, poisoned: Arc<AtomicBool>) -> Kept<T> {
        let inner = Inner { core: Some(Arc::new(core)), handle: Handle::current() };
        Kept { inner: PerProcess::new(inner), is_over: Arc::default(), poisoned }
    }

    /// What it keeps, unless this is the child of a fork.
    pub fn get(&self) -> Option<&Arc<T>> {
        self.inner.get()?.core.as_ref()
    }

    /// What to say of it unless it is held, as `is_held` has it.
    pub fn check(&self, subject: &Subject, is_held: impl FnOnce(&T) -> bool) -> Result<(), Error> {
        let core = self.get().ok_or_else(|| subject.forked())?;
        let lost = || subject.error(ErrorKind::LockLost, "it is not held any more, or not surely");
        is_held(core).then_some(()).ok_or_else(lost)
    }

    /// Whether nothing is left to be done about it.
    pub fn is_over(&self) -> bool {
        self.get().is_none() || self.is_over.load(Ordering::Acquire)
    }

    /// Lets go of something of it, which may start what cleans up after it. Does nothing in the child of a fork.
    pub fn let_go(&self, work: impl FnOnce(&T)) {
        if let Some(inner) = self.inner.get()
            && let Some(core) = &inner.core
        {
            let _context = inner.handle.enter();
            work(core);
        }
    }

    /// A call on it. In the child of a fork it ends with `Forked`.
    pub fn call<R, F>(&self, subject: Subject, work: impl FnOnce(Arc<T>) -> F) -> Op<R>
    where
        R: Send + 'static,
        F: Future<Output = Result<R, Error>> + Send + 'static,
    {
        match self.get().cloned() {
            Some(core) => Op::new(subject, Arc::clone(&self.poisoned), |_| work(core)),
            None => {
                let error = subject.forked();
                Op::ready(subject, Err(error))
            }
        }
    }

    /// The call that gives it back. Given up, or after an error other than `LockLost`, it may be made again.
    pub fn give_back<F>(&self, subject: Subject, work: impl FnOnce(Arc<T>) -> F) -> Op<()>
    where
        F: Future<Output = Result<(), Error>> + Send + 'static,
    {
        let is_over = Arc::clone(&self.is_over);
        self.call(subject, |core| {
            let work = work(core);
            async move {
                let result = work.await;
                let is_lost = matches!(&result, Err(error) if error.kind() == ErrorKind::LockLost);
                is_over.fetch_or(result.is_ok() || is_lost, Ordering::AcqRel);
                result
            }
        })
    }
}

impl<T> Drop for Inner<T> {
    fn drop(&mut self) {
        let _context = self.handle.enter();
        self.core = None;
    }
}
