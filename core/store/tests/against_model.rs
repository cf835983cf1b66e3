//! Random sequences of everything a store can do, compared with the model after every step.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod check;
mod model;

use check::{GLOBS, PATHS, check_state, load, write_snapshot};
use doozer_store::{
    Applied, Command, Glob, History, Mode, Options, Outcome, Pin, Refusal, Revision, Snapshot, Store, WatchId,
};
use model::{Model, Watch, value_limit};
use proptest::prelude::*;

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

#[derive(Clone, Debug)]
enum Write {
    Set { path: usize, rev: Rev, value: Vec<u8> },
    Del { path: usize, rev: Rev },
    Nop,
    Garbage(Vec<u8>),
}

/// Compared with the file's revision, whatever that will be.
#[derive(Clone, Debug)]
enum Rev {
    Any,
    Raw(i64),
    Off(i64),
}

fn rev() -> impl Strategy<Value = Rev> {
    let raw = prop::sample::select(vec![0, 1, -2, -3, -5, i64::MIN, i64::MAX]);
    prop_oneof![5 => Just(Rev::Any), 1 => raw.prop_map(Rev::Raw), 2 => (-1i64..=1).prop_map(Rev::Off)]
}

fn write() -> impl Strategy<Value = Write> {
    let value = prop_oneof![
        4 => prop::collection::vec(any::<u8>(), 0..6),
        1 => prop::sample::select(vec!["3", "5", "0", "64", "067", "9999999999"]).prop_map(|v| v.into()),
    ];
    prop_oneof![
        6 => (0..PATHS.len(), rev(), value).prop_map(|(path, rev, value)| Write::Set { path, rev, value }),
        4 => (0..PATHS.len(), rev()).prop_map(|(path, rev)| Write::Del { path, rev }),
        1 => Just(Write::Nop),
        1 => prop::collection::vec(4u8.., 0..5).prop_map(Write::Garbage),
    ]
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
        let start = self.model.revision();
        let (mut commands, mut expected) = (Vec::new(), Vec::new());
        for write in writes {
            let (mut bytes, model) = (Vec::new(), &mut self.model);
            expected.push(match write {
                Write::Nop => {
                    Command::Nop.encode(&mut bytes);
                    Outcome::Nop
                }
                Write::Garbage(garbage) => {
                    bytes.clone_from(garbage);
                    Outcome::Refused(Refusal::Malformed)
                }
                Write::Set { path, rev, value } => {
                    let (path, rev) = (PATHS[*path], resolve(rev, model, PATHS[*path]));
                    Command::Set { path, rev, value }.encode(&mut bytes);
                    model.set(path, rev, value)
                }
                Write::Del { path, rev } => {
                    let (path, rev) = (PATHS[*path], resolve(rev, model, PATHS[*path]));
                    Command::Del { path, rev }.encode(&mut bytes);
                    model.del(path, rev)
                }
            });
            commands.push(bytes);
        }
        // What a command would be refused for can be asked before.
        let refusal = self.store.check(&commands[0]).err();
        assert_eq!(refusal.map(Outcome::Refused), expected.first().copied().filter(is_refused));
        self.store.apply(&commands, &mut self.out);
        assert_eq!(self.out.outcomes, expected);
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
    }

    fn begin_snapshot(&mut self) {
        if self.running.is_none() {
            let (then, digest) = (self.model.clone(), self.store.digest());
            self.model.held = Some(then.first);
            self.running =
                Some(Running { snapshot: self.store.begin_snapshot(), bytes: vec![], then, digest });
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
        for rev in then.first..=then.revision() {
            check_state(&loaded, &then, Some(rev));
        }
        check_state(&loaded, &then, None);
    }

    fn check(&self, everything: bool, pick: u64) {
        let (store, model) = (&self.store, &self.model);
        assert_eq!((store.revision().0, store.first().0), (model.revision(), model.first));
        assert_eq!(
            (store.watches_len(), store.value_bytes_max()),
            (model.watches.len(), value_limit(model.now()))
        );
        let stats = store.stats();
        let live: usize =
            model.now().iter().map(|(path, (_, value))| model::text(path).len() + value.len()).sum();
        assert_eq!((stats.files, stats.live_bytes), (model.now().len() as u64, live as u64));
        assert_eq!(stats.history_revisions, model.revision() + 1 - model.first);
        let kept = model.revision() + 1 - model.first;
        check_state(store, model, None);
        for rev in model.first..=model.revision() {
            if everything || rev - model.first == pick % kept {
                check_state(store, model, Some(rev));
            }
        }
    }
}

fn resolve(rev: &Rev, model: &Model, path: &str) -> i64 {
    let present = model.now().get(&model::names(path)).map_or(0, |(rev, _)| *rev as i64);
    match rev {
        Rev::Any => -1,
        Rev::Raw(rev) => *rev,
        Rev::Off(off) => present + off,
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
        for (step, op) in ops.iter().enumerate() {
            harness.run(op);
            harness.check(false, step as u64);
        }
        harness.check(true, 0);
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

fn is_refused(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Refused(_))
}
