//! What an operator can do wrong, and what he is told: one line that names the thing and the remedy.

use crate::common::daemon::{Daemon, ports};
use crate::common::doozerd;
use crate::common::words;
use crate::names::{Names, cluster_of, command, kill_all, start_boot};

#[test]
fn a_boot_uri_that_leads_nowhere() {
    let dir = tempfile::tempdir().unwrap();
    let [listen] = ports();
    let refused = |line: &str, why: &str| {
        let line = format!("-l {listen} -c prod {line}");
        doozerd(dir.path(), &[], &words(&line)).fails(2, &format!("doozerd: {why}"));
    };
    let form = "-b: neither `doozer:?ca=HOST:PORT&cn=NAME` nor a list `HOST:PORT,HOST:PORT`";
    refused("-b doozer://h?sk=hush", form);
    refused("-b h:0", "-b: address `h:0`: the port is not a number from 1 to 65535");
    refused(
        "-b doozer:?cn=names",
        "the boot cluster's URI holds no address: give it as doozer:?ca=HOST:PORT&sk=SECRET, or HOST:PORT,HOST:PORT",
    );
    refused(
        "-b 10.0.0.1:8046",
        &format!(
            "{listen} is an address within this machine, and the boot cluster is elsewhere: give one at which others reach \
             this member with -l, or with --advertise"
        ),
    );
    let line = format!("-l {listen} -c prod -b {listen}1 --boot-tls-ca none.pem");
    let line = line.replace(&format!("{listen}1"), "127.0.0.1:9");
    let ended = doozerd(dir.path(), &[], &words(&line));
    assert_eq!(ended.status, Some(2), "{ended:?}");
    assert!(ended.stderr.starts_with("doozerd: the boot cluster: TLS: none.pem: "), "{ended:?}");
    let by_environment = doozerd(dir.path(), &[("DOOZER_BOOT_URI", "h:0")], &["-l", &listen]);
    by_environment
        .fails(2, "doozerd: DOOZER_BOOT_URI: address `h:0`: the port is not a number from 1 to 65535");
}

#[test]
fn a_boot_clusters_own_member() {
    let dir = tempfile::tempdir().unwrap();
    let [address] = ports();
    let member = Daemon::start(dir.path(), &address, "-c names --memory", &[("DOOZER_BOOT_URI", &address)]);
    member.serves();
    let line =
        format!("the boot URI names this member's own address, {address}: its cluster is looked for nowhere");
    assert_eq!(member.lines()[0], line);
}

#[test]
fn secrets_of_the_boot_cluster() {
    let dir = tempfile::tempdir().unwrap();
    let [boot, address] = ports();
    let boot = start_boot(dir.path(), &boot, &[("DOOZER_RWSECRET", "right"), ("DOOZER_ROSECRET", "read")]);
    boot.serves();
    let place = &boot.address;
    let start = |secret: &str, own: &[(&str, &str)]| {
        let line = format!("-c prod --memory -b doozer:?ca={place}{secret}");
        Daemon::start(dir.path(), &address, &line, own)
    };
    let refuses = "it refuses the secret: give its own in the boot URI (sk=SECRET, or sk= if it has none)";
    let read =
        "the secret does not let this member read there: give one that does in the boot URI (sk=SECRET)";
    let write =
        "the secret does not let this member write there: give one that does in the boot URI (sk=SECRET)";
    let own: &[(&str, &str)] = &[("DOOZER_RWSECRET", "own")];
    for (secret, own, why) in
        [("&sk=wrong", &[][..], refuses), ("", own, refuses), ("", &[], read), ("&sk=read", own, write)]
    {
        let member = start(secret, own);
        member.says("waiting: ");
        assert_eq!(member.lines(), [format!("waiting: the boot cluster {place}: {why}")]);
        member.kill();
    }
    // The same for both, or each its own.
    start("", &[("DOOZER_RWSECRET", "right")]).serves();
    start("&sk=right", own).serves();
}

#[test]
fn an_address_that_is_another_clusters_now() {
    let names = Names::start();
    let addresses: [String; 2] = ports();
    let members = names.members(&addresses, "--memory --voters 2");
    for member in &members {
        member.serves();
    }
    let cluster = cluster_of(&members[0]);
    kill_all(members);
    let other = names.member(&addresses[1], "--memory -c other");
    other.serves();
    let member = names.member(&addresses[0], "--memory --voters 2");
    let line = member.says("waiting: cluster \"prod\" was founded before");
    assert!(
        line.contains(&format!(": {} (it belongs to cluster \"other\"): start it; ", addresses[1])),
        "{line}"
    );
    assert_eq!(member.lines().len(), 1, "{:?}", member.lines());
    let forget = command(&line).strip_prefix(&format!("-a {} ", names.boot.address)).unwrap().to_owned();
    names.boot.run(&forget).prints("");
    member.serves();
    assert_ne!(cluster_of(&member), cluster_of(&other));
    assert_ne!(cluster_of(&member), cluster);
}
