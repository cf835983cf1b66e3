//! The keys of a client's sessions: each is used for one OPEN, and nobody else can guess it.

use bytes::Bytes;

/// Drawn from one random seed, so that whoever uses them needs no source of chance.
pub(crate) struct Keys {
    seed: [u8; 32],
    drawn: u64,
}

impl Keys {
    pub fn new(seed: [u8; 32]) -> Keys {
        Keys { seed, drawn: 0 }
    }

    /// A key that was never drawn before.
    pub fn draw(&mut self) -> Bytes {
        self.drawn += 1;
        Bytes::copy_from_slice(&blake3::keyed_hash(&self.seed, &self.drawn.to_le_bytes()).as_bytes()[..16])
    }
}

impl std::fmt::Debug for Keys {
    /// Without the seed: it is a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").field("drawn", &self.drawn).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_is_drawn_twice() {
        let (mut ours, mut theirs) = (Keys::new([1; 32]), Keys::new([2; 32]));
        let drawn = [ours.draw(), ours.draw(), theirs.draw(), theirs.draw()];
        assert!(drawn.iter().all(|key| key.len() == 16));
        assert_eq!(std::collections::HashSet::from(drawn).len(), 4);
    }
}
