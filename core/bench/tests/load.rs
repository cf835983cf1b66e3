//! The load generator against a stand-in for a member, which keeps count of what it is asked.
#![allow(clippy::unwrap_used, reason = "a test panics where it fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use doozer_bench::connection::Connect;
use doozer_bench::exchange::{Opener, Stream};
use doozer_bench::waits::Waits;
use doozer_bench::{Keys, Kind, Load, LoadError, Measured, Stop, Target};
use doozer_wire::{Decoder, ErrorKind, Request, Response, Uri, Verb};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What the stand-in has seen.
#[derive(Default)]
struct Seen {
    files: BTreeMap<Bytes, Bytes>,
    verbs: BTreeMap<i32, usize>,
    connections: usize,
    /// The most requests that one read brought, over all connections.
    burst: usize,
    tags: BTreeSet<i32>,
    waits: Vec<(Bytes, i64)>,
    secret: Option<Bytes>,
    /// Answer every SET after this many with an error.
    sets_left: Option<usize>,
}

type Shared = Arc<Mutex<Seen>>;

async fn member() -> (Target, String, Shared) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let seen = Shared::default();
    let shared = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            shared.lock().unwrap().connections += 1;
            tokio::spawn(serve(stream, Arc::clone(&shared)));
        }
    });
    (Target::open(address.as_str()), address, seen)
}

async fn serve(mut stream: TcpStream, seen: Shared) {
    let (mut input, mut decoder) = (BytesMut::new(), Decoder::new(1 << 20));
    loop {
        input.reserve(64 << 10);
        if stream.read_buf(&mut input).await.unwrap_or_default() == 0 {
            return;
        }
        let output = answers(&mut input, &mut decoder, &mut seen.lock().unwrap());
        stream.write_all(&output).await.unwrap();
    }
}

fn answers(input: &mut BytesMut, decoder: &mut Decoder, seen: &mut Seen) -> BytesMut {
    let (mut requests, mut output) = (Vec::new(), BytesMut::new());
    while let Some(frame) = decoder.next(input).unwrap() {
        requests.push(Request::decode(frame).unwrap());
    }
    seen.burst = seen.burst.max(requests.len());
    // Backwards: answers may come in any order.
    requests.iter().rev().for_each(|request| answer(request, seen, &mut output));
    output
}

fn answer(request: &Request, seen: &mut Seen, out: &mut BytesMut) {
    let Request { tag, verb, .. } = *request;
    *seen.verbs.entry(verb).or_default() += 1;
    seen.tags.extend(tag);
    let path = request.path.clone().unwrap_or_default();
    let mut response = Response { tag, rev: Some(7), ..Response::default() };
    match Verb::from_i32(verb).unwrap() {
        Verb::Set => {
            if seen
                .sets_left
                .as_mut()
                .is_some_and(|left| std::mem::replace(left, left.saturating_sub(1)) == 0)
            {
                return Response::error(tag, ErrorKind::Other, Some("enough")).encode_frame(out);
            }
            assert_eq!(request.rev, Some(-1));
            seen.files.insert(path, request.value.clone().unwrap_or_default());
        }
        Verb::Get if !seen.files.contains_key(&path) => response.rev = Some(0),
        Verb::Get => response.value = seen.files.get(&path).map(|value| &**value),
        Verb::Del => drop(seen.files.remove(&path)),
        Verb::Access => seen.secret = request.value.clone(),
        Verb::Wait => return seen.waits.push((path, request.rev.unwrap())),
        Verb::Rev => {}
        other => panic!("{other:?}"),
    }
    response.encode_frame(out);
}

fn load(kind: Kind, connections: usize, in_flight: usize) -> Load {
    let window = Duration::from_millis(50);
    Load { kind, connections, in_flight, value_bytes: 5, warm_up: window, measured: window }
}

#[tokio::test]
async fn files_are_made_and_deleted() {
    let (target, _, seen) = member().await;
    let keys = Keys::unique(1000).unwrap();
    keys.fill(&target, 3, &Stop::default()).await.unwrap();
    {
        let files = &seen.lock().unwrap().files;
        assert_eq!(files.len(), keys.len());
        assert!(files.keys().all(|path| path.starts_with(b"/bench-")), "{files:?}");
        assert!(files.values().all(|value| value.len() == 3), "{files:?}");
    }
    keys.delete(&target).await.unwrap();
    assert!(seen.lock().unwrap().files.is_empty());
}

#[tokio::test]
async fn as_many_as_asked_for_are_in_flight_over_as_many_connections() {
    let (target, _, seen) = member().await;
    let keys = Keys::new("/k", 10);
    keys.fill(&target, 1, &Stop::default()).await.unwrap();
    let made = std::mem::take(&mut *seen.lock().unwrap());
    seen.lock().unwrap().files = made.files;
    let measured = load(Kind::Set, 3, 11).run(&target, &keys, &Stop::default()).await.unwrap();
    let seen = seen.lock().unwrap();
    assert_eq!(seen.connections, 3);
    assert_eq!(seen.burst, 4, "11 over 3 connections: 4, 4 and 3");
    assert_eq!(seen.tags, BTreeSet::from([0, 1, 2, 3]));
    let sets = seen.verbs[&(Verb::Set as i32)] as u64;
    assert_eq!(seen.verbs.len(), 1, "{:?}", seen.verbs);
    assert!(measured.answers() > 0 && measured.answers() < sets, "the warm-up does not count");
    assert!((measured.rate() * 0.05 - measured.answers() as f64).abs() < 0.5);
    assert!(measured.quantile_us(0.5) > 0.0 && measured.quantile_us(0.5) <= measured.quantile_us(1.0));
    assert!(seen.files.values().any(|value| value.len() == 5), "the load writes values of its own size");
}

#[tokio::test]
async fn kinds() {
    let (target, _, seen) = member().await;
    let keys = Keys::new("/k", 10);
    keys.fill(&target, 1, &Stop::default()).await.unwrap();
    let asked = |verb| seen.lock().unwrap().verbs.get(&(verb as i32)).copied().unwrap_or_default();
    load(Kind::Get, 1, 4).run(&target, &keys, &Stop::default()).await.unwrap();
    assert_eq!(asked(Verb::Set), keys.len(), "a load of reads writes nothing");
    let gets = asked(Verb::Get);
    assert!(gets > 0);
    load(Kind::Mixed, 1, 4).run(&target, &keys, &Stop::default()).await.unwrap();
    let (reads, writes) = ((asked(Verb::Get) - gets) as f64, (asked(Verb::Set) - keys.len()) as f64);
    assert!(reads / writes > 6.0 && reads / writes < 13.0, "{reads} reads, {writes} writes");
}

#[tokio::test]
async fn an_error_ends_the_run() {
    let (target, _, seen) = member().await;
    let keys = Keys::new("/k", 10);
    keys.fill(&target, 1, &Stop::default()).await.unwrap();
    seen.lock().unwrap().sets_left = Some(20);
    let error = load(Kind::Set, 2, 4).run(&target, &keys, &Stop::default()).await.unwrap_err();
    assert_eq!(error.to_string(), "refused with OTHER: enough");
}

#[tokio::test]
async fn a_file_that_has_gone_is_noticed() {
    let (target, ..) = member().await;
    let error = load(Kind::Get, 1, 1).run(&target, &Keys::new("/k", 1), &Stop::default()).await.unwrap_err();
    assert!(matches!(error, LoadError::Nonsense(_)), "{error}");
}

#[tokio::test]
async fn nothing_to_work_on_or_nowhere_to_go() {
    let (target, ..) = member().await;
    let no_keys =
        load(Kind::Get, 1, 1).run(&target, &Keys::new("/k", 0), &Stop::default()).await.unwrap_err();
    assert!(matches!(no_keys, LoadError::NoKeys), "{no_keys}");
    let uri: Uri = "doozer:?cn=name".parse().unwrap();
    let nowhere = Keys::new("/k", 1).fill(&Target::of(&uri), 1, &Stop::default()).await.unwrap_err();
    assert!(matches!(nowhere, LoadError::Nowhere), "{nowhere}");
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let refused =
        Keys::new("/k", 1).fill(&Target::open(closed.to_string()), 1, &Stop::default()).await.unwrap_err();
    assert!(refused.to_string().starts_with(&format!("cannot connect to {closed}: ")), "{refused}");
}

#[tokio::test]
async fn a_uri_brings_addresses_and_the_secret() {
    let ((_, one, seen_one), (_, two, seen_two)) = (member().await, member().await);
    let uri: Uri = format!("doozer:?ca={one}&ca={two}&sk=secret").parse().unwrap();
    let target = Target::of(&uri);
    let keys = Keys::new("/k", 1);
    keys.fill(&target, 1, &Stop::default()).await.unwrap();
    keys.fill(&Target::open(two), 1, &Stop::default()).await.unwrap();
    load(Kind::Get, 4, 4).run(&target, &keys, &Stop::default()).await.unwrap();
    let (one, two) = (seen_one.lock().unwrap(), seen_two.lock().unwrap());
    assert_eq!((one.connections, two.connections), (1 + 2, 1 + 2));
    assert_eq!(one.secret.as_deref(), Some(&b"secret"[..]));
    assert_eq!(two.secret.as_deref(), Some(&b"secret"[..]));
}

/// Connections to several, told apart.
fn apart(addresses: Vec<String>) -> Target {
    let opener: Opener = Arc::new(|address| {
        let connecting = TcpStream::connect(address.to_owned());
        Box::pin(async { connecting.await.map(|stream| Box::new(stream) as Box<dyn Stream>) })
    });
    Target::members(addresses, None, false, opener)
}

#[tokio::test]
async fn members_that_are_told_apart_have_their_share_and_their_figures() {
    let ((_, one, seen_one), (_, two, seen_two)) = (member().await, member().await);
    let (keys, target) = (Keys::new("/k", 1), apart(vec![one.clone(), two.clone()]));
    for address in [one, two] {
        keys.fill(&Target::open(address), 1, &Stop::default()).await.unwrap();
    }
    let seen = || {
        let gets = |seen: &Shared| {
            let mut seen = seen.lock().unwrap();
            let gets = seen.verbs.remove(&(Verb::Get as i32)).unwrap_or_default();
            (std::mem::take(&mut seen.connections), std::mem::take(&mut seen.burst), gets)
        };
        [gets(&seen_one), gets(&seen_two)]
    };
    seen();
    let shares = load(Kind::Get, 3, 9).run(&target, &keys, &Stop::default()).await.unwrap();
    let [(one, ..), (two, ..)] = seen();
    assert_eq!((one, two), (2, 1));
    let answers: Vec<u64> = shares.members.iter().map(Measured::answers).collect();
    assert!(answers.iter().all(|answers| *answers > 0), "{answers:?}");
    assert_eq!(answers.iter().sum::<u64>(), shares.answers());

    // One in flight: they are asked in turn.
    let in_turn = load(Kind::Get, 1, 1).run(&target, &keys, &Stop::default()).await.unwrap();
    let [(one, burst_one, gets_one), (two, burst_two, gets_two)] = seen();
    assert_eq!([one, two, burst_one, burst_two], [1; 4]);
    assert!(gets_one == gets_two || gets_one == gets_two + 1, "{gets_one} and {gets_two}");
    assert_eq!(in_turn.members.len(), 2);

    // Who leads nowhere else has no members.
    let alone =
        load(Kind::Get, 1, 1).run(&Target::open(target_address(&target)), &keys, &Stop::default()).await;
    assert!(alone.unwrap().members.is_empty());
}

fn target_address(target: &Target) -> String {
    Connect::members(target)[0].clone()
}

#[tokio::test]
async fn a_member_that_is_lost_is_named_and_another_one_deletes() {
    let (_, address, seen) = member().await;
    let dead = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string();
    let (keys, target) = (Keys::new("/k", 10), apart(vec![dead.clone(), address.clone()]));
    keys.fill(&target, 1, &Stop::default()).await.unwrap();
    assert_eq!(seen.lock().unwrap().files.len(), 10);
    let lost = load(Kind::Get, 2, 2).run(&target, &keys, &Stop::default()).await.unwrap_err();
    assert!(lost.is_lost() && lost.to_string().starts_with(&format!("cannot connect to {dead}: ")), "{lost}");
    keys.delete(&target).await.unwrap();
    assert!(seen.lock().unwrap().files.is_empty());
    // One that refuses is not lost: the next one would refuse it, too.
    seen.lock().unwrap().sets_left = Some(0);
    let refused = keys.fill(&apart(vec![address.clone(), dead]), 1, &Stop::default()).await.unwrap_err();
    assert!(!refused.is_lost());
    assert_eq!(refused.to_string(), format!("{address}: refused with OTHER: enough"));
}

#[tokio::test]
async fn waits_wait_for_what_is_to_come_each_elsewhere() {
    let (target, _, seen) = member().await;
    let mut waits = Waits::connect(&target, 3).await.unwrap();
    // One at a time, since this stand-in answers what comes together backwards.
    waits.add("/w", 1).await.unwrap();
    let seen = seen.lock().unwrap();
    let expected = ["/w/0/**", "/w/1/**", "/w/2/**"].map(|glob| (Bytes::from(glob), 8));
    assert_eq!(seen.waits, expected);
    assert_eq!(seen.connections, 3);
}

#[tokio::test]
async fn a_stop_ends_it_early_and_waits_for_what_is_under_way() {
    let (target, _, seen) = member().await;
    let (keys, stop) = (Keys::new("/k", 10), Stop::default());
    keys.fill(&target, 1, &stop).await.unwrap();
    let long = Load { measured: Duration::from_secs(1000), ..load(Kind::Set, 3, 12) };
    let stopping = async {
        // Once all of it is under way.
        while seen.lock().unwrap().verbs[&(Verb::Set as i32)] < 500 {
            tokio::task::yield_now().await;
        }
        stop.stop();
    };
    let (measured, ()) = tokio::join!(long.run(&target, &keys, &stop), stopping);
    assert!(measured.unwrap().duration < Duration::from_secs(1000));
    let sets = seen.lock().unwrap().verbs[&(Verb::Set as i32)];
    keys.delete(&target).await.unwrap();
    assert!(seen.lock().unwrap().files.is_empty());
    keys.fill(&target, 1, &stop).await.unwrap();
    assert_eq!(seen.lock().unwrap().verbs[&(Verb::Set as i32)], sets, "stopped is stopped");
}
