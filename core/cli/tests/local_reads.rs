//! `--consistency local`: a member that has no majority answers from what it has.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

mod common;

use common::cluster::Cluster;

#[test]
fn reads_without_a_majority() {
    let mut cluster = Cluster::start(3, "--data-dir d{} --answer-within 1");
    let member = cluster.member(0);
    let a = member.put(b"x", "set /t/a -1").rev();
    let b = member.put(b"yy", "set /t/d/b -1").rev();
    // It is applied here.
    assert_eq!(member.run("rev").rev(), b);
    let cases = [
        ("get /t/a", "x".to_owned()),
        ("stat /t/a", format!("{a} 1\n")),
        ("stat /t", "d 2\n".to_owned()),
        ("ls /t", "a\nd/\n".to_owned()),
        ("ls -l /t", format!("{a} 1 a\n{:>1$} 1 d/\n", "d", a.to_string().len())),
        ("find /t", "/t\n/t/a\n/t/d\n/t/d/b\n".to_owned()),
        ("tree /t", "/t\n├── a\n└── d/\n    └── b\n".to_owned()),
    ];
    for (line, expected) in &cases {
        member.run(&format!("{line} --consistency local")).prints(expected);
        member.run(&format!("{line} --consistency linearizable")).prints(expected);
    }
    [1, 2].into_iter().for_each(|number| cluster.take(number).kill());
    let member = cluster.member(0);
    let no_quorum = "no quorum: this member hears of no majority; a read with local consistency is answered";
    for (line, expected) in &cases {
        member.run(&format!("{line} --consistency local")).prints(expected);
        let ended = member.run(line);
        assert_eq!((ended.status, &*ended.stdout), (Some(2), ""), "{line}");
        assert!(
            ended.stderr.starts_with("Error: NO_QUORUM: ") && ended.stderr.contains(no_quorum),
            "{ended:?}"
        );
    }
    let json = format!("{{\"path\":\"/t/a\",\"rev\":{a},\"value\":\"x\"}}\n");
    member.run("get /t/a --json --consistency local").prints(&json);
    member.run("stat /nothing --consistency local").fails(2, "No such file or directory: /nothing");
}
