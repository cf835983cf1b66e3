//! A client that speaks bare frames, and members to try it on.
#![allow(dead_code, reason = "each test program uses a part of it")]

pub mod cluster;
pub mod sessions;
pub mod writers;

use std::collections::BTreeMap;
use std::io::{ErrorKind as IoErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use doozer_node::{Config, Node, StartError};
use doozer_wire::{Decoder, ErrorKind, Hello, OwnedResponse, Request, StatusReply, Verb};

/// Longer than anything takes that is going to happen.
const PATIENCE: Duration = Duration::from_secs(30);

/// A member in memory, or as `config` says, on a free port of its own runtime.
pub struct Member {
    pub runtime: tokio::runtime::Runtime,
    pub node: Option<Node>,
    pub address: SocketAddr,
}

impl Member {
    pub fn start(config: Config) -> Member {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let config = Config { listen: config.listen.or_else(|| Some("127.0.0.1:0".into())), ..config };
        let node = runtime.block_on(start(config)).unwrap();
        let address = node.address().unwrap();
        Member { runtime, node: Some(node), address }
    }

    pub fn connect(&self) -> Raw {
        Raw::connect(self.address)
    }

    /// A connection that has said HELLO.
    pub fn modern(&self) -> Raw {
        let mut raw = self.connect();
        raw.hello();
        raw
    }

    /// It ends like a process that is killed: whatever is under way stays so.
    pub fn crash(self) {
        drop(self.node);
        self.runtime.shutdown_timeout(PATIENCE);
    }

    pub fn stop(mut self) {
        if let Some(node) = self.node.take() {
            self.runtime.block_on(node.stop());
        }
    }
}

/// Starts it, and waits for whoever has its port or its data and is on the way out.
async fn start(config: Config) -> Result<Node, StartError> {
    let until = Instant::now() + PATIENCE;
    loop {
        match Node::start(config.clone()).await {
            Err(StartError::Listen { .. } | StartError::Data { .. }) if Instant::now() < until => {
                tokio::task::yield_now().await;
            }
            started => return started,
        }
    }
}

/// A connection.
pub struct Raw {
    stream: TcpStream,
    input: BytesMut,
    decoder: Decoder,
    next_tag: i32,
    /// Answers that came while another one was waited for.
    aside: Vec<OwnedResponse>,
}

impl Raw {
    pub fn connect(address: SocketAddr) -> Raw {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Raw {
            stream,
            input: BytesMut::new(),
            decoder: Decoder::new(64 << 20),
            next_tag: 1_000_000,
            aside: vec![],
        }
    }

    pub fn hello(&mut self) {
        let reply = self.call(Request { hello: Some(Hello::default()), ..request(Verb::Hello) });
        assert!(reply.hello.is_some(), "{reply:?}");
    }

    pub fn send(&mut self, request: &Request) {
        let mut frame = BytesMut::new();
        request.encode_frame(&mut frame);
        self.send_bytes(&frame);
    }

    /// Sends, unless the other end is gone.
    pub fn try_send(&mut self, request: &Request) -> bool {
        let mut frame = BytesMut::new();
        request.encode_frame(&mut frame);
        self.stream.write_all(&frame).is_ok()
    }

    pub fn send_bytes(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// The next answer in the order of arrival; `None` at the end of the connection.
    pub fn next(&mut self) -> Option<OwnedResponse> {
        if !self.aside.is_empty() {
            return Some(self.aside.remove(0));
        }
        self.next_from_wire()
    }

    fn next_from_wire(&mut self) -> Option<OwnedResponse> {
        loop {
            if let Some(body) = self.decoder.next(&mut self.input).unwrap() {
                return Some(OwnedResponse::decode(body).unwrap());
            }
            let mut some = [0; 64 << 10];
            match self.stream.read(&mut some) {
                Ok(0) => return None,
                Ok(n) => self.input.extend_from_slice(&some[..n]),
                Err(error) if error.kind() == IoErrorKind::ConnectionReset => return None,
                Err(error) => panic!("no answer: {error}"),
            }
        }
    }

    /// The answer with this tag; others are kept.
    pub fn answer(&mut self, tag: i32) -> OwnedResponse {
        if let Some(at) = self.aside.iter().position(|response| response.tag == Some(tag)) {
            return self.aside.remove(at);
        }
        loop {
            let response = self.next_from_wire().expect("the connection ended");
            if response.tag == Some(tag) {
                return response;
            }
            self.aside.push(response);
        }
    }

    /// Sends under a fresh tag and waits for its answer.
    pub fn call(&mut self, request: Request) -> OwnedResponse {
        self.next_tag += 1;
        let tag = self.next_tag;
        self.send(&Request { tag: Some(tag), ..request });
        self.answer(tag)
    }

    pub fn set(&mut self, path: &str, value: impl Into<Bytes>, rev: i64) -> i64 {
        let reply = self.call(set(path, value, rev));
        assert_eq!(reply.failure(), None, "{path}");
        reply.rev.unwrap()
    }

    pub fn del(&mut self, path: &str, rev: i64) {
        let reply = self.call(Request { rev: Some(rev), ..at(Verb::Del, path) });
        assert_eq!(reply.failure(), None, "{path}");
    }

    pub fn get(&mut self, path: &str) -> (Bytes, i64) {
        let reply = self.call(at(Verb::Get, path));
        assert_eq!(reply.failure(), None, "{path}");
        (reply.value.unwrap(), reply.rev.unwrap())
    }

    pub fn rev(&mut self) -> i64 {
        self.call(request(Verb::Rev)).rev.unwrap()
    }

    pub fn status(&mut self) -> StatusReply {
        self.call(request(Verb::Status)).status.unwrap()
    }

    /// Whether the member answers on this connection, rather than closing it.
    pub fn is_served(&mut self) -> bool {
        self.try_send(&request(Verb::Rev)) && self.next().is_some()
    }

    /// Half-closes: nothing more will be sent.
    pub fn finish_sending(&mut self) {
        self.stream.shutdown(std::net::Shutdown::Write).unwrap();
    }
}

pub fn request(verb: Verb) -> Request {
    Request { verb: verb as i32, ..Request::default() }
}

pub fn at(verb: Verb, path: &str) -> Request {
    Request { path: Some(Bytes::copy_from_slice(path.as_bytes())), ..request(verb) }
}

pub fn set(path: &str, value: impl Into<Bytes>, rev: i64) -> Request {
    Request { value: Some(value.into()), rev: Some(rev), ..at(Verb::Set, path) }
}

pub fn wait(glob: &str, rev: i64, tag: i32) -> Request {
    Request { rev: Some(rev), tag: Some(tag), ..at(Verb::Wait, glob) }
}

pub fn watch(glob: &str, rev: i64, tag: i32) -> Request {
    Request { rev: Some(rev), tag: Some(tag), ..at(Verb::Watch, glob) }
}

pub fn cancel(tag: i32) -> Request {
    Request { other_tag: Some(tag), ..request(Verb::Cancel) }
}

pub fn kind(response: &OwnedResponse) -> Option<ErrorKind> {
    response.failure().map(|(kind, _)| kind)
}

/// Every file with its revision and value, by pages of LIST.
pub fn everything(raw: &mut Raw, rev: Option<i64>) -> BTreeMap<Bytes, (i64, Bytes)> {
    let mut files = BTreeMap::new();
    let mut after = None;
    loop {
        let page = raw.call(Request { rev, after: after.clone(), limit: Some(100), ..at(Verb::List, "/**") });
        assert_eq!(page.failure(), None);
        assert!(page.entries.len() <= 100);
        after = page.entries.last().map(|entry| entry.path.clone());
        files.extend(page.entries.into_iter().map(|entry| (entry.path, (entry.rev, entry.value.unwrap()))));
        if !page.more {
            return files;
        }
    }
}
