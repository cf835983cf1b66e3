//! STAT, GETDIR, WALK and LIST of what does not fit one look at the store.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

mod support;

use doozer_node::Config;
use doozer_wire::{ErrorKind, Request, Verb};
use support::{Member, at, kind, set};

#[test]
fn large_directories_are_listed_counted_and_stepped_through() {
    let member = Member::start(Config::default());
    let (mut raw, mut old) = (member.modern(), member.connect());
    let names: Vec<String> = (0..1000).map(|n| format!("n{n:04}")).collect();
    for (tag, name) in names.iter().enumerate() {
        // A file, or a directory with two: an entry either way.
        raw.send(&Request {
            tag: Some(tag as i32),
            ..set(&format!("/d/{name}{}", ["", "/x"][tag % 2]), "v", 0)
        });
    }
    (0..1000).for_each(|tag| assert_eq!(raw.answer(tag).failure(), None));
    raw.set("/d/n0001/y", "v", 0);
    let rev = raw.rev();
    raw.set("/d/zz", "later", 0);

    let stat = |rev| Request { rev, ..at(Verb::Stat, "/d") };
    assert_eq!(old.call(stat(Some(rev))).len, Some(1000));
    assert_eq!(old.call(stat(None)).len, Some(1001));
    let entry = |offset, rev| Request { offset: Some(offset), rev, ..at(Verb::Getdir, "/d") };
    // In turn, out of turn, near and far, then and now.
    for offset in (0..1000).chain([999, 0, 700, 701, 300, 256, 257, 258, 998]) {
        let path = old.call(entry(offset, Some(rev))).path.unwrap();
        assert_eq!(path, names[offset as usize], "{offset}");
    }
    assert_eq!(kind(&old.call(entry(1000, Some(rev)))), Some(ErrorKind::Range));
    assert_eq!(kind(&old.call(entry(5000, Some(rev)))), Some(ErrorKind::Range));
    assert_eq!(old.call(entry(1000, None)).path.unwrap(), "zz");
    assert_eq!(
        kind(&old.call(Request { offset: Some(900), ..at(Verb::Getdir, "/none") })),
        Some(ErrorKind::NoEntry)
    );
    assert_eq!(
        kind(&old.call(Request { offset: Some(900), ..at(Verb::Getdir, "/d/zz") })),
        Some(ErrorKind::NotDir)
    );

    let file = |offset, rev| Request { offset: Some(offset), rev, ..at(Verb::Walk, "/d/**") };
    let all: Vec<_> = raw.call(Request { rev: Some(rev), ..at(Verb::List, "/d/**") }).entries;
    assert_eq!(all.len(), 1001);
    for offset in (0..1001).rev().step_by(97).chain([256, 257, 258, 259, 1000]) {
        assert_eq!(old.call(file(offset, Some(rev))).path.unwrap(), all[offset as usize].path, "{offset}");
    }
    assert_eq!(kind(&old.call(file(1001, Some(rev)))), Some(ErrorKind::Range));
    assert_eq!(old.call(file(1001, None)).path.unwrap(), "/d/zz");
    member.stop();
}
