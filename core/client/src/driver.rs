//! The task behind a client: connects, serves the connection until it ends, connects again.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};
use tracing::debug;

use crate::backoff::Backoff;
use crate::boot::addresses;
use crate::client::Client;
use crate::dial::{Dialer, Unreachable};
use crate::network::Network;
use crate::options::{CallOptions, Consistency, Timeout};
use crate::random::Random;
use crate::shared::Shared;

/// How long asking a member for the addresses of the others may take.
const LEARN: Duration = Duration::from_secs(5);

/// How long closing the session may take.
const FAREWELL: Duration = Duration::from_secs(1);

/// Runs a client until `closing` fires, or its other end is dropped.
pub(crate) async fn drive(shared: Arc<Shared>, dialer: Dialer, closing: oneshot::Receiver<()>) {
    // Whatever ends this task, a shutdown of the runtime included, nobody may wait for it forever.
    let _close = CloseOnDrop(Arc::clone(&shared));
    let mut work = pin!(keep_connected(&shared, &dialer));
    tokio::select! {
        // First, so that nothing more is sent once the client is closed.
        biased;
        _ = closing => {}
        () = &mut work => {}
    }
    // What belongs to the session goes at once, and not after its TTL only.
    if let Some(closed) = shared.leave() {
        tokio::select! {
            _ = timeout(FAREWELL, closed) => {}
            () = work => {}
        }
    }
}

struct CloseOnDrop(Arc<Shared>);

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        self.0.close();
    }
}

async fn keep_connected(shared: &Arc<Shared>, dialer: &Dialer) {
    let mut backoff = Backoff::new(Random::new());
    loop {
        match dialer.dial(shared).await {
            Ok(link) => {
                shared.up(&link.peer);
                if let Dialer::Network(network) = dialer {
                    tokio::spawn(learn(Arc::clone(shared), Arc::clone(network)));
                }
                let ended = link.run(shared).await;
                debug!(why = ended.why, "connection lost");
                shared.down(format!("the connection was lost: {}", ended.why));
                if ended.was_useful {
                    backoff.reset();
                }
            }
            Err(Unreachable::Now(why)) => {
                debug!(why, "cannot connect");
                shared.down(why);
            }
            Err(Unreachable::ForGood(failure)) => {
                debug!(why = failure.detail, "connecting cannot succeed");
                shared.fail_all(&failure);
                wanted(shared).await;
            }
        }
        sleep(backoff.pause()).await;
    }
}

/// Waits until somebody wants something sent.
async fn wanted(shared: &Shared) {
    poll_fn(|cx| {
        let is_wanted = shared.table(|table, _| table.has_queued(cx.waker()));
        if is_wanted { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

/// Asks for the addresses of all members, to know where to go when this one is lost. Nothing depends on it.
async fn learn(shared: Arc<Shared>, network: Arc<Network>) {
    let options = CallOptions { timeout: Timeout::After(LEARN), consistency: Consistency::Local };
    let client = Client::internal(shared, options);
    match client.walk("/ctl/node/*/addr", None).await {
        Ok(files) => network.learn(addresses(files.into_iter().filter_map(|file| file.value))),
        Err(error) => debug!(%error, "the other members' addresses stay unknown"),
    }
}
