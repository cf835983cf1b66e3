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
    let is_current = !matches!(
        operation.request,
        Request::Get { at: ReadAt::Revision(_), .. } | Request::List { at: ReadAt::Revision(_), .. }
    );
    ensure!(
        !is_current || !ledger.within.contains(&store),
        NAME,
        "{operation} was answered from revision {store}, in the middle of what one command did{}",
        ledger.around(store)
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

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::super::story::{Story, caught};
    use super::*;
    use crate::checks::Violation;
    use crate::history::OpId;

    /// Changes: 1 /a, 2 /d/e, 3 /a, each answered to a client.
    fn story() -> Story {
        let mut story = Story::new(3);
        assert_eq!(["/a", "/d/e", "/a"].map(|path| story.set(path)), [1, 2, 3]);
        story
    }

    fn get(story: &mut Story, path: &str, at: ReadAt) -> OpId {
        story.ask(&Request::Get { path: path.into(), at })
    }

    fn file(story: &Story, rev: u64) -> Answer {
        Answer::File { rev, value: story.event(rev).value.unwrap() }
    }

    fn read(story: &mut Story, path: &str, at: ReadAt, answer: &Answer, store: u64) -> Result<(), Violation> {
        let op = get(story, path, at);
        story.answer(op, answer, store)
    }

    #[test]
    fn what_there_is() {
        let mut story = story();
        let [first, second, third] = [1, 2, 3].map(|rev| file(&story, rev));
        let now = ReadAt::Linearizable;
        read(&mut story, "/a", now, &third, 3).unwrap();
        read(&mut story, "/d", now, &Answer::Directory, 3).unwrap();
        read(&mut story, "/x", now, &Answer::Missing, 3).unwrap();
        read(&mut story, "/a", ReadAt::Revision(2), &first, 3).unwrap();
        read(&mut story, "/d/e", ReadAt::Revision(1), &Answer::Missing, 3).unwrap();
        read(&mut story, "/a", ReadAt::Local { min_rev: 1 }, &first, 2).unwrap();
        read(&mut story, "/d/e", ReadAt::Local { min_rev: 0 }, &second, 2).unwrap();
        let op = story.ask(&Request::List { glob: "/**".into(), at: now });
        story.answer(op, &Answer::Listing(vec![("/a".into(), 3), ("/d/e".into(), 2)]), 3).unwrap();
        read(&mut story, "/a", now, &Answer::Unavailable, 0).unwrap();
        let counts = story.checks.counts();
        assert_eq!((counts.linearizable, counts.past, counts.local, counts.unavailable), (4, 2, 2, 1));
    }

    #[test]
    fn a_linearizable_read_of_an_old_state() {
        let mut story = story();
        let first = file(&story, 1);
        caught(read(&mut story, "/a", ReadAt::Linearizable, &first, 2), NAME);
        caught(read(&mut story, "/a", ReadAt::Linearizable, &first, 3), NAME);
        // It was sent before the third change was seen.
        let mut story = Story::new(3);
        assert_eq!(["/a", "/d/e"].map(|path| story.set(path)), [1, 2]);
        let op = get(&mut story, "/a", ReadAt::Linearizable);
        story.set("/a");
        story.answer(op, &first, 2).unwrap();
    }

    #[test]
    fn what_others_saw_counts_however_they_saw_it() {
        let mut story = Story::new(3);
        story.set("/a");
        let watch = story.ask(&Request::Watch { glob: "/**".into(), from: 2 });
        story.write("/a", b"new");
        let first = file(&story, 1);
        read(&mut story, "/a", ReadAt::Linearizable, &first, 1).unwrap();
        let event = story.event(2);
        story.answer(watch, &Answer::Event(event), 2).unwrap();
        caught(read(&mut story, "/a", ReadAt::Linearizable, &first, 1), NAME);
    }

    #[test]
    fn a_local_read_that_goes_backwards() {
        let mut story = story();
        let second = file(&story, 2);
        caught(read(&mut story, "/d/e", ReadAt::Local { min_rev: 3 }, &second, 2), NAME);
    }

    #[test]
    fn a_state_that_nobody_has() {
        let mut story = story();
        let third = file(&story, 3);
        for at in [ReadAt::Linearizable, ReadAt::Local { min_rev: 0 }] {
            caught(read(&mut story, "/a", at, &third, 4), NAME);
        }
    }

    #[test]
    fn another_value_or_another_revision() {
        let mut story = story();
        let value = Bytes::from_static(b"x");
        caught(read(&mut story, "/a", ReadAt::Linearizable, &Answer::File { rev: 3, value }, 3), NAME);
        let Answer::File { value, .. } = file(&story, 3) else { panic!("a file") };
        caught(read(&mut story, "/a", ReadAt::Linearizable, &Answer::File { rev: 1, value }, 3), NAME);
        for answer in
            [Answer::Missing, Answer::Directory, Answer::TooLate, Answer::Nop, Answer::Listing(vec![])]
        {
            caught(read(&mut story, "/a", ReadAt::Linearizable, &answer, 3), NAME);
        }
    }

    #[test]
    fn a_past_state_that_is_another_one_or_comes_too_soon_or_is_said_to_be_gone() {
        let mut story = story();
        let [first, third] = [1, 3].map(|rev| file(&story, rev));
        caught(read(&mut story, "/a", ReadAt::Revision(2), &third, 3), NAME);
        caught(read(&mut story, "/a", ReadAt::Revision(3), &first, 2), NAME);
        caught(read(&mut story, "/a", ReadAt::Revision(2), &Answer::TooLate, 3), NAME);
        for rev in 4..=103 {
            assert_eq!(story.write("/b", b""), rev);
        }
        read(&mut story, "/a", ReadAt::Revision(3), &Answer::TooLate, 103).unwrap();
        caught(read(&mut story, "/a", ReadAt::Revision(4), &Answer::TooLate, 103), NAME);
    }

    #[test]
    fn a_list_that_leaves_something_out_or_is_in_disorder() {
        for listing in [vec![("/a", 3)], vec![("/d/e", 2), ("/a", 3)], vec![("/a", 1), ("/d/e", 2)]] {
            let mut story = story();
            let op = story.ask(&Request::List { glob: "/**".into(), at: ReadAt::Linearizable });
            let listing = listing.into_iter().map(|(path, rev)| (path.to_owned(), rev)).collect();
            caught(story.answer(op, &Answer::Listing(listing), 3), NAME);
        }
    }
}
