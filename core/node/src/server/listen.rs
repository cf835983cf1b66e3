//! Takes connections and gives each its task.

use std::future::pending;
use std::io;
use std::net::{Shutdown, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::io::DuplexStream;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tracing::{debug, warn};

use super::connection::serve;
use crate::access::Access;
use crate::shared::Shared;

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
pub(crate) async fn listen(mut doors: Doors, shared: Arc<Shared>, mut stop: watch::Receiver<bool>) {
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
        if shared.connections.fetch_add(1, Ordering::Relaxed) >= shared.limits.connections_max {
            shared.connections.fetch_sub(1, Ordering::Relaxed);
            warn!(limit = shared.limits.connections_max, "too many connections: closed the newest");
            continue;
        }
        let (shared, stop) = (Arc::clone(&shared), stop.clone());
        match knock {
            Knock::Tcp(stream) => connections.spawn(connection(stream, doors.tls.clone(), shared, stop)),
            Knock::Within(stream) => connections.spawn(serve(stream, shared, Access::Write, stop)),
            Knock::Nobody => continue,
        };
    }
    drop(doors);
    while connections.join_next().await.is_some() {}
}

async fn connection(
    stream: TcpStream,
    tls: Option<TlsAcceptor>,
    shared: Arc<Shared>,
    stop: watch::Receiver<bool>,
) {
    if let Err(error) = prepare(&stream) {
        debug!(%error, "socket options");
    }
    let access = shared.secrets.initial();
    let Some(tls) = tls else { return serve(stream, shared, access, stop).await };
    match timeout(HANDSHAKE, tls.accept(stream)).await {
        Ok(Ok(stream)) => return serve(stream, shared, access, stop).await,
        Ok(Err(error)) => debug!(%error, "a TLS handshake failed"),
        Err(_) => debug!("a TLS handshake took too long"),
    }
    shared.connections.fetch_sub(1, Ordering::Relaxed);
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
