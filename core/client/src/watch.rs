//! A stream of changes.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;

use crate::calls::WatchId;
use crate::client::Client;
use crate::error::{Error, Subject};
use crate::streams::Taken;
use crate::types::{Event, RawEvent};
use crate::verbs::{check_glob, check_rev};

impl Client {
    /// Every change of a file that matches `glob`, from revision `rev` on, in order, none missed and none repeated,
    /// whatever happens to connections and members meanwhile. It has no time limit. A reader may be slow: then the
    /// member is asked to wait, until the history it keeps is passed by.
    ///
    /// ```no_run
    /// # async fn example(client: doozer_client::Client) -> Result<(), doozer_client::Error> {
    /// let mut watch = client.watch("/srv/web/*", client.rev().await? + 1);
    /// while let Some(event) = watch.next().await {
    ///     let event = event?;
    ///     println!("{:?} {} at {}", event.kind, event.path, event.rev);
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// The stream ends after its first error. [`BadGlob`](doozer_wire::ErrorKind::BadGlob);
    /// [`TooLate`](doozer_wire::ErrorKind::TooLate) if the member does not keep the next revision any more;
    /// [`Range`](doozer_wire::ErrorKind::Range) if `rev` is negative.
    pub fn watch(&self, glob: &str, rev: i64) -> Watch {
        self.watch_for("watch", glob, rev)
    }

    /// The same as a part of another operation, which its errors name.
    pub(crate) fn watch_for(&self, op: &'static str, glob: &str, rev: i64) -> Watch {
        let subject = Subject::of(op, glob);
        let checked = check_glob(&subject, glob).and_then(|()| check_rev(&subject, Some(rev)));
        let opened = checked.and_then(|()| {
            let opened = self.shared.open(|table, done| table.open_watch(glob, rev, done));
            opened.map_err(|failure| subject.error(failure.kind, failure.detail))
        });
        let source = match opened {
            Ok(id) => Source::Open(id),
            Err(error) => Source::Failed(error),
        };
        Watch {
            client: self.clone(),
            op,
            glob: glob.to_owned(),
            seen: rev.max(1) - 1,
            taken: VecDeque::new(),
            source,
        }
    }
}

/// A stream of changes, see [`Client::watch`]. Dropped, it is taken back from the member.
#[must_use = "a watch that is not polled tells nobody"]
pub struct Watch {
    client: Client,
    op: &'static str,
    glob: String,
    /// The revision of the last event given out.
    seen: i64,
    taken: VecDeque<RawEvent>,
    source: Source,
}

enum Source {
    Open(WatchId),
    /// It never began.
    Failed(Error),
    Over,
}

impl Watch {
    /// The next change; `None` after an error.
    ///
    /// # Errors
    /// See [`Client::watch`].
    pub async fn next(&mut self) -> Option<Result<Event, Error>> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// The greatest revision up to which this stream has given out every change. It moves on even while no file that
    /// matches changes, since members say how far they have seen; whoever polls the stream is woken then too.
    pub fn progress(&self) -> i64 {
        match self.source {
            Source::Open(id) if self.taken.is_empty() => {
                let complete = self.client.shared.table(|table, _| table.streams.complete(id));
                complete.unwrap_or(self.seen)
            }
            _ => self.seen,
        }
    }

    fn parse(&mut self, raw: RawEvent) -> Result<Event, Error> {
        let event = raw.parse(&Subject::of(self.op, &self.glob));
        match &event {
            Ok(event) => self.seen = event.rev,
            Err(_) => self.close(),
        }
        event
    }

    fn close(&mut self) {
        if let Source::Open(id) = std::mem::replace(&mut self.source, Source::Over) {
            self.client.shared.table(|table, done| table.close_watch(id, done));
        }
        self.taken.clear();
    }
}

impl Stream for Watch {
    type Item = Result<Event, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(raw) = self.taken.pop_front() {
                return Poll::Ready(Some(self.parse(raw)));
            }
            let id = match std::mem::replace(&mut self.source, Source::Over) {
                Source::Over => return Poll::Ready(None),
                Source::Failed(error) => return Poll::Ready(Some(Err(error))),
                Source::Open(id) => id,
            };
            self.source = Source::Open(id);
            match self.client.shared.table(|table, _| table.streams.take(id, cx.waker())) {
                Taken::Events(events) => {
                    self.taken = events;
                    self.client.shared.table(|table, done| table.resume_watch(id, done));
                }
                Taken::Nothing => return Poll::Pending,
                Taken::Failed(failure) => {
                    self.close();
                    let error = Subject::of(self.op, &self.glob).error(failure.kind, failure.detail);
                    return Poll::Ready(Some(Err(error)));
                }
                Taken::Over => self.close(),
            }
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("glob", &self.glob).field("seen", &self.seen).finish_non_exhaustive()
    }
}
