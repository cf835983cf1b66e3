//! `Doozer::Stream`: what comes one after another; its subclasses say what.

use std::time::Instant;

use doozer_bridge::{Entry, Error as Failure, Event, Feed, File, Next, Op, Timeout};
use magnus::value::{Lazy, ReprValue};
use magnus::{Class, Error, Module, RClass, RModule, Ruby, Value, method};

use crate::arguments::timeout;
use crate::errors::{entry, raised};
use crate::results;
use crate::wait::wait;

#[magnus::wrap(class = "Doozer::Stream", free_immediately, size)]
pub(crate) struct Stream(Items);

enum Items {
    Events(Feed<Event>),
    Files(Feed<File>),
    Entries(Feed<Entry>),
}

static WATCH: Lazy<RClass> = Lazy::new(|ruby| class(ruby, "Watch"));
static FOLLOW: Lazy<RClass> = Lazy::new(|ruby| class(ruby, "Follow"));
static CONFIG: Lazy<RClass> = Lazy::new(|ruby| class(ruby, "Config"));
static LIST: Lazy<RClass> = Lazy::new(|ruby| class(ruby, "List"));

#[allow(clippy::expect_used, reason = "`define` has made them")]
fn class(ruby: &Ruby, name: &str) -> RClass {
    let doozer: RModule = ruby.class_object().const_get("Doozer").expect("the gem's module");
    doozer.const_get(name).expect("a class of this module")
}

impl Stream {
    pub fn watch(ruby: &Ruby, opened: Result<Feed<Event>, Failure>) -> Result<Value, Error> {
        let feed = opened.map_err(|failure| raised(ruby, &failure))?;
        Ok(ruby.obj_wrap_as(Stream(Items::Events(feed)), ruby.get_inner(&WATCH)).as_value())
    }

    pub fn follow(ruby: &Ruby, opened: Result<Feed<Event>, Failure>) -> Result<Value, Error> {
        let feed = opened.map_err(|failure| raised(ruby, &failure))?;
        Ok(ruby.obj_wrap_as(Stream(Items::Events(feed)), ruby.get_inner(&FOLLOW)).as_value())
    }

    pub fn files(ruby: &Ruby, opened: Result<Feed<File>, Failure>) -> Result<Value, Error> {
        let feed = opened.map_err(|failure| raised(ruby, &failure))?;
        Ok(ruby.obj_wrap_as(Stream(Items::Files(feed)), ruby.get_inner(&CONFIG)).as_value())
    }

    pub fn entries(ruby: &Ruby, opened: Result<Feed<Entry>, Failure>) -> Result<Value, Error> {
        let feed = opened.map_err(|failure| raised(ruby, &failure))?;
        Ok(ruby.obj_wrap_as(Stream(Items::Entries(feed)), ruby.get_inner(&LIST)).as_value())
    }

    /// The next item; nil at the end.
    fn next(ruby: &Ruby, this: &Stream, timeout_s: Value) -> Result<Option<Value>, Error> {
        entry(ruby, "next", || {
            let limit = timeout("timeout", timeout_s)?;
            match &this.0 {
                Items::Events(feed) => next(ruby, feed, limit, results::event),
                Items::Files(feed) => next(ruby, feed, limit, results::file),
                Items::Entries(feed) => next(ruby, feed, limit, results::entry),
            }
        })
    }

    fn close(ruby: &Ruby, this: &Stream) -> Result<(), Error> {
        entry(ruby, "close", || {
            match &this.0 {
                Items::Events(feed) => feed.close(),
                Items::Files(feed) => feed.close(),
                Items::Entries(feed) => feed.close(),
            }
            Ok(())
        })
    }

    fn is_closed(ruby: &Ruby, this: &Stream) -> Result<bool, Error> {
        entry(ruby, "close", || {
            Ok(match &this.0 {
                Items::Events(feed) => feed.is_closed(),
                Items::Files(feed) => feed.is_closed(),
                Items::Entries(feed) => feed.is_closed(),
            })
        })
    }
}

fn next<T: Send + 'static>(
    ruby: &Ruby,
    feed: &Feed<T>,
    limit: Timeout,
    convert: impl Fn(&Ruby, T) -> Result<Value, Error>,
) -> Result<Option<Value>, Error> {
    let item = taken(ruby, limit, || feed.take(), || feed.ready())?;
    item.map(|item| convert(ruby, item)).transpose()
}

/// Takes what comes next, waiting for it; None at the end. A wait that is interrupted has taken nothing.
pub(crate) fn taken<T: Send + 'static>(
    ruby: &Ruby,
    limit: Timeout,
    take: impl Fn() -> Result<Next<T>, Failure>,
    ready: impl Fn() -> Op<()>,
) -> Result<Option<T>, Error> {
    let began = Instant::now();
    loop {
        match take().map_err(|failure| raised(ruby, &failure))? {
            Next::Item(item) => return Ok(Some(item)),
            Next::End => return Ok(None),
            Next::NotYet => {}
        }
        let ready = match limit {
            Timeout::After(limit) => ready().with_limit(limit.saturating_sub(began.elapsed())),
            Timeout::Usual | Timeout::Never => ready(),
        };
        wait(ruby, ready)?;
    }
}

pub(crate) fn define(ruby: &Ruby, doozer: RModule) -> Result<(), Error> {
    let class = doozer.define_class("Stream", ruby.class_object())?;
    class.undef_default_alloc_func();
    class.define_private_method("_next", method!(Stream::next, 1))?;
    class.define_private_method("_close", method!(Stream::close, 0))?;
    class.define_private_method("_closed", method!(Stream::is_closed, 0))?;
    for name in ["Watch", "Follow", "Config", "List"] {
        doozer.define_class(name, class)?;
    }
    Ok(())
}
