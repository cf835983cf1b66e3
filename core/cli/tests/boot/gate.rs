//! A way to the boot cluster on which the answer to a claim is held back.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use doozer_wire::{Decoder, Request, Verb};

const PATIENCE: Duration = Duration::from_secs(60);

/// Where members of cluster `prod` claim it.
const CLAIM: &[u8] = b"/ctl/boot/prod";

pub struct Gate {
    pub address: String,
    shared: Arc<(Mutex<State>, Condvar)>,
}

#[derive(Default)]
struct State {
    /// How often the claim was read by whoever comes this way.
    reads: usize,
    way: Way,
}

/// What becomes of answers.
#[derive(Default, PartialEq, Eq)]
enum Way {
    /// They are carried, until a claim comes by.
    #[default]
    Watched,
    /// A claim came by: they are held back.
    Held,
    /// They are carried.
    Open,
    /// Connections on which they were held back are cut; others are carried.
    Cut,
}

impl Gate {
    pub fn to(address: &str) -> Gate {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let gate = Gate { address: listener.local_addr().unwrap().to_string(), shared: Arc::default() };
        let (shared, address) = (Arc::clone(&gate.shared), address.to_owned());
        thread::spawn(move || {
            for here in listener.incoming().map_while(Result::ok) {
                let Ok(there) = TcpStream::connect(&address) else { continue };
                let (asks, answers) = (Arc::clone(&shared), Arc::clone(&shared));
                let (from, to) = (here.try_clone().unwrap(), there.try_clone().unwrap());
                thread::spawn(move || carry_questions(from, to, &asks));
                thread::spawn(move || carry_answers(there, here, &answers));
            }
        });
        gate
    }

    /// Waits until a claim has come by, of which the answer is held back.
    pub fn until_claimed(&self) {
        self.wait(|state| state.way == Way::Held);
    }

    /// Waits until the claim was read so many times more.
    pub fn until_read(&self, times: usize) {
        let before = self.shared.0.lock().unwrap().reads;
        self.wait(|state| state.reads >= before + times);
    }

    /// Carries everything, what was held back as well.
    pub fn open(&self) {
        self.set(Way::Open);
    }

    /// Loses what was held back.
    pub fn cut(&self) {
        self.set(Way::Cut);
    }

    fn set(&self, way: Way) {
        self.shared.0.lock().unwrap().way = way;
        self.shared.1.notify_all();
    }

    fn wait(&self, is_so: impl Fn(&State) -> bool) {
        let until = Instant::now() + PATIENCE;
        let mut state = self.shared.0.lock().unwrap();
        while !is_so(&state) {
            let left = until.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "it did not come to that");
            state = self.shared.1.wait_timeout(state, left).unwrap().0;
        }
    }
}

fn carry_questions(mut from: TcpStream, mut to: TcpStream, shared: &(Mutex<State>, Condvar)) {
    let (mut input, mut decoder) = (BytesMut::new(), Decoder::new(1 << 20));
    let mut some = [0; 4096];
    while let Ok(len @ 1..) = from.read(&mut some) {
        input.extend_from_slice(&some[..len]);
        while let Ok(Some(frame)) = decoder.next(&mut input) {
            let Ok(request) = Request::decode(frame) else { continue };
            if request.path.as_deref() == Some(CLAIM) {
                let mut state = shared.0.lock().unwrap();
                if request.verb == Verb::Get as i32 {
                    state.reads += 1;
                } else if state.way == Way::Watched {
                    state.way = Way::Held;
                }
                shared.1.notify_all();
            }
        }
        if to.write_all(&some[..len]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}

fn carry_answers(mut from: TcpStream, mut to: TcpStream, shared: &(Mutex<State>, Condvar)) {
    let mut some = [0; 4096];
    while let Ok(len @ 1..) = from.read(&mut some) {
        let mut state = shared.0.lock().unwrap();
        let mut was_held = false;
        while state.way == Way::Held {
            was_held = true;
            state = shared.1.wait(state).unwrap();
        }
        if (was_held && state.way == Way::Cut) || to.write_all(&some[..len]).is_err() {
            break;
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}
