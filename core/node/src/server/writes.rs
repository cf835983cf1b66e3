//! Writes on their way to the driver and their answers on the way back.

use bytes::BytesMut;
use doozer_store::{Outcome, Revision};
use doozer_wire::{ErrorKind, Response};

use super::outbox::Wakes;
use super::problem::Problem;
use crate::driver::ports::{Answer, NotWritten, Reply};
use crate::state::Address;

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
            }
        });
    }
}

fn encode(outcome: &Outcome, seen: Revision, to: &Address, frames: &mut BytesMut) {
    let rev = match outcome {
        Outcome::Set(rev) => Some(rev.to_raw()),
        // The original answers DEL with the tag alone.
        Outcome::Deleted(rev) => to.modern.then(|| rev.to_raw()),
        Outcome::Absent | Outcome::Nop => None,
        Outcome::Refused(refusal) => {
            return Problem::from(refusal).encode_frame(to.tag, to.modern, Some(seen), frames);
        }
    };
    let store_rev = to.modern.then(|| seen.to_raw());
    Response { tag: to.tag, rev, store_rev, ..Response::default() }.encode_frame(frames);
}

impl From<NotWritten> for Problem {
    fn from(why: NotWritten) -> Self {
        match why {
            NotWritten::DiskFull(why) => {
                Problem::new(ErrorKind::DiskFull, format!("disk full, nothing was written: {why}"))
            }
            NotWritten::ShuttingDown => Problem::new(
                ErrorKind::ShuttingDown,
                "this member is shutting down, nothing was written: try another one",
            ),
        }
    }
}
