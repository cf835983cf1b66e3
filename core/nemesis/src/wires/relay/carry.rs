//! One connection between two members, byte by byte.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};

use super::super::{PLACES, Way};
use crate::random::Random;

/// The ways of all pairs.
pub struct Lines(pub Vec<watch::Receiver<Way>>);

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(1);
/// Pieces that are on their way.
const PIECES_MAX: usize = 256;
const PIECE_BYTES: usize = 16 << 10;
/// How long bytes are held before their connection is reset, in milliseconds.
const HELD_MS: (u64, u64) = (700, 3_000);
/// What is lost is sent again after so long, and after twice as long each time, as TCP on Linux does.
const RESEND: Duration = Duration::from_millis(200);
const RESENDS_MAX: u32 = 5;

/// Carries a connection from one member to another until either ends it, or the network does.
pub async fn carry(mut stream: TcpStream, to: SocketAddr, (from, place): (usize, usize), lines: Arc<Lines>) {
    let way = |from: usize, to: usize| lines.0[from * PLACES + to].clone();
    let mut random = Random::new(u64::from(stream.peer_addr().map_or(0, |peer| peer.port())));
    let there = Line::new(way(from, place), &mut random);
    let back = Line::new(way(place, from), &mut random);
    // Whatever it ends with, the other side only sees that it ended.
    if let Ok(mut other) = reach(to, &there, &back).await {
        let _ = stream.set_nodelay(true);
        let (mut here_out, mut here_in) = stream.split();
        let (mut other_out, mut other_in) = other.split();
        let both = tokio::try_join!(
            pump(&mut here_out, &mut other_in, there),
            pump(&mut other_out, &mut here_in, back)
        );
        if both.is_err() {
            reset(&other);
        } else {
            return;
        }
    }
    reset(&stream);
}

/// A first word needs both directions.
async fn reach(to: SocketAddr, there: &Line, back: &Line) -> io::Result<TcpStream> {
    there.clone().passed().await?;
    back.clone().passed().await?;
    timeout(CONNECT, super::connect(to)).await?
}

/// Dropped, it ends with a reset.
fn reset(stream: &TcpStream) {
    // A socket that is gone needs none.
    let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
}

/// One direction, as one connection meets it.
#[derive(Clone)]
struct Line {
    way: watch::Receiver<Way>,
    random: Random,
}

impl Line {
    fn new(way: watch::Receiver<Way>, random: &mut Random) -> Line {
        Line { way, random: random.split() }
    }

    /// Holds for as long as it is cut, or gives up.
    async fn passed(&mut self) -> io::Result<()> {
        let held = self.random.millis(HELD_MS.0, HELD_MS.1);
        let open = timeout(held, self.way.wait_for(|way| *way != Way::Cut)).await;
        match open {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(io::ErrorKind::TimedOut.into()),
        }
    }

    /// When a piece that is sent now arrives.
    fn arrival(&mut self) -> io::Result<Instant> {
        let now = Instant::now();
        match *self.way.borrow() {
            Way::Open | Way::Cut => Ok(now),
            Way::Slow { delay, jitter } => {
                let jitter = jitter.as_millis() as u64;
                let late = delay + self.random.millis(0, 2 * jitter);
                Ok(now + late.saturating_sub(Duration::from_millis(jitter)))
            }
            Way::Lossy { percent } => {
                let mut arrives = now;
                for again in 0..=RESENDS_MAX {
                    if !self.random.percent(percent) {
                        return Ok(arrives);
                    }
                    arrives += RESEND * 2_u32.pow(again);
                }
                Err(io::ErrorKind::ConnectionReset.into())
            }
        }
    }
}

/// Carries one direction to its end.
async fn pump(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    line: Line,
) -> io::Result<()> {
    let (sent, arriving) = mpsc::channel(PIECES_MAX);
    tokio::try_join!(take(from, sent, line.clone()), give(to, arriving, line)).map(drop)
}

type Piece = (Instant, Vec<u8>);

async fn take(
    from: &mut (impl AsyncRead + Unpin),
    sent: mpsc::Sender<Piece>,
    mut line: Line,
) -> io::Result<()> {
    let (mut buffer, mut last) = (vec![0; PIECE_BYTES], Instant::now());
    loop {
        let count = from.read(&mut buffer).await?;
        line.passed().await?;
        if count == 0 {
            return Ok(());
        }
        // None overtakes another.
        last = last.max(line.arrival()?);
        if sent.send((last, buffer[..count].to_vec())).await.is_err() {
            return Ok(());
        }
    }
}

async fn give(
    to: &mut (impl AsyncWrite + Unpin),
    mut arriving: mpsc::Receiver<Piece>,
    mut line: Line,
) -> io::Result<()> {
    while let Some((at, piece)) = arriving.recv().await {
        sleep_until(at).await;
        line.passed().await?;
        to.write_all(&piece).await?;
    }
    to.shutdown().await
}
