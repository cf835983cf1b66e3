//! From the command line and the environment to a client.

use std::time::Duration;

use doozer_client::{Client, Options, Tls};

use super::args;
use super::failure::Failure;

const DEFAULT_URI: &str = "doozer:?ca=127.0.0.1:8046";

/// How long a cluster is looked for if nobody says. A person waits for it, and a script can say more.
const CONNECT: Duration = Duration::from_secs(2);

/// Opens the client that the options ask for.
pub(super) async fn connect(options: &args::Options) -> Result<Client, Failure> {
    Ok(Client::open(&uri_of(options), client_options(options)).await?)
}

/// The cluster that the options or the environment name.
pub(super) fn uri_of(options: &args::Options) -> String {
    uri(options.uri.as_deref(), |name| Some(std::env::var_os(name)?.to_string_lossy().into_owned()))
}

fn uri(flag: Option<&str>, variable: impl Fn(&str) -> Option<String>) -> String {
    let from_environment = || variable("DOOZER_URI").filter(|uri| !uri.is_empty());
    flag.map(str::to_owned).or_else(from_environment).unwrap_or_else(|| DEFAULT_URI.to_owned())
}

pub(super) fn client_options(options: &args::Options) -> Options {
    let usual = Options::default();
    Options {
        timeout: options.timeout.or(usual.timeout),
        connect_timeout: options.timeout.unwrap_or(CONNECT),
        boot: options.boot.clone().or(usual.boot),
        tls: options.tls_ca.clone().map(|ca| Tls {
            ca,
            certificate: options.tls_cert.clone(),
            key: options.tls_key.clone(),
            ..Tls::default()
        }),
        name: concat!("doozer/", env!("CARGO_PKG_VERSION")).to_owned(),
        ..usual
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flag_comes_before_the_environment() {
        let set = |_: &str| Some("env:1".to_owned());
        assert_eq!(uri(Some("flag:1"), set), "flag:1");
        assert_eq!(uri(None, set), "env:1");
        assert_eq!(uri(None, |_| Some(String::new())), DEFAULT_URI);
        assert_eq!(uri(None, |_| None), DEFAULT_URI);
    }
}
