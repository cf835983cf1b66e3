//! A real member over loopback, with the load on the same machine, beside the floor of the same rounds.
//! `cargo build --release --bin doozerd && cargo bench -p doozer-bench --bench server [-- --quick]`.

use std::env;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use doozer_bench::process::{processor_time, resident_bytes};
use doozer_bench::report::{Bar, Report, RowId, Unit};
use doozer_bench::server::{Scratch, Server, program};
use doozer_bench::waits::Waits;
use doozer_bench::{Keys, Kind, Load, Measured, Stop, Target, floor};
use hdrhistogram::Histogram;
use tokio::runtime::{self, Runtime};

const TARGET_TMP: &str = env!("CARGO_TARGET_TMPDIR");
const DIRECTORY: &str = "/bench";
const KEYS: usize = 1_000;
const VALUE_BYTES: usize = 128;
/// About what a SET of such a value is on the wire.
const FRAME_BYTES: usize = 160;
const WAIT_CONNECTIONS: usize = 1_000;
const WAITS_EACH: i32 = 100;
const FILES_TO_RESTART: usize = 100_000;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let quick = env::args().any(|arg| arg == "--quick");
    let bench = Bench {
        program: program(TARGET_TMP),
        runtime: runtime::Builder::new_current_thread().enable_all().build()?,
        rounds: if quick { 1 } else { 5 },
        window: Duration::from_millis(if quick { 500 } else { 1_000 }),
    };
    println!(
        "\nA member over loopback, {VALUE_BYTES} B values, {KEYS} files; load and member share the processors"
    );
    println!("{}", bench.throughput_and_latency()?);
    println!("{} connections, {} WAITs", WAIT_CONNECTIONS, WAIT_CONNECTIONS * WAITS_EACH as usize);
    println!("{}", bench.waits()?);
    println!("One durable member with {FILES_TO_RESTART} files");
    println!("{}", bench.restart()?);
    Ok(())
}

struct Bench {
    program: PathBuf,
    /// One thread: the load must not take more of the processors than it needs.
    runtime: Runtime,
    rounds: usize,
    window: Duration,
}

impl Bench {
    fn start(&self, data: Option<&Path>) -> Outcome<Server> {
        Ok(Server::start(&self.program, data)?)
    }

    fn fill(&self, server: &Server, count: usize) -> Outcome<Keys> {
        let keys = Keys::new(DIRECTORY, count);
        self.runtime.block_on(keys.fill(&server.target(), VALUE_BYTES, &Stop::default()))?;
        Ok(keys)
    }

    fn run(
        &self,
        kind: Kind,
        connections: usize,
        in_flight: usize,
        at: &Target,
        keys: &Keys,
    ) -> Outcome<Measured> {
        let load = Load {
            kind,
            connections,
            in_flight,
            value_bytes: VALUE_BYTES,
            warm_up: self.window / 4,
            measured: self.window,
        };
        Ok(self.runtime.block_on(load.run(at, keys, &Stop::default()))?)
    }

    /// 256 in flight over 32 connections.
    fn many(&self, kind: Kind, at: &Target, keys: &Keys) -> Outcome<f64> {
        Ok(self.run(kind, 32, 256, at, keys)?.rate())
    }

    /// One after the other: the median in microseconds.
    fn one(&self, kind: Kind, at: &Target, keys: &Keys) -> Outcome<f64> {
        Ok(self.run(kind, 1, 1, at, keys)?.quantile_us(0.5))
    }

    fn throughput_and_latency(&self) -> Outcome<Report> {
        let scratch = Scratch::new(TARGET_TMP)?;
        let (memory, durable) = (self.start(None)?, self.start(Some(&scratch.path().join("data")))?);
        let keys = self.fill(&memory, KEYS)?;
        self.fill(&durable, KEYS)?;
        let (in_memory, on_disk) = (memory.target(), durable.target());
        let (mut report, rows) = rows();
        for _ in 0..self.rounds {
            report.add(rows.memory_set, self.many(Kind::Set, &in_memory, &keys)?);
            report.add(rows.durable_set, self.many(Kind::Set, &on_disk, &keys)?);
            report.add(rows.get, self.many(Kind::Get, &in_memory, &keys)?);
            let trip = median_us(&floor::round_trip(FRAME_BYTES, self.window / 2)?);
            let sync = median_us(&floor::sync(scratch.path(), 4 << 10, self.window / 2)?);
            report.add(rows.trip, trip);
            report.add(rows.sync, sync);
            report.add(rows.sync_8k, median_us(&floor::sync(scratch.path(), 8 << 10, self.window / 2)?));
            report.add(rows.trip_and_sync, trip + sync);
            report.add(rows.one_get, self.one(Kind::Get, &in_memory, &keys)?);
            report.add(rows.one_set, self.one(Kind::Set, &in_memory, &keys)?);
            report.add(rows.one_durable_set, self.one(Kind::Set, &on_disk, &keys)?);
        }
        report.add(rows.idle, idle_percent(&memory)?);
        report.add(rows.idle_durable, idle_percent(&durable)?);
        memory.stop()?;
        durable.stop()?;
        Ok(report)
    }

    fn waits(&self) -> Outcome<Report> {
        let mut report = Report::default();
        let connection = report.row("memory of a connection that is idle", Unit::Bytes);
        let wait = report.row("memory of a WAIT", Unit::Bytes);
        let without = report.row("SET, in memory, 256 in flight", Unit::PerSecond);
        let with = report.row("the same with the WAITs outstanding", Unit::PerSecond);
        let server = self.start(None)?;
        let (pid, target) = (server.pid(), server.target());
        let keys = self.fill(&server, KEYS)?;
        // With all it needs for the load, and its history as long as it gets to be here.
        for _ in 0..self.rounds {
            report.add(without, self.many(Kind::Set, &target, &keys)?);
        }
        let start = resident_bytes(pid)?;
        let mut waits = self.runtime.block_on(Waits::connect(&target, WAIT_CONNECTIONS))?;
        let connected = resident_bytes(pid)?;
        self.runtime.block_on(waits.add("/elsewhere", WAITS_EACH))?;
        let all = (WAIT_CONNECTIONS * WAITS_EACH as usize) as f64;
        report.add(connection, connected.saturating_sub(start) as f64 / WAIT_CONNECTIONS as f64);
        report.add(wait, resident_bytes(pid)?.saturating_sub(connected) as f64 / all);
        for _ in 0..self.rounds {
            report.add(with, self.many(Kind::Set, &target, &keys)?);
        }
        drop(waits);
        server.stop()?;
        Ok(report)
    }

    fn restart(&self) -> Outcome<Report> {
        let mut report = Report::default();
        let stopped = report.row("restart after a stop", Unit::Millis);
        let killed = report.row("restart after a kill", Unit::Millis);
        let scratch = Scratch::new(TARGET_TMP)?;
        let data = scratch.path().join("data");
        let mut server = self.start(Some(&data))?;
        self.fill(&server, FILES_TO_RESTART)?;
        for _ in 0..self.rounds {
            server.stop()?;
            let start = Instant::now();
            server = self.start(Some(&data))?;
            report.add(stopped, start.elapsed().as_secs_f64() * 1e3);
            self.fill(&server, KEYS)?;
            server.kill();
            let start = Instant::now();
            server = self.start(Some(&data))?;
            report.add(killed, start.elapsed().as_secs_f64() * 1e3);
        }
        server.stop()?;
        Ok(report)
    }
}

struct Rows {
    memory_set: RowId,
    durable_set: RowId,
    get: RowId,
    trip: RowId,
    sync: RowId,
    sync_8k: RowId,
    trip_and_sync: RowId,
    one_get: RowId,
    one_set: RowId,
    one_durable_set: RowId,
    idle: RowId,
    idle_durable: RowId,
}

fn rows() -> (Report, Rows) {
    let mut report = Report::default();
    let mut many = |name, bar| report.row_with_bar(name, Unit::PerSecond, Bar::AtLeast(bar));
    let memory_set = many("SET, in memory, 256 in flight over 32 connections", 100_000.0);
    let durable_set = many("SET, durable, the same", 60_000.0);
    let get = many("GET, the same", 150_000.0);
    let trip = report.row("floor: loopback round trip", Unit::Micros);
    let sync = report.row("floor: write and sync of 4 KiB", Unit::Micros);
    let sync_8k = report.row("floor: write and sync of 8 KiB", Unit::Micros);
    let trip_and_sync = report.row("floor: round trip and sync of 4 KiB", Unit::Micros);
    let one_get = report.row("GET, one at a time, median", Unit::Micros);
    let one_set = report.row("SET, in memory, one at a time, median", Unit::Micros);
    let name = "SET, durable, one at a time, median";
    let one_durable_set = report.row_with_bar(name, Unit::Micros, Bar::FloorTimes(1.6));
    report.set_floor(one_get, trip);
    report.set_floor(one_set, trip);
    report.set_floor(one_durable_set, trip_and_sync);
    let idle = report.row("processor of an idle member, in memory", Unit::Percent);
    let idle_durable = report.row("processor of an idle member, durable", Unit::Percent);
    let rows = Rows {
        memory_set,
        durable_set,
        get,
        trip,
        sync,
        sync_8k,
        trip_and_sync,
        one_get,
        one_set,
        one_durable_set,
        idle,
        idle_durable,
    };
    (report, rows)
}

fn median_us(times: &Histogram<u64>) -> f64 {
    times.value_at_quantile(0.5) as f64 / 1e3
}

/// What a member uses of one processor while nobody asks anything.
fn idle_percent(server: &Server) -> Outcome<f64> {
    let (start, before) = (Instant::now(), processor_time(server.pid())?);
    // Not to wait for anything: the time itself is what is measured.
    thread::sleep(Duration::from_secs(4));
    Ok(processor_time(server.pid())?.saturating_sub(before).as_secs_f64() / start.elapsed().as_secs_f64()
        * 100.0)
}
