//! What all handles of one client and its connection share.

use std::time::Duration;

use doozer_wire::{ErrorKind, Request, Secret};
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, oneshot, watch};

use crate::calls::{Answer, Done, Failure, Owner, Tag};
use crate::clock::{Clock, Moment};
use crate::peer::Peer;
use crate::random::Random;
use crate::session::{Tenure, Terms};
use crate::table::Table;

/// Requests that are not answered yet have at most so many bytes together; more wait. WAITs and WATCHes, which may
/// stand for hours, do not count.
pub(crate) const OUTSTANDING_BYTES_MAX: usize = 16 << 20;

/// Where the client stands.
#[derive(Debug, Clone)]
enum Standing {
    /// No attempt to connect has failed yet.
    Starting(String),
    /// No connection: why.
    Down(String),
    Up,
    Closed,
}

#[derive(Debug)]
pub(crate) struct Shared {
    state: Mutex<State>,
    pub outstanding: Semaphore,
    pub secret: Mutex<Option<Secret>>,
    /// What the client calls itself.
    pub name: String,
    /// The usual time limit of a call.
    pub timeout: Option<Duration>,
    /// Where the client's task runs, and what is to be tidied up after a caller has gone.
    pub runtime: Handle,
    /// The session the client has, if it has one.
    pub tenure: watch::Sender<Option<Tenure>>,
    clock: Clock,
    /// Whether the client's task has ended.
    pub ended: watch::Sender<bool>,
}

#[derive(Debug)]
struct State {
    table: Table,
    standing: Standing,
    /// The cluster the first connection led to. Revisions of another one mean nothing here.
    cluster: Option<[u8; 16]>,
}

impl Shared {
    /// Needs a tokio runtime.
    pub fn new(name: String, timeout: Option<Duration>, secret: Option<Secret>, terms: Terms) -> Shared {
        let standing = Standing::Starting("no answer from the member yet".to_owned());
        Shared {
            state: Mutex::new(State { table: Table::new(terms, Random::new()), standing, cluster: None }),
            outstanding: Semaphore::new(OUTSTANDING_BYTES_MAX),
            secret: Mutex::new(secret),
            name,
            timeout,
            runtime: Handle::current(),
            tenure: watch::Sender::new(None),
            clock: Clock::new(),
            ended: watch::Sender::new(false),
        }
    }

    /// Submits a caller's request.
    pub fn submit(&self, request: Request) -> Result<(Tag, oneshot::Receiver<Answer>), Failure> {
        let (caller, answer) = oneshot::channel();
        let tag = self.open(|table, done| table.submit(request, Owner::Caller(caller), done))?;
        Ok((tag, answer))
    }

    /// Whether the client is closed.
    pub fn is_closed(&self) -> bool {
        matches!(self.state.lock().standing, Standing::Closed)
    }

    /// Works on the table unless the client is closed.
    pub fn open<T>(&self, work: impl FnOnce(&mut Table, &mut Done) -> T) -> Result<T, Failure> {
        let mut done = Done::default();
        let result = {
            let mut state = self.state.lock();
            if matches!(state.standing, Standing::Closed) {
                return Err(closed());
            }
            let result = work(&mut state.table, &mut done);
            self.tell(&mut done);
            result
        };
        self.deliver(&mut done);
        Ok(result)
    }

    /// Works on the table, then hands over what that brought.
    pub fn table<T>(&self, work: impl FnOnce(&mut Table, &mut Done) -> T) -> T {
        let mut done = Done::default();
        let result = {
            let mut state = self.state.lock();
            let result = work(&mut state.table, &mut done);
            self.tell(&mut done);
            result
        };
        self.deliver(&mut done);
        result
    }

    /// Hands over what was done, now that the table is let go.
    fn deliver(&self, done: &mut Done) {
        for (path, rev) in done.deliver() {
            self.table(|table, done| table.tidy_away(path, rev, done));
        }
    }

    /// Tells of the session, while the table is still locked: what is told last must be true.
    fn tell(&self, done: &mut Done) {
        if let Some(tenure) = done.tenure.take() {
            self.tenure.send_replace(tenure);
        }
    }

    /// The time on the client's clock.
    pub fn now(&self) -> Moment {
        self.clock.now()
    }

    /// A connection stands.
    pub fn up(&self, peer: &Peer) {
        let mut done = Done::default();
        {
            let mut state = self.state.lock();
            state.cluster = state.cluster.or(peer.cluster);
            state.standing = Standing::Up;
            state.table.connected(peer, &mut done);
            self.tell(&mut done);
        }
        self.deliver(&mut done);
    }

    /// Places that are tried before anything is known about them.
    pub fn trying(&self, places: String) {
        let mut state = self.state.lock();
        if matches!(state.standing, Standing::Starting(_)) {
            state.standing = Standing::Starting(places);
        }
    }

    /// The connection was lost, or could not be made.
    pub fn down(&self, why: String) {
        self.state.lock().standing = Standing::Down(why);
    }

    /// Why there is no connection; `None` if there is one.
    pub fn why_down(&self) -> Option<String> {
        match &self.state.lock().standing {
            Standing::Starting(why) | Standing::Down(why) => Some(why.clone()),
            Standing::Up | Standing::Closed => None,
        }
    }

    /// Whether a member is of the cluster of the first connection.
    pub fn belongs(&self, peer: &Peer) -> bool {
        self.state.lock().cluster.is_none_or(|ours| peer.cluster == Some(ours))
    }

    /// Fails everything outstanding; the client goes on.
    pub fn fail_all(&self, failure: &Failure) {
        self.down(failure.detail.clone());
        // The session, if there is one, ends by itself: nobody can be told.
        self.table(|table, done| drop(table.fail_all(failure, done)));
    }

    /// Fails everything outstanding, and whatever comes later. If there is a session and a connection, has it closed:
    /// returns what tells when that is done, or cannot be.
    pub fn leave(&self) -> Option<oneshot::Receiver<()>> {
        self.outstanding.close();
        let mut done = Done::default();
        let closing = {
            let mut state = self.state.lock();
            let is_up = matches!(state.standing, Standing::Up);
            state.standing = Standing::Closed;
            let farewell = state.table.fail_all(&closed(), &mut done);
            self.tell(&mut done);
            farewell.filter(|_| is_up).map(|farewell| {
                let (closed, closing) = oneshot::channel();
                state.table.submit(farewell, Owner::Close(Some(closed)), &mut done);
                closing
            })
        };
        self.deliver(&mut done);
        closing
    }

    /// The client's task has ended.
    pub fn close(&self) {
        drop(self.leave());
        self.ended.send_replace(true);
    }
}

pub(crate) fn closed() -> Failure {
    Failure::new(ErrorKind::Closed, "the client was closed")
}
