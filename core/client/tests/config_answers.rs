//! A file as a live value, by the answers of a member: what is asked when, and what is made of it.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::time::Duration;

use doozer_client::{Config, Consistency, Error, ErrorKind, File, Options};
use doozer_wire::{FLAG_DEL, FLAG_SET, Request, Response, Verb};
use support::{ALL, Member, connected, settle, within};
use tokio::task::JoinHandle;
use tokio::time::Instant;

const PATH: &str = "/myapp.conf";

/// A call of `next` under way, which gives the stream back.
type Next = JoinHandle<(Config, Option<Result<File, Error>>)>;

fn next(mut config: Config) -> Next {
    tokio::spawn(async move {
        let file = config.next().await;
        (config, file)
    })
}

/// It gives this file.
async fn gives(next: Next, value: Option<&'static str>, rev: i64) -> Config {
    let (config, file) = next.await.unwrap();
    assert_eq!(file.unwrap().unwrap(), File { value: value.map(Into::into), rev });
    config
}

async fn fails(next: Next) -> Error {
    let (mut config, file) = next.await.unwrap();
    let error = file.unwrap().unwrap_err();
    assert_eq!((error.op(), error.path()), ("config", Some(PATH)), "{error}");
    assert!(config.next().await.is_none());
    error
}

/// The revision is asked for; it is this.
async fn rev(member: &mut Member, rev: i64) {
    let request = member.next_of(Verb::Rev).await;
    assert_eq!(request.consistency, Consistency::Linearizable);
    member.at(&request, rev).await;
}

/// The file is read as it was at this revision.
async fn get(member: &mut Member, rev: i64) -> Request {
    let get = member.next_of(Verb::Get).await;
    assert_eq!((get.path.as_deref(), get.rev), (Some(PATH.as_bytes()), Some(rev)));
    get
}

async fn watch(member: &mut Member, rev: i64) -> Request {
    let watch = member.next_of(Verb::Watch).await;
    assert_eq!((watch.path.as_deref(), watch.rev), (Some(PATH.as_bytes()), Some(rev)));
    watch
}

async fn changed(member: &mut Member, watch: &Request, value: Option<&str>, rev: i64) {
    let flags = Some(if value.is_some() { FLAG_SET } else { FLAG_DEL });
    let (path, value) = (Some(PATH.as_bytes()), value.map(str::as_bytes));
    member
        .answer(Response { tag: watch.tag, flags, rev: Some(rev), path, value, ..Response::default() })
        .await;
}

/// Nothing but PINGs is asked in the next minute.
async fn is_left_in_peace(member: &mut Member) {
    let asked = tokio::time::timeout(Duration::from_secs(60), member.next_but_ping()).await;
    assert_eq!(asked.ok(), None);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_asked_that_nobody_wants() {
    let (client, mut member, _members) = connected(Options::default()).await;
    let config = client.config(PATH);
    is_left_in_peace(&mut member).await;
    let first = next(config);
    rev(&mut member, 20).await;
    let request = get(&mut member, 20).await;
    member.file(&request, b"one", 7).await;
    let config = gives(first, Some("one"), 7).await;
    // One look may be all that is wanted.
    is_left_in_peace(&mut member).await;

    let second = next(config);
    let watch = watch(&mut member, 21).await;
    changed(&mut member, &watch, Some("two"), 24).await;
    changed(&mut member, &watch, None, 25).await;
    changed(&mut member, &watch, Some(""), 29).await;
    let config = gives(second, Some("two"), 24).await;
    let config = gives(next(config), None, 0).await;
    let config = gives(next(config), Some(""), 29).await;
    drop(config);
    assert_eq!(member.next_of(Verb::Cancel).await.other_tag, watch.tag);
}

#[tokio::test(start_paused = true)]
async fn what_was_passed_by_is_read_again() {
    let (client, mut member, _members) = connected(Options::default()).await;
    let first = next(client.config(PATH));
    rev(&mut member, 20).await;
    let request = get(&mut member, 20).await;
    member.file(&request, b"one", 7).await;
    let second = next(gives(first, Some("one"), 7).await);

    let request = watch(&mut member, 21).await;
    member.fail(&request, ErrorKind::TooLate).await;
    rev(&mut member, 40).await;
    let request = get(&mut member, 40).await;
    // The same as before: that is not given out, and it goes on from there.
    member.file(&request, b"one", 7).await;
    let request = watch(&mut member, 41).await;
    settle().await;
    assert!(!second.is_finished());

    member.fail(&request, ErrorKind::TooLate).await;
    rev(&mut member, 60).await;
    let request = get(&mut member, 60).await;
    // By now even that is too late.
    member.fail(&request, ErrorKind::TooLate).await;
    rev(&mut member, 80).await;
    let request = get(&mut member, 80).await;
    member.file(&request, b"two", 70).await;
    let config = gives(second, Some("two"), 70).await;

    let third = next(config);
    let request = watch(&mut member, 81).await;
    member.fail(&request, ErrorKind::TooLate).await;
    rev(&mut member, 90).await;
    let request = get(&mut member, 90).await;
    member.file(&request, b"", 0).await;
    drop(gives(third, None, 0).await);
}

#[tokio::test(start_paused = true)]
async fn the_first_read_can_be_passed_by_too() {
    let (client, mut member, _members) = connected(Options::default()).await;
    let first = next(client.config(PATH));
    for at in [20, 30] {
        rev(&mut member, at).await;
        let request = get(&mut member, at).await;
        member.fail(&request, ErrorKind::TooLate).await;
    }
    rev(&mut member, 40).await;
    let request = get(&mut member, 40).await;
    member.file(&request, b"one", 33).await;
    drop(gives(first, Some("one"), 33).await);
}

#[tokio::test(start_paused = true)]
async fn a_lost_connection_is_nothing_to_speak_of() {
    let (client, mut member, mut members) = connected(Options::default()).await;
    let first = next(client.config(PATH));
    member.next_of(Verb::Rev).await;
    drop(member);
    let mut member = members.accept(ALL).await;
    rev(&mut member, 20).await;
    get(&mut member, 20).await;
    drop(member);
    let mut member = members.accept(ALL).await;
    let request = get(&mut member, 20).await;
    member.file(&request, b"one", 7).await;
    let second = next(gives(first, Some("one"), 7).await);

    let request = watch(&mut member, 21).await;
    changed(&mut member, &request, Some("two"), 24).await;
    let third = next(gives(second, Some("two"), 24).await);
    drop(member);
    let mut member = members.accept(ALL).await;
    let request = watch(&mut member, 25).await;
    // A member that errs repeats it.
    changed(&mut member, &request, Some("two"), 24).await;
    changed(&mut member, &request, Some("three"), 26).await;
    drop(gives(third, Some("three"), 26).await);
}

#[tokio::test(start_paused = true)]
async fn the_first_value_has_one_time_limit_that_begins_when_it_is_asked_for() {
    let (client, mut member, _members) = connected(Options::default()).await;
    let config = within(&client, Duration::from_secs(2)).config(PATH);
    tokio::time::sleep(Duration::from_secs(3600)).await;
    let start = Instant::now();
    let first = next(config);
    tokio::time::sleep(Duration::from_millis(1500)).await;
    rev(&mut member, 20).await;
    get(&mut member, 20).await;
    let error = fails(first).await;
    assert_eq!((error.kind(), start.elapsed()), (ErrorKind::Timeout, Duration::from_secs(2)));
}

#[tokio::test(start_paused = true)]
async fn later_values_have_none() {
    let (client, mut member, mut members) = connected(Options::default()).await;
    let first = next(within(&client, Duration::from_secs(2)).config(PATH));
    rev(&mut member, 20).await;
    let request = get(&mut member, 20).await;
    member.file(&request, b"", 0).await;
    let second = next(gives(first, None, 0).await);
    // Neither the watch has one, nor what is read after it was too late.
    members.refuse(50);
    drop(member);
    let mut member = members.accept(ALL).await;
    let request = watch(&mut member, 21).await;
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(60) {
        let ping = member.next_of(Verb::Ping).await;
        member.ok(&ping).await;
    }
    member.fail(&request, ErrorKind::TooLate).await;
    let request = member.next_of(Verb::Rev).await;
    while start.elapsed() < Duration::from_secs(120) {
        let ping = member.next_of(Verb::Ping).await;
        member.ok(&ping).await;
    }
    member.at(&request, 40).await;
    let request = get(&mut member, 40).await;
    member.file(&request, b"late", 33).await;
    drop(gives(second, Some("late"), 33).await);
}

#[tokio::test(start_paused = true)]
async fn errors_end_it_and_leave_nothing_behind() {
    // At each of its steps.
    for step in 0..4 {
        let (client, mut member, _members) = connected(Options::default()).await;
        let first = next(client.config(PATH));
        let error = ErrorKind::NoQuorum;
        if step == 0 {
            let request = member.next_of(Verb::Rev).await;
            member.fail(&request, error).await;
            assert_eq!(fails(first).await.kind(), error);
        } else if step == 1 {
            rev(&mut member, 20).await;
            let request = get(&mut member, 20).await;
            member.fail(&request, error).await;
            assert_eq!(fails(first).await.kind(), error);
        } else {
            rev(&mut member, 20).await;
            let request = get(&mut member, 20).await;
            member.file(&request, b"one", 7).await;
            let second = next(gives(first, Some("one"), 7).await);
            let request = watch(&mut member, 21).await;
            if step == 2 {
                member.fail(&request, error).await;
            } else {
                member.fail(&request, ErrorKind::TooLate).await;
                let request = member.next_of(Verb::Rev).await;
                member.fail(&request, error).await;
            }
            assert_eq!(fails(second).await.kind(), error);
        }
        is_left_in_peace(&mut member).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_read_under_way_goes_on_after_its_call_was_dropped() {
    let (client, mut member, _members) = connected(Options::default()).await;
    let mut config = client.config(PATH);
    assert!(tokio::time::timeout(Duration::from_millis(1), config.next()).await.is_err());
    rev(&mut member, 20).await;
    assert!(tokio::time::timeout(Duration::from_millis(1), config.next()).await.is_err());
    let request = get(&mut member, 20).await;
    member.file(&request, b"one", 7).await;
    let config = gives(next(config), Some("one"), 7).await;
    drop(config);
    is_left_in_peace(&mut member).await;
}
