//! What all handles of one client and its connection share.

use std::time::Duration;

use doozer_wire::{ErrorKind, Request, Secret};
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, oneshot, watch};

use crate::peer::Peer;
use crate::table::{Answer, Done, Failure, Owner, Table, Tag};

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
    pub fn new(name: String, timeout: Option<Duration>, secret: Option<Secret>) -> Shared {
        let standing = Standing::Starting("no answer from the member yet".to_owned());
        Shared {
            state: Mutex::new(State { table: Table::default(), standing, cluster: None }),
            outstanding: Semaphore::new(OUTSTANDING_BYTES_MAX),
            secret: Mutex::new(secret),
            name,
            timeout,
            runtime: Handle::current(),
            ended: watch::Sender::new(false),
        }
    }

    /// Submits a caller's request.
    pub fn submit(&self, request: Request) -> Result<(Tag, oneshot::Receiver<Answer>), Failure> {
        let (caller, answer) = oneshot::channel();
        let tag = self.open(|table, done| table.submit(request, Owner::Caller(caller), done))?;
        Ok((tag, answer))
    }

    /// Works on the table unless the client is closed.
    pub fn open<T>(&self, work: impl FnOnce(&mut Table, &mut Done) -> T) -> Result<T, Failure> {
        let mut done = Done::default();
        let result = {
            let mut state = self.state.lock();
            if matches!(state.standing, Standing::Closed) {
                return Err(closed());
            }
            work(&mut state.table, &mut done)
        };
        done.deliver();
        Ok(result)
    }

    /// Works on the table, then hands over what that brought.
    pub fn table<T>(&self, work: impl FnOnce(&mut Table, &mut Done) -> T) -> T {
        let mut done = Done::default();
        let result = work(&mut self.state.lock().table, &mut done);
        done.deliver();
        result
    }

    /// A connection stands.
    pub fn up(&self, peer: &Peer) {
        let mut state = self.state.lock();
        state.cluster = state.cluster.or(peer.cluster);
        state.standing = Standing::Up;
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
        self.table(|table, done| table.fail_all(failure, done));
    }

    /// Fails everything outstanding, and whatever comes later.
    pub fn close(&self) {
        self.outstanding.close();
        let mut done = Done::default();
        {
            let mut state = self.state.lock();
            state.standing = Standing::Closed;
            state.table.fail_all(&closed(), &mut done);
        }
        done.deliver();
        self.ended.send_replace(true);
    }
}

pub(crate) fn closed() -> Failure {
    Failure::new(ErrorKind::Closed, "the client was closed")
}
