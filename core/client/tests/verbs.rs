//! Every call against a real member.

#![allow(clippy::unwrap_used, reason = "a test")]

mod member;

use std::time::Duration;

use bytes::Bytes;
use doozer_client::{
    CallOptions, Change, Client, Consistency, ErrorKind, ListOptions, Options, Secret, Stat, Timeout,
};
use doozer_node::{Config, Secrets};
use member::{client, config, impatient, member, start};

#[tokio::test]
async fn files() {
    let (node, address) = member().await;
    let client = client(address).await;

    let missing = client.get("/a").await.unwrap();
    assert_eq!((missing.value, missing.rev), (None, 0));
    let rev = client.set("/a", "one", 0).await.unwrap();
    assert_eq!(client.rev().await, Ok(rev));
    let file = client.get("/a").await.unwrap();
    assert_eq!((file.value, file.rev), (Some(Bytes::from_static(b"one")), rev));
    let taken = client.add("/a", "two").await.unwrap_err();
    assert_eq!((taken.kind(), taken.op(), taken.path()), (ErrorKind::RevMismatch, "add", Some("/a")));
    let second = client.set("/a", "", rev).await.unwrap();
    assert_eq!(second, rev + 1);
    assert_eq!(client.get("/a").await.unwrap().value, Some(Bytes::new()));
    assert_eq!(client.get_at("/a", rev).await.unwrap().value, Some(Bytes::from_static(b"one")));
    assert_eq!(client.del("/a", rev).await.unwrap_err().kind(), ErrorKind::RevMismatch);
    assert_eq!(client.del("/a", second).await, Ok(Some(second + 1)));
    assert_eq!(client.del("/a", -1).await, Ok(None));
    assert_eq!(client.add("/d/e/f", "x").await, Ok(second + 2));
    assert_eq!(client.get("/d").await.unwrap_err().kind(), ErrorKind::IsDir);
    assert_eq!(client.set("/d/e/f/g", "x", 0).await.unwrap_err().kind(), ErrorKind::NotDir);
    let long = client.set("/long", vec![7; 1 << 20], 0).await.unwrap();
    assert_eq!(client.get("/long").await.unwrap().value, Some(Bytes::from(vec![7; 1 << 20])));
    assert_eq!(client.stat("/long", None).await, Ok(Stat { len: 1 << 20, rev: long }));
    assert!(client.stat("/long", None).await.unwrap().is_file());
    assert!(client.stat("/d", None).await.unwrap().is_dir());
    assert_eq!(client.stat("/d", None).await.unwrap().len, 1);
    assert_eq!(client.stat("/nothing", Some(rev)).await, Ok(Stat::default()));
    client.close().await;
    node.stop().await;
}

#[tokio::test]
async fn the_member() {
    let (node, address) = member().await;
    let client = client(address).await;
    client.nop().await.unwrap();
    client.ping().await.unwrap();
    assert_eq!(client.self_id().await.unwrap(), node.id());
    let status = client.status().await.unwrap();
    assert_eq!((status.member.as_str(), status.revision), (node.id(), node.revision()));
    assert_eq!(client.access(b"").await, Ok(()));
    assert_eq!(client.access(b"none is set").await.unwrap_err().kind(), ErrorKind::PermissionDenied);
}

#[tokio::test]
async fn directories() {
    let (_node, address) = member().await;
    let client = client(address).await;
    for name in 0..200 {
        client.add(&format!("/dir/{name:03}"), "").await.unwrap();
    }
    let rev = client.add("/dir/sub/x", "").await.unwrap();
    let mut expected: Vec<String> = (0..200).map(|name| format!("{name:03}")).collect();
    expected.push("sub".into());
    assert_eq!(client.getdir("/dir", None).await.unwrap(), expected);
    client.del("/dir/000", -1).await.unwrap();
    assert_eq!(client.getdir("/dir", Some(rev)).await.unwrap(), expected);
    assert_eq!(client.getdir("/dir", None).await.unwrap(), expected[1..]);
    assert_eq!(client.getdir("/dir/sub", None).await.unwrap(), ["x"]);
    assert_eq!(client.getdir("/nothing", None).await.unwrap_err().kind(), ErrorKind::NoEntry);
    assert_eq!(client.getdir("/dir/sub/x", None).await.unwrap_err().kind(), ErrorKind::NotDir);
    assert_eq!(client.getdir("/", None).await.unwrap(), ["ctl", "dir"]);
}

#[tokio::test]
async fn walks_and_lists() {
    let (_node, address) = member().await;
    let client = client(address).await;
    let mut rev = 0;
    for name in 0..2500 {
        rev = client.add(&format!("/f/{name:04}"), format!("{name}")).await.unwrap();
    }
    let all = client.walk("/f/*", None).await.unwrap();
    assert_eq!(all.len(), 2500);
    assert_eq!((all[7].path.as_str(), all[7].value.as_deref(), all[7].len), ("/f/0007", Some(&b"7"[..]), 1));
    assert!(all.windows(2).all(|pair| pair[0].path < pair[1].path && pair[0].rev < pair[1].rev));
    assert_eq!(client.walk("/f/*", Some(rev - 2)).await.unwrap().len(), 2498);
    assert_eq!(client.walk("/nothing/**", None).await.unwrap(), []);

    // A list stays at its revision while files come and go.
    let mut list = client.list("/f/**", None, ListOptions { keys_only: true, limit: None });
    let first = list.next().await.unwrap().unwrap();
    assert_eq!((first.path.as_str(), first.value, first.len), ("/f/0000", None, 1));
    client.del("/f/2400", -1).await.unwrap();
    client.add("/f/2499/new", "").await.unwrap_err();
    client.add("/f/9999", "").await.unwrap();
    let mut rest = Vec::new();
    while let Some(entry) = list.next().await {
        rest.push(entry.unwrap().path);
    }
    assert_eq!(rest, (1..2500).map(|name| format!("/f/{name:04}")).collect::<Vec<_>>());
    let limited = client.list("/f/*", None, ListOptions { limit: Some(3), keys_only: false });
    assert_eq!(collect(limited).await.len(), 3);
}

async fn collect(mut list: doozer_client::List) -> Vec<String> {
    let mut paths = Vec::new();
    while let Some(entry) = list.next().await {
        paths.push(entry.unwrap().path);
    }
    paths
}

#[tokio::test]
async fn waits_and_watches() {
    let (_node, address) = member().await;
    let client = client(address).await;
    let start = client.rev().await.unwrap() + 1;
    let (event, rev) = tokio::join!(client.wait("/w/*", start), client.set("/w/a", "x", 0));
    let (event, rev) = (event.unwrap(), rev.unwrap());
    assert_eq!((event.path.as_str(), &event.value[..], event.rev), ("/w/a", &b"x"[..], rev));
    assert_eq!(event.kind, Change::Set);
    client.set("/other", "", 0).await.unwrap();
    let gone = client.del("/w/a", rev).await.unwrap().unwrap();
    let event = client.wait("/w/**", rev + 1).await.unwrap();
    assert_eq!((event.rev, event.kind, event.value.len()), (gone, Change::Del, 0));

    let mut watch = client.watch("/w/*", start);
    let first = watch.next().await.unwrap().unwrap();
    let second = watch.next().await.unwrap().unwrap();
    assert_eq!((first.rev, second.rev), (rev, gone));
    let last = client.set("/w/b", "y", 0).await.unwrap();
    assert_eq!(watch.next().await.unwrap().unwrap().rev, last);
    // A mark says how far it has seen, though nothing that matches has changed.
    let other = client.set("/other", "", -1).await.unwrap();
    let quick = CallOptions { timeout: Timeout::After(Duration::from_secs(20)), ..CallOptions::default() };
    let seen = async {
        while watch.progress() < other {
            tokio::select! {
                event = watch.next() => panic!("{event:?}"),
                () = tokio::time::sleep(Duration::from_millis(10)) => {}
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), seen).await.unwrap();
    let never = client.with(CallOptions { timeout: Timeout::After(Duration::from_millis(20)), ..quick });
    assert_eq!(never.wait("/w/*", last + 100).await.unwrap_err().kind(), ErrorKind::Timeout);
}

#[tokio::test]
async fn reads_of_the_future_and_local_ones() {
    let (_node, address) = member().await;
    let client = client(address).await;
    let rev = client.rev().await.unwrap();
    let (read, wrote) = tokio::join!(client.get_at("/a", rev + 1), client.set("/a", "x", 0));
    assert_eq!(read.unwrap().rev, wrote.unwrap());
    let local = client.with(CallOptions { consistency: Consistency::Local, ..CallOptions::default() });
    assert_eq!(local.get("/a").await.unwrap().rev, rev + 1);
    let quick = client
        .with(CallOptions { timeout: Timeout::After(Duration::from_millis(20)), ..CallOptions::default() });
    assert_eq!(quick.get_at("/a", rev + 1000).await.unwrap_err().kind(), ErrorKind::Timeout);
}

#[tokio::test]
async fn secrets() {
    let secrets = Secrets::new(Some("rw".into()), Some("ro".into()));
    let (_node, address) = start(Config { secrets, ..config() }).await;
    let with =
        |secret: &str| Options { secret: Some(Secret::from(secret.as_bytes().to_vec())), ..impatient() };

    let writer = Client::connect(&format!("doozer:?ca={address}&sk=rw")).await.unwrap();
    writer.set("/a", "x", 0).await.unwrap();
    let reader = Client::open(&address.to_string(), with("ro")).await.unwrap();
    assert_eq!(reader.get("/a").await.unwrap().value, Some(Bytes::from_static(b"x")));
    assert_eq!(reader.set("/a", "y", -1).await.unwrap_err().kind(), ErrorKind::PermissionDenied);
    reader.access(b"rw").await.unwrap();
    reader.set("/a", "y", -1).await.unwrap();
    let none = Client::open(&address.to_string(), impatient()).await.unwrap();
    assert_eq!(none.get("/a").await.unwrap_err().kind(), ErrorKind::PermissionDenied);
    let wrong = Client::open(&address.to_string(), with("hush")).await.unwrap_err();
    assert_eq!(wrong.kind(), ErrorKind::PermissionDenied);
    assert!(!wrong.to_string().contains("hush"), "{wrong}");
}

#[tokio::test]
async fn many_tasks_share_one_connection() {
    let (_node, address) = member().await;
    let client = client(address).await;
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..100 {
        let client = client.clone();
        tasks.spawn(async move {
            let path = format!("/t/{task}");
            let mut rev = 0;
            for round in 0..20 {
                rev = client.set(&path, format!("{round}"), rev).await.unwrap();
                let file = client.get(&path).await.unwrap();
                assert_eq!((file.value, file.rev), (Some(Bytes::from(format!("{round}"))), rev));
            }
        });
    }
    while let Some(task) = tasks.join_next().await {
        task.unwrap();
    }
    let status = client.status().await.unwrap();
    assert_eq!(status.connections, 1);
}

#[tokio::test]
async fn a_reader_that_is_slow_misses_nothing() {
    let (_node, address) = member().await;
    let (watcher, writer) = (client(address).await, client(address).await);
    let first = writer.rev().await.unwrap() + 1;
    let mut watch = watcher.watch("/slow", first);
    for change in 0..10_000 {
        writer.set("/slow", format!("{change}"), -1).await.unwrap();
    }
    for change in 0..10_000 {
        let event = watch.next().await.unwrap().unwrap();
        assert_eq!((event.rev, event.value), (first + change, Bytes::from(format!("{change}"))));
    }
    assert_eq!(watch.progress(), first + 9_999);
}
