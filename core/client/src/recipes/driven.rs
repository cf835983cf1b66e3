//! Work that must not stop halfway: it goes on although its caller has gone.

use doozer_wire::ErrorKind;

use crate::call::Deadline;
use crate::client::Client;
use crate::error::{Error, Subject};
use crate::options::{CallOptions, Timeout};
use crate::shared::closed;

/// Works to the end, beside the caller, who waits until then or until the deadline. What comes out when nobody waits
/// any more is dropped: so it should be something that gives back what it holds. The work is to use
/// [`Client::patient`], and no handle that keeps the client open.
pub(super) async fn driven<T: Send + 'static>(
    client: &Client,
    subject: Subject<'_>,
    deadline: Deadline,
    work: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> Result<T, Error> {
    match deadline.limit(client.shared.runtime.spawn(work)).await {
        Some(Ok(done)) => done,
        // The runtime has ended.
        Some(Err(_)) => Err(subject.failed(closed())),
        None => Err(out_of_time(client, subject, deadline)),
    }
}

/// The error of a call whose time is up.
pub(super) fn out_of_time(client: &Client, subject: Subject<'_>, deadline: Deadline) -> Error {
    match client.shared.why_down() {
        Some(why) => subject.error(ErrorKind::Disconnected, why),
        None => subject.error(ErrorKind::Timeout, format!("not done within {:?}", deadline.after)),
    }
}

impl Client {
    /// A handle that does not keep the client open, and whose calls take as long as it may be.
    pub(super) fn patient(&self) -> Client {
        let options = CallOptions { timeout: Timeout::Never, ..self.options };
        Client::internal(self.shared.clone(), options)
    }
}
