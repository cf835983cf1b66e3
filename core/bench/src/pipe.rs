//! One connection with many requests in flight: whatever has come is read at once, whatever is to be sent is written
//! at once, so that a system call carries many frames. It speaks the original's protocol, without HELLO.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Poll, ready};
use std::time::Instant;

use bytes::BytesMut;
use doozer_wire::{Decoder, ErrorKind, OwnedResponse, Request, Secret, Uri, Verb};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

const READ_BYTES: usize = 64 << 10;

/// A member, or several that a run spreads its connections over.
#[derive(Debug, Clone, Default)]
pub struct Target {
    addresses: Vec<String>,
    secret: Option<Secret>,
}

/// Says that no further request shall be sent. What is under way is still waited for: a write that nobody waits for
/// could come after whatever cleans up behind it.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Says so, from now on.
    pub fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Why a run came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The target has no address.
    #[error("no address to connect to")]
    Nowhere,
    /// There are no files to work on.
    #[error("no files to work on")]
    NoKeys,
    /// An address does not take a connection.
    #[error("cannot connect to {address}: {source}")]
    Connect {
        /// The address.
        address: String,
        /// What the system says.
        source: io::Error,
    },
    /// A connection broke, or the system gives no random number.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// A member answered with an error.
    #[error("refused with {kind}: {detail}")]
    Refused {
        /// The error's name in the protocol.
        kind: &'static str,
        /// What it says about itself.
        detail: String,
    },
    /// An answer is not one to its request.
    #[error("an answer that makes no sense: {0}")]
    Nonsense(&'static str),
}

impl Target {
    /// A member without a secret, at `HOST:PORT`.
    pub fn open(address: impl Into<String>) -> Target {
        Target { addresses: vec![address.into()], secret: None }
    }

    /// The addresses of a URI, and its secret. Its name is not looked up.
    pub fn of(uri: &Uri) -> Target {
        Target {
            addresses: uri.addresses.iter().map(ToString::to_string).collect(),
            secret: uri.secret.clone(),
        }
    }

    /// Opens the connection with this number, to the address whose turn it is.
    pub(crate) async fn connect(&self, number: usize) -> Result<Pipe<TcpStream>, LoadError> {
        let address = self.addresses.get(number % self.addresses.len().max(1)).ok_or(LoadError::Nowhere)?;
        let connect = |source| LoadError::Connect { address: address.clone(), source };
        let stream = TcpStream::connect(address.as_str()).await.map_err(connect)?;
        stream.set_nodelay(true)?;
        let mut pipe = Pipe::new(stream);
        if let Some(secret) = &self.secret {
            let value = Some(secret.as_bytes().to_vec().into());
            pipe.ask(&Request { verb: Verb::Access as i32, value, ..Request::default() }).await?;
        }
        Ok(pipe)
    }
}

/// What is sent over a [`Pipe`], and what becomes of the answers.
pub(crate) trait Work {
    /// Appends the next request, under this tag; false if there is none any more.
    fn next(&mut self, tag: i32, now: Instant, out: &mut BytesMut) -> bool;

    /// A request was answered, with a success.
    fn answered(&mut self, answer: &OwnedResponse, made: Instant, now: Instant) -> Result<(), LoadError>;
}

pub(crate) struct Pipe<S> {
    stream: S,
    input: BytesMut,
    output: BytesMut,
    decoder: Decoder,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Pipe<S> {
    fn new(stream: S) -> Self {
        let decoder = Decoder::new(i32::MAX as usize);
        Pipe { stream, input: BytesMut::new(), output: BytesMut::new(), decoder }
    }

    /// Sends one request, when nothing else is under way, and takes its answer.
    pub async fn ask(&mut self, request: &Request) -> Result<OwnedResponse, LoadError> {
        request.encode_frame(&mut self.output);
        loop {
            if let Some(answer) = self.next_answer()? {
                return Ok(answer);
            }
            self.exchange().await?;
        }
    }

    /// Where requests are put that [`Pipe::ask`] sends before its own.
    pub fn output(&mut self) -> &mut BytesMut {
        &mut self.output
    }

    /// Keeps `in_flight` requests under way until the work has no more and all are answered.
    pub async fn drive(&mut self, in_flight: usize, work: &mut impl Work) -> Result<(), LoadError> {
        let mut made = vec![None; in_flight];
        let mut outstanding = 0;
        let mut now = Instant::now();
        for (tag, made) in (0..).zip(&mut made) {
            *made = work.next(tag, now, &mut self.output).then_some(now);
            outstanding += usize::from(made.is_some());
        }
        while outstanding > 0 {
            self.exchange().await?;
            now = Instant::now();
            while let Some(answer) = self.next_answer()? {
                let tag = answer.tag.ok_or(LoadError::Nonsense("no tag"))?;
                let slot = usize::try_from(tag).ok().and_then(|tag| made.get_mut(tag));
                let slot = slot.ok_or(LoadError::Nonsense("a tag that was never sent"))?;
                work.answered(&answer, slot.take().ok_or(LoadError::Nonsense("a second answer"))?, now)?;
                *slot = work.next(tag, now, &mut self.output).then_some(now);
                outstanding -= usize::from(slot.is_none());
            }
        }
        Ok(())
    }

    /// The next whole answer that was read, if it is a success.
    fn next_answer(&mut self) -> Result<Option<OwnedResponse>, LoadError> {
        let frame = self.decoder.next(&mut self.input).map_err(|_| LoadError::Nonsense("its length"))?;
        let Some(frame) = frame else { return Ok(None) };
        let answer = OwnedResponse::decode(frame).map_err(|_| LoadError::Nonsense("no message"))?;
        match answer.failure() {
            None => Ok(Some(answer)),
            Some((kind, detail)) => Err(refused(kind, detail)),
        }
    }

    /// Sends as much as is taken, and waits until something has come.
    async fn exchange(&mut self) -> io::Result<()> {
        poll_fn(|cx| {
            // An unsent rest must not keep answers from being read: the member may be waiting for just that.
            while !self.output.is_empty() {
                match pin!(self.stream.write_buf(&mut self.output)).poll(cx)? {
                    Poll::Ready(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                    Poll::Ready(_) => {}
                    Poll::Pending => break,
                }
            }
            self.input.reserve(READ_BYTES);
            match ready!(pin!(self.stream.read_buf(&mut self.input)).poll(cx))? {
                0 => Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
                _ => Poll::Ready(Ok(())),
            }
        })
        .await
    }
}

fn refused(kind: ErrorKind, detail: &str) -> LoadError {
    LoadError::Refused { kind: kind.name(), detail: detail.to_owned() }
}
