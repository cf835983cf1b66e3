//! An empty file under `/ctl/cal` is a place among the voters that nobody holds yet: a member that only learns takes it by
//! itself. Of several that try, the first one gets it; the others find that the file has changed.

use doozer_paxos::Incarnation;
use doozer_store::Command;

use crate::machine::Machine;

/// Ticks between two looks.
const EVERY_TICKS: u64 = 20;

/// Ticks after a try before the next one; twice as many each time, up to so many. It may take a while until the proposer
/// finds that this member has caught up.
const AGAIN_TICKS: u64 = 50;
const AGAIN_TICKS_MAX: u64 = 1_000;

#[derive(Debug)]
pub(super) struct Claims {
    next_at: u64,
    again: u64,
}

impl Claims {
    pub fn new() -> Claims {
        Claims { next_at: 0, again: AGAIN_TICKS }
    }

    /// How many ticks it is to the next look.
    pub fn ticks_to_look(&self, now: u64) -> u64 {
        self.next_at.saturating_sub(now).max(1)
    }

    /// What this member is to write now to become a voter, if it is to try.
    pub fn due(&mut self, me: &Incarnation, machine: &Machine, now: u64) -> Option<Vec<u8>> {
        if now < self.next_at {
            return None;
        }
        self.next_at = now + EVERY_TICKS;
        // Before the first configuration is written down, this member knows nothing of the cluster.
        let config = machine.config();
        let empty = (config.epoch > 0 && !config.voters.contains(me)).then(|| machine.empty_slot()).flatten();
        let Some((path, rev)) = empty else {
            self.again = AGAIN_TICKS;
            return None;
        };
        self.next_at = now + self.again;
        self.again = (self.again * 2).min(AGAIN_TICKS_MAX);
        let mut command = Vec::new();
        Command::Set { path: &path, rev: rev.to_raw(), value: me.to_string().as_bytes() }
            .encode(&mut command);
        Some(command)
    }
}
