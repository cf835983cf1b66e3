//! doozer and doozerd over TLS, with and without client certificates.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

mod common;

use std::path::Path;

use common::authority::Authority;
use common::{Member, words};

fn member(authority: &Authority, args: &str) -> Member {
    authority.sign("member", "127.0.0.1");
    Member::within(authority.dir(), &words(&format!("--memory {args}")), &[])
}

fn shown(path: &Path, name: &str) -> String {
    path.join(name).to_str().unwrap().to_owned()
}

#[test]
fn there_and_back() {
    let authority = Authority::new();
    // The names that the original gave these flags.
    let mut member = member(&authority, "-tlscert member.pem -tlskey=member.key");
    member.put(b"secret", "--tls-ca ca.pem add /a").rev();
    member.run("get /a --tls-ca ca.pem").prints("secret");

    let stranger = Authority::new();
    let wrong = shown(stranger.dir(), "ca.pem");
    let line = format!(
        "Error: DISCONNECTED: no member can be reached: {}: TLS: the member's certificate is not signed by the given \
         CA; start doozerd or set DOOZER_URI",
        member.address
    );
    member.run(&format!("rev --tls-ca {wrong}")).fails(2, &line);
    let plain = member.run("rev -t 1");
    assert_eq!((plain.status, plain.stderr.lines().count()), (Some(2), 1), "{plain:?}");
    assert!(plain.stderr.starts_with("Error: DISCONNECTED: "), "{plain:?}");
    let no_file = member.run("rev --tls-ca none.pem");
    assert!(no_file.stderr.starts_with("Error: IO: TLS: none.pem: "), "{no_file:?}");
    // Its operator sees why they get nowhere.
    member.says("from 127.0.0.1: TLS: it does not take this member's certificate (DecryptError): give it a --tls-ca that signed");
    member.says("a connection from 127.0.0.1: TLS: it does not speak TLS: a client needs --tls-ca, a member --tls-cert");
    member.stop();
}

#[test]
fn clients_show_who_they_are() {
    let authority = Authority::new();
    let member = member(&authority, "--tls-cert member.pem --tls-key member.key --tls-ca ca.pem");
    authority.sign("client", "client");
    let known = "--tls-ca ca.pem --tls-cert client.pem --tls-key client.key";
    member.put(b"x", &format!("{known} add /a")).rev();
    member.run(&format!("{known} get /a")).prints("x");
    let bench = member.run(&format!("bench {known} --keys 300 --value-bytes 5000 --seconds 0.2 --json"));
    assert_eq!((bench.status, &*bench.stderr), (Some(0), ""), "{bench:?}");
    let figures: serde_json::Value = serde_json::from_str(&bench.stdout).unwrap();
    assert!(figures["ops"].as_u64().unwrap() > 0, "{figures}");
    let unknown = member.run("--tls-ca ca.pem -t 1 get /a");
    assert_eq!((unknown.status, unknown.stderr.lines().count()), (Some(2), 1), "{unknown:?}");
    assert!(unknown.stderr.starts_with("Error: DISCONNECTED: "), "{unknown:?}");
}
