//! Snapshots of stores too large for one chunk, and of bytes that are none.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod tree;

use doozer_store::{
    Applied, At, Command, Glob, History, Loader, Options, Revision, Scan, SessionId, SnapshotError, Store,
};
use tree::{A, B, C, Tree};

const FILES: u64 = 3000;

fn options(revisions_max: u64) -> Options {
    Options { history: History { revisions_max, bytes_max: u64::MAX }, hash_seed: 5 }
}

/// Change number n of a sequence that makes, changes and deletes.
fn change(store: &mut Store, n: u64) {
    let mut bytes = Vec::new();
    let path = format!("/d{}/f{}", n % 7, n * 7919 % FILES);
    if n % 5 == 4 {
        Command::Del { path: &path, rev: -1 }.encode(&mut bytes);
    } else {
        Command::Set { path: &path, rev: -1, value: &n.to_le_bytes() }.encode(&mut bytes);
    }
    store.apply([bytes], &mut Applied::default());
}

fn filled(revisions_max: u64, changes: u64) -> Store {
    let mut store = Store::new(options(revisions_max));
    (0..changes).for_each(|n| change(&mut store, n));
    store
}

type Listing = Vec<(String, Revision, Vec<u8>)>;

fn listing(store: &Store, at: At) -> Listing {
    let glob = Glob::parse(b"/**").unwrap();
    let walk = store.walk(&glob, at, None).unwrap();
    walk.map(|file| (file.path.to_owned(), file.rev, file.value.to_vec())).collect()
}

fn events(store: &Store) -> Vec<Scan> {
    let glob = Glob::parse(b"/**").unwrap();
    (store.first().0..=store.revision().0).map(|rev| store.scan(&glob, Revision(rev), 1)).collect()
}

fn bytes_of(store: &mut Store) -> Vec<u8> {
    let (mut snapshot, mut bytes) = (store.begin_snapshot(), Vec::new());
    while snapshot.next_chunk(store, &mut bytes) {}
    store.end_snapshot(snapshot);
    bytes
}

fn load(bytes: &[u8], options: Options, cut: usize) -> Result<Store, SnapshotError> {
    let mut loader = Loader::new(options);
    for piece in bytes.chunks(cut) {
        loader.push(piece)?;
    }
    loader.finish()
}

#[test]
fn writes_between_the_chunks_are_not_in_it() {
    let mut store = filled(2000, 20_000);
    let revision = store.revision();
    let old = At::Revision(Revision(revision.0 - 1500));
    let then = (store.digest(), listing(&store, At::Now), listing(&store, old), events(&store));
    let mut snapshot = store.begin_snapshot();
    let (mut bytes, mut chunks, mut n) = (Vec::new(), 0, 20_000);
    loop {
        let start = bytes.len();
        let more = snapshot.next_chunk(&store, &mut bytes);
        assert!(bytes.len() - start <= (256 << 10) + 5000);
        chunks += 1;
        if !more {
            break;
        }
        // Files on both sides of where the snapshot stands come, change and go.
        (0..500).for_each(|i| change(&mut store, n + i));
        n += 500;
    }
    assert!(chunks > 15, "{chunks} chunks");
    assert_eq!(snapshot.revision(), revision);
    assert!(store.stats().history_revisions > 2000, "held for the snapshot");
    store.end_snapshot(snapshot);
    let left = store.stats().history_revisions;
    assert!(left > 2000, "not all of it goes at once: {left}");
    (0..100).for_each(|i| change(&mut store, n + i));
    assert_eq!(store.stats().history_revisions, 2000);

    let loaded = load(&bytes, options(2000), 1000).unwrap();
    assert_eq!((loaded.revision(), loaded.first()), (revision, Revision(revision.0 - 1999)));
    let now = (loaded.digest(), listing(&loaded, At::Now), listing(&loaded, old), events(&loaded));
    assert!(now == then);
    assert_ne!(store.digest(), then.0);
}

#[test]
fn the_loading_store_keeps_what_its_own_limits_say() {
    let mut store = filled(2000, 10_000);
    let bytes = bytes_of(&mut store);
    let loaded = load(&bytes, options(10), usize::MAX).unwrap();
    assert_eq!((loaded.stats().history_revisions, loaded.digest()), (10, store.digest()));
    assert_eq!(loaded.stats().live_bytes, store.stats().live_bytes);
    // And it goes on as the other one.
    let (mut one, mut other) = (store, loaded);
    (10_000..12_000).for_each(|n| {
        change(&mut one, n);
        change(&mut other, n);
    });
    assert_eq!(one.digest(), other.digest());
}

#[test]
fn the_formats_stay() {
    let mut store = Store::new(options(1));
    for command in [
        Command::Set { path: "/a/b", rev: -1, value: b"old" },
        Command::Set { path: "/é", rev: -1, value: b"" },
        Command::Set { path: "/c", rev: -1, value: b"gone" },
        Command::Set { path: "/a/b", rev: -1, value: b"new" },
        Command::Del { path: "/c", rev: -1 },
    ] {
        let mut bytes = Vec::new();
        command.encode(&mut bytes);
        store.apply([bytes], &mut Applied::default());
    }
    let header = b"\x02\x04\0\0\0\0\0\0\0\x05\0\0\0\0\0\0\0";
    let ab = b"\x01\x04\0\0\0\0\0\0\0\x04\0\x03\0\0\0/a/bnew";
    let c = b"\x01\x03\0\0\0\0\0\0\0\x02\0\x04\0\0\0/cgone";
    let e = b"\x01\x02\0\0\0\0\0\0\0\x03\0\0\0\0\0/\xc3\xa9";
    let records = [&header[..], ab, c, e, b"\x03\x02\0/c", b"\x04"].concat();
    let hash = *blake3::hash(&records).as_bytes();
    assert_eq!(bytes_of(&mut store), [&records[..], &hash].concat());

    // The one before sessions is read still.
    let mut first = records.clone();
    first[0] = 1;
    first.extend_from_slice(blake3::hash(&first.clone()).as_bytes());
    assert_eq!(load(&first, options(1), 5).unwrap().digest(), store.digest());

    let state = [&b"\x02\x05\0\0\0\0\0\0\0"[..], ab, e].concat();
    assert_eq!(store.digest(), *blake3::hash(&state).as_bytes());
}

#[test]
fn an_empty_store_too() {
    let mut store = Store::new(options(10));
    let bytes = bytes_of(&mut store);
    let loaded = load(&bytes, options(10), 1).unwrap();
    assert_eq!(
        (loaded.revision(), loaded.first(), loaded.digest()),
        (Revision(0), Revision(1), store.digest())
    );
}

#[test]
fn equal_states_have_equal_digests_and_others_do_not() {
    let (one, other) = (filled(1, 5000), filled(3000, 5000));
    assert_eq!(one.digest(), other.digest());
    let mut seen = vec![one.digest()];
    let mut store = one;
    for n in 5000..5050 {
        let before = store.revision();
        change(&mut store, n);
        assert_eq!(seen.contains(&store.digest()), store.revision() == before, "{n}");
        seen.push(store.digest());
    }
}

#[test]
fn what_is_cut_or_changed_is_refused() {
    let mut store = filled(40, 120);
    let bytes = bytes_of(&mut store);
    for len in 0..bytes.len() {
        assert_eq!(
            load(&bytes[..len], options(9), usize::MAX).err(),
            Some(SnapshotError::Truncated),
            "{len}"
        );
    }
    for at in 0..bytes.len() {
        for bit in [0, 3, 7] {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1 << bit;
            assert!(load(&bytes, options(9), usize::MAX).is_err(), "bit {bit} of byte {at}");
        }
    }
    let mut longer = bytes.clone();
    longer.push(0);
    assert!(matches!(load(&longer, options(9), usize::MAX).err(), Some(SnapshotError::Malformed(_))));
    assert_eq!(load(b"\x03", options(9), 1).err(), Some(SnapshotError::Format(3)));
}

#[test]
fn an_error_stays() {
    let mut store = filled(40, 120);
    let bytes = bytes_of(&mut store);
    let mut loader = Loader::new(options(9));
    assert_eq!(loader.push(b"\x09"), Err(SnapshotError::Format(9)));
    assert_eq!(loader.push(&bytes), Err(SnapshotError::Format(9)));
    assert_eq!(loader.finish().err(), Some(SnapshotError::Format(9)));
}

/// A header for base and last revision, records, and a right hash at the end.
fn forged(base: u64, last: u64, records: &[u8]) -> Option<SnapshotError> {
    forged_in(2, base, last, records)
}

fn forged_in(format: u8, base: u64, last: u64, records: &[u8]) -> Option<SnapshotError> {
    let mut bytes = vec![format];
    bytes.extend(base.to_le_bytes());
    bytes.extend(last.to_le_bytes());
    bytes.extend(records);
    bytes.push(4);
    bytes.extend(blake3::hash(&bytes).as_bytes());
    load(&bytes, options(9), 7).err()
}

fn file(path: &str, rev: u64) -> Vec<u8> {
    [&[1][..], &rev.to_le_bytes(), &[path.len() as u8, 0, 0, 0, 0, 0], path.as_bytes()].concat()
}

fn set(path: &str) -> Vec<u8> {
    [&[2, path.len() as u8, 0, 0, 0, 0, 0], path.as_bytes()].concat()
}

fn del(path: &str) -> Vec<u8> {
    [&[3, path.len() as u8, 0], path.as_bytes()].concat()
}

#[test]
fn what_no_store_writes_is_refused_though_its_hash_is_right() {
    assert_eq!(forged(5, 7, &[file("/a", 5), file("/b", 1), set("/b"), del("/a")].concat()), None);
    let malformed: &[(u64, u64, Vec<u8>)] = &[
        (5, 4, vec![]),
        (5, u64::MAX, vec![]),
        (5, 5, [file("/b", 5), file("/a", 1)].concat()),
        (5, 5, [file("/a", 5), file("/a", 1)].concat()),
        (5, 5, [file("/a", 5), file("/a/b", 1)].concat()),
        (5, 5, file("/a", 6)),
        (5, 5, file("/a", 0)),
        (5, 5, file("/a b", 1)),
        (5, 5, file("/", 1)),
        (5, 5, set("/a")),
        (5, 7, set("/a")),
        (5, 6, [set("/a"), file("/b", 1)].concat()),
        (5, 6, del("/a")),
        (5, 7, [set("/a"), set("/a/b")].concat()),
        (5, 5, vec![9]),
        (5, 6, vec![2, 0xff, 0xff, 0, 0, 0, 0]),
        (5, 6, vec![2, 2, 0, 0xff, 0xff, 0xff, 0xff, b'/', b'a']),
    ];
    for (base, last, records) in malformed {
        let error = forged(*base, *last, records);
        assert!(matches!(error, Some(SnapshotError::Malformed(_))), "{base} {last} {records:?}: {error:?}");
    }
}

/// A and B wait for the file that A holds by the token 2; C has two outcomes.
fn with_sessions() -> Tree {
    let mut tree = Tree::with_sessions();
    tree.set("/f", b"");
    tree.queue_all(&[A, A, B], "/l", b"v");
    tree.ephemeral(A, "/l", b"w");
    tree.next(C, &tree::set("/f", 0, b""));
    tree.next(C, &tree::write(Command::Nop));
    tree
}

/// The parts of those records, for each test to change one.
#[derive(Clone)]
struct Parts {
    id: u8,
    ttl_ms: u32,
    last: u64,
    label: Vec<u8>,
    outcomes: Vec<(u64, Vec<u8>)>,
    files: Vec<(u64, &'static str)>,
}

/// An outcome without more to it than its kind and a number.
fn outcome(kind: u8, number: u64) -> Vec<u8> {
    [&[kind][..], &number.to_le_bytes(), &[0; 8]].concat()
}

type Change = fn(&mut [Parts; 3]);

const QUEUED: u8 = 12;

fn parts() -> [Parts; 3] {
    let part =
        |id, last, outcomes, files| Parts { id, ttl_ms: 5000, last, label: b"me".into(), outcomes, files };
    [
        part(1, 3, vec![(1, outcome(0, 2)), (2, outcome(QUEUED, 0)), (3, outcome(0, 3))], vec![(2, "/l")]),
        part(2, 1, vec![(1, outcome(QUEUED, 0))], vec![]),
        part(3, 2, vec![(1, outcome(4, 0)), (2, outcome(3, 0))], vec![]),
    ]
}

fn framed(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind][..], &(body.len() as u32).to_le_bytes(), body].concat()
}

fn text(text: &[u8]) -> Vec<u8> {
    [&(text.len() as u16).to_le_bytes(), text].concat()
}

fn session(parts: &Parts) -> Vec<u8> {
    let Parts { id, ttl_ms, last, label, outcomes, files } = parts;
    let mut body = vec![*id; 16];
    body.extend(ttl_ms.to_le_bytes());
    body.extend(7_u64.to_le_bytes());
    body.extend(last.to_le_bytes());
    body.extend(text(label));
    body.extend((outcomes.len() as u32).to_le_bytes());
    outcomes
        .iter()
        .for_each(|(sequence, outcome)| body.extend([&sequence.to_le_bytes(), &**outcome].concat()));
    body.extend((files.len() as u32).to_le_bytes());
    files
        .iter()
        .for_each(|(token, path)| body.extend([&token.to_le_bytes()[..], &text(path.as_bytes())].concat()));
    framed(5, &body)
}

fn queue(path: &str, waiters: &[(u8, u64, &[u8])]) -> Vec<u8> {
    let mut body = text(path.as_bytes());
    body.extend((waiters.len() as u32).to_le_bytes());
    for (session, sequence, value) in waiters {
        body.extend([*session; 16]);
        body.extend(sequence.to_le_bytes());
        body.extend((value.len() as u32).to_le_bytes());
        body.extend(*value);
    }
    framed(6, &body)
}

fn files() -> Vec<u8> {
    let l = [&file("/l", 3)[..11], &[1, 0, 0, 0], b"/lw"].concat();
    [file("/f", 1), l].concat()
}

const WAITERS: &[(u8, u64, &[u8])] = &[(1, 2, b"v"), (2, 1, b"v")];

#[test]
fn the_format_of_sessions_stays() {
    let tree = with_sessions();
    let records = [files(), parts().map(|parts| session(&parts)).concat(), queue("/l", WAITERS)].concat();
    let digest = blake3::hash(&[&b"\x02\x03\0\0\0\0\0\0\0"[..], &records].concat());
    assert_eq!(tree.store.digest(), *digest.as_bytes());
    assert_eq!(forged(3, 3, &records), None);
    // And so written out.
    assert_eq!(
        queue("/l", &WAITERS[..1]),
        [&b"\x06\x25\0\0\0\x02\0/l\x01\0\0\0"[..], &[1; 16], b"\x02\0\0\0\0\0\0\0\x01\0\0\0v"].concat()
    );
    let mut of_b = [&b"\x05\x49\0\0\0"[..], &[2; 16], b"\x88\x13\0\0\x07\0\0\0\0\0\0\0"].concat();
    of_b.extend(b"\x01\0\0\0\0\0\0\0\x02\0me\x01\0\0\0\x01\0\0\0\0\0\0\0");
    of_b.extend([&outcome(QUEUED, 0)[..], b"\0\0\0\0"].concat());
    assert_eq!(session(&parts()[1]), of_b);
}

#[test]
fn sessions_that_no_store_writes_are_refused_though_the_hash_is_right() {
    let good = parts();
    let with = |change: Change| {
        let mut parts = good.clone();
        change(&mut parts);
        parts.map(|parts| session(&parts)).concat()
    };
    let all = with(|_| {});
    let line = queue("/l", WAITERS);
    let whole = [files(), all.clone(), line.clone()].concat();
    assert_eq!(forged(3, 3, &whole), None);
    let mut bad = vec![
        ("its format has none", Vec::new()),
        ("a place is missing", all.clone()),
        ("a session is missing", [with(|parts| parts[0].id = 0), line.clone()].concat()),
        ("queues first", [line.clone(), all.clone()].concat()),
        ("a session behind a queue", {
            let other = Parts { id: 9, outcomes: vec![], ..good[2].clone() };
            [&all[..], &line, &session(&other)].concat()
        }),
        ("a file behind sessions", [&all[..], &file("/z", 1), &line].concat()),
        ("a change behind sessions", [&all[..], &set("/f"), &line].concat()),
    ];
    let changes: &[(&str, Change)] = &[
        ("ids out of order", |parts| parts[2].id = 1),
        ("an id twice", |parts| parts[2].id = 2),
        ("a TTL out of bounds", |parts| parts[2].ttl_ms = 999),
        ("a label that is too long", |parts| parts[2].label = vec![b'x'; 257]),
        ("a label that is no text", |parts| parts[2].label = vec![0xff]),
        ("an outcome of number 0", |parts| parts[2].outcomes[0].0 = 0),
        ("an outcome yet to come", |parts| parts[2].outcomes[1].0 = 3),
        ("outcomes out of order", |parts| parts[2].outcomes.swap(0, 1)),
        ("an outcome twice", |parts| parts[2].outcomes[1].0 = 1),
        ("an unknown outcome", |parts| parts[2].outcomes[0].1[0] = 99),
        ("an outcome that nobody writes", |parts| parts[2].outcomes[0].1[1] = 1),
        ("more outcomes than are kept", |parts| {
            parts[2].outcomes = (1..=4097).map(|sequence| (sequence, outcome(3, 0))).collect();
            parts[2].last = 4097;
        }),
        ("one waits without a place", |parts| parts[2].outcomes[1].1[0] = QUEUED),
        ("a place without waiting", |parts| parts[1].outcomes[0].1[0] = 3),
        ("a file that is not there", |parts| parts[2].files.push((1, "/none"))),
        ("a directory", |parts| parts[2].files.push((1, "/"))),
        ("a file that another one holds", |parts| parts[2].files.push((1, "/l"))),
        ("a file twice", |parts| parts[0].files.push((2, "/l"))),
        ("files out of order", |parts| parts[0].files.push((1, "/f"))),
        ("a token behind the file", |parts| parts[0].files[0].0 = 4),
        ("no token", |parts| parts[0].files[0].0 = 0),
    ];
    bad.extend(changes.iter().map(|(what, change)| (*what, [with(*change), line.clone()].concat())));
    let lines: &[(&str, Vec<u8>)] = &[
        ("an empty queue", queue("/f", &[])),
        ("no file", queue("/none", WAITERS)),
        ("in two queues", [queue("/f", &WAITERS[..1]), line.clone()].concat()),
        ("twice in one", queue("/l", &[WAITERS[0], WAITERS[1], WAITERS[1]])),
        ("another number", queue("/l", &[WAITERS[0], (2, 2, b"v")])),
        ("nobody", queue("/l", &[WAITERS[0], WAITERS[1], (9, 1, b"")])),
        ("out of order", [queue("/l", &WAITERS[..1]), queue("/f", &WAITERS[1..])].concat()),
        ("something behind", framed(6, &[&line[5..], b"x"].concat())),
        ("cut short", framed(6, &line[5..line.len() - 1])),
    ];
    bad.extend(lines.iter().map(|(what, line)| (*what, [&all[..], line].concat())));
    for (what, records) in &bad[1..] {
        let error = forged(3, 3, &[files(), records.clone()].concat());
        assert!(matches!(error, Some(SnapshotError::Malformed(_))), "{what}: {error:?}");
    }
    let error = forged_in(1, 3, 3, &whole);
    assert!(matches!(error, Some(SnapshotError::Malformed(_))), "{}: {error:?}", bad[0].0);
    // The cluster's own belong to nobody, and nobody waits for them.
    for own in ["/ctl/cal/0", "/ctl/settings/x"] {
        let files = [file(own, 1), file("/f", 1), files()[file("/f", 1).len()..].to_vec()].concat();
        let none = Parts { outcomes: vec![], files: vec![(1, own)], ..good[2].clone() };
        let one = Parts { files: vec![], outcomes: vec![(1, outcome(QUEUED, 0))], ..none.clone() };
        for records in [session(&none), [session(&one), queue(own, &[(3, 1, b"")])].concat()] {
            let error = forged(3, 3, &[&files[..], &records].concat());
            assert!(matches!(error, Some(SnapshotError::Malformed(_))), "{own}: {error:?}");
        }
    }
}

#[test]
fn sessions_that_change_meanwhile_are_not_in_it() {
    let mut tree = with_sessions();
    (0..2000).for_each(|n| change(&mut tree.store, n));
    let (digest, bytes_then) = (tree.store.digest(), tree.store.session_bytes());
    let (mut snapshot, mut bytes) = (tree.store.begin_snapshot(), Vec::new());
    let mut steps = 0_u64;
    while snapshot.next_chunk(&tree.store, &mut bytes) {
        match steps {
            0 => drop(tree.apply(Command::Expire { session: A })),
            1 => drop(tree.queue(C, "/l", b"late")),
            2 => drop(tree.open(A)),
            _ => drop(tree.ephemeral(A, &format!("/late{steps}"), b"")),
        }
        steps += 1;
    }
    tree.store.end_snapshot(snapshot);
    assert!(steps > 4, "{steps} chunks");
    let loaded = load(&bytes, options(1000), 777).unwrap();
    assert_eq!((loaded.digest(), loaded.session_bytes()), (digest, bytes_then));
    assert_ne!(tree.store.digest(), digest);
    // Who was loaded goes on as those who were not.
    let mut loaded = Tree { store: loaded, ..Tree::default() };
    loaded.apply(Command::Expire { session: A });
    let made: Vec<_> = loaded.out.granted.iter().map(|granted| (granted.session, granted.sequence)).collect();
    assert_eq!(made, [(A, 2), (B, 1)]);
}

#[test]
fn many_sessions_take_many_chunks() {
    const SESSIONS: u32 = 5000;
    let id = |n: u32| {
        let mut id = [0; 16];
        id[..4].copy_from_slice(&n.to_be_bytes());
        SessionId(id)
    };
    let mut tree = Tree::default();
    for n in 0..SESSIONS {
        tree.open(id(n));
        tree.ephemeral(id(n), &format!("/s/{n}"), b"");
        tree.queue(id(n), "/l", &[7; 100]);
        tree.queue(id(n), &format!("/q/{}", n % 600), b"");
    }
    let then = (tree.store.digest(), tree.store.session_bytes());
    let (mut snapshot, mut bytes, mut chunks) = (tree.store.begin_snapshot(), Vec::new(), 0);
    loop {
        let start = bytes.len();
        let more = snapshot.next_chunk(&tree.store, &mut bytes);
        // All of one queue is one record.
        assert!(bytes.len() - start <= (256 << 10) + 140 * SESSIONS as usize);
        chunks += 1;
        if !more {
            break;
        }
        // Sessions and queues on both sides of where the snapshot stands change and go.
        for n in [chunks, SESSIONS / 2 + chunks, SESSIONS - chunks] {
            tree.apply(Command::Expire { session: id(n) });
            tree.queue(id(n + 100), &format!("/q/{n}"), b"late");
            tree.del(&format!("/q/{}", n % 600));
        }
    }
    tree.store.end_snapshot(snapshot);
    assert!(chunks > 40, "{chunks} chunks");
    let loaded = load(&bytes, options(9), 100_000).unwrap();
    assert_eq!((loaded.digest(), loaded.session_bytes()), then);
    assert_eq!(loaded.sessions_len(), SESSIONS as usize);
    assert_ne!(tree.store.digest(), then.0);
}
