//! A TCP connection that is read and written in large pieces: a system call carries many messages.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::task::{Context, Poll, ready};

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::connection::LoadError;

const READ_BYTES: usize = 64 << 10;

/// A connection with what is to be sent, and what has come and is not taken yet.
#[derive(Debug)]
pub struct Exchange {
    stream: TcpStream,
    input: BytesMut,
    output: BytesMut,
}

impl Exchange {
    /// Connects to `HOST:PORT`.
    ///
    /// # Errors
    /// [`LoadError::Connect`].
    pub async fn connect(address: &str) -> Result<Exchange, LoadError> {
        let stream = dial(address).await?;
        Ok(Exchange { stream, input: BytesMut::new(), output: BytesMut::new() })
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
    }

    /// Sends what can be sent at once, for last words that nobody waits for.
    pub fn send_now(&mut self) {
        // Whether it gets there makes no difference any more.
        let _ = self.stream.try_write(&self.output);
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
