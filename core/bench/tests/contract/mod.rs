//! What every system's connections promise to a load; run against each of them.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use doozer_bench::connection::{Connect, Connection, Request, ask};
use doozer_bench::fanout::FanOut;
use doozer_bench::{Keys, Kind, Load, Stop};

/// All of it, over connections to at least three members, or to one three times.
pub async fn is_kept(target: &impl Connect) {
    what_a_connection_promises(target).await;
    many_at_once(target).await;
    watchers(target).await;
}

fn set(path: &'static str, value: &'static str) -> Request {
    Request::Set { path: path.into(), value: value.into() }
}

async fn what_a_connection_promises(target: &impl Connect) {
    let mut at = Vec::new();
    for number in 0..3 {
        at.push(target.connect(number).await.unwrap());
    }
    let path = Bytes::from("/promises/file");
    let missing = ask(&mut at[0], Request::Get(path.clone())).await;
    assert!(missing.is_err(), "a read that finds nothing is no success");
    assert!(ask(&mut at[0], Request::LocalGet(path.clone())).await.is_err());
    ask(&mut at[0], Request::Create { path: path.clone(), value: "x".into() }).await.unwrap();
    for connection in &mut at {
        ask(connection, Request::Get(path.clone())).await.unwrap();
        ask(connection, Request::LocalGet(path.clone())).await.unwrap();
        ask(connection, set("/promises/file", "y")).await.unwrap();
        ask(connection, Request::Create { path: path.clone(), value: "x".into() }).await.unwrap();
    }
    ask(&mut at[1], Request::Delete(path.clone())).await.unwrap();
    ask(&mut at[2], Request::Delete(path.clone())).await.unwrap();
    assert!(ask(&mut at[2], Request::Get(path)).await.is_err(), "deleted");
}

async fn many_at_once(target: &impl Connect) {
    let keys = Keys::new("/bench", 300);
    keys.fill(target, 128, &Stop::default()).await.unwrap();
    let mut connection = target.connect(1).await.unwrap();
    for tag in 0..200 {
        let path = format!("{}/{tag}", keys.directory()).into();
        connection.send(tag, if tag % 3 == 0 { Request::LocalGet(path) } else { Request::Get(path) });
    }
    connection.send(200, Request::Get("/not/there".into()));
    let (mut answers, mut found) = (Vec::new(), BTreeSet::new());
    while found.len() < 201 {
        connection.receive(&mut answers).await.unwrap();
        for answer in answers.drain(..) {
            assert_eq!(answer.outcome.is_ok(), answer.tag != 200, "{answer:?}");
            assert!(found.insert(answer.tag), "one answer for each");
        }
    }
    for kind in [Kind::Set, Kind::Get, Kind::LocalGet] {
        let window = Duration::from_millis(200);
        let (connections, in_flight, value_bytes) = (7, 40, 128);
        let load = Load { kind, connections, in_flight, value_bytes, warm_up: window / 4, measured: window };
        assert!(load.run(target, &keys, &Stop::default()).await.unwrap().answers() > 0, "{kind}");
    }
    keys.fill(target, 5, &Stop::default()).await.unwrap();
}

async fn watchers(target: &impl Connect) {
    let path = Bytes::from("/watched/file");
    let mut writer = target.connect(0).await.unwrap();
    let unknown = FanOut::connect(target, path.clone(), 1).await;
    assert!(unknown.is_err(), "there is no such file yet");
    ask(&mut writer, Request::Create { path: path.clone(), value: "0".into() }).await.unwrap();

    let mut watcher = target.connect(1).await.unwrap();
    ask(&mut watcher, Request::Get(path.clone())).await.unwrap();
    for turn in 0..3 {
        ask(&mut watcher, Request::Watch(path.clone())).await.unwrap();
        // Nothing comes unless something happens: an answer to a later question is the next thing that is heard.
        watcher.send(1, Request::Get(path.clone()));
        let mut answers = Vec::new();
        watcher.receive(&mut answers).await.unwrap();
        assert_eq!(answers.iter().map(|answer| answer.tag).collect::<Vec<_>>(), [1], "turn {turn}");
        let other = Request::Create { path: "/watched/other".into(), value: "x".into() };
        ask(&mut writer, other).await.unwrap();
        ask(&mut writer, set("/watched/file", "x")).await.unwrap();
        answers.clear();
        watcher.receive(&mut answers).await.unwrap();
        assert_eq!(answers.iter().map(|answer| answer.tag).collect::<Vec<_>>(), [0], "turn {turn}");
    }

    let mut fan_out = FanOut::connect(target, path, 30).await.unwrap();
    for _ in 0..3 {
        assert!(fan_out.write(&mut writer, "y".into()).await.unwrap() > Duration::ZERO);
    }
}
