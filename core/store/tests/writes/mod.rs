//! What clients ask for, at random: few paths, sessions and numbers, so that they get in each other's way. What must fit
//! the state is said as the distance from it, and becomes bytes once the state is there.

use super::check::PATHS;
use super::model::{Model, names, revision};
use doozer_store::{By, Change, Command, Compare, Expected, Flags, MAX_VALUE, Op, SessionId, Txn};
use proptest::prelude::*;

pub const WHO: [SessionId; 3] = [SessionId([1; 16]), SessionId([2; 16]), SessionId([3; 16])];

#[derive(Clone, Debug)]
pub enum Write {
    Plain(Plain),
    By { who: usize, sequence: Sequence, acknowledged: u64, unanswered: u8, flags: u8, write: Plain },
    Open { who: usize, ttl_ms: u32, label: &'static str },
    Close(usize),
    Expire(usize),
    Leave { who: usize, back: u64, path: Option<usize> },
}

#[derive(Clone, Debug)]
pub enum Plain {
    Set { path: usize, rev: Rev, value: Vec<u8> },
    Del { path: usize, rev: Rev },
    Nop,
    Txn { compares: Vec<(usize, Test)>, ops: Vec<(usize, Rev, Option<Bound>)> },
    Garbage(Vec<u8>),
}

/// A value, and whether its file is ephemeral.
type Bound = (Vec<u8>, bool);

/// Compared with the file's revision, whatever that will be.
#[derive(Clone, Debug)]
pub enum Rev {
    Any,
    Raw(i64),
    Off(i64),
}

/// Compared with the session's last number.
#[derive(Clone, Debug)]
pub enum Sequence {
    Next,
    Back(u64),
    Gap,
    Zero,
}

/// What is there, or something else.
#[derive(Clone, Debug)]
pub enum Test {
    Rev(i64),
    Value(bool),
    Absent,
    Fence(i64),
}

/// Where most of it happens: some in each other's way, some not.
fn hot() -> impl Strategy<Value = usize> {
    let hot = ["/a", "/b", "/b", "/a/b", "/ab", "/é"];
    prop::sample::select(hot.map(|path| PATHS.iter().position(|other| *other == path).unwrap()).to_vec())
}

fn path() -> impl Strategy<Value = usize> {
    prop_oneof![4 => hot(), 1 => 0..PATHS.len()]
}

fn rev() -> impl Strategy<Value = Rev> {
    let raw = prop::sample::select(vec![0, 0, 0, 1, -2, -3, -5, i64::MIN, i64::MAX]);
    prop_oneof![5 => Just(Rev::Any), 2 => raw.prop_map(Rev::Raw), 2 => (-1i64..=1).prop_map(Rev::Off)]
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    let number = prop::sample::select(vec!["3", "5", "0", "1", "2", "64", "067", "1048576", "9999999999"]);
    prop_oneof![
        30 => prop::collection::vec(any::<u8>(), 0..6),
        10 => number.prop_map(|v| v.into()),
        1 => (63..66_usize).prop_map(|len| vec![7; len]),
    ]
}

fn op() -> impl Strategy<Value = (usize, Rev, Option<Bound>)> {
    (path(), rev(), prop::option::weighted(0.6, (value(), any::<bool>())))
}

fn compare() -> impl Strategy<Value = (usize, Test)> {
    let off = || prop_oneof![4 => Just(0_i64), 1 => -1i64..=1];
    let test = prop_oneof![
        off().prop_map(Test::Rev),
        any::<bool>().prop_map(Test::Value),
        Just(Test::Absent),
        off().prop_map(Test::Fence),
    ];
    (path(), test)
}

pub fn plain() -> impl Strategy<Value = Plain> {
    let txn = (prop::collection::vec(compare(), 0..2), prop::collection::vec(op(), 0..6));
    prop_oneof![
        7 => (path(), rev(), value()).prop_map(|(path, rev, value)| Plain::Set { path, rev, value }),
        4 => (path(), rev()).prop_map(|(path, rev)| Plain::Del { path, rev }),
        1 => Just(Plain::Nop),
        1 => (0..SWAPS.len(), any::<bool>()).prop_map(|(swap, is_ephemeral)| swapped(SWAPS[swap], is_ephemeral)),
        1 => (hot(), prop::option::of(2_usize..4)).prop_map(|(path, limit)| limited(path, limit)),
        4 => txn.prop_map(|(compares, ops)| Plain::Txn { compares, ops }),
        1 => (0u8..12, prop::collection::vec(any::<u8>(), 0..5)).prop_map(|(kind, mut rest)| {
            rest.insert(0, kind);
            Plain::Garbage(rest)
        }),
    ]
}

pub fn write() -> impl Strategy<Value = Write> {
    let sequence = prop_oneof![
        24 => Just(Sequence::Next),
        6 => (0u64..3).prop_map(Sequence::Back),
        2 => Just(Sequence::Gap),
        1 => Just(Sequence::Zero),
    ];
    let flags =
        prop::sample::select(vec![0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 3, 3, 4]);
    let by = (0..3_usize, sequence, acknowledged(), any::<u8>(), flags, plain());
    // A place in a queue is made by hand more often than it would come about.
    let queued = (0..3_usize, acknowledged(), any::<u8>(), hot(), value());
    let ttl_ms =
        prop::sample::select(vec![1000, 1000, 5000, 5000, 5000, 86_400_000, 86_400_000, 999, 86_400_001]);
    let label = prop::sample::select(vec!["", "me", LONG]);
    prop_oneof![
        14 => plain().prop_map(Write::Plain),
        30 => by.prop_map(|(who, sequence, acknowledged, unanswered, flags, write)| {
            Write::By { who, sequence, acknowledged, unanswered, flags, write }
        }),
        14 => queued.prop_map(|(who, acknowledged, unanswered, path, value)| {
            let write = Plain::Set { path, rev: Rev::Raw(0), value };
            Write::By { who, sequence: Sequence::Next, acknowledged, unanswered, flags: 2, write }
        }),
        8 => (0..3_usize, ttl_ms, label)
            .prop_map(|(who, ttl_ms, label)| Write::Open { who, ttl_ms, label }),
        1 => (0..3_usize).prop_map(Write::Close),
        1 => (0..3_usize).prop_map(Write::Expire),
        5 => (0..3_usize, 0u64..5, prop::option::weighted(0.2, path()))
            .prop_map(|(who, back, path)| Write::Leave { who, back, path }),
    ]
}

/// All of them, or up to one of the first.
fn acknowledged() -> impl Strategy<Value = u64> {
    prop_oneof![6 => Just(u64::MAX), 4 => 0u64..20]
}

/// A file that goes in favour of another one, which gets in the way of those who wait for it.
const SWAPS: [(&str, &str); 3] = [("/a", "/a/b"), ("/a/b", "/a"), ("/b", "/b")];

fn swapped((old, new): (&str, &str), is_ephemeral: bool) -> Plain {
    let at = |path| PATHS.iter().position(|other| *other == path).unwrap();
    let ops = vec![(at(old), Rev::Any, None), (at(new), Rev::Any, Some((vec![1], is_ephemeral)))];
    Plain::Txn { compares: vec![], ops }
}

/// The largest value is changed, or that is taken back, and then goes for another change of the same transaction.
fn limited(path: usize, limit: Option<usize>) -> Plain {
    let max_value = PATHS.iter().position(|other| *other == MAX_VALUE.path).unwrap();
    let limit = limit.map(|limit| (limit.to_string().into_bytes(), false));
    let ops = vec![(max_value, Rev::Any, limit), (path, Rev::Any, Some((vec![1; 3], false)))];
    Plain::Txn { compares: vec![], ops }
}

/// Cut within a character, where it is cut.
const LONG: &str = "éééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé\
    ééééééééééééééééééééééééééééééééééééééééééééééxééééééééééééééééééééééééé";

impl Write {
    pub fn encode(&self, model: &Model) -> Vec<u8> {
        let mut bytes = Vec::new();
        match self {
            Write::Plain(plain) => return plain.encode(model),
            Write::By { who, sequence, acknowledged, unanswered, flags, write } => {
                let session = model.kept.sessions.get(&WHO[*who]);
                let last = session.map_or(0, |session| session.last);
                let sequence = match sequence {
                    Sequence::Next => last + 1,
                    Sequence::Back(back) => last.saturating_sub(*back),
                    Sequence::Gap => last + 2,
                    Sequence::Zero => 0,
                };
                let outcomes = session.into_iter().flat_map(|session| session.outcomes.keys());
                let some = outcomes.enumerate().filter(|(i, _)| unanswered >> (i % 8) & 1 == 1);
                let some: Vec<u64> = some.map(|(_, sequence)| *sequence).collect();
                // Only a SET has flags, and none of them is 4.
                let has_flags = matches!(write, Plain::Set { .. }) || *flags == 4;
                let write = write.encode(model);
                let flags = Flags(if has_flags { *flags } else { 0 });
                let by = By::new(WHO[*who], sequence, last.min(*acknowledged), &write).flagged(flags);
                by.encode_head(&mut bytes, some.into_iter());
                bytes.extend(&write);
            }
            Write::Open { who, ttl_ms, label } => {
                let opened_ms = model.revision() + 1_700_000_000_000;
                let session = WHO[*who];
                Command::Open { session, ttl_ms: *ttl_ms, opened_ms, label }.encode(&mut bytes);
            }
            Write::Close(who) => Command::Close { session: WHO[*who] }.encode(&mut bytes),
            Write::Expire(who) => Command::Expire { session: WHO[*who] }.encode(&mut bytes),
            Write::Leave { who, back, path } => {
                let session = WHO[*who];
                let last = model.kept.sessions.get(&session).map_or(0, |session| session.last);
                let sequence = last.saturating_sub(*back);
                let known = path.map_or_else(|| awaited(model, session, sequence), |path| PATHS[path].into());
                Command::Leave { session, sequence, path: &known }.encode(&mut bytes);
            }
        }
        bytes
    }
}

/// The path that a session's command is about, if it waits or was granted, and none otherwise.
fn awaited(model: &Model, session: SessionId, sequence: u64) -> String {
    let is_it = |session_of: SessionId, sequence_of: u64| (session_of, sequence_of) == (session, sequence);
    if let Some(place) = model.kept.waiting.iter().find(|place| is_it(place.session, place.sequence)) {
        return place.path.clone();
    }
    let known = model.kept.sessions.get(&session);
    let granted = revision(known.and_then(|known| known.outcomes.get(&sequence)));
    let held = model.kept.bound.iter().find(|(_, (_, token))| Some(*token) == granted.map(|rev| rev.0));
    held.map(|(path, _)| path.clone()).unwrap_or_default()
}

impl Plain {
    pub fn encode(&self, model: &Model) -> Vec<u8> {
        let mut bytes = Vec::new();
        match self {
            Plain::Nop => Command::Nop.encode(&mut bytes),
            Plain::Garbage(garbage) => bytes.clone_from(garbage),
            Plain::Set { path, rev, value } => {
                let (path, rev) = (PATHS[*path], rev.resolve(model, PATHS[*path]));
                Command::Set { path, rev, value }.encode(&mut bytes);
            }
            Plain::Del { path, rev } => {
                let (path, rev) = (PATHS[*path], rev.resolve(model, PATHS[*path]));
                Command::Del { path, rev }.encode(&mut bytes);
            }
            Plain::Txn { compares, ops } => {
                let compares = compares.iter().map(|(path, test)| test.resolve(model, PATHS[*path]));
                let ops = ops.iter().map(|(path, rev, set)| {
                    let (path, rev) = (PATHS[*path], rev.resolve(model, PATHS[*path]));
                    let change = match set {
                        Some((value, is_ephemeral)) => Change::Set { value, is_ephemeral: *is_ephemeral },
                        None => Change::Del,
                    };
                    Op { path, rev, change }
                });
                let txn = Txn { compares: compares.collect(), ops: ops.collect() };
                Command::Txn(txn).encode(&mut bytes);
            }
        }
        bytes
    }
}

fn file<'a>(model: &'a Model, path: &str) -> Option<&'a (u64, Vec<u8>)> {
    model.now().get(&names(path))
}

impl Rev {
    fn resolve(&self, model: &Model, path: &str) -> i64 {
        match self {
            Rev::Any => -1,
            Rev::Raw(rev) => *rev,
            Rev::Off(off) => file(model, path).map_or(0, |(rev, _)| *rev as i64) + off,
        }
    }
}

impl Test {
    fn resolve<'a>(&self, model: &'a Model, path: &'a str) -> Compare<'a> {
        let (rev, value) = file(model, path).map_or((0, &b""[..]), |(rev, value)| (*rev, value));
        let expected = match self {
            Test::Rev(off) => Expected::Rev(rev as i64 + off),
            Test::Value(true) => Expected::Value(value),
            Test::Value(false) => Expected::Value(b"something else"),
            Test::Absent => Expected::Absent,
            Test::Fence(off) => Expected::Fence(model.token(path, rev) as i64 + off),
        };
        Compare { path, expected }
    }
}
