//! A client that writes every few milliseconds whatever happens, and keeps when each write was acknowledged: how long
//! nothing can be written while a member fails.
//!
//! It is an open loop: a write that is lost with a member does not keep the next one from being sent, and so does not
//! count as time in which nothing could be written. A write here is idempotent, so that the next one is the repeat of the
//! last. What is refused, or lost with its connection, is forgotten.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::connection::{Answer, Connect, Connection, LoadError, Request};

/// How often it writes, which is how exact it is.
pub const EVERY: Duration = Duration::from_millis(5);

/// How long to wait for a connection before another address is tried.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A write that was acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Acknowledged {
    /// When it was sent.
    pub sent: Instant,
    /// When its answer was read.
    pub at: Instant,
}

/// The client. It stops when this is dropped.
#[derive(Debug)]
pub struct Probe {
    acknowledged: watch::Receiver<Vec<Acknowledged>>,
    task: JoinHandle<()>,
}

impl Probe {
    /// Writes to this file, over a connection to the target's first address. When it is lost the next address is tried,
    /// and so on, around. Must be called in a runtime.
    pub fn start(target: impl Connect, path: Bytes, value: Bytes) -> Probe {
        let (found, acknowledged) = watch::channel(Vec::new());
        let task = tokio::spawn(write_on(target, Request::Set { path, value }, found));
        Probe { acknowledged, task }
    }

    /// The first write that was sent at this moment or later and acknowledged; waits for it as long as is said here.
    ///
    /// # Errors
    /// If there was none.
    pub async fn next(&mut self, sent: Instant, patience: Duration) -> Result<Acknowledged, LoadError> {
        let writes = |all: &Vec<Acknowledged>| first_since(all, sent).is_some();
        let found = timeout(patience, self.acknowledged.wait_for(writes)).await;
        let found = found.ok().and_then(Result::ok).and_then(|all| first_since(&all, sent));
        found.ok_or(LoadError::Nonsense("no write was acknowledged for too long"))
    }

    /// The longest time between one acknowledgement and the next, of all that were read since this moment. The time from
    /// the last one before it counts, too.
    pub fn longest_gap(&self, since: Instant) -> Duration {
        longest_gap(&self.acknowledged.borrow(), since)
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn first_since(all: &[Acknowledged], sent: Instant) -> Option<Acknowledged> {
    all.iter().find(|write| write.sent >= sent).copied()
}

fn longest_gap(all: &[Acknowledged], since: Instant) -> Duration {
    let gaps = all.windows(2).filter(|pair| pair[1].at >= since).map(|pair| pair[1].at - pair[0].at);
    gaps.max().unwrap_or_default()
}

async fn write_on(target: impl Connect, write: Request, found: watch::Sender<Vec<Acknowledged>>) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for number in 0.. {
        ticks.tick().await;
        if let Ok(Ok(mut connection)) = timeout(CONNECT_TIMEOUT, target.connect(number)).await {
            let (mut tag, mut under_way, mut answers) = (0, HashMap::new(), Vec::new());
            // Ends with the connection.
            while let Ok(()) = tokio::select! {
                received = connection.receive(&mut answers) => received,
                _ = ticks.tick() => {
                    tag += 1;
                    under_way.insert(tag, Instant::now());
                    connection.send(tag, write.clone());
                    Ok(())
                }
            } {
                note(&mut answers, &mut under_way, &found);
            }
        }
    }
}

fn note(
    answers: &mut Vec<Answer>,
    under_way: &mut HashMap<i32, Instant>,
    found: &watch::Sender<Vec<Acknowledged>>,
) {
    let at = Instant::now();
    for answer in answers.drain(..) {
        let sent = under_way.remove(&answer.tag);
        if let (Some(sent), Ok(())) = (sent, answer.outcome) {
            found.send_modify(|all| all.push(Acknowledged { sent, at }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps() {
        let start = Instant::now();
        let after = |ms| start + Duration::from_millis(ms);
        let writes = |times: &[(u64, u64)]| -> Vec<Acknowledged> {
            times.iter().map(|(sent, at)| Acknowledged { sent: after(*sent), at: after(*at) }).collect()
        };
        let all = writes(&[(0, 1), (100, 101), (110, 111), (112, 400), (300, 401), (410, 411)]);
        assert_eq!(longest_gap(&all, after(200)), Duration::from_millis(289));
        assert_eq!(longest_gap(&all, after(0)), Duration::from_millis(289));
        assert_eq!(
            longest_gap(&all, after(401)),
            Duration::from_millis(10),
            "an earlier gap is none of its own"
        );
        assert_eq!(longest_gap(&all, after(500)), Duration::ZERO);
        assert_eq!(longest_gap(&[], after(0)), Duration::ZERO);
        let next = first_since(&all, after(112));
        assert_eq!(next.unwrap().at, after(400), "sent at that very moment");
        assert_eq!(first_since(&all, after(113)).unwrap().at, after(401));
        assert_eq!(first_since(&all, after(411)), None);
    }
}
