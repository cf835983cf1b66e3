//! What the program around a member gets of it without a socket.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

use std::io::ErrorKind as IoErrorKind;

use bytes::{Bytes, BytesMut};
use doozer_node::{Config, Embedded, History, LocalFile, Node, Secrets};
use doozer_wire::{Decoder, ErrorKind, OwnedResponse, Request, Verb};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

fn request(verb: Verb, path: &str, value: &str, rev: Option<i64>) -> Request {
    let text = |text: &str| Some(Bytes::copy_from_slice(text.as_bytes()));
    Request {
        tag: Some(1),
        verb: verb as i32,
        path: text(path),
        value: text(value),
        rev,
        ..Request::default()
    }
}

/// Sends a request and reads its answer.
async fn call(stream: &mut DuplexStream, request: Request) -> OwnedResponse {
    let mut frame = BytesMut::new();
    request.encode_frame(&mut frame);
    stream.write_all(&frame).await.unwrap();
    let (mut decoder, mut input) = (Decoder::new(1 << 20), BytesMut::new());
    loop {
        if let Some(body) = decoder.next(&mut input).unwrap() {
            return OwnedResponse::decode(body).unwrap();
        }
        assert_ne!(stream.read_buf(&mut input).await.unwrap(), 0, "the member closed the connection");
    }
}

async fn set(embedded: &Embedded, path: &str, value: &str) -> i64 {
    let mut stream = embedded.connect().unwrap();
    call(&mut stream, request(Verb::Set, path, value, Some(-1))).await.rev.unwrap()
}

#[tokio::test]
async fn a_member_without_a_port_is_read_and_written_in_memory() {
    let node = Node::start(Config::default()).await.unwrap();
    let embedded = node.embedded().clone();
    assert_eq!(node.address(), None);
    let rev = set(&embedded, "/a", "one").await;
    assert_eq!(embedded.get("/a", None), Ok(LocalFile { value: Some(b"one"[..].into()), rev }));
    assert_eq!((embedded.revision(), node.revision()), (Some(rev), rev));
    let second = set(&embedded, "/a", "two").await;
    assert_eq!(embedded.get("/a", Some(rev)), Ok(LocalFile { value: Some(b"one"[..].into()), rev }));
    assert_eq!(embedded.get("/a", None).unwrap().rev, second);
    node.stop().await;
}

#[tokio::test]
async fn what_cannot_be_read_now_says_why() {
    let config = Config { history: History { revisions_max: 2, ..History::default() }, ..Config::default() };
    let node = Node::start(config).await.unwrap();
    let embedded = node.embedded();
    let rev = set(embedded, "/d/a", "1").await;
    assert_eq!(embedded.get("/nobody", None), Ok(LocalFile::default()));
    assert_eq!(embedded.get("/d", None), Err(ErrorKind::IsDir));
    assert_eq!(embedded.get("/d/a", Some(rev + 1)), Err(ErrorKind::Timeout));
    assert_eq!(embedded.get("/d/a", Some(-1)), Err(ErrorKind::Range));
    assert_eq!(embedded.get("d", None), Err(ErrorKind::BadPath));
    assert_eq!(embedded.get("/d\0", None), Err(ErrorKind::BadPath));
    for _ in 0..3 {
        set(embedded, "/d/a", "2").await;
    }
    assert_eq!(embedded.get("/d/a", Some(rev)), Err(ErrorKind::TooLate));
}

#[tokio::test]
async fn the_secrets_are_for_others() {
    let secrets = Secrets::new(Some("rw".into()), Some("ro".into()));
    let node = Node::start(Config { secrets, ..Config::default() }).await.unwrap();
    assert!(set(node.embedded(), "/a", "1").await > 0);
}

#[tokio::test]
async fn a_stopped_member_is_gone() {
    let node = Node::start(Config::default()).await.unwrap();
    let embedded = node.embedded().clone();
    let mut open = embedded.connect().unwrap();
    assert_eq!(call(&mut open, request(Verb::Rev, "", "", None)).await.rev, embedded.revision());
    node.stop().await;
    assert_eq!(open.read(&mut [0; 8]).await.unwrap(), 0, "the connection ends with the member");
    assert_eq!(embedded.connect().unwrap_err().kind(), IoErrorKind::NotConnected);
    assert_eq!(embedded.get("/a", None), Err(ErrorKind::Closed));
    assert_eq!(embedded.revision(), None);
}

#[tokio::test]
async fn so_is_a_dropped_one() {
    let node = Node::start(Config::default()).await.unwrap();
    let embedded = node.embedded().clone();
    let mut open = embedded.connect().unwrap();
    drop(node);
    assert_eq!(open.read(&mut [0; 8]).await.unwrap(), 0, "the connection ends with the member");
    assert_eq!(embedded.connect().unwrap_err().kind(), IoErrorKind::NotConnected);
}
