//! Shows that the checker can fail: faults that are planted in the replica, each caught in some scope.
//!
//! ```sh
//! RUSTFLAGS="--cfg doozer_planted" cargo test -p doozer-paxos --release --test exhaustive planted -- --ignored --nocapture
//! ```

use doozer_paxos::planted::Planted;

use crate::scope::Scope;
use crate::{breadth_first, say, scopes};

/// Those that do harm in these scopes. The others need what is not here (a round of heartbeats, a snapshot, a full or an
/// unreadable disk, a message in parts), or were found to do none in any of them: `AcceptWithoutSync`, since entries are
/// taken only behind the entry that they name, by its hash; `ChangeNotDrained`, since a change is judged here by who votes and nothing else;
/// `DecidedOfAnotherBallot` and `LearnedIsAccepted`.
const HARMFUL: &[Planted] = &[
    Planted::QuorumOffByOne,
    Planted::PromiseForgotten,
    Planted::PromiseBroken,
    Planted::PrepareBeforeDurable,
    Planted::BirthRewritten,
    Planted::DurableTooEarly,
    Planted::LearnerDecides,
    Planted::LearnShortens,
    Planted::ReadIndexDecidedOnly,
    Planted::ReadUnconfirmed,
    Planted::ReadBeforeOpening,
    Planted::ReadBeforeApply,
    Planted::ProposedBehindStopSign,
    Planted::LaterEpochAnswered,
];

#[test]
#[ignore = "explores many scopes: run it with --release"]
fn planted_faults_are_caught() {
    let missed: Vec<&Planted> = HARMFUL.iter().filter(|fault| !is_caught(**fault)).collect();
    assert!(missed.is_empty(), "no scope catches {missed:?}");
}

fn is_caught(fault: Planted) -> bool {
    let scopes = scopes::small().into_iter().chain(scopes::large().into_iter().take(1));
    let caught = scopes
        .map(|scope| Scope { planted: Some(fault), ..scope })
        .find_map(|scope| breadth_first(&scope).err());
    let how = caught.as_ref().and_then(|story| story.lines().next()).unwrap_or("not caught");
    say(&format!("** {fault:?}: {how}"));
    caught.is_some()
}
