//! A client: what it knows, what it has asked and not been answered, what it watches.
//! Never here: how a request travels, or what an answer should be.

use std::collections::BTreeMap;

use crate::history::{Answer, ClientId, Event, OpId, Request};
use crate::holder::Holder;
use crate::random::Random;
use crate::serve::Said;
use crate::workload::Known;

/// What a client is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// It reads, writes and waits, one thing at a time, its waits beside that.
    Work,
    /// It has a session, writes under it, holds locks.
    Hold,
    /// It changes who votes.
    Operate,
    /// It shows at the end that one member can write.
    Probe,
}

/// One client.
#[derive(Debug)]
pub struct Client {
    /// Its number.
    pub id: ClientId,
    /// What it is for.
    pub purpose: Purpose,
    /// Its own draws.
    pub random: Random,
    /// What it has seen.
    pub known: Known,
    /// Its connection, by number.
    pub connection: Option<u64>,
    /// The member it is attached to, or last was.
    pub place: usize,
    /// What it knows of its session, if it is to have one.
    pub holder: Option<Box<Holder>>,
    doing: Option<(OpId, Request)>,
    waits: BTreeMap<OpId, Request>,
    watches: BTreeMap<OpId, Watch>,
    cut_off: Vec<Watch>,
}

/// A stream of events, over however many connections it takes.
#[derive(Debug, Clone)]
pub struct Watch {
    /// What it is about.
    pub glob: String,
    /// Everything before this was received.
    pub next: u64,
}

/// Waits and watches of one client at a time.
const BESIDE_MAX: usize = 4;

impl Client {
    /// A client that has done nothing yet.
    pub fn new(id: ClientId, purpose: Purpose, mut random: Random) -> Client {
        let holder = (purpose == Purpose::Hold).then(|| Box::new(Holder::new(&mut random)));
        Client {
            holder,
            id,
            purpose,
            random,
            known: Known::default(),
            connection: None,
            place: 0,
            doing: None,
            waits: BTreeMap::new(),
            watches: BTreeMap::new(),
            cut_off: Vec::new(),
        }
    }

    /// Whether it waits for the answer of an operation.
    pub fn is_busy(&self) -> bool {
        self.doing.is_some() || self.holder.as_ref().is_some_and(|holder| !holder.is_done())
    }

    /// Whether it waits for this very answer.
    pub fn is_doing(&self, op: OpId) -> bool {
        self.doing.as_ref().is_some_and(|(doing, _)| *doing == op)
    }

    /// What it waits for the answer of.
    pub fn doing(&self) -> Option<&Request> {
        self.doing.as_ref().map(|(_, request)| request)
    }

    /// Whether one more wait or watch would be too many.
    pub fn has_enough_beside(&self) -> bool {
        self.waits.len() + self.watches.len() >= BESIDE_MAX
    }

    /// It asks.
    pub fn asks(&mut self, op: OpId, request: &Request) {
        match request {
            _ if self.holder.is_some() => {}
            Request::Wait { .. } => drop(self.waits.insert(op, request.clone())),
            Request::Watch { glob, from } => {
                self.watches.insert(op, Watch { glob: glob.clone(), next: *from });
            }
            _ => self.doing = Some((op, request.clone())),
        }
    }

    /// Something came. True if it was waited for.
    pub fn hears(&mut self, said: &Said) -> bool {
        if let Some(watch) = self.watches.get_mut(&said.op) {
            match &said.answer {
                Answer::Event(Event { rev, .. }) | Answer::Progress(rev) => {
                    watch.next = watch.next.max(rev + 1)
                }
                _ => drop(self.watches.remove(&said.op)),
            }
        } else if self.waits.remove(&said.op).is_none() {
            let Some((_, request)) = self.doing.take_if(|(op, _)| *op == said.op) else { return false };
            self.learns(&request, &said.answer);
        }
        self.known.saw(said.revision);
        true
    }

    fn learns(&mut self, request: &Request, answer: &Answer) {
        let (Request::Set { path, .. } | Request::Del { path, .. } | Request::Get { path, .. }) = request
        else {
            return;
        };
        match answer {
            Answer::Set(rev) | Answer::File { rev, .. } => self.known.saw_file(path, *rev),
            Answer::Deleted(_) | Answer::Missing => self.known.saw_file(path, 0),
            _ => {}
        }
    }

    /// Its connection is gone: what it asked and will not be answered. Watches are gone on with elsewhere.
    pub fn is_cut_off(&mut self) -> Vec<OpId> {
        self.connection = None;
        let watches = std::mem::take(&mut self.watches);
        let mut open: Vec<OpId> = watches.keys().copied().collect();
        self.cut_off.extend(watches.into_values());
        open.extend(std::mem::take(&mut self.waits).into_keys());
        open.extend(self.doing.take().map(|(op, _)| op));
        open
    }

    /// A watch to be gone on with.
    pub fn next_to_resume(&mut self) -> Option<Watch> {
        self.cut_off.pop()
    }

    /// Whether watches wait to be gone on with.
    pub fn has_to_resume(&self) -> bool {
        !self.cut_off.is_empty()
    }

    /// Waits and watches on its connection.
    pub fn open_beside(&self) -> Vec<OpId> {
        self.watches.keys().chain(self.waits.keys()).copied().collect()
    }
}
