//! Both kinds of wires carry bytes, and cut, slow and heal one direction at a time.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::timeout;

use super::{Namespaces, Relay, Way, Wires};

/// Longer than anything takes that is going to happen.
const PATIENCE: Duration = Duration::from_secs(30);

/// Whoever connects gets its bytes back.
async fn echo(at: String) {
    let listener = TcpListener::bind(at).await.unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut from, mut to) = stream.split();
                // Resets are what this is about.
                let _ = tokio::io::copy(&mut from, &mut to).await;
            });
        }
    });
}

/// Dials as the member of a place does.
async fn dial(wires: &Wires, from: usize, to: usize) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    let own: SocketAddr = wires.listens(from).parse().unwrap();
    socket.bind(SocketAddr::new(own.ip(), 0)).unwrap();
    socket.connect(wires.reached(to).parse().unwrap()).await.unwrap()
}

async fn say(stream: &mut TcpStream, word: u8) -> io::Result<()> {
    stream.write_all(&[word]).await?;
    let mut heard = [0];
    stream.read_exact(&mut heard).await?;
    assert_eq!(heard, [word]);
    Ok(())
}

/// Says it on new connections until it is answered.
async fn reaches(wires: &Wires, from: usize, to: usize) {
    let reached = async {
        loop {
            let mut stream = dial(wires, from, to).await;
            if say(&mut stream, 9).await.is_ok() {
                return;
            }
        }
    };
    timeout(PATIENCE, reached).await.unwrap();
}

#[tokio::test]
async fn the_relay_cuts_one_direction_and_heals() {
    let mut wires = Wires::Relay(Relay::start().await.unwrap());
    echo(wires.listens(1)).await;
    echo(wires.listens(2)).await;
    let (mut cut, mut other) = (dial(&wires, 0, 1).await, dial(&wires, 0, 2).await);
    say(&mut cut, 1).await.unwrap();
    say(&mut other, 2).await.unwrap();
    for (from, to) in [(0, 1), (1, 0)] {
        wires.set(from, to, Way::Cut).unwrap();
        let ended = timeout(PATIENCE, say(&mut cut, 3)).await.unwrap();
        assert!(ended.is_err(), "what is held for long is reset");
        let mut new = dial(&wires, 0, 1).await;
        assert!(timeout(PATIENCE, say(&mut new, 3)).await.unwrap().is_err(), "a new one is no better");
        say(&mut other, 4).await.unwrap();
        wires.heal().unwrap();
        reaches(&wires, 0, 1).await;
        cut = dial(&wires, 0, 1).await;
        say(&mut cut, 5).await.unwrap();
    }
}

#[tokio::test]
async fn the_relay_holds_what_a_short_cut_meets() {
    let mut wires = Wires::Relay(Relay::start().await.unwrap());
    echo(wires.listens(1)).await;
    let mut stream = dial(&wires, 0, 1).await;
    say(&mut stream, 1).await.unwrap();
    wires.set(0, 1, Way::Cut).unwrap();
    stream.write_all(&[7]).await.unwrap();
    let mut heard = [0];
    let nothing = timeout(Duration::from_millis(300), stream.read_exact(&mut heard)).await;
    assert!(nothing.is_err(), "nothing comes through: {nothing:?}");
    wires.heal().unwrap();
    timeout(PATIENCE, stream.read_exact(&mut heard)).await.unwrap().unwrap();
    assert_eq!(heard, [7]);
}

#[tokio::test]
async fn the_relay_is_as_slow_as_it_is_told() {
    let mut wires = Wires::Relay(Relay::start().await.unwrap());
    echo(wires.listens(1)).await;
    let mut stream = dial(&wires, 0, 1).await;
    say(&mut stream, 1).await.unwrap();
    wires.set(1, 0, Way::Slow { delay: Duration::from_millis(150), jitter: Duration::ZERO }).unwrap();
    let since = Instant::now();
    say(&mut stream, 2).await.unwrap();
    assert!(since.elapsed() >= Duration::from_millis(150));
    wires.set(1, 0, Way::Lossy { percent: 100 }).unwrap();
    assert!(timeout(PATIENCE, say(&mut stream, 3)).await.unwrap().is_err(), "what never comes is given up");
}

#[tokio::test]
async fn nobody_else_is_let_through() {
    let wires = Wires::Relay(Relay::start().await.unwrap());
    echo(wires.listens(1)).await;
    let mut stranger = TcpStream::connect(wires.reached(1)).await.unwrap();
    assert!(timeout(PATIENCE, say(&mut stranger, 1)).await.unwrap().is_err());
}

/// Connects from one namespace to another, and says a word.
fn connects(namespaces: &Namespaces, from: Option<usize>, to: usize) -> bool {
    let there: SocketAddr = namespaces.address(to).parse().unwrap();
    let connect = || {
        let mut stream = std::net::TcpStream::connect_timeout(&there, Duration::from_millis(700))?;
        stream.set_read_timeout(Some(Duration::from_millis(700)))?;
        stream.write_all(&[1])?;
        stream.read_exact(&mut [0])
    };
    match from {
        Some(place) => namespaces.within(place, connect).is_ok(),
        None => connect().is_ok(),
    }
}

/// Whoever connects to a place gets a byte back.
fn echo_within(namespaces: &Namespaces, place: usize) {
    let at: SocketAddr = namespaces.address(place).parse().unwrap();
    let listener = namespaces.within(place, || std::net::TcpListener::bind(at)).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            std::thread::spawn(move || {
                let (mut stream, mut byte) = (stream?, [0]);
                stream.read_exact(&mut byte)?;
                stream.write_all(&byte)
            });
        }
    });
}

#[test]
fn namespaces_cut_one_direction_and_heal() {
    // A thread of its own: it stays where the clients are.
    let tried = std::thread::spawn(|| {
        let mut namespaces = match Namespaces::enter() {
            Ok(namespaces) => namespaces,
            // The relay is there for such machines.
            Err(trouble) => return eprintln!("not tried: {trouble}"),
        };
        echo_within(&namespaces, 1);
        assert!(connects(&namespaces, Some(0), 1) && connects(&namespaces, None, 1));
        for (from, to) in [(0, 1), (1, 0)] {
            namespaces.set(from, to, Way::Cut).unwrap();
            assert!(!connects(&namespaces, Some(0), 1), "{from} to {to} is cut");
            assert!(
                connects(&namespaces, Some(2), 1) && connects(&namespaces, None, 1),
                "nobody else is cut"
            );
            namespaces.set(from, to, Way::Open).unwrap();
            assert!(connects(&namespaces, Some(0), 1), "{from} to {to} is healed");
        }
        if namespaces.has_netem() {
            let delay = Duration::from_millis(200);
            namespaces.set(0, 1, Way::Slow { delay, jitter: Duration::ZERO }).unwrap();
            let since = Instant::now();
            assert!(connects(&namespaces, Some(0), 1) && since.elapsed() >= delay);
            namespaces.set(0, 1, Way::Open).unwrap();
        }
    });
    tried.join().unwrap();
}
