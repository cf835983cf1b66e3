//! What must never happen. Each kind is a property of the model.

/// The first wrong thing on a way through the states.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Fault {
    /// Two entries were applied at one slot (G1).
    TwoValues,
    /// A slot was applied under two configurations.
    TwoConfigurations,
    /// A member applied a slot out of order, or one that does not follow what it applied before (G5).
    OutOfOrder,
    /// A slot was applied first, and no majority of the voters of its configuration had it durably (G7).
    NotDurable,
    /// A promise that went to the disk is not above the one before.
    PromiseWentBack,
    /// An entry went to the disk under a ballot that was not promised there.
    AcceptedBeforePromised,
    /// The log on a disk was accepted under a lower ballot than before, or has a gap.
    AcceptedWentBack,
    /// A message left that vouches for something that is not durable.
    SaidBeforeDurable,
    /// A read was answered before all was applied that anybody had applied when it began (G2).
    StaleRead,
    /// One of the replica's own checks failed.
    Panic(String),
}
