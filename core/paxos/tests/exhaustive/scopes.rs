//! The scopes: those that every test run explores, and the large ones.

use crate::scope::{NOTHING, Network, Scope};

/// Member 1 leads three voters, and member 2 may take over.
const LED: Scope =
    Scope { is_led: true, candidates: &[2], campaigns: 1, proposers: &[1, 2], commands: 1, ..NOTHING };

/// Nobody leads; members 1 and 2 want to.
const UNLED: Scope = Scope { is_led: false, candidates: &[1, 2], campaigns: 2, ..LED };

const ORDERLY: Network = Network::Orderly;

/// One read, anywhere.
const READ: Scope = Scope { proposers: &[1], readers: &[1, 2, 3], reads: 1, ..LED };

/// In a debug build less than a minute, on two cores.
pub fn small() -> Vec<Scope> {
    vec![
        Scope { name: "a proposer is succeeded, any order", ..LED },
        Scope { name: "a proposer is succeeded, repeated", network: Network::Again, commands: 0, ..LED },
        Scope { name: "a proposer is succeeded, orderly, 2 commands", network: ORDERLY, commands: 2, ..LED },
        Scope { name: "a proposer is succeeded, orderly, 2 losses", network: ORDERLY, losses: 2, ..LED },
        Scope { name: "two want to lead, orderly", network: ORDERLY, ..UNLED },
        Scope { name: "a read and a command, any order", campaigns: 0, ..READ },
        Scope {
            name: "a read while a proposer is succeeded, orderly",
            network: ORDERLY,
            commands: 0,
            ..READ
        },
        Scope { name: "a follower crashes, orderly", network: ORDERLY, ..crash(&[2]) },
        Scope { name: "the proposer crashes, orderly", network: ORDERLY, ..crash(&[1]) },
        Scope { name: "2 -> 3 voters, orderly", network: ORDERLY, ..change(&[1, 2], &[1, 2, 3]) },
        Scope {
            name: "3 -> 2 voters, orderly",
            network: ORDERLY,
            commands: 0,
            ..change(&[1, 2, 3], &[1, 2])
        },
        Scope {
            name: "3 -> 2, the proposer goes, orderly",
            network: ORDERLY,
            commands: 0,
            ..change(&[1, 2, 3], &[2, 3])
        },
    ]
}

/// In a release build some minutes, on two cores.
pub fn large() -> Vec<Scope> {
    vec![
        Scope { name: "a follower crashes, any order", ..crash(&[2]) },
        Scope { name: "two want to lead, any order", drops_spent: true, ..UNLED },
        Scope { name: "two want to lead, orderly, 2 commands", network: ORDERLY, commands: 2, ..UNLED },
        Scope { name: "two want to lead, orderly, 1 loss", network: ORDERLY, losses: 1, ..UNLED },
        Scope { name: "a read while a proposer is succeeded, orderly", network: ORDERLY, ..READ },
        Scope { name: "3 -> 2 voters, orderly", network: ORDERLY, ..change(&[1, 2, 3], &[1, 2]) },
        Scope { name: "3 -> 2, the proposer goes, orderly", network: ORDERLY, ..change(&[1, 2, 3], &[2, 3]) },
    ]
}

/// One crash of one of these, whose disks take their time.
fn crash(crashing: &'static [u8]) -> Scope {
    Scope { candidates: &[1, 2], slow_disks: crashing, crashing, crashes: 1, ..LED }
}

/// One change of the voters.
fn change(voters: &'static [u8], changed: &'static [u8]) -> Scope {
    Scope { voters, changed, changes: 1, proposers: &[1], ..LED }
}
