//! Revisions: the numbers of changes, and the moment a read asks for.

use std::fmt;

/// The number of a change. Changes are numbered 1, 2, 3, … without holes; only a SET or DEL that
/// changed something takes one. `Revision(0)` is the empty tree before the first change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(pub u64);

impl Revision {
    /// Before the first change. Also the revision of a file that does not exist.
    pub const ZERO: Self = Self(0);

    /// The revision a client means by a raw `rev`: everything at or below zero is the first one.
    pub fn from_raw(rev: i64) -> Self {
        Self(u64::try_from(rev).unwrap_or(1).max(1))
    }

    /// The raw `rev` a client is answered.
    pub fn to_raw(self) -> i64 {
        i64::try_from(self.0).unwrap_or(i64::MAX)
    }

    /// The revision after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// The revision before this one; zero stays zero.
    #[must_use]
    pub fn previous(self) -> Self {
        Self(self.0.saturating_sub(1))
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Which state of the tree a read wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// The newest one.
    Now,
    /// The one right after this change.
    Revision(Revision),
}

impl At {
    /// The state a client means by an optional raw `rev`.
    pub fn from_raw(rev: Option<i64>) -> Self {
        rev.map_or(Self::Now, |rev| Self::Revision(Revision::from_raw(rev)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_raw_rev_at_or_below_zero_means_the_first() {
        for rev in [0, -1, -2, -5, i64::MIN, 1] {
            assert_eq!(Revision::from_raw(rev), Revision(1), "{rev}");
        }
        assert_eq!(At::from_raw(Some(i64::MAX)), At::Revision(Revision(i64::MAX as u64)));
        assert_eq!(At::from_raw(None), At::Now);
    }
}
