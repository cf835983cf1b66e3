//! Prints what a SET, a GET, a session's SET and the watches cost in time, and what files, history and sessions cost in memory.
//! A first check, by one thread and the operating system's own figures: `cargo run --release --example measure`.

use doozer_store::{
    Applied, At, By, Command, Flags, Glob, History, Lookup, Mode, Options, Outcome, Revision, SessionId,
    Store,
};
use std::hint::black_box;
use std::time::Instant;

const BATCH: usize = 256;
const VALUE: [u8; 128] = [7; 128];
const SESSIONS: u32 = 1_000;
const IN_FLIGHT: u64 = 16;

fn main() {
    // Memory first: what is freed later would otherwise be there to be used again.
    sessions(20_000);
    let mut store = store();
    memory(&mut store, 1_000_000);
    drop(store);
    speed(100_000, 4_000_000);
    speed_of_sessions(100_000, 1_000_000);
}

fn store() -> Store {
    let history = History { revisions_max: 2_000_000, bytes_max: u64::MAX };
    Store::new(Options { history, hash_seed: 0x1234_5678_9abc_def0 })
}

fn memory(store: &mut Store, files: usize) {
    let start = resident_bytes();
    // In an order that jumps about the tree, as files come.
    write(store, (0..files).map(|i| path(i * 7919 % files)));
    let filled = resident_bytes();
    let stats = store.stats();
    let per_file = (filled - start - stats.live_bytes as f64) / files as f64;
    println!("{per_file:.0} B a file beyond path and value, its entry in the history included");

    write(store, (0..files).map(|i| path(i * 104_729 % files)));
    let changed = (resident_bytes() - filled) / files as f64 - VALUE.len() as f64;
    println!("{changed:.0} B an old revision beyond its value");

    let before = Instant::now();
    let digest = store.digest();
    println!("digest {:02x}… of {files} files in {:.0} ms", digest[0], before.elapsed().as_secs_f64() * 1e3);
    let before = Instant::now();
    let mut snapshot = store.begin_snapshot();
    let mut chunk = Vec::new();
    let (mut bytes, mut slowest) = (0, 0.0_f64);
    loop {
        chunk.clear();
        let one = Instant::now();
        let more = snapshot.next_chunk(store, &mut chunk);
        slowest = slowest.max(one.elapsed().as_secs_f64());
        bytes += chunk.len();
        if !more {
            break;
        }
    }
    store.end_snapshot(snapshot);
    let total = before.elapsed().as_secs_f64();
    println!(
        "snapshot of {} MiB in {:.0} ms, slowest chunk {:.0} µs",
        bytes >> 20,
        total * 1e3,
        slowest * 1e6
    );
}

/// Each with a file of its own, and all in one queue.
fn sessions(count: u32) {
    let (mut store, start) = (store(), resident_bytes());
    let (mut out, mut command) = (Applied::default(), Vec::new());
    for n in 0..count {
        command.clear();
        Command::Open { session: id(n), ttl_ms: 10_000, opened_ms: 0, label: "host/process" }
            .encode(&mut command);
        store.apply([&command], &mut out);
    }
    report_sessions("open", &store, start, count);
    for (sequence, flags) in [(1, Flags::EPHEMERAL), (2, Flags::QUEUE)] {
        for n in 0..count {
            let path = if flags == Flags::QUEUE { "/lock".to_owned() } else { format!("/services/{n:05}") };
            by(&mut command, id(n), sequence, sequence - 1, flags, &path, 0);
            store.apply([&command], &mut out);
        }
        let what = if flags == Flags::QUEUE { "and all but one in a queue" } else { "with a file each" };
        report_sessions(what, &store, start, count);
    }
    let before = Instant::now();
    let snapshot = store.begin_snapshot();
    println!("beginning a snapshot of {count} sessions: {:.1} ms", before.elapsed().as_secs_f64() * 1e3);
    store.end_snapshot(snapshot);
    // The holder is the first of those who go; the others go out of the middle of the queue.
    let expire = time(count as usize, || {
        for n in 0..count {
            command.clear();
            Command::Expire { session: id(n * 7919 % count) }.encode(&mut command);
            store.apply([&command], &mut out);
        }
    });
    assert_eq!((store.sessions_len(), store.session_bytes()), (0, 0));
    println!("EXPIRE {expire:.0} ns, of {count} in one queue, in any order");
}

fn report_sessions(what: &str, store: &Store, start: f64, count: u32) {
    let (resident, counted) = (resident_bytes() - start, store.session_bytes());
    println!(
        "{count} sessions {what}: {:.0} B each, {:.0} B each as their bound counts it",
        resident / f64::from(count),
        counted as f64 / f64::from(count)
    );
}

fn id(n: u32) -> SessionId {
    SessionId::of_key(&u128::from(n).to_le_bytes())
}

fn by(
    out: &mut Vec<u8>,
    session: SessionId,
    sequence: u64,
    acknowledged: u64,
    flags: Flags,
    path: &str,
    rev: i64,
) {
    let mut set = Vec::with_capacity(256);
    Command::Set { path, rev, value: &VALUE }.encode(&mut set);
    out.clear();
    By::new(session, sequence, acknowledged, &set).flagged(flags).encode_head(out, std::iter::empty());
    out.extend_from_slice(&set);
}

/// A session's SET beside one of nobody's, the same paths in the same order, in turn: the least of three.
fn speed_of_sessions(files: usize, changes: usize) {
    let kinds =
        [("SET", None), ("BY(SET)", Some(Flags::default())), ("BY(ephemeral SET)", Some(Flags::EPHEMERAL))];
    let mut least = [f64::INFINITY; 3];
    for _ in 0..3 {
        for (least, (_, flags)) in least.iter_mut().zip(kinds) {
            *least = least.min(set_by_sessions(files, changes, flags));
        }
    }
    for (least, (name, _)) in least.iter().zip(kinds) {
        println!("{name} {least:.0} ns, {SESSIONS} sessions with {IN_FLIGHT} answers unacknowledged");
    }
}

/// Nanoseconds of one; without flags, it is nobody's.
fn set_by_sessions(files: usize, changes: usize, flags: Option<Flags>) -> f64 {
    let (mut store, mut out, mut command) = (Store::new(Options::default()), Applied::default(), Vec::new());
    write(&mut store, (0..files).map(|i| path(i * 7919 % files)));
    for n in 0..SESSIONS {
        command.clear();
        Command::Open { session: id(n), ttl_ms: 10_000, opened_ms: 0, label: "" }.encode(&mut command);
        store.apply([&command], &mut out);
    }
    let (mut batch, mut spent) = (vec![Vec::new(); BATCH], 0.0);
    for start in (0..changes).step_by(BATCH) {
        for (i, command) in (start..).zip(&mut batch) {
            let (path, session) = (path(i * 104_729 % files), id(i as u32 % SESSIONS));
            let sequence = i as u64 / u64::from(SESSIONS) + 1;
            if let Some(flags) = flags {
                by(command, session, sequence, sequence.saturating_sub(IN_FLIGHT), flags, &path, -1);
            } else {
                command.clear();
                Command::Set { path: &path, rev: -1, value: &VALUE }.encode(command);
            }
        }
        spent += time(1, || store.apply(&batch, &mut out));
        assert!(out.outcomes.iter().all(|outcome| matches!(outcome, Outcome::Set(_))));
    }
    spent / changes as f64
}

fn speed(files: usize, changes: usize) {
    let mut store = Store::new(Options::default());
    let create = time(files, || write(&mut store, (0..files).map(|i| path(i * 7919 % files))));
    println!("create {create:.0} ns");
    let batches = batches((0..changes).map(|i| path(i * 104_729 % files)));
    let mut out = Applied::default();
    for pass in ["history filling", "history full"] {
        let set = time(changes, || batches.iter().for_each(|batch| store.apply(batch, &mut out)));
        println!("SET {set:.0} ns ({:.0}/s), {pass}", 1e9 / set);
    }
    let paths: Vec<_> = (0..files).map(|i| path(i * 104_729 % files)).collect();
    let get = time(changes, || {
        for i in 0..changes {
            let found = store.get(&paths[i % files], At::Now);
            assert!(matches!(black_box(found), Ok(Lookup::File { .. })));
        }
    });
    println!("GET {get:.0} ns ({:.0}/s)", 1e9 / get);
    let rev = At::Revision(Revision(store.revision().0 - 300_000));
    let get = time(changes, || {
        for i in 0..changes {
            black_box(store.get(&paths[i % files], rev)).ok();
        }
    });
    println!("GET of an old revision {get:.0} ns");
    for globs in ["/elsewhere/{}/**", "/elsewhere/file{}*", "/elsewhere/{}"] {
        waits(&mut store, globs, &batches, changes);
    }
}

fn waits(store: &mut Store, globs: &str, batches: &[Vec<Vec<u8>>], changes: usize) {
    let count = 100_000;
    let mut out = Applied::default();
    let mut ids = Vec::new();
    let globs: Vec<_> = (0..count).map(|i| globs.replace("{}", &i.to_string())).collect();
    let globs: Vec<_> = globs.iter().filter_map(|glob| Glob::parse(glob.as_bytes()).ok()).collect();
    let name = globs[0].to_string();
    let without = time(changes, || batches.iter().for_each(|batch| store.apply(batch, &mut out)));
    let start = resident_bytes();
    let add = time(count, || {
        ids.extend(globs.into_iter().map(|glob| store.watch(glob, Revision(1), Mode::Once, 0)));
    });
    let memory = (resident_bytes() - start) / count as f64;
    let with = time(changes, || batches.iter().for_each(|batch| store.apply(batch, &mut out)));
    assert_eq!(store.watches_len(), count);
    let remove = time(count, || ids.iter().for_each(|id| assert!(store.unwatch(*id))));
    println!(
        "SET {with:.0} ns with {count} waits like {name}, {without:.0} ns without ({:.2} times); \
         adding one {add:.0} ns, {memory:.0} B, removing {remove:.0} ns",
        with / without
    );
}

fn path(i: usize) -> String {
    format!("/bench/dir{:03}/file{i:07}", i % 997)
}

fn write(store: &mut Store, paths: impl Iterator<Item = String>) {
    let mut out = Applied::default();
    let mut batch = Vec::new();
    let mut paths = paths.peekable();
    while paths.peek().is_some() {
        fill(&mut batch, &mut paths);
        store.apply(&batch, &mut out);
    }
}

fn batches(paths: impl Iterator<Item = String>) -> Vec<Vec<Vec<u8>>> {
    let mut paths = paths.peekable();
    let mut batches = Vec::new();
    while paths.peek().is_some() {
        let mut batch = Vec::new();
        fill(&mut batch, &mut paths);
        batches.push(batch);
    }
    batches
}

/// Uses the commands' memory again: else the store's values would come to lie in the gaps they leave, which
/// are a little too large.
fn fill(batch: &mut Vec<Vec<u8>>, paths: &mut impl Iterator<Item = String>) {
    let mut count = 0;
    for path in paths.take(BATCH) {
        if batch.len() == count {
            batch.push(Vec::with_capacity(256));
        }
        batch[count].clear();
        Command::Set { path: &path, rev: -1, value: &VALUE }.encode(&mut batch[count]);
        count += 1;
    }
    batch.truncate(count);
}

/// Nanoseconds for one of `count`.
fn time(count: usize, run: impl FnOnce()) -> f64 {
    let start = Instant::now();
    run();
    start.elapsed().as_secs_f64() * 1e9 / count as f64
}

/// What this process holds in memory, or zero where that cannot be asked.
fn resident_bytes() -> f64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: f64 = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0.0);
    pages * 4096.0
}
