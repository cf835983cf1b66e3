//! Randomness that comes from a seed alone.
//! Never here: the system's randomness, or what the numbers are for.

/// A generator whose every draw follows from its seed: SplitMix64 (Steele, Lea, Flood, *Fast splittable pseudorandom
/// number generators*, OOPSLA 2014).
#[derive(Debug, Clone)]
pub struct Random {
    seed: u64,
    state: u64,
}

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// Spreads the bits of a number.
pub(crate) fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

impl Random {
    /// The generator of a seed.
    pub fn new(seed: u64) -> Random {
        Random { seed, state: mix(seed.wrapping_add(GOLDEN)) }
    }

    /// A generator of its own for one part of the world. It depends on the seed and the names alone, so that what one
    /// part draws never shifts another's.
    pub fn fork(&self, name: &str, number: u64) -> Random {
        // FNV-1a (Fowler, Noll, Vo).
        let fnv = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        let name = name.bytes().fold(0xcbf2_9ce4_8422_2325, fnv);
        Random::new(mix(self.seed ^ name).wrapping_add(mix(number.wrapping_add(GOLDEN))))
    }

    /// 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GOLDEN);
        mix(self.state)
    }

    /// A number from 0 to `end - 1`; 0 if `end` is 0. (Lemire, *Fast random integer generation in an interval*, 2019,
    /// without the correction, which is far below what a simulation sees.)
    pub fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(end)) >> 64) as u64
    }

    /// A number from `from` to `to`, both included.
    pub fn between(&mut self, from: u64, to: u64) -> u64 {
        from + self.below(to.saturating_sub(from) + 1)
    }

    /// True so many times in a million.
    pub fn ppm(&mut self, millionths: u64) -> bool {
        millionths > 0 && self.below(1_000_000) < millionths
    }

    /// True once in so many times; never if that is 0.
    pub fn one_in(&mut self, of: u64) -> bool {
        of > 0 && self.below(of) == 0
    }

    /// One of these.
    ///
    /// # Panics
    /// If there is none.
    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }

    /// One of these, if there is any.
    pub fn choose<T: Copy>(&mut self, from: &[T]) -> Option<T> {
        (!from.is_empty()).then(|| self.pick(from))
    }

    /// A time with this mean, exponentially distributed: what is between events that know nothing of each other. At
    /// least 1, at most 20 means.
    pub fn wait(&mut self, mean: u64) -> u64 {
        let unit = (self.bits() >> 11) as f64 / (1u64 << 53) as f64;
        let wait = -(1.0 - unit).ln() * mean as f64;
        (wait as u64).clamp(1, 20 * mean.max(1))
    }

    /// An order of these, each as likely.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last as u64 + 1) as usize);
        }
    }

    /// 16 bytes: an id.
    pub fn id(&mut self) -> [u8; 16] {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&self.bits().to_le_bytes());
        id[8..].copy_from_slice(&self.bits().to_le_bytes());
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fork_depends_on_its_name_alone() {
        let mut one = Random::new(7);
        let other = one.clone();
        one.bits();
        assert_eq!(one.fork("disk", 1).bits(), other.fork("disk", 1).bits());
        assert_ne!(one.fork("disk", 1).bits(), other.fork("disk", 2).bits());
        assert_ne!(one.fork("disk", 1).bits(), other.fork("disc", 1).bits());
    }

    #[test]
    fn draws_stay_in_their_bounds_and_reach_them() {
        let mut random = Random::new(1);
        let drawn: Vec<u64> = (0..1_000).map(|_| random.between(3, 5)).collect();
        assert!((3..=5).all(|wanted| drawn.contains(&wanted)));
        assert!(drawn.iter().all(|got| (3..=5).contains(got)));
        assert!((0..1_000).all(|_| !random.ppm(0)));
        assert!((0..1_000).all(|_| random.ppm(1_000_000)));
    }

    #[test]
    fn a_wait_has_the_mean_it_was_given() {
        let mut random = Random::new(2);
        let sum: u64 = (0..100_000).map(|_| random.wait(1_000)).sum();
        assert!((95_000_000..105_000_000).contains(&sum), "{sum}");
    }
}
