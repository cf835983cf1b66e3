//! G2: a linearizable read shows a state that is not older than anything anybody had seen when it was sent (Herlihy, Wing,
//! *Linearizability*, 1990); by a read index: Ongaro, *Consensus: Bridging Theory and Practice*, 2014, section 6.4.
//! G3: a read of revision r shows exactly the state right after change r, or is too late.
//! G4: a client that says what it has seen never reads an older state, whichever members it asks (monotonic reads: Terry
//! et al., *Session Guarantees for Weakly Consistent Replicated Data*, 1994, section 3).

use super::Options;
use super::ledger::Ledger;
use super::operations::Operation;
use super::verdict::{Verdict, ensure};
use crate::history::{Answer, ReadAt, Request};
use crate::model::Lookup;

pub(super) const NAME: &str = "reads";

/// A read was answered from a state with the revision `store`.
pub(super) fn answered(
    ledger: &Ledger,
    options: Options,
    operation: &Operation,
    answer: &Answer,
    store: u64,
) -> Verdict {
    let (Request::Get { at, .. } | Request::List { at, .. }) = &operation.request else { return Ok(()) };
    let (at, oldest) = match *at {
        ReadAt::Linearizable => (store, operation.observed),
        ReadAt::Local { min_rev } => (store, min_rev),
        ReadAt::Revision(rev) => (rev.max(1), rev),
    };
    ensure!(
        store >= oldest && store <= ledger.model.revision(),
        NAME,
        "{operation} was answered from revision {store}; the oldest allowed is {oldest}, the newest there is {}{}",
        ledger.model.revision(),
        ledger.around(oldest)
    );
    if *answer == Answer::TooLate {
        return too_late(options, operation, at, store);
    }
    let expected = match &operation.request {
        Request::Get { path, .. } => match ledger.model.get(path, at) {
            Lookup::Missing => (*answer == Answer::Missing).then_some(()),
            Lookup::Directory => (*answer == Answer::Directory).then_some(()),
            Lookup::File { rev, value } => {
                let is_same =
                    matches!(answer, Answer::File { rev: at, value: read } if *at == rev && read == value);
                is_same.then_some(())
            }
        },
        Request::List { glob, .. } => is_listing(ledger, glob, at, answer).then_some(()),
        _ => Some(()),
    };
    ensure!(expected.is_some(), NAME, "{}", differs(ledger, operation, answer, at));
    Ok(())
}

fn is_listing(ledger: &Ledger, glob: &str, at: u64, answer: &Answer) -> bool {
    let Answer::Listing(listed) = answer else { return false };
    let expected = ledger.model.list(glob, at);
    expected.iter().copied().eq(listed.iter().map(|(path, rev)| (&**path, *rev)))
}

fn too_late(options: Options, operation: &Operation, at: u64, store: u64) -> Verdict {
    let is_past = matches!(
        operation.request,
        Request::Get { at: ReadAt::Revision(_), .. } | Request::List { at: ReadAt::Revision(_), .. }
    );
    ensure!(
        is_past && at + options.history_revisions_min <= store,
        NAME,
        "{operation} was told that revision {at} is too late, at {store}; the last {} are kept",
        options.history_revisions_min
    );
    Ok(())
}

fn differs(ledger: &Ledger, operation: &Operation, answer: &Answer, at: u64) -> String {
    let expected = match &operation.request {
        Request::Get { path, .. } => format!("{:?}", ledger.model.get(path, at)),
        Request::List { glob, .. } => format!("{:?}", ledger.model.list(glob, at)),
        _ => String::new(),
    };
    format!("{operation} was answered {answer:?}, and the state at {at} is {expected}{}", ledger.around(at))
}
