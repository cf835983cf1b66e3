//! What the world tells the checks: who asked what, what was answered, what members did.
//! Never here: what is right (`checks`), or how the world makes it happen.

/// A moment of virtual time, in microseconds since the seed began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Time(pub u64);
