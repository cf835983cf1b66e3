//! All members of a durable cluster end at once, and come back in whatever order.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

mod support;

use std::thread;
use std::time::Duration;

use doozer_journal::{Birth, Journal, Options, RealDisk};
use doozer_node::{Config, Data};
use doozer_paxos::{ClusterId, Incarnation};
use doozer_wire::{Consistency, ErrorKind, Request, Verb};
use support::cluster::{Ports, again, attached, durable, together, value, voters};
use support::writers::{Made, Shape, Writers, history};
use support::{Member, Raw, at, kind, set};
use tempfile::TempDir;

const SHAPE: Shape = Shape { paths: 20, value_bytes: 8 };

struct Bench {
    dir: TempDir,
    ports: Ports,
}

impl Bench {
    fn new() -> Bench {
        Bench { dir: tempfile::tempdir().unwrap(), ports: Ports::new(3) }
    }

    fn config(&self, number: usize, config: Config) -> Config {
        let answer_within = Duration::from_millis(500);
        Config { answer_within, ..durable(config, self.dir.path(), number) }
    }

    fn all(&self) -> Vec<Member> {
        together(&self.ports, |number, config| self.config(number, config))
    }

    fn one(&self, number: usize) -> Member {
        again(&self.ports, number, |config| self.config(number, config))
    }

    /// Members that are written to, and die all at once while they are: what was acknowledged.
    fn killed(&self) -> Vec<Made> {
        let members = self.all();
        voters(&mut members[0].modern(), 3);
        let writers = Writers::start(&members, SHAPE);
        writers.wait_for(600);
        thread::scope(|scope| {
            members.into_iter().for_each(|member| drop(scope.spawn(|| member.crash())));
        });
        let made = writers.stop();
        assert!(made.len() >= 600);
        made
    }
}

/// Writes at one of them, once there is a majority.
fn write(raw: &mut Raw, path: &str) -> i64 {
    loop {
        let answer = raw.call(set(path, "x", -1));
        match kind(&answer) {
            None => return answer.rev.unwrap(),
            Some(kind) => assert_eq!(kind, ErrorKind::NoQuorum, "{answer:?}"),
        }
    }
}

#[test]
fn all_are_killed_and_start_together() {
    let bench = Bench::new();
    let mut made = bench.killed();
    for _ in 0..2 {
        let members = bench.all();
        let mut raws: Vec<Raw> = members.iter().map(Member::modern).collect();
        for (number, raw) in raws.iter_mut().enumerate() {
            write(raw, &format!("/after/{number}"));
        }
        let told = history(&mut raws[0], &made);
        for raw in &mut raws[1..] {
            assert!(history(raw, &made) == told);
        }
        made = told;
        drop(raws);
        thread::scope(|scope| members.into_iter().for_each(|member| drop(scope.spawn(|| member.stop()))));
    }
}

#[test]
fn all_are_killed_and_start_one_long_after_the_other() {
    for order in [[0, 1, 2], [2, 0, 1]] {
        let bench = Bench::new();
        let made = bench.killed();
        // So long that the first has given up hope, and says so.
        let first = bench.one(order[0]);
        let mut raw = first.modern();
        for _ in 0..2 {
            let refused = raw.call(set("/alone", "x", -1));
            assert_eq!(kind(&refused), Some(ErrorKind::NoQuorum), "{refused:?}");
        }
        let local = raw.call(Request { consistency: Consistency::Local, ..at(Verb::Get, "/ctl/name") });
        assert_eq!(local.value, Some("local".into()));

        // One is missing; nothing else is.
        let second = bench.one(order[1]);
        let rev = write(&mut raw, "/two");
        let mut other = second.modern();
        let seen = other.get("/two").1;
        assert_eq!(seen, rev);
        let told = history(&mut raw, &made);
        assert!(history(&mut other, &made) == told);
        let writers = Writers::start([&first, &second], SHAPE);
        writers.wait_for(200);

        let third = bench.one(order[2]);
        writers.wait_for(200);
        let more = writers.stop();
        let mut late = third.modern();
        write(&mut late, "/three");
        let told = history(&mut late, &[told, more].concat());
        assert!(history(&mut raw, &made) == told && history(&mut other, &made) == told);
        [first, second, third].into_iter().for_each(Member::stop);
    }
}

#[test]
fn who_is_killed_before_anything_stands_in_its_log_is_what_it_was_to_be() {
    let dir = tempfile::tempdir().unwrap();
    let birth = |cluster, id| Birth { cluster: ClusterId(cluster), incarnation: Incarnation([id; 16]) };
    let place = |name: &str| RealDisk::new(dir.path().join(name));
    let config = |name: &str, config| Config { data: Data::Directory(dir.path().join(name)), ..config };

    // A founder begins, whoever else is there.
    drop(Journal::create_founder(place("founder"), birth([5; 16], 1), Options::default()).unwrap());
    let founder = Member::start(config("founder", attached(&["127.0.0.1:1".to_owned()])));
    let mut raw = founder.modern();
    let rev = raw.set("/a", "1", 0);
    assert_eq!(raw.status().cluster, [5; 16]);

    // Who was to join waits for it, and does not begin the same cluster a second time.
    drop(Journal::create(place("joiner"), birth([5; 16], 2), Options::default()).unwrap());
    let joiner = Member::start(config("joiner", attached(&[founder.address.to_string()])));
    let mut late = joiner.modern();
    assert_eq!((value(&mut late, "/a"), late.get("/a").1), ("1".to_owned(), rev));
    let rev = late.set("/b", "2", 0);
    assert_eq!((value(&mut raw, "/b"), raw.get("/b").1), ("2".to_owned(), rev));
    [joiner, founder].into_iter().for_each(Member::stop);
}
