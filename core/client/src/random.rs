//! Chance, for jitter and for the order of addresses. Nothing here is fit for secrets.

use std::hash::{BuildHasher, RandomState};

/// SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014).
#[derive(Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// Seeded by the standard library's own source of chance.
    pub fn new() -> Random {
        Random(RandomState::new().hash_one(std::process::id()))
    }

    #[cfg(test)]
    pub fn seeded(seed: u64) -> Random {
        Random(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to `max`, both included.
    pub fn up_to(&mut self, max: u64) -> u64 {
        // The high half of the product: even enough, and without a division.
        ((u128::from(self.next()) * (u128::from(max) + 1)) >> 64) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_are_reached() {
        let mut random = Random::seeded(1);
        let drawn: Vec<u64> = (0..200).map(|_| random.up_to(3)).collect();
        for value in 0..=3 {
            assert!(drawn.contains(&value), "{value}");
        }
        assert!(drawn.iter().all(|value| *value <= 3));
        assert_eq!(random.up_to(0), 0);
    }
}
