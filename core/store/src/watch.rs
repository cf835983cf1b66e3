//! Watches: who wants to hear of which changes, found by what their globs begin with.

use crate::Value;
use crate::event::Event;
use crate::glob::Glob;
use crate::revision::Revision;
use crate::store::Store;
use foldhash::fast::FixedState;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use std::hash::BuildHasher;
use std::sync::Arc;

/// How often a watch is to fire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// At the first matching change, which ends it.
    Once,
    /// At every matching change, until [`Store::unwatch`].
    Stream,
}

/// A registered watch. It is never used again for another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WatchId {
    slot: u32,
    generation: u32,
}

/// A change that a watch has been waiting for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fired {
    /// The watch.
    pub id: WatchId,
    /// What its owner registered it with.
    pub token: u64,
    /// The change, shared by all watches that it concerns.
    pub event: Arc<Event>,
}

impl Store {
    /// Registers a watch for the changes to come, on or after `from`; for those that have been, see
    /// [`Store::scan`]. `token` is the owner's, and comes back with each change.
    pub fn watch(&mut self, glob: Glob, from: Revision, mode: Mode, token: u64) -> WatchId {
        self.watches.add(Watch { glob, from, mode, token, previous: NONE, next: NONE })
    }

    /// Ends a watch; false if it had ended already.
    pub fn unwatch(&mut self, id: WatchId) -> bool {
        let known = self.watches.slots.is_current(id);
        if known {
            self.watches.remove(id.slot);
        }
        known
    }

    /// What a watch is for, and from which revision on; `None` if it has ended.
    pub fn watched(&self, id: WatchId) -> Option<(&Glob, Revision)> {
        let slots = &self.watches.slots;
        let watch = slots.is_current(id).then(|| slots.get(id.slot)).flatten()?;
        Some((&watch.glob, watch.from))
    }

    /// The number of watches registered.
    pub fn watches_len(&self) -> usize {
        self.watches.len()
    }
}

/// No slot.
const NONE: u32 = u32::MAX;

struct Watch {
    glob: Glob,
    from: Revision,
    mode: Mode,
    token: u64,
    /// Neighbours in the chain of those whose globs begin alike.
    previous: u32,
    next: u32,
}

/// All watches. Those with the same literal prefix are a chain, whose first slot stands in a hash table.
pub(crate) struct Watches {
    slots: Slots,
    /// Globs without a wildcard.
    exact: Heads,
    /// Globs with one.
    wild: Heads,
    /// What the prefixes in `wild` are made of, so that a path is cut only where one can end.
    directories: HashTable<Directory>,
    hasher: FixedState,
    /// Empty between calls.
    hits: Vec<u32>,
}

impl Watches {
    pub fn new(hash_seed: u64) -> Self {
        Self {
            slots: Slots::default(),
            exact: Heads::default(),
            wild: Heads::default(),
            directories: HashTable::new(),
            hasher: FixedState::with_seed(hash_seed),
            hits: Vec::new(),
        }
    }

    pub fn len(&self) -> usize {
        self.slots.slots.len() - self.slots.free.len()
    }

    /// Reports a change to those it concerns, and ends those that wanted only one.
    pub fn fire(&mut self, rev: Revision, path: &str, value: Option<&Value>, fired: &mut Vec<Fired>) {
        if self.len() == 0 {
            return;
        }
        let mut hits = std::mem::take(&mut self.hits);
        self.collect(rev, path, &mut hits);
        if !hits.is_empty() {
            let event = Arc::new(Event { rev, path: path.into(), value: value.cloned() });
            for slot in hits.drain(..) {
                let Some(watch) = self.slots.get(slot) else { continue };
                let (mode, token) = (watch.mode, watch.token);
                fired.push(Fired { id: self.slots.id(slot), token, event: event.clone() });
                if mode == Mode::Once {
                    self.remove(slot);
                }
            }
        }
        self.hits = hits;
    }

    fn collect(&self, rev: Revision, path: &str, hits: &mut Vec<u32>) {
        let hash = |text: &str| self.hasher.hash_one(text);
        if !self.exact.table.is_empty() {
            self.collect_chain(self.exact.find(&self.slots, hash(path), path), rev, path, hits);
        }
        if self.wild.table.is_empty() {
            return;
        }
        for (slash, _) in path.match_indices('/') {
            let (directory, below) = path.split_at(slash + 1);
            let Some(found) = self.directories.find(hash(directory), |d| *d.path == *directory) else {
                continue;
            };
            // A beginning of a name ends within it: else it would be the next directory's own prefix.
            let name = below.split('/').next().unwrap_or_default();
            for (name_len, _) in &found.name_lens {
                if let Some(start) = name.get(..usize::from(*name_len)) {
                    let prefix = &path[..directory.len() + start.len()];
                    self.collect_chain(self.wild.find(&self.slots, hash(prefix), prefix), rev, path, hits);
                }
            }
        }
    }

    fn collect_chain(&self, head: u32, rev: Revision, path: &str, hits: &mut Vec<u32>) {
        let mut slot = head;
        while let Some(watch) = self.slots.get(slot) {
            if watch.from <= rev && watch.glob.matches(path) {
                hits.push(slot);
            }
            slot = watch.next;
        }
    }

    fn add(&mut self, watch: Watch) -> WatchId {
        let prefix = watch.glob.literal_prefix();
        let is_exact = watch.glob.as_literal().is_some();
        let hash = self.hasher.hash_one(prefix);
        let slot = self.slots.place(watch);
        let heads = if is_exact { &mut self.exact } else { &mut self.wild };
        if heads.push(&mut self.slots, &self.hasher, hash, slot) && !is_exact {
            self.count_prefix(slot);
        }
        self.slots.id(slot)
    }

    fn remove(&mut self, slot: u32) {
        let Some(watch) = self.slots.get(slot) else { return };
        let is_exact = watch.glob.as_literal().is_some();
        let hash = self.hasher.hash_one(watch.glob.literal_prefix());
        let heads = if is_exact { &mut self.exact } else { &mut self.wild };
        if heads.unlink(&mut self.slots, hash, slot) && !is_exact {
            self.discount_prefix(slot);
        }
        self.slots.vacate(slot);
    }

    /// Notes that there are watches with this one's prefix.
    fn count_prefix(&mut self, slot: u32) {
        let (path, name_len) = split(self.slots.prefix(slot));
        let hasher = &self.hasher;
        let entry = self.directories.entry(
            hasher.hash_one(path),
            |d| *d.path == *path,
            |d| hasher.hash_one(&*d.path),
        );
        let directory = match entry {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                entry.insert(Directory { path: path.into(), name_lens: Vec::new() }).into_mut()
            }
        };
        match directory.name_lens.iter_mut().find(|(len, _)| *len == name_len) {
            Some((_, prefixes)) => *prefixes += 1,
            None => directory.name_lens.push((name_len, 1)),
        }
    }

    /// Notes that this watch was the last one with its prefix.
    fn discount_prefix(&mut self, slot: u32) {
        let (path, name_len) = split(self.slots.prefix(slot));
        let found = self.directories.find_entry(self.hasher.hash_one(path), |d| *d.path == *path);
        if let Ok(mut entry) = found {
            let name_lens = &mut entry.get_mut().name_lens;
            if let Some(at) = name_lens.iter().position(|(len, _)| *len == name_len) {
                name_lens[at].1 -= 1;
                if name_lens[at].1 == 0 {
                    name_lens.swap_remove(at);
                }
            }
            if name_lens.is_empty() {
                entry.remove();
            }
        }
    }
}

/// A directory in which prefixes end, itself with its slash included.
struct Directory {
    path: Box<str>,
    /// The length of the beginning of a name that follows it, and how many prefixes are that long.
    name_lens: Vec<(u16, u32)>,
}

/// A literal prefix as a directory and the length of the beginning of a name in it.
fn split(prefix: &str) -> (&str, u16) {
    let (directory, name) = prefix.split_at(prefix.rfind('/').map_or(0, |slash| slash + 1));
    (directory, u16::try_from(name.len()).unwrap_or(u16::MAX))
}

/// The first slots of chains, by prefix. A chain is never empty.
#[derive(Default)]
struct Heads {
    table: HashTable<u32>,
}

impl Heads {
    /// The head of this prefix's chain, or no slot.
    fn find(&self, slots: &Slots, hash: u64, prefix: &str) -> u32 {
        self.table.find(hash, |head| slots.prefix(*head) == prefix).copied().unwrap_or(NONE)
    }

    /// Puts a watch in front of its chain; true if the chain is new.
    fn push(&mut self, slots: &mut Slots, hasher: &FixedState, hash: u64, slot: u32) -> bool {
        let same = |head: &u32| slots.prefix(*head) == slots.prefix(slot);
        match self.table.entry(hash, same, |head| hasher.hash_one(slots.prefix(*head))) {
            Entry::Vacant(entry) => {
                entry.insert(slot);
                true
            }
            Entry::Occupied(mut entry) => {
                let second = std::mem::replace(entry.get_mut(), slot);
                slots.link(slot, second);
                false
            }
        }
    }

    /// Takes a watch out of its chain; true if that was the last one.
    fn unlink(&mut self, slots: &mut Slots, hash: u64, slot: u32) -> bool {
        let Some((previous, next)) = slots.get(slot).map(|watch| (watch.previous, watch.next)) else {
            return false;
        };
        slots.link(previous, next);
        if previous != NONE {
            return false;
        }
        if let Ok(mut entry) = self.table.find_entry(hash, |head| *head == slot) {
            if next == NONE {
                entry.remove();
                return true;
            }
            *entry.get_mut() = next;
        }
        false
    }
}

/// The watches in a slab.
#[derive(Default)]
struct Slots {
    slots: Vec<Slot>,
    free: Vec<u32>,
}

#[derive(Default)]
struct Slot {
    /// Counts the watches that have had this slot.
    generation: u32,
    watch: Option<Watch>,
}

impl Slots {
    fn get(&self, slot: u32) -> Option<&Watch> {
        self.slots.get(slot as usize)?.watch.as_ref()
    }

    fn prefix(&self, slot: u32) -> &str {
        self.get(slot).map_or("", |watch| watch.glob.literal_prefix())
    }

    fn id(&self, slot: u32) -> WatchId {
        WatchId { slot, generation: self.slots[slot as usize].generation }
    }

    fn is_current(&self, id: WatchId) -> bool {
        self.get(id.slot).is_some() && self.id(id.slot) == id
    }

    fn place(&mut self, watch: Watch) -> u32 {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot::default());
            (self.slots.len() - 1) as u32
        });
        self.slots[slot as usize].watch = Some(watch);
        slot
    }

    fn vacate(&mut self, slot: u32) {
        let freed = &mut self.slots[slot as usize];
        freed.watch = None;
        freed.generation = freed.generation.wrapping_add(1);
        self.free.push(slot);
    }

    /// Makes two slots neighbours; either may be none.
    fn link(&mut self, left: u32, right: u32) {
        if let Some(Slot { watch: Some(watch), .. }) = self.slots.get_mut(left as usize) {
            watch.next = right;
        }
        if let Some(Slot { watch: Some(watch), .. }) = self.slots.get_mut(right as usize) {
            watch.previous = left;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Applied, Command, Options};

    fn set(store: &mut Store, path: &str) -> Vec<u64> {
        let (mut bytes, mut out) = (Vec::new(), Applied::default());
        Command::Set { path, rev: -1, value: b"v" }.encode(&mut bytes);
        store.apply([bytes], &mut out);
        let mut tokens: Vec<_> = out.fired.iter().map(|fired| fired.token).collect();
        tokens.sort_unstable();
        tokens
    }

    fn watch(store: &mut Store, glob: &str, from: u64, mode: Mode, token: u64) -> WatchId {
        store.watch(Glob::parse(glob.as_bytes()).unwrap(), Revision(from), mode, token)
    }

    #[test]
    fn a_change_wakes_those_that_match_and_no_others() {
        let mut store = Store::new(Options::default());
        let matching = ["/d/f", "/d/*", "/d/?", "/**", "/*/f", "/d**", "/d/f**", "/?/*", "/**f"];
        let others = ["/d", "/*", "/d/f/**", "/d/??", "/d/f?", "/D/f", "/d.f", "/", "/e/**", "/dd*"];
        for (token, glob) in matching.iter().chain(&others).enumerate() {
            watch(&mut store, glob, 1, Mode::Once, token as u64);
        }
        assert_eq!(set(&mut store, "/d/f"), (0..matching.len() as u64).collect::<Vec<_>>());
        assert_eq!(store.watches_len(), others.len());
        assert_eq!(set(&mut store, "/d/f"), []);
    }

    #[test]
    fn once_and_stream_and_from() {
        let mut store = Store::new(Options::default());
        let once = watch(&mut store, "/f", 3, Mode::Once, 1);
        let stream = watch(&mut store, "/*", 2, Mode::Stream, 2);
        assert_eq!(set(&mut store, "/f"), []);
        assert_eq!(set(&mut store, "/f"), [2]);
        assert_eq!(set(&mut store, "/f"), [1, 2]);
        assert_eq!(set(&mut store, "/f"), [2]);
        assert!(!store.unwatch(once), "it ended when it fired");
        assert!(store.watched(once).is_none());
        let (glob, from) = store.watched(stream).unwrap();
        assert_eq!((glob.to_string().as_str(), from), ("/*", Revision(2)));
        // The slot goes to another watch, which the old id must not touch.
        let heir = watch(&mut store, "/g", 1, Mode::Once, 3);
        assert_eq!((heir.slot, store.unwatch(once)), (once.slot, false));
        assert!(store.unwatch(stream));
        assert!(!store.unwatch(stream));
        assert_eq!((set(&mut store, "/f"), set(&mut store, "/g")), (vec![], vec![3]));
    }

    #[test]
    fn a_prefix_within_a_character_is_no_match() {
        let mut store = Store::new(Options::default());
        watch(&mut store, "/a*", 1, Mode::Stream, 1);
        watch(&mut store, "/é*", 1, Mode::Stream, 2);
        assert_eq!(
            (set(&mut store, "/世"), set(&mut store, "/éa"), set(&mut store, "/ab")),
            (vec![], vec![2], vec![1])
        );
    }

    #[test]
    fn a_directory_is_no_beginning_of_a_name() {
        let mut store = Store::new(Options::default());
        watch(&mut store, "/xy*", 1, Mode::Stream, 1);
        watch(&mut store, "/a/**", 1, Mode::Stream, 2);
        assert_eq!(set(&mut store, "/a/b"), [2], "once, though \"/a/\" is as long as \"/xy\"");
    }

    #[test]
    fn one_of_two_prefixes_of_a_length_goes() {
        let mut store = Store::new(Options::default());
        let gone = watch(&mut store, "/ab*", 1, Mode::Stream, 1);
        watch(&mut store, "/cd*", 1, Mode::Stream, 2);
        assert!(store.unwatch(gone));
        assert_eq!((set(&mut store, "/abc"), set(&mut store, "/cde")), (vec![], vec![2]));
    }

    #[test]
    fn nothing_is_left_behind() {
        let mut store = Store::new(Options::default());
        let globs = ["/a/*", "/a/b*", "/a/b*", "/a/bc*", "/x/y", "/x/y", "/**"];
        let mut ids: Vec<_> =
            (0..700).map(|i| watch(&mut store, globs[i % 7], 1, Mode::Stream, i as u64)).collect();
        assert_eq!(store.watches_len(), 700);
        // Out of the middle, the front and the back of chains.
        ids.sort_unstable_by_key(|id| id.slot.wrapping_mul(2_654_435_761));
        for (done, id) in ids.iter().enumerate() {
            assert!(store.unwatch(*id));
            assert_eq!(set(&mut store, "/x/y").len() + set(&mut store, "/a/bcd").len() > 0, done < 699);
        }
        let watches = &store.watches;
        assert_eq!((watches.len(), watches.exact.table.len(), watches.wild.table.len()), (0, 0, 0));
        assert!(watches.directories.is_empty());
    }
}
