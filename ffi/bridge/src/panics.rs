//! The boundary no panic crosses: it becomes an error of kind `Panic`.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use doozer_client::{Error, ErrorKind};

/// Runs `work`; a panic in it becomes an error. Every entry point of a shim goes through this.
pub fn guard<T>(op: &'static str, work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(error(op, None, panic.as_ref())))
}

pub(crate) fn error(op: &'static str, path: Option<&str>, panic: &(dyn Any + Send)) -> Error {
    let said = panic.downcast_ref::<&str>().copied().or(panic.downcast_ref::<String>().map(String::as_str));
    let said = said.unwrap_or("nothing more is known");
    Error::new(ErrorKind::Panic, op, path, format!("a bug in doozer, please report it: {said}"))
}

/// A future whose panics are caught.
pub(crate) struct CatchPanic<F>(pub Pin<Box<F>>);

impl<F: Future> Future for CatchPanic<F> {
    type Output = Result<F::Output, Box<dyn Any + Send>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match catch_unwind(AssertUnwindSafe(|| self.0.as_mut().poll(cx))) {
            Ok(poll) => poll.map(Ok),
            Err(panic) => Poll::Ready(Err(panic)),
        }
    }
}
