//! Input that varies and is the same in every run.

use bytes::{Buf, Bytes};

/// What a fuzzer wants drawn, and then Marsaglia's xorshift64: enough to vary input, and the same everywhere.
pub struct Random {
    tape: Bytes,
    state: u64,
}

impl Random {
    pub fn seeded(seed: u64) -> Random {
        Random { tape: Bytes::new(), state: seed.max(1) }
    }

    /// Draws these bytes first.
    pub fn of(tape: &[u8]) -> Random {
        Random { tape: Bytes::copy_from_slice(tape), ..Random::seeded(SEED) }
    }

    pub fn next(&mut self) -> u64 {
        if self.tape.remaining() >= size_of::<u64>() {
            return self.tape.get_u64_le();
        }
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state
    }

    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    pub fn flag(&mut self) -> bool {
        self.next() & 1 == 0
    }

    pub fn maybe<T>(&mut self, make: impl FnOnce(&mut Random) -> T) -> Option<T> {
        self.flag().then(|| make(self))
    }

    /// A number of any length, since that is what an encoding of numbers depends on.
    pub fn number(&mut self) -> i64 {
        self.next() as i64 >> self.below(64)
    }

    pub fn bytes(&mut self) -> Bytes {
        let len = self.below(200) >> self.below(8);
        (0..len).map(|_| self.next() as u8).collect()
    }

    pub fn array<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| self.next() as u8)
    }

    pub fn text(&mut self) -> String {
        String::from_utf8_lossy(&self.bytes()).into_owned()
    }
}

const SEED: u64 = 0x9e37_79b9_7f4a_7c15;

/// The seed and the number of rounds, both printed first: `DOOZER_FUZZ_SEED` and `DOOZER_FUZZ_ROUNDS` set others.
pub fn random(test: &str) -> (Random, usize) {
    let setting = |name: &str| -> Option<u64> {
        let text = std::env::var(name).ok()?;
        Some(text.parse().unwrap_or_else(|_| panic!("{name} is not a number: {text}")))
    };
    let seed = setting("DOOZER_FUZZ_SEED").unwrap_or(SEED);
    let rounds = setting("DOOZER_FUZZ_ROUNDS").unwrap_or(100_000);
    println!("{test}: seed {seed}, {rounds} rounds");
    (Random::seeded(seed), rounds as usize)
}

/// Changes, cuts out, repeats or cuts off some of `bytes`.
pub fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..=random.below(4) {
        if bytes.is_empty() {
            return;
        }
        let at = random.below(bytes.len());
        let end = (at + random.below(8)).min(bytes.len());
        match random.below(5) {
            0 => bytes[at] = random.next() as u8,
            1 => bytes[at] ^= 1 << random.below(8),
            2 => drop(bytes.drain(at..end)),
            3 => bytes.extend_from_within(at..end),
            _ => bytes.truncate(at),
        }
    }
}
