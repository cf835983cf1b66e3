//! The watches of a client: how far each has seen, and the events its reader has not taken yet. Whether a watch is fed
//! by a WATCH or, on a member without it, by one WAIT after another, its reader cannot tell.

use std::collections::{HashMap, VecDeque};
use std::task::Waker;

use bytes::Bytes;
use doozer_wire::{FLAG_PROGRESS, Features, OwnedResponse, Request, Verb};

use crate::calls::{Done, Failure, Tag, WatchId};
use crate::peer::Peer;
use crate::types::RawEvent;

/// A watch with so many events its reader has not taken is stopped, and resumed when they are taken.
const UNREAD_EVENTS_MAX: usize = 4096;

/// The same in bytes of paths and values.
const UNREAD_BYTES_MAX: usize = 4 << 20;

/// Where a watch's events come from.
#[derive(Debug)]
enum Feed {
    /// A WATCH or WAIT under this tag.
    Call(Tag, Verb),
    /// Nothing: its reader is slow.
    Paused,
    /// It has ended; this is to be reported once.
    Ended(Option<Failure>),
}

#[derive(Debug)]
struct Stream {
    glob: Bytes,
    feed: Feed,
    /// The first revision not seen yet.
    next: i64,
    unread: VecDeque<RawEvent>,
    unread_bytes: usize,
    reader: Option<Waker>,
}

/// What becomes of the call that feeds a watch.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// More will come.
    GoOn,
    /// It was a WAIT: send it again.
    AskAgain,
    /// It was a WAIT, and no more is wanted for now.
    Finish,
    /// It is a WATCH, and no more is wanted for now.
    Stop,
}

/// What a reader finds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    Events(VecDeque<RawEvent>),
    Nothing,
    Failed(Failure),
    Over,
}

#[derive(Debug, Default)]
pub(crate) struct Streams {
    streams: HashMap<WatchId, Stream>,
    last_id: u64,
}

impl Streams {
    pub fn open(&mut self, glob: &str, from: i64) -> WatchId {
        self.last_id += 1;
        let id = WatchId(self.last_id);
        let stream = Stream {
            glob: Bytes::copy_from_slice(glob.as_bytes()),
            feed: Feed::Paused,
            next: from.max(1),
            unread: VecDeque::new(),
            unread_bytes: 0,
            reader: None,
        };
        self.streams.insert(id, stream);
        id
    }

    /// Forgets a watch. Returns the call that fed it.
    pub fn close(&mut self, id: WatchId) -> Option<Tag> {
        match self.streams.remove(&id)?.feed {
            Feed::Call(tag, _) => Some(tag),
            Feed::Paused | Feed::Ended(_) => None,
        }
    }

    pub fn is_paused(&self, id: WatchId) -> bool {
        self.streams.get(&id).is_some_and(|stream| matches!(stream.feed, Feed::Paused))
    }

    pub fn resumed(&mut self, id: WatchId, tag: Tag) {
        if let Some(stream) = self.streams.get_mut(&id) {
            stream.feed = Feed::Call(tag, Verb::Watch);
        }
    }

    /// Makes the request that goes on where the watch stands, in the words this member knows.
    pub fn prepare(&mut self, id: WatchId, peer: &Peer, request: &mut Request) {
        let Some(stream) = self.streams.get_mut(&id) else { return };
        let Feed::Call(_, verb) = &mut stream.feed else { return };
        *verb = if peer.features.contains(Features::WATCH) { Verb::Watch } else { Verb::Wait };
        *request = Request {
            tag: request.tag,
            verb: *verb as i32,
            path: Some(stream.glob.clone()),
            rev: Some(stream.next),
            ..Request::default()
        };
    }

    /// Takes in an answer that is no error.
    pub fn take_in(&mut self, id: WatchId, response: OwnedResponse, done: &mut Done) -> Step {
        let Some(stream) = self.streams.get_mut(&id) else { return Step::Stop };
        let Feed::Call(_, verb) = stream.feed else { return Step::Stop };
        if response.flags.is_some_and(|flags| flags & FLAG_PROGRESS != 0) {
            stream.next = stream.next.max(response.rev.unwrap_or_default().saturating_add(1));
            // Nothing to take, but its reader may wait for just this: that it has seen everything up to some revision.
            done.wakers.extend(stream.reader.take());
            return Step::GoOn;
        }
        let event = RawEvent::of(response);
        // Nothing comes twice, even from a member that errs; what is no revision at all is for the reader to report.
        if event.rev >= stream.next || event.rev <= 0 {
            stream.next = stream.next.max(event.rev.saturating_add(1));
            stream.unread_bytes += event.bytes();
            stream.unread.push_back(event);
            done.wakers.extend(stream.reader.take());
        }
        let is_full = stream.unread.len() >= UNREAD_EVENTS_MAX || stream.unread_bytes >= UNREAD_BYTES_MAX;
        if is_full {
            stream.feed = Feed::Paused;
        }
        match (verb, is_full) {
            (Verb::Watch, false) => Step::GoOn,
            (Verb::Watch, true) => Step::Stop,
            (_, false) => Step::AskAgain,
            (_, true) => Step::Finish,
        }
    }

    /// What its reader has not had yet. If that is nothing, `waker` is woken when there is something.
    pub fn take(&mut self, id: WatchId, waker: &Waker) -> Taken {
        let Some(stream) = self.streams.get_mut(&id) else { return Taken::Over };
        if !stream.unread.is_empty() {
            stream.unread_bytes = 0;
            return Taken::Events(std::mem::take(&mut stream.unread));
        }
        match &mut stream.feed {
            Feed::Ended(failure) => failure.take().map_or(Taken::Over, Taken::Failed),
            Feed::Call(..) | Feed::Paused => {
                stream.reader = Some(waker.clone());
                Taken::Nothing
            }
        }
    }

    /// The greatest revision the watch has seen everything up to; `None` while its reader has events to take.
    pub fn complete(&self, id: WatchId) -> Option<i64> {
        self.streams.get(&id).filter(|stream| stream.unread.is_empty()).map(|stream| stream.next - 1)
    }

    pub fn end(&mut self, id: WatchId, failure: Failure, done: &mut Done) {
        if let Some(stream) = self.streams.get_mut(&id) {
            stream.feed = Feed::Ended(Some(failure));
            done.wakers.extend(stream.reader.take());
        }
    }

    /// Ends every watch that has not ended yet.
    pub fn end_all(&mut self, failure: &Failure, done: &mut Done) {
        for stream in self.streams.values_mut() {
            if !matches!(stream.feed, Feed::Ended(_)) {
                stream.feed = Feed::Ended(Some(failure.clone()));
                done.wakers.extend(stream.reader.take());
            }
        }
    }
}
