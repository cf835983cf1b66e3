//! Faults that are planted on purpose, one at a time, to see that the simulator catches them: a check that never fails
//! proves nothing. No other build has them: without `--cfg doozer_planted` the compiler answers every question here, with
//! no.

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
    SyncSkipped: "orders are reported as durable without a sync",
    AcceptSyncInTwo: "a suffix that takes the place of another is written in two steps",
    SuspectEndCut: "the unreadable end of a log is taken for one that was never acknowledged",
    FullDiskIgnored: "an order that found no room is reported as durable",
    QuorumOffByOne: "one voter less than a majority decides",
    PromiseForgotten: "a promise is given and not kept on the disk",
    PromiseBroken: "entries are accepted below the promise",
    PrepareBeforeDurable: "a candidate asks for promises before its own is durable, and does not await it",
    OldBallotAfterRestart: "a proposer goes on after a restart under the ballot it had",
    VoteAfterAmnesia: "a member that lost its disk comes back under its old name",
    AcceptWithoutSync: "an Accept is taken though its proposer's log was never taken",
    DecidedOfAnotherBallot: "what is decided is believed whatever ballot the log is of",
    BirthRewritten: "entries that are accepted again get the new proposer's ballot as their birth",
    DurableTooEarly: "a proposer says that its log is durable before it is",
    LearnerDecides: "a member that does not vote decides with the proposer",
    SyncInParts: "a proposer's log is sent in parts when the follower has another one",
    LearnShortens: "a log is cut to what is learned, though nothing contradicts it",
    LearnedIsAccepted: "what is learned to be decided counts as accepted under the proposer's ballot",
    ReadIndexDecidedOnly: "a read sees what the proposer knows to be decided, and no more",
    ReadUnconfirmed: "a proposer answers a read without asking whether it still is the proposer",
    ReadBeforeOpening: "a new proposer answers reads before its opening slot is decided",
    ReadBeforeApply: "a read is answered before what it must see is applied",
    ProposedBehindStopSign: "slots are formed behind a change of voters that is not decided",
    LaterEpochAnswered: "messages of a later configuration are answered as if they were of this one",
    EpochsShareBallots: "ballots do not tell in which configuration they were made",
    ChangeNotDrained: "a change of voters is judged while other slots are under way",
    SnapshotErasesVote: "with a snapshot the accepted ballot is forgotten",
    SnapshotWithoutOrigins: "a snapshot does not tell whose commands were applied",
    GreatestNumberCounts: "a command counts if its number is greater than the last one",
    NumbersReused: "a member that was started again numbers its commands as before",
    SilentToOne: "a voter is gone if the proposer does not hear it, whatever others say",
    HealedLate: "a voter is replaced because it was gone when that was proposed",
    WaitRegisteredLate: "a WAIT misses a change that comes right after its look at the history",
    KeptUnconfirmed: "a proposer keeps sessions alive without asking whether it still is the proposer",
    KeptWhileEnding: "a session is kept alive while its EXPIRE is on its way",
    OldExpiryCounts: "an EXPIRE of a proposer that lost its place counts, by way of whomever it comes into the log",
    RenewedInName: "a session that is kept alive is so in name, and ends when it would have ended",
    OldDeadlinesKept: "who leads again goes by the deadlines of sessions that it had before",
    NoMargin: "a session has its TTL by the proposer's clock, and no margin",
    WaitsLostWithState: "waits are forgotten when a snapshot takes the place of the state",
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
