//! Random bytes and mutated good ones at everything that reads bytes: no panic, and what is read is right.
//! The seed is fixed, so that a failure comes again; it is printed first, and `FUZZ_SEED` sets another.

mod bodies;

use doozer_store::{
    Applied, By, Change, Command, Compare, Expected, Flags, Op, Options, SessionId, Store, Txn,
};

struct XorShift(u64);

impl XorShift {
    fn seeded() -> Self {
        let seed = std::env::var("FUZZ_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_260_101);
        println!("FUZZ_SEED={seed}");
        Self(seed | 1)
    }

    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % end
    }

    fn byte(&mut self) -> u8 {
        // Half of them such as paths, globs and lengths are made of.
        let usual = b"/ab*?./\n\0\x01\x02\x03\x04\xc3\xa9";
        if self.below(2) == 0 { usual[self.below(usual.len())] } else { self.below(256) as u8 }
    }

    fn bytes(&mut self) -> Vec<u8> {
        let len = self.below(40);
        (0..len).map(|_| self.byte()).collect()
    }

    fn mutated(&mut self, good: &[u8]) -> Vec<u8> {
        let mut bytes = good.to_vec();
        for _ in 0..self.below(4) {
            let at = self.below(bytes.len() + 1);
            match self.below(5) {
                0 => bytes.truncate(at),
                1 => bytes.insert(at, self.byte()),
                2 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
                3 if at < bytes.len() => bytes[at] = self.byte(),
                _ => bytes.extend_from_within(at..),
            }
        }
        bytes
    }
}

/// Half of the inputs from nothing, half from good ones.
fn drive(inputs: usize, good: &[Vec<u8>], body: fn(&[u8])) {
    let mut random = XorShift::seeded();
    good.iter().for_each(|bytes| body(bytes));
    for _ in 0..inputs / 2 {
        body(&random.bytes());
        let pick = random.below(good.len());
        body(&random.mutated(&good[pick]));
    }
}

fn snapshot(mut store: Store) -> Vec<u8> {
    for (path, value) in [("/a/b", &b"1"[..]), ("/é", b""), ("/a/b", b"22"), ("/a/c", b"333")] {
        let mut bytes = Vec::new();
        Command::Set { path, rev: -1, value }.encode(&mut bytes);
        store.apply([bytes], &mut Applied::default());
    }
    let (mut snapshot, mut bytes) = (store.begin_snapshot(), Vec::new());
    while snapshot.next_chunk(&store, &mut bytes) {}
    store.end_snapshot(snapshot);
    bytes
}

/// One of each kind, in the names of those whom [`bodies::with_sessions`] knows.
fn every_command() -> Vec<Vec<u8>> {
    let [one, other] = [1, 2].map(|n| SessionId([n; 16]));
    let encoded = |command: Command<'_>| {
        let mut bytes = Vec::new();
        command.encode(&mut bytes);
        bytes
    };
    let set = encoded(Command::Set { path: "/l", rev: 0, value: b"v" });
    let op = |path, change| Op { path, rev: -1, change };
    let txn = encoded(Command::Txn(Txn {
        compares: vec![
            Compare { path: "/l", expected: Expected::Fence(1) },
            Compare { path: "/l", expected: Expected::Value(b"v") },
            Compare { path: "/n", expected: Expected::Absent },
            Compare { path: "/l", expected: Expected::Rev(1) },
        ],
        ops: vec![
            op("/l", Change::Del),
            op("/l/b", Change::Set { value: b"w", is_ephemeral: false }),
            op("/é", Change::Set { value: b"w", is_ephemeral: true }),
        ],
    }));
    let by = |session, flags, unanswered: &[u64], command: &[u8]| {
        let (by, mut bytes) = (By::new(session, 3, 2, command).flagged(flags), Vec::new());
        by.encode_head(&mut bytes, unanswered.iter().copied());
        bytes.extend(command);
        bytes
    };
    vec![
        encoded(Command::Nop),
        encoded(Command::Del { path: "/l", rev: -1 }),
        encoded(Command::Set { path: "/é", rev: 7, value: b"v" }),
        encoded(Command::Open { session: SessionId([3; 16]), ttl_ms: 5000, opened_ms: 1, label: "é" }),
        encoded(Command::Close { session: one }),
        encoded(Command::Expire { session: other }),
        encoded(Command::Leave { session: other, sequence: 1, path: "/l" }),
        by(one, Flags::QUEUE, &[1, 2], &set),
        by(other, Flags::EPHEMERAL, &[], &set),
        by(other, Flags::default(), &[1], &txn),
        txn,
    ]
}

#[test]
fn paths() {
    drive(60_000, &["/", "/a/b", "/é/世界", "/a.b-c_d:e@f=g+h~i"].map(Into::into), bodies::path);
}

#[test]
fn globs() {
    let good = ["/a/**\n/a/b", "/**/a*?b\n/x/abab", "/?/é*\n/b/éa", "/***?\n/a", "/a/b\n/a/b"];
    drive(60_000, &good.map(Into::into), bodies::glob);
}

#[test]
fn commands() {
    drive(60_000, &every_command(), bodies::command);
}

#[test]
fn applied_commands() {
    drive(20_000, &every_command(), bodies::apply);
}

#[test]
fn snapshots() {
    let wholes = [snapshot(Store::new(Options::default())), snapshot(bodies::with_sessions())];
    // With and without its end: what comes before the hash is read before it is known to be wrong.
    let open = wholes.each_ref().map(|whole| whole[..whole.len() - 33].to_vec());
    drive(20_000, &[wholes, open.clone()].concat(), bodies::snapshot);
    // Of the format before sessions, too.
    let first = [&[1], &open[0][1..]].concat();
    drive(40_000, &[&open[..], &[first]].concat(), bodies::snapshot_of_records);
}
