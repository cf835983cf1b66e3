//! The files that match a glob, as they are now: the changes of a glob, put together.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;

use crate::client::Client;
use crate::error::{Error, Subject};
use crate::follow::Follow;
use crate::shared::closed;
use crate::types::{Change, Event, File};

pub(super) type Files = BTreeMap<String, File>;

/// See the module.
pub(super) struct Mirror {
    follow: Follow,
    op: &'static str,
    files: Files,
    /// Something has changed since it was last asked for, or it never was.
    is_new: bool,
}

impl Mirror {
    pub fn new(client: Client, op: &'static str, glob: &str) -> Mirror {
        Mirror { follow: Follow::new(client, op, glob, None), op, files: Files::new(), is_new: true }
    }

    pub fn files(&self) -> &Files {
        &self.files
    }

    /// Waits until the files are others than at the last call, and takes in all that has come by then; at first, until they
    /// are known. Cancel-safe.
    pub async fn changed(&mut self) -> Result<(), Error> {
        poll_fn(|cx| self.poll(cx)).await
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        loop {
            match Pin::new(&mut self.follow).poll_next(cx) {
                Poll::Ready(Some(Ok(event))) => self.take(event),
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(error)),
                Poll::Ready(None) => return Poll::Ready(Err(Subject::new(self.op).failed(closed()))),
                // Until the first look is taken in whole, there is no progress.
                Poll::Pending if self.is_new && self.follow.progress() > 0 => {
                    self.is_new = false;
                    return Poll::Ready(Ok(()));
                }
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    fn take(&mut self, event: Event) {
        self.is_new = true;
        match event.kind {
            Change::Set => self.files.insert(event.path, File { value: Some(event.value), rev: event.rev }),
            Change::Del => self.files.remove(&event.path),
        };
    }
}
