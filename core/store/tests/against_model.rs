//! Random sequences of everything a store can do, compared with the model after every step.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod check;
mod model;
mod writes;

use check::{GLOBS, check_sessions, check_state, load, write_snapshot};
use doozer_store::{
    Applied, By, Command, Flags, Glob, History, MAX_VALUE, Mode, Options, Pin, Revision, SESSION_BYTES,
    SESSIONS, SessionId, Snapshot, Store, WatchId,
};
use model::{Model, Watch, limit};
use proptest::prelude::*;
use writes::{WHO, Write, write};

#[derive(Clone, Debug)]
enum Op {
    Write(Vec<Write>),
    Watch { glob: usize, ahead: u64, mode: Mode },
    Unwatch(usize),
    Pin(u64),
    Unpin(usize),
    Reload { cut: usize },
    BeginSnapshot,
    Chunk,
    EndSnapshot { cut: usize },
}

fn op() -> impl Strategy<Value = Op> {
    let mode = prop::sample::select(vec![Mode::Once, Mode::Stream]);
    prop_oneof![
        20 => prop::collection::vec(write(), 1..6).prop_map(Op::Write),
        5 => (0..GLOBS.len(), 0u64..6, mode).prop_map(|(glob, ahead, mode)| Op::Watch { glob, ahead, mode }),
        1 => any::<usize>().prop_map(Op::Unwatch),
        2 => (0u64..4).prop_map(Op::Pin),
        2 => any::<usize>().prop_map(Op::Unpin),
        1 => (1usize..40).prop_map(|cut| Op::Reload { cut }),
        1 => Just(Op::BeginSnapshot),
        3 => Just(Op::Chunk),
        1 => (1usize..40).prop_map(|cut| Op::EndSnapshot { cut }),
    ]
}

struct Running {
    snapshot: Snapshot,
    bytes: Vec<u8>,
    then: Model,
    digest: [u8; 32],
}

struct Harness {
    options: Options,
    store: Store,
    model: Model,
    watches: Vec<WatchId>,
    pins: Vec<Pin>,
    tokens: u64,
    running: Option<Running>,
    out: Applied,
}

impl Harness {
    fn new(revisions_max: u64, hash_seed: u64) -> Self {
        let options = Options { history: History { revisions_max, bytes_max: u64::MAX }, hash_seed };
        Self {
            options,
            store: Store::new(options),
            model: Model::new(revisions_max),
            watches: vec![],
            pins: vec![],
            tokens: 0,
            running: None,
            out: Applied::default(),
        }
    }

    /// With everybody's session open.
    fn with_sessions(mut self) -> Self {
        let open = (0..WHO.len()).map(|who| Write::Open { who, ttl_ms: 5000, label: "me" });
        self.write(&open.collect::<Vec<_>>());
        self
    }

    /// One more session waits with so much that only this many bytes are left to all of them.
    fn leave_room(&mut self, bytes: usize) {
        let (session, path, limit) = (SessionId([9; 16]), "/parked", SESSION_BYTES.min);
        self.apply(Command::Open { session, ttl_ms: 5000, opened_ms: 0, label: "" });
        self.apply(Command::Set { path, rev: -1, value: b"" });
        self.apply(Command::Set { path: SESSION_BYTES.path, rev: -1, value: limit.to_string().as_bytes() });
        let (mut set, len) = (Vec::new(), limit - bytes - self.store.session_bytes());
        Command::Set { path, rev: 0, value: &vec![0; len] }.encode(&mut set);
        self.apply(Command::By(By::new(session, 1, 0, &set).flagged(Flags::QUEUE)));
    }

    fn apply(&mut self, command: Command<'_>) {
        let mut bytes = Vec::new();
        command.encode(&mut bytes);
        self.apply_all(&[bytes]);
    }

    fn run(&mut self, op: &Op) {
        match op {
            Op::Write(writes) => self.write(writes),
            Op::Watch { glob, ahead, mode } => self.watch(GLOBS[*glob], *ahead, *mode),
            Op::Unwatch(pick) => self.unwatch(*pick),
            Op::Pin(back) => self.pin(*back),
            Op::Unpin(pick) => self.unpin(*pick),
            Op::Reload { cut } => self.reload(*cut),
            Op::BeginSnapshot => self.begin_snapshot(),
            Op::Chunk => {
                if let Some(running) = &mut self.running {
                    running.snapshot.next_chunk(&self.store, &mut running.bytes);
                }
            }
            Op::EndSnapshot { cut } => self.end_snapshot(*cut),
        }
    }

    fn write(&mut self, writes: &[Write]) {
        // What they come to is known only as they are made.
        let mut ahead = self.model.clone();
        let encoded = writes.iter().map(|write| {
            let bytes = write.encode(&ahead);
            ahead.apply(&bytes);
            bytes
        });
        let commands: Vec<_> = encoded.collect();
        self.apply_all(&commands);
    }

    fn apply_all(&mut self, commands: &[Vec<u8>]) {
        let start = self.model.revision();
        let would_change = self.model.would_change(&commands[0]);
        assert_eq!(
            self.store.would_change(&commands[0]),
            would_change,
            "{:?}",
            Command::decode(&commands[0])
        );
        let expected: Vec<_> = commands.iter().map(|command| self.model.apply(command)).collect();
        self.store.apply(commands, &mut self.out);
        assert_eq!(self.out.outcomes, expected);
        assert_eq!(self.out.granted, std::mem::take(&mut self.model.kept.granted));
        assert_eq!(self.out.sessions, std::mem::take(&mut self.model.kept.changes));
        self.check_fired(start);
    }

    fn check_fired(&mut self, start: u64) {
        let mut expected = self.model.fire(start);
        let mut fired: Vec<_> = self.out.fired.iter().map(|fired| (fired.event.rev.0, fired.token)).collect();
        assert!(fired.is_sorted_by_key(|(rev, _)| *rev), "not in the order of the revisions: {fired:?}");
        fired.sort_unstable();
        expected.sort_unstable();
        assert_eq!(fired, expected);
        for fired in &self.out.fired {
            let change = &self.model.changes[fired.event.rev.0 as usize - 1];
            assert_eq!(
                (&*fired.event.path, fired.event.value.as_deref()),
                (&*change.path, change.value.as_deref())
            );
        }
    }

    fn watch(&mut self, glob: &str, ahead: u64, mode: Mode) {
        let (from, token) = (self.model.revision() + ahead, self.tokens);
        self.tokens += 1;
        self.watches.push(self.store.watch(
            Glob::parse(glob.as_bytes()).unwrap(),
            Revision(from),
            mode,
            token,
        ));
        self.model.watches.push(Watch { glob: glob.to_owned(), from, mode, token });
    }

    /// The n-th watch ever, so that some of them have ended.
    fn unwatch(&mut self, pick: usize) {
        if self.watches.is_empty() {
            return;
        }
        let token = pick % self.watches.len();
        let known = self.model.watches.len();
        self.model.watches.retain(|watch| watch.token != token as u64);
        assert_eq!(self.store.unwatch(self.watches[token]), self.model.watches.len() < known);
    }

    fn pin(&mut self, back: u64) {
        let rev = (self.model.revision() + 1).saturating_sub(back).max(1);
        match self.store.pin(Revision(rev)) {
            Err(error) => assert!(rev < self.model.first, "{error}"),
            Ok(pin) => {
                assert!(rev >= self.model.first);
                self.pins.push(pin);
                self.model.pins.push(rev);
            }
        }
    }

    fn unpin(&mut self, pick: usize) {
        if !self.pins.is_empty() {
            let at = pick % self.pins.len();
            self.store.unpin(self.pins.remove(at));
            self.model.pins.remove(at);
            self.model.trim();
        }
    }

    fn reload(&mut self, cut: usize) {
        let digest = self.store.digest();
        let bytes = write_snapshot(&mut self.store);
        self.options.hash_seed += 1;
        self.store = load(&bytes, self.options, cut);
        assert_eq!(self.store.digest(), digest);
        (self.watches, self.pins, self.running, self.tokens) = (vec![], vec![], None, 0);
        (self.model.watches, self.model.pins, self.model.held) = (vec![], vec![], None);
        self.model.trim();
        self.model.pass_through_snapshot();
    }

    fn begin_snapshot(&mut self) {
        if self.running.is_none() {
            let (then, digest) = (self.model.clone(), self.store.digest());
            self.model.held = Some(then.first);
            let snapshot = self.store.begin_snapshot();
            self.running = Some(Running { snapshot, bytes: vec![], then, digest });
        }
    }

    /// Whatever was written meanwhile, the snapshot is what was there when it began.
    fn end_snapshot(&mut self, cut: usize) {
        let Some(Running { mut snapshot, mut bytes, mut then, digest }) = self.running.take() else { return };
        while snapshot.next_chunk(&self.store, &mut bytes) {}
        self.store.end_snapshot(snapshot);
        self.model.held = None;
        self.model.trim();
        let loaded = load(&bytes, self.options, cut);
        assert_eq!(loaded.digest(), digest);
        (then.pins, then.watches) = (vec![], vec![]);
        then.trim();
        then.pass_through_snapshot();
        for rev in then.first..=then.revision() {
            check_state(&loaded, &then, Some(rev));
        }
        check_state(&loaded, &then, None);
        check_sessions(&loaded, &then);
    }

    fn check(&self, everything: bool, pick: u64) {
        let (store, model) = (&self.store, &self.model);
        assert_eq!((store.revision().0, store.first().0), (model.revision(), model.first));
        assert_eq!(
            (store.watches_len(), store.value_bytes_max()),
            (model.watches.len(), limit(model.now(), &MAX_VALUE))
        );
        let stats = store.stats();
        let live: usize =
            model.now().iter().map(|(path, (_, value))| model::text(path).len() + value.len()).sum();
        assert_eq!((stats.files, stats.live_bytes), (model.now().len() as u64, live as u64));
        assert_eq!(stats.history_revisions, model.revision() + 1 - model.first);
        let kept = model.revision() + 1 - model.first;
        check_state(store, model, None);
        check_sessions(store, model);
        for rev in model.first..=model.revision() {
            if everything || rev - model.first == pick % kept {
                check_state(store, model, Some(rev));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn a_store_does_what_the_model_does(
        ops in prop::collection::vec(op(), 1..45),
        revisions_max in prop::sample::select(vec![1, 2, 3, 5, 8, 20, 1000]),
        hash_seed in 0u64..1000,
    ) {
        let mut harness = Harness::new(revisions_max, hash_seed);
        if hash_seed % 4 > 0 {
            harness = harness.with_sessions();
        }
        for (step, op) in ops.iter().enumerate() {
            harness.run(op);
            harness.check(false, step as u64);
        }
        harness.check(true, 0);
    }

    /// For long: who waits must come to what he waits for, in many ways.
    #[test]
    fn sessions_do_what_those_of_the_model_do(
        batches in prop::collection::vec(prop::collection::vec(write(), 1..4), 1..150),
        max_sessions in prop::option::of(0..4_u8),
        room in prop::option::weighted(0.3, 0..4000_usize),
        reload_every in 1usize..40,
    ) {
        let mut harness = Harness::new(5, 0).with_sessions();
        if let Some(room) = room {
            harness.leave_room(room);
        }
        if let Some(max) = max_sessions {
            harness.apply(Command::Set { path: SESSIONS.path, rev: -1, value: max.to_string().as_bytes() });
        }
        for (step, batch) in batches.iter().enumerate() {
            harness.write(batch);
            check_sessions(&harness.store, &harness.model);
            if step % reload_every == reload_every - 1 {
                harness.reload(100);
                check_sessions(&harness.store, &harness.model);
            }
        }
        harness.check(false, 0);
    }

    #[test]
    fn a_limit_of_bytes_holds_and_what_is_left_is_right(
        writes in prop::collection::vec(write(), 1..60),
        bytes_max in 0u64..2000,
    ) {
        let mut harness = Harness::new(u64::MAX, 0);
        let history = History { revisions_max: u64::MAX, bytes_max };
        harness.store = Store::new(Options { history, hash_seed: 0 });
        for write in writes {
            harness.write(std::slice::from_ref(&write));
            let (first, stats) = (harness.store.first().0, harness.store.stats());
            assert!(stats.history_bytes <= bytes_max || stats.history_revisions == 1, "{stats:?}");
            assert!(first >= harness.model.first);
            harness.model.first = first;
            harness.check(false, 0);
        }
        harness.check(true, 0);
    }
}
