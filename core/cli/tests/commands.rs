//! What every command of doozer prints, plain and as JSON, and its exit status.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

mod common;

use std::time::{Duration, Instant};

use common::{Member, doozer};

const COMMANDS: [&str; 25] = [
    "add",
    "bench",
    "completions",
    "del",
    "elect",
    "explain",
    "find",
    "get",
    "help",
    "lock",
    "ls",
    "nop",
    "register",
    "rev",
    "self",
    "session",
    "set",
    "stat",
    "status",
    "touch",
    "tree",
    "txn",
    "version",
    "wait",
    "watch",
];

/// A member with /t/a = x, /t/b/c = "", /t/b.d = bytes that are no text; and the revisions of these.
fn member() -> (Member, [i64; 3]) {
    let member = Member::start();
    let a = member.put(b"x", "add /t/a").rev();
    let c = member.put(b"", "add /t/b/c").rev();
    let d = member.put(b"\xff\x00", "add /t/b.d").rev();
    (member, [a, c, d])
}

#[test]
fn writes_print_their_revision_or_nothing() {
    let (member, [a, _, last]) = member();
    member.put(b"y", &format!("set /t/a {a}")).prints(&format!("{}\n", last + 1));
    member.put(b"z", "set /t/a -1").prints(&format!("{}\n", last + 2));
    member.run("get /t/a").prints("z");
    member.run("rev").prints(&format!("{}\n", last + 2));
    member.run("touch /t/a").prints("");
    member
        .run("get --json /t/a")
        .prints(&format!("{{\"path\":\"/t/a\",\"rev\":{},\"value\":\"z\"}}\n", last + 3));
    member.run("touch /t/new").prints("");
    member.run("stat /t/new").prints(&format!("{} 0\n", last + 4));
    member.run("del /t/new -1").prints("");
    member.run("del /t/new -1").prints("");
    member.run("rev").prints(&format!("{}\n", last + 5));
    member.run("nop").prints("");
    member.run("rev").prints(&format!("{}\n", last + 5));
}

#[test]
fn writes_in_json() {
    let (member, [_, _, last]) = member();
    let said = |path, rev| format!("{{\"path\":\"{path}\",\"rev\":{rev}}}\n");
    member.put(b"y", "--json add /j").prints(&said("/j", last + 1));
    member.put(b"y", "set --json /j -1").prints(&said("/j", last + 2));
    member.run("touch /j --json").prints(&said("/j", last + 3));
    member.run("del --json /j -1").prints(&said("/j", last + 4));
    member.run("del --json /j -1").prints("{\"path\":\"/j\",\"rev\":null}\n");
    member.run("nop --json").prints("{}\n");
    member.run("rev --json").prints(&format!("{{\"rev\":{}}}\n", last + 4));
}

#[test]
fn a_value_is_printed_as_it_is() {
    let (member, [a, c, _]) = member();
    let value: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    member.put(&value, "add /big").rev();
    let printed = member.run("get --json /big").stdout;
    let json: serde_json::Value = serde_json::from_str(&printed).unwrap();
    let base64 = json["value_base64"].as_str().unwrap();
    assert_eq!(data_encoding::BASE64.decode(base64.as_bytes()).unwrap(), value);

    member.run("get /t/a").prints("x");
    member.run("get /t/b/c").prints("");
    member
        .run(&format!("get --json /t/a {a}"))
        .prints(&format!("{{\"path\":\"/t/a\",\"rev\":{a},\"value\":\"x\"}}\n"));
    member.run("get --json /t/b/c").prints(&format!("{{\"path\":\"/t/b/c\",\"rev\":{c},\"value\":\"\"}}\n"));
    member.run("get /t/none").prints("");
    member.run("get --json /t/none").prints("{\"path\":\"/t/none\",\"rev\":0}\n");
    member.run(&format!("get /t/b/c -r {a}")).prints("");
    member.run(&format!("-r {a} get --json /t/b/c")).prints("{\"path\":\"/t/b/c\",\"rev\":0}\n");
}

#[test]
fn stat_tells_files_from_directories() {
    let (member, [a, _, d]) = member();
    member.run("stat /t/a").prints(&format!("{a} 1\n"));
    member.run("stat /t").prints("d 3\n");
    member.run(&format!("stat -r {a} /t")).prints("d 1\n");
    let file = format!("{{\"path\":\"/t/b.d\",\"type\":\"file\",\"rev\":{d},\"len\":2}}\n");
    member.run("stat --json /t/b.d").prints(&file);
    member.run("stat --json /t").prints("{\"path\":\"/t\",\"type\":\"dir\",\"entries\":3}\n");
    member.run("stat /none").fails(2, "No such file or directory: /none");
}

#[test]
fn find_lists_depth_first_in_byte_order() {
    let (member, [a, c, d]) = member();
    // The file whose name continues the directory's comes after all that is in the directory.
    member.run("find /t").prints("/t\n/t/a\n/t/b\n/t/b/c\n/t/b.d\n");
    member.run(&format!("find /t -r {c}")).prints("/t\n/t/a\n/t/b\n/t/b/c\n");
    member.run("find /t/a").prints("/t/a\n");
    member.run("find /t/none").fails(2, "No such file or directory: /t/none");
    let json = format!(
        "{{\"path\":\"/t\",\"type\":\"dir\",\"entries\":3}}\n\
         {{\"path\":\"/t/a\",\"type\":\"file\",\"rev\":{a},\"len\":1}}\n\
         {{\"path\":\"/t/b\",\"type\":\"dir\"}}\n\
         {{\"path\":\"/t/b/c\",\"type\":\"file\",\"rev\":{c},\"len\":0}}\n\
         {{\"path\":\"/t/b.d\",\"type\":\"file\",\"rev\":{d},\"len\":2}}\n"
    );
    member.run("find --json /t").prints(&json);
    member.run("tree --json /t").prints(&json);
    let all = member.run("find /").stdout;
    assert!(all.starts_with("/\n/ctl\n/ctl/cal\n/ctl/cal/0\n/ctl/name\n"), "{all}");
    assert!(all.ends_with("/t\n/t/a\n/t/b\n/t/b/c\n/t/b.d\n"), "{all}");
}

#[test]
fn ls_and_tree() {
    let (member, [a, c, d]) = member();
    member.run("ls").prints("ctl/\nt/\n");
    member.run("ls /t").prints("a\nb/\nb.d\n");
    member.run("ls /t/a").prints("/t/a\n");
    member.run(&format!("ls /t -r {a}")).prints("a\n");
    let width = d.to_string().len();
    let long = format!("{a:>width$} 1 a\n{:>width$} 1 b/\n{d} 2 b.d\n", "d");
    member.run("ls -l /t").prints(&long);
    let json = format!(
        "{{\"name\":\"a\",\"type\":\"file\",\"rev\":{a},\"len\":1}}\n\
         {{\"name\":\"b\",\"type\":\"dir\"}}\n\
         {{\"name\":\"b.d\",\"type\":\"file\",\"rev\":{d},\"len\":2}}\n"
    );
    member.run("ls --json /t").prints(&json);
    let b = "{\"name\":\"b\",\"type\":\"dir\"";
    member.run("ls --json -l /t").prints(&json.replace(b, &format!("{b},\"entries\":1")));
    member.run("ls /none").fails(2, "No such file or directory: /none");

    member.run("tree /t").prints("/t\n├── a\n├── b/\n│   └── c\n└── b.d\n");
    member.run(&format!("tree /t -r {c}")).prints("/t\n├── a\n└── b/\n    └── c\n");
    member.run("tree /t/a").prints("/t/a\n");
    let all = member.run("tree").stdout;
    assert!(all.starts_with("/\n├── ctl/\n│   ├── cal/\n│   │   └── 0\n"), "{all}");
    member.run("tree /none").fails(2, "No such file or directory: /none");
}

#[test]
fn a_listing_of_thousands_is_whole() {
    let member = Member::start();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut expected = String::from("/m\n");
    runtime.block_on(async {
        let client = doozer_client::Client::connect(&member.address).await.unwrap();
        for dir in 0..30 {
            expected.push_str(&format!("/m/{dir:02}\n"));
            for file in 0..50 {
                let path = format!("/m/{dir:02}/{file:02}");
                client.add(&path, "x").await.unwrap();
                expected.push_str(&format!("{path}\n"));
            }
        }
    });
    member.run("find /m").prints(&expected);
    assert_eq!(member.run("tree /m").stdout.lines().count(), 1 + 30 * 51);
    assert_eq!(member.run("ls /m").stdout.lines().count(), 30);
}

#[test]
fn who_answers() {
    let member = Member::start();
    member.run("self").prints(&member.id);
    member.run("self --json").prints(&format!("{{\"id\":\"{}\"}}\n", member.id));
    let status = member.run("status").stdout;
    let own = status.lines().take_while(|line| !line.is_empty());
    let keys: Vec<&str> = own.filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(keys[..5], ["member", "address", "version", "role", "cluster"]);
    assert!(status.contains(&format!("member            {}\n", member.id)), "{status}");
    assert!(status.contains(&format!("address           {}\n", member.address)), "{status}");
    assert!(status.contains("durable           false\n"), "{status}");
    let json: serde_json::Value = serde_json::from_str(&member.run("status --json").stdout).unwrap();
    let keys_in_json: Vec<&String> = json.as_object().unwrap().keys().collect();
    assert_eq!(keys_in_json.len(), keys.len() + 1);
    assert_eq!(json["member"], *member.id);
    let row: Vec<&str> = status.lines().last().unwrap().split_whitespace().collect();
    let revision = member.revision.to_string();
    assert_eq!(row, ["0", &member.id, &member.address, "0.1.0", "proposer", "1", &revision, "0", "ok"]);
    assert_eq!((&json["quorum"], &json["health"]), (&true.into(), &"ok".into()));
    assert_eq!(json["members"][0]["member"], *member.id);
    assert_eq!(json["revision"], member.revision);
}

#[test]
fn wait_prints_one_change() {
    let (member, [a, ..]) = member();
    member.run(&format!("wait /t/* -r {a}")).prints(&format!("/t/a {a} set 1\nx\n"));
    member
        .run(&format!("wait --json /t/* -r {a}"))
        .prints(&format!("{{\"path\":\"/t/a\",\"rev\":{a},\"kind\":\"set\",\"value\":\"x\"}}\n"));
    member.run("del /t/a -1").prints("");
    let gone = member.run("rev").rev();
    // Without -r it begins with the current revision, which here is the deletion itself.
    member.run("wait /t/a").prints(&format!("/t/a {gone} del 0\n\n"));
    member
        .run("wait --json /t/a")
        .prints(&format!("{{\"path\":\"/t/a\",\"rev\":{gone},\"kind\":\"del\"}}\n"));

    let mut waiting = member.follow(&format!("wait /t/a -r {}", gone + 1));
    let back = member.put(b"again", "add /t/a").rev();
    assert_eq!([waiting.line(), waiting.line()], [format!("/t/a {back} set 5"), "again".into()]);
    assert!(waiting.end().success());
}

#[test]
fn watch_prints_each_change_at_once_until_its_reader_goes() {
    let (member, [_, _, d]) = member();
    let mut watching = member.follow("watch --json /t/**");
    let shown = |path: &str, rev: i64, value: &str| {
        format!("{{\"path\":\"{path}\",\"rev\":{rev},\"kind\":\"set\",{value}}}")
    };
    assert_eq!(watching.line(), shown("/t/b.d", d, "\"value_base64\":\"/wA=\""));
    for n in 0..3 {
        let path = format!("/t/n{n}");
        let rev = member.put(b"v", &format!("add {path}")).rev();
        assert_eq!(watching.line(), shown(&path, rev, "\"value\":\"v\""));
    }
    watching.close_output();
    // A process that is just being started elsewhere in these tests may hold the other end for a moment, and read nothing.
    let until = Instant::now() + Duration::from_secs(60);
    while !watching.has_ended() {
        assert!(Instant::now() < until, "it goes on without a reader");
        member.put(b"v", "set /t/last -1").rev();
    }
    assert_eq!(watching.end().code(), Some(0));

    let mut past = member.follow(&format!("watch /t/** -r {d}"));
    assert_eq!(past.line(), format!("/t/b.d {d} set 2"));
}

#[test]
fn help_version_and_completions_need_no_member() {
    let dir = tempfile::tempdir().unwrap();
    let run = |line: &str| doozer(dir.path(), &[], &common::words(line), b"");
    for line in ["-v", "--version", "version"] {
        run(line).prints("doozer 0.1.0\n");
    }
    run("version --json").prints("{\"version\":\"0.1.0\"}\n");
    let help = run("help");
    assert_eq!((help.status, &*help.stderr), (Some(0), ""));
    assert_eq!(run("--help"), help);
    assert_eq!(run("-h"), help);
    for command in COMMANDS {
        assert!(help.stdout.contains(&format!("\n  {command} ")), "{command}: {}", help.stdout);
        if command != "help" {
            let own = run(&format!("help {command}"));
            assert_eq!(own, run(&format!("{command} -h")));
            assert!(own.stdout.contains(&format!("Usage: doozer {command}")), "{}", own.stdout);
        }
    }
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = run(&format!("completions {shell}"));
        assert_eq!((script.status, &*script.stderr), (Some(0), ""));
        assert!(script.stdout.contains("watch") && script.stdout.contains("doozer"), "{shell}");
    }
}
