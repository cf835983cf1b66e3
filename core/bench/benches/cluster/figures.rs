//! The lines of the table, and what ours are meant to be.

use doozer_bench::compare::{Bar, Comparison, FigureId, Subject};
use doozer_bench::report::Unit;

/// A picture's file, its title, and the keys of its lines.
type Picture = (&'static str, &'static str, &'static [&'static str]);

/// What is drawn.
pub const PICTURES: [Picture; 4] = [
    ("rates", "Requests a second, three members", &["set", "memory-set", "get", "local-get"]),
    ("latency", "One write at a time, and a thousand watchers", &["one-set", "fan-out"]),
    (
        "faults",
        "When a member fails",
        &["kill-survivor", "kill-victim", "hold-700", "hold-2000", "dead", "slow"],
    ),
    ("sizes", "What it takes", &["resident", "restart-one", "restart-all", "idle"]),
];

/// The lines.
pub struct Figures {
    pub set: FigureId,
    pub memory_set: FigureId,
    pub one_set: FigureId,
    pub get: FigureId,
    pub local_get: FigureId,
    pub idle: FigureId,
    pub kill_survivor: FigureId,
    pub kill_victim: FigureId,
    pub hold_700: FigureId,
    pub hold_2000: FigureId,
    pub dead: FigureId,
    pub slow: FigureId,
    pub fan_out: FigureId,
    pub resident: FigureId,
    pub restart_one: FigureId,
    pub restart_all: FigureId,
    pub trip: FigureId,
    pub sync: FigureId,
}

/// An empty table, and its lines.
pub fn figures() -> (Comparison, Figures) {
    let mut all = Comparison::default();
    let mut rate = |key, name| all.figure(key, name, Unit::PerSecond);
    let set = rate("set", "SET, durable, 256 in flight over 32 connections");
    let memory_set = rate("memory-set", "SET, in memory, the same");
    let get = rate("get", "GET, linearizable, 64 in flight over 32 connections");
    let local_get = rate("local-get", "GET, local, the same");
    let one_set = all.figure(
        "one-set",
        "SET, durable, one at a time, median (machine: two round trips and the sync below)",
        Unit::Micros,
    );
    let trip = all.figure("trip", "floor: loopback round trip", Unit::Micros);
    let sync = all.figure("sync", "floor: write and sync of 4 KiB beside another one", Unit::Micros);
    let mut time = |key, name| all.figure(key, name, Unit::Millis);
    let kill_survivor = time("kill-survivor", "SIGKILL of the leader to the next write, client of another");
    let kill_victim = time("kill-victim", "the same, client of the leader");
    let hold_700 = time("hold-700", "no write while the leader is held for 700 ms");
    let hold_2000 = time("hold-2000", "the same for 2 s");
    let dead = all.figure("dead", "SET's median at the others, one dead, to before", Unit::Times);
    let slow = all.figure("slow", "the same, one held half of the time", Unit::Times);
    let fan_out = all.figure("fan-out", "write to the last of 1,000 watchers told", Unit::Millis);
    let resident = all.figure("resident", "memory of a member with 100,000 files of 128 B", Unit::Megabytes);
    let restart_one =
        all.figure("restart-one", "restart of a member with them to its first read", Unit::Millis);
    let restart_all = all.figure("restart-all", "restart of all to a write at each", Unit::Millis);
    let idle = all.figure("idle", "processor of an idle cluster", Unit::Percent);
    let figures = Figures {
        set,
        memory_set,
        one_set,
        get,
        local_get,
        idle,
        kill_survivor,
        kill_victim,
        hold_700,
        hold_2000,
        dead,
        slow,
        fan_out,
        resident,
        restart_one,
        restart_all,
        trip,
        sync,
    };
    for (figure, bar) in meant(&figures) {
        all.bar(figure, bar);
    }
    (all, figures)
}

/// The bars.
fn meant(figures: &Figures) -> Vec<(FigureId, Bar)> {
    let better = |figure, times, than| (figure, Bar::Better { times, than, figure });
    let better_than = |ours, times, than, figure| (ours, Bar::Better { times, than, figure });
    let (of, figure) = (Subject::Machine, figures.one_set);
    vec![
        better(figures.set, 3.0, Subject::Etcd),
        better(figures.set, 2.0, Subject::ZooKeeper),
        better_than(figures.memory_set, 3.0, Subject::ZooKeeper, figures.set),
        better_than(figures.memory_set, 1.3, Subject::Doozer, figures.set),
        better(figures.get, 5.0, Subject::Etcd),
        better(figures.get, 5.0, Subject::ZooKeeper),
        better(figures.local_get, 3.0, Subject::ZooKeeper),
        better(figures.one_set, 1.8, Subject::Etcd),
        (figures.one_set, Bar::AtMostTimes { times: 1.5, of, figure }),
        (figures.kill_survivor, Bar::AtMost(350.0)),
        (figures.kill_victim, Bar::AtMost(1_000.0)),
        (figures.dead, Bar::AtMost(1.1)),
        (figures.slow, Bar::AtMost(1.1)),
        better(figures.fan_out, 2.0, Subject::Etcd),
        (figures.resident, Bar::AtMost(60.0)),
        (figures.restart_one, Bar::AtMost(500.0)),
        (figures.idle, Bar::AtMost(1.0)),
    ]
}
