//! What the handles of all that is held have in common.

use std::sync::OnceLock;

use doozer_bridge::{Op, Running, guard};

use crate::answer::Answer;
use crate::calls::Calls;

/// What is held, with the calls of the environment it was taken in.
pub struct Held<T> {
    pub(crate) core: T,
    pub(crate) calls: Calls,
    loss: OnceLock<Running>,
}

impl<T> Held<T> {
    pub(crate) fn new(core: T, calls: Calls) -> Held<T> {
        Held { core, calls, loss: OnceLock::new() }
    }

    /// Tells of the loss when it comes, through the calls, and also when nobody has the handle any more. Once for each handle.
    pub(crate) fn watch(&self, id: i64, make: impl FnOnce(&T) -> Op<()>) {
        let watching = self.calls.begin_aside(id, "lost", || make(&self.core), |()| Answer::Nothing);
        if let Some(running) = watching {
            let _ = self.loss.set(running);
        }
    }
}

impl<T> Drop for Held<T> {
    fn drop(&mut self) {
        // Whoever waits for the loss holds what may be lost: it would never be given back.
        if let Some(running) = self.loss.get() {
            // Nobody is there to be told of a panic.
            let _ = guard("lost", || {
                running.cancel();
                Ok(())
            });
        }
    }
}
