//! Takes connections and gives each its task.

use std::future::pending;
use std::io;
use std::net::{IpAddr, Shutdown, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::BytesMut;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tracing::{debug, warn};

use super::connection::serve;
use super::lobby::{Guest, Lobby};
use crate::access::Access;
use crate::peers::inbound;

/// How long a TLS handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// How long to wait before trying again when the system has no descriptor left.
const NO_DESCRIPTOR_PAUSE: Duration = Duration::from_millis(100);

/// A dead peer is noticed within about this long, so that its waits are freed.
const DEAD_PEER: Duration = Duration::from_secs(30);

/// Where connections come from.
pub(crate) struct Doors {
    pub listener: Option<TcpListener>,
    pub tls: Option<TlsAcceptor>,
    /// Those of this process.
    pub within: mpsc::UnboundedReceiver<DuplexStream>,
}

impl Drop for Doors {
    /// Closing alone would not do: a process that was forked meanwhile holds the same socket, and would keep the port.
    fn drop(&mut self) {
        if let Some(listener) = &self.listener
            && let Err(error) = SockRef::from(listener).shutdown(Shutdown::Both)
        {
            debug!(%error, "a listening socket was not shut down");
        }
    }
}

enum Knock {
    Tcp(TcpStream),
    Within(DuplexStream),
    Nobody,
}

impl Doors {
    /// The next connection. Cancel-safe.
    async fn knock(&mut self) -> Knock {
        tokio::select! {
            Some(stream) = self.within.recv() => Knock::Within(stream),
            accepted = accept(self.listener.as_ref()) => match accepted {
                Ok((stream, _)) => Knock::Tcp(stream),
                Err(error) => {
                    if is_no_descriptor(&error) {
                        warn!(%error, "cannot take a connection: raise the limit of open files (ulimit -n)");
                        sleep(NO_DESCRIPTOR_PAUSE).await;
                    } else {
                        debug!(%error, "a connection was lost before it was taken");
                    }
                    Knock::Nobody
                }
            },
        }
    }
}

async fn accept(listener: Option<&TcpListener>) -> io::Result<(TcpStream, SocketAddr)> {
    match listener {
        Some(listener) => listener.accept().await,
        None => pending().await,
    }
}

/// Serves clients until `stop` turns true, then lets the connections finish what is under way.
pub(crate) async fn listen(mut doors: Doors, lobby: Arc<Lobby>, mut stop: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        let knock = tokio::select! {
            knock = doors.knock() => knock,
            Some(_) = connections.join_next() => continue,
            _ = stop.wait_for(|stopping| *stopping) => break,
        };
        if matches!(knock, Knock::Nobody) {
            continue;
        }
        if lobby.connections.fetch_add(1, Ordering::Relaxed) >= lobby.limits.connections_max {
            lobby.connections.fetch_sub(1, Ordering::Relaxed);
            let limit = lobby.limits.connections_max;
            lobby.home.warn("too many connections", format_args!("closed the newest, {limit} are open"));
            continue;
        }
        let (lobby, stop) = (Arc::clone(&lobby), stop.clone());
        match knock {
            Knock::Tcp(stream) => connections.spawn(connection(stream, doors.tls.clone(), lobby, stop)),
            Knock::Within(stream) => connections.spawn(enter(stream, None, lobby, Some(Access::Write), stop)),
            Knock::Nobody => continue,
        };
    }
    drop(doors);
    while connections.join_next().await.is_some() {}
}

async fn connection(
    stream: TcpStream,
    tls: Option<TlsAcceptor>,
    lobby: Arc<Lobby>,
    stop: watch::Receiver<bool>,
) {
    if let Err(error) = prepare(&stream) {
        debug!(%error, "socket options");
    }
    let from = stream.peer_addr().ok().map(|address| address.ip());
    let Some(tls) = tls else { return enter(stream, from, lobby, None, stop).await };
    match timeout(HANDSHAKE, tls.accept(stream)).await {
        Ok(Ok(stream)) => return enter(stream, from, lobby, None, stop).await,
        Ok(Err(error)) => lobby.home.warn_of_handshake(from, &error),
        Err(_) => debug!("a TLS handshake took too long"),
    }
    lobby.connections.fetch_sub(1, Ordering::Relaxed);
}

/// Serves whoever comes, once there is a member to do so. It has `access` before it presents anything; if that is not said,
/// what anybody has.
async fn enter<S>(
    mut stream: S,
    from: Option<IpAddr>,
    lobby: Arc<Lobby>,
    access: Option<Access>,
    mut stop: watch::Receiver<bool>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut input = BytesMut::new();
    let guest = tokio::select! {
        guest = lobby.enter(&mut stream, &mut input) => guest,
        _ = stop.wait_for(|stopping| *stopping) => Ok(Guest::Gone),
    };
    match guest {
        Ok(Guest::Client(shared)) => {
            let access = access.unwrap_or_else(|| shared.secrets.initial());
            return serve(stream, from, input, shared, access, stop).await;
        }
        Ok(Guest::Peer(request)) => {
            // It is not one of those that a stop waits for.
            tokio::spawn(inbound::serve(stream, from, input, *request, Arc::clone(&lobby.home)));
        }
        Ok(Guest::Gone) => {}
        Err(error) => debug!(%error, "a connection ended"),
    }
    lobby.connections.fetch_sub(1, Ordering::Relaxed);
}

fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    let probe = DEAD_PEER / 6;
    let keepalive = TcpKeepalive::new().with_time(DEAD_PEER / 2).with_interval(probe).with_retries(3);
    socket.set_tcp_keepalive(&keepalive)?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(DEAD_PEER))?;
    Ok(())
}

fn is_no_descriptor(error: &io::Error) -> bool {
    let code = error.raw_os_error();
    code == Some(rustix::io::Errno::MFILE.raw_os_error())
        || code == Some(rustix::io::Errno::NFILE.raw_os_error())
}
