//! A closed loop over one connection: an answer makes room for the next request.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use crate::connection::{Connection, LoadError, Request};

/// What is sent, and what becomes of the answers.
pub(crate) trait Work {
    /// The next request, if there is one.
    fn next(&mut self, now: Instant) -> Option<Request>;

    /// A request was done.
    fn answered(&mut self, made: Instant, now: Instant);
}

/// Has one request under way at a time, on one connection after the other, around, until the work has no more. `current`
/// tells which one's turn it is.
pub(crate) async fn drive_in_turn<C: Connection, W: Work>(
    lines: &mut [(C, W)],
    current: &AtomicUsize,
) -> Result<(), LoadError> {
    let mut answers = Vec::with_capacity(1);
    let mut made = Instant::now();
    loop {
        for (number, (connection, work)) in lines.iter_mut().enumerate() {
            current.store(number, Ordering::Relaxed);
            let Some(request) = work.next(made) else { return Ok(()) };
            connection.send(0, request);
            connection.receive(&mut answers).await?;
            let now = Instant::now();
            answers.pop().ok_or(LoadError::Nonsense("no answer"))?.outcome?;
            work.answered(made, now);
            made = now;
        }
    }
}

/// Keeps `in_flight` requests under way until the work has no more and all are answered.
pub(crate) async fn drive(
    connection: &mut impl Connection,
    in_flight: usize,
    work: &mut impl Work,
) -> Result<(), LoadError> {
    let mut made = vec![None; in_flight];
    let mut answers = Vec::with_capacity(in_flight);
    let mut outstanding = 0;
    let mut now = Instant::now();
    for (tag, made) in (0..).zip(&mut made) {
        let Some(request) = work.next(now) else { break };
        connection.send(tag, request);
        *made = Some(now);
        outstanding += 1;
    }
    while outstanding > 0 {
        connection.receive(&mut answers).await?;
        now = Instant::now();
        for answer in answers.drain(..) {
            answer.outcome?;
            let slot = usize::try_from(answer.tag).ok().and_then(|tag| made.get_mut(tag));
            let slot = slot.ok_or(LoadError::Nonsense("a tag that was never sent"))?;
            work.answered(slot.take().ok_or(LoadError::Nonsense("a second answer"))?, now);
            match work.next(now) {
                Some(request) => {
                    connection.send(answer.tag, request);
                    *slot = Some(now);
                }
                None => outstanding -= 1,
            }
        }
    }
    Ok(())
}
