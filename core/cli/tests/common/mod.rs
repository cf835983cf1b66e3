//! Real processes: a doozerd that is stopped by its id whatever happens, and doozer run to its end.
#![allow(dead_code, reason = "each test program uses some of it")]

pub mod account;
pub mod authority;
pub mod bench;
pub mod cluster;
pub mod daemon;
pub mod load;

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// A process that is not done by then has failed its test.
const PATIENCE: Duration = Duration::from_secs(60);

/// A program with none of the variables it looks at, but for those a test gives it.
fn program(path: &str, dir: &Path) -> Command {
    let mut command = Command::new(path);
    command.current_dir(dir).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("DOOZER") || name == "RUST_LOG" {
            command.env_remove(name);
        }
    }
    command
}

/// A command line, cut at spaces.
pub fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

/// What a process came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    pub status: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    /// Asserts that it went well and said nothing but this.
    #[track_caller]
    pub fn prints(&self, stdout: &str) -> &Self {
        let expected = Ended { status: Some(0), stdout: stdout.to_owned(), stderr: String::new() };
        assert_eq!(self, &expected);
        self
    }

    /// Asserts that it failed with this status, and this one line on standard error.
    #[track_caller]
    pub fn fails(&self, status: i32, line: &str) -> &Self {
        let expected = Ended { status: Some(status), stdout: String::new(), stderr: format!("{line}\n") };
        assert_eq!(self, &expected);
        self
    }

    /// Asserts that it failed with status 2 because of how it was called.
    #[track_caller]
    pub fn is_usage_error(&self, first_line: &str) -> &Self {
        let first = self.stderr.lines().next().unwrap_or_default();
        assert_eq!((self.status, &*self.stdout, first), (Some(2), "", first_line));
        self
    }

    /// The revision it printed.
    #[track_caller]
    pub fn rev(&self) -> i64 {
        assert_eq!((self.status, &*self.stderr), (Some(0), ""), "{self:?}");
        let line = self.stdout.strip_suffix('\n').expect("a whole line");
        line.parse().unwrap_or_else(|error| panic!("{line:?} is no revision: {error}"))
    }
}

fn read_all(mut from: impl Read + Send + 'static) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        from.read_to_end(&mut bytes).expect("a pipe can be read");
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// Waits for a process, whose pipes somebody else empties.
pub fn wait_for(mut child: Child) -> ExitStatus {
    let (done, ended) = channel();
    let pid = Pid::from_child(&child);
    thread::spawn(move || done.send(child.wait()));
    match ended.recv_timeout(PATIENCE) {
        Ok(status) => status.expect("a child can be waited for"),
        Err(_) => {
            let _ = kill_process(pid, Signal::KILL);
            panic!("process {pid:?} does not end");
        }
    }
}

fn finish(mut command: Command, input: &[u8]) -> Ended {
    command.stdin(Stdio::piped());
    let mut child = command.spawn().expect("the program can be run");
    let stdout = read_all(child.stdout.take().expect("a pipe"));
    let stderr = read_all(child.stderr.take().expect("a pipe"));
    let mut stdin = child.stdin.take().expect("a pipe");
    let input = input.to_vec();
    // It may end without having read everything.
    thread::spawn(move || drop(stdin.write_all(&input)));
    let status = wait_for(child).code();
    let text = |reader: JoinHandle<String>| reader.join().expect("a reader ends");
    Ended { status, stdout: text(stdout), stderr: text(stderr) }
}

/// Runs doozer in a directory to its end.
pub fn doozer(dir: &Path, variables: &[(&str, &str)], args: &[&str], input: &[u8]) -> Ended {
    let mut command = program(env!("CARGO_BIN_EXE_doozer"), dir);
    command.args(args).envs(variables.iter().copied());
    finish(command, input)
}

/// Runs a doozerd that is expected to end by itself.
pub fn doozerd(dir: &Path, variables: &[(&str, &str)], args: &[&str]) -> Ended {
    let mut command = program(env!("CARGO_BIN_EXE_doozerd"), dir);
    command.args(args).envs(variables.iter().copied());
    finish(command, b"")
}

/// Starts a doozer whose output is read as it comes, with a standard input that stays open as long as it is there.
pub fn begin(dir: &Path, uri: &str, args: &[&str]) -> Following {
    let mut command = program("env", dir);
    // Whoever runs the tests in the background ignores some of them, and a shell cannot trap what was ignored.
    command.arg("--default-signal=HUP,INT,QUIT,TERM").arg(env!("CARGO_BIN_EXE_doozer"));
    command.args(args).env("DOOZER_URI", uri).stdin(Stdio::piped());
    // Not one of those that the keys of a terminal are for, wherever the tests run.
    command.process_group(0);
    let mut child = command.spawn().expect("doozer can be run");
    let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
    let stderr = read_all(child.stderr.take().expect("a pipe"));
    Following { child: Some(child), stdout: Some(stdout), stderr: Some(stderr) }
}

/// A running doozerd on a free port of 127.0.0.1. It is killed when it is dropped.
pub struct Member {
    child: Option<Child>,
    lines: Receiver<String>,
    /// What it said up to its start line, which is the last.
    pub said: Vec<String>,
    pub address: String,
    pub id: String,
    pub revision: i64,
    dir: PathBuf,
    _own_dir: Option<TempDir>,
}

impl Member {
    /// In memory.
    pub fn start() -> Member {
        Member::with(&["--memory"], &[])
    }

    /// With further arguments and variables, in a directory of its own.
    pub fn with(args: &[&str], variables: &[(&str, &str)]) -> Member {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let mut member = Member::within(dir.path(), args, variables);
        member._own_dir = Some(dir);
        member
    }

    /// The same in a directory that outlives it.
    pub fn within(dir: &Path, args: &[&str], variables: &[(&str, &str)]) -> Member {
        Member::at("127.0.0.1:0", dir, args, variables)
    }

    /// The same at an address that was chosen.
    pub fn at(listen: &str, dir: &Path, args: &[&str], variables: &[(&str, &str)]) -> Member {
        let mut command = program(env!("CARGO_BIN_EXE_doozerd"), dir);
        command.args(["-l", listen]).args(args).envs(variables.iter().copied());
        let mut child = command.spawn().expect("doozerd can be run");
        let stderr = BufReader::new(child.stderr.take().expect("a pipe"));
        let (line, lines) = channel();
        thread::spawn(move || stderr.lines().map_while(Result::ok).try_for_each(|text| line.send(text)));
        let mut member = Member {
            child: Some(child),
            lines,
            said: Vec::new(),
            address: String::new(),
            id: String::new(),
            revision: 0,
            dir: dir.to_owned(),
            _own_dir: None,
        };
        while member.address.is_empty() {
            let line = member.lines.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|_| panic!("doozerd does not start: {:?}", member.said));
            member.hear(line);
        }
        member
    }

    fn hear(&mut self, line: String) {
        if let Some(rest) = line.strip_prefix("doozerd 0.1.0: member ") {
            let (id, rest) = rest.split_once(' ').expect("an id");
            let (_, rest) = rest.split_once("\" serving ").expect("a cluster");
            let (address, rest) = rest.split_once(", data in ").expect("an address");
            let (_, revision) = rest.rsplit_once(" (revision ").expect("a revision");
            (self.id, self.address) = (id.to_owned(), address.to_owned());
            let digits = revision.split([',', ')']).next().expect("a part");
            self.revision = digits.parse().expect("a number");
        } else if line.starts_with('{') {
            let line: serde_json::Value = serde_json::from_str(&line).expect("a line of JSON");
            if line["message"] == "serving" {
                self.address = line["address"].as_str().expect("an address").to_owned();
            }
        }
        self.said.push(line);
    }

    /// Runs doozer against it; the command line is cut at spaces.
    pub fn run(&self, line: &str) -> Ended {
        self.put(b"", line)
    }

    /// The same with something on standard input.
    pub fn put(&self, input: &[u8], line: &str) -> Ended {
        doozer(&self.dir, &[("DOOZER_URI", &self.address)], &words(line), input)
    }

    /// Starts a doozer whose output is read as it comes.
    pub fn follow(&self, line: &str) -> Following {
        let mut command = program(env!("CARGO_BIN_EXE_doozer"), &self.dir);
        command.args(words(line)).env("DOOZER_URI", &self.address).stderr(Stdio::inherit());
        let mut child = command.spawn().expect("doozer can be run");
        let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        Following { child: Some(child), stdout: Some(stdout), stderr: None }
    }

    /// Starts a doozer that runs a command, with a standard input that stays open.
    pub fn begin(&self, args: &[&str]) -> Following {
        begin(&self.dir, &self.address, args)
    }

    pub fn signal(&self, signal: Signal) {
        let child = self.child.as_ref().expect("it runs");
        kill_process(Pid::from_child(child), signal).expect("it can be signalled");
    }

    /// Waits for a line that has these words.
    pub fn says(&mut self, words: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|_| panic!("nothing with {words:?}: {:?}", self.said));
            self.said.push(line.clone());
            if line.contains(words) {
                return line;
            }
        }
    }

    /// Waits for its end: its exit status, and what it said after its start line.
    pub fn end(mut self) -> (ExitStatus, Vec<String>) {
        let status = wait_for(self.child.take().expect("it runs"));
        (status, self.lines.iter().collect())
    }

    /// Stops it as an administrator would.
    pub fn stop(self) {
        self.signal(Signal::TERM);
        let (status, said) = self.end();
        assert_eq!((status.code(), said), (Some(0), vec![]));
    }

    /// Stops it as a power failure would, as far as the process is concerned.
    pub fn kill(self) {
        self.signal(Signal::KILL);
        self.end();
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A running doozer. It is killed when it is dropped.
pub struct Following {
    child: Option<Child>,
    stdout: Option<BufReader<std::process::ChildStdout>>,
    /// What it says on standard error, if that is of interest.
    stderr: Option<JoinHandle<String>>,
}

impl Following {
    /// Reads its next line, without its end.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.as_mut().expect("open").read_line(&mut line).expect("its output can be read");
        assert_eq!(line.pop(), Some('\n'), "it ended: {line:?}");
        line
    }

    /// Takes no more of its output.
    pub fn close_output(&mut self) {
        self.stdout = None;
    }

    pub fn signal(&self, signal: Signal) {
        let child = self.child.as_ref().expect("it runs");
        kill_process(Pid::from_child(child), signal).expect("it can be signalled");
    }

    pub fn has_ended(&mut self) -> bool {
        let child = self.child.as_mut().expect("it was started");
        child.try_wait().expect("its state can be asked for").is_some()
    }

    /// Takes away its standard input.
    pub fn close_input(&mut self) {
        drop(self.child.as_mut().expect("it runs").stdin.take());
    }

    pub fn end(mut self) -> ExitStatus {
        wait_for(self.child.take().expect("it runs"))
    }

    /// Waits for its end, and for that of everybody who has its output: what it all came to, and what was not read yet.
    pub fn ended(mut self) -> Ended {
        let status = wait_for(self.child.take().expect("it runs")).code();
        let mut stdout = String::new();
        self.stdout.as_mut().expect("open").read_to_string(&mut stdout).expect("its output can be read");
        let stderr = self.stderr.take().expect("of interest").join().expect("a reader ends");
        Ended { status, stdout, stderr }
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
