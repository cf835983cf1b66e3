//! Ending the runtime, alone in its process: nobody else may be within a call.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use std::sync::mpsc;
use std::time::Duration;

use doozer_bridge::{CallOptions, Client, ErrorKind, Node, NodeConfig, Options, shutdown};

const PATIENCE: Duration = Duration::from_secs(20);

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").unwrap().count()
}

#[test]
fn nothing_is_left_of_a_runtime_and_a_new_one_is_made_when_needed() {
    let before = threads();
    let node = Node::start(NodeConfig::default()).block().unwrap();
    let client = node.client(Options::default()).block().unwrap();
    let rev = client.set("/a", "x".into(), 0, CallOptions::default()).block().unwrap();
    let (done, completed) = mpsc::channel();
    let waiting = client.wait("/a", rev + 1, CallOptions::default());
    waiting.spawn(move |result| done.send(result).unwrap());
    assert!(threads() > before);

    // SAFETY: this is the only thread that uses the library.
    unsafe { shutdown(PATIENCE) };
    let error = completed.recv_timeout(PATIENCE).expect("what was under way is told").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
    assert_eq!(threads(), before);
    // What stayed on it says so, and may be dropped.
    let late = client.set("/a", "y".into(), rev, CallOptions::default()).block();
    assert_eq!(late.unwrap_err().kind(), ErrorKind::Closed);
    drop((client, node));

    let config = NodeConfig { listen: Some("127.0.0.1:0".to_owned()), ..NodeConfig::default() };
    let node = Node::start(config).block().unwrap();
    let client =
        Client::connect(Some(&node.address().unwrap().to_string()), Options::default()).block().unwrap();
    client.set("/a", "x".into(), 0, CallOptions::default()).block().unwrap();
    node.stop().block().unwrap();
    drop((client, node));
    // SAFETY: as above.
    unsafe { shutdown(PATIENCE) };
    assert_eq!(threads(), before);
}
