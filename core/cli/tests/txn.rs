//! `doozer txn`: both forms, what it prints, and how it refuses.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

mod common;

use std::fs;

use common::{Member, doozer};

#[test]
fn all_changes_or_none() {
    let member = Member::start();
    let a = member.put(b"1", "add /a").rev();
    let b = member.put(b"two words", "add /b").rev();
    let plan = format!(
        "# moves\nif /a rev {a}\nif /b value 'two words'\nif /c absent\nif /b fence {b}\n\
         set /a 2 rev {a}\nset /c \"x\\ny\"\ndel /b\ndel /b\ndel /none\n"
    );
    let said = format!("/a {} set\n/c {} set\n/b {} del\n/b - del\n/none - del\n", b + 1, b + 2, b + 3);
    member.put(plan.as_bytes(), "txn").prints(&said);
    member.run("get /a").prints("2");
    member.run("get /c").prints("x\ny");
    member.run("get /b").prints("");
    // Nothing of it is as it was.
    let refused = "Error: COMPARE_FAILED: standard input, line 2: compare 1 (/a): it does not hold";
    member.put(plan.as_bytes(), "txn").fails(1, refused);
    member.run("rev").prints(&format!("{}\n", b + 3));
}

#[test]
fn json_and_files() {
    let member = Member::start();
    let a = member.put(b"1", "add /a").rev();
    let dir = tempfile::tempdir().unwrap();
    fs::write(
        dir.path().join("plan.json"),
        r#"{"if":[{"path":"/a","value":"1"}],"do":[{"set":"/a","value_base64":"/w=="},{"del":"/none"}]}"#,
    )
    .unwrap();
    fs::write(dir.path().join("plan"), "if /a rev 1\nset /a x\n").unwrap();
    fs::write(dir.path().join("wrong"), "set /a x\n\nset /b x y\n").unwrap();
    fs::write(dir.path().join("wrong.json"), "{\"do\": [{\"set\": \"/a\"}]}").unwrap();
    let run = |line: &str| doozer(dir.path(), &[("DOOZER_URI", &member.address)], &common::words(line), b"");
    run("txn --json plan.json").prints(&format!(
        "{{\"changes\":[{{\"path\":\"/a\",\"kind\":\"set\",\"rev\":{}}},\
         {{\"path\":\"/none\",\"kind\":\"del\",\"rev\":null}}]}}\n",
        a + 1
    ));
    run("get --json /a")
        .prints(&format!("{{\"path\":\"/a\",\"rev\":{},\"value_base64\":\"/w==\"}}\n", a + 1));
    run("txn plan.json").fails(1, "Error: COMPARE_FAILED: compare 1 (/a): it does not hold");
    run("txn plan").fails(1, "Error: COMPARE_FAILED: plan, line 1: compare 1 (/a): it does not hold");
    run("txn wrong").fails(
        2,
        "Error: wrong, line 3: expected `set PATH VALUE` or `set PATH VALUE rev N`, and quotes around a value with spaces",
    );
    run("txn wrong.json")
        .fails(2, "Error: wrong.json: \"do\", part 1: expected \"value\" or \"value_base64\" beside \"set\"");
    run("txn none").fails(2, "Error: none: cannot be read: No such file or directory");
    run("txn .").fails(2, "Error: .: cannot be read: Is a directory");
    run("txn").fails(2, "Error: standard input: it says nothing: expected a line such as `set /a x`");
    run("get --json /a")
        .prints(&format!("{{\"path\":\"/a\",\"rev\":{},\"value_base64\":\"/w==\"}}\n", a + 1));
}

#[test]
fn what_the_cluster_refuses_is_named_by_its_line() {
    let member = Member::start();
    member.put(b"1", "add /a/b").rev();
    let refused =
        |plan: &str, status, line: &str| drop(member.put(plan.as_bytes(), "txn").fails(status, line).clone());
    refused(
        "set /c x\n\nset /a/b x rev 1\n",
        1,
        "Error: REV_MISMATCH: standard input, line 3: operation 2 (/a/b): the file's revision is not the one expected",
    );
    refused("set /a x\n", 2, "Error: ISDIR: standard input, line 1: operation 1 (/a): is a directory");
    refused(
        "# here\nset a x\n",
        2,
        "Error: BAD_PATH: standard input, line 2: operation 1: a path must begin with '/'",
    );
    let long: String = (0..129).map(|n| format!("set /many/{n} x\n")).collect();
    refused(&long, 2, "Error: TOO_LARGE: transaction too large: 129 compares and operations, limit 128");
    let most: String = (0..128).map(|n| format!("set /many/{n} x\n")).collect();
    let made = member.put(most.as_bytes(), "txn");
    assert_eq!((made.status, made.stdout.lines().count()), (Some(0), 128), "{made:?}");
}
