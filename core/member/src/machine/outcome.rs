//! What became of a command, and the bytes in which a snapshot carries it.

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
    /// Each change of who votes is a step of its own.
    #[error("a transaction may change one file under /ctl/cal, not two")]
    TwoChanges,
}

const REFUSALS: [(Refusal, u8); 7] = [
    (Refusal::NotAlone, 1),
    (Refusal::NoMember, 2),
    (Refusal::NotReady, 3),
    (Refusal::TwiceTheSame, 4),
    (Refusal::LastVoter, 5),
    (Refusal::NoSlot, 6),
    (Refusal::TwoChanges, 7),
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

/// The machine's own, among the kinds of the store's.
const REFUSED: u8 = 11;

/// Appends an outcome as it is kept: as the store does, and its own refusals as one kind more, with their number.
pub(super) fn encode(outcome: &Outcome, out: &mut Vec<u8>) {
    match outcome {
        Outcome::Store(outcome) => outcome.encode(out),
        Outcome::Refused(refusal) => {
            out.push(REFUSED);
            out.extend_from_slice(&u64::from(refusal.code()).to_le_bytes());
            out.extend_from_slice(&[0; 8]);
        }
    }
}

/// Reads what [`encode`] wrote, and leaves the rest.
pub(super) fn decode(bytes: &mut &[u8]) -> Option<Outcome> {
    if bytes.first() != Some(&REFUSED) {
        return doozer_store::Outcome::decode(bytes).map(Outcome::Store);
    }
    let ([_, code, _, _, _, _, _, _, _], rest) = bytes.split_first_chunk()?;
    *bytes = rest.get(8..)?;
    Refusal::of_code(*code).map(Outcome::Refused)
}
