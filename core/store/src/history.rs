//! The history: an undo log with one entry for each change, which says what the change displaced.

use crate::Value;
use crate::files::FileId;
use crate::revision::Revision;
use std::collections::VecDeque;

const CHUNK: u64 = 1024;

/// What an entry takes beyond the displaced value's bytes: itself, and the value's counts and allocation.
pub(crate) const ENTRY_BYTES: u64 = 80;

/// How much history to keep. It is each member's own choice: no outcome depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct History {
    /// At most this many revisions; at least one.
    pub revisions_max: u64,
    /// At most this many bytes: of displaced values, of the paths of deleted files, and a fixed amount for
    /// each revision and each deleted file. The newest revision is kept even if it takes more.
    pub bytes_max: u64,
}

impl Default for History {
    fn default() -> Self {
        Self { revisions_max: 360_000, bytes_max: 256 << 20 }
    }
}

/// A change, seen from behind. The entries of a file form a chain from its newest version back.
#[derive(Debug)]
pub(crate) struct Entry {
    pub file: FileId,
    /// Length of the chain below, which decides how far `jump` goes.
    depth: u32,
    /// The version of this file that the change displaced; zero if there never was one.
    pub prev: Revision,
    /// The next version of this file; zero if there is none yet.
    pub next: Revision,
    /// A version further back; zero if that is no longer in the log.
    jump: Revision,
    /// The value of that version; None if the file did not exist.
    pub displaced: Option<Value>,
}

/// The entries of the revisions `first..=last`, in chunks of a fixed size.
pub(crate) struct UndoLog {
    chunks: VecDeque<Vec<Entry>>,
    /// The revision of the first place of the first chunk.
    base: u64,
    first: u64,
    next: u64,
    value_bytes: u64,
}

impl UndoLog {
    /// An empty log after this revision.
    pub fn after(revision: Revision) -> Self {
        let next = revision.0 + 1;
        Self { chunks: VecDeque::new(), base: next, first: next, next, value_bytes: 0 }
    }

    /// The oldest revision still here; when empty, the next one to come.
    pub fn first(&self) -> Revision {
        Revision(self.first)
    }

    pub fn last(&self) -> Revision {
        Revision(self.next - 1)
    }

    pub fn len(&self) -> u64 {
        self.next - self.first
    }

    pub fn bytes(&self) -> u64 {
        self.value_bytes + self.len() * ENTRY_BYTES
    }

    /// Logs the next change, of a file whose version `prev` had the value `displaced`.
    pub fn push(&mut self, file: FileId, prev: Revision, displaced: Option<Value>) -> Revision {
        let (depth, jump) = self.chain_onto(prev);
        self.value_bytes += len(displaced.as_ref());
        if prev >= self.first() {
            self.entry_mut(prev).next = Revision(self.next);
        }
        if self.chunks.back().is_none_or(|chunk| chunk.len() as u64 == CHUNK) {
            self.chunks.push_back(Vec::with_capacity(CHUNK as usize));
        }
        if let Some(chunk) = self.chunks.back_mut() {
            chunk.push(Entry { file, depth, prev, next: Revision::ZERO, jump, displaced });
        }
        self.next += 1;
        self.last()
    }

    /// Drops the oldest entry and tells its revision and its file.
    pub fn pop(&mut self) -> Option<(Revision, FileId)> {
        if self.first == self.next {
            return None;
        }
        let rev = self.first();
        let entry = self.entry_mut(rev);
        let (file, displaced) = (entry.file, entry.displaced.take());
        self.value_bytes -= len(displaced.as_ref());
        self.first += 1;
        if self.first - self.base == CHUNK {
            self.chunks.pop_front();
            self.base = self.first;
        }
        Some((rev, file))
    }

    /// The entry of a revision from `first` to `last`.
    pub fn entry(&self, rev: Revision) -> &Entry {
        let at = rev.0 - self.base;
        &self.chunks[(at / CHUNK) as usize][(at % CHUNK) as usize]
    }

    /// The oldest change after `rev` to the file whose newest version is `newest`. None if there is none
    /// after `rev`, which may be anything from `first` - 1 on.
    ///
    /// Takes steps in proportion to the logarithm of the number of versions, by jump pointers (Myers,
    /// "An applicative random-access stack", Information Processing Letters 17, 1983).
    pub fn next_change(&self, newest: Revision, rev: Revision) -> Option<(Revision, &Entry)> {
        let mut at = newest;
        if at <= rev {
            return None;
        }
        loop {
            let entry = self.entry(at);
            if entry.jump > rev {
                at = entry.jump;
            } else if entry.prev > rev {
                at = entry.prev;
            } else {
                return Some((at, entry));
            }
        }
    }

    /// Depth and jump of a new entry on top of the chain that begins at `prev`.
    fn chain_onto(&self, prev: Revision) -> (u32, Revision) {
        if prev < self.first() {
            return (0, Revision::ZERO);
        }
        let below = self.entry(prev);
        let Some(depth) = below.depth.checked_add(1) else { return (0, Revision::ZERO) };
        if jump_depth(depth) == below.depth {
            (depth, prev)
        } else if below.jump >= self.first() {
            (depth, self.entry(below.jump).jump)
        } else {
            (depth, Revision::ZERO)
        }
    }

    fn entry_mut(&mut self, rev: Revision) -> &mut Entry {
        let at = rev.0 - self.base;
        &mut self.chunks[(at / CHUNK) as usize][(at % CHUNK) as usize]
    }
}

/// The depth that an entry of this depth jumps to: less the smallest term of its greedy sum of numbers
/// 2^k - 1 ("skew-binary"). Being a function of the depth alone, it holds even where the chain was trimmed.
fn jump_depth(depth: u32) -> u32 {
    let mut rest = depth;
    let mut term = 0;
    while rest > 0 {
        let above = u64::from(rest) + 1;
        term = ((1u64 << above.ilog2()) - 1) as u32;
        rest -= term;
    }
    depth - term
}

fn len(value: Option<&Value>) -> u64 {
    value.map_or(0, |value| value.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::Files;

    #[test]
    fn jumps_by_skew_binary_numbers() {
        let jumps: Vec<_> = (0..16).map(jump_depth).collect();
        assert_eq!(jumps, [0, 0, 1, 0, 3, 4, 3, 0, 7, 8, 7, 10, 11, 10, 7, 0]);
        assert_eq!(jump_depth(u32::MAX), 0);
        assert_eq!(jump_depth(u32::MAX - 1), (1u32 << 31) - 1);
    }

    /// The versions of file `k` of 3 are those revisions that leave `k` when divided by 3.
    fn three_files(changes: u64) -> UndoLog {
        let mut files = Files::new(0);
        let ids = [files.insert("/0"), files.insert("/1"), files.insert("/2")];
        let mut log = UndoLog::after(Revision(0));
        for rev in 1..=changes {
            let prev = Revision(rev.saturating_sub(3));
            let value = (prev.0 > 0).then(|| Value::from(prev.0.to_le_bytes()));
            assert_eq!(log.push(ids[(rev % 3) as usize], prev, value), Revision(rev));
        }
        log
    }

    #[test]
    fn finds_every_version_trimmed_or_not() {
        let changes = 5000;
        let mut log = three_files(changes);
        for _ in 0..4 {
            for newest in [changes, changes - 1, changes - 2] {
                for rev in log.first().0 - 1..=changes {
                    let expected = (rev + 1..=newest).find(|other| other % 3 == newest % 3);
                    let found = log.next_change(Revision(newest), Revision(rev));
                    assert_eq!(found.map(|(rev, _)| rev.0), expected, "{newest} at {rev}");
                    if let Some((at, entry)) = found {
                        assert_eq!(entry.prev.0, at.0.saturating_sub(3));
                    }
                }
            }
            for _ in 0..1100 {
                log.pop();
            }
        }
    }

    #[test]
    fn a_look_up_is_short_even_while_the_oldest_goes() {
        let mut files = Files::new(0);
        let id = files.insert("/f");
        let mut log = UndoLog::after(Revision(0));
        for rev in 1..=200_000u64 {
            log.push(id, Revision(rev - 1), None);
            if log.len() > 10_000 {
                log.pop();
            }
        }
        let mut longest = 0;
        for rev in log.first().0..200_000 {
            let (mut at, mut steps) = (200_000, 0);
            while at > rev + 1 {
                let entry = log.entry(Revision(at));
                at = if entry.jump.0 > rev { entry.jump.0 } else { entry.prev.0 };
                steps += 1;
            }
            longest = longest.max(steps);
        }
        assert!(longest <= 3 * 18, "{longest} steps");
    }

    #[test]
    fn counts_what_it_keeps() {
        let mut log = three_files(10);
        assert_eq!((log.first(), log.last(), log.len()), (Revision(1), Revision(10), 10));
        assert_eq!(log.bytes(), 10 * ENTRY_BYTES + 7 * 8);
        for rev in 1..=10 {
            assert_eq!(log.pop().map(|(rev, _)| rev), Some(Revision(rev)));
        }
        assert_eq!((log.pop().is_none(), log.bytes(), log.first()), (true, 0, Revision(11)));
    }
}
