//! Writes on their way to the driver and their answers on the way back.

use bytes::BytesMut;
use doozer_member::machine::{Outcome, Refusal};
use doozer_store::{Outcome as Stored, Revision};
use doozer_wire::{ErrorKind, Response};

use super::problem::Problem;
use doozer_member::driver::{Answer, NoQuorum, NotWritten, Reply};
use doozer_member::outbox::Wakes;
use doozer_member::state::Address;

/// The connection and tag that wait for a write.
pub(crate) struct WriteReply {
    pub to: Address,
    /// Bytes of the command, given back to the connection's budget.
    pub bytes: usize,
}

impl Reply for WriteReply {
    fn answer(self, answer: Answer<'_>, wakes: &mut Wakes) {
        let WriteReply { to, bytes } = self;
        to.outbox.leave(wakes, |left| {
            left.writes_answered += 1;
            left.write_bytes_answered += bytes;
            match answer {
                Answer::Applied(outcome, seen) => encode(outcome, seen, &to, &mut left.frames),
                Answer::NotWritten(why) => {
                    Problem::from(why).encode_frame(to.tag, to.modern, None, &mut left.frames);
                }
                Answer::Unknown(why) => {
                    let more = match why {
                        NoQuorum::Unheard => "",
                        NoQuorum::NoRoom => ": this member's disk is full, others may go on",
                    };
                    let problem =
                        Problem::new(ErrorKind::NoQuorum, format!("no quorum: outcome unknown{more}"));
                    problem.encode_frame(to.tag, to.modern, None, &mut left.frames);
                }
            }
        });
    }
}

fn encode(outcome: &Outcome, seen: Revision, to: &Address, frames: &mut BytesMut) {
    let refused = |problem: Problem, frames: &mut BytesMut| {
        problem.encode_frame(to.tag, to.modern, Some(seen), frames);
    };
    let rev = match outcome {
        Outcome::Store(Stored::Set(rev)) => Some(rev.to_raw()),
        // The original answers DEL with the tag alone.
        Outcome::Store(Stored::Deleted(rev)) => to.modern.then(|| rev.to_raw()),
        Outcome::Store(Stored::Absent | Stored::Nop) => None,
        Outcome::Store(Stored::Refused(refusal)) => return refused(Problem::from(refusal), frames),
        Outcome::Refused(refusal) => return refused(Problem::from(*refusal), frames),
    };
    let store_rev = to.modern.then(|| seen.to_raw());
    Response { tag: to.tag, rev, store_rev, ..Response::default() }.encode_frame(frames);
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Problem::new(ErrorKind::Other, refusal.to_string())
    }
}

impl From<NotWritten> for Problem {
    fn from(why: NotWritten) -> Self {
        match why {
            NotWritten::DiskFull(why) => {
                Problem::new(ErrorKind::DiskFull, format!("disk full, nothing was written: {why}"))
            }
            NotWritten::Overloaded => Problem::new(
                ErrorKind::Overloaded,
                "too much waits to be decided: nothing was written, try later",
            ),
            NotWritten::NoQuorum(why) => {
                Problem::new(ErrorKind::NoQuorum, format!("{why}, nothing was written"))
            }
            NotWritten::ShuttingDown => Problem::new(
                ErrorKind::ShuttingDown,
                "this member is shutting down, nothing was written: try another one",
            ),
        }
    }
}
