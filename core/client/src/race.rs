//! One round of connecting: all addresses in random order, the next as soon as one fails or takes long.

use std::collections::HashSet;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use doozer_wire::Address;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpStream, lookup_host};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

use crate::dial::{ATTEMPT, Unreachable, greet, unreachable, verdict, within};
use crate::handshake::Refused;
use crate::link::Link;
use crate::random::Random;
use crate::shared::Shared;
use crate::tls::TlsClient;
use crate::transport::BoxTransport;

/// An attempt that has neither succeeded nor failed after so long gets company ("Happy Eyeballs", RFC 8305, section 5).
const STAGGER: Duration = Duration::from_millis(250);

/// Keep-alive, for connections on which nothing is outstanding: the first probe after so long, then one so often.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(15);
const KEEPALIVE_EVERY: Duration = Duration::from_secs(5);

/// A place to connect to, and the address that led there.
#[derive(Debug, Clone)]
struct Target {
    address: Address,
    socket: SocketAddr,
}

enum Step {
    Resolved(Address, io::Result<Vec<SocketAddr>>),
    Tried(Target, Result<Box<Link>, Refused>),
}

pub(crate) struct Race {
    shared: Arc<Shared>,
    tls: Option<TlsClient>,
    /// To be tried last.
    last: Option<SocketAddr>,
    random: Random,
    /// Places not tried yet; the next is at the end.
    waiting: Vec<Target>,
    known: HashSet<SocketAddr>,
    under_way: JoinSet<Step>,
    /// Every place, and what became of it.
    places: Vec<(String, Option<Refused>)>,
}

impl Race {
    pub fn new(shared: Arc<Shared>, tls: Option<TlsClient>, last: Option<SocketAddr>) -> Race {
        Race {
            shared,
            tls,
            last,
            random: Random::new(),
            waiting: Vec::new(),
            known: HashSet::new(),
            under_way: JoinSet::new(),
            places: Vec::new(),
        }
    }

    /// Notes a place that cannot be reached.
    pub fn failed(&mut self, place: &str, why: Refused) {
        self.places.retain(|(known, _)| known != place);
        self.places.push((place.to_owned(), Some(why)));
        self.shared.down(self.report());
    }

    /// What became of every place so far.
    fn report(&self) -> String {
        let reason = |(place, outcome): &(String, Option<Refused>)| match outcome {
            None => format!("{place}: no answer yet"),
            Some(Refused::Now(why) | Refused::Hopeless(why) | Refused::Denied(why)) => {
                format!("{place}: {why}")
            }
        };
        unreachable(&self.places.iter().map(reason).collect::<Vec<_>>())
    }

    /// Adds addresses. Names are looked up, and every result is tried.
    pub fn enter(&mut self, addresses: impl IntoIterator<Item = Address>) {
        for address in addresses {
            match address.host.parse::<IpAddr>() {
                Ok(ip) => {
                    let sockets = vec![SocketAddr::new(ip, address.port)];
                    self.add(&address, sockets);
                }
                Err(_) => {
                    self.places.push((address.to_string(), None));
                    self.under_way.spawn(resolve(address));
                }
            }
        }
        self.shared.trying(self.report());
    }

    fn add(&mut self, address: &Address, sockets: Vec<SocketAddr>) {
        for socket in sockets {
            if self.known.insert(socket) {
                let at = self.random.up_to(self.waiting.len() as u64) as usize;
                let target = Target { address: address.clone(), socket };
                self.places.push((target.place(), None));
                self.waiting.insert(at, target);
            }
        }
    }

    /// A name was looked up.
    fn resolved(&mut self, address: &Address, found: io::Result<Vec<SocketAddr>>) {
        let name = address.to_string();
        match found {
            Ok(sockets) => {
                self.places.retain(|(place, _)| *place != name);
                self.add(address, sockets);
            }
            Err(error) => self.failed(&name, Refused::Now(format!("name not found: {error}"))),
        }
    }

    fn next(&mut self) -> Option<Target> {
        let target = self.waiting.pop()?;
        if Some(target.socket) == self.last
            && let Some(other) = self.waiting.pop()
        {
            self.waiting.push(target);
            return Some(other);
        }
        Some(target)
    }

    /// What the round has come to.
    fn verdict(self) -> Unreachable {
        verdict(self.places.into_iter().filter_map(|(place, outcome)| Some((place, outcome?))).collect())
    }

    /// Returns the first connection, and where it leads.
    pub async fn run(mut self) -> Result<(Link, SocketAddr), Unreachable> {
        let mut next_at = Instant::now();
        loop {
            if Instant::now() >= next_at
                && let Some(target) = self.next()
            {
                self.under_way.spawn(attempt(Arc::clone(&self.shared), self.tls.clone(), target));
                next_at = Instant::now() + STAGGER;
            }
            let step = tokio::select! {
                step = self.under_way.join_next() => step,
                () = sleep_until(next_at), if !self.waiting.is_empty() => continue,
            };
            match step {
                Some(Ok(Step::Resolved(address, found))) => self.resolved(&address, found),
                Some(Ok(Step::Tried(target, Ok(link)))) => return Ok((*link, target.socket)),
                Some(Ok(Step::Tried(target, Err(why @ Refused::Denied(_))))) => {
                    return Err(verdict(vec![(target.place(), why)]));
                }
                Some(Ok(Step::Tried(target, Err(why)))) => {
                    self.failed(&target.place(), why);
                    next_at = Instant::now();
                }
                Some(Err(error)) => self.failed("an attempt", Refused::Now(error.to_string())),
                None if self.waiting.is_empty() => return Err(self.verdict()),
                None => next_at = Instant::now(),
            }
        }
    }
}

impl Target {
    /// How errors name it.
    fn place(&self) -> String {
        match self.address.host.parse::<IpAddr>() {
            Ok(_) => self.address.to_string(),
            Err(_) => format!("{} ({})", self.address, self.socket.ip()),
        }
    }
}

async fn resolve(address: Address) -> Step {
    let found = timeout(ATTEMPT, lookup_host((address.host.as_str(), address.port))).await;
    let found = found.unwrap_or_else(|_| Err(io::Error::other(format!("no answer within {ATTEMPT:?}"))));
    let sockets = found.map(|sockets| sockets.collect());
    Step::Resolved(address, sockets)
}

async fn attempt(shared: Arc<Shared>, tls: Option<TlsClient>, target: Target) -> Step {
    let link = within(async {
        let stream = TcpStream::connect(target.socket).await?;
        prepare(&stream)?;
        let transport: BoxTransport = match &tls {
            Some(tls) => tls.connect(&target.address.host, stream).await?,
            None => Box::new(stream),
        };
        greet(transport, &shared).await
    });
    let link = link.await;
    Step::Tried(target, link.map(Box::new))
}

/// Small requests leave at once, and a silent end is noticed even when nothing is asked.
pub(crate) fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE_IDLE).with_interval(KEEPALIVE_EVERY);
    SockRef::from(stream).set_tcp_keepalive(&keepalive)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::Terms;
    use tokio::net::TcpListener;

    fn race(last: Option<SocketAddr>) -> Race {
        Race::new(Arc::new(Shared::new(String::new(), None, None, Terms::sample())), None, last)
    }

    async fn dead() -> SocketAddr {
        TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
    }

    #[tokio::test]
    async fn a_place_that_refuses_holds_nobody_up() {
        let mut race = race(None);
        let shared = Arc::clone(&race.shared);
        let mut places = Vec::new();
        for _ in 0..12 {
            places.push(dead().await.to_string());
        }
        race.enter(places.iter().map(|place| place.parse().unwrap()));
        // Tried first, it is under way all the time.
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let socket = silent.local_addr().unwrap();
        let address = socket.to_string().parse().unwrap();
        race.waiting.push(Target { address, socket });
        let outcome = timeout(4 * STAGGER, race.run()).await;
        assert!(outcome.is_err(), "the round ended");
        let reasons = shared.why_down().unwrap();
        for place in places {
            assert!(reasons.contains(&format!("{place}: Connection refused")), "{place} is not in {reasons}");
        }
    }

    #[tokio::test]
    async fn the_last_place_is_tried_last_and_each_once() {
        let places: Vec<Address> = (1..=9).map(|host| format!("127.0.0.{host}:1").parse().unwrap()).collect();
        for _ in 0..20 {
            let last: SocketAddr = "127.0.0.5:1".parse().unwrap();
            let mut race = race(Some(last));
            race.enter(places.iter().chain(&places).cloned());
            let order: Vec<SocketAddr> =
                std::iter::from_fn(|| race.next()).map(|target| target.socket).collect();
            assert_eq!((order.len(), order.last()), (9, Some(&last)));
        }
    }
}
