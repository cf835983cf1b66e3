//! `doozer session` and `doozer explain`: what is held, by whom, and who waits.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

mod common;

use std::time::{Duration, Instant};

use common::Member;
use doozer_client::{Client, Options};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(60);

async fn client(member: &Member, label: &str) -> Client {
    let options =
        Options { session_label: Some(label.to_owned()), timeout: Some(PATIENCE), ..Options::default() };
    Client::open(&member.address, options).await.unwrap()
}

fn json(member: &Member, line: &str) -> Value {
    let said = member.run(line);
    assert_eq!((said.status, &*said.stderr), (Some(0), ""), "{said:?}");
    serde_json::from_str(&said.stdout).unwrap()
}

/// Waits until so many wait for a path.
fn until_waiting(member: &Member, path: &str, count: usize) -> Value {
    let until = Instant::now() + PATIENCE;
    loop {
        let said = json(member, &format!("explain --json {path}"));
        if said["queue"].as_array().is_some_and(|queue| queue.len() == count) {
            return said;
        }
        assert!(Instant::now() < until, "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_its_holder_and_its_queue() {
    let member = Member::start();
    let holder = client(&member, "the holder").await;
    let lock = holder.set_queued("/locks/a", "one").await.unwrap();
    let token = lock.rev();
    let id = holder.session_id().unwrap().to_string();
    let waiter = client(&member, "the\nwaiter").await;
    let waiting = {
        let waiter = waiter.clone();
        tokio::spawn(async move { waiter.set_queued("/locks/a", "two").await })
    };

    let said = until_waiting(&member, "/locks/a", 1);
    let waiter_id = waiter.session_id().unwrap().to_string();
    assert_eq!(said["type"], "file");
    assert_eq!((&said["rev"], &said["token"]), (&json!(token), &json!(token)));
    assert_eq!((&said["holder"]["session"], &said["holder"]["label"]), (&json!(id), &json!("the holder")));
    assert_eq!(said["queue"], json!([{"session": waiter_id, "label": "the\nwaiter", "value_bytes": 3}]));
    let made = json!({"path": "/locks/a", "rev": token, "kind": "set", "value": "one"});
    assert_eq!((&said["history"], &said["more"]), (&json!([made]), &json!(false)));

    let said = member.run("explain /locks/a").stdout;
    assert!(said.starts_with(&format!("/locks/a is held by the holder: session {id}, opened ")), "{said}");
    assert!(said.contains(" ago, TTL 10 s.\n"), "{said}");
    let rest = format!(
        "\ntoken {token}, revision {token}\n\nplace  session                           label\n\
         1      {waiter_id}  the\\nwaiter\n\nrevision  change  bytes  value\n{token:<8}  set     3      one\n"
    );
    assert!(said.ends_with(&rest), "{said}");

    let mut listed = json(&member, "session ls --json");
    let sessions = listed["sessions"].as_array_mut().unwrap();
    sessions.sort_by_key(|session| session["files"] == 0);
    let shape =
        |session: &Value| ["session", "files", "places", "ttl_ms", "writes"].map(|key| session[key].clone());
    assert_eq!(shape(&sessions[0]), [json!(id), json!(1), json!(0), json!(10_000), json!(1)]);
    assert_eq!(shape(&sessions[1]), [json!(waiter_id), json!(0), json!(1), json!(10_000), json!(1)]);
    assert!(sessions[0]["age_ms"].as_u64().unwrap() < 600_000);
    let table = member.run("session ls --consistency local").stdout;
    assert!(table.starts_with("session                           age"), "{table}");
    assert_eq!(table.lines().count(), 3);

    let shown = json(&member, &format!("session show --json {id}"));
    assert_eq!(shown["bound"], json!([{"path": "/locks/a", "token": token, "rev": token}]));
    let shown = json(&member, &format!("session show --json {waiter_id}"));
    assert_eq!(shown["waits"], json!([{"path": "/locks/a", "position": 1}]));
    let shown = member.run(&format!("session show {id}")).stdout;
    assert!(
        shown.ends_with(&format!("\ntoken  revision  file\n{token:<5}  {token:<8}  /locks/a\n")),
        "{shown}"
    );

    // The end of a session gives what it holds to who waits.
    member.run(&format!("session end {id}")).prints("");
    let granted = waiting.await.unwrap().unwrap();
    assert!(granted.rev() > token);
    tokio::time::timeout(PATIENCE, lock.lost()).await.unwrap();
    let said = json(&member, "explain --json /locks/a");
    assert_eq!((&said["holder"]["session"], &said["queue"]), (&json!(waiter_id), &json!([])));
    assert!(member.run("explain /locks/a").stdout.contains("\nnobody waits\n"));
    for line in ["show", "end"] {
        let ended = member.run(&format!("session {line} {id}"));
        assert_eq!((ended.status, &*ended.stdout), (Some(2), ""));
        assert!(ended.stderr.starts_with("Error: SESSION_EXPIRED: "), "{ended:?}");
    }
    waiter.close().await;
    assert_eq!(json(&member, "session ls --json")["sessions"], json!([]));
}

#[test]
fn what_is_bound_to_nobody() {
    let member = Member::start();
    member.run("explain /none").prints("Nothing is at /none.\nno change of it is kept\n");
    member.run("explain --json /none").prints("{\"path\":\"/none\",\"type\":\"missing\",\"history\":[]}\n");
    let rev = member.put(b"a\tvalue", "add /d/a").rev();
    member.run("explain /d/a").prints(&format!(
        "/d/a is bound to no session: it stays until somebody deletes it, and its token is its revision.\n\
         token {rev}, revision {rev}\nnobody waits\n\nrevision  change  bytes  value\n{rev:<8}  set     7      a\\tvalue\n"
    ));
    member.run("explain /d").prints("/d is a directory (entries: 1).\n");
    member
        .run("explain --json /d")
        .prints("{\"path\":\"/d\",\"type\":\"dir\",\"entries\":1,\"history\":[]}\n");
    member.run("explain d").fails(2, "Error: BAD_PATH: d: a path must begin with '/'");
    member
        .run("session show 12")
        .is_usage_error("error: invalid value '12' for '<ID>': a session's id is 32 hexadecimal digits");
    member.run("session ls").prints("session  age  ttl  files  places  unacknowledged  label\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_changes_however_far_apart() {
    let member = Member::with(&["--memory", "--history", "600"], &[]);
    let client = client(&member, "writer").await;
    let far = async |count: usize| {
        for _ in 0..count {
            client.set("/elsewhere", "x", -1).await.unwrap();
        }
    };
    let mut expected = Vec::new();
    // Each is told with its revision and what it was; in between are gaps of many sizes.
    for (round, gap) in [700, 1, 0, 40, 0, 0, 3, 128].into_iter().enumerate() {
        far(gap).await;
        let value = format!("v{round}");
        let rev = client.set("/h", value.clone(), -1).await.unwrap();
        expected.push(json!({"path": "/h", "rev": rev, "kind": "set", "value": value}));
        if round % 2 == 1 {
            far(gap / 2).await;
            let rev = client.del("/h", -1).await.unwrap().unwrap();
            expected.push(json!({"path": "/h", "rev": rev, "kind": "del"}));
        }
    }
    far(37).await;
    expected.reverse();
    expected.truncate(10);
    let said = json(&member, "explain --json /h");
    assert_eq!((&said["type"], said["history"].as_array().unwrap()), (&json!("missing"), &expected));
    assert!(
        member.run("explain /h").stdout.starts_with("Nothing is at /h.\n\nrevision  change  bytes  value\n")
    );

    // Of what is not kept any more nothing is told, but for what the file was then, if it was.
    far(600 - 37 - 64).await;
    let first = client.status().await.unwrap().first_revision;
    let mut at = client.rev().await.unwrap();
    let is_known = |change: &&Value| {
        let rev = change["rev"].as_i64().unwrap();
        let before = std::mem::replace(&mut at, rev - 1);
        rev >= first || before >= first && change["kind"] == "set"
    };
    let kept: Vec<&Value> = expected.iter().take_while(is_known).collect();
    assert!((1..10).contains(&kept.len()), "{first}: {expected:?}");
    let said = json(&member, "explain --json /h");
    assert_eq!(said["history"].as_array().unwrap().iter().collect::<Vec<_>>(), kept);
    far(600).await;
    member.run("explain /h").prints("Nothing is at /h.\nno change of it is kept\n");
}
