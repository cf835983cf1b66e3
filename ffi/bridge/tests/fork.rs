//! What a fork makes of clients and members, with real forks.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

use std::io::{PipeWriter, Read, Write, pipe};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use doozer_bridge::{CallOptions, Client, Data, ErrorKind, Node, NodeConfig, Options};

const PATIENCE: Duration = Duration::from_secs(20);

/// A child that lives until it is told to end, or until what it does is done.
struct Child {
    pid: libc::pid_t,
    end: Option<PipeWriter>,
}

impl Child {
    /// Forks. `work` is done in the child, which ends well if it returns.
    fn that(work: impl FnOnce(&mut dyn Read)) -> Child {
        let (mut told, end) = pipe().unwrap();
        // SAFETY: the child does nothing but `work`, which uses what the bridge promises to work there, and ends
        // without running anything of the parent's.
        match unsafe { libc::fork() } {
            -1 => panic!("no fork: {}", std::io::Error::last_os_error()),
            0 => {
                drop(end);
                let done = catch_unwind(AssertUnwindSafe(|| work(&mut told)));
                // SAFETY: it ends the process, and nothing else.
                unsafe { libc::_exit(i32::from(done.is_err())) }
            }
            pid => Child { pid, end: Some(end) },
        }
    }

    /// One that does nothing, with everything of the parent's open.
    fn idle() -> Child {
        Child::that(|told| {
            let _ = told.read(&mut [0]);
        })
    }

    /// Waits for its end. Panics if that was not a good one, or does not come.
    fn ends(mut self) {
        drop(self.end.take());
        let until = Instant::now() + PATIENCE;
        loop {
            let mut status = 0;
            // SAFETY: it writes one number, which is there.
            let found = unsafe { libc::waitpid(self.pid, &raw mut status, libc::WNOHANG) };
            if found == self.pid {
                assert_eq!(status, 0, "the child failed");
                return;
            }
            if Instant::now() > until {
                // SAFETY: it is our own child, and was not waited for yet.
                unsafe { libc::kill(self.pid, libc::SIGKILL) };
                panic!("the child does not end");
            }
            std::thread::yield_now();
        }
    }
}

fn listening(data: Data, listen: &str) -> Node {
    let config = NodeConfig { listen: Some(listen.to_owned()), data, ..NodeConfig::default() };
    Node::start(config).block().unwrap()
}

fn connect(address: impl ToString) -> Client {
    Client::connect(Some(&address.to_string()), Options::default()).block().unwrap()
}

fn set(client: &Client, path: &str) -> i64 {
    client.set(path, "x".into(), 0, CallOptions::default()).block().unwrap()
}

#[test]
fn a_client_works_in_a_child_and_in_its_parent() {
    let node = listening(Data::Memory, "127.0.0.1:0");
    let client = connect(node.address().unwrap());
    set(&client, "/before");
    let children: Vec<Child> = (0..3)
        .map(|number| {
            let client = client.clone();
            Child::that(move |_| {
                let path = format!("/child/{number}");
                set(&client, &path);
                assert!(client.get(&path, None, CallOptions::default()).block().unwrap().value.is_some());
            })
        })
        .collect();
    set(&client, "/meanwhile");
    children.into_iter().for_each(Child::ends);
    let names = client.getdir("/child", None, CallOptions::default()).block().unwrap();
    assert_eq!(names, ["0", "1", "2"]);
    node.stop().block().unwrap();
}

#[test]
fn a_member_stays_with_its_parent() {
    let node = listening(Data::Memory, "127.0.0.1:0");
    let client = node.client(Options::default()).block().unwrap();
    set(&client, "/a");
    let child = Child::that(|_| {
        let forked = |kind| assert_eq!(kind, ErrorKind::Forked);
        forked(node.get_local("/a", None).unwrap_err().kind());
        forked(client.get("/a", None, CallOptions::default()).block().unwrap_err().kind());
        forked(node.stop().block().unwrap_err().kind());
        forked(node.client(Options::default()).block().err().unwrap().kind());
        // Dropped there, nothing of it ends.
        drop(client.clone());
    });
    child.ends();
    assert_eq!(node.get_local("/a", None).unwrap().value.as_deref(), Some(&b"x"[..]));
    node.stop().block().unwrap();
}

#[test]
fn a_closed_client_hangs_up_though_a_child_has_its_socket() {
    let node = listening(Data::Memory, "127.0.0.1:0");
    let (relay, address) = relay(node.address().unwrap());
    let client = connect(address);
    let child = Child::idle();
    client.close().block().unwrap();
    // It returns when both directions have ended.
    relay.join().unwrap();
    child.ends();
    node.stop().block().unwrap();
}

/// Relays one connection to its end.
fn relay(member: SocketAddr) -> (std::thread::JoinHandle<()>, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let relay = std::thread::spawn(move || {
        let (client, _) = listener.accept().unwrap();
        let member = TcpStream::connect(member).unwrap();
        client.set_read_timeout(Some(PATIENCE)).unwrap();
        let (mut from_member, mut to_client) = (member.try_clone().unwrap(), client.try_clone().unwrap());
        let back = std::thread::spawn(move || std::io::copy(&mut from_member, &mut to_client));
        std::io::copy(&mut &client, &mut &member).expect("the client hangs up");
        member.shutdown(Shutdown::Both).unwrap();
        let _ = back.join();
    });
    (relay, address)
}

#[test]
fn a_stopped_member_leaves_port_and_data_though_a_child_has_them_open() {
    let data = tempfile::tempdir().unwrap();
    let data = Data::Directory(data.path().join("data"));
    let node = listening(data.clone(), "127.0.0.1:0");
    let address = node.address().unwrap();
    set(&node.client(Options::default()).block().unwrap(), "/a");
    let mut served = served(address);
    let child = Child::idle();
    node.stop().block().unwrap();
    drop(node);
    assert_eq!(served.read(&mut [0]).unwrap(), 0, "connections are closed");
    assert!(TcpStream::connect(address).is_err(), "nobody listens there");
    let again = listening(data, &address.to_string());
    assert!(again.get_local("/a", None).unwrap().value.is_some());
    child.ends();
    again.stop().block().unwrap();
}

/// A connection that was answered, so that the member has it for certain.
fn served(address: SocketAddr) -> TcpStream {
    let mut connection = TcpStream::connect(address).unwrap();
    connection.set_read_timeout(Some(PATIENCE)).unwrap();
    // Tag 1, NOP, behind its length.
    connection.write_all(&[0, 0, 0, 4, 0x08, 1, 0x10, 7]).unwrap();
    let mut length = [0; 4];
    connection.read_exact(&mut length).unwrap();
    let mut answer = vec![0; u32::from_be_bytes(length) as usize];
    connection.read_exact(&mut answer).unwrap();
    connection
}

#[test]
fn a_dropped_member_leaves_them_too() {
    let directory = tempfile::tempdir().unwrap();
    let data = Data::Directory(directory.path().join("data"));
    let node = listening(data.clone(), "127.0.0.1:0");
    let address = node.address().unwrap();
    let child = Child::idle();
    drop(node);
    // Its tasks end by themselves, soon.
    let until = Instant::now() + PATIENCE;
    let again = loop {
        let config =
            NodeConfig { listen: Some(address.to_string()), data: data.clone(), ..NodeConfig::default() };
        match Node::start(config).block() {
            Ok(node) => break node,
            Err(error) if Instant::now() > until => panic!("{error}"),
            Err(_) => {}
        }
    };
    child.ends();
    again.stop().block().unwrap();
}

#[test]
fn a_child_tells_its_parent_what_went_wrong() {
    // So that the other tests can fail.
    let child = Child::that(|_| panic!("on purpose"));
    assert!(catch_unwind(AssertUnwindSafe(|| child.ends())).is_err());
    let mut told = Child::that(|told| {
        let mut byte = [0];
        told.read_exact(&mut byte).unwrap();
        assert_eq!(byte, *b"x");
    });
    told.end.as_mut().unwrap().write_all(b"x").unwrap();
    told.ends();
}
