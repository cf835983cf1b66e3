//! TLS between clients and members, and what is said when it does not fit.

#![allow(clippy::unwrap_used, reason = "a test")]

mod member;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use doozer_client::{Client, Error, ErrorKind, Options, Tls};
use doozer_node::{Config, Node, TlsFiles};
use member::{config, impatient, start};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tempfile::TempDir;

/// An authority, and the files it signs.
struct Authority {
    directory: TempDir,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Authority {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("ca.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
        Authority { directory, issuer: Issuer::new(params, key) }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn ca(&self) -> PathBuf {
        self.path("ca.pem")
    }

    /// A certificate for `name` and its key.
    fn sign(&self, name: &str) -> (PathBuf, PathBuf) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let (certificate, key_path) = (self.path(&format!("{name}.pem")), self.path(&format!("{name}.key")));
        std::fs::write(&certificate, params.signed_by(&key, &self.issuer).unwrap().pem()).unwrap();
        std::fs::write(&key_path, key.serialize_pem()).unwrap();
        (certificate, key_path)
    }

    async fn member(&self, name: &str, client_ca: Option<PathBuf>) -> (Node, SocketAddr) {
        let (certificate, key) = self.sign(name);
        start(Config { tls: Some(TlsFiles { certificate, key, client_ca }), ..config() }).await
    }
}

async fn open(address: SocketAddr, tls: Tls) -> Result<Client, Error> {
    Client::open(&address.to_string(), Options { tls: Some(tls), ..impatient() }).await
}

fn trusting(ca: &Path) -> Tls {
    Tls { ca: ca.to_owned(), ..Tls::default() }
}

fn assert_says(result: Result<Client, Error>, what: &str) {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Disconnected, "{error}");
    assert!(error.detail().contains(what), "{what} is not in {error}");
}

#[tokio::test]
async fn the_right_authority_and_name() {
    let authority = Authority::new();
    let (_node, address) = authority.member("127.0.0.1", None).await;
    let client = open(address, trusting(&authority.ca())).await.unwrap();
    let rev = client.set("/a", vec![5; 300_000], 0).await.unwrap();
    assert_eq!(client.get("/a").await.unwrap().value.map(|value| value.len()), Some(300_000));
    let mut watch = client.watch("/a", rev);
    assert_eq!(watch.next().await.unwrap().unwrap().rev, rev);
}

#[tokio::test]
async fn a_name_can_be_given() {
    let authority = Authority::new();
    let (_node, address) = authority.member("doozer.test", None).await;
    let plain = open(address, trusting(&authority.ca())).await;
    assert_says(plain, "the member's certificate is not for `127.0.0.1`");
    let named = Tls { server_name: Some("doozer.test".into()), ..trusting(&authority.ca()) };
    open(address, named).await.unwrap().nop().await.unwrap();
}

#[tokio::test]
async fn the_wrong_authority_is_reported_at_once() {
    let (authority, other) = (Authority::new(), Authority::new());
    let (_node, address) = authority.member("127.0.0.1", None).await;
    let begun = std::time::Instant::now();
    let wrong = open(address, trusting(&other.ca())).await;
    assert_says(wrong, "TLS: the member's certificate is not signed by the given CA");
    assert!(begun.elapsed() < impatient().connect_timeout);
}

#[tokio::test]
async fn one_side_without_tls() {
    let authority = Authority::new();
    let (_node, with) = authority.member("127.0.0.1", None).await;
    let (_node, without) = start(config()).await;
    assert_says(open(without, trusting(&authority.ca())).await, "TLS");
    assert!(Client::open(&with.to_string(), impatient()).await.is_err());
}

#[tokio::test]
async fn members_may_ask_for_a_certificate() {
    let authority = Authority::new();
    let (_node, address) = authority.member("127.0.0.1", Some(authority.ca())).await;
    let (certificate, key) = authority.sign("client");
    let tls = Tls { certificate: Some(certificate.clone()), key: Some(key), ..trusting(&authority.ca()) };
    open(address, tls).await.unwrap().nop().await.unwrap();
    assert_says(open(address, trusting(&authority.ca())).await, "CertificateRequired");
    let half = Tls { certificate: Some(certificate), ..trusting(&authority.ca()) };
    assert_eq!(open(address, half).await.unwrap_err().kind(), ErrorKind::MissingArg);
}

#[tokio::test]
async fn files_that_cannot_be_used_are_named() {
    let authority = Authority::new();
    let (_node, address) = start(config()).await;
    let missing = open(address, trusting(&authority.path("no.pem"))).await.unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::Io);
    assert!(missing.detail().contains("no.pem"), "{missing}");
    let (_, key) = authority.sign("client");
    let empty = open(address, trusting(&key)).await.unwrap_err();
    assert!(empty.detail().contains("there is no certificate in it"), "{empty}");
}
