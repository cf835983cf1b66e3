//! A client that takes locks at one member, writes under them, and gives them back.

use std::time::Duration;

use doozer_client::Lock;
use tokio::sync::watch;
use tokio::time::sleep;

use super::asker::{Asker, Attachment};
use crate::history::Hold;
use crate::random::Random;

const LOCKS: u64 = 2;
/// The shortest that there is: most faults outlast it.
const TTL: Duration = Duration::from_secs(1);
/// How long it stands in line, and how long each of its writes may take.
const TIMEOUT: Duration = Duration::from_secs(3);
const AGAIN: Duration = Duration::from_millis(50);
/// Writes under one lock, at most.
const WRITES_MAX: u64 = 6;
/// How many of 100 locks are not given back, but forgotten.
const FORGOTTEN_PERCENT: u64 = 20;

pub struct Locker {
    attachment: Attachment,
    label: String,
    random: Random,
    stopped: watch::Receiver<bool>,
}

impl Locker {
    pub fn new(attachment: Attachment, random: Random, stopped: watch::Receiver<bool>) -> Locker {
        let label = attachment.id().to_string();
        Locker { attachment, label, random, stopped }
    }

    pub async fn run(mut self) {
        let mut asker = None;
        while !*self.stopped.borrow() {
            let Some(asker) = &asker else {
                asker = self.attachment.attach_locker(TIMEOUT, TTL, &self.label).await.ok();
                sleep(AGAIN).await;
                continue;
            };
            let number = self.random.below(LOCKS);
            match asker.lock(&format!("/lock/{number}"), TIMEOUT).await {
                Ok(lock) => self.hold(asker, lock, &format!("/guarded/{number}")).await,
                Err(_) => sleep(AGAIN).await,
            }
        }
    }

    /// Writes under a lock for a while, as long as it is held; and once more when it is not.
    async fn hold(&mut self, asker: &Asker, lock: Lock, guarded: &str) {
        let recorder = self.attachment.recorder().clone();
        let from = recorder.now();
        if !lock.is_held() {
            return;
        }
        let (path, token, label) = (lock.path().to_owned(), lock.rev(), self.label.clone());
        let client = self.attachment.id();
        let mut hold = Hold { client, path, label, token, from, until: from, writes: Vec::new() };
        for _ in 0..self.random.between(0, WRITES_MAX) {
            let value = recorder.value();
            hold.writes.push(value.clone());
            asker.set_fenced(guarded, value, &lock).await;
            sleep(self.random.millis(0, 20)).await;
            let now = recorder.now();
            if !lock.is_held() {
                break;
            }
            hold.until = now;
        }
        recorder.hold(hold);
        if !self.random.percent(FORGOTTEN_PERCENT) {
            // That it is lost is no news.
            drop(lock.unlock().await);
        }
    }
}
