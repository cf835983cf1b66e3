//! The handle of a watch, a list, a live value or a live map: what has come is taken at once, what has not is waited for.

use doozer_bridge::{Entry, Error, Event, Feed, File, Next, Op, guard};
use napi::Env;
use napi::bindgen_prelude::{Array, External};
use napi_derive::napi;

use crate::answer::Answer;
use crate::calls::Calls;
use crate::live::Live;
use crate::options::limited;

/// A stream, with the calls of the environment it was opened in.
pub struct Stream {
    /// Or why it could not be opened, which is the first thing it gives.
    pub(crate) items: Result<Items, Error>,
    calls: Calls,
}

/// What a stream is of.
pub enum Items {
    Events(Feed<Event>),
    Files(Feed<File>),
    Entries(Feed<Entry>),
    Maps(Live),
}

impl Stream {
    pub(crate) fn open(
        op: &'static str,
        calls: &Calls,
        open: impl FnOnce() -> Result<Items, Error>,
    ) -> External<Stream> {
        External::new(Stream { items: guard(op, open), calls: calls.clone() })
    }

    /// One that is open.
    pub(crate) fn of(items: Items, calls: Calls) -> Stream {
        Stream { items: Ok(items), calls }
    }
}

impl Items {
    /// `None`: nothing yet.
    fn take(&self) -> Result<Option<Answer>, Error> {
        fn answer<T: Send + 'static>(feed: &Feed<T>, of: fn(T) -> Answer) -> Result<Option<Answer>, Error> {
            Ok(match feed.take()? {
                Next::Item(item) => Some(of(item)),
                Next::NotYet => None,
                Next::End => Some(Answer::End),
            })
        }
        match self {
            Items::Events(feed) => answer(feed, Answer::Event),
            Items::Files(feed) => answer(feed, Answer::File),
            Items::Entries(feed) => answer(feed, Answer::Entry),
            Items::Maps(live) => live.take(),
        }
    }

    fn ready(&self) -> Op<()> {
        match self {
            Items::Events(feed) => feed.ready(),
            Items::Files(feed) => feed.ready(),
            Items::Entries(feed) => feed.ready(),
            Items::Maps(live) => live.ready(),
        }
    }

    fn close(&self) {
        match self {
            Items::Events(feed) => feed.close(),
            Items::Files(feed) => feed.close(),
            Items::Entries(feed) => feed.close(),
            Items::Maps(live) => live.close(),
        }
    }
}

/// Takes what comes next: null if there is nothing yet. Nothing comes after a failure.
#[napi]
pub fn take_next<'env>(env: &'env Env, stream: &External<Stream>) -> napi::Result<Option<Array<'env>>> {
    let taken = match &stream.items {
        Ok(items) => guard("next", || items.take()),
        Err(error) => Err(error.clone()),
    };
    taken.unwrap_or_else(|error| Some(Answer::Failure(error))).map(|answer| answer.alone(env)).transpose()
}

/// Waits until there is something to take, so many milliseconds at most.
#[napi]
pub fn ready(env: &Env, stream: &External<Stream>, id: i64, timeout: f64) -> napi::Result<()> {
    let Ok(items) = &stream.items else {
        return stream.calls.begin(env, id, "next", doozer_bridge::noop_async, |()| Answer::Nothing);
    };
    let make = || limited(items.ready(), timeout);
    stream.calls.begin(env, id, "next", make, |()| Answer::Nothing)
}

/// Ends it: nothing more is given, and whoever waits wakes up.
#[napi]
pub fn close_stream(stream: &External<Stream>) {
    if let Ok(items) = &stream.items {
        // It has no result, so a panic in it could not be told either.
        let _ = guard("close", || {
            items.close();
            Ok(())
        });
    }
}
