//! Many files at one revision, page by page.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use doozer_wire::{ErrorKind, OwnedEntry, OwnedResponse, Request, Verb};
use futures_core::Stream;

use crate::call::{Deadline, start};
use crate::client::Client;
use crate::error::{Error, Subject};
use crate::options::ListOptions;
use crate::types::{Entry, entry};
use crate::verbs::{check_glob, check_rev};

/// Files of a page. The member may send fewer.
const PAGE: u64 = 1000;

/// WALKs under way at a time, on a member without LIST.
const WALKS: u64 = 64;

impl Client {
    /// The files that match `glob`, in the order of the tree, all as of one revision: `rev`, or the current one.
    /// They come page by page, so that any number of them takes little memory. Each page has a call's usual time.
    ///
    /// # Errors
    /// The stream ends after its first error. [`BadGlob`](ErrorKind::BadGlob); [`TooLate`](ErrorKind::TooLate) if
    /// the member does not keep that revision any more, be it at once or after reading for long;
    /// [`Range`](ErrorKind::Range) if it is negative.
    pub fn list(&self, glob: &str, rev: Option<i64>, options: ListOptions) -> List {
        List::new(self.clone(), "list", glob, rev, options, None)
    }

    /// All files that match `glob`, in the order of the tree, as of one revision: `rev`, or the current one. All
    /// pages together have a call's usual time.
    ///
    /// # Errors
    /// As [`Client::list`].
    pub async fn walk(&self, glob: &str, rev: Option<i64>) -> Result<Vec<Entry>, Error> {
        let deadline = Some(self.deadline());
        let mut list = List::new(self.clone(), "walk", glob, rev, ListOptions::default(), deadline);
        let mut entries = Vec::new();
        while let Some(entry) = list.next().await {
            entries.push(entry?);
        }
        Ok(entries)
    }
}

/// Files at one revision, see [`Client::list`]. Dropped, it asks for no more.
#[must_use = "it asks for nothing until it is polled"]
pub struct List {
    entries: VecDeque<Entry>,
    progress: Progress,
}

enum Progress {
    Idle(Box<Cursor>),
    Fetching(Pin<Box<dyn Future<Output = Result<Page, Error>> + Send>>),
    Over,
}

/// Where the next page begins.
struct Cursor {
    client: Client,
    op: &'static str,
    glob: String,
    rev: Option<i64>,
    keys_only: bool,
    /// Files still wanted.
    left: u64,
    /// Files had so far.
    had: u64,
    after: Option<Bytes>,
    /// For all pages together.
    deadline: Option<Deadline>,
}

struct Page {
    entries: VecDeque<Entry>,
    next: Option<Box<Cursor>>,
}

impl List {
    pub(crate) fn new(
        client: Client,
        op: &'static str,
        glob: &str,
        rev: Option<i64>,
        options: ListOptions,
        deadline: Option<Deadline>,
    ) -> List {
        let cursor = Cursor {
            client,
            op,
            glob: glob.to_owned(),
            rev,
            keys_only: options.keys_only,
            left: options.limit.unwrap_or(u64::MAX),
            had: 0,
            after: None,
            deadline,
        };
        List { entries: VecDeque::new(), progress: Progress::Idle(Box::new(cursor)) }
    }

    /// The next file; `None` after the last one.
    ///
    /// # Errors
    /// See [`Client::list`].
    pub async fn next(&mut self) -> Option<Result<Entry, Error>> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }
}

impl Stream for List {
    type Item = Result<Entry, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(entry) = self.entries.pop_front() {
                return Poll::Ready(Some(Ok(entry)));
            }
            match &mut self.progress {
                Progress::Over => return Poll::Ready(None),
                Progress::Idle(_) => {
                    if let Progress::Idle(cursor) = std::mem::replace(&mut self.progress, Progress::Over)
                        && cursor.left > 0
                    {
                        self.progress = Progress::Fetching(Box::pin(cursor.fetch()));
                    }
                }
                Progress::Fetching(page) => {
                    let page = ready!(page.as_mut().poll(cx));
                    self.progress = Progress::Over;
                    match page {
                        Ok(Page { entries, next }) => {
                            self.entries = entries;
                            self.progress = next.map_or(Progress::Over, Progress::Idle);
                        }
                        Err(error) => return Poll::Ready(Some(Err(error))),
                    }
                }
            }
        }
    }
}

impl Cursor {
    async fn fetch(mut self: Box<Self>) -> Result<Page, Error> {
        let glob = self.glob.clone();
        let subject = Subject::of(self.op, &glob);
        check_glob(&subject, &glob)?;
        check_rev(&subject, self.rev)?;
        let deadline = self.deadline.unwrap_or_else(|| self.client.deadline());
        let (raw, more) = match self.list(subject, deadline).await {
            Err(error) if error.kind() == ErrorKind::UnknownVerb => self.walk(subject, deadline).await?,
            page => page?,
        };
        self.left -= (raw.len() as u64).min(self.left);
        self.had += raw.len() as u64;
        if let Some(last) = raw.last() {
            self.after = Some(Bytes::copy_from_slice(&last.path));
        }
        let entries = raw.into_iter().map(|raw| entry(raw, &subject)).collect::<Result<VecDeque<_>, _>>()?;
        // A page without files that says there is more would be asked for again and again.
        let has_next = more && self.left > 0 && !entries.is_empty();
        Ok(Page { entries, next: has_next.then_some(self) })
    }

    /// A page by LIST, and whether there is more.
    async fn list(
        &mut self,
        subject: Subject<'_>,
        deadline: Deadline,
    ) -> Result<(Vec<OwnedEntry>, bool), Error> {
        let request = Request {
            limit: Some(self.left.min(PAGE) as u32),
            after: self.after.clone(),
            keys_only: self.keys_only,
            ..self.client.read(Verb::List, &self.glob, self.rev)
        };
        let answer = self.client.ask(subject, deadline, request).await?;
        // The revision of the first page is that of all.
        self.rev = self.rev.or(answer.rev).or(answer.store_rev);
        Ok((answer.entries, answer.more))
    }

    /// A page by WALKs, many at a time. Both ways have the same order, so that one can go on where the other stopped.
    async fn walk(
        &mut self,
        subject: Subject<'_>,
        deadline: Deadline,
    ) -> Result<(Vec<OwnedEntry>, bool), Error> {
        let client = &self.client;
        let rev = match self.rev {
            Some(rev) => rev,
            None => client.revision(subject, deadline).await?,
        };
        let mut pending = VecDeque::new();
        for offset in self.had..self.had + self.left.min(WALKS) {
            let Ok(offset) = i32::try_from(offset) else { break };
            let request = Request { offset: Some(offset), ..client.read(Verb::Walk, &self.glob, Some(rev)) };
            pending.push_back(start(&client.shared, subject, deadline, request).await?);
        }
        self.rev = Some(rev);
        let mut entries = Vec::new();
        while let Some(walk) = pending.pop_front() {
            match walk.answer().await {
                Ok(answer) => entries.push(walked(answer, self.keys_only)),
                Err(error) if error.kind() == ErrorKind::Range => return Ok((entries, false)),
                Err(error) => return Err(error),
            }
        }
        Ok((entries, true))
    }
}

impl Client {
    /// The revision that many reads are to be of.
    pub(crate) async fn revision(&self, subject: Subject<'_>, deadline: Deadline) -> Result<i64, Error> {
        let answer = self.ask(subject, deadline, crate::verbs::plain(Verb::Rev)).await?;
        answer.rev.ok_or_else(|| subject.garbled("lacks a revision"))
    }
}

fn walked(answer: OwnedResponse, keys_only: bool) -> OwnedEntry {
    let value = answer.value.unwrap_or_default();
    OwnedEntry {
        path: answer.path.unwrap_or_default(),
        rev: answer.rev.unwrap_or_default(),
        len: i32::try_from(value.len()).unwrap_or(i32::MAX),
        value: (!keys_only).then_some(value),
    }
}
