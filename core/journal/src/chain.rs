//! Which hash the log has at which slot, from its base on, and how many bytes of log came before.

use std::collections::VecDeque;

use doozer_paxos::{EntryHash, Slot};

#[derive(Debug, Clone, Copy)]
struct Link {
    hash: EntryHash,
    /// Bytes of records up to the one that holds this slot.
    log_bytes: u64,
}

/// The hash chain of the log: its base (what the first entry follows) and a link for each entry.
#[derive(Debug, Clone)]
pub(crate) struct Chain {
    base: Slot,
    base_link: Link,
    links: VecDeque<Link>,
}

impl Chain {
    pub(crate) fn new(base: Slot, hash: EntryHash, log_bytes: u64) -> Self {
        Chain { base, base_link: Link { hash, log_bytes }, links: VecDeque::new() }
    }

    pub(crate) fn base(&self) -> Slot {
        self.base
    }

    pub(crate) fn last(&self) -> Slot {
        Slot(self.base.0 + self.links.len() as u64)
    }

    pub(crate) fn last_hash(&self) -> EntryHash {
        self.links.back().unwrap_or(&self.base_link).hash
    }

    /// The hash at a slot from the base to the last one.
    pub(crate) fn hash_at(&self, slot: Slot) -> Option<EntryHash> {
        self.link_at(slot).map(|link| link.hash)
    }

    /// Bytes of records written before `slot` was complete; of the base for a slot below it.
    pub(crate) fn log_bytes_at(&self, slot: Slot) -> u64 {
        self.link_at(slot).unwrap_or(&self.base_link).log_bytes
    }

    fn link_at(&self, slot: Slot) -> Option<&Link> {
        let above = slot.0.checked_sub(self.base.0)?;
        match above.checked_sub(1) {
            None => Some(&self.base_link),
            Some(index) => self.links.get(usize::try_from(index).ok()?),
        }
    }

    pub(crate) fn push(&mut self, hash: EntryHash, log_bytes: u64) {
        self.links.push_back(Link { hash, log_bytes });
    }

    /// Forgets everything above `slot`, which is not below the base.
    pub(crate) fn cut_behind(&mut self, slot: Slot) {
        self.links.truncate((slot.0 - self.base.0) as usize);
    }

    /// Makes `slot`, which is in the chain, the base.
    pub(crate) fn rebase(&mut self, slot: Slot) {
        for link in self.links.drain(..(slot.0 - self.base.0) as usize) {
            self.base_link = link;
        }
        self.base = slot;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(n: u8) -> EntryHash {
        EntryHash([n; 32])
    }

    #[test]
    fn knows_base_and_links_and_nothing_else() {
        let mut chain = Chain::new(Slot(5), hash(5), 100);
        (6..10).for_each(|n| chain.push(hash(n), u64::from(n) * 100));
        assert_eq!((chain.last(), chain.last_hash()), (Slot(9), hash(9)));
        let known: Vec<_> = (4..11).map(|slot| chain.hash_at(Slot(slot))).collect();
        let expected: Vec<_> = (5..10).map(|n| Some(hash(n))).collect();
        assert_eq!(known, [&[None], &expected[..], &[None]].concat());
        chain.cut_behind(Slot(8));
        chain.rebase(Slot(7));
        assert_eq!((chain.base(), chain.last(), chain.hash_at(Slot(7))), (Slot(7), Slot(8), Some(hash(7))));
        assert_eq!((chain.log_bytes_at(Slot(3)), chain.log_bytes_at(Slot(8))), (700, 800));
        chain.cut_behind(Slot(7));
        assert_eq!((chain.last(), chain.last_hash()), (Slot(7), hash(7)));
    }
}
