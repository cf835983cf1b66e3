//! A feed that is closed while somebody waits for it, without a member.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

use std::sync::mpsc;
use std::time::Duration;

use super::*;

/// So long that only a bug reaches it.
const PATIENCE: Duration = Duration::from_secs(30);

/// A stream of nothing, which tells when it is dropped.
struct Silent(mpsc::Sender<()>);

impl Stream for Silent {
    type Item = Result<i64, Error>;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Pending
    }
}

impl Drop for Silent {
    fn drop(&mut self) {
        self.0.send(()).unwrap();
    }
}

fn silent() -> (Feed<i64>, mpsc::Receiver<()>) {
    let (dropped, told) = mpsc::channel();
    let subject = Subject::new("watch", Some("/a"));
    (Feed::new(subject, Arc::default(), async { Ok(Silent(dropped)) }), told)
}

#[test]
fn a_closed_feed_lets_go_of_its_stream_though_the_wait_for_it_is_given_up() {
    let (feed, dropped) = silent();
    let mut ready = feed.ready();
    assert!(ready.poll_for(Some(Duration::from_millis(1))).is_none());
    feed.close();
    assert!(dropped.try_recv().is_err(), "the wait holds it still");
    drop(ready);
    dropped.try_recv().expect("the wait was the last to hold it, although there is the feed");
    assert!(feed.is_closed());
}

#[test]
fn a_closed_feed_ends_the_wait_for_it_and_lets_go_of_its_stream() {
    let (feed, dropped) = silent();
    let mut ready = feed.ready();
    assert!(ready.poll_for(Some(Duration::from_millis(1))).is_none());
    feed.close();
    ready.poll_for(Some(PATIENCE)).expect("it ends").unwrap();
    dropped.try_recv().expect("it was the last to hold it");
    assert!(matches!(feed.take().unwrap(), Next::End));
}
