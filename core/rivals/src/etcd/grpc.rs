//! gRPC over one HTTP/2 connection: messages, and the status in the trailers.
//! What a message means does not belong here.
//!
//! The connection is driven by whoever waits for its answers, not by a task of its own: what was asked for in one go leaves
//! in one system call, and what has come in one read is handed over at once.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use doozer_bench::LoadError;
use doozer_bench::exchange::dial;
use h2::client::{Builder, ResponseFuture, SendRequest};
use h2::{RecvStream, SendStream};
use http::{HeaderMap, Request};
use prost::Message;
use tokio::net::TcpStream;

/// How much may come without being asked for again, on a call and on the connection.
const WINDOW_BYTES: u32 = 1 << 20;

/// A message's prefix: whether it is compressed, and its length.
const PREFIX_BYTES: usize = 5;

/// Calls under way over one connection.
pub struct Channel {
    connection: h2::client::Connection<TcpStream, Bytes>,
    sender: SendRequest<Bytes>,
    address: String,
    /// Calls that wait for a free stream.
    waiting: VecDeque<Start>,
    calls: Vec<Call>,
}

/// What has become of a call.
#[derive(Debug)]
pub enum Event {
    /// A message has come.
    Message(Bytes),
    /// It has ended, well or not.
    Ended(Result<(), LoadError>),
}

/// A method, with all that a request for it has besides its message.
#[derive(Debug, Clone)]
pub struct Method(Request<()>);

struct Start {
    id: i32,
    request: Request<()>,
    message: Bytes,
    stays_open: bool,
}

struct Call {
    id: i32,
    state: State,
    input: BytesMut,
    /// Kept while more may be sent: a stream whose sending half is dropped before its end is reset.
    sending: SendStream<Bytes>,
}

enum State {
    Asked(ResponseFuture),
    Answering(RecvStream),
    Ended,
}

impl Channel {
    /// Connects to `HOST:PORT`.
    pub async fn open(address: &str) -> Result<Channel, LoadError> {
        let stream = dial(address).await?;
        let (sender, connection) = Builder::new()
            .initial_window_size(WINDOW_BYTES)
            .initial_connection_window_size(WINDOW_BYTES)
            .enable_push(false)
            .handshake(stream)
            .await
            .map_err(broken)?;
        let address = address.to_owned();
        Ok(Channel { connection, sender, address, waiting: VecDeque::new(), calls: Vec::new() })
    }

    /// The method with this path, such as `/etcdserverpb.KV/Put`.
    pub fn method(&self, path: &str) -> Result<Method, LoadError> {
        let request = Request::post(format!("http://{}{path}", self.address))
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .body(());
        request.map(Method).map_err(|_| LoadError::Nonsense("no path of a method"))
    }

    /// Puts a call with one message on its way, under a number that no other one under way has. One that stays open ends
    /// when the other side ends it.
    pub fn call(&mut self, id: i32, method: &Method, message: &impl Message, stays_open: bool) {
        self.waiting.push_back(Start { id, request: method.0.clone(), message: framed(message), stays_open });
    }

    /// Sends a message over the call with this number, which stays open; begins the call if there is none yet.
    pub fn say(&mut self, id: i32, method: &Method, message: &impl Message) -> Result<(), LoadError> {
        match self.calls.iter_mut().find(|call| call.id == id) {
            Some(call) => call.sending.send_data(framed(message), false).map_err(broken),
            None => {
                self.call(id, method, message, true);
                Ok(())
            }
        }
    }

    /// Sends and receives; appends what has happened, something at least when it is ready.
    pub fn poll(
        &mut self,
        cx: &mut Context<'_>,
        events: &mut Vec<(i32, Event)>,
    ) -> Poll<Result<(), LoadError>> {
        let before = events.len();
        self.start(cx)?;
        if let Poll::Ready(ended) = Pin::new(&mut self.connection).poll(cx) {
            let closed = || LoadError::Io(std::io::ErrorKind::UnexpectedEof.into());
            return Poll::Ready(Err(ended.map_or_else(broken, |()| closed())));
        }
        for call in &mut self.calls {
            while let Poll::Ready(event) = call.poll(cx) {
                if matches!(event, Event::Ended(_)) {
                    call.state = State::Ended;
                }
                events.push((call.id, event));
            }
        }
        self.calls.retain(|call| !matches!(call.state, State::Ended));
        if events.len() > before { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    fn start(&mut self, cx: &mut Context<'_>) -> Result<(), LoadError> {
        while !self.waiting.is_empty() {
            let Poll::Ready(ready) = self.sender.poll_ready(cx) else { return Ok(()) };
            ready.map_err(broken)?;
            let Some(Start { id, request, message, stays_open }) = self.waiting.pop_front() else { break };
            let (answer, mut sending) = self.sender.send_request(request, false).map_err(broken)?;
            sending.send_data(message, !stays_open).map_err(broken)?;
            let state = State::Asked(answer);
            self.calls.push(Call { id, state, input: BytesMut::new(), sending });
        }
        Ok(())
    }
}

impl Call {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Event> {
        loop {
            match &mut self.state {
                State::Asked(answer) => match ready!(Pin::new(answer).poll(cx)) {
                    Ok(answer) if answer.headers().contains_key("grpc-status") => {
                        return Poll::Ready(Event::Ended(status(answer.headers())));
                    }
                    Ok(answer) => self.state = State::Answering(answer.into_body()),
                    Err(error) => return Poll::Ready(Event::Ended(Err(broken(error)))),
                },
                State::Answering(answer) => {
                    if let Some(message) = message(&mut self.input) {
                        return Poll::Ready(
                            message.map_or_else(|why| Event::Ended(Err(why)), Event::Message),
                        );
                    }
                    match ready!(answer.poll_data(cx)) {
                        Some(Ok(data)) => {
                            // It is taken: as much more may come. The stream may have ended meanwhile.
                            let _ = answer.flow_control().release_capacity(data.len());
                            self.input.put_slice(&data);
                        }
                        Some(Err(error)) => return Poll::Ready(Event::Ended(Err(broken(error)))),
                        None => {
                            return answer.poll_trailers(cx).map(|trailers| Event::Ended(ended(trailers)));
                        }
                    }
                }
                State::Ended => return Poll::Pending,
            }
        }
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel").field("address", &self.address).finish_non_exhaustive()
    }
}

/// A message with its prefix.
fn framed(message: &impl Message) -> Bytes {
    let length = message.encoded_len();
    let mut out = BytesMut::with_capacity(PREFIX_BYTES + length);
    out.put_u8(0);
    out.put_u32(u32::try_from(length).unwrap_or(u32::MAX));
    // The buffer grows: it has room for whatever there is.
    let _ = message.encode(&mut out);
    out.freeze()
}

/// Takes the first whole message away from the front of what has come.
fn message(input: &mut BytesMut) -> Option<Result<Bytes, LoadError>> {
    let prefix = input.first_chunk::<PREFIX_BYTES>()?;
    let [compressed, length @ ..] = *prefix;
    if compressed != 0 {
        return Some(Err(LoadError::Nonsense("a compressed message")));
    }
    let length = u32::from_be_bytes(length) as usize;
    if input.len() < PREFIX_BYTES + length {
        return None;
    }
    input.advance(PREFIX_BYTES);
    Some(Ok(input.split_to(length).freeze()))
}

fn ended(trailers: Result<Option<HeaderMap>, h2::Error>) -> Result<(), LoadError> {
    let trailers = trailers.map_err(broken)?;
    status(&trailers.ok_or(LoadError::Nonsense("no status"))?)
}

/// What the headers say of how a call went.
fn status(headers: &HeaderMap) -> Result<(), LoadError> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match text("grpc-status") {
        "0" => Ok(()),
        number => {
            Err(LoadError::Refused { kind: status_name(number), detail: text("grpc-message").to_owned() })
        }
    }
}

/// gRPC's `Code`.
fn status_name(number: &str) -> &'static str {
    match number {
        "1" => "CANCELLED",
        "2" => "UNKNOWN",
        "3" => "INVALID_ARGUMENT",
        "4" => "DEADLINE_EXCEEDED",
        "5" => "NOT_FOUND",
        "8" => "RESOURCE_EXHAUSTED",
        "9" => "FAILED_PRECONDITION",
        "11" => "OUT_OF_RANGE",
        "12" => "UNIMPLEMENTED",
        "13" => "INTERNAL",
        "14" => "UNAVAILABLE",
        _ => "an error",
    }
}

fn broken(error: h2::Error) -> LoadError {
    LoadError::Io(if error.is_io() {
        error.into_io().unwrap_or_else(|| std::io::ErrorKind::BrokenPipe.into())
    } else {
        std::io::Error::other(error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::etcd::api::Put;

    #[test]
    fn a_message_comes_out_as_it_went_in_and_not_before_it_is_whole() {
        let put = Put { key: "/k".into(), value: vec![7; 300].into(), ..Put::default() };
        let sent = framed(&put);
        assert_eq!(sent[..PREFIX_BYTES], [0, 0, 0, 1, 51], "{} bytes", put.encoded_len());
        let mut input = BytesMut::new();
        for byte in &sent[..sent.len() - 1] {
            input.put_u8(*byte);
            assert!(message(&mut input).is_none());
        }
        input.put_slice(&sent[sent.len() - 1..]);
        input.put_slice(&sent);
        for _ in 0..2 {
            let body = message(&mut input).unwrap().unwrap();
            assert_eq!(Put::decode(body).unwrap(), put);
        }
        assert!(input.is_empty());
        assert!(message(&mut BytesMut::from(&[1, 0, 0, 0, 0][..])).unwrap().is_err(), "compressed");
    }

    #[test]
    fn how_a_call_went() {
        let headers = |status: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert("grpc-status", status.parse().unwrap());
            headers.insert("grpc-message", "why".parse().unwrap());
            headers
        };
        assert!(status(&headers("0")).is_ok());
        let refused = status(&headers("14")).unwrap_err();
        assert_eq!(refused.to_string(), "refused with UNAVAILABLE: why");
        assert!(status(&HeaderMap::new()).is_err(), "no status is no success");
    }
}
