//! A relay in user space, where the kernel's means are missing. Members listen on loopback, each at an address of its own,
//! and tell each other the relay's (`doozerd --advertise`). Who dials is known by its address, since members dial from
//! where they listen.
//!
//! What TCP makes of a bad network is imitated: bytes of a direction that is cut are held, and after a while their connection is
//! reset, as a sender would give it up; lost bytes come late by as long as it takes to send them again, and all that follow
//! wait for them.

mod carry;

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};

use self::carry::{Lines, carry};
use super::{PLACES, Way};
use crate::trouble::Trouble;

/// Below the ports that the system gives to outgoing connections.
const PORT: u16 = 8046;
/// The relay's own address for a member is as much above the member's.
const RELAYS: usize = 100;
/// Networks that are tried.
const TRIES: usize = 50;

/// The relay. Dropped, it ends.
pub struct Relay {
    /// The third byte of all addresses.
    net: u8,
    ways: Vec<watch::Sender<Way>>,
    listening: Vec<AbortHandle>,
}

impl Relay {
    /// Begins to listen. Needs a runtime.
    pub async fn start() -> Result<Relay, Trouble> {
        let first = std::process::id() as usize;
        let mut last = io::Error::from(io::ErrorKind::AddrInUse);
        for at in 0..TRIES {
            let net = 1 + ((first + at * 7) % 250) as u8;
            match listen(net).await {
                Ok(listeners) => return Ok(Relay::over(net, listeners)),
                Err(error) => last = error,
            }
        }
        Err(Trouble::NoRelay(last))
    }

    fn over(net: u8, listeners: Vec<TcpListener>) -> Relay {
        let ways: Vec<_> = (0..PLACES * PLACES).map(|_| watch::Sender::new(Way::Open)).collect();
        let lines = Arc::new(Lines(ways.iter().map(watch::Sender::subscribe).collect()));
        let listening = listeners.into_iter().enumerate().map(|(to, listener)| {
            let lines = Arc::clone(&lines);
            tokio::spawn(accept(net, to, listener, lines)).abort_handle()
        });
        Relay { net, ways, listening: listening.collect() }
    }

    pub fn listens(&self, place: usize) -> String {
        listens(self.net, place).to_string()
    }

    pub fn reached(&self, place: usize) -> String {
        SocketAddr::from((address(self.net, RELAYS + place), PORT)).to_string()
    }

    pub fn set(&self, from: usize, to: usize, way: Way) {
        self.ways[from * PLACES + to].send_replace(way);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.listening.iter().for_each(AbortHandle::abort);
    }
}

fn address(net: u8, host: usize) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, net, host as u8 + 1)
}

fn listens(net: u8, place: usize) -> SocketAddr {
    SocketAddr::from((address(net, place), PORT))
}

/// Takes the addresses of a network, if the members' are free too.
async fn listen(net: u8) -> io::Result<Vec<TcpListener>> {
    let mut listeners = Vec::with_capacity(PLACES);
    for place in 0..PLACES {
        drop(TcpListener::bind(listens(net, place)).await?);
        listeners.push(TcpListener::bind((address(net, RELAYS + place), PORT)).await?);
    }
    Ok(listeners)
}

/// Takes connections to one member.
async fn accept(net: u8, to: usize, listener: TcpListener, lines: Arc<Lines>) {
    let mut carried = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, peer)) = accepted else { continue };
                // Members alone come here: whoever else does is turned away.
                let Some(from) = place_of(net, peer.ip()) else { continue };
                carried.spawn(carry(stream, listens(net, to), (from, to), Arc::clone(&lines)));
            }
            Some(_) = carried.join_next() => {}
        }
    }
}

fn place_of(net: u8, ip: IpAddr) -> Option<usize> {
    (0..PLACES).find(|place| ip == IpAddr::V4(address(net, *place)))
}

/// Connects as the one whose bytes are carried would.
async fn connect(to: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(to).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}
