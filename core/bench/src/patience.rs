//! A member that is held keeps its connections and answers nothing: how long that is borne.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::pin;
use tokio::time::{MissedTickBehavior, interval};

use crate::connection::LoadError;

/// How long no answer at all may come on a connection, in vain. A member has answered by then, if with an error.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// Counts answers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Progress(Arc<AtomicU64>);

impl Progress {
    /// Counts one. Only one task does, so nothing is lost.
    pub fn made(&self) {
        self.0.store(self.0.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }

    /// Waits for the end of some work, as long as there is progress.
    pub async fn watch<T>(&self, work: impl Future<Output = Result<T, LoadError>>) -> Result<T, LoadError> {
        pin!(work);
        let mut looks = interval(PATIENCE);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut seen = None;
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                _ = looks.tick() => {}
            }
            let now = Some(self.0.load(Ordering::Relaxed));
            if now == seen {
                return Err(LoadError::Silent);
            }
            seen = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::{Instant, sleep};

    #[tokio::test(start_paused = true)]
    async fn silence_ends_it_and_progress_does_not() {
        let (progress, began) = (Progress::default(), Instant::now());
        let slow = async {
            for _ in 0..10 {
                sleep(PATIENCE - Duration::from_secs(1)).await;
                progress.made();
            }
            Ok(7)
        };
        assert!(matches!(progress.watch(slow).await, Ok(7)));
        assert_eq!(began.elapsed(), (PATIENCE - Duration::from_secs(1)) * 10);
        let silent = progress.watch(std::future::pending::<Result<(), _>>()).await;
        assert!(matches!(silent, Err(LoadError::Silent)));
    }
}
