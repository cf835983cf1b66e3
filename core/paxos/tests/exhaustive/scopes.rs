//! The scopes: those that every test run explores, and the large ones.

use crate::scope::{NOTHING, Network, Scope};

const ORDERLY: Network = Network::Orderly;
const ANY_ORDER: Network = Network::Once;

/// Replica 1 leads three voters, and member 2 may take over. What is proposed at member 2 goes by way of member 1 while that
/// leads.
const LED: Scope =
    Scope { is_led: true, candidates: &[2], campaigns: 1, proposers: &[1, 2], commands: 1, ..NOTHING };

/// Replica 2 or 3 may take over from member 1, and then the other, or member 1 again.
const TWICE: Scope = Scope { network: ORDERLY, candidates: &[1, 2, 3], campaigns: 2, ..LED };

/// Nobody leads; members 1 and 2 want to.
const UNLED: Scope = Scope { is_led: false, candidates: &[1, 2], campaigns: 2, ..LED };

/// All that is under way in one direction is lost, once.
const LOSSY: Scope = Scope { network: ORDERLY, losses: 1, ..LED };

/// One read, anywhere.
const READ: Scope = Scope { proposers: &[1], readers: &[1, 2, 3], reads: 1, ..LED };

/// Replica 2 may decide by itself what the proposer does not know to be decided, since member 3 has not written it yet.
const READ_AHEAD: Scope = Scope { commands: 2, campaigns: 0, slow_disks: &[3], ..READ };

/// In a debug build less than a minute, on two cores.
pub fn small() -> Vec<Scope> {
    vec![
        Scope { name: "a proposer is succeeded, any order", ..LED },
        Scope { name: "a proposer is succeeded, repeated", network: Network::Again, commands: 0, ..LED },
        Scope { name: "a proposer is succeeded, 2 commands", network: ORDERLY, commands: 2, ..LED },
        Scope { name: "a proposer is succeeded, a connection is reset", network: ORDERLY, resets: 1, ..LED },
        // A synchronisation is lost, and what comes behind it must not be taken.
        Scope { name: "a proposer is succeeded, 2 commands, a loss", commands: 2, proposers: &[2], ..LOSSY },
        // Three ballots: the longest log is not the one to go on with.
        Scope { name: "a proposer is succeeded twice", candidates: &[1, 2], proposers: &[1], ..TWICE },
        Scope { name: "two want to lead", network: ORDERLY, proposers: &[1], ..UNLED },
        Scope { name: "a read and a command, any order", campaigns: 0, ..READ },
        Scope { name: "a read while a proposer is succeeded", network: ORDERLY, readers: &[2], ..READ },
        Scope {
            name: "a read at a proposer that is succeeded",
            network: ORDERLY,
            commands: 0,
            readers: &[1],
            ..READ
        },
        Scope { name: "a read while a follower decides", network: ORDERLY, ..READ_AHEAD },
        Scope { name: "a follower crashes", network: ORDERLY, ..crash(&[2]) },
        Scope { name: "the proposer crashes", network: ORDERLY, ..crash(&[1]) },
        // What it sent before, and what it would make of the same slot now, must not have one ballot.
        Scope {
            name: "the proposer crashes, 2 commands",
            network: ORDERLY,
            commands: 2,
            proposers: &[1],
            campaigns: 1,
            candidates: &[1],
            ..crash(&[1])
        },
        Scope { name: "a voter that never leads crashes", network: ORDERLY, ..crash(&[3]) },
        Scope { name: "2 -> 3 voters", commands: 0, ..change(&[1, 2], &[1, 2, 3]) },
        Scope {
            name: "2 -> 3 voters, one knows nothing",
            commands: 0,
            learners_follow: false,
            ..change(&[1, 2], &[1, 2, 3])
        },
        Scope { name: "3 -> 2 voters", commands: 0, ..change(&[1, 2, 3], &[1, 2]) },
        Scope { name: "3 -> 2, the proposer goes", commands: 0, ..change(&[1, 2, 3], &[2, 3]) },
        Scope { name: "2 -> 2, a follower is swapped", ..change(&[1, 2], &[1, 3]) },
        Scope { name: "2 -> 2, the proposer is swapped", ..change(&[1, 2], &[2, 3]) },
    ]
}

/// In a release build some minutes, on two cores.
pub fn large() -> Vec<Scope> {
    let add = change(&[1, 2], &[1, 2, 3]);
    let remove = change(&[1, 2, 3], &[1, 2]);
    let leave = change(&[1, 2, 3], &[2, 3]);
    vec![
        // Three proposers: what the third says is decided means something else in the log of the first.
        Scope { name: "a proposer is succeeded twice, by anybody", ..TWICE },
        Scope {
            name: "a proposer is succeeded, 2 commands, any order",
            commands: 2,
            drops_spent: true,
            proposers: &[1],
            ..LED
        },
        Scope { name: "two want to lead, any order", drops_spent: true, proposers: &[1], ..UNLED },
        Scope { name: "two want to lead, 2 commands", network: ORDERLY, commands: 2, ..UNLED },
        Scope { name: "two want to lead, a loss", network: ORDERLY, losses: 1, ..UNLED },
        Scope { name: "a read while a proposer is succeeded, anywhere", network: ORDERLY, ..READ },
        Scope { name: "a read while two want to lead", network: ORDERLY, commands: 0, ..read(&UNLED) },
        Scope { name: "a follower crashes, any order", candidates: &[2], proposers: &[1], ..crash(&[2]) },
        Scope { name: "anybody crashes", network: ORDERLY, ..crash(&[1, 2, 3]) },
        Scope { name: "the proposer crashes and leads again", network: ORDERLY, campaigns: 2, ..crash(&[1]) },
        Scope {
            name: "2 -> 3 voters, any order",
            network: ANY_ORDER,
            drops_spent: true,
            commands: 0,
            ..add.clone()
        },
        Scope { name: "2 -> 3 voters, a command", ..add.clone() },
        Scope { name: "2 -> 3 voters, a loss", losses: 1, ..add.clone() },
        Scope { name: "2 -> 3 voters, a read", commands: 0, ..read(&add) },
        Scope { name: "3 -> 2 voters, a command", ..remove },
        Scope { name: "3 -> 2, the proposer goes, a command", ..leave.clone() },
        Scope { name: "3 -> 2, the proposer goes, a read", commands: 0, ..read(&leave) },
    ]
}

/// One read, anywhere, beside all else.
fn read(scope: &Scope) -> Scope {
    Scope { readers: &[1, 2, 3], reads: 1, ..scope.clone() }
}

/// One crash of one of these, whose disks take their time.
fn crash(crashing: &'static [u8]) -> Scope {
    Scope { candidates: &[1, 2], slow_disks: crashing, crashing, crashes: 1, ..LED }
}

/// One change of the voters, proposed to whoever leads.
fn change(voters: &'static [u8], changed: &'static [u8]) -> Scope {
    Scope { network: ORDERLY, voters, changed, changes: 1, proposers: &[1], ..LED }
}
