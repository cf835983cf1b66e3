//! Notices that a member which owes an answer has gone silent.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// After so long without a byte, while an answer is due, the member is asked whether it is still there; after as long
/// again it is taken for gone.
pub(crate) const QUIET: Duration = Duration::from_secs(3);

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Alarm {
    /// Ask the member whether it is there.
    Ask,
    /// It was asked, and said nothing.
    Gone,
}

#[derive(Default)]
pub(crate) struct Watchdog {
    /// Since when an answer is due and nothing has come.
    silent_since: Option<Instant>,
    was_asked: bool,
    /// Goes off at or before the time of the next alarm: moving it with every byte would cost more than a look.
    timer: Option<Pin<Box<Sleep>>>,
}

impl Watchdog {
    /// Something came.
    pub fn hear(&mut self) {
        self.silent_since = None;
        self.was_asked = false;
    }

    /// The next alarm. `is_due` says whether the member owes anything.
    pub fn poll(&mut self, cx: &mut Context<'_>, is_due: bool) -> Poll<Alarm> {
        if !is_due {
            self.hear();
            return Poll::Pending;
        }
        let mut at = *self.silent_since.get_or_insert_with(Instant::now) + QUIET;
        if self.was_asked {
            at += QUIET;
        }
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(at)));
        while timer.as_mut().poll(cx).is_ready() {
            if Instant::now() < at {
                timer.as_mut().reset(at);
            } else if self.was_asked {
                return Poll::Ready(Alarm::Gone);
            } else {
                self.was_asked = true;
                timer.as_mut().reset(at + QUIET);
                return Poll::Ready(Alarm::Ask);
            }
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use tokio::time::{advance, timeout};

    async fn next(dog: &mut Watchdog, is_due: bool) -> Option<Alarm> {
        timeout(Duration::from_secs(60), poll_fn(|cx| dog.poll(cx, is_due))).await.ok()
    }

    #[tokio::test(start_paused = true)]
    async fn asks_then_gives_up() {
        let start = Instant::now();
        let mut dog = Watchdog::default();
        assert_eq!(next(&mut dog, true).await, Some(Alarm::Ask));
        assert_eq!(start.elapsed().as_secs(), 3);
        assert_eq!(next(&mut dog, true).await, Some(Alarm::Gone));
        assert_eq!(start.elapsed().as_secs(), 6);
    }

    #[tokio::test(start_paused = true)]
    async fn a_byte_starts_it_afresh() {
        let mut dog = Watchdog::default();
        assert_eq!(next(&mut dog, true).await, Some(Alarm::Ask));
        advance(Duration::from_secs(2)).await;
        dog.hear();
        let start = Instant::now();
        assert_eq!(next(&mut dog, true).await, Some(Alarm::Ask));
        assert_eq!(start.elapsed().as_secs(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn silence_is_fine_while_nothing_is_due() {
        let mut dog = Watchdog::default();
        assert_eq!(next(&mut dog, false).await, None);
        let start = Instant::now();
        assert_eq!(next(&mut dog, true).await, Some(Alarm::Ask));
        assert_eq!(start.elapsed().as_secs(), 3);
        assert_eq!(next(&mut dog, false).await, None);
        assert_eq!(next(&mut dog, true).await, Some(Alarm::Ask));
    }
}
