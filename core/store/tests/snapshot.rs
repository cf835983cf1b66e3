//! Snapshots of stores too large for one chunk, and of bytes that are none.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use doozer_store::{
    Applied, At, Command, Glob, History, Loader, Options, Revision, Scan, SnapshotError, Store,
};

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
    let header = b"\x01\x04\0\0\0\0\0\0\0\x05\0\0\0\0\0\0\0";
    let ab = b"\x01\x04\0\0\0\0\0\0\0\x04\0\x03\0\0\0/a/bnew";
    let c = b"\x01\x03\0\0\0\0\0\0\0\x02\0\x04\0\0\0/cgone";
    let e = b"\x01\x02\0\0\0\0\0\0\0\x03\0\0\0\0\0/\xc3\xa9";
    let records = [&header[..], ab, c, e, b"\x03\x02\0/c", b"\x04"].concat();
    let hash = *blake3::hash(&records).as_bytes();
    assert_eq!(bytes_of(&mut store), [&records[..], &hash].concat());

    let state = [&b"\x01\x05\0\0\0\0\0\0\0"[..], ab, e].concat();
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
    assert_eq!(load(b"\x02", options(9), 1).err(), Some(SnapshotError::Format(2)));
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
    let mut bytes = vec![1];
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
