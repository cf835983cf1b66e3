//! A doozerd that may never come to serve: what it says is read as it comes. It is killed when it is dropped.

use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tokio::net::TcpSocket;

use super::{Ended, doozer, words};

const PATIENCE: Duration = Duration::from_secs(60);

/// Addresses that nobody else gets, though nobody listens there yet.
pub fn ports<const N: usize>() -> [String; N] {
    // Bound until this process ends.
    static HELD: Mutex<Vec<TcpSocket>> = Mutex::new(Vec::new());
    std::array::from_fn(|_| {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = socket.local_addr().unwrap().to_string();
        HELD.lock().unwrap().push(socket);
        address
    })
}

pub struct Daemon {
    child: Child,
    said: Arc<Said>,
    pub address: String,
}

#[derive(Default)]
struct Said {
    lines: Mutex<Vec<String>>,
    more: Condvar,
}

impl Daemon {
    /// Starts one at an address, in a directory; the command line is cut at spaces.
    pub fn start(dir: &Path, address: &str, line: &str, variables: &[(&str, &str)]) -> Daemon {
        let mut command = Command::new(env!("CARGO_BIN_EXE_doozerd"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("DOOZER") || name == "RUST_LOG" {
                command.env_remove(name);
            }
        }
        command.current_dir(dir).args(["-l", address]).args(words(line)).envs(variables.iter().copied());
        let mut child = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let said = Arc::<Said>::default();
        let heard = Arc::clone(&said);
        thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                heard.lines.lock().unwrap().push(line);
                heard.more.notify_all();
            }
        });
        Daemon { child, said, address: address.to_owned() }
    }

    /// What it has said so far, without when, how loud and where in the program.
    pub fn lines(&self) -> Vec<String> {
        self.said.lines.lock().unwrap().iter().map(|line| plain(line)).collect()
    }

    /// Those that have these words.
    pub fn lines_with(&self, words: &str) -> Vec<String> {
        self.lines().into_iter().filter(|line| line.contains(words)).collect()
    }

    /// Waits for a line that has these words, as it was said.
    #[track_caller]
    pub fn says(&self, words: &str) -> String {
        let until = Instant::now() + PATIENCE;
        let mut lines = self.said.lines.lock().unwrap();
        loop {
            if let Some(line) = lines.iter().find(|line| line.contains(words)) {
                return line.clone();
            }
            let left = until.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "nothing with {words:?}: {lines:#?}");
            lines = self.said.more.wait_timeout(lines, left).unwrap().0;
        }
    }

    /// Waits until it serves.
    #[track_caller]
    pub fn serves(&self) -> &Self {
        self.says(" serving ");
        self
    }

    /// Runs doozer against it; the command line is cut at spaces.
    pub fn run(&self, line: &str) -> Ended {
        self.put(b"", line)
    }

    pub fn put(&self, input: &[u8], line: &str) -> Ended {
        doozer(Path::new("/"), &[("DOOZER_URI", &self.address)], &words(line), input)
    }

    /// Runs it again and again, until it prints something.
    #[track_caller]
    pub fn until_prints(&self, line: &str) -> String {
        let until = Instant::now() + PATIENCE;
        loop {
            let ended = self.run(line);
            if !ended.stdout.is_empty() {
                return ended.stdout;
            }
            assert!(Instant::now() < until, "{ended:?}");
        }
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Ends it like a power failure.
    pub fn kill(self) {
        drop(self);
    }

    /// Ends it as an administrator would: its exit status.
    pub fn stop(mut self) -> Option<i32> {
        self.signal(Signal::TERM);
        self.child.wait().unwrap().code()
    }

    /// Waits until something is so.
    #[track_caller]
    pub fn until(&self, what: &str, is_so: impl Fn(&Self) -> bool) -> &Self {
        let until = Instant::now() + PATIENCE;
        while !is_so(self) {
            assert!(Instant::now() < until, "never {what}: {:#?}", self.lines());
        }
        self
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn plain(line: &str) -> String {
    line.split_once(" WARN ")
        .and_then(|(_, rest)| rest.split_once(": "))
        .map_or(line, |(_, message)| message)
        .to_owned()
}

/// What is at an address where no member is, and how often it was asked.
pub struct Impostor {
    pub address: String,
    count: Arc<(Mutex<usize>, Condvar)>,
}

impl Impostor {
    /// Each connection is given to `answer`.
    pub fn new(answer: impl Fn(TcpStream) + Send + Sync + 'static) -> Impostor {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let count = Arc::<(Mutex<usize>, Condvar)>::default();
        let (shared, answer) = (Arc::clone(&count), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                *shared.0.lock().unwrap() += 1;
                shared.1.notify_all();
                let answer = Arc::clone(&answer);
                thread::spawn(move || answer(stream));
            }
        });
        Impostor { address, count }
    }

    /// Carries everything to a member.
    pub fn to(address: &str) -> Impostor {
        let address = address.to_owned();
        Impostor::new(move |here| {
            let Ok(there) = TcpStream::connect(&address) else { return };
            let (mut from, mut to) = (here.try_clone().unwrap(), there.try_clone().unwrap());
            thread::spawn(move || {
                let _ = std::io::copy(&mut from, &mut to);
                let _ = to.shutdown(std::net::Shutdown::Both);
            });
            let _ = std::io::copy(&mut &there, &mut &here);
            let _ = here.shutdown(std::net::Shutdown::Both);
        })
    }

    /// Waits until so many have come.
    #[track_caller]
    pub fn was_asked(&self, times: usize) {
        let until = Instant::now() + PATIENCE;
        let mut count = self.count.0.lock().unwrap();
        while *count < times {
            let left = until.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "asked {count} times");
            count = self.count.1.wait_timeout(count, left).unwrap().0;
        }
    }
}
