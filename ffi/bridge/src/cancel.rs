//! Ending calls from elsewhere.

use std::sync::Arc;

use tokio::sync::watch;

use crate::fork::PerProcess;

/// Ends every call it was given to, from any thread, now and from then on. Cloning is cheap. It belongs to the process
/// it was made in: in the child of a fork it ends nothing, and a call that is given it there ends with `Forked`.
#[derive(Debug, Clone)]
pub struct CancelToken(Arc<PerProcess<watch::Sender<bool>>>);

impl Default for CancelToken {
    fn default() -> CancelToken {
        CancelToken(Arc::new(PerProcess::new(watch::Sender::new(false))))
    }
}

impl CancelToken {
    /// Ends the calls with [`Cancelled`](crate::ErrorKind::Cancelled).
    pub fn cancel(&self) {
        if let Some(sender) = self.0.get() {
            sender.send_replace(true);
        }
    }

    /// Whether it was used.
    pub fn is_cancelled(&self) -> bool {
        self.0.get().is_some_and(|sender| *sender.borrow())
    }

    /// Whether this is still the process it was made in.
    pub(crate) fn is_ours(&self) -> bool {
        self.0.get().is_some()
    }

    pub(crate) async fn cancelled(&self) {
        let Some(sender) = self.0.get() else { return std::future::pending().await };
        // It fails only if the sender is gone, which `self` holds.
        let _ = sender.subscribe().wait_for(|cancelled| *cancelled).await;
    }
}
