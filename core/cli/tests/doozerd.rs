//! A running doozerd: its start line, flags, environment, signals and data.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

mod common;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;

use bytes::BytesMut;
use common::{Member, doozer, doozerd, words};
use doozer_wire::{Request, Verb};
use rustix::process::Signal;

#[test]
fn its_start_line_says_who_where_and_what() {
    let dir = tempfile::tempdir().unwrap();
    let member = Member::within(dir.path(), &["-c", "prod"], &[]);
    let Member { id, address, .. } = &member;
    assert_eq!(id.len(), 26, "{id}");
    let line = format!(
        "doozerd 0.1.0: member {id} of cluster \"prod\" serving {address}, data in ./prod-0.doozer (revision 8)"
    );
    assert_eq!(member.said, [line]);
    assert!(dir.path().join("prod-0.doozer").is_dir());
    member.run("get /ctl/name").prints("prod");
    member.run(&format!("get /ctl/node/{id}/addr")).prints(address);
    member.run(&format!("get /ctl/node/{id}/version")).prints("0.1.0");
    let hostname = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    member.run(&format!("get /ctl/node/{id}/hostname")).prints(hostname.trim_end());
    member.run("get /ctl/settings/max-value").prints("1048576");
    member.stop();
}

#[test]
fn it_is_who_it_was_after_a_stop_or_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let start = || Member::within(dir.path(), &["--data-dir", "d"], &[]);
    let first = start();
    let (id, rev) = (first.id.clone(), first.put(b"kept", "add /a").rev());
    first.stop();
    let second = start();
    assert_eq!(second.id, id);
    assert!(second.revision >= rev, "{} after {rev}", second.revision);
    second.run("get /a").prints("kept");
    second.kill();
    let third = start();
    assert_eq!(third.id, id);
    third.run(&format!("get /a {rev}")).prints("kept");
}

#[test]
fn the_flags_of_the_original() {
    let args = words("-timeout 5 -hist 3 -fill .1 -pulse=1 -w false");
    let member = Member::with(&args, &[]);
    let warnings: Vec<&str> = member.said.iter().filter_map(|line| line.split("doozerd: ").nth(1)).collect();
    let ignored = |flag| format!("-{flag} means nothing to this version and is ignored");
    assert_eq!(warnings[..2], [ignored("fill"), ignored("pulse")], "{:?}", member.said);
    assert_eq!(member.said.len(), 3, "{:?}", member.said);
    // No colours where there is no terminal.
    assert!(member.said.iter().all(|line| !line.contains('\u{1b}')), "{:?}", member.said);
    for _ in 0..5 {
        member.run("touch /a").prints("");
    }
    member
        .run("get /a 1")
        .fails(2, "Error: TOO_LATE: /a: The revision is older than the history the member keeps.");
    member.stop();
}

#[test]
fn warnings() {
    let warned = |args: &str, variables: &[(&str, &str)]| {
        let member = Member::with(&words(&format!("--memory {args}")), variables);
        assert_eq!(member.said.len(), 2, "{:?}", member.said);
        assert!(member.said[0].contains(" WARN "), "{:?}", member.said);
        member.said[0].split("doozerd: ").nth(1).unwrap().to_owned()
    };
    assert_eq!(warned("-w :8080", &[]), "-w :8080: this version has no web view; nothing listens there");
    assert_eq!(
        warned("", &[("DOOZER_ROSECRET", "ro")]),
        "DOOZER_ROSECRET is set without DOOZER_RWSECRET: nobody can write"
    );
}

#[test]
fn limits() {
    let member = Member::with(&words("--memory --max-value 10 --history-bytes 100k"), &[]);
    member.put(b"0123456789", "add /a").rev();
    member
        .put(b"0123456789a", "add /b")
        .fails(2, "Error: TOO_LARGE: /b: value too large: 11 bytes, limit 10");
    let member = Member::with(&words("--memory --max-sessions 7 --max-session-bytes 2M"), &[]);
    member.run("get /ctl/settings/max-sessions").prints("7");
    member.run("get /ctl/settings/max-session-bytes").prints("2097152");
}

#[test]
fn settings_of_a_cluster_that_is_there_are_not_the_flags() {
    let dir = tempfile::tempdir().unwrap();
    let start = |line: &str| Member::within(dir.path(), &words(&format!("--data-dir d {line}")), &[]);
    start("--max-value 10 --max-sessions 7 --max-session-bytes 2M").stop();
    let member = start("--max-value 20 --max-sessions 8 --max-session-bytes 3M");
    assert_eq!(member.said.len(), 4, "{:?}", member.said);
    let settings = [
        ("max-value 20", "the cluster's largest value is 10 bytes"),
        ("max-sessions 8", "the most sessions of the cluster are 7"),
        ("max-session-bytes 3145728", "the cluster's sessions may take 2097152 bytes"),
    ];
    for (line, (flag, is)) in member.said.iter().zip(settings) {
        let (name, wanted) = flag.split_once(' ').unwrap();
        let remedy = format!("change it with `printf {wanted} | doozer set /ctl/settings/{name} -1`");
        assert!(line.ends_with(&format!("--{flag}: {is}; {remedy}")), "{line}");
    }
    member.stop();
    // What is not said is as it is.
    let member = start("--max-value 10");
    assert_eq!(member.said.len(), 1, "{:?}", member.said);
    member.stop();
}

/// What each of three clients may do: none, with the right read-only secret, with the right read-write secret.
fn rights(member: &Member, secrets: [Option<&str>; 3]) -> [Option<(bool, bool)>; 3] {
    let dir = tempfile::tempdir().unwrap();
    let run = |secret: Option<&str>, line: &str| {
        let secret = secret.map(|secret| format!("&sk={secret}")).unwrap_or_default();
        let uri = format!("doozer:?ca={}{secret}", member.address);
        doozer(dir.path(), &[("DOOZER_URI", &uri)], &words(line), b"")
    };
    secrets.map(|secret| {
        let (reads, writes) = (run(secret, "get /ctl/name"), run(secret, "set /w -1"));
        let wrong = format!("Error: PERMISSION_DENIED: {}: the secret is wrong\n", member.address);
        if reads.stderr == wrong && writes.stderr == wrong {
            return None;
        }
        let may = |ended: &common::Ended| match ended.status {
            Some(0) => true,
            status => {
                let denied = ended.stderr.starts_with("Error: PERMISSION_DENIED: /")
                    && ended.stderr.ends_with(": permission denied\n");
                assert!(status == Some(2) && denied, "{ended:?}");
                false
            }
        };
        Some((may(&reads), may(&writes)))
    })
}

#[test]
fn secrets_from_the_environment_or_from_files() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("secret");
    std::fs::write(&file, "rw\n").unwrap();
    let file = file.to_str().unwrap();
    let start = |variables: &[(&str, &str)]| Member::with(&["--memory"], variables);
    let [none, ro, rw] = [None, Some("ro"), Some("rw")];
    let (read, write) = (Some((true, false)), Some((true, true)));

    let member = start(&[("DOOZER_RWSECRET", "rw")]);
    assert_eq!(rights(&member, [none, ro, rw]), [read, None, write]);
    let member = start(&[("DOOZER_RWSECRET_FILE", file), ("DOOZER_ROSECRET", "ro")]);
    assert_eq!(rights(&member, [none, ro, rw]), [Some((false, false)), read, write]);
    let member = start(&[("DOOZER_ROSECRET", "ro")]);
    assert_eq!(rights(&member, [none, ro, rw]), [Some((false, false)), read, None]);
}

#[test]
fn logs() {
    let dir = tempfile::tempdir().unwrap();
    let said = |args: &str, variables: &[(&str, &str)]| {
        let member = Member::within(dir.path(), &words(args), variables);
        let said = member.said.clone();
        member.signal(Signal::TERM);
        let (status, more) = member.end();
        assert_eq!(status.code(), Some(0));
        [said, more].concat()
    };
    assert_eq!(said("--memory", &[]).len(), 1);
    let has = |lines: &[String], word: &str| lines.iter().any(|line| line.contains(word));
    for (args, variables) in [
        ("--log-level info", &[][..]),
        ("", &[("DOOZER_LOG", "info")]),
        ("", &[("RUST_LOG", "info")]),
        ("", &[("DOOZER_LOG", "info"), ("RUST_LOG", "off")]),
    ] {
        let lines = said(args, variables);
        assert!(has(&lines, "INFO doozer_node::node: stopped"), "{args} {variables:?}: {lines:?}");
    }
    assert_eq!(said("--memory --log-level off -w :80", &[("DOOZER_LOG", "info")]).len(), 1);

    let lines = said("--log-format json -c j --data-dir j -w :80", &[]);
    let json: Vec<serde_json::Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(json.len(), 2, "{lines:?}");
    assert_eq!(json[0]["level"], "WARN");
    assert_eq!(json[1]["message"], "serving");
    for (key, value) in [("cluster", "j"), ("data", "j"), ("version", "0.1.0")] {
        assert_eq!(json[1][key], value, "{key}");
    }
    assert_eq!(json[1]["revision"], 8);
}

#[test]
fn a_lost_disk_ends_it() {
    let dir = tempfile::tempdir().unwrap();
    let member = Member::within(dir.path(), &["--data-dir", "d"], &[]);
    std::fs::remove_dir_all(dir.path().join("d")).unwrap();
    // It holds its files open, so it notices once it needs another one.
    let value = vec![1; 1 << 20];
    let refused =
        (0..100).map(|_| member.put(&value, "set /a -1")).find(|ended| ended.status != Some(0)).unwrap();
    // It may end between two of them, when it readies the next file ahead of need.
    let says = |kind: &str| refused.stderr.starts_with(&format!("Error: {kind}: "));
    assert!(says("OUTCOME_UNKNOWN") || says("DISCONNECTED"), "{refused:?}");
    let (status, said) = member.end();
    assert_eq!(status.code(), Some(1));
    assert!(said.last().unwrap().starts_with("doozerd: the journal failed: "), "{said:?}");
}

#[test]
fn a_signal_stops_it_and_its_port_is_free_again() {
    for signal in [Signal::TERM, Signal::INT] {
        let member = Member::with(&[], &[]);
        let address = member.address.clone();
        let mut idle = TcpStream::connect(&address).unwrap();
        member.signal(signal);
        let (status, said) = member.end();
        assert_eq!((status.code(), said), (Some(0), vec![]));
        // One that was never taken up is reset, which is an end as well.
        assert!(matches!(idle.read(&mut [0]), Ok(0) | Err(_)));
        assert!(TcpStream::connect(&address).is_err());
    }
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let member = Member::with(&words("--memory --max-value 4MiB"), &[]);
    member.put(&vec![1; 4 << 20], "add /big").rev();
    // A client that asks for much and reads nothing: a stop would wait for it, up to its limit.
    let mut stuck = TcpStream::connect(&member.address).unwrap();
    let mut asked = BytesMut::new();
    for tag in 0..20 {
        let request = Request {
            tag: Some(tag),
            verb: Verb::Get as i32,
            path: Some("/big".into()),
            ..Request::default()
        };
        request.encode_frame(&mut asked);
    }
    stuck.write_all(&asked).unwrap();
    stuck.read_exact(&mut [0]).unwrap();
    member.signal(Signal::TERM);
    // It has taken the first signal when nobody can connect any more.
    while TcpStream::connect(&member.address).is_ok() {}
    member.signal(Signal::TERM);
    let (status, said) = member.end();
    let line = "doozerd: stopped at once: a second signal came before everything was done".to_owned();
    assert_eq!((status.code(), said), (Some(128 + 15), vec![line]));
}

#[test]
fn help_and_version() {
    let dir = tempfile::tempdir().unwrap();
    let run = |line: &str| doozerd(dir.path(), &[], &words(line));
    for line in ["-v", "--version"] {
        run(line).prints("doozerd 0.1.0\n");
    }
    let help = run("-h");
    assert_eq!((help.status, &*help.stderr), (Some(0), ""));
    assert_eq!(run("--help").status, Some(0));
    for word in [
        "-l, --listen",
        "-a, --attach",
        "-b, --boot",
        "-c, --cluster",
        "-w, --web",
        "-v, --version",
        "--data-dir",
        "--memory",
        "--history ",
        "--history-bytes",
        "--max-value",
        "--max-sessions",
        "--max-session-bytes",
        "--tls-cert",
        "--tls-key",
        "--tls-ca",
        "--log-format",
        "--log-level",
        "Examples:",
        "DOOZER_RWSECRET",
        "DOOZER_ROSECRET_FILE",
        "DOOZER_LOG",
    ] {
        assert!(help.stdout.contains(word), "{word}: {}", help.stdout);
    }
    assert!(!Path::new("local-8046.doozer").exists());
}
