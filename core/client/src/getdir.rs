//! The names in a directory, all of one revision although they are asked for one by one.

use std::collections::VecDeque;

use doozer_wire::{ErrorKind, Request, Verb};

use crate::call::{Deadline, Pending, start};
use crate::client::Client;
use crate::error::{Error, Subject};
use crate::types::text;
use crate::verbs::check_read;

/// GETDIRs under way at a time.
const UNDER_WAY: usize = 64;

impl Client {
    /// The names in a directory, in byte order, all as of one revision: `rev`, or the current one.
    ///
    /// # Errors
    /// [`NoEntry`](ErrorKind::NoEntry) if there is nothing; [`NotDir`](ErrorKind::NotDir) if there is a file;
    /// [`TooLate`](ErrorKind::TooLate) if the member does not keep that revision any more;
    /// [`BadPath`](ErrorKind::BadPath); [`Range`](ErrorKind::Range) if the revision is negative.
    pub async fn getdir(&self, path: &str, rev: Option<i64>) -> Result<Vec<String>, Error> {
        let (subject, deadline) = (Subject::of("getdir", path), self.deadline());
        check_read(&subject, path, rev)?;
        let rev = match rev {
            Some(rev) => rev,
            None => self.revision(subject, deadline).await?,
        };
        let mut names = Vec::new();
        let mut pending = VecDeque::new();
        let mut offset = 0;
        // Twice as many with each round, so that a small directory takes few requests and a large one few round trips.
        let mut window = 2;
        loop {
            while pending.len() < window {
                pending.push_back(self.entry(subject, deadline, rev, offset).await?);
                offset += 1;
            }
            window = (2 * window).min(UNDER_WAY);
            let Some(next) = pending.pop_front() else { continue };
            match next.answer().await {
                Ok(answer) => names.push(text(answer.path, &subject)?),
                Err(error) if error.kind() == ErrorKind::Range => return Ok(names),
                Err(error) => return Err(error),
            }
        }
    }

    async fn entry<'a>(
        &'a self,
        subject: Subject<'a>,
        deadline: Deadline,
        rev: i64,
        offset: i32,
    ) -> Result<Pending<'a>, Error> {
        let path = subject.path.unwrap_or_default();
        let request = Request { offset: Some(offset), ..self.read(Verb::Getdir, path, Some(rev)) };
        start(&self.shared, subject, deadline, request).await
    }
}
