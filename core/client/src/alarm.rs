//! A timer that wakes a task at a moment of the client's clock.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use crate::clock::Moment;

/// The longest sleep at a time: the timer stands still while the machine sleeps, the moment does not.
const NAP: Duration = Duration::from_secs(60);

/// See the module.
#[derive(Default)]
pub(crate) struct Alarm {
    /// Goes off at or before the moment.
    timer: Option<Pin<Box<Sleep>>>,
    set_for: Option<Moment>,
    /// The moment it rang for last. It does not ring twice for one: what is not done by then waits for something else.
    rung: Option<Moment>,
}

impl Alarm {
    /// Rings at `at`, once.
    pub fn poll(&mut self, cx: &mut Context<'_>, at: Option<Moment>, now: impl Fn() -> Moment) -> Poll<()> {
        let Some(at) = at.filter(|at| self.rung != Some(*at)) else { return Poll::Pending };
        loop {
            if self.set_for != Some(at) {
                self.set_for = Some(at);
                let wake = Instant::now() + now().until(at).min(NAP);
                match &mut self.timer {
                    // Moving it costs more than waking up for nothing.
                    Some(timer) if timer.deadline() <= wake && !timer.is_elapsed() => {}
                    Some(timer) => timer.as_mut().reset(wake),
                    None => self.timer = Some(Box::pin(sleep_until(wake))),
                }
            }
            let Some(timer) = &mut self.timer else { return Poll::Pending };
            ready!(timer.as_mut().poll(cx));
            self.set_for = None;
            if now() >= at {
                self.rung = Some(at);
                return Poll::Ready(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use std::future::poll_fn;
    use tokio::time::timeout;

    async fn rings(alarm: &mut Alarm, clock: &Clock, at: u64) -> Option<u64> {
        let at = Some(Moment(Duration::from_secs(at)));
        let ring = poll_fn(|cx| alarm.poll(cx, at, || clock.now()));
        timeout(Duration::from_secs(1000), ring).await.ok()?;
        Some(clock.now().0.as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn it_rings_once_for_each_moment() {
        let (clock, mut alarm) = (Clock::new(), Alarm::default());
        assert_eq!(rings(&mut alarm, &clock, 5).await, Some(5));
        assert_eq!(rings(&mut alarm, &clock, 5).await, None);
        assert_eq!(rings(&mut alarm, &clock, 1500).await, Some(1500));
        assert_eq!(rings(&mut alarm, &clock, 1400).await, Some(1500), "at once if it is past");
        let none = poll_fn(|cx| alarm.poll(cx, None, || clock.now()));
        assert!(timeout(Duration::from_secs(1000), none).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_moment_that_moves_is_followed() {
        let (clock, mut alarm) = (Clock::new(), Alarm::default());
        let look = poll_fn(|cx| {
            assert!(alarm.poll(cx, Some(Moment(Duration::from_secs(50))), || clock.now()).is_pending());
            Poll::Ready(())
        });
        look.await;
        assert_eq!(rings(&mut alarm, &clock, 20).await, Some(20));
        let look = poll_fn(|cx| {
            assert!(alarm.poll(cx, Some(Moment(Duration::from_secs(30))), || clock.now()).is_pending());
            Poll::Ready(())
        });
        look.await;
        assert_eq!(rings(&mut alarm, &clock, 90).await, Some(90));
    }
}
