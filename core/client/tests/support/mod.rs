//! Members that do exactly what a test says, at the other end of a pipe in memory.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test")]
#![allow(dead_code, reason = "each test file uses a part")]

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::BytesMut;
use doozer_client::{CallOptions, Client, Connector, Error, Options, Timeout};
use doozer_wire::{
    Decoder, ErrorKind, FLAG_PROGRESS, FLAG_SET, Features, HelloReply, Request, Response, Verb,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::mpsc;

pub const ALL: Features = Features(0x3f);
pub const CLUSTER: [u8; 16] = [7; 16];

/// The members a client connects to, one after the other.
pub struct Members {
    ends: mpsc::UnboundedReceiver<DuplexStream>,
    refusals: Arc<AtomicUsize>,
    pub attempts: Arc<AtomicUsize>,
}

/// A connector whose pipes hold `bytes` in each direction, and the members at their other ends.
pub fn script(bytes: usize) -> (impl Connector, Members) {
    let (accept, ends) = mpsc::unbounded_channel();
    let (refusals, attempts) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let members = Members { ends, refusals: Arc::clone(&refusals), attempts: Arc::clone(&attempts) };
    let connector = move || {
        attempts.fetch_add(1, Ordering::Relaxed);
        let refused =
            refusals.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok();
        let (ours, theirs) = duplex(bytes);
        let gone = refused || accept.send(theirs).is_err();
        async move { if gone { Err(io::Error::from(io::ErrorKind::ConnectionRefused)) } else { Ok(ours) } }
    };
    (connector, members)
}

/// A client connected to a modern member.
pub async fn connected(options: Options) -> (Client, Member, Members) {
    connected_by(64 << 10, ALL, options).await
}

pub async fn connected_by(bytes: usize, features: Features, options: Options) -> (Client, Member, Members) {
    let (connector, mut members) = script(bytes);
    let (client, member) = tokio::join!(Client::over(connector, options), async {
        let mut member = members.accept(features).await;
        let request = member.next().await;
        member.ok(&request).await;
        member
    });
    (client.unwrap(), member, members)
}

/// Runs a call beside the test.
pub fn spawn<T: Send + 'static>(
    call: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> tokio::task::JoinHandle<Result<T, Error>> {
    tokio::spawn(call)
}

pub fn within(client: &Client, time: Duration) -> Client {
    client.with(CallOptions { timeout: Timeout::After(time), ..CallOptions::default() })
}

impl Members {
    /// The next connection, before any word is said.
    pub async fn raw(&mut self) -> Member {
        let stream = self.ends.recv().await.expect("the client is gone");
        Member { stream, input: BytesMut::new(), decoder: Decoder::new(1 << 30) }
    }

    /// The next connection, after HELLO; no features are the original's, which has no HELLO.
    pub async fn accept(&mut self, features: Features) -> Member {
        let mut member = self.raw().await;
        member.greet(features, CLUSTER).await;
        member
    }

    /// Fails the next attempts to connect.
    pub fn refuse(&self, attempts: usize) {
        self.refusals.store(attempts, Ordering::Relaxed);
    }
}

pub struct Member {
    pub stream: DuplexStream,
    input: BytesMut,
    decoder: Decoder,
}

impl Member {
    pub async fn greet(&mut self, features: Features, cluster: [u8; 16]) {
        let hello = self.next_of(Verb::Hello).await;
        if features == Features::default() {
            return self.fail(&hello, ErrorKind::UnknownVerb).await;
        }
        let reply = HelloReply {
            version: 1,
            features,
            cluster,
            member: "ME".into(),
            value_bytes_max: 1 << 20,
            frame_bytes_max: 4 << 20,
            server_version: String::new(),
            peer: None,
        };
        self.answer(Response { tag: hello.tag, hello: Some(&reply), ..Response::default() }).await;
    }

    /// The next request; panics if the client closes instead.
    pub async fn next(&mut self) -> Request {
        self.try_next().await.expect("the client closed the connection")
    }

    pub async fn try_next(&mut self) -> Option<Request> {
        loop {
            if let Some(body) = self.decoder.next(&mut self.input).unwrap() {
                return Some(Request::decode(body).unwrap());
            }
            if self.stream.read_buf(&mut self.input).await.unwrap_or(0) == 0 {
                return None;
            }
        }
    }

    /// Reads a kibibyte at most, again and again, with pauses.
    pub async fn slow(&mut self, pause: Duration, times: usize) {
        for _ in 0..times {
            tokio::time::sleep(pause).await;
            let mut part = vec![0; 1024];
            let read = self.stream.read(&mut part).await.unwrap();
            self.input.extend_from_slice(&part[..read]);
        }
    }

    /// The next request, which must be this.
    pub async fn next_of(&mut self, verb: Verb) -> Request {
        let request = self.next().await;
        assert_eq!(Verb::from_i32(request.verb), Some(verb), "{request:?}");
        request
    }

    /// The next request other than PING, which is answered.
    pub async fn next_but_ping(&mut self) -> Request {
        loop {
            let request = self.next().await;
            if request.verb != Verb::Ping as i32 {
                return request;
            }
            self.ok(&request).await;
        }
    }

    pub async fn send(&mut self, bytes: &[u8]) {
        // A client that has gone is what some tests are about.
        let _ = self.stream.write_all(bytes).await;
    }

    pub async fn answer(&mut self, response: Response<'_>) {
        let mut out = BytesMut::new();
        response.encode_frame(&mut out);
        self.send(&out).await;
    }

    pub async fn ok(&mut self, request: &Request) {
        self.answer(Response { tag: request.tag, rev: Some(1), store_rev: Some(1), ..Response::default() })
            .await;
    }

    pub async fn at(&mut self, request: &Request, rev: i64) {
        let response =
            Response { tag: request.tag, rev: Some(rev), store_rev: Some(rev), ..Response::default() };
        self.answer(response).await;
    }

    pub async fn file(&mut self, request: &Request, value: &[u8], rev: i64) {
        let response =
            Response { tag: request.tag, value: Some(value), rev: Some(rev), ..Response::default() };
        self.answer(response).await;
    }

    pub async fn fail(&mut self, request: &Request, kind: ErrorKind) {
        self.answer(Response::error_after_hello(request.tag, kind, None)).await;
    }

    pub async fn event(&mut self, request: &Request, path: &str, rev: i64) {
        let response = Response {
            tag: request.tag,
            flags: Some(FLAG_SET),
            rev: Some(rev),
            path: Some(path.as_bytes()),
            value: Some(b"v"),
            store_rev: Some(rev),
            ..Response::default()
        };
        self.answer(response).await;
    }

    pub async fn progress(&mut self, request: &Request, rev: i64) {
        let flags = Some(FLAG_PROGRESS);
        self.answer(Response { tag: request.tag, flags, rev: Some(rev), ..Response::default() }).await;
    }
}

/// Lets every task run that can.
pub async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}
