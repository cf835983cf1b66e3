//! The checks: told what happens, as it happens, in virtual time, they say at once when a promise is broken.
//! Never here: how the world makes anything happen, randomness, or code of the members that are checked.
//!
//! | check | promise |
//! |---|---|
//! | `one_log` | one value per slot, in order, decided by a majority, for ever |
//! | `promises` | what an acceptor promised and accepted never goes back; no vote after amnesia |
//! | `configs` | one configuration per slot, one voter changed at a time, `/ctl/cal` is its projection |
//! | `revisions` | G6, and what makes members replicas: equal outcomes, equal digests |
//! | `once` | G8: a numbered command, a client's write, and a session's command, have an effect at most once, and one answer |
//! | `lifetime` | G9 |
//! | `locks` | G10 |
//! | `writes` | G1 |
//! | `reads` | G2, G3, G4 |
//! | `events` | G5 |
//! | `available` | G11 |
//! | `durable` | G7 |
//! | `damage` | G12 |
//!
//! What was applied to a slot first, by anybody, is the canonical log; everything else is held against it.

mod available;
mod commands;
mod configs;
mod counts;
mod damage;
mod disks;
mod durable;
mod events;
mod fates;
mod ledger;
mod lifetime;
mod locks;
mod members;
mod once;
mod one_log;
mod operations;
mod promises;
mod reads;
mod revisions;
mod sessions;
#[cfg(test)]
mod story;
mod verdict;
mod writes;

use std::collections::BTreeMap;

use doozer_paxos::{Config, Incarnation};

use self::available::Available;
use self::commands::Commands;
use self::disks::Disks;
use self::durable::Durable;
use self::fates::Fates;
use self::ledger::Ledger;
use self::lifetime::Lifetime;
use self::locks::Locks;
use self::once::Once;
use self::one_log::OneLog;
use self::operations::Operation;
use self::promises::Promises;
use self::revisions::Revisions;
use self::verdict::Verdict;
use self::writes::Writes;
use crate::history::{MemberId, OpId, Time};

pub use self::counts::Counts;
pub(crate) use self::sessions::is_counted;
pub use self::verdict::Violation;

/// What the checks cannot see for themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// So many revisions, at least, can be read at every member at any time: a read of one of the last so many is not
    /// answered that it is too late. 0 if nothing is known.
    pub history_revisions_min: u64,
}

/// All checks, and what they have seen. After a [`Violation`] nothing more may be told.
///
/// Everything is told in the order in which it happened. In particular: what a member has on its disk
/// ([`Checks::persisted`]) before its driver hears of it; an entry that it applied ([`Checks::applied`]) before what it
/// sends or answers after that.
#[derive(Debug)]
pub struct Checks {
    options: Options,
    ledger: Ledger,
    disks: Disks,
    fates: Fates,
    operations: BTreeMap<OpId, Operation>,
    one_log: OneLog,
    promises: Promises,
    revisions: Revisions,
    once: Once,
    commands: Commands,
    lifetime: Lifetime,
    locks: Locks,
    /// Microseconds of true time in a tick of each member's clock.
    clocks: BTreeMap<Incarnation, u64>,
    writes: Writes,
    available: Available,
    durable: Durable,
    counts: Counts,
}

impl Checks {
    /// Nothing has happened yet. `first` is in force at slot 1.
    pub fn new(first: Config, options: Options) -> Checks {
        Checks {
            options,
            ledger: Ledger::new(first),
            disks: Disks::default(),
            fates: Fates::default(),
            operations: BTreeMap::new(),
            one_log: OneLog::default(),
            promises: Promises::default(),
            revisions: Revisions::default(),
            once: Once::default(),
            commands: Commands::default(),
            lifetime: Lifetime::default(),
            locks: Locks::default(),
            clocks: BTreeMap::new(),
            writes: Writes::default(),
            available: Available::default(),
            durable: Durable::default(),
            counts: Counts::default(),
        }
    }

    /// A member, or a new incarnation of one, comes into being, with nothing on its disk. Its number is the next free
    /// one, from 0 on, or close to it.
    pub fn born(&mut self, member: MemberId, incarnation: Incarnation) {
        self.ledger.born(member, incarnation);
        self.disks.born(member);
    }

    /// Nothing happened, but time passed.
    ///
    /// # Errors
    /// If something should have happened by now.
    pub fn passed(&mut self, now: Time) -> Result<(), Violation> {
        let verdict = self.available.passed(&self.ledger, now);
        self.at(now, verdict)
    }

    /// All power was lost at once: of what members had, only what was durable is left.
    pub fn power_lost(&mut self) {
        self.durable.power_lost(&self.ledger);
    }

    /// Faults are over among `core`: each of its members is to have a write that is asked of it from now on decided
    /// and answered, until `bound_us` microseconds from now. Everything outside of it stays as broken as it is. False
    /// if it is no majority of the configuration in force, and so nothing can be asked of it.
    pub fn healed(&mut self, now: Time, core: &[MemberId], bound_us: u64) -> bool {
        self.available.healed(&self.ledger, now, core, bound_us)
    }

    /// Nothing more is asked of the core that was healed: faults go on.
    pub fn broken_again(&mut self) {
        self.available.broken_again();
    }

    /// The end. Everything has been healed and has settled: each of the `settled` members must have everything that was
    /// ever decided, and each of the waits and watches in `open`, which are still connected to one of them, all that it
    /// is owed.
    ///
    /// # Errors
    /// The promise that is broken.
    pub fn finish(&mut self, now: Time, settled: &[MemberId], open: &[OpId]) -> Result<(), Violation> {
        let verdict = self.finished(now, settled, open);
        self.at(now, verdict)
    }

    /// How much was checked.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// The number of the newest change that anybody applied.
    pub fn revision(&self) -> u64 {
        self.ledger.model.revision()
    }

    /// How many sessions are open.
    pub fn sessions(&self) -> usize {
        self.ledger.model.sessions_open()
    }

    /// The configuration in force behind everything that anybody applied.
    pub fn config(&self) -> &Config {
        self.ledger.config_at(self.ledger.last().next())
    }

    fn finished(&mut self, now: Time, settled: &[MemberId], open: &[OpId]) -> Verdict {
        self.available.passed(&self.ledger, now)?;
        settled.iter().try_for_each(|member| durable::settled(&self.ledger, *member))?;
        self.promises.finish(&self.ledger)?;
        for op in open {
            let Some(operation) = self.operations.get(op) else { continue };
            events::finish(&self.ledger, *op, operation)?;
            self.counts.streams_complete += 1;
        }
        Ok(())
    }

    fn at(&self, time: Time, verdict: Verdict) -> Result<(), Violation> {
        verdict.map_err(|broken| broken.at(time))
    }
}
