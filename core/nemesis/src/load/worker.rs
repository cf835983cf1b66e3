//! What a client does: on few files, so that all get in each other's way.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;

use super::Asker;
use crate::history::{Answer, ReadAt};
use crate::random::Random;

const FILES: u64 = 6;
/// After a refusal.
const AGAIN: Duration = Duration::from_millis(40);

/// One of the files that all write and read.
pub fn any_path(random: &mut Random) -> String {
    format!("/k/{}", random.below(FILES))
}

#[derive(Debug, Clone, Copy)]
pub enum Task {
    Write,
    Read,
    Wait,
}

/// How long it is between two calls of a task, in milliseconds.
#[derive(Debug, Clone, Copy)]
pub struct Pace(u64, u64);

impl Pace {
    pub const HEAVY: Pace = Pace(1, 20);
    pub const LIGHT: Pace = Pace(10, 150);
}

pub struct Worker {
    asker: Asker,
    random: Random,
    pace: Pace,
    stopped: watch::Receiver<bool>,
}

impl Worker {
    pub fn new(asker: Asker, random: Random, pace: Pace, stopped: watch::Receiver<bool>) -> Worker {
        Worker { asker, random, pace, stopped }
    }

    pub async fn run(mut self, task: Task) {
        while !*self.stopped.borrow() {
            let answer = match task {
                Task::Write => self.write().await,
                Task::Read => self.read().await,
                Task::Wait => self.wait().await,
            };
            let pause = match answer {
                Answer::Refused(_) | Answer::Unknown(_) | Answer::Wrong(_) => AGAIN,
                _ => self.random.millis(self.pace.0, self.pace.1),
            };
            sleep(pause).await;
        }
    }

    fn path(&mut self) -> String {
        any_path(&mut self.random)
    }

    async fn write(&mut self) -> Answer {
        let (path, value) = (self.path(), self.asker.recorder().value());
        match self.random.below(100) {
            0..40 => self.asker.set(&path, value, -1).await,
            40..55 => self.asker.set(&path, value, 0).await,
            55..80 => {
                let rev = self.look(&path).await;
                self.asker.set(&path, value, rev).await
            }
            80..95 => {
                let rev = self.look(&path).await;
                self.asker.del(&path, rev).await
            }
            _ => self.asker.del(&path, -1).await,
        }
    }

    /// The revision of a file, by either kind of read; 0 if there is none, or nobody says.
    async fn look(&mut self, path: &str) -> i64 {
        let at = if self.random.percent(50) { ReadAt::Linearizable } else { ReadAt::Local };
        match self.asker.get(path, at).await {
            Answer::File { rev, .. } => rev,
            _ => 0,
        }
    }

    async fn read(&mut self) -> Answer {
        let (path, newest) = (self.path(), self.asker.recorder().newest());
        let at = match self.random.below(100) {
            0..45 => ReadAt::Linearizable,
            45..80 => ReadAt::Local,
            _ => ReadAt::Revision(self.random.between(1, newest as u64 + 1) as i64),
        };
        self.asker.get(&path, at).await
    }

    async fn wait(&mut self) -> Answer {
        let newest = self.asker.recorder().newest();
        let glob = match self.random.below(10) {
            0..5 => self.path(),
            5..8 => "/k/*".to_owned(),
            _ => "/**".to_owned(),
        };
        let rev = match self.random.percent(70) {
            true => newest + self.random.between(0, 3) as i64,
            false => self.random.between(0, newest as u64) as i64,
        };
        self.asker.wait(&glob, rev).await
    }
}
