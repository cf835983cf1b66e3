//! A session whose commands are numbered, as clients number theirs: each is made once, however often it is sent.

use std::collections::BTreeMap;
use std::io;

use bytes::Bytes;
use doozer_wire::{Request, SessionOp, SessionRequest, Verb};

const KEY_BYTES: usize = 16;

/// A session, and which of its commands are not answered.
#[derive(Debug)]
pub(crate) struct Numbered {
    key: Bytes,
    last: u64,
    /// Tags by the numbers of the commands under way.
    open: BTreeMap<u64, i32>,
}

impl Numbered {
    /// One that nobody else has.
    pub fn new() -> io::Result<Numbered> {
        let mut key = [0; KEY_BYTES];
        getrandom::fill(&mut key).map_err(io::Error::from)?;
        Ok(Numbered { key: Bytes::copy_from_slice(&key), last: 0, open: BTreeMap::new() })
    }

    /// A request about the session itself.
    pub fn session(&self, op: SessionOp, ttl_ms: Option<u64>) -> Request {
        let session_op = Some(SessionRequest { op: op as i32, ttl_ms, ..SessionRequest::default() });
        let session = Some(self.key.clone());
        Request { verb: Verb::Session as i32, session, session_op, ..Request::default() }
    }

    /// The session's next command.
    pub fn command(&mut self, tag: i32, request: Request) -> Request {
        self.last += 1;
        let open = *self.open.entry(self.last).insert_entry(tag).key();
        let first = self.open.first_key_value().map_or(open, |(first, _)| *first);
        let (session, sequence) = (Some(self.key.clone()), Some(self.last));
        Request { session, sequence, acknowledged: Some(first - 1), ..request }
    }

    /// The command with this tag was answered.
    pub fn answered(&mut self, tag: i32) {
        // The oldest ones are answered first: a step or two.
        let number = self.open.iter().find(|(_, open)| **open == tag).map(|(number, _)| *number);
        number.map(|number| self.open.remove(&number));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_answered_is_acknowledged_in_order() {
        let mut session = Numbered::new().unwrap();
        let next = |session: &mut Numbered, tag| {
            let request = session.command(tag, Request::default());
            (request.sequence, request.acknowledged)
        };
        assert_eq!(next(&mut session, 7), (Some(1), Some(0)));
        assert_eq!(next(&mut session, 8), (Some(2), Some(0)));
        session.answered(8);
        assert_eq!(next(&mut session, 8), (Some(3), Some(0)));
        session.answered(7);
        assert_eq!(next(&mut session, 7), (Some(4), Some(2)));
    }
}
