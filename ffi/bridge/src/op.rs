//! One call under way, which its host waits for, hands to the runtime, or drops.

use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use doozer_client::{Error, ErrorKind};
use tokio::runtime::Handle;

use crate::blocking::poll_for;
use crate::cancel::CancelToken;
use crate::fork::PerProcess;
use crate::panics::{self, CatchPanic};
use crate::runtime::handle;

type Work<T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send>>;

/// A call that was made and has not been waited for. It begins when it is waited for or spawned. Dropped, it is
/// cancelled: what was not sent never is, and a wait is taken back from the member; a write that was sent may still be
/// made.
#[must_use = "a call that is neither waited for nor spawned is cancelled"]
pub struct Op<T> {
    subject: Subject,
    state: State<T>,
}

/// What a call is about, for its errors.
#[derive(Debug, Clone)]
pub(crate) struct Subject {
    pub op: &'static str,
    pub path: Option<String>,
}

impl Subject {
    pub fn new(op: &'static str, path: Option<&str>) -> Subject {
        Subject { op, path: path.map(str::to_owned) }
    }

    pub fn error(&self, kind: ErrorKind, detail: &str) -> Error {
        Error::new(kind, self.op, self.path.as_deref(), detail)
    }

    pub fn forked(&self) -> Error {
        let detail = "it was made before a fork and stays with the parent process: make a new one here";
        self.error(ErrorKind::Forked, detail)
    }
}

enum State<T> {
    Ready(Result<T, Error>),
    Pending(PerProcess<Pending<T>>),
    Over,
}

struct Pending<T> {
    handle: Handle,
    /// `None` once it has ended or moved on.
    work: Option<Work<T>>,
}

impl<T> Drop for Pending<T> {
    fn drop(&mut self) {
        // Futures that are cancelled may start what cleans up after them.
        let _context = self.handle.enter();
        self.work = None;
    }
}

impl<T: Send + 'static> Op<T> {
    /// A call that has its result already.
    pub(crate) fn ready(subject: Subject, result: Result<T, Error>) -> Op<T> {
        Op { subject, state: State::Ready(result) }
    }

    /// A call that does `work` on this process's runtime. A panic in it sets `poison`.
    pub(crate) fn new<F>(subject: Subject, poison: Arc<AtomicBool>, work: impl FnOnce(&Handle) -> F) -> Op<T>
    where
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let handle = match handle() {
            Ok(handle) => handle,
            Err(error) => return Op::ready(subject, Err(error)),
        };
        let work = CatchPanic(Box::pin(work(&handle)));
        let about = subject.clone();
        let guarded = async move {
            work.await.unwrap_or_else(|panic| {
                poison.store(true, Ordering::Release);
                Err(panics::error(about.op, about.path.as_deref(), panic.as_ref()))
            })
        };
        Op { subject, state: Pending { handle, work: Some(Box::pin(guarded)) }.into() }
    }

    /// The same call, which `token` ends with [`Cancelled`](ErrorKind::Cancelled) unless it has its result already.
    pub fn with_cancel(self, token: &CancelToken) -> Op<T> {
        if !token.is_ours() {
            let error = self.subject.forked();
            return Op::ready(self.subject, Err(error));
        }
        let token = token.clone();
        self.rework(|subject, work| {
            Box::pin(async move {
                tokio::select! {
                    biased;
                    () = token.cancelled() => Err(subject.error(ErrorKind::Cancelled, "")),
                    result = work => result,
                }
            })
        })
    }

    /// The same call, which ends with [`Timeout`](ErrorKind::Timeout) unless it has its result within `limit`, counted
    /// from when it begins. For what has no time limit of its own: [`Feed::ready`](crate::Feed::ready).
    pub fn with_limit(self, limit: Duration) -> Op<T> {
        self.rework(|subject, work| {
            Box::pin(async move {
                let late = |_| subject.error(ErrorKind::Timeout, &format!("nothing came within {limit:?}"));
                tokio::time::timeout(limit, work).await.map_err(late)?
            })
        })
    }

    /// The call with its result as something else.
    pub fn map<U: Send + 'static>(mut self, convert: impl FnOnce(T) -> U + Send + 'static) -> Op<U> {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Ready(result) => Op::ready(self.subject, result.map(convert)),
            state => Op { subject: self.subject.clone(), state }
                .convert(|work| Box::pin(async move { work.await.map(convert) })),
        }
    }

    fn rework(mut self, change: impl FnOnce(Subject, Work<T>) -> Work<T>) -> Op<T> {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Ready(result) => Op::ready(self.subject, result),
            state => {
                let subject = self.subject.clone();
                Op { subject: self.subject, state }.convert(|work| change(subject, work))
            }
        }
    }

    /// Changes the work of a call that is under way.
    fn convert<U: Send + 'static>(self, change: impl FnOnce(Work<T>) -> Work<U>) -> Op<U> {
        let state = match self.state {
            State::Pending(pending) => match pending.take() {
                Some(mut pending) => match pending.work.take() {
                    Some(work) => Pending { handle: pending.handle.clone(), work: Some(change(work)) }.into(),
                    None => State::Over,
                },
                None => State::Ready(Err(self.subject.forked())),
            },
            State::Ready(_) | State::Over => State::Over,
        };
        Op { subject: self.subject, state }
    }

    /// Waits for the result on this thread.
    ///
    /// # Errors
    /// The call's own.
    pub fn block(mut self) -> Result<T, Error> {
        loop {
            if let Some(result) = self.poll_for(None) {
                return result;
            }
        }
    }

    /// Waits for the result on this thread, at most for `limit`. `None` if it has not come: the call goes on with the
    /// next `poll_for`. With a limit, [`Thread::unpark`](std::thread::Thread::unpark) on this thread, which is safe in
    /// a signal handler, ends the wait early.
    pub fn poll_for(&mut self, limit: Option<Duration>) -> Option<Result<T, Error>> {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Ready(result) => Some(result),
            State::Over => Some(Err(self.subject.error(ErrorKind::Closed, "the call has ended already"))),
            State::Pending(mut pending) => {
                let Some(inner) = pending.get_mut() else { return Some(Err(self.subject.forked())) };
                if Handle::try_current().is_ok() {
                    let detail = "a blocking call within a completion of doozer would wait for itself";
                    return Some(Err(self.subject.error(ErrorKind::Other, detail)));
                }
                let result = {
                    let _context = inner.handle.enter();
                    inner.work.as_mut().and_then(|work| poll_for(work, limit))
                };
                if result.is_none() {
                    self.state = State::Pending(pending);
                }
                result
            }
        }
    }

    /// Lets the runtime do it. `done` is called once, on one of the runtime's threads: it must not block. A result that
    /// is there at once is given to it before this returns. Calls are sent in the order in which they are spawned.
    pub fn spawn(self, done: impl FnOnce(Result<T, Error>) + Send + 'static) -> Running {
        let running = Running { token: CancelToken::default() };
        let done = Done { completion: Some(done), subject: self.subject.clone(), result: PhantomData };
        let this = self.with_cancel(&running.token);
        match this.state {
            State::Ready(result) => done.call(result),
            State::Over => {}
            State::Pending(pending) => match pending.take() {
                None => done.call(Err(this.subject.forked())),
                Some(mut pending) => {
                    if let Some(work) = pending.work.take() {
                        begin(&pending.handle, work, done);
                    }
                }
            },
        }
        running
    }
}

/// Takes a call's first step here, which puts its request into the client's queue, and leaves the rest to the runtime.
/// With all of it there, two calls of one thread would be sent in whatever order the runtime takes them up.
fn begin<T: Send + 'static, F: FnOnce(Result<T, Error>) + Send + 'static>(
    handle: &Handle,
    mut work: Work<T>,
    done: Done<T, F>,
) {
    let _context = handle.enter();
    // Whoever wakes it in between finds that out when the runtime takes its own first step.
    match work.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => {
            drop(work);
            done.call(result);
        }
        Poll::Pending => {
            handle.spawn(async move { done.call(work.await) });
        }
    }
}

impl<T> From<Pending<T>> for State<T> {
    fn from(pending: Pending<T>) -> State<T> {
        State::Pending(PerProcess::new(pending))
    }
}

/// A spawned call. Dropped, it goes on.
#[derive(Debug, Clone)]
pub struct Running {
    token: CancelToken,
}

impl Running {
    /// Ends the call with [`Cancelled`](ErrorKind::Cancelled), unless it has a result already. Its completion is
    /// called either way.
    pub fn cancel(&self) {
        self.token.cancel();
    }
}

/// A completion that is called once, whatever happens: a host that waits for it would wait for ever.
struct Done<T, F: FnOnce(Result<T, Error>)> {
    completion: Option<F>,
    subject: Subject,
    result: PhantomData<fn(T)>,
}

impl<T, F: FnOnce(Result<T, Error>)> Done<T, F> {
    fn call(mut self, result: Result<T, Error>) {
        self.finish(result);
    }

    fn finish(&mut self, result: Result<T, Error>) {
        if let Some(completion) = self.completion.take() {
            // A panic of the shim's: the panic hook has told it, and nobody else is there to be told.
            let _ = catch_unwind(AssertUnwindSafe(|| completion(result)));
        }
    }
}

impl<T, F: FnOnce(Result<T, Error>)> Drop for Done<T, F> {
    fn drop(&mut self) {
        let error = self.subject.error(ErrorKind::Closed, "the library was shut down");
        self.finish(Err(error));
    }
}

#[cfg(test)]
#[path = "op_tests.rs"]
mod tests;
