//! The semaphore: so many at a time.

use doozer_wire::ErrorKind;

use super::gate::enter;
use super::lock::Lock;
use crate::client::Client;
use crate::error::{Error, Subject};

impl Client {
    /// Takes one of `n` places: `path` is a directory, in which so many may be at a time. All who want in are served in the
    /// order in which they came; each goes in once fewer than its own `n` are inside, so give all the same. The token,
    /// [`Lock::rev`], is the revision of a file in that directory that stands for this place. Otherwise as [`Client::lock`].
    ///
    /// ```no_run
    /// # async fn example(client: doozer_client::Client) -> Result<(), doozer_client::Error> {
    /// let place = client.semaphore("/locks/downloads", 4).await?;
    /// place.unlock().await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As [`Client::read_lock`]; [`Range`](ErrorKind::Range) for no place at all.
    pub async fn semaphore(&self, path: &str, n: usize) -> Result<Lock, Error> {
        let op = "semaphore";
        if n == 0 {
            return Err(Subject::of(op, path).error(ErrorKind::Range, "0 places: nobody could ever enter"));
        }
        enter(self, op, path, self.label(), |holders| holders.len() < n).await
    }
}
