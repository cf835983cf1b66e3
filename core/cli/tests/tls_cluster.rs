//! Clusters whose members and clients talk over TLS, with and without certificates of clients.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

mod common;

use std::path::Path;

use common::authority::Authority;
use common::cluster::{Cluster, patient, wait_for_voters};
use common::daemon::{Daemon, ports};
use doozer_client::{Client, Options, Tls};
use rustix::process::Signal;

const OPEN: &str = "--memory --tls-cert member.pem --tls-key member.key";
const CLOSED: &str = "--memory --tls-cert member.pem --tls-key member.key --tls-ca ca.pem";

/// Three members with certificates of one authority, in the cluster's directory.
fn cluster(args: &str) -> (Cluster, Authority) {
    let mut cluster = Cluster::places(3, args);
    let authority = Authority::within(cluster.dir());
    authority.sign("member", "127.0.0.1");
    authority.sign("client", "client");
    cluster.run_all();
    (cluster, authority)
}

/// What a client of it shows and trusts.
fn tls(authority: &Authority, shows_itself: bool) -> Tls {
    let file = |name: &str| authority.dir().join(name);
    let own = |name: &str| shows_itself.then(|| file(name));
    Tls { ca: file("ca.pem"), certificate: own("client.pem"), key: own("client.key"), server_name: None }
}

/// Writes at each member and reads at each other one.
async fn use_it(cluster: &Cluster, tls: Tls) {
    let mut clients = Vec::new();
    for address in cluster.addresses() {
        let options = Options { tls: Some(tls.clone()), ..patient() };
        clients.push(Client::open(address, options).await.unwrap());
    }
    wait_for_voters(&clients[0], 3).await;
    for (here, client) in clients.iter().enumerate() {
        assert_eq!(client.self_id().await.unwrap(), cluster.member(here).id);
        let rev = client.set("/a", here.to_string(), -1).await.unwrap();
        for other in &clients {
            let file = other.get("/a").await.unwrap();
            assert_eq!((file.rev, file.value), (rev, Some(here.to_string().into())));
        }
    }
    // Otherwise what closes their sessions may still be under way when the members are stopped.
    for client in clients {
        client.close().await;
    }
}

fn run(work: impl Future<Output = ()>) {
    tokio::runtime::Runtime::new().unwrap().block_on(work);
}

/// One that is to join with the files in this directory does not, and says just this about the cluster.
fn is_refused(cluster: &Cluster, dir: &Path, files: &str, why: &str) {
    let [address] = ports();
    let place = &cluster.addresses()[0];
    let joiner = Daemon::start(dir, &address, &format!("--memory {files} -a {place}"), &[]);
    joiner.says("waiting: ");
    let line = format!(
        "waiting: no address given with -a runs a cluster to join: {place} ({why}); to found one, give this member's own \
         ({address}) to each as well"
    );
    assert_eq!(joiner.lines(), [line]);
}

#[test]
fn members_talk_over_tls() {
    let (mut cluster, authority) = cluster(OPEN);
    run(use_it(&cluster, tls(&authority, false)));
    let why = "it speaks TLS: give this member --tls-cert and --tls-key as well";
    is_refused(&cluster, authority.dir(), "", why);
    let mut member = cluster.take(0);
    member.says(
        "a connection from 127.0.0.1: TLS: it does not speak TLS: a client needs --tls-ca, a member --tls-cert",
    );
    cluster.put(0, member);
    cluster.end_all(Signal::TERM);
}

#[test]
fn members_and_clients_show_certificates() {
    let (mut cluster, authority) = cluster(CLOSED);
    run(use_it(&cluster, tls(&authority, true)));
    let stranger = Authority::new();
    stranger.sign("member", "127.0.0.1");
    let files = "--tls-cert member.pem --tls-key member.key";
    let why = "TLS: its certificate is not signed by this member's CA: give both the same --tls-ca, and certificates that it \
               signed";
    is_refused(&cluster, stranger.dir(), &format!("{files} --tls-ca ca.pem"), why);
    // It takes theirs, and they do not take its own.
    let ca = authority.dir().join("ca.pem");
    for trusts in [format!("--tls-ca {}", ca.display()), String::new()] {
        let why = "TLS: it refuses this member's certificate (DecryptError): have its --tls-ca sign this member's --tls-cert";
        is_refused(&cluster, stranger.dir(), &format!("{files} {trusts}"), why);
    }
    // Their operator sees it as well.
    let mut member = cluster.take(0);
    member.says(
        "a connection from 127.0.0.1: TLS: its certificate is not signed by this member's --tls-ca: give it one that is",
    );
    cluster.put(0, member);
    cluster.end_all(Signal::TERM);
}

#[test]
fn a_certificate_for_another_address_is_not_dialed() {
    let (mut cluster, authority) = cluster(CLOSED);
    run(use_it(&cluster, tls(&authority, true)));
    authority.sign("elsewhere", "elsewhere.example");
    let [address] = ports();
    let files = "--tls-cert elsewhere.pem --tls-key elsewhere.key --tls-ca ca.pem";
    let line = format!("--memory {files} -a {}", cluster.addresses()[0]);
    let joiner = Daemon::start(authority.dir(), &address, &line, &[]);
    let mut member = cluster.take(0);
    let said = member.says("TLS: its certificate is not for this address: sign one that is");
    assert!(said.contains(" WARN doozer_node::peers::home: member "), "{said}");
    cluster.put(0, member);
    let reached = format!("does not come here: see whether it can reach this member at {address}");
    joiner.says(&reached);
    run(use_it(&cluster, tls(&authority, true)));
    cluster.end_all(Signal::TERM);
}

#[test]
fn a_member_without_tls_is_not_joined_with_it() {
    let mut cluster = Cluster::start(3, "--memory");
    let authority = Authority::within(cluster.dir());
    authority.sign("member", "127.0.0.1");
    let why = "TLS: it does not speak TLS: start all members with --tls-cert, or none";
    is_refused(&cluster, authority.dir(), "--tls-cert member.pem --tls-key member.key", why);
    cluster.end_all(Signal::TERM);
}
