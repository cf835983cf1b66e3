//! Clients at work, each attached to one member and to no other: some write, some read, some wait, one takes locks, one watches everything. What
//! they hear is recorded; nothing is judged here.

mod asker;
mod locker;
mod recorder;
mod watcher;
mod worker;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

pub use asker::{Asker, Attachment, options, pinned};
pub use recorder::Recorder;

use crate::history::{ClientId, Stream};
use crate::random::Random;
use locker::Locker;
use watcher::Watcher;
pub use worker::any_path;
use worker::{Pace, Task, Worker};

/// Connections at each member on which is written and read.
const CLIENTS: usize = 2;
/// Tasks that share each of them.
const TASKS: [Task; 4] = [Task::Write, Task::Write, Task::Read, Task::Wait];
/// The same where nothing is written.
const READING: [Task; 4] = [Task::Read, Task::Read, Task::Read, Task::Wait];
/// Which client takes locks.
const LOCKER: usize = 5;
/// How many of 100 stages have a light load. Under a heavy one a member always has writes that are not decided, and reads wait
/// for them: that hides answers from what it knew before.
const LIGHT_PERCENT: u64 = 35;
/// How many of 100 members are not written at then.
const READING_PERCENT: u64 = 60;
/// How long all others have to end: longer than any of their calls may take, and some in a row.
const REST_WITHIN: Duration = Duration::from_secs(40);
/// How long the watches have to come to the end.
const WATCHES_WITHIN: Duration = Duration::from_secs(20);

/// The clients.
pub struct Load {
    recorder: Arc<Recorder>,
    stop: watch::Sender<bool>,
    end: watch::Sender<Option<End>>,
    workers: JoinSet<()>,
    watchers: JoinSet<Stream>,
}

/// What the watches have to come to.
#[derive(Debug, Clone)]
pub struct End {
    pub rev: i64,
    /// Where there are members.
    pub places: Vec<usize>,
}

impl Load {
    /// Starts clients at each of these addresses.
    pub fn start(recorder: &Arc<Recorder>, addresses: &[String], random: &mut Random) -> Load {
        let mut load = Load {
            recorder: Arc::clone(recorder),
            stop: watch::Sender::new(false),
            end: watch::Sender::new(None),
            workers: JoinSet::new(),
            watchers: JoinSet::new(),
        };
        let is_light = random.percent(LIGHT_PERCENT);
        let pace = if is_light { Pace::LIGHT } else { Pace::HEAVY };
        let writer = random.below(addresses.len() as u64) as usize;
        for (place, address) in addresses.iter().enumerate() {
            let is_read_only = is_light && place != writer && random.percent(READING_PERCENT);
            let tasks = if is_read_only { READING } else { TASKS };
            if is_read_only {
                recorder.note(format!("nothing is written at {place}"));
            }
            for number in 0..CLIENTS {
                let id = ClientId { place, number };
                let attachment = Attachment::new(address.clone(), id, Arc::clone(recorder));
                let (random, stopped) = (random.split(), load.stop.subscribe());
                let job = Job { tasks, pace, random };
                load.workers.spawn(work(attachment, job, stopped));
            }
            if !is_read_only {
                let id = ClientId { place, number: LOCKER };
                let attachment = Attachment::new(address.clone(), id, Arc::clone(recorder));
                let locker = Locker::new(attachment, random.split(), load.stop.subscribe());
                load.workers.spawn(locker.run());
            }
            let watcher = Watcher::new(place, address.clone(), Arc::clone(recorder));
            load.watchers.spawn(watcher.run(load.end.subscribe()));
        }
        load
    }

    /// Stops all but the watches. Whether they stopped: each of their calls has a time limit.
    pub async fn rest(&mut self) -> bool {
        self.stop.send_replace(true);
        let all = async { while self.workers.join_next().await.is_some() {} };
        timeout(REST_WITHIN, all).await.is_ok()
    }

    /// Waits for the watches to come to the end, and gives back what they saw. After `rest`.
    pub async fn end(mut self, end: End) -> Vec<Stream> {
        let places = end.places.clone();
        self.end.send_replace(Some(end));
        let mut streams = Vec::new();
        let all = async {
            while let Some(stream) = self.watchers.join_next().await {
                streams.extend(stream.ok());
            }
        };
        if timeout(WATCHES_WITHIN, all).await.is_err() {
            // What they have come to, all the same.
            self.end.send_replace(Some(End { rev: 0, places: Vec::new() }));
            while let Some(stream) = self.watchers.join_next().await {
                streams.extend(stream.ok());
            }
        }
        for stream in &mut streams {
            stream.until = places.contains(&stream.place).then(|| self.recorder.end_rev());
        }
        streams
    }
}

/// What is done on a connection.
struct Job {
    tasks: [Task; 4],
    pace: Pace,
    random: Random,
}

/// One connection, and all tasks that share it.
async fn work(attachment: Attachment, mut job: Job, stopped: watch::Receiver<bool>) {
    let Some(asker) = attachment.attach_until(stopped.clone()).await else { return };
    let mut tasks = JoinSet::new();
    for task in job.tasks {
        let worker = Worker::new(asker.clone(), job.random.split(), job.pace, stopped.clone());
        tasks.spawn(worker.run(task));
    }
    tasks.join_all().await;
}
