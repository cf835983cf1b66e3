//! Watches everything at one member, from the first revision on.

use std::sync::Arc;
use std::time::Duration;

use doozer_client::{Client, ErrorKind, Options};
use tokio::sync::watch;
use tokio::time::sleep;

use super::asker::{event_of, options, pinned};
use super::{End, Recorder};
use crate::history::Stream;

const AGAIN: Duration = Duration::from_millis(50);

pub struct Watcher {
    address: String,
    recorder: Arc<Recorder>,
    stream: Stream,
}

impl Watcher {
    pub fn new(place: usize, address: String, recorder: Arc<Recorder>) -> Watcher {
        Watcher { address, recorder, stream: Stream { place, ..Stream::default() } }
    }

    /// Until it has come to the end, or nobody is there then. What it saw.
    pub async fn run(mut self, mut end: watch::Receiver<Option<End>>) -> Stream {
        loop {
            let is_nobody_here = match &*end.borrow_and_update() {
                Some(End { places, .. }) => !places.contains(&self.stream.place),
                None => false,
            };
            if is_nobody_here {
                return self.stream;
            }
            let now = end.clone();
            tokio::select! {
                changed = end.changed() => if changed.is_err() { return self.stream },
                is_over = self.attached(now) => if is_over { return self.stream },
            }
        }
    }

    /// Whether it is over.
    async fn attached(&mut self, end: watch::Receiver<Option<End>>) -> bool {
        let unlimited = Options { timeout: None, ..options("nemesis-watch") };
        let Ok(client) = pinned(&self.address, unlimited).await else {
            sleep(AGAIN).await;
            return false;
        };
        self.watch(&client, end).await
    }

    async fn watch(&mut self, client: &Client, end: watch::Receiver<Option<End>>) -> bool {
        let next = self.stream.events.last().map_or(1, |(_, event)| event.rev + 1);
        let mut watch = client.watch("/**", next);
        loop {
            let seen = self.stream.events.last().map_or(0, |(_, event)| event.rev);
            if end.borrow().as_ref().is_some_and(|end| seen >= end.rev) {
                return true;
            }
            match watch.next().await {
                Some(Ok(event)) => {
                    self.stream.events.push((self.recorder.now(), event_of(&event)));
                    self.recorder.saw(event.rev);
                }
                Some(Err(error)) => {
                    // The client goes on by itself when the connection is lost: it may end for nothing else.
                    if error.kind() != ErrorKind::Closed {
                        self.stream.errors.push(error.to_string());
                    }
                    return true;
                }
                None => return true,
            }
        }
    }
}
