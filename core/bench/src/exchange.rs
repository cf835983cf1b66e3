//! A connection, TCP or whatever is given, that is read and written in large pieces: a system call carries many messages.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::net::TcpStream;

use crate::connection::LoadError;

const READ_BYTES: usize = 64 << 10;

/// What bytes are exchanged over where it is more than TCP: a TLS session, say.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Stream for T {}

/// A stream to be.
pub type Opening = Pin<Box<dyn Future<Output = io::Result<Box<dyn Stream>>> + Send>>;

/// Opens a stream to `HOST:PORT`.
pub type Opener = Arc<dyn Fn(&str) -> Opening + Send + Sync>;

/// A connection with what is to be sent, and what has come and is not taken yet.
#[derive(Debug)]
pub struct Exchange {
    stream: Line,
    input: BytesMut,
    output: BytesMut,
}

/// TCP without a detour, since that is what is measured.
enum Line {
    Tcp(TcpStream),
    Other(Box<dyn Stream>),
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Line::Tcp(stream) => stream.fmt(f),
            Line::Other(_) => f.write_str("Other"),
        }
    }
}

impl Exchange {
    /// Connects to `HOST:PORT` by a way of one's own.
    ///
    /// # Errors
    /// [`LoadError::Connect`].
    pub async fn over(opener: &Opener, address: &str) -> Result<Exchange, LoadError> {
        let stream = opener(address).await;
        let stream = stream.map_err(|source| LoadError::Connect { address: address.to_owned(), source })?;
        Ok(Exchange { stream: Line::Other(stream), input: BytesMut::new(), output: BytesMut::new() })
    }

    /// Connects to `HOST:PORT`.
    ///
    /// # Errors
    /// [`LoadError::Connect`].
    pub async fn connect(address: &str) -> Result<Exchange, LoadError> {
        let stream = dial(address).await?;
        Ok(Exchange { stream: Line::Tcp(stream), input: BytesMut::new(), output: BytesMut::new() })
    }

    /// What has come. Whoever understands the front of it takes it away.
    pub fn input(&mut self) -> &mut BytesMut {
        &mut self.input
    }

    /// What is to be sent. More is put at its end.
    pub fn output(&mut self) -> &mut BytesMut {
        &mut self.output
    }

    /// Sends as much as is taken, and is ready when something has come.
    ///
    /// # Errors
    /// If the connection has broken; [`io::ErrorKind::UnexpectedEof`] if the other side has closed it.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Line::Tcp(stream) => poll(stream, &mut self.output, &mut self.input, cx),
            Line::Other(stream) => poll(stream, &mut self.output, &mut self.input, cx),
        }
    }

    /// Sends what can be sent at once, for last words that nobody waits for.
    pub fn send_now(&mut self) {
        // Whether it gets there makes no difference any more.
        if let Line::Tcp(stream) = &self.stream {
            let _ = stream.try_write(&self.output);
        }
    }
}

fn poll(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    output: &mut BytesMut,
    input: &mut BytesMut,
    cx: &mut Context<'_>,
) -> Poll<io::Result<()>> {
    // An unsent rest must not keep answers from being read: the member may be waiting for just that.
    while !output.is_empty() {
        match Pin::new(&mut *stream).poll_write(cx, output)? {
            Poll::Ready(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
            Poll::Ready(written) => output.advance(written),
            Poll::Pending => break,
        }
    }
    // A TLS session may still hold some of it. What does not get out now does when this is polled again.
    let _ = Pin::new(&mut *stream).poll_flush(cx)?;
    input.reserve(READ_BYTES);
    match ready!(pin!(stream.read_buf(input)).poll(cx))? {
        0 => Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
        _ => Poll::Ready(Ok(())),
    }
}

/// A TCP connection to `HOST:PORT` without delays of its own.
///
/// # Errors
/// [`LoadError::Connect`].
pub async fn dial(address: &str) -> Result<TcpStream, LoadError> {
    let connect = |source| LoadError::Connect { address: address.to_owned(), source };
    let stream = TcpStream::connect(address).await.map_err(connect)?;
    stream.set_nodelay(true).map_err(connect)?;
    Ok(stream)
}
