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

/// Keeps `in_flight` requests under way until the work has no more and all are answered. After the first answer that is an
/// error nothing more is sent, but what is under way is still waited for: whoever cleans up must not be overtaken by it.
pub(crate) async fn drive(
    connection: &mut impl Connection,
    in_flight: usize,
    work: &mut impl Work,
) -> Result<(), LoadError> {
    let mut made = vec![None; in_flight];
    let mut answers = Vec::with_capacity(in_flight);
    let mut outstanding = 0;
    let mut outcome = Ok(());
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
            let slot = usize::try_from(answer.tag).ok().and_then(|tag| made.get_mut(tag));
            let slot = slot.ok_or(LoadError::Nonsense("a tag that was never sent"))?;
            let made = slot.take().ok_or(LoadError::Nonsense("a second answer"))?;
            if answer.outcome.is_ok() {
                work.answered(made, now);
            }
            outcome = outcome.and(answer.outcome);
            match if outcome.is_ok() { work.next(now) } else { None } {
                Some(request) => {
                    connection.send(answer.tag, request);
                    *slot = Some(now);
                }
                None => outstanding -= 1,
            }
        }
    }
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::Answer;
    use std::task::{Context, Poll};

    /// Answers one request at a time, in their order, the second with an error.
    #[derive(Default)]
    struct Refusing {
        sent: usize,
        answered: usize,
    }

    impl Connection for Refusing {
        fn send(&mut self, tag: i32, _: Request) {
            assert_eq!(usize::try_from(tag), Ok(self.sent % 4));
            self.sent += 1;
        }

        fn poll_receive(
            &mut self,
            _: &mut Context<'_>,
            answers: &mut Vec<Answer>,
        ) -> Poll<Result<(), LoadError>> {
            assert!(self.answered < self.sent, "nothing is under way");
            let tag = i32::try_from(self.answered % 4).unwrap();
            self.answered += 1;
            let outcome = if self.answered == 2 { Err(LoadError::Leaving) } else { Ok(()) };
            answers.push(Answer { tag, outcome });
            Poll::Ready(Ok(()))
        }
    }

    struct Endless(usize);

    impl Work for Endless {
        fn next(&mut self, _: Instant) -> Option<Request> {
            Some(Request::Get("/a".into()))
        }

        fn answered(&mut self, _: Instant, _: Instant) {
            self.0 += 1;
        }
    }

    #[tokio::test]
    async fn after_an_error_nothing_is_sent_and_everything_is_waited_for() {
        let (mut connection, mut work) = (Refusing::default(), Endless(0));
        let ended = drive(&mut connection, 4, &mut work).await;
        assert_eq!(ended.map_err(|why| why.to_string()), Err("the member is being stopped".to_owned()));
        // Four at first, and one in the place of the one that was answered before the error.
        assert_eq!((connection.sent, connection.answered, work.0), (5, 5, 4));
    }
}
