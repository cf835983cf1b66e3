//! A stream of changes for the long run: what the history has passed by is made up for by looking at what there is.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use doozer_wire::ErrorKind;
use futures_core::Stream;

use crate::call::Deadline;
use crate::client::Client;
use crate::error::{Error, Subject};
use crate::list::List;
use crate::options::ListOptions;
use crate::types::{Change, Entry, Event};
use crate::verbs::{check_glob, check_rev};
use crate::watch::Watch;

impl Client {
    /// Every change of a file that matches `glob`, as [`watch`](Client::watch) gives it, and never
    /// [`TooLate`](ErrorKind::TooLate): a reader so slow, or cut off for so long, that members do not keep the next change
    /// any more gets the difference between what it was told and what there is, as changes like any other, and then every
    /// change after that. So it may miss what a file was in between, but never what it is.
    ///
    /// With `rev` it begins with the changes from that revision on; without, with every file that there is, as if it had
    /// just been written.
    ///
    /// A difference comes in the order of the revisions: files that were written, with the revision that wrote them; then
    /// those that are gone, each with the revision that was looked at, since which one deleted it is not known any more. So
    /// who remembers [`progress`](Follow::progress) and begins behind it another time misses nothing. (Only of a file that
    /// was made before `rev`, and deleted before this stream could look for the first time, nothing is told.)
    ///
    /// It remembers path and revision of each file that matches, and a difference is held in memory until it is given out.
    /// The first look has a call's usual time; after that there is no time limit. Reads are linearizable, whatever the
    /// [`CallOptions`](crate::CallOptions) say.
    ///
    /// ```no_run
    /// # async fn example(client: doozer_client::Client) -> Result<(), doozer_client::Error> {
    /// let mut routes = client.follow("/routes/*", None);
    /// while let Some(event) = routes.next().await {
    ///     let event = event?;
    ///     println!("{:?} {} at {}", event.kind, event.path, event.rev);
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// The stream ends after its first error. [`BadGlob`](ErrorKind::BadGlob); [`Range`](ErrorKind::Range) if `rev` is
    /// negative.
    pub fn follow(&self, glob: &str, rev: Option<i64>) -> Follow {
        Follow::new(self.clone(), "follow", glob, rev)
    }
}

/// A stream of changes without end, see [`Client::follow`]. Dropped, it is taken back from the member.
#[must_use = "it asks for nothing until it is polled"]
pub struct Follow {
    client: Client,
    op: &'static str,
    glob: String,
    /// Nothing before this revision is told.
    from: i64,
    /// The files that match, and their revisions, as its reader knows them once it has taken what is pending.
    known: BTreeMap<String, i64>,
    /// A difference that is being given out.
    pending: VecDeque<Event>,
    /// Everything up to here was given out once nothing is pending.
    seen: i64,
    state: State,
}

enum State {
    Looking(Looking),
    Watching(Watch),
    Over,
}

type Looking = Pin<Box<dyn Future<Output = Result<Looked, Error>> + Send>>;

/// What there was at a revision, beside what was known.
struct Looked {
    rev: i64,
    /// All files that match.
    known: BTreeMap<String, i64>,
    /// Those of them that were not known like that.
    written: Vec<Entry>,
    gone: Vec<String>,
}

impl Follow {
    /// `op` is what its errors name.
    pub(crate) fn new(client: Client, op: &'static str, glob: &str, rev: Option<i64>) -> Follow {
        let first = first(client.clone(), op, glob.to_owned(), rev);
        Follow {
            client,
            op,
            glob: glob.to_owned(),
            from: rev.unwrap_or(1).max(1),
            known: BTreeMap::new(),
            pending: VecDeque::new(),
            seen: 0,
            state: State::Looking(Box::pin(first)),
        }
    }

    /// The next change; `None` after an error. Cancel-safe: a call that is dropped takes nothing away from the next one.
    ///
    /// # Errors
    /// See [`Client::follow`].
    pub async fn next(&mut self) -> Option<Result<Event, Error>> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// The greatest revision up to which its reader knows everything: 0 until the first look is given out. It moves on even
    /// while no file that matches changes.
    pub fn progress(&self) -> i64 {
        match &self.state {
            State::Watching(watch) if self.pending.is_empty() => watch.progress().max(self.seen),
            _ => self.seen,
        }
    }

    /// Takes in what there is, and goes on behind it.
    fn looked(&mut self, looked: Looked) {
        let Looked { rev, known, written, gone } = looked;
        self.known = known;
        let mut written: Vec<Event> =
            written.into_iter().filter(|file| file.rev >= self.from).map(Event::from).collect();
        written.sort_unstable_by_key(|event| event.rev);
        self.pending.extend(written);
        let deleted = |path| Event { path, value: Bytes::new(), rev, kind: Change::Del };
        self.pending.extend(gone.into_iter().map(deleted));
        self.state = State::Watching(self.client.watch_for(self.op, &self.glob, rev + 1));
    }

    fn note(&mut self, event: &Event) {
        match event.kind {
            Change::Set => drop(self.known.insert(event.path.clone(), event.rev)),
            Change::Del => drop(self.known.remove(&event.path)),
        }
    }

    fn end(&mut self, error: Error) -> Poll<Option<Result<Event, Error>>> {
        self.state = State::Over;
        Poll::Ready(Some(Err(error)))
    }
}

impl Stream for Follow {
    type Item = Result<Event, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(event) = self.pending.pop_front() {
                // What is written at one revision, and what is gone by it, is known once all of it is.
                let is_whole = self.pending.front().is_none_or(|next| next.rev > event.rev);
                self.seen = if is_whole { event.rev } else { event.rev - 1 }.max(self.seen);
                return Poll::Ready(Some(Ok(event)));
            }
            match &mut self.state {
                State::Over => return Poll::Ready(None),
                State::Looking(looking) => match ready!(looking.as_mut().poll(cx)) {
                    Ok(looked) => self.looked(looked),
                    Err(error) => return self.end(error),
                },
                State::Watching(watch) => match ready!(Pin::new(watch).poll_next(cx)) {
                    Some(Ok(event)) => {
                        self.note(&event);
                        if event.rev >= self.from {
                            self.seen = event.rev;
                            return Poll::Ready(Some(Ok(event)));
                        }
                    }
                    Some(Err(error)) if error.kind() == ErrorKind::TooLate => {
                        let known = std::mem::take(&mut self.known);
                        let look =
                            look(self.client.clone(), self.op, self.glob.clone(), known, Deadline::NEVER);
                        self.state = State::Looking(Box::pin(look));
                    }
                    Some(Err(error)) => return self.end(error),
                    None => self.state = State::Over,
                },
            }
        }
    }
}

/// The look that a stream begins with.
async fn first(client: Client, op: &'static str, glob: String, rev: Option<i64>) -> Result<Looked, Error> {
    let subject = Subject::of(op, &glob);
    check_glob(&subject, &glob)?;
    check_rev(&subject, rev)?;
    // Only now: its time begins when somebody asks for it.
    let deadline = client.deadline();
    let Some(rev) = rev else { return look(client, op, glob, BTreeMap::new(), deadline).await };
    // What there was before, so that it can be told when it is gone.
    let now = client.revision(subject, deadline).await?;
    let at = (rev.max(1) - 1).min(now);
    match files(&client, op, &glob, at, true, deadline, BTreeMap::new()).await {
        Ok(looked) => Ok(Looked { written: Vec::new(), ..looked }),
        Err(error) if error.kind() == ErrorKind::TooLate => {
            look(client, op, glob, BTreeMap::new(), deadline).await
        }
        Err(error) => Err(error),
    }
}

/// What there is now, beside what was known.
async fn look(
    client: Client,
    op: &'static str,
    glob: String,
    known: BTreeMap<String, i64>,
    deadline: Deadline,
) -> Result<Looked, Error> {
    loop {
        let rev = client.revision(Subject::of(op, &glob), deadline).await?;
        match files(&client, op, &glob, rev, false, deadline, known.clone()).await {
            // The history is so short that the revision has gone out of it in between.
            Err(error) if error.kind() == ErrorKind::TooLate => {}
            looked => return looked,
        }
    }
}

/// The files at a revision, beside those that were known.
async fn files(
    client: &Client,
    op: &'static str,
    glob: &str,
    rev: i64,
    keys_only: bool,
    deadline: Deadline,
    mut before: BTreeMap<String, i64>,
) -> Result<Looked, Error> {
    let mut looked = Looked { rev, known: BTreeMap::new(), written: Vec::new(), gone: Vec::new() };
    // Before its first change there is nothing, nor a revision to ask for.
    if rev > 0 {
        let options = ListOptions { keys_only, ..ListOptions::default() };
        let mut list = List::new(client.clone(), op, glob, Some(rev), options, Some(deadline));
        while let Some(entry) = list.next().await {
            let entry = entry?;
            let was = before.remove(&entry.path);
            looked.known.insert(entry.path.clone(), entry.rev);
            if was != Some(entry.rev) {
                looked.written.push(entry);
            }
        }
    }
    looked.gone = before.into_keys().collect();
    Ok(looked)
}

impl From<Entry> for Event {
    fn from(entry: Entry) -> Event {
        let Entry { path, value, rev, .. } = entry;
        Event { path, value: value.unwrap_or_default(), rev, kind: Change::Set }
    }
}

impl fmt::Debug for Follow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Follow").field("glob", &self.glob).field("seen", &self.seen).finish_non_exhaustive()
    }
}
