//! The lines of the table, and what ours are meant to be.

use doozer_bench::compare::{Bar, Comparison, FigureId, Subject};
use doozer_bench::report::Unit;

/// A picture's file, its title, and the keys of its lines.
type Picture = (&'static str, &'static str, &'static [&'static str]);

/// What is drawn.
pub const PICTURES: [Picture; 5] = [
    (
        "rates",
        "Requests a second, three members",
        &["set", "numbered-set", "memory-set", "get", "local-get", "deep-local-get"],
    ),
    ("latency", "One write at a time, and a thousand watchers", &["one-set", "fan-out"]),
    (
        "faults",
        "When a member fails",
        &["kill-survivor", "kill-victim", "hold-700", "hold-2000", "dead", "slow"],
    ),
    ("locks", "A lock alone, and passed on", &["lock", "lock-set", "hand-over-held", "hand-over-many"]),
    ("sizes", "What it takes", &["resident", "restart-one", "restart-all", "idle"]),
];

/// The lines.
pub struct Figures {
    pub set: FigureId,
    pub numbered_set: FigureId,
    pub memory_set: FigureId,
    pub one_set: FigureId,
    pub get: FigureId,
    pub local_get: FigureId,
    pub deep_local_get: FigureId,
    pub idle: FigureId,
    pub idle_changes: FigureId,
    pub kill_survivor: FigureId,
    pub kill_victim: FigureId,
    pub hold_700: FigureId,
    pub hold_2000: FigureId,
    pub dead: FigureId,
    pub slow: FigureId,
    pub fan_out: FigureId,
    pub lock: FigureId,
    pub lock_set: FigureId,
    pub hand_over: FigureId,
    pub hand_over_held: FigureId,
    pub hand_over_many: FigureId,
    pub resident: FigureId,
    pub restart_one: FigureId,
    pub restart_all: FigureId,
    pub trip: FigureId,
    pub sync: FigureId,
    pub bare: FigureId,
}

/// An empty table, and its lines.
pub fn figures() -> (Comparison, Figures) {
    let mut all = Comparison::default();
    let mut line = |key, unit, name| all.figure(key, name, unit);
    let figures = Figures {
        set: line("set", Unit::PerSecond, "SET, durable, 256 in flight over 32 connections"),
        numbered_set: line(
            "numbered-set",
            Unit::PerSecond,
            "the same, numbered by a session of each connection",
        ),
        memory_set: line("memory-set", Unit::PerSecond, "SET, in memory, as the first"),
        get: line("get", Unit::PerSecond, "GET, linearizable, 64 in flight over 32 connections"),
        local_get: line("local-get", Unit::PerSecond, "GET, local, the same"),
        deep_local_get: line("deep-local-get", Unit::PerSecond, "GET, local, 256 in flight, as for SET"),
        one_set: line("one-set", Unit::Micros, "SET, durable, one at a time, median (machine: its floor)"),
        trip: line("trip", Unit::Micros, "loopback round trip: the floor has two"),
        sync: line("sync", Unit::Micros, "write and sync of 4 KiB beside another one: and one"),
        bare: line("bare", Unit::Micros, "the same SET by three threads that only pass it on and sync it"),
        kill_survivor: line(
            "kill-survivor",
            Unit::Millis,
            "SIGKILL of the leader to the next write, client of another",
        ),
        kill_victim: line("kill-victim", Unit::Millis, "the same, client of the leader"),
        hold_700: line("hold-700", Unit::Millis, "no write while the leader is held for 700 ms"),
        hold_2000: line("hold-2000", Unit::Millis, "the same for 2 s"),
        dead: line("dead", Unit::Times, "SET's median at the others, one dead, to before"),
        slow: line("slow", Unit::Times, "the same, one held half of the time"),
        fan_out: line("fan-out", Unit::Millis, "write to the last of 1,000 watchers told"),
        lock: line("lock", Unit::Micros, "lock and unlock, together, nobody else wants it, median"),
        lock_set: line("lock-set", Unit::Micros, "SET over the same connection, between them, median"),
        hand_over: line(
            "hand-over",
            Unit::Micros,
            "lock passed on between 2, as soon as the other waits, median",
        ),
        hand_over_held: line("hand-over-held", Unit::Micros, "the same, after it was held for 150 ms"),
        hand_over_many: line(
            "hand-over-many",
            Unit::Micros,
            "lock passed on among 200, as soon as all others wait",
        ),
        resident: line("resident", Unit::Megabytes, "memory of a member with 100,000 files of 128 B"),
        restart_one: line("restart-one", Unit::Millis, "restart of a member with them to its first read"),
        restart_all: line("restart-all", Unit::Millis, "restart of all to a write at each"),
        idle: line("idle", Unit::Percent, "processor of an idle cluster"),
        idle_changes: line("idle-changes", Unit::Count, "its revisions meanwhile"),
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
    let sets =
        |ours, times| (ours, Bar::AtMostTimes { times, of: Subject::Doozer, figure: figures.lock_set });
    vec![
        better(figures.set, 3.0, Subject::Etcd),
        better(figures.set, 2.0, Subject::ZooKeeper),
        better_than(figures.numbered_set, 0.9, Subject::Doozer, figures.set),
        better_than(figures.memory_set, 3.0, Subject::ZooKeeper, figures.set),
        better_than(figures.memory_set, 1.3, Subject::Doozer, figures.set),
        better(figures.get, 5.0, Subject::Etcd),
        better(figures.get, 5.0, Subject::ZooKeeper),
        better(figures.local_get, 3.0, Subject::ZooKeeper),
        better(figures.deep_local_get, 3.0, Subject::ZooKeeper),
        better(figures.one_set, 1.8, Subject::Etcd),
        (figures.one_set, Bar::AtMostTimes { times: 1.5, of, figure }),
        (figures.kill_survivor, Bar::AtMost(350.0)),
        (figures.kill_victim, Bar::AtMost(1_000.0)),
        (figures.dead, Bar::AtMost(1.1)),
        (figures.slow, Bar::AtMost(1.1)),
        better(figures.fan_out, 2.0, Subject::Etcd),
        sets(figures.lock, 2.2),
        better(figures.lock, 3.0, Subject::Etcd),
        better(figures.lock, 2.0, Subject::ZooKeeper),
        sets(figures.hand_over, 1.5),
        better(figures.hand_over, 3.0, Subject::Etcd),
        better(figures.hand_over, 2.0, Subject::ZooKeeper),
        better(figures.hand_over_held, 3.0, Subject::Etcd),
        better(figures.hand_over_held, 2.0, Subject::ZooKeeper),
        sets(figures.hand_over_many, 1.5),
        better(figures.hand_over_many, 3.0, Subject::Etcd),
        better(figures.hand_over_many, 2.0, Subject::ZooKeeper),
        (figures.resident, Bar::AtMost(60.0)),
        (figures.restart_one, Bar::AtMost(500.0)),
        (figures.idle, Bar::AtMost(1.0)),
        (figures.idle_changes, Bar::AtMost(0.0)),
    ]
}
