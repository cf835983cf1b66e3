//! What a check says.

use std::fmt;

use crate::history::Time;

/// A promise that was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The check that found it.
    pub check: &'static str,
    /// When.
    pub time: Time,
    /// What happened, with the part of the history that shows it; for people to read, in several lines.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}: {}", self.check, self.time, self.what)
    }
}

impl std::error::Error for Violation {}

/// The same, from within a check, which knows no time.
#[derive(Debug)]
pub(super) struct Broken {
    check: &'static str,
    what: String,
}

/// What most checks return.
pub(super) type Verdict = Result<(), Broken>;

impl Broken {
    pub fn new(check: &'static str, what: String) -> Broken {
        Broken { check, what }
    }

    pub fn at(self, time: Time) -> Violation {
        Violation { check: self.check, time, what: self.what }
    }
}

/// Returns that a promise is broken unless something holds. What happened is only put together then.
macro_rules! ensure {
    ($holds:expr, $check:expr, $($what:tt)+) => {
        if !$holds {
            return Err($crate::checks::verdict::Broken::new($check, format!($($what)+)));
        }
    };
}
pub(super) use ensure;
