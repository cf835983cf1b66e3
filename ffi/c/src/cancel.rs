//! Ending calls from another thread or a signal handler.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use doozer_bridge::{CancelToken, Error, Op};

use crate::edge::{free, give, quietly};

/// How often a call that was given a token looks for a signal's wish. Nothing that could wake it sooner is both safe in
/// a signal handler and free of a file descriptor for each token.
const LOOK: Duration = Duration::from_millis(50);

/// A cancel token: ends every call it was given to in doozer_call_opts, from any thread, now and from then on. One may
/// serve many calls at once. It belongs to the process it was made in: in the child of a fork, a call that is given it
/// fails with DOOZER_FORKED.
pub struct doozer_cancel(Arc<Token>);

#[derive(Default)]
pub(crate) struct Token {
    token: CancelToken,
    /// Set by a signal handler, seen by whoever waits.
    is_wished: AtomicBool,
}

impl doozer_cancel {
    /// What a call keeps: the handle may be freed while it waits.
    pub(crate) fn token(&self) -> Arc<Token> {
        Arc::clone(&self.0)
    }
}

impl Token {
    fn look(&self) {
        if self.is_wished.load(Ordering::Acquire) {
            self.token.cancel();
        }
    }

    /// Waits for a call on this thread, unless it is cancelled.
    pub fn block<T: Send + 'static>(&self, op: Op<T>) -> Result<T, Error> {
        let mut op = op.with_cancel(&self.token);
        loop {
            self.look();
            if let Some(result) = op.poll_for(Some(LOOK)) {
                return result;
            }
        }
    }
}

/// Makes a cancel token. It is the caller's to free.
#[unsafe(no_mangle)]
pub extern "C" fn doozer_cancel_new() -> *mut doozer_cancel {
    give(doozer_cancel(Arc::default()))
}

/// Ends the calls the token was given to, at once, and those it will be given to: they fail with DOOZER_CANCELLED,
/// unless they have their result already. What was not sent never is, and the member takes a wait back; a write that
/// was sent may still be made. Any thread may call it, at any time, as often as it likes, but no signal handler: see
/// doozer_cancel_fire_from_signal. NULL does nothing. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_cancel_fire(cancel: *const doozer_cancel) {
    // SAFETY: the caller's contract, see the header's top.
    if let Some(cancel) = unsafe { cancel.as_ref() } {
        cancel.0.is_wished.store(true, Ordering::Release);
        quietly(|| cancel.0.token.cancel());
    }
}

/// The same for signal handlers: async-signal-safe, it takes effect within 50 ms. NULL does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_cancel_fire_from_signal(cancel: *const doozer_cancel) {
    // SAFETY: the caller's contract, see the header's top.
    if let Some(cancel) = unsafe { cancel.as_ref() } {
        cancel.0.is_wished.store(true, Ordering::Release);
    }
}

/// Whether it was fired, either way. False for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_cancel_is_fired(cancel: *const doozer_cancel) -> bool {
    // SAFETY: the caller's contract, see the header's top.
    unsafe { cancel.as_ref() }.is_some_and(|cancel| cancel.0.is_wished.load(Ordering::Acquire))
}

/// Frees a token. Calls that have it go on and cannot be cancelled any more. NULL does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn doozer_cancel_free(cancel: *mut doozer_cancel) {
    // SAFETY: the caller's contract, see the header's top.
    unsafe { free(cancel) }
}
