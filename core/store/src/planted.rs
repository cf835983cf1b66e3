//! Faults of the store that are planted on purpose, one at a time, to see that the simulator catches them. Here, and not with
//! those of the replica, since the store knows nothing of it. Without `--cfg doozer_planted` the compiler answers every
//! question here, with no.

macro_rules! planted {
    ($($name:ident: $what:literal,)*) => {
        /// A fault that can be planted.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Planted {
            $(#[doc = $what] $name,)*
        }

        impl Planted {
            /// All of them, with their names and what they do.
            pub const ALL: &'static [(Planted, &'static str, &'static str)] =
                &[$((Planted::$name, stringify!($name), $what),)*];
        }
    };
}

planted! {
    DuplicateApplied: "a session's command that comes again is applied again",
    AnswersLostWithSnapshot: "a snapshot does not carry the answers that were not acknowledged",
    GrantSkipsFirst: "a file that is freed goes to the second of those who wait",
    GrantedLater: "a file that is freed is granted a few commands later, and somebody may come between",
    FilesBeforePlaces: "the end of a session frees its files before it removes its places in queues",
    ForeignFileDeleted: "the end of a session deletes a file that somebody else wrote since",
    LeftStaysGranted: "what was granted is taken back, and stays the command's answer",
    TxnInPart: "the operations of a transaction are made one by one until one is refused",
}

#[cfg(not(doozer_planted))]
mod switch {
    use super::Planted;

    /// Whether a fault is planted.
    #[inline(always)]
    pub const fn is_planted(_: Planted) -> bool {
        false
    }

    /// Plants a fault for whatever this thread does from now on, or takes it away. False if this build cannot.
    pub fn plant(fault: Option<Planted>) -> bool {
        fault.is_none()
    }
}

#[cfg(doozer_planted)]
mod switch {
    use std::cell::Cell;

    use super::Planted;

    std::thread_local! {
        static FAULT: Cell<Option<Planted>> = const { Cell::new(None) };
    }

    /// Whether a fault is planted.
    pub fn is_planted(fault: Planted) -> bool {
        FAULT.get() == Some(fault)
    }

    /// Plants a fault for whatever this thread does from now on, or takes it away. False if this build cannot.
    pub fn plant(fault: Option<Planted>) -> bool {
        FAULT.set(fault);
        true
    }
}

pub use switch::*;
