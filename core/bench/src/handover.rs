//! Contenders that pass one lock around: how long it takes from the moment before its holder gives it back until the next
//! one knows that it is theirs. Each holds it until all others wait, so that what they do to get in line again is not
//! measured, and the lock is always passed on and never found free.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use hdrhistogram::Histogram;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::connection::LoadError;
use crate::load::histogram;
use crate::lock::{Joined, Locker, Lockers, Token};
use crate::patience::{PATIENCE, Progress};

/// How many, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PassAround {
    /// Those who want the lock, two at least, each with a session and a connection of its own, at the members in turn.
    pub contenders: usize,
    /// How long each holds the lock besides.
    pub hold: Duration,
    /// How long hand-overs do not count, from when all others wait for the first time.
    pub warm_up: Duration,
    /// How long they do, or longer, until there are some.
    pub measured: Duration,
}

/// How many hand-overs have a median.
const SOME: u64 = 15;

impl PassAround {
    /// Opens the sessions, passes the lock around, and ends the sessions. The times in nanoseconds.
    ///
    /// # Errors
    /// The first session that cannot be opened, or fails; and [`LoadError::NotExclusive`] if two hold the lock at once, or a
    /// token does not grow. The other sessions are left alone then, and end when their time is over.
    pub async fn run(self, target: &impl Lockers, path: &Bytes) -> Result<Histogram<u64>, LoadError> {
        let mut lockers = Vec::with_capacity(self.contenders);
        for number in 0..self.contenders {
            let locker = timeout(PATIENCE, target.locker(number, path.clone())).await;
            lockers.push(locker.unwrap_or(Err(LoadError::Silent))?);
        }
        let (round, progress) = (Arc::new(Round::new(self)), Progress::default());
        let mut running = JoinSet::new();
        for locker in lockers {
            running.spawn(contend(locker, Arc::clone(&round), progress.clone()));
        }
        let all_done = async {
            while let Some(ended) = running.join_next().await {
                ended.map_err(|panicked| LoadError::Io(panicked.into())).flatten()?;
            }
            Ok(())
        };
        progress.watch(all_done).await?;
        let times = round.lock().times.clone();
        Ok(times)
    }
}

/// What the contenders share.
#[derive(Debug)]
struct Round {
    plan: PassAround,
    /// How many wait for the lock. Only its holder listens.
    waiting: watch::Sender<usize>,
    is_over: watch::Sender<bool>,
    lock: Mutex<Lock>,
}

#[derive(Debug)]
struct Lock {
    holder: Holder,
    /// Since when it is passed on.
    since: Option<Instant>,
    times: Histogram<u64>,
}

/// What is known of the lock.
#[derive(Debug, Clone, Copy)]
enum Holder {
    /// Nobody has had it yet.
    Nobody,
    /// Somebody has it, with this token.
    Somebody(Token),
    /// Whoever had it with this token has begun to give it back.
    Leaving(Token, Instant),
}

impl Round {
    fn new(plan: PassAround) -> Round {
        let lock = Lock { holder: Holder::Nobody, since: None, times: histogram() };
        Round {
            plan,
            waiting: watch::Sender::new(0),
            is_over: watch::Sender::new(false),
            lock: Mutex::new(lock),
        }
    }

    /// Somebody knows that the lock is theirs.
    fn taken(&self, token: Token) -> Result<(), LoadError> {
        let now = Instant::now();
        let mut lock = self.lock();
        match lock.holder {
            Holder::Nobody => {}
            Holder::Leaving(before, begun) if before < token => {
                if lock.since.is_some_and(|since| now >= since + self.plan.warm_up) {
                    let took = u64::try_from((now - begun).as_nanos()).unwrap_or(u64::MAX);
                    lock.times.saturating_record(took);
                }
            }
            Holder::Somebody(before) | Holder::Leaving(before, _) => {
                return Err(LoadError::NotExclusive { before, token });
            }
        }
        lock.holder = Holder::Somebody(token);
        Ok(())
    }

    /// Its holder is about to give it back, unless all is over.
    fn leaves(&self, token: Token) -> bool {
        let mut lock = self.lock();
        let now = Instant::now();
        let since = *lock.since.get_or_insert(now);
        if now >= since + self.plan.warm_up + self.plan.measured && lock.times.len() >= SOME {
            return false;
        }
        lock.holder = Holder::Leaving(token, now);
        true
    }

    async fn all_others_wait(&self) {
        let others = self.plan.contenders.saturating_sub(1);
        // The sender is ours: it does not go away.
        let _ = self.waiting.subscribe().wait_for(|waiting| *waiting == others).await;
    }

    fn lock(&self) -> MutexGuard<'_, Lock> {
        self.lock.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One of the contenders. Its place in the queue ends with its session.
async fn contend(mut locker: impl Locker, round: Arc<Round>, progress: Progress) -> Result<(), LoadError> {
    let mut is_over = round.is_over.subscribe();
    loop {
        let token = match locker.join().await? {
            Joined::Held(token) => token,
            Joined::Waiting => {
                round.waiting.send_modify(|waiting| *waiting += 1);
                // The end comes first: what the last holder leaves behind is not measured.
                let granted = tokio::select! {
                    biased;
                    _ = is_over.wait_for(|is_over| *is_over) => break,
                    granted = locker.granted() => granted?,
                };
                round.waiting.send_modify(|waiting| *waiting -= 1);
                granted
            }
        };
        round.taken(token)?;
        progress.made();
        round.all_others_wait().await;
        if !round.plan.hold.is_zero() {
            sleep(round.plan.hold).await;
        }
        if !round.leaves(token) {
            round.is_over.send_replace(true);
            break;
        }
        locker.unlock().await?;
    }
    locker.close().await
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use std::pin::Pin;
    use std::task::Poll;
    use tokio::sync::OwnedMutexGuard;

    /// A lock of this process, which is fair. What is locked is the token.
    #[derive(Clone, Default)]
    struct Local(Arc<tokio::sync::Mutex<Token>>);

    type Guard = OwnedMutexGuard<Token>;

    struct Contender {
        lock: Local,
        waiting: Option<Pin<Box<dyn Future<Output = Guard> + Send>>>,
        held: Option<Guard>,
    }

    impl Contender {
        fn hold(&mut self, mut guard: Guard) -> Token {
            *guard += 1;
            let token = *guard;
            self.held = Some(guard);
            token
        }
    }

    impl Lockers for Local {
        type Locker = Contender;

        async fn locker(&self, _: usize, _: Bytes) -> Result<Contender, LoadError> {
            Ok(Contender { lock: self.clone(), waiting: None, held: None })
        }
    }

    impl Locker for Contender {
        async fn set(&mut self, _: Bytes, _: Bytes) -> Result<(), LoadError> {
            Ok(())
        }

        async fn join(&mut self) -> Result<Joined, LoadError> {
            assert!(self.held.is_none() && self.waiting.is_none());
            let mut turn: Pin<Box<_>> = Box::pin(Arc::clone(&self.lock.0).lock_owned());
            // Asked once, it is in the queue.
            match poll_fn(|cx| Poll::Ready(turn.as_mut().poll(cx))).await {
                Poll::Ready(guard) => Ok(Joined::Held(self.hold(guard))),
                Poll::Pending => {
                    self.waiting = Some(turn);
                    Ok(Joined::Waiting)
                }
            }
        }

        async fn granted(&mut self) -> Result<Token, LoadError> {
            let guard = self.waiting.as_mut().unwrap().await;
            self.waiting = None;
            Ok(self.hold(guard))
        }

        async fn unlock(&mut self) -> Result<(), LoadError> {
            self.held.take().unwrap();
            Ok(())
        }

        async fn close(self) -> Result<(), LoadError> {
            Ok(())
        }
    }

    const PLAN: PassAround = PassAround {
        contenders: 5,
        hold: Duration::ZERO,
        warm_up: Duration::from_millis(10),
        measured: Duration::from_millis(30),
    };

    #[tokio::test]
    async fn a_lock_is_passed_around_and_free_at_the_end() {
        for contenders in [2, 5] {
            let local = Local::default();
            let times = PassAround { contenders, ..PLAN }.run(&local, &"/l".into()).await.unwrap();
            let granted = *local.0.try_lock().expect("nobody holds it any more");
            assert!(times.len() >= SOME, "{} hand-overs", times.len());
            assert!(times.len() < granted.unsigned_abs(), "not all of {granted} count: some were warm-up");
        }
    }

    #[tokio::test]
    async fn it_is_held_as_long_as_planned_and_until_there_are_some() {
        let (hold, measured) = (Duration::from_millis(2), Duration::ZERO);
        let begun = Instant::now();
        let plan = PassAround { hold, measured, ..PLAN };
        let times = plan.run(&Local::default(), &"/l".into()).await.unwrap();
        assert_eq!(times.len(), SOME, "no time to measure, and yet there are some");
        assert!(begun.elapsed() >= hold * u32::try_from(SOME).unwrap());
    }

    /// No lock at all: everybody has it, with whatever token comes next, or the same again.
    #[derive(Clone)]
    struct Open {
        step: Token,
        last: Token,
    }

    impl Lockers for Open {
        type Locker = Open;

        async fn locker(&self, _: usize, _: Bytes) -> Result<Open, LoadError> {
            Ok(self.clone())
        }
    }

    impl Locker for Open {
        async fn set(&mut self, _: Bytes, _: Bytes) -> Result<(), LoadError> {
            Ok(())
        }

        async fn join(&mut self) -> Result<Joined, LoadError> {
            self.last += self.step;
            Ok(Joined::Held(self.last))
        }

        async fn granted(&mut self) -> Result<Token, LoadError> {
            std::future::pending().await
        }

        async fn unlock(&mut self) -> Result<(), LoadError> {
            Ok(())
        }

        async fn close(self) -> Result<(), LoadError> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn what_is_no_lock_is_not_measured() {
        let two_holders = PLAN.run(&Open { step: 1, last: 0 }, &"/l".into()).await.unwrap_err();
        assert!(matches!(two_holders, LoadError::NotExclusive { .. }), "{two_holders}");
        let alone = PassAround { contenders: 1, ..PLAN };
        let same_token = alone.run(&Open { step: 0, last: 7 }, &"/l".into()).await.unwrap_err();
        assert!(matches!(same_token, LoadError::NotExclusive { before: 7, token: 7 }), "{same_token}");
        let growing = alone.run(&Open { step: 1, last: 0 }, &"/l".into()).await;
        assert!(growing.is_ok(), "alone, and its tokens grow: {growing:?}");
    }
}
