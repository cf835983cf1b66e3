//! A file as a live value: the reload loop that every program would otherwise write for its configuration.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use doozer_wire::{ErrorKind, Request, Verb};
use futures_core::Stream;

use crate::call::Deadline;
use crate::client::Client;
use crate::error::{Error, Subject};
use crate::types::{Change, Event, File};
use crate::verbs::{change, check_path, check_read};
use crate::watch::Watch;

impl Client {
    /// A file as a live value: first the file as it is now, then as it is after each of its changes, in order. A file
    /// that is not there, or not any more, has the value `None` and the revision 0.
    ///
    /// The same revision never comes twice in a row. A reader so slow that the member does not keep the next change any
    /// more goes on with what there is then: it misses changes, but never the latest. The first value has a call's
    /// usual time; after that there is no time limit, whatever happens to connections and members meanwhile. Reads are
    /// linearizable, whatever the [`CallOptions`](crate::CallOptions) say.
    ///
    /// ```no_run
    /// # async fn example(client: doozer_client::Client) -> Result<(), doozer_client::Error> {
    /// let mut config = client.config("/myapp.conf");
    /// while let Some(file) = config.next().await {
    ///     let file = file?;
    ///     println!("revision {}: {:?}", file.rev, file.value);
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// The stream ends after its first error. [`BadPath`](ErrorKind::BadPath); [`IsDir`](ErrorKind::IsDir) if a
    /// directory stands there.
    pub fn config(&self, path: &str) -> Config {
        Config::new(self.clone(), "config", path)
    }

    /// Writes again what a file held at an older revision, provided that nobody changes it meanwhile. Returns the revision
    /// that this made; if the file is still the one of that time, its own.
    ///
    /// ```no_run
    /// # async fn example(client: doozer_client::Client) -> Result<(), doozer_client::Error> {
    /// let before = client.get("/myapp.conf").await?.rev;
    /// client.set("/myapp.conf", "debug = true", before).await?;
    /// client.rollback("/myapp.conf", before).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As [`Client::get_at`]; [`NoEntry`](ErrorKind::NoEntry) if there was no file then;
    /// [`RevMismatch`](ErrorKind::RevMismatch) if it was changed meanwhile; and those of a write.
    pub async fn rollback(&self, path: &str, rev: i64) -> Result<i64, Error> {
        let (subject, deadline) = (Subject::of("rollback", path), self.deadline());
        check_read(&subject, path, Some(rev))?;
        let now = self.revision(subject, deadline).await?;
        if rev > now {
            let detail = format!("revision {rev} has not come yet: the last one is {now}");
            return Err(subject.error(ErrorKind::Range, detail));
        }
        let read = |rev| self.ask(subject, deadline, self.read(Verb::Get, path, Some(rev)));
        let (was, is) = (File::of(read(rev).await?), File::of(read(now).await?));
        let Some(value) = was.value else {
            let detail = format!("there was no file at revision {rev}: delete it if that is what is wanted");
            return Err(subject.error(ErrorKind::NoEntry, detail));
        };
        if was.rev == is.rev {
            return Ok(is.rev);
        }
        let request = Request { value: Some(value), ..change(Verb::Set, path, is.rev) };
        let answer = self.ask(subject, deadline, request).await?;
        answer.rev.ok_or_else(|| subject.garbled("lacks a revision"))
    }
}

/// A file as a live value, see [`Client::config`]. Dropped, it is taken back from the member.
#[must_use = "it asks for nothing until it is polled"]
pub struct Config {
    client: Client,
    op: &'static str,
    path: String,
    state: State,
    /// The revision last given out.
    last: Option<i64>,
}

enum State {
    /// The file is being read, with the revision it is read at.
    Reading(Reading),
    /// It was read at this revision, and nobody has asked for more.
    Read(i64),
    /// Every change after that.
    Watching(Watch),
    Over,
}

type Reading = Pin<Box<dyn Future<Output = Result<(File, i64), Error>> + Send>>;

impl Config {
    /// `op` is what its errors name.
    pub(crate) fn new(client: Client, op: &'static str, path: &str) -> Config {
        let state = State::Reading(Box::pin(first(client.clone(), op, path.to_owned())));
        Config { client, op, path: path.to_owned(), state, last: None }
    }

    /// The file after its next change; at first, as it is. `None` after an error. Cancel-safe: a call that is dropped
    /// takes nothing away from the next one.
    ///
    /// # Errors
    /// See [`Client::config`].
    pub async fn next(&mut self) -> Option<Result<File, Error>> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// The file's path.
    pub fn path(&self) -> &str {
        &self.path
    }

    fn is_news(&mut self, file: &File) -> bool {
        self.last.replace(file.rev) != Some(file.rev)
    }

    fn end(&mut self, error: Error) -> Poll<Option<Result<File, Error>>> {
        self.state = State::Over;
        Poll::Ready(Some(Err(error)))
    }
}

impl Stream for Config {
    type Item = Result<File, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            let file = match &mut self.state {
                State::Over => return Poll::Ready(None),
                State::Reading(reading) => match ready!(reading.as_mut().poll(cx)) {
                    Ok((file, rev)) => {
                        // The member is asked for changes only once somebody wants them: many want one look.
                        self.state = State::Read(rev);
                        file
                    }
                    Err(error) => return self.end(error),
                },
                State::Read(rev) => {
                    let next = *rev + 1;
                    self.state = State::Watching(self.client.watch_for(self.op, &self.path, next));
                    continue;
                }
                State::Watching(watch) => match ready!(Pin::new(watch).poll_next(cx)) {
                    Some(Ok(event)) => changed(event),
                    Some(Err(error)) if error.kind() == ErrorKind::TooLate => {
                        let read = read(self.client.clone(), self.op, self.path.clone(), Deadline::NEVER);
                        self.state = State::Reading(Box::pin(read));
                        continue;
                    }
                    Some(Err(error)) => return self.end(error),
                    None => {
                        self.state = State::Over;
                        continue;
                    }
                },
            };
            if self.is_news(&file) {
                return Poll::Ready(Some(Ok(file)));
            }
        }
    }
}

async fn first(client: Client, op: &'static str, path: String) -> Result<(File, i64), Error> {
    check_path(&Subject::of(op, &path), &path)?;
    // Only now: its time begins when somebody asks for it.
    let deadline = client.deadline();
    read(client, op, path, deadline).await
}

/// The file, and the revision at which that was so: every later change is still to come.
async fn read(
    client: Client,
    op: &'static str,
    path: String,
    deadline: Deadline,
) -> Result<(File, i64), Error> {
    let subject = Subject::of(op, &path);
    loop {
        let rev = client.revision(subject, deadline).await?;
        match client.ask(subject, deadline, client.read(Verb::Get, &path, Some(rev))).await {
            Ok(answer) => return Ok((File::of(answer), rev)),
            // The history is so short that the revision has gone out of it in between.
            Err(error) if error.kind() == ErrorKind::TooLate => {}
            Err(error) => return Err(error),
        }
    }
}

fn changed(event: Event) -> File {
    match event.kind {
        Change::Set => File { value: Some(event.value), rev: event.rev },
        Change::Del => File::default(),
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config").field("path", &self.path).field("last", &self.last).finish_non_exhaustive()
    }
}
