//! Connections to members for programs that speak the protocol themselves, such as one that measures it.
//! What is said on a connection does not belong here.

use std::io;

use doozer_wire::Address;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::dial::ATTEMPT;
use crate::error::Error;
use crate::handshake::Refused;
use crate::options::Tls;
use crate::race::prepare;
use crate::tls::TlsClient;
use crate::transport::BoxTransport;

/// Opens connections on which nothing has been said yet, over TLS if that is asked for.
#[derive(Clone)]
pub struct Dial {
    tls: Option<TlsClient>,
}

impl std::fmt::Debug for Dial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dial").field("tls", &self.tls.is_some()).finish()
    }
}

impl Dial {
    /// Reads the files that are named. Blocks shortly.
    ///
    /// # Errors
    /// [`Io`](crate::ErrorKind::Io) if one of them cannot be used; [`MissingArg`](crate::ErrorKind::MissingArg) for a
    /// certificate without its key.
    pub fn new(tls: Option<&Tls>) -> Result<Dial, Error> {
        Ok(Dial { tls: tls.map(TlsClient::new).transpose()? })
    }

    /// Connects to a member.
    ///
    /// # Errors
    /// If it does not take the connection within 5 s, or the two do not agree on TLS.
    pub async fn connect(&self, to: &Address) -> io::Result<BoxTransport> {
        let connecting = async {
            let stream = TcpStream::connect((to.host.as_str(), to.port)).await?;
            prepare(&stream)?;
            match &self.tls {
                Some(tls) => tls.connect(&to.host, stream).await.map_err(|refused| match refused {
                    Refused::Now(why) | Refused::Hopeless(why) | Refused::Denied(why) => {
                        io::Error::other(why)
                    }
                }),
                None => Ok(Box::new(stream) as BoxTransport),
            }
        };
        timeout(ATTEMPT, connecting).await.unwrap_or_else(|_| {
            Err(io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {ATTEMPT:?}")))
        })
    }
}
