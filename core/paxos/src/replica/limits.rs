//! How long a replica waits, and how much it holds.

/// Times in ticks, and bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Limits {
    /// Ticks of a round of heartbeats.
    pub round_ticks: u64,
    /// Ticks of a round that is to show whether a proposer is there to which the connection was lost; one more for each
    /// voter before this one, so that they do not stand for proposer all at once.
    pub doubt_ticks: u64,
    /// A proposer whose oldest slot is undecided for so many ticks is stuck; it doubles with each take-over in a row.
    pub stuck_ticks: u64,
    /// Bytes of commands that wait for a slot at a proposer, above which it takes no more from other members.
    pub waiting_bytes_max: usize,
    /// Undecided slots of a proposer; while there are so many, a batch forms behind them.
    pub slots_in_flight_max: u64,
    /// Command bytes of one slot; one command alone may be larger.
    pub slot_bytes_max: usize,
    /// Command bytes of one message; one slot alone may be larger.
    pub message_bytes_max: usize,
    /// Command bytes sent to a follower and not acknowledged, beyond which it is sent nothing more; one message may
    /// reach over it.
    pub unacknowledged_bytes_max: usize,
    /// Command bytes that a member whose disk is full takes in the hope of room; what comes beyond is as good as lost on the
    /// way, and comes again when there is room.
    pub full_bytes_max: usize,
    /// Command bytes of applied slots that are held in memory for those who are behind. Who lacks more needs a
    /// snapshot.
    pub kept_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            round_ticks: 10,
            doubt_ticks: 2,
            stuck_ticks: 100,
            waiting_bytes_max: 16 << 20,
            slots_in_flight_max: 8,
            slot_bytes_max: 1 << 20,
            message_bytes_max: 1 << 20,
            unacknowledged_bytes_max: 8 << 20,
            full_bytes_max: 64 << 20,
            kept_bytes_max: 4 << 20,
        }
    }
}
