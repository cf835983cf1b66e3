//! How much was checked, so that a report can show that nothing was checked only in name.

use std::ops::AddAssign;

macro_rules! counts {
    ($($(#[$doc:meta])* $name:ident: $text:literal,)*) => {
        /// How much was checked.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
        pub struct Counts {
            $($(#[$doc])* pub $name: u64,)*
        }

        impl AddAssign for Counts {
            fn add_assign(&mut self, other: Counts) {
                $(self.$name += other.$name;)*
            }
        }

        impl Counts {
            /// Each count, with what it counts in words.
            pub fn lines(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [$(($text, self.$name),)*].into_iter()
            }
        }
    };
}

counts! {
    /// SETs that were made.
    sets: "SET made",
    /// DELs that were made, or found nothing to delete.
    dels: "DEL made",
    /// NOPs.
    nops: "NOP",
    /// Transactions that were made.
    txns: "transaction made",
    /// Sessions that opened.
    opened: "session opened",
    /// Sessions that ended since they were not kept alive.
    expired: "session ended by time",
    /// Keep-alives that were acknowledged.
    kept: "session kept alive",
    /// Commands of sessions that were answered.
    numbered: "session's command answered",
    /// Commands of sessions that were answered after they had been sent more than once.
    resent: "session's command answered that was sent again",
    /// Commands that were given up, and were never made.
    not_made: "session's command given up and never made",
    /// Locks that were made, or granted.
    locks: "lock taken",
    /// Locks that were granted to somebody who waited.
    granted: "lock handed over",
    /// Places in queues, or what was granted for them, that were taken back.
    left: "queued SET taken back",
    /// Writes that were refused.
    refused: "write refused",
    /// Writes that were surely not made.
    not_written: "write surely not made",
    /// Operations that ended without an answer.
    unknown: "without an answer",
    /// Linearizable reads.
    linearizable: "linearizable read",
    /// Local reads.
    local: "local read",
    /// Reads of a revision.
    past: "read of a revision",
    /// Reads and waits whose revision was not kept any more.
    too_late: "too late",
    /// Reads that were given up.
    unavailable: "read given up",
    /// WAITs.
    waits: "WAIT answered",
    /// WATCHes that began.
    watches: "WATCH begun",
    /// Changes that a WATCH brought.
    events: "change watched",
    /// Waits and watches that had everything at the end.
    streams_complete: "wait or watch complete at the end",
    /// Slots.
    slots: "slot decided",
    /// Entries that members applied.
    applied: "entry applied",
    /// Commands that counted.
    commands: "command applied",
    /// Commands that did not count, since they came twice or out of order.
    skipped: "command skipped",
    /// Changes of the voters.
    configs: "configuration entered",
    /// Digests that were compared with another member's.
    digests: "digest compared",
    /// Snapshots that took the place of a member's state.
    installed: "snapshot installed",
    /// Writes to disks.
    persisted: "record durable",
    /// Messages that vouch for something.
    votes: "vote sent",
    /// Starts of members.
    started: "member started",
    /// Starts that were refused.
    start_refused: "start refused",
    /// Starts of members that knew that they may have lost something.
    suspects: "member started suspect",
    /// Disks that were damaged.
    damaged: "disk damaged",
    /// Losses of all power that a majority came back from.
    power_losses: "all power lost and survived",
    /// Cores that were healed, each of whose members could write.
    cores: "core available",
}

impl Counts {
    /// Client operations that were answered, events of watches included.
    pub fn operations(&self) -> u64 {
        let plain = self.sets + self.dels + self.nops + self.txns + self.refused + self.not_written;
        let writes = plain + self.opened + self.kept + self.numbered;
        let reads = self.linearizable + self.local + self.past + self.too_late;
        writes + reads + self.waits + self.events
    }
}
