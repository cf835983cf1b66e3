//! The queued SETs of a connection that are not answered, and how one of them is cancelled. A connection that ends leaves
//! their places where they are: they are their sessions'.

use std::collections::HashMap;

use bytes::Bytes;
use doozer_member::outbox::QueueNews;
use doozer_store::{Command, Revision, SessionId};
use doozer_wire::Response;

use super::connection::Connection;
use super::outcomes::taken_back;
use super::problem::Problem;
use super::writes::Of;

/// See the module.
#[derive(Default)]
pub(super) struct Queued {
    /// By number: what is said of one is never taken for another's of the same tag.
    places: HashMap<u64, Place>,
    by_tag: HashMap<i32, u64>,
    last_number: u64,
}

/// A place in a queue, or on its way there.
struct Place {
    tag: Option<i32>,
    session: SessionId,
    sequence: u64,
    path: Box<str>,
    /// CANCELs that are under way.
    leaving: usize,
    /// CANCELs that are through, to be answered behind the SET: their tags, and the revisions that they saw.
    left: Vec<(Option<i32>, Revision)>,
    /// One of them has taken the place back, or what was granted.
    has_left: bool,
    /// The SET's answer.
    answer: Option<Bytes>,
}

impl Queued {
    pub fn has(&self, tag: i32) -> bool {
        self.by_tag.contains_key(&tag)
    }

    /// One more; its number.
    pub fn push(&mut self, tag: Option<i32>, session: SessionId, sequence: u64, path: &str) -> u64 {
        self.last_number += 1;
        let (path, left) = (path.into(), Vec::new());
        let place = Place { tag, session, sequence, path, leaving: 0, left, has_left: false, answer: None };
        self.places.insert(self.last_number, place);
        self.by_tag.extend(tag.map(|tag| (tag, self.last_number)));
        self.last_number
    }

    /// A CANCEL of the SET with this tag begins: the SET's number, and what takes its place back.
    fn leave(&mut self, tag: i32) -> Option<(u64, Vec<u8>)> {
        let number = *self.by_tag.get(&tag)?;
        let place = self.places.get_mut(&number)?;
        place.leaving += 1;
        let Place { session, sequence, ref path, .. } = *place;
        let mut command = Vec::new();
        Command::Leave { session, sequence, path }.encode(&mut command);
        Some((number, command))
    }

    /// Takes note; the SET, if it is to be answered now.
    fn hear(&mut self, news: QueueNews) -> Option<Place> {
        let number = match news {
            QueueNews::Answered { number, frame } => {
                self.places.get_mut(&number)?.answer = Some(frame);
                number
            }
            QueueNews::Cancelled { number, cancel, seen, has_left } => {
                let place = self.places.get_mut(&number)?;
                place.leaving -= 1;
                place.has_left |= has_left;
                place.left.extend(seen.map(|seen| (cancel, seen)));
                number
            }
        };
        // What a CANCEL that is under way does to it decides on its answer.
        self.places.get(&number).filter(|place| place.leaving == 0 && place.answer.is_some())?;
        let place = self.places.remove(&number)?;
        place.tag.map(|tag| self.by_tag.remove(&tag));
        Some(place)
    }
}

impl Connection {
    /// Has the place of the SET with tag `other` taken back; false if there is none. This is ordered behind the SET, and so
    /// finds its place, or the file that was granted.
    pub(super) fn leave_queue(&mut self, tag: Option<i32>, other: i32) -> bool {
        let Some((number, command)) = self.queued.leave(other) else { return false };
        self.propose(tag, Of::Leave(number), |arena| arena.extend_from_slice(&command));
        true
    }

    /// Answers a queued SET and then whoever has cancelled it, once both are known.
    pub(super) fn hear_of_queue(&mut self, news: QueueNews) {
        let Some(Place { tag, left, has_left, answer, .. }) = self.queued.hear(news) else { return };
        match left.first() {
            // If it was granted, the file was taken back before anybody heard of it.
            Some((_, seen)) if has_left => {
                let problem = Problem { counted: true, ..taken_back() };
                problem.encode_frame(tag, true, Some(*seen), &mut self.out);
            }
            _ => self.out.extend_from_slice(&answer.unwrap_or_default()),
        }
        for (tag, seen) in left {
            let store_rev = Some(seen.to_raw());
            Response { tag, store_rev, ..Response::default() }.encode_frame(&mut self.out);
        }
    }
}
