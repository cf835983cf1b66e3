//! G1: SETs and DELs are strictly serializable in the order of their revisions. A write that was answered with a revision
//! is that very change; it was allowed by the state right before it; and it comes after everything that anybody had seen
//! when it was sent. (Herlihy, Wing, *Linearizability*, 1990, section 2: an order of all operations that each could have
//! seen alone, and that keeps the order of those that do not overlap. The order is the log, so it need not be searched.)

use std::collections::BTreeMap;

use super::fates::Fates;
use super::ledger::{Ledger, shown};
use super::operations::Operation;
use super::verdict::{Verdict, ensure};
use crate::history::{OpId, Outcome, Refusal, Request, op_of};

pub(super) const NAME: &str = "writes";

/// Which operation was told of each change as its own.
#[derive(Debug, Default)]
pub(super) struct Writes {
    claimed: BTreeMap<u64, OpId>,
}

/// A write that was answered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Written<'a> {
    pub op: OpId,
    pub operation: &'a Operation,
    pub outcome: Outcome,
    /// The store's revision in the answer.
    pub store: u64,
}

impl Writes {
    pub fn answered(&mut self, ledger: &Ledger, fates: &Fates, written: Written<'_>) -> Verdict {
        let Written { op, operation, outcome, store } = written;
        ensure!(fits(&operation.request, outcome), NAME, "{operation} was answered {outcome:?}");
        ensure!(
            store >= operation.observed && store <= ledger.model.revision(),
            NAME,
            "{operation} was answered {outcome:?} at revision {store}; {} had been seen when it was sent, {} is the newest",
            operation.observed,
            ledger.model.revision()
        );
        if let Some(rev) = outcome.change() {
            self.changed(ledger, written, rev)?;
        }
        match fates.of(op) {
            Some(taken) => ensure!(
                taken.outcome == outcome && taken.before >= operation.observed,
                NAME,
                "{operation} was answered {outcome:?}, and the log made of it {taken:?}; {} had been seen when it was sent",
                operation.observed
            ),
            None => explained(ledger, written)?,
        }
        Ok(())
    }

    fn changed(&mut self, ledger: &Ledger, written: Written<'_>, rev: u64) -> Verdict {
        let Written { op, operation, outcome, store } = written;
        ensure!(
            rev > operation.observed && rev <= store,
            NAME,
            "{operation} was answered {outcome:?} at revision {store}, and {} had been seen when it was sent{}",
            operation.observed,
            ledger.around(rev)
        );
        let (path, value) = match &operation.request {
            Request::Set { path, value, .. } => (path, Some(value)),
            Request::Del { path, .. } => (path, None),
            _ => return Ok(()),
        };
        let change = ledger.model.change_at(rev).map(|(path, value, _)| (path, value));
        ensure!(
            change.is_some_and(|(at, written)| **at == **path && written == value),
            NAME,
            "{operation} was answered {outcome:?}, and that change is another one{}",
            ledger.around(rev)
        );
        let expected = judged(ledger, &operation.request, rev - 1);
        ensure!(
            expected == outcome,
            NAME,
            "{operation} was answered {outcome:?}, and could not be made where it stands: {expected:?}{}",
            ledger.around(rev)
        );
        let first = *self.claimed.entry(rev).or_insert(op);
        ensure!(
            first == op,
            NAME,
            "{operation} was told of revision {rev} as its own, which was that of {first}"
        );
        Ok(())
    }
}

/// A write that changed nothing, or whose value does not tell whose it is: some state that was the newest one between its
/// being sent and its answer allows for it.
fn explained(ledger: &Ledger, written: Written<'_>) -> Verdict {
    let Written { operation, outcome, store, .. } = written;
    let is_own = matches!(&operation.request, Request::Set { value, .. } if op_of(value).is_some());
    // What no state would allow need not be put in the log; nor is a change of voters that its proposer refuses.
    let is_hopeless =
        matches!(outcome, Outcome::Refused(Refusal::BadPath | Refusal::TooLarge | Refusal::Voters));
    ensure!(!is_own || is_hopeless, NAME, "{operation} was answered {outcome:?}, and is nowhere in the log");
    let is_explained = match (outcome, &operation.request) {
        (Outcome::Set(_) | Outcome::Deleted(_) | Outcome::Nop, _) => true,
        (Outcome::Refused(Refusal::Voters), Request::Set { path, .. } | Request::Del { path, .. }) => {
            path == "/ctl/cal" || path.starts_with("/ctl/cal/")
        }
        (_, request) => (operation.observed..=store).rev().any(|at| judged(ledger, request, at) == outcome),
    };
    ensure!(
        is_explained,
        NAME,
        "{operation} was answered {outcome:?}, and no state from {} to {store} gives a reason{}",
        operation.observed,
        ledger.around(store)
    );
    Ok(())
}

/// What a write comes to in the state at a revision.
fn judged(ledger: &Ledger, request: &Request, at: u64) -> Outcome {
    match request {
        Request::Set { path, rev, value } => ledger.model.set(path, *rev, value, at),
        Request::Del { path, rev } => ledger.model.del(path, *rev, at),
        _ => Outcome::Nop,
    }
}

fn fits(request: &Request, outcome: Outcome) -> bool {
    matches!(
        (request, outcome),
        (Request::Set { .. }, Outcome::Set(_) | Outcome::Refused(_))
            | (Request::Del { .. }, Outcome::Deleted(_) | Outcome::Absent | Outcome::Refused(_))
            | (Request::Nop, Outcome::Nop)
    )
}

impl std::fmt::Display for Operation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Operation { op, client, member, asked, .. } = self;
        write!(f, "{op} (")?;
        match &self.request {
            Request::Set { path, rev, value } => write!(f, "SET {path} {rev} {}", shown(value))?,
            other => write!(f, "{other:?}")?,
        }
        write!(f, ", asked by {client} of {member} at {asked})")
    }
}
