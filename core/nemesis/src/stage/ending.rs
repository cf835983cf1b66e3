//! The end of a stage: everybody comes to rest, and everything that was heard is checked.

use std::fs;
use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::{PAUSE, Stage, WELL_WITHIN};
use crate::check::{Violation, check, slice};
use crate::history::{Answer, Copy, History, Request, value_of};
use crate::load::{End, Load, options, pinned};
use crate::trouble::{Trouble, io};

/// The last change of all.
const END: &str = "/end";
/// How long a member's whole state may take to be read.
const COPY_WITHIN: Duration = Duration::from_secs(20);

/// What came of a stage.
#[derive(Debug, Default)]
pub struct Report {
    pub rounds: usize,
    /// What was done to whom.
    pub said: Vec<String>,
    pub operations: u64,
    pub acknowledged: u64,
    pub unknown: u64,
    /// Changes that watches showed, at all members together.
    pub events: u64,
    /// Locks that were held.
    pub holds: u64,
    pub slowest: Duration,
    /// Each with the slice of history that shows it.
    pub violations: Vec<String>,
}

impl Stage<'_> {
    pub(super) async fn end(
        mut self,
        mut load: Load,
        rounds: usize,
        broken: Option<Violation>,
        keep: bool,
    ) -> Result<Report, Trouble> {
        let mut violations: Vec<Violation> = broken.into_iter().collect();
        if !load.rest().await {
            violations.push(Violation::new("answers", "a client's call does not end in its time".to_owned()));
        }
        while self.late.join_next().await.is_some() {}
        let end = if violations.is_empty() { self.last_write().await } else { None };
        if violations.is_empty() && end.is_none() {
            violations.push(Violation::new("recovery", "nobody takes the last write".to_owned()));
        }
        let places = if end.is_some() { self.cluster.running() } else { Vec::new() };
        let rev = end.unwrap_or_default();
        self.recorder.set_end_rev(rev);
        let streams = load.end(End { rev, places: places.clone() }).await;
        let mut copies = Vec::new();
        for place in places {
            match self.copy(place, rev).await {
                Ok(copy) => copies.push(copy),
                Err(why) => violations.push(Violation::new("members", why)),
            }
        }
        violations.extend(self.cluster.casualties().into_iter().map(|what| Violation::new("members", what)));
        let mut history = self.recorder.take();
        history.streams = streams;
        history.copies = copies;
        violations.extend(check(&history));
        let report = self.report(rounds, &history, &violations);
        if keep || !violations.is_empty() {
            self.keep(&history, &report)?;
        }
        Ok(report)
    }

    /// Once it is acknowledged, nobody needs to watch any longer.
    async fn last_write(&self) -> Option<i64> {
        let since = Instant::now();
        while since.elapsed() < WELL_WITHIN {
            for place in self.cluster.running() {
                if let Ok(asker) = self.prover(place).await
                    && let Answer::Made(rev) = asker.set(END, self.recorder.value(), -1).await
                {
                    return Some(rev);
                }
            }
            sleep(PAUSE).await;
        }
        None
    }

    /// A member's whole state at a revision.
    async fn copy(&self, place: usize, rev: i64) -> Result<Copy, String> {
        let why = |error| format!("member {place} does not show its state at {rev}: {error}");
        let since = Instant::now();
        loop {
            let copied = async {
                let client = pinned(&self.wires.listens(place), options("nemesis-copy")).await?;
                client.walk("/**", Some(rev)).await
            };
            match copied.await {
                Ok(files) => {
                    let value =
                        |value: Option<_>| value.map_or(String::new(), |value: Vec<u8>| value_of(&value));
                    let files =
                        files.into_iter().map(|file| (file.path, file.rev, value(file.value.map(Vec::from))));
                    return Ok(Copy { place, rev, files: files.collect() });
                }
                Err(error) if since.elapsed() > COPY_WITHIN => return Err(why(error)),
                Err(_) => sleep(PAUSE).await,
            }
        }
    }

    fn report(&self, rounds: usize, history: &History, violations: &[Violation]) -> Report {
        let is_write = |request: &Request| matches!(request, Request::Set { .. } | Request::Del { .. });
        let count = |is_so: fn(&Answer) -> bool| {
            let writes = history.operations.iter().filter(|operation| is_write(&operation.request));
            writes.filter(|operation| is_so(&operation.answer)).count() as u64
        };
        Report {
            rounds,
            said: self.said.clone(),
            operations: history.operations.len() as u64,
            acknowledged: count(|answer| matches!(answer, Answer::Made(_))),
            unknown: count(|answer| matches!(answer, Answer::Unknown(_))),
            events: history.streams.iter().map(|stream| stream.events.len() as u64).sum(),
            holds: history.holds.len() as u64,
            slowest: self.slowest,
            violations: violations.iter().map(|violation| slice(history, violation)).collect(),
        }
    }

    /// Keeps the history, and what is wrong with it, beside the logs of the members.
    fn keep(&self, history: &History, report: &Report) -> Result<(), Trouble> {
        let path = self.dir().join("history.json");
        let text = serde_json::to_vec(history).map_err(|error| Trouble::Nothing(error.to_string()))?;
        fs::write(&path, text).map_err(io(path.display().to_string()))?;
        let path = self.dir().join("violations.txt");
        fs::write(&path, report.violations.join("\n")).map_err(io(path.display().to_string()))
    }
}
