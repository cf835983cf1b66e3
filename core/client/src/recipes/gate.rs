//! What read-write locks and semaphores share: a directory that those enter for whom there is room, one after the other.
//!
//! `queue` in it is a lock that whoever wants in takes first. Only its holder looks at the files below `holders`, and waits
//! until there is room. Then one transaction, fenced by the queue's token, makes its own file below `holders` and gives the
//! queue to the next. So between its last look and its own file, others can only have left.

use bytes::Bytes;
use doozer_wire::ErrorKind;

use super::below;
use super::driven::{driven, out_of_time};
use super::held::Held;
use super::lock::Lock;
use super::mirror::{Files, Mirror};
use crate::bound::{Bound, Hold};
use crate::call::Deadline;
use crate::client::Client;
use crate::error::{Error, Subject};
use crate::txn::Txn;
use crate::verbs::check_path;

/// Enters the directory `path` once `has_room` says so of what is below `holders`. Dropped, it leaves nothing behind.
pub(super) async fn enter(
    client: &Client,
    op: &'static str,
    path: &str,
    value: Bytes,
    has_room: impl Fn(&Files) -> bool,
) -> Result<Lock, Error> {
    let (subject, deadline) = (Subject::of(op, path), client.deadline_or(None));
    check_path(&subject, path)?;
    let entering = async {
        loop {
            let queue = below(path, "queue");
            let queue = client.take(Subject::of(op, &queue), Deadline::NEVER, client.label()).await?;
            if !wait_for_room(client, op, path, &queue, &has_room).await? {
                continue;
            }
            match pass(client, op, path, value.clone(), queue).await {
                // This process may have stood still since the answer came.
                Ok(held) if !held.is_held() => {}
                Ok(held) => return Ok(Lock::new(client, held)),
                // The queue was lost.
                Err(error)
                    if [ErrorKind::CompareFailed, ErrorKind::OutcomeUnknown].contains(&error.kind()) => {}
                Err(error) => return Err(error),
            }
        }
    };
    let entered = deadline.limit(entering).await;
    entered.unwrap_or_else(|| Err(out_of_time(client, subject, deadline))).map_err(|error| error.below(path))
}

/// Waits until there is room; false if the queue was lost before.
async fn wait_for_room(
    client: &Client,
    op: &'static str,
    path: &str,
    queue: &Held,
    has_room: &impl Fn(&Files) -> bool,
) -> Result<bool, Error> {
    let mut holders = Mirror::new(client.patient(), op, &below(path, "holders/*"));
    loop {
        tokio::select! {
            changed = holders.changed() => changed?,
            () = queue.expires() => return Ok(false),
        }
        if has_room(holders.files()) {
            return Ok(true);
        }
    }
}

/// Goes in, and gives the queue to the next. The name is the queue's token, which nobody else has had.
async fn pass(
    client: &Client,
    op: &'static str,
    path: &str,
    value: Bytes,
    queue: Held,
) -> Result<Held, Error> {
    let (place, inner) = (below(path, &format!("holders/{}", queue.token())), client.patient());
    let txn = Txn::new()
        .if_fence(queue.path(), queue.token())
        .set_ephemeral(&place, value, 0)
        .del(queue.path(), -1);
    let work = async move {
        let (hold, subject) = (Hold::new(&inner.shared), Subject::of(op, &place));
        let made = inner.make(subject, Deadline::NEVER, &txn).await?;
        queue.handed_on();
        match (made.revs.first().copied().flatten(), made.generation) {
            (Some(rev), Some(generation)) => Ok(Held::new(&inner, &place, Bound::new(rev, generation, hold))),
            _ => Err(subject.garbled("lacks a revision, or is no session's")),
        }
    };
    driven(client, Subject::of(op, path), Deadline::NEVER, work).await
}
