//! What a SET can ask for beyond a value.

use std::fmt;
use std::ops::BitOr;

/// A set of wishes. Bits without a name here are kept as they came: a member refuses them, since nobody may believe to
/// have got what was not understood.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct SetFlags(pub u32);

impl SetFlags {
    /// The file is bound to the request's session, and deleted when that ends.
    pub const EPHEMERAL: SetFlags = SetFlags(1);
    /// If the file exists, the SET waits in the queue of its path until it is its turn.
    pub const QUEUE: SetFlags = SetFlags(1 << 1);

    const NAMES: [(SetFlags, &'static str); 2] =
        [(SetFlags::EPHEMERAL, "ephemeral"), (SetFlags::QUEUE, "queue")];

    /// Whether every flag of `other` is in this set.
    pub const fn contains(self, other: SetFlags) -> bool {
        self.0 & other.0 == other.0
    }

    /// The bits that have no name in this version.
    pub fn unknown(self) -> SetFlags {
        SetFlags(SetFlags::NAMES.iter().fold(self.0, |rest, (flag, _)| rest & !flag.0))
    }

    /// No flag at all is what absence means.
    pub(crate) fn on_wire(self) -> Option<u32> {
        (self.0 != 0).then_some(self.0)
    }
}

impl BitOr for SetFlags {
    type Output = SetFlags;

    fn bitor(self, other: SetFlags) -> SetFlags {
        SetFlags(self.0 | other.0)
    }
}

impl fmt::Debug for SetFlags {
    /// The names of the flags, and the bits that have none as a number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut set = f.debug_set();
        for (_, name) in SetFlags::NAMES.iter().filter(|(flag, _)| self.contains(*flag)) {
            set.entry(&format_args!("{name}"));
        }
        if self.unknown() != SetFlags::default() {
            set.entry(&format_args!("{:#x}", self.unknown().0));
        }
        set.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_a_set_and_bits_are_permanent() {
        let both = SetFlags::EPHEMERAL | SetFlags::QUEUE;
        assert_eq!(both, SetFlags(3));
        assert!(both.contains(SetFlags::QUEUE) && !SetFlags::EPHEMERAL.contains(both));
        assert_eq!(both.unknown(), SetFlags::default());
        assert_eq!((SetFlags(8) | both).unknown(), SetFlags(8));
        assert_eq!(format!("{:?}", both | SetFlags(8)), "{ephemeral, queue, 0x8}");
    }
}
