//! GETDIR and WALK ask for the n-th entry, and clients ask for 0, 1, 2, … in turn. Remembering where the last one
//! stood makes each a short step instead of a count from the start.

use bytes::Bytes;
use doozer_store::Revision;
use doozer_wire::Verb;

/// Where the last listing of a connection stands. A connection that lists several things at once only loses the
/// shortcut.
#[derive(Default)]
pub(crate) struct OffsetCursor {
    last: Option<Last>,
}

struct Last {
    verb: Verb,
    path: Bytes,
    rev: Revision,
    offset: i32,
    name: String,
}

impl OffsetCursor {
    /// The entry just before the one asked for, if that was the last answer to the same listing.
    pub fn before(&self, verb: Verb, path: &Bytes, rev: Revision, offset: i32) -> Option<&str> {
        let last = self.last.as_ref()?;
        let same = last.verb == verb && last.rev == rev && last.path == path;
        (same && last.offset.checked_add(1) == Some(offset)).then_some(&*last.name)
    }

    /// Remembers an answer.
    pub fn answered(&mut self, verb: Verb, path: &Bytes, rev: Revision, offset: i32, name: &str) {
        // A copy: the request's bytes would keep the whole read buffer alive.
        match &mut self.last {
            Some(last) if last.verb == verb && last.rev == rev && last.path == path => {
                last.offset = offset;
                name.clone_into(&mut last.name);
            }
            last => {
                let path = Bytes::copy_from_slice(path);
                *last = Some(Last { verb, path, rev, offset, name: name.to_owned() });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_next_offset_of_the_same_listing_goes_on() {
        let mut cursor = OffsetCursor::default();
        let (path, other) = (Bytes::from("/d"), Bytes::from("/e"));
        let rev = Revision(5);
        assert_eq!(cursor.before(Verb::Getdir, &path, rev, 0), None);
        cursor.answered(Verb::Getdir, &path, rev, 0, "a");
        assert_eq!(cursor.before(Verb::Getdir, &path, rev, 1), Some("a"));
        assert_eq!(cursor.before(Verb::Getdir, &path, rev, 2), None);
        assert_eq!(cursor.before(Verb::Getdir, &path, Revision(6), 1), None);
        assert_eq!(cursor.before(Verb::Getdir, &other, rev, 1), None);
        assert_eq!(cursor.before(Verb::Walk, &path, rev, 1), None);
        cursor.answered(Verb::Getdir, &path, rev, 1, "b");
        assert_eq!(cursor.before(Verb::Getdir, &path, rev, 2), Some("b"));
        cursor.answered(Verb::Getdir, &path, rev, i32::MAX, "z");
        assert_eq!(cursor.before(Verb::Getdir, &path, rev, i32::MIN), None);
    }
}
