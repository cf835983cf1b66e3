//! The same files behind a jump of the revision: the one exception to dense revisions, for a cluster that is founded anew
//! from what one survivor of another has.

use crate::apply::Target;
use crate::read::{Cursor, View};
use crate::revision::Revision;
use crate::store::{Options, Store};

impl Store {
    /// A store with the files of this one, each as of the revision that it has, whose next change is the one after `to`.
    /// Everything up to `to` is TOO_LATE there, the past of this store included, and nobody watches.
    ///
    /// # Panics
    /// If `to` is not behind this store's revision.
    #[must_use]
    pub fn leap(&self, to: Revision, options: Options) -> Store {
        assert!(to > self.revision(), "a revision that was given out must not be given again");
        let mut store = Store::after(to, options);
        let view = View { store: self, at: None };
        let mut cursor = Cursor::seek(view, |_| false);
        while let Some((id, path)) = cursor.head() {
            if let Some((rev, value)) = view.version(id)
                && let Ok(Target::Missing(place)) = store.target(path)
            {
                store.restore(path, place, rev, value.clone());
            }
            cursor.advance();
        }
        // Whoever lives still may go on; whoever does not is found out, as ever.
        store.sessions = self.sessions.clone();
        for (path, holder) in store.sessions.bound() {
            if let Some(id) = store.files.find(path) {
                store.files.get_mut(id).holder = Some(Box::new(holder));
            }
        }
        store
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use crate::{Applied, At, Command, Lookup, Outcome, ReadError, Refusal};

    fn set(store: &mut Store, path: &str, rev: i64, value: &[u8]) -> Outcome {
        let (mut command, mut out) = (Vec::new(), Applied::default());
        Command::Set { path, rev, value }.encode(&mut command);
        store.apply([&command], &mut out);
        out.outcomes[0]
    }

    #[test]
    fn files_stay_with_their_revisions_and_the_past_is_gone() {
        let mut old = Store::new(Options::default());
        for (path, value) in
            [("/a/x", "1"), ("/a-b", "2"), ("/a/x", "3"), ("/z", ""), ("/ctl/settings/max-value", "99")]
        {
            set(&mut old, path, -1, value.as_bytes());
        }
        let to = Revision(5 + (1 << 32));
        let mut new = old.leap(to, Options::default());
        assert_eq!((new.revision(), new.first()), (to, to.next()));
        assert_eq!(new.value_bytes_max(), old.value_bytes_max());
        assert_eq!(new.stats().live_bytes, old.stats().live_bytes);
        for path in ["/a/x", "/a-b", "/z"] {
            assert_eq!(new.get(path, At::Now).unwrap(), old.get(path, At::Now).unwrap());
        }
        for rev in [1, 3, 5, 6, to.0] {
            assert_eq!(new.get("/a/x", At::Revision(Revision(rev))), Err(ReadError::TooLate), "{rev}");
        }
        // Who had read a file goes on from there.
        assert_eq!(set(&mut new, "/a/x", 2, b"no"), Outcome::Refused(Refusal::RevMismatch));
        assert_eq!(set(&mut new, "/a/x", 3, b"yes"), Outcome::Set(to.next()));
        let Ok(Lookup::File { rev, .. }) = new.get("/a/x", At::Revision(to.next())) else { panic!() };
        assert_eq!(rev, to.next());
    }
}
