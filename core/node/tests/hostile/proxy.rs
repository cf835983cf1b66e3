//! Somebody between one member and those who dial it, who can carry a frame as it should not be.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use doozer_paxos::Incarnation;
use doozer_wire::Request;
use doozer_wire::peer::Introduction;
use parking_lot::{Condvar, Mutex};

const PATIENCE: Duration = Duration::from_secs(60);

/// Frames of the handshake that the dialer sends.
const HANDSHAKE: usize = 2;

/// What is done to a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    /// A bit of its messages is turned.
    Body,
    /// A bit of its MAC is turned.
    Mac,
    /// Its length is longer than any may be.
    TooLong,
    /// Its length is longer than it is, though it may be so long.
    Longer,
    /// It comes twice.
    Twice,
    /// It does not come.
    Missing,
    /// Only its first half comes, then the next one.
    Half,
    /// Only its first half comes, then the connection ends.
    Cut,
    /// It comes behind the next one.
    Swapped,
}

pub struct Proxy {
    pub address: SocketAddr,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    next: Mutex<Next>,
    changed: Condvar,
}

#[derive(Default)]
struct Next {
    /// What is to be done to the next frame.
    wrong: Option<Wrong>,
    /// Whose frame that was.
    victim: Option<Incarnation>,
    /// Who sent messages, once for each connection.
    talked: Vec<Incarnation>,
    /// What the dialer said on the first connection with messages.
    recorded: Vec<u8>,
}

impl Proxy {
    /// Carries whatever comes to `to`.
    pub fn new(to: SocketAddr) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::<State>::default();
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let shared = Arc::clone(&shared);
                // Whoever is not there any more is not reached through here either.
                thread::spawn(move || TcpStream::connect(to).and_then(|there| carry(stream, there, &shared)));
            }
        });
        Proxy { address, state }
    }

    /// Does this to the next frame with messages, and says whose it was.
    pub fn spoil(&self, wrong: Wrong) -> Incarnation {
        let mut next = self.state.next.lock();
        (next.wrong, next.victim) = (Some(wrong), None);
        self.wait(next, |next| next.victim)
    }

    /// How many connections of this dialer have carried messages.
    pub fn talked(&self, dialer: Incarnation) -> usize {
        self.state.next.lock().talked_by(dialer)
    }

    /// Waits until there were so many.
    pub fn wait_until_talked(&self, dialer: Incarnation, count: usize) {
        self.wait(self.state.next.lock(), |next| (next.talked_by(dialer) >= count).then_some(()));
    }

    /// What a member said when it dialed: its handshake and some messages.
    pub fn recorded(&self) -> Vec<u8> {
        self.wait(self.state.next.lock(), |next| (!next.recorded.is_empty()).then(|| next.recorded.clone()))
    }

    fn wait<T>(&self, mut next: parking_lot::MutexGuard<'_, Next>, found: impl Fn(&Next) -> Option<T>) -> T {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(found) = found(&next) {
                return found;
            }
            assert!(!self.state.changed.wait_until(&mut next, until).timed_out(), "nothing came");
        }
    }
}

impl Next {
    fn talked_by(&self, dialer: Incarnation) -> usize {
        self.talked.iter().filter(|each| **each == dialer).count()
    }
}

/// Both directions, until one ends.
fn carry(from: TcpStream, to: TcpStream, state: &State) -> io::Result<()> {
    for stream in [&from, &to] {
        stream.set_nodelay(true)?;
    }
    let (mut back_from, mut back_to) = (to.try_clone()?, from.try_clone()?);
    thread::spawn(move || {
        let _ = io::copy(&mut back_from, &mut back_to);
        let _ = back_to.shutdown(Shutdown::Both);
    });
    let carried = carry_frames(&from, &to, state);
    for stream in [&from, &to] {
        let _ = stream.shutdown(Shutdown::Both);
    }
    carried
}

fn carry_frames(mut from: &TcpStream, mut to: &TcpStream, state: &State) -> io::Result<()> {
    let mut said = Vec::new();
    let mut dialer = None;
    for number in 0.. {
        let frame = read_frame(&mut from)?;
        if number == 0 {
            let request = Request::decode(frame[4..].to_vec().into()).ok();
            let hello = request.and_then(|request| request.hello);
            dialer = hello.as_ref().and_then(Introduction::claimed).map(|them| them.incarnation);
        }
        let Some(dialer) = dialer.filter(|_| number >= HANDSHAKE) else {
            said.extend_from_slice(&frame);
            to.write_all(&frame)?;
            continue;
        };
        let wrong = {
            let mut next = state.next.lock();
            if number == HANDSHAKE {
                next.talked.push(dialer);
                if next.recorded.is_empty() {
                    said.extend_from_slice(&frame);
                    next.recorded = std::mem::take(&mut said);
                }
            }
            let wrong = next.wrong.take();
            if wrong.is_some() {
                next.victim = Some(dialer);
            }
            state.changed.notify_all();
            wrong
        };
        match wrong {
            None => to.write_all(&frame)?,
            Some(wrong) => write_wrong(wrong, frame, &mut from, &mut to)?,
        }
    }
    Ok(())
}

fn write_wrong(
    wrong: Wrong,
    mut frame: Vec<u8>,
    from: &mut &TcpStream,
    to: &mut &TcpStream,
) -> io::Result<()> {
    let last = frame.len() - 1;
    match wrong {
        // Behind length and counter.
        Wrong::Body => frame[12] ^= 1,
        Wrong::Mac => frame[last] ^= 0x80,
        Wrong::TooLong => frame[0] = 0x7f,
        Wrong::Longer => frame[0] = 0x20,
        Wrong::Twice => frame.extend_from_within(..),
        Wrong::Missing => frame.clear(),
        Wrong::Half | Wrong::Cut => frame.truncate(last / 2),
        Wrong::Swapped => {
            let next = read_frame(from)?;
            frame = [next, frame].concat();
        }
    }
    to.write_all(&frame)?;
    if wrong == Wrong::Cut { Err(io::ErrorKind::ConnectionAborted.into()) } else { Ok(()) }
}

/// With its length.
fn read_frame(from: &mut &TcpStream) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let mut frame = length.to_vec();
    frame.resize(4 + u32::from_be_bytes(length) as usize, 0);
    from.read_exact(&mut frame[4..])?;
    Ok(frame)
}
