//! Prints what a SET, a GET and the watches cost in time, and what files and history cost in memory.
//! A first check, by one thread and the operating system's own figures: `cargo run --release --example measure`.

use doozer_store::{Applied, At, Command, Glob, History, Lookup, Mode, Options, Revision, Store};
use std::hint::black_box;
use std::time::Instant;

const BATCH: usize = 256;
const VALUE: [u8; 128] = [7; 128];

fn main() {
    // Memory first: what is freed later would otherwise be there to be used again.
    let mut store = store();
    memory(&mut store, 1_000_000);
    drop(store);
    speed(100_000, 4_000_000);
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
