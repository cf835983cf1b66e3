//! TLS on top of TCP, with the certificate authorities of the cluster's owner and no others.

use std::io;
use std::path::Path;
use std::sync::Arc;

use doozer_wire::ErrorKind;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::error::{Error, Subject};
use crate::handshake::Refused;
use crate::options::Tls;
use crate::transport::BoxTransport;

#[derive(Clone)]
pub(crate) struct TlsClient {
    connector: TlsConnector,
    server_name: Option<String>,
}

impl TlsClient {
    /// Reads the files. Blocks shortly.
    pub fn new(tls: &Tls) -> Result<TlsClient, Error> {
        let mut roots = RootCertStore::empty();
        for certificate in certificates(&tls.ca)? {
            roots.add(certificate).map_err(|error| broken(&tls.ca, &error))?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| Subject::new("connect").error(ErrorKind::Io, format!("TLS: {error}")))?
            .with_root_certificates(roots);
        let config = match (&tls.certificate, &tls.key) {
            (None, None) => builder.with_no_client_auth(),
            (Some(certificate), Some(path)) => {
                let key = PrivateKeyDer::from_pem_file(path).map_err(|error| broken(path, &error))?;
                let chain = certificates(certificate)?;
                builder.with_client_auth_cert(chain, key).map_err(|error| broken(certificate, &error))?
            }
            _ => {
                let detail = "TLS: a certificate and its key are only of use together";
                return Err(Subject::new("connect").error(ErrorKind::MissingArg, detail));
            }
        };
        let connector = TlsConnector::from(Arc::new(config));
        Ok(TlsClient { connector, server_name: tls.server_name.clone() })
    }

    /// Opens a session with the member at `host`.
    pub async fn connect(&self, host: &str, stream: TcpStream) -> Result<BoxTransport, Refused> {
        let name = self.server_name.as_deref().unwrap_or(host);
        let server_name = ServerName::try_from(name.to_owned())
            .map_err(|_| Refused::Hopeless(format!("TLS: no certificate can be for `{name}`")))?;
        match self.connector.connect(server_name, stream).await {
            Ok(stream) => Ok(Box::new(stream)),
            Err(error) => Err(explain(&error, name)),
        }
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match read {
        Ok(certificates) if certificates.is_empty() => Err(broken(path, &"there is no certificate in it")),
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(broken(path, &error)),
    }
}

fn broken(path: &Path, problem: &dyn std::fmt::Display) -> Error {
    Subject::new("connect").error(ErrorKind::Io, format!("TLS: {}: {problem}", path.display()))
}

/// Puts the common mistakes into plain words.
fn explain(error: &io::Error, name: &str) -> Refused {
    use rustls::{CertificateError as Problem, Error as Tls};
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<Tls>());
    let why = match tls {
        Some(Tls::InvalidCertificate(Problem::UnknownIssuer | Problem::BadSignature)) => {
            "the member's certificate is not signed by the given CA".to_owned()
        }
        Some(Tls::InvalidCertificate(Problem::NotValidForName | Problem::NotValidForNameContext { .. })) => {
            format!("the member's certificate is not for `{name}`")
        }
        Some(Tls::InvalidCertificate(problem)) => format!("the member's certificate is not valid: {problem}"),
        Some(Tls::InvalidMessage(_)) => return Refused::Now("TLS: the member does not speak TLS".to_owned()),
        Some(Tls::AlertReceived(alert)) => format!("the member refused this client: {alert:?}"),
        _ => return Refused::Now(format!("TLS: {error}")),
    };
    Refused::Hopeless(format!("TLS: {why}"))
}
