//! The last changes of a file, as far as they are kept. A member answers what comes *after* a revision, and what a file was
//! *at* one: from these two the way back is found in a few short questions for each change, however long ago it is.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use doozer_client::{Change, Client, Error, ErrorKind, Event};

/// The last changes of the file at or before a revision, newest first, and at most so many.
pub(super) async fn history(client: &Client, path: &str, rev: i64, most: usize) -> Result<Vec<Event>, Error> {
    let (mut changes, mut rev) = (Vec::new(), rev);
    while changes.len() < most
        && rev > 0
        && let Some(change) = last(client, path, rev).await?
    {
        rev = change.rev - 1;
        changes.push(change);
    }
    Ok(changes)
}

/// The last change at or before a revision.
async fn last(client: &Client, path: &str, rev: i64) -> Result<Option<Event>, Error> {
    match client.get_at(path, rev).await {
        Ok(file) => match file.value {
            Some(value) => Ok(Some(Event { path: path.to_owned(), value, rev: file.rev, kind: Change::Set })),
            None => last_deletion(client, path, rev).await,
        },
        // A directory was made of what was a file.
        Err(error) if error.kind() == ErrorKind::IsDir => last_deletion(client, path, rev).await,
        Err(error) if error.kind() == ErrorKind::TooLate => Ok(None),
        Err(error) => Err(error),
    }
}

/// The same where there is no file: by steps back that double, then by halves.
async fn last_deletion(client: &Client, path: &str, rev: i64) -> Result<Option<Event>, Error> {
    let mut found = None;
    // It is in `low..=high`, if it is anywhere.
    let (mut low, mut high, mut step) = (1, rev, Some(1));
    while low <= high {
        let from = match step {
            Some(step) => (high - step + 1).max(low),
            None => low + (high - low) / 2,
        };
        match first(client, path, from, rev).await {
            Ok(None) => {
                high = from - 1;
                step = step.map(|step| 2 * step);
            }
            Ok(Some(change)) => {
                (low, step) = (change.rev + 1, None);
                found = Some(change);
            }
            Err(error) if error.kind() == ErrorKind::TooLate => (low, step) = (from + 1, None),
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

/// The first change from one revision on up to another one, which has come already.
async fn first(client: &Client, path: &str, from: i64, to: i64) -> Result<Option<Event>, Error> {
    let mut watch = client.watch(path, from);
    let next = poll_fn(|cx| {
        let next = pin!(watch.next()).poll(cx);
        if next.is_pending() && watch.progress() >= to { Poll::Ready(None) } else { next }
    });
    Ok(next.await.transpose()?.filter(|change| change.rev <= to))
}
