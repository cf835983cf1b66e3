//! Whoever waits for a write: its budget, its place in a queue, and what is told. What a write came to as an answer is in
//! `outcomes`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::{Bytes, BytesMut};
use doozer_member::driver::{Answer, NoQuorum, NotWritten, Reply};
use doozer_member::machine::Outcome;
use doozer_member::outbox::{Left, QueueNews, Wakes};
use doozer_member::state::Address;
use doozer_store::SessionId;
use doozer_wire::ErrorKind;

use super::outcomes;
use super::problem::Problem;
use crate::shared::Shared;

/// The connection and tag that wait for a write.
pub(crate) struct WriteReply {
    to: Address,
    /// Bytes of the command, given back to the connection's budget.
    bytes: usize,
    of: Of,
    is_parked: bool,
}

/// What was asked for, as far as the answer depends on it.
pub(crate) enum Of {
    /// A write of nobody's, or the end of a session.
    Write,
    /// A SET, DEL or NOP of a session.
    Command,
    /// A queued SET.
    Queued {
        /// Its number at its connection.
        number: u64,
        /// Counted as long as it is not answered.
        _standing: Standing,
    },
    /// A CANCEL of the queued SET with this number.
    Leave(u64),
    /// A transaction.
    Txn(Box<Transaction>),
    /// The opening of a session.
    Open(Box<Opening>),
}

/// What is needed of a transaction when it is answered.
pub(crate) struct Transaction {
    /// Whether it is a session's.
    pub is_counted: bool,
    /// How many operations it has.
    pub ops: usize,
    /// All of it, still encoded: what is refused is named by its path.
    pub body: Bytes,
}

/// A session that is being opened.
pub(crate) struct Opening {
    pub shared: Arc<Shared>,
    pub id: SessionId,
    /// What was asked for.
    pub ttl_ms: u64,
}

/// One of the queued SETs that a member keeps for its clients.
pub(crate) struct Standing(Arc<AtomicUsize>);

impl Standing {
    /// One more. `count` is how many there are.
    pub fn new(count: &Arc<AtomicUsize>) -> Standing {
        count.fetch_add(1, Ordering::Relaxed);
        Standing(Arc::clone(count))
    }
}

impl Drop for Standing {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl WriteReply {
    pub fn new(to: Address, bytes: usize, of: Of) -> WriteReply {
        WriteReply { to, bytes, of, is_parked: false }
    }
}

impl Reply for WriteReply {
    fn answer(self, answer: Answer<'_>, wakes: &mut Wakes) {
        let WriteReply { to, bytes, of, is_parked } = self;
        to.outbox.leave(wakes, |left| {
            if !is_parked {
                give_back(left, bytes);
            }
            match of {
                Of::Queued { number, .. } => {
                    let mut frame = BytesMut::new();
                    encode(answer, &of, &to, &mut frame);
                    left.queued.push(QueueNews::Answered { number, frame: frame.freeze() });
                }
                Of::Leave(number) => {
                    let (seen, has_left) = match answer {
                        Answer::Applied(outcome, seen) => (Some(seen), *outcome == LEFT),
                        failed => {
                            encode(failed, &of, &to, &mut left.frames);
                            (None, false)
                        }
                    };
                    left.queued.push(QueueNews::Cancelled { number, cancel: to.tag, seen, has_left });
                }
                _ => {
                    left.parked_answered += usize::from(is_parked);
                    encode(answer, &of, &to, &mut left.frames);
                }
            }
        });
    }

    fn park(&mut self, wakes: &mut Wakes) {
        self.is_parked = true;
        let (bytes, is_queued) = (self.bytes, matches!(self.of, Of::Queued { .. }));
        self.to.outbox.leave(wakes, |left| {
            give_back(left, bytes);
            // How many queued SETs there are is bounded by itself.
            left.parked += usize::from(!is_queued);
        });
        if !is_queued {
            // It has come to what another command comes to: nothing of its own is needed any more.
            self.of = Of::Command;
        }
    }

    fn is_wanted(&self) -> bool {
        !self.to.outbox.is_closed()
    }
}

const LEFT: Outcome = Outcome::Store(doozer_store::Outcome::Left);

fn encode(answer: Answer<'_>, of: &Of, to: &Address, frames: &mut BytesMut) {
    let problem = match answer {
        Answer::Applied(outcome, seen) => return outcomes::encode(outcome, seen, of, to, frames),
        Answer::NotWritten(why) => Problem::from(why),
        Answer::Unknown(why) => {
            let more = match why {
                NoQuorum::Unheard => "",
                NoQuorum::NoRoom => ": this member's disk is full, others may go on",
            };
            Problem::new(ErrorKind::NoQuorum, format!("no quorum: outcome unknown{more}"))
        }
    };
    problem.encode_frame(to.tag, to.modern, None, frames);
}

fn give_back(left: &mut Left, bytes: usize) {
    left.writes_answered += 1;
    left.write_bytes_answered += bytes;
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
