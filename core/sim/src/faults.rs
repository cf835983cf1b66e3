//! The kinds of faults, and when each strikes next.
//! Never here: what they do (`world`), or whether that may be done now.

use crate::history::Time;
use crate::plan::Plan;
use crate::random::Random;

macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $name:ident = $field:ident $told:literal),* $(,)?) => {
        /// What can go wrong.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Kind {
            $($(#[doc = $doc])+ $name,)*
        }

        impl Kind {
            /// All of them.
            pub const ALL: &'static [Kind] = &[$(Kind::$name,)*];

            /// In words.
            pub fn name(self) -> &'static str {
                match self {
                    $(Kind::$name => $told,)*
                }
            }

            /// The number of a plan that says how often, in seconds between two.
            pub fn field(self) -> &'static str {
                match self {
                    $(Kind::$name => stringify!($field),)*
                }
            }

            fn mean_s(self, plan: &Plan) -> u64 {
                match self {
                    $(Kind::$name => plan.$field,)*
                }
            }
        }
    };
}

kinds! {
    /// One or both directions of a pair.
    Cut = cut_s "link cut",
    /// Many links at once.
    Partition = partition_s "partition",
    /// A pair whose messages take long.
    SlowLink = slow_link_s "slow link",
    /// A pair whose connection is made anew.
    Reset = reset_s "connection reset",
    /// The power of one member goes, in the middle of a call of its disk.
    Crash = crash_s "power cut",
    /// A process is killed.
    Kill = kill_s "process killed",
    /// The power of everybody goes.
    Blackout = blackout_s "power cut of all",
    /// A process is stopped, and goes on later.
    Pause = pause_s "pause",
    /// A member's wall clock jumps.
    ClockJump = clock_jump_s "wall clock jump",
    /// A disk is slow for a while.
    DiskSlow = disk_slow_s "slow disk",
    /// A disk does nothing for a while.
    DiskStuck = disk_stuck_s "stuck disk",
    /// A call of a disk fails.
    DiskError = disk_error_s "I/O error",
    /// A disk is full for a while.
    DiskFull = disk_full_s "full disk",
    /// A member goes down, and bits of its files flip.
    Rot = rot_s "bit rot",
    /// A sector of a write lands elsewhere.
    Misdirect = misdirect_s "misdirected write",
    /// A member goes down and loses its disk.
    DiskLost = disk_lost_s "disk lost",
    /// A change of who votes is asked for.
    Change = change_s "change of voters asked for",
    /// Somebody new joins.
    Join = join_s "joining member",
}

/// When each kind strikes.
#[derive(Debug)]
pub struct Faults {
    random: Random,
    counts: [u64; Kind::ALL.len()],
}

impl Faults {
    /// Nothing has happened yet.
    pub fn new(random: Random) -> Faults {
        Faults { random, counts: [0; Kind::ALL.len()] }
    }

    /// When a kind strikes next, from now on; `None` if never.
    pub fn next(&mut self, kind: Kind, plan: &Plan, now: Time) -> Option<Time> {
        let mean_s = kind.mean_s(plan);
        (mean_s > 0).then(|| Time(now.0 + self.random.wait(mean_s * 1_000_000)))
    }

    /// What faults draw.
    pub fn random(&mut self) -> &mut Random {
        &mut self.random
    }

    /// It has been done.
    pub fn count(&mut self, kind: Kind) {
        self.counts[kind as usize] += 1;
    }

    /// How often each was done.
    pub fn counts(&self) -> impl Iterator<Item = (Kind, u64)> {
        Kind::ALL.iter().map(|kind| (*kind, self.counts[*kind as usize]))
    }
}
