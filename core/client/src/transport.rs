//! What a client's messages travel over, and who opens it: a seam for members in the same process, and for tests.

use std::io;
use std::pin::Pin;
use std::task::{Context, Waker};

use tokio::io::{AsyncRead, AsyncWrite};

/// Anything bytes can be read from and written to: a socket, a TLS session, one half of a
/// [`tokio::io::DuplexStream`].
pub trait Transport: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Transport for T {}

/// A transport of any kind.
pub type BoxTransport = Box<dyn Transport>;

/// A transport to be.
pub type Connecting<'a> = Pin<Box<dyn Future<Output = io::Result<BoxTransport>> + Send + 'a>>;

/// Opens transports to a member; see [`Client::over`](crate::Client::over). Closures that return a future of one are
/// connectors.
///
/// ```no_run
/// # async fn example() -> Result<(), doozer_client::Error> {
/// use doozer_client::{Client, Options};
///
/// let client = Client::over(|| tokio::net::TcpStream::connect("10.0.0.1:8046"), Options::default()).await?;
/// # Ok(()) }
/// ```
pub trait Connector: Send + Sync + 'static {
    /// Opens one transport. Called again each time the last one was lost.
    fn connect(&self) -> Connecting<'_>;
}

impl<F, Connect, T> Connector for F
where
    F: Fn() -> Connect + Send + Sync + 'static,
    Connect: Future<Output = io::Result<T>> + Send + 'static,
    T: Transport,
{
    fn connect(&self) -> Connecting<'_> {
        let connect = self();
        Box::pin(async move { connect.await.map(|transport| Box::new(transport) as BoxTransport) })
    }
}

/// A transport that ends for the other side when it is dropped here. Closing alone would not do: a process that was
/// forked meanwhile holds the same socket.
pub(crate) struct HangUp(pub BoxTransport);

impl Drop for HangUp {
    fn drop(&mut self) {
        // A socket does it at once. Where it takes longer, nobody is left to wait for it.
        let _ = Pin::new(&mut self.0).poll_shutdown(&mut Context::from_waker(Waker::noop()));
    }
}
