//! How doozer fails: one line on standard error, and an exit status.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

mod common;

use std::time::{Duration, Instant};

use common::{Ended, Member, doozer, words};

fn run(variables: &[(&str, &str)], line: &str) -> Ended {
    let dir = tempfile::tempdir().unwrap();
    doozer(dir.path(), variables, &words(line), b"")
}

/// An address where nobody listens: a port that is never handed out as a free one.
const NOBODY: &str = "127.0.0.1:1";

#[test]
fn what_the_member_refuses() {
    let member = Member::start();
    member.put(b"x", "add /f/g").rev();
    let cases = [
        (1, "add /f/g", "REV_MISMATCH"),
        (1, "set /f/g 1", "REV_MISMATCH"),
        (1, "set /f/g -5", "REV_MISMATCH"),
        (1, "del /f/g 1", "REV_MISMATCH"),
        (2, "set /f -1", "ISDIR: /f: is a directory"),
        (2, "get /f", "ISDIR: /f: A directory stands where the request needs a file."),
        (2, "touch /f", "ISDIR: /f: A directory stands where the request needs a file."),
        (2, "set /f/g/h -1", "NOTDIR: /f/g/h: not a directory"),
        (2, "set relative -1", "BAD_PATH: relative: a path must begin with '/'"),
        (2, "set /f/ -1", "BAD_PATH: /f/: an empty name at byte 3 is not allowed in a path"),
        (2, "del / -1", "ISDIR: /: is a directory"),
        (
            2,
            "wait //",
            "BAD_GLOB: invalid glob pattern: //: an empty name at byte 1 is not allowed in a path",
        ),
        (2, "watch a", "BAD_GLOB: invalid glob pattern: a: a path must begin with '/'"),
        (2, "-t 1 wait /none", "TIMEOUT: /none: no answer within 1s"),
        (2, "-t 1 get /f/g 9999", "TIMEOUT: /f/g: no answer within 1s"),
    ];
    for (status, line, error) in cases {
        let ended = member.run(line);
        let expected =
            Ended { status: Some(status), stdout: String::new(), stderr: format!("Error: {error}\n") };
        assert_eq!(ended, expected, "{line}");
    }
    member
        .put(&vec![0; (1 << 20) + 1], "add /big")
        .fails(2, "Error: TOO_LARGE: /big: value too large: 1048577 bytes, limit 1048576");
}

#[test]
fn nobody_there() {
    let began = Instant::now();
    let line = format!(
        "Error: DISCONNECTED: no member can be reached: {NOBODY}: Connection refused; start doozerd or set DOOZER_URI"
    );
    run(&[("DOOZER_URI", NOBODY)], "get /a").fails(2, &line);
    run(&[], &format!("-a {NOBODY} -t 0.2 watch /a")).fails(2, &line);
    // Generous: a machine may be slow, but it may not try for ever.
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}

#[test]
fn bad_uris_are_named_and_secrets_not_shown() {
    let form = "Error: BAD_URI: neither `doozer:?ca=HOST:PORT&cn=NAME` nor a list `HOST:PORT,HOST:PORT`";
    run(&[], "-a http://h?sk=hush rev").fails(2, form);
    run(&[("DOOZER_URI", "doozer://h")], "rev").fails(2, form);
    run(&[], "rev -a h:0")
        .fails(2, "Error: BAD_URI: address `h:0`: the port is not a number from 1 to 65535");
    let nameless = "Error: BAD_URI: the URI holds only the name `c`: give addresses with ca=, or a cluster to look \
                    it up in (DOOZER_BOOT_URI)";
    run(&[], "-a doozer:?cn=c rev").fails(2, nameless);
}

#[test]
fn a_cluster_is_found_by_its_name() {
    let member = Member::start();
    let revision = format!("{}\n", member.revision);
    run(&[("DOOZER_BOOT_URI", &*member.address)], "-a doozer:?cn=local rev").prints(&revision);
    run(&[], &format!("rev -b {} -a doozer:?cn=local", member.address)).prints(&revision);
    // The flag comes before the environment.
    run(&[("DOOZER_URI", "nobody:1")], &format!("rev -a {}", member.address)).prints(&revision);
}

#[test]
fn wrong_calls() {
    let cases = [
        ("nonsense", "error: unrecognized subcommand 'nonsense'"),
        ("get", "error: the following required arguments were not provided:"),
        ("set /a", "error: the following required arguments were not provided:"),
        ("set /a x", "error: invalid value 'x' for '<REV>': invalid digit found in string"),
        ("get /a /b", "error: invalid value '/b' for '[REV]': invalid digit found in string"),
        ("rev --nonsense", "error: unexpected argument '--nonsense' found"),
        ("set /a 1 -r 2", "error: --rev says nothing to this command"),
        ("get /a 1 -r 2", "error: the revision is given twice"),
        ("ls -r 2 --consistency local", "error: --consistency says nothing about a read at a revision"),
        ("get /a 1 --consistency local", "error: --consistency says nothing about a read at a revision"),
        ("rev --consistency local", "error: unexpected argument '--consistency' found"),
        (
            "-t soon rev",
            "error: invalid value 'soon' for '--timeout <SECONDS>': not a number of seconds, such as 5 or 0.5",
        ),
        ("--tls-cert c rev", "error: --tls-cert and --tls-key are only of use together"),
        ("--tls-cert c --tls-key k rev", "error: --tls-cert needs --tls-ca, which says whom to trust"),
    ];
    for (line, first_line) in cases {
        run(&[], line).is_usage_error(first_line);
    }
    let nothing = run(&[], "");
    assert_eq!((nothing.status, &*nothing.stdout), (Some(2), ""));
    assert!(nothing.stderr.contains("Usage: doozer"), "{}", nothing.stderr);
}
