//! Certificates for tests, made by an authority of their own.

use std::fs;
use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tempfile::TempDir;

/// An authority, in a directory where its own certificate is `ca.pem`.
pub struct Authority {
    dir: PathBuf,
    issuer: Issuer<'static, KeyPair>,
    _own_dir: Option<TempDir>,
}

impl Authority {
    /// In a directory of its own.
    pub fn new() -> Authority {
        let dir = tempfile::tempdir().unwrap();
        let authority = Authority::within(dir.path());
        Authority { _own_dir: Some(dir), ..authority }
    }

    /// In a directory that outlives it.
    pub fn within(dir: &Path) -> Authority {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        fs::write(dir.join("ca.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
        Authority { dir: dir.to_owned(), issuer: Issuer::new(params, key), _own_dir: None }
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Signs a certificate for `host`, as `file`.pem and `file`.key.
    pub fn sign(&self, file: &str, host: &str) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([host.to_owned()]).unwrap();
        let signed = params.signed_by(&key, &self.issuer).unwrap();
        fs::write(self.dir.join(format!("{file}.pem")), signed.pem()).unwrap();
        fs::write(self.dir.join(format!("{file}.key")), key.serialize_pem()).unwrap();
    }
}
