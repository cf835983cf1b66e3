//! The load: a closed loop of requests, first to warm up, then measured.
//!
//! Closed means that an answer makes room for the next request: the number in flight is constant, and latency and
//! throughput are two sides of one figure. A request's latency is counted from the moment in which its predecessor's
//! answer was read, so that time spent waiting to be sent counts too.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use hdrhistogram::Histogram;
use tokio::task::JoinSet;

use crate::connection::{Connect, LoadError, Request};
use crate::drive::{Work, drive};
use crate::keys::Keys;

/// What a load asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Writes, whatever is there.
    Set,
    /// Linearizable reads.
    Get,
    /// Reads of what the member has.
    LocalGet,
    /// Nine linearizable reads to a write.
    Mixed,
}

/// How much, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    /// What is asked for.
    pub kind: Kind,
    /// Connections; never more than are in flight.
    pub connections: usize,
    /// Requests in flight over all connections.
    pub in_flight: usize,
    /// Bytes of each value written.
    pub value_bytes: usize,
    /// How long answers do not count.
    pub warm_up: Duration,
    /// How long they do.
    pub measured: Duration,
}

/// What became of a load.
#[derive(Debug, Clone)]
pub struct Measured {
    /// How long answers counted.
    pub duration: Duration,
    /// The latency of each request that was answered in that time, in nanoseconds.
    pub latency_ns: Histogram<u64>,
}

/// Says that no further request shall be sent. What is under way is still waited for: a write that nobody waits for
/// could come after whatever cleans up behind it.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Says so, from now on.
    pub fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Measured {
    /// Answers in the time measured.
    pub fn answers(&self) -> u64 {
        self.latency_ns.len()
    }

    /// Answers a second.
    pub fn rate(&self) -> f64 {
        self.answers() as f64 / self.duration.as_secs_f64()
    }

    /// The latency in microseconds that this part of the requests did not exceed: 0.5 for the median.
    pub fn quantile_us(&self, part: f64) -> f64 {
        self.latency_ns.value_at_quantile(part) as f64 / 1e3
    }
}

impl Load {
    /// Runs the load over files that exist, see [`Keys::fill`], until its time is over or it is stopped, and waits for
    /// every answer. It uses the threads of the runtime it is called in: a runtime of one thread disturbs a member on
    /// the same machine least, one of many can ask more of a remote one.
    ///
    /// # Errors
    /// The first connection that cannot be made, breaks, or gets an answer that is an error; which stops the others.
    pub async fn run(&self, target: &impl Connect, keys: &Keys, stop: &Stop) -> Result<Measured, LoadError> {
        if keys.is_empty() {
            return Err(LoadError::NoKeys);
        }
        let in_flight = self.in_flight.max(1);
        let connections = self.connections.clamp(1, in_flight);
        let mut pipes = Vec::with_capacity(connections);
        for number in 0..connections {
            pipes.push(target.connect(number).await?);
        }
        let requests = self.requests(keys, stop);
        let mut running = JoinSet::new();
        for (number, mut pipe) in pipes.into_iter().enumerate() {
            let share = in_flight / connections + usize::from(number < in_flight % connections);
            let mut work = Requests { random: number as u64 + 1, ..requests.clone() };
            running.spawn(async move { drive(&mut pipe, share, &mut work).await });
        }
        let mut outcome = Ok(());
        while let Some(ended) = running.join_next().await {
            let ended = ended.map_err(|panicked| LoadError::Io(panicked.into())).flatten();
            if ended.is_err() {
                stop.stop();
            }
            outcome = outcome.and(ended);
        }
        outcome?;
        let duration = Instant::now().saturating_duration_since(requests.from).min(self.measured);
        let latency_ns = requests.latency_ns.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Ok(Measured { duration, latency_ns })
    }

    /// The requests of a connection. The time begins now.
    fn requests(&self, keys: &Keys, stop: &Stop) -> Requests {
        let from = Instant::now() + self.warm_up;
        Requests {
            kind: self.kind,
            keys: keys.clone(),
            value: Bytes::from(vec![b'v'; self.value_bytes]),
            random: 0,
            from,
            until: from + self.measured,
            stop: stop.clone(),
            latency_ns: Arc::new(Mutex::new(histogram())),
        }
    }
}

/// For latencies in nanoseconds, with three digits.
pub(crate) fn histogram() -> Histogram<u64> {
    #[allow(clippy::expect_used, reason = "the bounds are constants that hdrhistogram takes")]
    Histogram::new_with_bounds(1, 600_000_000_000, 3).expect("sound bounds")
}

/// The requests of one connection.
#[derive(Clone)]
struct Requests {
    kind: Kind,
    keys: Keys,
    value: Bytes,
    /// The state of a generator that need not be good, only fast and the same every time.
    random: u64,
    from: Instant,
    until: Instant,
    stop: Stop,
    latency_ns: Arc<Mutex<Histogram<u64>>>,
}

impl Requests {
    fn random(&mut self) -> usize {
        // Knuth's multiplier; the low bits are the poor ones.
        self.random =
            self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 33) as usize
    }
}

impl Work for Requests {
    fn next(&mut self, now: Instant) -> Option<Request> {
        if now >= self.until || self.stop.is_stopped() {
            return None;
        }
        let is_write = match self.kind {
            Kind::Set => true,
            Kind::Get | Kind::LocalGet => false,
            Kind::Mixed => self.random().is_multiple_of(10),
        };
        let number = self.random();
        let path = self.keys.path(number);
        Some(match self.kind {
            _ if is_write => Request::Set { path, value: self.value.clone() },
            Kind::LocalGet => Request::LocalGet(path),
            _ => Request::Get(path),
        })
    }

    fn answered(&mut self, made: Instant, now: Instant) {
        if now >= self.from && now < self.until {
            let nanoseconds = u64::try_from((now - made).as_nanos()).unwrap_or(u64::MAX);
            self.latency_ns.lock().unwrap_or_else(PoisonError::into_inner).saturating_record(nanoseconds);
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Set => "set",
            Kind::Get => "get",
            Kind::LocalGet => "local get",
            Kind::Mixed => "mixed",
        })
    }
}
