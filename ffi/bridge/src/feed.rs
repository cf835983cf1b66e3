//! A stream of the client's behind a handle: a watch, a list, a live value.
//!
//! Waiting and taking are apart, so that a wait can be given up at any moment without losing what it had just received:
//! what comes stays in the feed until the host takes it.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use doozer_client::Error;
use futures_core::Stream;
use parking_lot::Mutex;
use tokio::runtime::Handle;

use crate::cancel::CancelToken;
use crate::fork::PerProcess;
use crate::op::{Op, Subject};

/// Items that are moved over in one go, where so many are there.
const BATCH: usize = 256;

type Items<T> = Pin<Box<dyn Stream<Item = Result<T, Error>> + Send>>;
type Opening<T> = Pin<Box<dyn Future<Output = Result<Items<T>, Error>> + Send>>;

/// What a feed has next.
#[derive(Debug)]
pub enum Next<T> {
    /// This one.
    Item(T),
    /// Nothing yet: wait for [`Feed::ready`].
    NotYet,
    /// Nothing any more.
    End,
}

/// Events, files or entries that come one after another. Cloning is cheap, and all clones are one feed: what one takes
/// the others do not see. In the child of a fork it gives `Forked`. Dropped with its last clone, it is closed.
pub struct Feed<T> {
    subject: Arc<Subject>,
    inner: Arc<PerProcess<Inner<T>>>,
}

struct Inner<T> {
    /// What has come and was not taken.
    ready: Mutex<VecDeque<Result<T, Error>>>,
    source: tokio::sync::Mutex<Source<T>>,
    closed: CancelToken,
    ended: AtomicBool,
    poisoned: Arc<AtomicBool>,
    /// Sources clean up after themselves on it.
    handle: Option<Handle>,
}

enum Source<T> {
    Opening(Opening<T>),
    Open(Items<T>),
    Over,
}

impl<T> Clone for Feed<T> {
    fn clone(&self) -> Feed<T> {
        Feed { subject: Arc::clone(&self.subject), inner: Arc::clone(&self.inner) }
    }
}

impl<T: Send + 'static> Feed<T> {
    pub(crate) fn new<S>(
        subject: Subject,
        poisoned: Arc<AtomicBool>,
        opening: impl Future<Output = Result<S, Error>> + Send + 'static,
    ) -> Feed<T>
    where
        S: Stream<Item = Result<T, Error>> + Send + 'static,
    {
        let opening: Opening<T> = Box::pin(async move { Ok(Box::pin(opening.await?) as Items<T>) });
        let inner = Inner {
            ready: Mutex::default(),
            source: tokio::sync::Mutex::new(Source::Opening(opening)),
            closed: CancelToken::default(),
            ended: AtomicBool::new(false),
            poisoned,
            handle: crate::runtime::handle().ok(),
        };
        Feed { subject: Arc::new(subject), inner: Arc::new(PerProcess::new(inner)) }
    }

    /// Takes what has come. Does not wait.
    ///
    /// # Errors
    /// What the stream ends with, once; `Forked`.
    pub fn take(&self) -> Result<Next<T>, Error> {
        let inner = self.inner.get().ok_or_else(|| self.subject.forked())?;
        if inner.closed.is_cancelled() {
            return Ok(Next::End);
        }
        // Looked at first: what came before the end is there when it is seen.
        let has_ended = inner.ended.load(Ordering::Acquire);
        match inner.ready.lock().pop_front() {
            Some(item) => item.map(Next::Item),
            None if has_ended => Ok(Next::End),
            None => Ok(Next::NotYet),
        }
    }

    /// Waits until [`Feed::take`] has something to give, an end included. Given up, it loses nothing. Has no time
    /// limit of its own.
    pub fn ready(&self) -> Op<()> {
        let subject = (*self.subject).clone();
        let Some(inner) = self.inner.get() else {
            let error = subject.forked();
            return Op::ready(subject, Err(error));
        };
        if inner.closed.is_cancelled()
            || inner.ended.load(Ordering::Acquire)
            || !inner.ready.lock().is_empty()
        {
            return Op::ready(subject, Ok(()));
        }
        let poisoned = Arc::clone(&inner.poisoned);
        let shared = Arc::clone(&self.inner);
        Op::new(subject, poisoned, |_| async move {
            if let Some(inner) = shared.get() {
                let _last = LetGo(inner);
                tokio::select! {
                    biased;
                    () = inner.closed.cancelled() => {}
                    () = inner.fill() => {}
                }
            }
            Ok(())
        })
    }

    /// Waits for the next item on this thread; `None` at the end. For hosts whose waits cannot be interrupted.
    ///
    /// # Errors
    /// As [`Feed::take`]; whatever `waited` gives.
    pub fn next_with(&self, waited: impl Fn(Op<()>) -> Result<(), Error>) -> Result<Option<T>, Error> {
        loop {
            match self.take()? {
                Next::Item(item) => return Ok(Some(item)),
                Next::End => return Ok(None),
                Next::NotYet => waited(self.ready())?,
            }
        }
    }

    /// Ends it: nothing more is given, and whoever waits wakes up. Does nothing in the child of a fork.
    pub fn close(&self) {
        if let Some(inner) = self.inner.get() {
            inner.closed.cancel();
            inner.drop_if_closed();
        }
    }

    /// Whether it was closed, here.
    pub fn is_closed(&self) -> bool {
        self.inner.get().is_none_or(|inner| inner.closed.is_cancelled())
    }
}

impl<T> Inner<T> {
    /// Moves what has come into `ready`, waiting for the first. Cancel-safe: an item is moved in the step that gets it.
    async fn fill(&self) {
        let mut source = self.source.lock().await;
        if !self.ready.lock().is_empty() {
            return;
        }
        std::future::poll_fn(|cx| self.poll_fill(&mut source, cx)).await;
    }

    fn poll_fill(&self, source: &mut Source<T>, cx: &mut Context<'_>) -> Poll<()> {
        let mut moved = 0;
        loop {
            match source {
                Source::Over => return Poll::Ready(()),
                Source::Opening(opening) => match opening.as_mut().poll(cx) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(Ok(items)) => *source = Source::Open(items),
                    Poll::Ready(Err(error)) => self.end(source, Some(error)),
                },
                Source::Open(items) => match items.as_mut().poll_next(cx) {
                    Poll::Pending if moved == 0 => return Poll::Pending,
                    Poll::Pending => return Poll::Ready(()),
                    Poll::Ready(None) => self.end(source, None),
                    Poll::Ready(Some(Err(error))) => self.end(source, Some(error)),
                    Poll::Ready(Some(Ok(item))) => {
                        self.ready.lock().push_back(Ok(item));
                        moved += 1;
                        if moved == BATCH {
                            return Poll::Ready(());
                        }
                    }
                },
            }
        }
    }

    fn end(&self, source: &mut Source<T>, error: Option<Error>) {
        *source = Source::Over;
        self.ready.lock().extend(error.map(Err));
        self.ended.store(true, Ordering::Release);
    }

    /// Lets go of the stream, unless somebody who will is at it.
    fn drop_if_closed(&self) {
        if self.closed.is_cancelled()
            && let Ok(mut source) = self.source.try_lock()
        {
            let _context = self.handle.as_ref().map(Handle::enter);
            *source = Source::Over;
            self.ready.lock().clear();
        }
    }
}

/// Lets go of a closed feed's stream at the end of a wait, which may be given up: whoever closed the feed meanwhile
/// could not.
struct LetGo<'a, T>(&'a Inner<T>);

impl<T> Drop for LetGo<'_, T> {
    fn drop(&mut self) {
        self.0.drop_if_closed();
    }
}

impl<T> Drop for Inner<T> {
    fn drop(&mut self) {
        let _context = self.handle.as_ref().map(Handle::enter);
        *self.source.get_mut() = Source::Over;
    }
}

#[cfg(test)]
#[path = "feed_tests.rs"]
mod tests;
