//! Who lacks more than the others' logs hold is brought along by a snapshot, while everybody writes.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

mod support;

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use doozer_node::{Config, Limits};
use support::cluster::{Ports, again, attached, durable, together, voters};
use support::writers::{Made, Shape, Writers};
use support::{Member, Raw, everything};

/// Each writes to so many files of so many bytes: 3 MiB.
const SHAPE: Shape = Shape { paths: 768, value_bytes: 4096 };

/// Writes until everybody's log has been cut: more than a replica holds for others, and more than calls for a snapshot.
const WRITES: usize = 4096;

/// `is_cut`: whether its own log is cut, soon and often, or never.
fn config(config: Config, dir: &Path, number: usize, is_cut: bool) -> Config {
    let snapshot_log_bytes = if is_cut { 1 << 20 } else { u64::MAX / 4 };
    let limits = Limits { snapshot_log_bytes, log_segment_bytes: 1 << 20, ..Limits::default() };
    Config { limits, ..durable(config, dir, number) }
}

/// Snapshots in a data directory.
fn snapshots(dir: &Path, number: usize) -> usize {
    let files = fs::read_dir(dir.join(number.to_string()).join("snap")).unwrap();
    files.filter(|file| file.as_ref().unwrap().path().extension().is_some_and(|it| it == "snap")).count()
}

/// All have the same state, with the last of what was acknowledged for each path.
fn agree(raws: &mut [Raw], made: &[Made]) {
    let rev = raws[0].rev();
    let state = everything(&mut raws[0], Some(rev));
    for (number, raw) in raws.iter_mut().enumerate() {
        assert!(everything(raw, Some(rev)) == state, "member {number} differs at revision {rev}");
    }
    let mut last: HashMap<&str, &Made> = HashMap::new();
    for made in made {
        let newest = last.entry(&made.path).or_insert(made);
        if made.rev > newest.rev {
            *newest = made;
        }
    }
    assert!(last.len() >= 2 * SHAPE.paths, "{} files", last.len());
    for (path, made) in last {
        assert_eq!(state.get(path.as_bytes()), Some(&(made.rev, made.value.clone())), "{path}");
    }
    let files: usize = state.values().map(|(_, value)| value.len()).sum();
    assert!(files >= 6 << 20, "{files} bytes");
}

#[test]
fn a_newcomer_gets_a_snapshot_while_everybody_writes() {
    let dir = tempfile::tempdir().unwrap();
    let ports = Ports::new(3);
    let mut members = together(&ports, |number, all| config(all, dir.path(), number, true));
    voters(&mut members[0].modern(), 3);
    let mut writers = Writers::start(&members, SHAPE);
    writers.wait_for(WRITES);

    // It makes none of its own: what is in its directory came from another member.
    let joins = config(attached(&ports.addresses()), dir.path(), 3, false);
    let joins = Config { listen: Some("127.0.0.1:0".into()), ..joins };
    members.push(Member::start(joins.clone()));
    assert_eq!(snapshots(dir.path(), 3), 1);
    writers.at(&members[3]);
    writers.wait_for(1000);
    let mut made = writers.stop();
    let mut raws: Vec<Raw> = members.iter().map(Member::modern).collect();
    agree(&mut raws, &made);
    drop(raws);

    // It has it still when it comes back.
    members.remove(3).crash();
    let writers = Writers::start(&members, SHAPE);
    writers.wait_for(100);
    made.extend(writers.stop());
    members.push(Member::start(joins));
    let mut raws: Vec<Raw> = members.iter().map(Member::modern).collect();
    agree(&mut raws, &made);
    drop(raws);
    members.into_iter().for_each(Member::stop);
}

#[test]
fn a_voter_that_was_away_for_long_gets_a_snapshot_while_the_others_write() {
    for number in 0..3 {
        let dir = tempfile::tempdir().unwrap();
        let ports = Ports::new(3);
        let mut members = together(&ports, |each, all| config(all, dir.path(), each, each != number));
        voters(&mut members[0].modern(), 3);
        members.remove(number).crash();
        assert_eq!(snapshots(dir.path(), number), 0);
        let writers = Writers::start(&members, SHAPE);
        writers.wait_for(WRITES);

        let back = again(&ports, number, |all| config(all, dir.path(), number, false));
        let mut raw = back.modern();
        // It votes again: without it there is no majority once another one goes.
        let rev = raw.rev();
        assert!(rev > WRITES as i64);
        assert_eq!(snapshots(dir.path(), number), 1);
        writers.wait_for(500);
        let mut made = writers.stop();
        members.remove(0).crash();
        let mut writers = Writers::start(&members, SHAPE);
        writers.at(&back);
        writers.wait_for(3 * SHAPE.paths);
        made.extend(writers.stop());
        members.push(back);
        let mut raws: Vec<Raw> = members.iter().map(Member::modern).collect();
        agree(&mut raws, &made);
        drop(raws);
        members.into_iter().for_each(Member::stop);
    }
}
