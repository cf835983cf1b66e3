//! The store itself: what it is made of, what of the past it keeps, and the one way to change it.

use crate::files::{FileId, Files};
use crate::history::{History, UndoLog};
use crate::order::{Order, Position};
use crate::planted::{Planted, is_planted};
use crate::read::ReadError;
use crate::revision::Revision;
use crate::session::{SessionId, Sessions};
use crate::settings::Settings;
use crate::watch::Watches;
use crate::{At, Value};
use std::collections::BTreeMap;

/// What a deleted file takes, beyond its path, for as long as the history needs it.
const DELETED_FILE_BYTES: u64 = 80;

/// The most entries of the history dropped in one go. When a pin had kept many, the rest goes with the next
/// changes, and nobody has to wait for all of it.
const TRIM_AT_ONCE: usize = 1024;

/// How a store is set up. None of this changes any answer, except how far back answers go.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// How much history to keep.
    pub history: History,
    /// Any number, better one that clients cannot guess: it keeps them from making paths collide.
    pub hash_seed: u64,
}

/// The versioned tree of files. A state machine: the same commands in the same order give the same outcomes
/// and the same tree everywhere, whatever the options.
///
/// Nothing here blocks, and nothing is shared: who needs a lock puts one around it.
pub struct Store {
    pub(crate) files: Files,
    /// The files that exist.
    pub(crate) live: Order,
    /// The files that existed within the history.
    pub(crate) dead: Order,
    pub(crate) log: UndoLog,
    pub(crate) watches: Watches,
    pub(crate) sessions: Sessions,
    pub(crate) settings: Settings,
    pub(crate) live_bytes: u64,
    dead_files: u64,
    dead_bytes: u64,
    limits: History,
    pins: BTreeMap<Revision, usize>,
}

/// The sizes of a store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Files that exist.
    pub files: u64,
    /// Bytes of their paths and values.
    pub live_bytes: u64,
    /// Revisions in the history.
    pub history_revisions: u64,
    /// Bytes of the history, as its limit counts them.
    pub history_bytes: u64,
    /// Watches registered.
    pub watches: u64,
}

/// Keeps the history from a revision on. Give it back with [`Store::unpin`]: dropped, it holds for ever.
#[derive(Debug)]
#[must_use = "a pin that is not given back keeps the history for ever"]
pub struct Pin(Revision);

impl Store {
    /// An empty tree at revision 0.
    pub fn new(options: Options) -> Self {
        Self::after(Revision::ZERO, options)
    }

    /// An empty tree whose next change is the one after `revision`.
    pub(crate) fn after(revision: Revision, options: Options) -> Self {
        Self {
            files: Files::new(options.hash_seed),
            live: Order::default(),
            dead: Order::default(),
            log: UndoLog::after(revision),
            watches: Watches::new(options.hash_seed),
            sessions: Sessions::default(),
            settings: Settings::default(),
            live_bytes: 0,
            dead_files: 0,
            dead_bytes: 0,
            limits: options.history,
            pins: BTreeMap::new(),
        }
    }

    /// The number of the newest change.
    pub fn revision(&self) -> Revision {
        self.log.last()
    }

    /// The oldest revision that can be read. In a store without a change, that is the first one to come.
    pub fn first(&self) -> Revision {
        self.log.first()
    }

    /// Whether a state can be read now: [`ReadError::TooLate`] if it is not kept any more,
    /// [`ReadError::Future`] if it is yet to come.
    pub fn readable(&self, at: At) -> Result<(), ReadError> {
        match at {
            At::Revision(rev) if rev < self.first() => Err(ReadError::TooLate),
            At::Revision(rev) if rev > self.revision() => Err(ReadError::Future),
            _ => Ok(()),
        }
    }

    /// The largest value a SET may write, in bytes.
    pub fn value_bytes_max(&self) -> usize {
        self.settings.value_bytes_max
    }

    /// How many sessions there may be.
    pub fn sessions_max(&self) -> usize {
        self.settings.sessions_max
    }

    /// How many bytes all sessions may take together.
    pub fn session_bytes_max(&self) -> usize {
        self.settings.session_bytes_max
    }

    /// The sizes.
    pub fn stats(&self) -> Stats {
        Stats {
            files: self.files.len() as u64 - self.dead_files,
            live_bytes: self.live_bytes,
            history_revisions: self.log.len(),
            history_bytes: self.history_bytes(),
            watches: self.watches.len() as u64,
        }
    }

    /// Keeps the history from `rev` on, beyond its limits if need be, until the pin is given back. The
    /// revision must be readable, or the next one to come.
    pub fn pin(&mut self, rev: Revision) -> Result<Pin, ReadError> {
        if rev != self.revision().next() {
            self.readable(At::Revision(rev))?;
        }
        Ok(self.hold(rev))
    }

    /// A pin on a revision known to be kept.
    pub(crate) fn hold(&mut self, rev: Revision) -> Pin {
        *self.pins.entry(rev).or_default() += 1;
        Pin(rev)
    }

    /// Gives a pin back. What it kept beyond the limits goes now or, if that is much, with the next changes.
    pub fn unpin(&mut self, pin: Pin) {
        if let Some(count) = self.pins.get_mut(&pin.0) {
            *count -= 1;
            if *count == 0 {
                self.pins.remove(&pin.0);
            }
        }
        self.trim();
    }

    /// Makes a new version of a file that exists.
    pub(crate) fn replace(&mut self, id: FileId, value: Value) {
        self.live_bytes += value.len() as u64;
        self.change(id, Some(value));
    }

    /// Makes a file that does not exist, at its place in the order of the live ones.
    pub(crate) fn create(&mut self, path: &str, place: Position, value: Value) -> FileId {
        let id = match self.files.find(path) {
            Some(id) => {
                self.forget_dead(id);
                id
            }
            None => self.files.insert(path),
        };
        self.live.insert(place, id);
        self.live_bytes += (path.len() + value.len()) as u64;
        self.change(id, Some(value));
        id
    }

    /// Puts a file where there was none, as it was made by a change before the history begins.
    pub(crate) fn restore(&mut self, path: &str, place: Position, rev: Revision, value: Value) {
        let id = self.files.insert(path);
        self.live.insert(place, id);
        self.live_bytes += (path.len() + value.len()) as u64;
        self.settings.changed(path, Some(&*value));
        let file = self.files.get_mut(id);
        (file.rev, file.value) = (rev, Some(value));
    }

    /// Deletes a file that exists.
    pub(crate) fn delete(&mut self, id: FileId) -> Revision {
        let path = self.files.path(id);
        self.sessions.note_freed(path);
        let place = self.dead.seek_after(&self.files, path);
        self.dead.insert(place, id);
        self.dead_files += 1;
        self.dead_bytes += path.len() as u64;
        self.live_bytes -= path.len() as u64;
        if let Some(place) = self.live.find(&self.files, path) {
            self.live.remove(place);
        }
        self.change(id, None)
    }

    fn change(&mut self, id: FileId, value: Option<Value>) -> Revision {
        let file = self.files.get_mut(id);
        let displaced = std::mem::replace(&mut file.value, value);
        self.live_bytes -= displaced.as_ref().map_or(0, |value| value.len() as u64);
        let rev = self.log.push(id, file.rev, displaced);
        file.rev = rev;
        self.settings.changed(&file.path, file.value.as_deref());
        if let Some(holder) = file.holder.take_if(|_| !is_planted(Planted::ForeignFileDeleted)) {
            self.sessions.unbind(&holder, &file.path);
        }
        self.trim();
        rev
    }

    /// A file that exists goes with a session from now on, which came to hold it by this revision, until the next change of
    /// the file.
    pub(crate) fn bind(&mut self, id: FileId, session: SessionId, token: Revision) {
        let file = self.files.get_mut(id);
        file.holder = Some(Box::new(session));
        self.sessions.bind(&session, &file.path, token);
    }

    fn trim(&mut self) {
        let pinned = self.pins.keys().next().copied().unwrap_or(Revision(u64::MAX));
        for _ in 0..TRIM_AT_ONCE {
            let is_over =
                self.log.len() > self.limits.revisions_max || self.history_bytes() > self.limits.bytes_max;
            if !is_over || self.log.len() <= 1 || self.first() >= pinned {
                return;
            }
            let Some((rev, id)) = self.log.pop() else { return };
            let file = self.files.get(id);
            if file.rev == rev && file.value.is_none() {
                self.forget_dead(id);
                self.files.remove(id);
            }
        }
    }

    /// Takes a file out of those that only the history knows.
    fn forget_dead(&mut self, id: FileId) {
        let path = self.files.path(id);
        if let Some(place) = self.dead.find(&self.files, path) {
            self.dead_files -= 1;
            self.dead_bytes -= path.len() as u64;
            self.dead.remove(place);
        }
    }

    fn history_bytes(&self) -> u64 {
        self.log.bytes() + self.dead_bytes + self.dead_files * DELETED_FILE_BYTES
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::ENTRY_BYTES;
    use crate::{Applied, Command};

    fn store(revisions_max: u64) -> Store {
        let history = History { revisions_max, bytes_max: u64::MAX };
        Store::new(Options { history, hash_seed: 1 })
    }

    fn set(store: &mut Store, path: &str, value: &[u8]) {
        let mut bytes = Vec::new();
        Command::Set { path, rev: -1, value }.encode(&mut bytes);
        store.apply([bytes], &mut Applied::default());
    }

    fn del(store: &mut Store, path: &str) {
        let mut bytes = Vec::new();
        Command::Del { path, rev: -1 }.encode(&mut bytes);
        store.apply([bytes], &mut Applied::default());
    }

    #[test]
    fn deleted_files_leave_with_the_history() {
        let mut store = store(10);
        for n in 0..1000 {
            let path = format!("/d{}/f{n}", n % 3);
            set(&mut store, &path, b"1234");
            del(&mut store, &path);
            // One in three comes back for a while.
            if n % 3 == 0 {
                set(&mut store, &path, b"");
                del(&mut store, &path);
            }
            assert!(store.files.len() <= 6, "{n}: {} files", store.files.len());
        }
        for _ in 0..11 {
            set(&mut store, "/last", b"12");
        }
        assert_eq!((store.files.len(), store.dead.seek_after(&store.files, "/")), (1, Position::default()));
        let stats = Stats {
            files: 1,
            live_bytes: 7,
            history_revisions: 10,
            watches: 0,
            history_bytes: 10 * (ENTRY_BYTES + 2),
        };
        assert_eq!(store.stats(), stats);
    }

    #[test]
    fn what_deleted_files_take_counts_as_history() {
        let mut store = store(10);
        set(&mut store, "/a", b"123");
        del(&mut store, "/a");
        assert_eq!(store.stats().history_bytes, 2 * ENTRY_BYTES + 3 + 2 + DELETED_FILE_BYTES);
        set(&mut store, "/a", b"123456");
        assert_eq!(store.stats().history_bytes, 3 * ENTRY_BYTES + 3);
    }

    #[test]
    fn pins_count() {
        let mut store = store(2);
        set(&mut store, "/f", b"");
        assert_eq!(store.pin(Revision(3)).map(|pin| pin.0), Err(ReadError::Future));
        let pins = [store.hold(Revision(1)), store.hold(Revision(1)), store.hold(Revision(4))];
        for n in 2..=9 {
            set(&mut store, "/f", b"");
            assert_eq!((store.first(), store.revision()), (Revision(1), Revision(n)));
        }
        let firsts = pins.map(|pin| {
            store.unpin(pin);
            store.first().0
        });
        assert_eq!(firsts, [1, 4, 8]);
        assert_eq!(store.pin(Revision(7)).map(|pin| pin.0), Err(ReadError::TooLate));
    }
}
