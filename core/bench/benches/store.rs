//! The store alone, by one thread: what a SET and a GET take, what waits add to a SET, and what files and history take
//! in memory. `cargo bench -p doozer-bench --bench store [-- --quick]`.

use std::env;
use std::error::Error;
use std::hint::black_box;
use std::process::{self, Command};
use std::time::{Duration, Instant};

use doozer_bench::process::resident_bytes;
use doozer_bench::report::{Bar, Report, Unit};
use doozer_store::{
    Applied, At, Command as Change, Glob, History, Lookup, Mode, Options, Outcome, Revision, Store,
};

const FILES: usize = 100_000;
const WAITS: usize = 100_000;
const BATCH: usize = 256;
const VALUE: [u8; 128] = [7; 128];

/// For memory: so many that what is there besides does not count.
const MANY: usize = 1_000_000;

/// A prime, so that steps of it reach every file, in an order that jumps about.
const STEP: usize = 104_729;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = env::args().skip(1).collect();
    if let Some(what) = args.iter().position(|arg| arg == "--memory-of").and_then(|at| args.get(at + 1)) {
        println!("{}", memory(what)?);
        return Ok(());
    }
    let quick = args.iter().any(|arg| arg == "--quick");
    let (rounds, changes) = if quick { (1, 1_000_000) } else { (5, 4_000_000) };

    let mut report = Report::default();
    let set = report.row_with_bar("SET", Unit::PerSecond, Bar::AtLeast(700_000.0));
    let get = report.row_with_bar("GET", Unit::PerSecond, Bar::AtLeast(3_000_000.0));
    let waits = report.row_with_bar("SET's time with 100,000 waits elsewhere", Unit::Times, Bar::AtMost(1.5));
    let live = report.row_with_bar("memory of a file", Unit::Bytes, Bar::AtMost(150.0));
    let old = report.row_with_bar("memory of an old revision", Unit::Bytes, Bar::AtMost(120.0));

    let mut bench = Bench::new();
    for _ in 0..rounds {
        let without = bench.set(changes);
        report.add(set, changes as f64 / without.as_secs_f64());
        report.add(get, changes as f64 / bench.get(changes).as_secs_f64());
        let ids = bench.add_waits();
        report.add(waits, bench.set(changes).as_secs_f64() / without.as_secs_f64());
        ids.into_iter().for_each(|id| assert!(bench.store.unwatch(id)));
        report.add(live, in_a_fresh_process("file")?);
        report.add(old, in_a_fresh_process("revision")?);
    }
    println!("\nThe store, one thread, {FILES} files, {} B values, history on", VALUE.len());
    println!("{report}");
    Ok(())
}

/// A store with its files and a full history.
struct Bench {
    store: Store,
    paths: Vec<String>,
    next: usize,
    batch: Batch,
}

impl Bench {
    fn new() -> Self {
        let store = Store::new(Options { hash_seed: 0x1234_5678_9abc_def0, ..Options::default() });
        let paths = (0..FILES).map(path).collect();
        let mut bench = Bench { store, paths, next: 0, batch: Batch::default() };
        let history = History::default().revisions_max as usize;
        bench.set(FILES + history);
        assert_eq!(bench.store.stats().history_revisions, history as u64, "the history is full");
        bench
    }

    /// How long it takes to apply so many SETs. Making their bytes does not count: they come from clients.
    fn set(&mut self, changes: usize) -> Duration {
        let mut time = Duration::ZERO;
        for start in (0..changes).step_by(BATCH) {
            for _ in start..changes.min(start + BATCH) {
                self.next = (self.next + STEP) % FILES;
                self.batch.push(&self.paths[self.next]);
            }
            time += self.batch.apply(&mut self.store);
        }
        time
    }

    /// How long it takes to read so many files.
    fn get(&mut self, reads: usize) -> Duration {
        let start = Instant::now();
        for _ in 0..reads {
            self.next = (self.next + STEP) % FILES;
            let found = self.store.get(black_box(&self.paths[self.next]), At::Now);
            assert!(matches!(black_box(found), Ok(Lookup::File { .. })));
        }
        start.elapsed()
    }

    fn add_waits(&mut self) -> Vec<doozer_store::WatchId> {
        let next = self.store.revision().next();
        let globs = (0..WAITS).map(|i| Glob::parse(format!("/elsewhere/{i}/**").as_bytes()));
        let globs: Vec<Glob> = globs.filter_map(Result::ok).collect();
        assert_eq!(globs.len(), WAITS);
        globs.into_iter().map(|glob| self.store.watch(glob, next, Mode::Once, 0)).collect()
    }
}

fn path(i: usize) -> String {
    format!("/bench/dir{:03}/file{i:07}", i % 997)
}

/// Encoded commands, in buffers that are used again.
#[derive(Default)]
struct Batch {
    commands: Vec<Vec<u8>>,
    len: usize,
    out: Applied,
}

impl Batch {
    fn push(&mut self, path: &str) {
        if self.commands.len() == self.len {
            self.commands.push(Vec::with_capacity(256));
        }
        let command = &mut self.commands[self.len];
        command.clear();
        Change::Set { path, rev: -1, value: &VALUE }.encode(command);
        self.len += 1;
    }

    fn apply(&mut self, store: &mut Store) -> Duration {
        let start = Instant::now();
        store.apply(&self.commands[..self.len], &mut self.out);
        let time = start.elapsed();
        assert!(self.out.outcomes.iter().all(|outcome| matches!(outcome, Outcome::Set(_))));
        assert!(self.out.fired.is_empty(), "nothing that is awaited happens");
        self.len = 0;
        time
    }
}

/// Memory freed earlier would be there to be used again, and count for nothing.
fn in_a_fresh_process(what: &str) -> Result<f64, Box<dyn Error>> {
    let output = Command::new(env::current_exe()?).args(["--memory-of", what]).output()?;
    let text = String::from_utf8(output.stdout)?;
    text.trim().parse().map_err(|_| String::from_utf8_lossy(&output.stderr).into_owned().into())
}

/// What a file takes beyond its path and value, or an old revision beyond the value it keeps, in bytes.
fn memory(what: &str) -> Result<f64, Box<dyn Error>> {
    let revisions_max = if what == "file" { 1 } else { u64::MAX };
    let history = History { revisions_max, bytes_max: u64::MAX };
    let mut store = Store::new(Options { history, hash_seed: 1 });
    let mut batch = Batch::default();
    let pid = process::id();
    let empty = resident_bytes(pid)?;
    write_all(&mut store, &mut batch);
    let full = resident_bytes(pid)?;
    if what == "file" {
        assert_eq!(store.stats().files, MANY as u64);
        return Ok((full - empty - store.stats().live_bytes) as f64 / MANY as f64);
    }
    let revision = store.revision();
    write_all(&mut store, &mut batch);
    assert_eq!(store.revision(), Revision(revision.0 + MANY as u64));
    Ok((resident_bytes(pid)? - full) as f64 / MANY as f64 - VALUE.len() as f64)
}

fn write_all(store: &mut Store, batch: &mut Batch) {
    for i in 0..MANY {
        batch.push(&path(i * STEP % MANY));
        if batch.len == BATCH {
            batch.apply(store);
        }
    }
    batch.apply(store);
}
