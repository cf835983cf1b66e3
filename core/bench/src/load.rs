//! The load: a closed loop of requests, first to warm up, then measured.
//!
//! Closed means that an answer makes room for the next request: the number in flight is constant, and latency and
//! throughput are two sides of one figure. A request's latency is counted from the moment in which its predecessor's
//! answer was read, so that time spent waiting to be sent counts too.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use hdrhistogram::Histogram;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::connection::{Connect, Connection, LoadError, Request, ask};
use crate::drive::{Work, drive, drive_in_turn};
use crate::keys::Keys;
use crate::patience::{PATIENCE, Progress};

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
    /// Nine reads of what the member has to a write.
    LocalMixed,
}

/// How much, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    /// What is asked for.
    pub kind: Kind,
    /// Connections; never more than are in flight, and never fewer than one for each member of a target that tells its
    /// members apart.
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
    /// The same of each of [`Connect::members`].
    pub members: Vec<Measured>,
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
    fn of(duration: Duration, latencies: &[Latencies], members: usize) -> Measured {
        let apart = latencies.iter().map(|latencies| Measured {
            duration,
            latency_ns: latencies.so_far(),
            members: Vec::new(),
        });
        let apart: Vec<Measured> = apart.collect();
        let mut latency_ns = histogram();
        for part in &apart {
            latency_ns += &part.latency_ns;
        }
        Measured { duration, latency_ns, members: if members == 0 { Vec::new() } else { apart } }
    }

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
    /// Where members are told apart, each has its share of the connections and of what is in flight. If less is in flight
    /// than there are members, they are asked in turn.
    ///
    /// # Errors
    /// The first connection that cannot be made, breaks, or gets an answer that is an error; which stops the others. What was
    /// under way is answered by then, unless [`LoadError::may_come_late`].
    pub async fn run(&self, target: &impl Connect, keys: &Keys, stop: &Stop) -> Result<Measured, LoadError> {
        if keys.is_empty() {
            return Err(LoadError::NoKeys);
        }
        let members = target.members();
        let in_flight = self.in_flight.max(1);
        let connections = self.connections(members.len());
        let mut pipes = Vec::with_capacity(connections);
        for number in 0..connections {
            let pipe = timeout(PATIENCE, self.open(target, keys, number)).await;
            let pipe = pipe.unwrap_or(Err(LoadError::Silent));
            pipes.push(pipe.map_err(|why| why.at(members, number))?);
        }
        let latencies: Vec<Latencies> = (0..members.len().max(1)).map(|_| Latencies::new()).collect();
        let requests = self.requests(keys, stop);
        // As many as can have a request under way at the same time, each with one connection, or with several in turn.
        let groups = connections.min(in_flight);
        let mut running = JoinSet::new();
        for (group, lines) in grouped(pipes, groups, &requests, &latencies).into_iter().enumerate() {
            let share = in_flight / groups + usize::from(group < in_flight % groups);
            let members = members.to_vec();
            running.spawn(async move {
                let ended = run_group(lines, share).await;
                ended.map_err(|(at, why)| why.at(&members, group + at * groups))
            });
        }
        let mut outcome = Ok(());
        while let Some(ended) = running.join_next().await {
            let ended = ended.map_err(|panicked| LoadError::Io(panicked.into())).flatten();
            if let Err(why) = ended {
                stop.stop();
                // What leaves something open must not be hidden by what does not.
                let is_worse = outcome.as_ref().err().is_none_or(|known: &LoadError| !known.may_come_late());
                if is_worse && (outcome.is_ok() || why.may_come_late()) {
                    outcome = Err(why);
                }
            }
        }
        outcome?;
        let duration = Instant::now().saturating_duration_since(requests.from).min(self.measured);
        Ok(Measured::of(duration, &latencies, members.len()))
    }

    /// How many connections it has to a target that tells so many members apart.
    pub fn connections(&self, members: usize) -> usize {
        self.connections.max(members).clamp(1, self.in_flight.max(members).max(1))
    }

    /// Opens a connection whose member has the files.
    async fn open<T: Connect>(
        &self,
        target: &T,
        keys: &Keys,
        number: usize,
    ) -> Result<T::Connection, LoadError> {
        let mut pipe = target.connect(number).await?;
        if matches!(self.kind, Kind::LocalGet | Kind::LocalMixed) {
            // A member far behind might not know of them yet. It answers this when it does.
            ask(&mut pipe, Request::Get(keys.path(0))).await?;
        }
        Ok(pipe)
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
            latencies: Latencies::new(),
            progress: Progress::default(),
        }
    }
}

/// Deals connections out to groups, each with its requests, and with the latencies of the member it leads to.
fn grouped<C>(
    pipes: Vec<C>,
    groups: usize,
    requests: &Requests,
    latencies: &[Latencies],
) -> Vec<Vec<(C, Requests)>> {
    let mut lines: Vec<Vec<_>> = (0..groups).map(|_| Vec::new()).collect();
    for (number, pipe) in pipes.into_iter().enumerate() {
        let latencies = latencies[number % latencies.len()].clone();
        let requests = Requests { random: number as u64 + 1, latencies, ..requests.clone() };
        lines[number % groups].push((pipe, requests));
    }
    lines
}

/// Runs what shares one place in the number in flight, or one connection's share of it.
async fn run_group<C: Connection>(
    mut lines: Vec<(C, Requests)>,
    share: usize,
) -> Result<(), (usize, LoadError)> {
    let progress = Progress::default();
    for (_, work) in &mut lines {
        work.progress = progress.clone();
    }
    if let [(pipe, work)] = &mut lines[..] {
        return progress.watch(drive(pipe, share, work)).await.map_err(|why| (0, why));
    }
    let current = AtomicUsize::new(0);
    let driven = progress.watch(async { drive_in_turn(&mut lines, &current).await });
    driven.await.map_err(|why| (current.load(Ordering::Relaxed), why))
}

/// What connections to one member have measured.
#[derive(Debug, Clone)]
struct Latencies(Arc<Mutex<Histogram<u64>>>);

impl Latencies {
    fn new() -> Latencies {
        Latencies(Arc::new(Mutex::new(histogram())))
    }

    fn record(&self, took: Duration) {
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).saturating_record(nanoseconds);
    }

    fn so_far(&self) -> Histogram<u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
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
    latencies: Latencies,
    progress: Progress,
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
            Kind::Mixed | Kind::LocalMixed => self.random().is_multiple_of(10),
        };
        let number = self.random();
        let path = self.keys.path(number);
        Some(match self.kind {
            _ if is_write => Request::Set { path, value: self.value.clone() },
            Kind::LocalGet | Kind::LocalMixed => Request::LocalGet(path),
            _ => Request::Get(path),
        })
    }

    fn answered(&mut self, made: Instant, now: Instant) {
        self.progress.made();
        if now >= self.from && now < self.until {
            self.latencies.record(now - made);
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
            Kind::LocalMixed => "local mixed",
        })
    }
}
