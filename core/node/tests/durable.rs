//! What a data directory keeps: across stops, snapshots and a full disk.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use doozer_node::{Config, Data, History, Limits, Node, StartError};
use doozer_wire::{ErrorKind, OwnedResponse, Request, Verb};
use support::{Member, Raw, at, everything, kind, request, set};

fn config(path: &Path) -> Config {
    Config { data: Data::Directory(path.join("d")), ..Config::default() }
}

#[test]
fn a_restart_keeps_files_history_identity_and_revisions() {
    let dir = tempfile::tempdir().unwrap();
    let member = Member::start(config(dir.path()));
    let mut raw = member.modern();
    let id = raw.call(request(Verb::SelfId)).value.unwrap();
    let first = raw.set("/a/f", "one", 0);
    for i in 0..300 {
        raw.set(&format!("/a/{i}"), format!("{i}"), 0);
    }
    raw.set("/a/f", "two", first);
    raw.del("/a/7", -1);
    let rev = raw.rev();
    let before = everything(&mut raw, None);
    let earlier = everything(&mut raw, Some(first + 5));
    member.stop();

    let member = Member::start(config(dir.path()));
    let mut raw = member.modern();
    assert_eq!(raw.call(request(Verb::SelfId)).value.unwrap(), id);
    // The new port is all that has changed: three files say it... the address twice.
    let changed: Vec<_> = {
        let after = everything(&mut raw, None);
        assert_eq!(after.len(), before.len());
        after.into_iter().filter(|(path, file)| before[path] != *file).map(|(path, _)| path).collect()
    };
    assert_eq!(changed.len(), 2, "{changed:?}");
    assert!(changed.iter().all(|path| path.starts_with(b"/ctl/n")), "{changed:?}");
    assert_eq!(raw.rev(), rev + 2);
    assert_eq!(everything(&mut raw, Some(first + 5)), earlier);
    let old = raw.call(Request { rev: Some(first), ..at(Verb::Get, "/a/f") });
    assert_eq!(old.value.unwrap(), "one");
    let event = raw.call(Request { rev: Some(rev), ..at(Verb::Wait, "/a/*") });
    assert_eq!((event.rev, event.path.unwrap()), (Some(rev), "/a/7".into()));
    member.stop();
}

#[test]
fn snapshots_cut_the_log_while_writes_go_on_and_lose_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let limits = Limits { snapshot_log_bytes: 1 << 20, ..Limits::default() };
    let history = History { revisions_max: 500, ..History::default() };
    let config = Config { limits, history, ..config(dir.path()) };
    let member = Member::start(config.clone());
    let mut raws: Vec<Raw> = (0..4).map(|_| member.modern()).collect();
    let acknowledged: Vec<BTreeMap<String, i64>> = thread::scope(|scope| {
        let workers: Vec<_> =
            raws.iter_mut().enumerate().map(|(n, raw)| scope.spawn(move || load(n, raw))).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    });
    let before = everything(&mut raws[0], None);
    let status = raws[0].status();
    drop(raws);
    member.stop();
    let snapshots = std::fs::read_dir(dir.path().join("d/snap")).unwrap().count();
    assert_eq!(snapshots, 1, "one snapshot is kept");
    assert!(status.data_bytes < 200 << 20, "{} bytes: the log is cut", status.data_bytes);

    let member = Member::start(config);
    let mut raw = member.modern();
    let after = everything(&mut raw, None);
    for (path, rev) in acknowledged.iter().flatten() {
        assert_eq!(after[path.as_bytes()].0, *rev, "{path}");
    }
    assert_eq!(after.len(), before.len());
    let now = raw.status();
    assert_eq!(now.revision, status.revision + 2);
    // A snapshot that is being made keeps the history that it carries; what is too much goes with the changes behind it.
    let until = Instant::now() + Duration::from_secs(60);
    while raw.status().history_revisions > 500 {
        assert!(Instant::now() < until, "{:?}", raw.status());
        raw.set("/w0/0", "x", -1);
    }
    assert_eq!(raw.status().history_revisions, 500);
    member.stop();
}

/// Writes 64 MiB in batches; the last acknowledged revision of each file.
fn load(n: usize, raw: &mut Raw) -> BTreeMap<String, i64> {
    let mut acknowledged = BTreeMap::new();
    for round in 0..64 {
        for i in 0..64 {
            let path = format!("/w{n}/{}", (round * 7 + i) % 100);
            raw.send(&Request { tag: Some(i), ..set(&path, vec![round as u8; 4 << 10], -1) });
        }
        for i in 0..64 {
            let reply = raw.answer(i);
            let path = format!("/w{n}/{}", (round * 7 + i) % 100);
            acknowledged.insert(path, reply.rev.unwrap());
        }
    }
    acknowledged
}

#[test]
fn a_full_disk_refuses_writes_and_serves_reads() {
    let dir = tempfile::tempdir().unwrap();
    let limits = Limits { data_bytes_max: Some(40 << 20), ..Limits::default() };
    let config = Config { limits, ..config(dir.path()) };
    let member = Member::start(config.clone());
    let mut raw = member.modern();
    let value = vec![b'v'; 1 << 20];
    let mut acknowledged = Vec::new();
    let refusal: OwnedResponse = loop {
        let path = format!("/big/{}", acknowledged.len());
        let reply = raw.call(set(&path, value.clone(), 0));
        match reply.rev {
            Some(rev) => acknowledged.push((path, rev)),
            None => break reply,
        }
        assert!(acknowledged.len() < 100, "the bound is never reached");
    };
    assert!(!acknowledged.is_empty());
    assert_eq!(kind(&refusal), Some(ErrorKind::DiskFull));
    assert!(refusal.err_detail.unwrap().starts_with("disk full, nothing was written: "));
    let rev = raw.rev();
    assert_eq!(rev, acknowledged.last().unwrap().1, "a refused write takes no revision");
    assert_eq!(raw.get("/big/0").0, value);

    // An old client is told in words it knows.
    let mut old = member.connect();
    let reply = old.call(set("/big/x", value.clone(), 0));
    assert_eq!((reply.err_code, reply.kind), (Some(127), None));
    member.stop();

    // With room again, everything is there and writes go on.
    let limits = Limits { data_bytes_max: None, ..Limits::default() };
    let member = Member::start(Config { limits, ..config });
    let mut raw = member.modern();
    for (path, rev) in &acknowledged {
        assert_eq!(raw.get(path).1, *rev, "{path}");
    }
    raw.set("/big/x", value, 0);
    member.stop();
}

#[test]
fn a_graceful_stop_answers_what_is_under_way() {
    let dir = tempfile::tempdir().unwrap();
    let member = Member::start(config(dir.path()));
    let mut raw = member.modern();
    let mut frames = bytes::BytesMut::new();
    for tag in 0..1000 {
        Request { tag: Some(tag), ..set(&format!("/s/{tag}"), "x", 0) }.encode_frame(&mut frames);
    }
    raw.send_bytes(&frames);
    // The first answer shows that the requests have arrived.
    let mut answers = vec![raw.next().unwrap()];
    let stopper = thread::spawn(|| member.stop());
    while let Some(answer) = raw.next() {
        answers.push(answer);
    }
    stopper.join().unwrap();
    let written: Vec<i32> = answers.iter().filter(|a| a.rev.is_some()).map(|a| a.tag.unwrap()).collect();
    let refused = answers.iter().filter(|a| a.failure().is_some());
    assert!(refused.into_iter().all(|answer| kind(answer) == Some(ErrorKind::ShuttingDown)));

    let member = Member::start(config(dir.path()));
    let mut raw = member.modern();
    for tag in &written {
        assert!(raw.get(&format!("/s/{tag}")).1 > 0, "{tag}");
    }
    member.stop();
}

#[test]
fn a_member_that_is_dropped_lets_go_of_its_data_and_its_port() {
    let dir = tempfile::tempdir().unwrap();
    let mut member = Member::start(config(dir.path()));
    let mut raw = member.modern();
    let rev = raw.set("/f", "x", 0);
    drop(member.node.take());
    // The runtime lives on, and with it whatever was not ended.
    while raw.next().is_some() {}
    let patience = Instant::now() + Duration::from_secs(30);
    let again = loop {
        match member.runtime.block_on(Node::start(config(dir.path()))) {
            Ok(node) => break node,
            Err(error) => {
                assert!(error.to_string().contains("in use") && Instant::now() < patience, "{error}");
            }
        }
        thread::yield_now();
    };
    assert!(again.revision() >= rev);
    while std::net::TcpStream::connect(member.address).is_ok() {
        assert!(Instant::now() < patience, "it still listens");
    }
    member.runtime.block_on(again.stop());
}

#[test]
fn what_cannot_be_opened_is_refused_in_one_clear_line() {
    let dir = tempfile::tempdir().unwrap();
    let start = |config: Config| {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let started: Result<Node, StartError> = runtime.block_on(Node::start(config));
        started.err().map(|error| error.to_string()).unwrap_or_default()
    };
    let says = |error: String, words: &[&str]| {
        assert!(!error.contains('\n'), "{error}");
        for word in words {
            assert!(error.contains(word), "{error:?} does not say {word:?}");
        }
    };
    let member = Member::start(config(dir.path()));
    says(start(config(dir.path())), &["in use", "d"]);
    let taken = Config { listen: Some(member.address.to_string()), ..Config::default() };
    says(start(taken), &["cannot listen on 127.0.0.1:", "another address with -l"]);
    member.stop();

    let file = dir.path().join("file");
    std::fs::write(&file, "x").unwrap();
    says(start(Config { data: Data::Directory(file), ..Config::default() }), &["data directory", "file"]);

    let foreign = dir.path().join("foreign");
    std::fs::create_dir(&foreign).unwrap();
    std::fs::write(foreign.join("notes.txt"), "mine").unwrap();
    let foreign = Config { data: Data::Directory(foreign), ..Config::default() };
    says(start(foreign), &["not a data directory", "notes.txt"]);

    says(start(Config { cluster_name: "a/b".into(), ..Config::default() }), &["a/b", "name"]);
    says(start(Config { value_bytes_max: 0, ..Config::default() }), &["0 bytes"]);
}
