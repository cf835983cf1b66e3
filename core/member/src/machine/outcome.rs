//! What became of a command, and the bytes in which a snapshot carries it.

use doozer_store::{PathError, Refusal as StoreRefusal, Revision};

/// What became of a command of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// What the store did.
    Store(doozer_store::Outcome),
    /// Its proposer refused it: nothing was changed.
    Refused(Refusal),
}

/// Why a change of who votes was refused by its proposer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It came in a slot with others: a proposer that knew nothing of this kind of command put it there.
    #[error("a change under /ctl/cal must stand alone")]
    NotAlone,
    /// The value names no member.
    #[error("the value is neither empty nor the id of a member")]
    NoMember,
    /// That member is not attached, or has not caught up yet.
    #[error("that member is not attached to the cluster, or has not caught up yet")]
    NotReady,
    /// That member votes already, in another slot.
    #[error("that member holds another slot already")]
    TwiceTheSame,
    /// Nobody would vote any more.
    #[error("the last voter cannot be removed")]
    LastVoter,
    /// Slots stand directly under /ctl/cal.
    #[error("a slot is a file directly under /ctl/cal")]
    NoSlot,
}

const REFUSALS: [(Refusal, u8); 6] = [
    (Refusal::NotAlone, 1),
    (Refusal::NoMember, 2),
    (Refusal::NotReady, 3),
    (Refusal::TwiceTheSame, 4),
    (Refusal::LastVoter, 5),
    (Refusal::NoSlot, 6),
];

impl Refusal {
    /// Its number in the log.
    pub(super) fn code(self) -> u8 {
        REFUSALS.iter().find(|(refusal, _)| *refusal == self).map_or(0, |(_, code)| *code)
    }

    pub(super) fn of_code(code: u8) -> Option<Refusal> {
        REFUSALS.iter().find(|(_, known)| *known == code).map(|(refusal, _)| *refusal)
    }
}

/// The bytes of an outcome: its kind, and two numbers that mean what the kind says. Of a bad path the text is not kept.
pub(super) fn encode(outcome: &Outcome) -> (u8, u64, u64) {
    use doozer_store::Outcome as Store;
    match *outcome {
        Outcome::Store(Store::Set(rev)) => (0, rev.0, 0),
        Outcome::Store(Store::Deleted(rev)) => (1, rev.0, 0),
        Outcome::Store(Store::Absent) => (2, 0, 0),
        Outcome::Store(Store::Nop) => (3, 0, 0),
        Outcome::Store(Store::Refused(refusal)) => match refusal {
            StoreRefusal::RevMismatch => (4, 0, 0),
            StoreRefusal::IsDir => (5, 0, 0),
            StoreRefusal::NotDir => (6, 0, 0),
            StoreRefusal::BadPath(_) => (7, 0, 0),
            StoreRefusal::TooLarge { size, limit } => (8, size as u64, limit as u64),
            StoreRefusal::BadSetting { min, max, .. } => (9, min as u64, max as u64),
            StoreRefusal::Malformed => (10, 0, 0),
        },
        Outcome::Refused(refusal) => (11, refusal.code().into(), 0),
    }
}

/// The outcome of those bytes.
pub(super) fn decode(kind: u8, a: u64, b: u64) -> Option<Outcome> {
    use doozer_store::Outcome as Store;
    let size = |number: u64| usize::try_from(number).ok();
    let refused = |refusal| Some(Outcome::Store(Store::Refused(refusal)));
    match kind {
        0 => Some(Outcome::Store(Store::Set(Revision(a)))),
        1 => Some(Outcome::Store(Store::Deleted(Revision(a)))),
        2 => Some(Outcome::Store(Store::Absent)),
        3 => Some(Outcome::Store(Store::Nop)),
        4 => refused(StoreRefusal::RevMismatch),
        5 => refused(StoreRefusal::IsDir),
        6 => refused(StoreRefusal::NotDir),
        7 => refused(StoreRefusal::BadPath(PathError::Empty)),
        8 => refused(StoreRefusal::TooLarge { size: size(a)?, limit: size(b)? }),
        9 => refused(StoreRefusal::BadSetting {
            path: doozer_store::MAX_VALUE_PATH,
            min: size(a)?,
            max: size(b)?,
        }),
        10 => refused(StoreRefusal::Malformed),
        11 => Some(Outcome::Refused(Refusal::of_code(u8::try_from(a).ok()?)?)),
        _ => None,
    }
}
