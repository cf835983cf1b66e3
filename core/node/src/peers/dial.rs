//! A connection to an address.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use doozer_wire::Address;
use rustls::pki_types::ServerName;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio::time::timeout;

use super::home::Home;
use super::words;

/// How long a connection may take, each address of a name.
const CONNECT: Duration = Duration::from_secs(1);

/// A connection on which nothing is acknowledged for so long is given up: after a partition a new one is at hand at once,
/// where the old one would wait for its next retransmission.
const UNACKNOWLEDGED: Duration = Duration::from_secs(1);

/// Both directions of a connection.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Connects, with TLS if the cluster has it.
pub(super) async fn dial(home: &Home, address: &Address) -> io::Result<Box<dyn Stream>> {
    let stream = connect(home.bind, address).await?;
    prepare(&stream)?;
    let Some(tls) = &home.tls else { return Ok(Box::new(stream)) };
    let name = ServerName::try_from(address.host.clone())
        .map_err(|_| io::Error::other(format!("TLS: no certificate can be for `{}`", address.host)))?;
    let stream = timeout(CONNECT, tls.connect(name, stream)).await.map_err(|_| too_slow())?;
    let stream = stream.map_err(words::of_no_tls)?;
    Ok(Box::new(stream))
}

async fn connect(bind: Option<IpAddr>, address: &Address) -> io::Result<TcpStream> {
    let mut last = None;
    for there in lookup_host((address.host.as_str(), address.port)).await? {
        match timeout(CONNECT, connect_to(bind, there)).await.unwrap_or_else(|_| Err(too_slow())) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the name has no address")))
}

async fn connect_to(bind: Option<IpAddr>, there: SocketAddr) -> io::Result<TcpStream> {
    let socket = if there.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // From the address it listens on, if the two can talk: not from 127.0.0.1 to another host.
    if let Some(bind) = bind
        .filter(|bind| bind.is_ipv4() == there.is_ipv4() && (!bind.is_loopback() || there.ip().is_loopback()))
    {
        socket.bind(SocketAddr::new(bind, 0))?;
    }
    socket.connect(there).await
}

fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    #[cfg(target_os = "linux")]
    SockRef::from(stream).set_tcp_user_timeout(Some(UNACKNOWLEDGED))?;
    Ok(())
}

fn too_slow() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "no answer in time")
}
