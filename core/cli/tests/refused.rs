//! What doozerd does not start with: one line that names the thing and says what to do, and exit status 2.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use common::{Ended, Member, doozerd, words};

fn start(dir: &Path, variables: &[(&str, &str)], line: &str) -> Ended {
    doozerd(dir, variables, &words(&format!("-l 127.0.0.1:0 {line}")))
}

#[test]
fn an_address_it_cannot_have() {
    let dir = tempfile::tempdir().unwrap();
    let member = Member::start();
    let address = &member.address;
    let taken = format!(
        "doozerd: cannot listen on {address}: Address already in use; is another doozerd running there? choose \
         another address with -l"
    );
    doozerd(dir.path(), &[], &["--memory", "-l", address]).fails(2, &taken);
    let elsewhere = doozerd(dir.path(), &[], &words("--memory -l 192.0.2.1:8046"));
    assert!(elsewhere.stderr.starts_with("doozerd: cannot listen on 192.0.2.1:8046: "), "{elsewhere:?}");
    assert_eq!((elsewhere.status, elsewhere.stderr.lines().count()), (Some(2), 1));
}

#[test]
fn a_directory_it_cannot_use() {
    let dir = tempfile::tempdir().unwrap();
    let at = |line: &str| start(dir.path(), &[], line);

    fs::write(dir.path().join("file"), "").unwrap();
    at("--data-dir file").fails(2, "doozerd: data directory file: cannot list file: Not a directory; it must be a directory that this user can read and \
         write, on a sound disk");

    fs::create_dir(dir.path().join("photos")).unwrap();
    fs::write(dir.path().join("photos/sea.jpg"), "").unwrap();
    at("--data-dir photos").fails(
        2,
        "doozerd: data directory photos: photos is not a data directory of doozerd: it has \"sea.jpg\" but no SUPER. \
         Use an empty directory",
    );

    let member = Member::within(dir.path(), &["--data-dir", "used"], &[]);
    let locked = at("--data-dir used");
    let line = "doozerd: data directory used: used/LOCK is in use: ";
    assert!(locked.stderr.starts_with(line), "{locked:?}");
    assert!(
        locked.stderr.contains("Stop that process, or give this one another data directory"),
        "{locked:?}"
    );
    assert_eq!((locked.status, locked.stderr.lines().count()), (Some(2), 1));
    member.stop();
}

#[test]
fn a_directory_it_may_not_read() {
    if rustix::process::geteuid().is_root() {
        eprintln!("not tried: root may read everything");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let closed = dir.path().join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
    let line = "doozerd: data directory closed: cannot list closed: Permission denied; it must be a \
                directory that this user can read and write, on a sound disk";
    start(dir.path(), &[], "--data-dir closed").fails(2, line);
}

#[test]
fn secrets_it_cannot_have() {
    let dir = tempfile::tempdir().unwrap();
    let with = |variables: &[(&str, &str)]| start(dir.path(), variables, "--memory");
    with(&[("DOOZER_RWSECRET", "hush"), ("DOOZER_RWSECRET_FILE", "f")])
        .fails(2, "doozerd: both DOOZER_RWSECRET and DOOZER_RWSECRET_FILE are set: unset one of them");
    with(&[("DOOZER_ROSECRET_FILE", "/nowhere")])
        .fails(2, "doozerd: DOOZER_ROSECRET_FILE: cannot read /nowhere: No such file or directory");
}

#[test]
fn certificates_it_cannot_use() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("empty.pem"), "").unwrap();
    let ended = start(dir.path(), &[], "--memory --tls-cert empty.pem --tls-key empty.pem");
    assert!(ended.stderr.starts_with("doozerd: TLS: empty.pem: "), "{ended:?}");
    assert_eq!((ended.status, ended.stderr.lines().count()), (Some(2), 1));
    let ended = start(dir.path(), &[], "--memory --tls-cert empty.pem --tls-key none.key");
    assert!(ended.stderr.starts_with("doozerd: TLS: none.key: "), "{ended:?}");
    assert_eq!((ended.status, ended.stderr.lines().count()), (Some(2), 1));
}

#[test]
fn values_that_make_no_sense() {
    let dir = tempfile::tempdir().unwrap();
    let at = |line: &str| start(dir.path(), &[], line);
    at("-c a/b")
        .fails(2, "doozerd: \"a/b\" cannot be a cluster's name: use letters, digits and . - _ : @ = + ~");
    at("--max-value 0").fails(2, "doozerd: the largest value cannot be 0 bytes: choose 1 to 67108864");
    at("--max-value 1G")
        .fails(2, "doozerd: the largest value cannot be 1073741824 bytes: choose 1 to 67108864");
    at("--max-sessions 1048577")
        .fails(2, "doozerd: /ctl/settings/max-sessions cannot be 1048577 sessions: choose 0 to 1048576");
    at("--max-session-bytes 1k").fails(
        2,
        "doozerd: /ctl/settings/max-session-bytes cannot be 1024 bytes: choose 1048576 to 2147483648",
    );
    let filtered = start(dir.path(), &[("DOOZER_LOG", "a=b=c")], "--memory");
    assert!(filtered.stderr.starts_with("doozerd: DOOZER_LOG is no log filter: "), "{filtered:?}");
    assert_eq!((filtered.status, filtered.stderr.lines().count()), (Some(2), 1));
    assert!(!dir.path().join("local-0.doozer").exists(), "nothing was made");
}

#[test]
fn wrong_calls() {
    let dir = tempfile::tempdir().unwrap();
    let size = "not a size: write a number of bytes, or one with a unit such as 256k, 64MiB or 1G";
    let cases = [
        ("--nonsense", "error: unexpected argument '--nonsense' found".to_owned()),
        ("stray", "error: unexpected argument 'stray' found".to_owned()),
        ("--history-bytes 1.5M", format!("error: invalid value '1.5M' for '--history-bytes <SIZE>': {size}")),
        ("--max-value big", format!("error: invalid value 'big' for '--max-value <SIZE>': {size}")),
        (
            "--max-session-bytes 1.5M",
            format!("error: invalid value '1.5M' for '--max-session-bytes <SIZE>': {size}"),
        ),
        (
            "--history 0",
            "error: invalid value '0' for '--history <N>': 0 is not in 1..18446744073709551615".to_owned(),
        ),
        (
            "-hist many",
            "error: invalid value 'many' for '--history <N>': invalid digit found in string".to_owned(),
        ),
        (
            "-a :8046",
            "error: invalid value ':8046' for '--attach <ADDR>': address `:8046`: the host is missing"
                .to_owned(),
        ),
        (
            "--memory --data-dir d",
            "error: the argument '--memory' cannot be used with '--data-dir <DIR>'".to_owned(),
        ),
        ("--tls-cert c", "error: the following required arguments were not provided:".to_owned()),
        ("--log-level loud", "error: invalid value 'loud' for '--log-level <LEVEL>'".to_owned()),
    ];
    for (line, first_line) in cases {
        start(dir.path(), &[], line).is_usage_error(&first_line);
    }
}
