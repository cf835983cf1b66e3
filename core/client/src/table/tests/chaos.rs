//! Commands under every kind of fault, against a cluster that is as simple as its rules: seeded, so that each run can be
//! had again.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use super::*;
use doozer_wire::{SessionOp, SessionReply, SetFlags};

/// What the rules of docs/client-protocol.md make of a command.
enum Ruled {
    Answer { rev: Option<i64> },
    Cancelled,
    Waits,
    Refused(ErrorKind),
}

/// What is kept of a command.
#[derive(Clone, Copy)]
enum Kept {
    Rev(i64),
    Nothing,
    Waits,
    Cancelled,
}

#[derive(Default)]
struct Kind {
    last: u64,
    kept: BTreeMap<u64, Kept>,
}

/// The cluster: sessions, and which write was made when.
#[derive(Default)]
struct Cluster {
    open: HashMap<Bytes, Kind>,
    ended: Vec<Bytes>,
    rev: i64,
    /// For each write, by its path, the revisions at which it was made.
    made: HashMap<Bytes, Vec<i64>>,
    /// The paths that wait in queues, by session and number.
    waits: BTreeMap<(Bytes, u64), Bytes>,
    deleted: Vec<Bytes>,
}

impl Cluster {
    fn apply(&mut self, request: &Request) -> Ruled {
        let key = request.session.clone().expect("a command");
        let Some(session) = self.open.get_mut(&key) else { return Ruled::Refused(ErrorKind::SessionExpired) };
        let acknowledged = request.acknowledged.unwrap_or_default();
        session.kept.retain(|number, kept| {
            *number > acknowledged || request.unanswered.contains(number) || matches!(kept, Kept::Waits)
        });
        let number = request.sequence.expect("a number");
        if number <= session.last {
            return match session.kept.get(&number) {
                Some(Kept::Rev(rev)) => Ruled::Answer { rev: Some(*rev) },
                Some(Kept::Nothing) => Ruled::Answer { rev: None },
                Some(Kept::Cancelled) => Ruled::Cancelled,
                Some(Kept::Waits) => Ruled::Waits,
                None => panic!("{request:?} was acknowledged, and is sent again"),
            };
        }
        if number > session.last + 1 {
            return Ruled::Refused(ErrorKind::OutOfOrder);
        }
        session.last = number;
        let (kept, ruled) = match (&request.path, Verb::from_i32(request.verb)) {
            (Some(path), Some(Verb::Set)) if request.flags.contains(SetFlags::QUEUE) => {
                self.waits.insert((key.clone(), number), path.clone());
                (Kept::Waits, Ruled::Waits)
            }
            (Some(path), Some(Verb::Set)) => {
                self.rev += 1;
                self.made.entry(path.clone()).or_default().push(self.rev);
                (Kept::Rev(self.rev), Ruled::Answer { rev: Some(self.rev) })
            }
            (Some(path), Some(Verb::Del)) => {
                self.rev += 1;
                self.deleted.push(path.clone());
                (Kept::Rev(self.rev), Ruled::Answer { rev: Some(self.rev) })
            }
            (_, Some(Verb::Nop)) => (Kept::Nothing, Ruled::Answer { rev: None }),
            other => panic!("{other:?}"),
        };
        session.kept.insert(number, kept);
        ruled
    }

    fn settle(&mut self, key: &Bytes, number: u64, kept: Kept) {
        if let Some(session) = self.open.get_mut(key) {
            session.kept.insert(number, kept);
        }
    }

    /// Somebody's turn comes. Returns whose, and the revision.
    fn grant(&mut self, chance: &mut Random) -> Option<((Bytes, u64), i64)> {
        let at = chance.up_to(self.waits.len().checked_sub(1)? as u64) as usize;
        let (place, path) = self.waits.iter().nth(at).map(|(place, path)| (place.clone(), path.clone()))?;
        self.waits.remove(&place);
        self.rev += 1;
        self.made.entry(path).or_default().push(self.rev);
        self.settle(&place.0, place.1, Kept::Rev(self.rev));
        Some((place, self.rev))
    }

    fn cancel(&mut self, place: &(Bytes, u64)) -> bool {
        let waited = self.waits.remove(place).is_some();
        if waited {
            self.settle(&place.0, place.1, Kept::Cancelled);
        }
        waited
    }

    fn end(&mut self, key: &Bytes) {
        if self.open.remove(key).is_some() {
            self.ended.push(key.clone());
            self.waits.retain(|(of, _), _| of != key);
        }
    }
}

struct World {
    bench: Bench,
    pipe: BytesMut,
    decoder: Decoder,
    chance: Random,
    cluster: Cluster,
    /// Requests that the member has not looked at yet.
    wire: VecDeque<Request>,
    /// Commands of connections that were lost, or that a member knows nothing of any more: they may come at any time.
    strays: Vec<Request>,
    /// The tags of queued SETs that wait, on this connection.
    places: BTreeMap<(Bytes, u64), i32>,
    callers: Vec<(Bytes, bool, Told)>,
    tags: HashMap<usize, Tag>,
    /// Writes in the order they were submitted, and what their callers heard.
    heard: HashMap<Bytes, Result<i64, ErrorKind>>,
    given_up: HashMap<Bytes, Abandoned>,
    count: usize,
}

type Told = oneshot::Receiver<Answer>;

impl World {
    fn new(seed: u64) -> World {
        let known = Features::CANCEL | Features::PING | Features::LOCAL_READS | Features::SESSIONS;
        World {
            bench: bench(known),
            pipe: BytesMut::new(),
            decoder: Decoder::new(1 << 30),
            chance: Random::seeded(seed),
            cluster: Cluster::default(),
            wire: VecDeque::new(),
            strays: Vec::new(),
            places: BTreeMap::new(),
            callers: Vec::new(),
            tags: HashMap::new(),
            heard: HashMap::new(),
            given_up: HashMap::new(),
            count: 0,
        }
    }

    fn one_in(&mut self, of: u64) -> bool {
        self.chance.up_to(of - 1) == 0
    }

    fn submit(&mut self) {
        self.count += 1;
        let queued = self.one_in(6);
        let path = Bytes::from(format!("/{}/{:06}", if queued { "lock" } else { "w" }, self.count));
        let (caller, told) = oneshot::channel();
        let flags = if queued { SetFlags::EPHEMERAL | SetFlags::QUEUE } else { SetFlags::default() };
        let verb = Verb::Set as i32;
        let request = Request { verb, path: Some(path.clone()), rev: Some(0), flags, ..Request::default() };
        let tag = self.bench.table.submit(request, Owner::Caller(caller), &mut self.bench.done);
        self.tags.insert(self.callers.len(), tag);
        self.callers.push((path, queued, told));
    }

    fn give_up(&mut self) {
        if self.callers.is_empty() {
            return;
        }
        let at = self.chance.up_to(self.callers.len() as u64 - 1) as usize;
        let path = self.callers[at].0.clone();
        if self.heard.contains_key(&path) || self.given_up.contains_key(&path) {
            return;
        }
        let abandoned = self.bench.table.abandon(self.tags[&at], &mut self.bench.done);
        if abandoned != Abandoned::Answered {
            self.given_up.insert(path, abandoned);
        }
    }

    fn listen(&mut self) {
        self.bench.done.deliver();
        for (path, _, told) in &mut self.callers {
            if let Ok(answer) = told.try_recv() {
                let heard = match answer {
                    Ok(answered) => Ok(answered.response.rev.expect("a revision")),
                    Err(failure) => Err(failure.kind),
                };
                assert!(self.heard.insert(path.clone(), heard).is_none());
            }
        }
    }

    /// The transport takes a part of what there is, perhaps within a frame.
    fn transmit(&mut self) {
        self.bench.fill();
        let whole = self.bench.out.len();
        let part = if self.one_in(4) { self.chance.up_to(whole as u64) as usize } else { whole };
        let bytes = self.bench.take(part);
        self.pipe.extend_from_slice(&bytes);
        while let Some(body) = self.decoder.next(&mut self.pipe).unwrap() {
            self.wire.push_back(Request::decode(body).unwrap());
        }
        if self.one_in(8)
            && let Some(first) = self.bench.table.give_back(self.bench.taken, &mut self.bench.done)
        {
            self.bench.out.truncate((first - self.bench.taken) as usize);
        }
    }

    fn refuse(&mut self, tag: Option<i32>, kind: ErrorKind, detail: &str, counted: bool) {
        self.bench.answer(tag.unwrap(), |answer| {
            (answer.err_code, answer.kind) = (Some(127), Some(kind.number()));
            (answer.err_detail, answer.counted) = (Some(detail.to_owned()), counted);
        });
    }

    /// The member looks at one request. With `faults` it may be unable to do it, or to say so.
    fn work(&mut self, faults: bool) {
        let Some(request) = self.wire.pop_front() else { return };
        let tag = request.tag;
        match Verb::from_i32(request.verb) {
            Some(Verb::Session) => self.session(&request, faults),
            Some(Verb::Cancel) => {
                let place = self.places.iter().find(|(_, tag)| Some(**tag) == request.other_tag);
                if let Some((place, waiting)) = place.map(|(place, tag)| (place.clone(), *tag)) {
                    self.places.remove(&place);
                    if self.cluster.cancel(&place) {
                        self.refuse(Some(waiting), ErrorKind::Cancelled, "", true);
                    }
                }
                self.bench.answer(tag.unwrap(), |_| {});
            }
            _ if faults && self.one_in(12) => match self.chance.up_to(4) {
                0 => self.refuse(tag, ErrorKind::Overloaded, "nothing was written, try later", false),
                1 => self.refuse(tag, ErrorKind::NoQuorum, "no proposer, nothing was written", false),
                2 => self.refuse(tag, ErrorKind::DiskFull, "nothing was written", false),
                3 => self.refuse(tag, ErrorKind::ShuttingDown, "nothing was written", false),
                _ => {
                    self.strays.push(request);
                    self.refuse(tag, ErrorKind::NoQuorum, "no quorum: outcome unknown", false);
                }
            },
            _ => {
                let place = (request.session.clone().unwrap(), request.sequence.unwrap());
                match self.cluster.apply(&request) {
                    Ruled::Answer { rev } => {
                        self.bench.answer(tag.unwrap(), |answer| (answer.rev, answer.counted) = (rev, true));
                    }
                    Ruled::Cancelled => self.refuse(tag, ErrorKind::Cancelled, "", true),
                    Ruled::Refused(kind) => self.refuse(tag, kind, "", false),
                    Ruled::Waits => {
                        self.places.insert(place, tag.unwrap());
                    }
                }
            }
        }
    }

    fn session(&mut self, request: &Request, faults: bool) {
        let key = request.session.clone().unwrap();
        let is_there = self.cluster.open.contains_key(&key);
        if faults && self.one_in(10) {
            return self.refuse(request.tag, ErrorKind::Overloaded, "", false);
        }
        match request.session_op.as_ref().and_then(|op| SessionOp::from_i32(op.op)) {
            Some(SessionOp::Open) => {
                assert!(!is_there && !self.cluster.ended.contains(&key), "a key is used for one OPEN only");
                self.cluster.open.insert(key, Kind::default());
                let reply = SessionReply { ttl_ms: Some(12_000), ..SessionReply::default() };
                self.bench.answer(request.tag.unwrap(), |answer| answer.session = Some(Box::new(reply)));
            }
            Some(SessionOp::KeepAlive) if is_there => self.bench.answer(request.tag.unwrap(), |_| {}),
            Some(SessionOp::Close) if is_there => {
                self.cluster.end(&key);
                self.bench.answer(request.tag.unwrap(), |_| {});
            }
            _ => self.refuse(request.tag, ErrorKind::SessionExpired, "", false),
        }
    }

    fn lose(&mut self) {
        // What was on its way may still come, in part, and answers do not.
        let lost: Vec<Request> = self.wire.drain(..).filter(|request| request.sequence.is_some()).collect();
        self.strays.extend(lost);
        self.places.clear();
        (self.pipe, self.decoder) = (BytesMut::new(), Decoder::new(1 << 30));
        self.bench.lose();
        let peer = self.bench.peer.clone();
        self.bench.table.connected(&peer, &mut self.bench.done);
    }

    fn grant(&mut self) {
        if let Some((place, rev)) = self.cluster.grant(&mut self.chance)
            && let Some(tag) = self.places.remove(&place)
        {
            self.bench.answer(tag, |answer| (answer.rev, answer.counted) = (Some(rev), true));
        }
    }

    fn end_session(&mut self) {
        let keys: Vec<Bytes> = self.cluster.open.keys().cloned().collect();
        for key in keys {
            self.cluster.end(&key);
            let over: Vec<(Bytes, u64)> = self.places.keys().filter(|(of, _)| *of == key).cloned().collect();
            for place in over {
                let tag = self.places.remove(&place);
                self.refuse(tag, ErrorKind::SessionExpired, "", false);
            }
        }
    }

    fn step(&mut self) {
        match self.chance.up_to(99) {
            0..25 => self.submit(),
            25..50 => self.transmit(),
            50..80 => self.work(true),
            80..84 => self.give_up(),
            84..87 => self.lose(),
            87..91 => self.grant(),
            91 if self.one_in(6) => self.end_session(),
            92..95 if !self.strays.is_empty() => {
                let at = self.chance.up_to(self.strays.len() as u64 - 1) as usize;
                self.arrive(at);
            }
            _ => self.bench.now = self.bench.now.after(Duration::from_millis(self.chance.up_to(700))),
        }
        if self.bench.table.has_drained() {
            self.lose();
        }
        self.listen();
    }

    /// A copy that was held up comes after all. Nobody hears its answer.
    fn arrive(&mut self, at: usize) {
        let stray = self.strays.swap_remove(at);
        let (Some(key), Some(number)) = (&stray.session, stray.sequence) else { return };
        // One that was answered and acknowledged in the meantime is ANSWER_GONE.
        let is_gone = |session: &Kind| number <= session.last && !session.kept.contains_key(&number);
        if !self.cluster.open.get(key).is_some_and(is_gone) {
            self.cluster.apply(&stray);
        }
    }

    /// Without faults everything is answered.
    fn calm_down(&mut self) {
        for round in 0.. {
            assert!(round < 20_000, "something is never answered: {:?}", self.bench.table);
            self.bench.now = self.bench.now.after(Duration::from_millis(100));
            self.transmit();
            while !self.wire.is_empty() {
                self.work(false);
            }
            self.grant();
            if self.bench.table.has_drained() {
                self.lose();
            }
            self.listen();
            let known = self.heard.len() + self.given_up.len();
            if known == self.callers.len() && !self.bench.table.session.has_queued() {
                return;
            }
        }
    }

    /// How many were made of how many.
    fn check(&self) -> (usize, usize) {
        let (mut last, mut ordered) = (0, 0);
        for (path, queued, _) in &self.callers {
            let made = self.cluster.made.get(path).map_or(&[][..], Vec::as_slice);
            assert!(made.len() <= 1, "{path:?} was made {made:?}");
            match (self.heard.get(path), self.given_up.get(path)) {
                (Some(Ok(rev)), None) => assert_eq!(made, [*rev], "{path:?}"),
                (Some(Err(ErrorKind::OutcomeUnknown)), None) => {
                    assert!(!self.cluster.ended.is_empty(), "{path:?}: no session has ended");
                }
                (Some(Err(kind)), None) => assert!(made.is_empty(), "{path:?}: {kind} at {made:?}"),
                (None, Some(Abandoned::Unsent(_))) => {
                    assert!(made.is_empty(), "{path:?} was unsent: {made:?}")
                }
                (None, Some(_)) if *queued && !made.is_empty() => {
                    let is_gone = self.cluster.deleted.contains(path) || !self.cluster.ended.is_empty();
                    assert!(is_gone, "{path:?} was granted to nobody");
                }
                (None, Some(_)) => {}
                (heard, given_up) => panic!("{path:?}: {heard:?} {given_up:?}"),
            }
            if let ([rev], false) = (made, *queued) {
                assert!(*rev > last, "{path:?} was made before one that was submitted before it");
                last = *rev;
                ordered += 1;
            }
        }
        (ordered, self.callers.len())
    }
}

#[test]
fn every_write_is_made_once_in_order_and_answered_with_what_became_of_it() {
    let seeds = std::env::var("DOOZER_CLIENT_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(60);
    let (mut made, mut all) = (0, 0);
    let first = std::env::var("DOOZER_CLIENT_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0);
    for seed in first..first + seeds {
        println!("seed {seed}");
        let mut world = World::new(seed);
        for _ in 0..1500 {
            world.step();
        }
        world.calm_down();
        let (some, of) = world.check();
        (made, all) = (made + some, all + of);
    }
    println!("{made} of {all} writes were made");
    assert!(made > all / 3, "{made} of {all}");
}
