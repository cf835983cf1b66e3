//! The read-write lock: many readers, or one writer.

use bytes::Bytes;

use super::gate::enter;
use super::lock::Lock;
use super::mirror::Files;
use crate::client::Client;
use crate::error::Error;

const READER: &[u8] = b"reader";

impl Client {
    /// Takes a read-write lock for reading: `path` is a directory, in which many readers may be at a time, and no writer.
    /// All who want in are served in the order in which they came, so that nobody starves. Its token, [`Lock::rev`], is the
    /// revision of a file in that directory that stands for this reader. Otherwise as [`Client::lock`].
    ///
    /// ```no_run
    /// # async fn example(client: doozer_client::Client) -> Result<(), doozer_client::Error> {
    /// let reading = client.read_lock("/locks/accounts").await?;
    /// reading.unlock().await?;
    /// let writing = client.write_lock("/locks/accounts").await?;
    /// writing.unlock().await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As [`Client::lock`]; [`NotDir`](crate::ErrorKind::NotDir) if a file stands there.
    pub async fn read_lock(&self, path: &str) -> Result<Lock, Error> {
        // Whoever is no reader is taken for a writer.
        let is_reader = |value: &Option<Bytes>| value.as_deref() == Some(READER);
        let has_room = |holders: &Files| holders.values().all(|holder| is_reader(&holder.value));
        enter(self, "read_lock", path, Bytes::from_static(READER), has_room).await
    }

    /// Takes a read-write lock for writing: alone. Otherwise as [`Client::read_lock`].
    ///
    /// # Errors
    /// As [`Client::read_lock`].
    pub async fn write_lock(&self, path: &str) -> Result<Lock, Error> {
        enter(self, "write_lock", path, Bytes::from_static(b"writer"), |holders| holders.is_empty()).await
    }
}
