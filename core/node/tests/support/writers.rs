//! Clients that write as fast as they are answered, one at each member, until they are stopped or their member is gone.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use bytes::Bytes;
use doozer_wire::Request;

use super::cluster::event;
use super::{Member, Raw, cancel, set, watch};

/// Writes of one of them that are not answered yet.
const IN_FLIGHT: usize = 32;

/// A write that was acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    pub rev: i64,
    pub path: String,
    pub value: Bytes,
}

/// How they write: paths of each, and bytes of a value.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    pub paths: usize,
    pub value_bytes: usize,
}

pub struct Writers {
    shape: Shape,
    stop: Arc<AtomicBool>,
    acknowledged: Receiver<()>,
    /// Given to each of them.
    tell: Sender<()>,
    threads: Vec<JoinHandle<Vec<Made>>>,
}

impl Writers {
    pub fn start<'a>(members: impl IntoIterator<Item = &'a Member>, shape: Shape) -> Writers {
        let (tell, acknowledged) = channel();
        let mut writers = Writers { shape, stop: Arc::default(), acknowledged, tell, threads: Vec::new() };
        members.into_iter().for_each(|member| writers.at(member));
        writers
    }

    /// One more, at this member.
    pub fn at(&mut self, member: &Member) {
        let writer = Writer {
            raw: member.modern(),
            number: self.threads.len(),
            shape: self.shape,
            stop: Arc::clone(&self.stop),
            tell: self.tell.clone(),
        };
        self.threads.push(thread::spawn(move || writer.run()));
    }

    /// Waits for so many acknowledgements more, of whomever.
    pub fn wait_for(&self, count: usize) {
        for _ in 0..count {
            self.acknowledged.recv_timeout(Duration::from_secs(60)).expect("writes are acknowledged");
        }
    }

    /// Has them stop once they are answered: what was acknowledged, in the order of each.
    pub fn stop(self) -> Vec<Made> {
        self.stop.store(true, Ordering::Relaxed);
        self.threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    }
}

struct Writer {
    raw: Raw,
    number: usize,
    shape: Shape,
    stop: Arc<AtomicBool>,
    tell: Sender<()>,
}

impl Writer {
    fn run(mut self) -> Vec<Made> {
        let mut in_flight: HashMap<i32, (String, Bytes)> = HashMap::new();
        let mut made = Vec::new();
        let mut tag = 0;
        loop {
            while in_flight.len() < IN_FLIGHT && !self.stop.load(Ordering::Relaxed) {
                tag += 1;
                let path = format!("/w/{}/{}", self.number, tag as usize % self.shape.paths);
                let mut value = format!("{}.{tag} ", self.number).into_bytes();
                value.resize(value.len().max(self.shape.value_bytes), b'.');
                let value = Bytes::from(value);
                if !self.raw.try_send(&Request { tag: Some(tag), ..set(&path, value.clone(), -1) }) {
                    break;
                }
                in_flight.insert(tag, (path, value));
            }
            if in_flight.is_empty() {
                return made;
            }
            let Some(answer) = self.raw.next() else { return made };
            let (path, value) = in_flight.remove(&answer.tag.unwrap()).unwrap();
            assert_eq!(answer.failure(), None, "{path}");
            made.push(Made { rev: answer.rev.unwrap(), path, value });
            let _ = self.tell.send(());
        }
    }
}

/// Asserts that this member tells every change from 1 on, each once and in order, and those that were acknowledged among
/// them, as they were. Returns all.
pub fn history(raw: &mut Raw, made: &[Made]) -> Vec<Made> {
    let last = raw.rev();
    raw.send(&watch("/**", 1, 7));
    let mut told = Vec::new();
    for rev in 1..=last {
        let event = event(raw, 7);
        assert_eq!(event.rev, Some(rev), "{event:?}");
        let path = String::from_utf8(event.path.unwrap().to_vec()).unwrap();
        told.push(Made { rev, path, value: event.value.unwrap_or_default() });
    }
    raw.call(cancel(7));
    for made in made {
        assert_eq!(told.get(made.rev as usize - 1), Some(made), "an acknowledged write");
    }
    told
}
