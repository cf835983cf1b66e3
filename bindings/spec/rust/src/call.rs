//! The calls of a client: a step whose arguments are resolved, from there to what it gives.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use doozer::{
    CallOptions, Client, Config, Error, ErrorKind, Fence, Follow, ListOptions, Lock, Timeout, Txn, Watch,
};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use crate::given::{Ended, Fault, Given};
use crate::kept::Kept;
use crate::scenario::Do;

/// A stream that steps read.
pub(crate) enum Stream {
    Watch(Watch),
    Config(Config),
    Follow(Follow),
}

/// A stream, with what its errors are to say.
#[derive(Clone)]
pub(crate) struct Opened {
    pub op: Do,
    pub path: String,
    pub stream: Arc<Mutex<Stream>>,
}

/// What a call is made on.
pub(crate) enum Target {
    Client(Client),
    Stream(Arc<Mutex<Stream>>),
    Kept(Arc<Kept>),
}

/// What a call's outcome is held against, beside the step's expectations.
#[derive(Debug, Clone)]
pub(crate) struct About {
    /// What its errors are to name as operation and path.
    pub op: Do,
    pub path: Option<String>,
    pub timeout: Duration,
    /// Whether the step itself gave the time limit.
    pub is_limited: bool,
    /// The name under which what it gives is kept.
    pub kept: Option<String>,
}

/// A call that is ready to be made, in the background or not.
pub(crate) struct Call {
    pub op: Do,
    pub target: Target,
    pub path: String,
    pub value: Bytes,
    pub rev: Option<i64>,
    pub list: ListOptions,
    pub secret: String,
    pub n: usize,
    pub txn: Option<Txn>,
    pub fence: Option<Fence>,
    pub timeout: Duration,
}

/// How a call ended, with what it gave to be kept, and how long it took.
pub(crate) struct Made {
    pub ended: Ended,
    pub kept: Option<Kept>,
    pub took: Duration,
}

/// A call that runs beside the steps.
pub(crate) struct Background {
    pub about: About,
    pub task: JoinHandle<Made>,
}

impl Call {
    pub async fn make(self) -> Made {
        let began = Instant::now();
        let mut kept = None;
        let ended = self.run(&mut kept).await.map_err(Fault::from);
        Made { ended, kept, took: began.elapsed() }
    }

    async fn run(self, kept: &mut Option<Kept>) -> Result<Given, Error> {
        let timeout = Timeout::After(self.timeout);
        match self.target {
            Target::Client(ref client) => {
                let client = client.with(CallOptions { timeout, ..CallOptions::default() });
                match self.op {
                    Do::Lock | Do::TryLock | Do::ReadLock | Do::WriteLock | Do::Semaphore => {
                        let Some(lock) = self.take(&client).await? else { return Ok(Given::rev(0)) };
                        let rev = lock.rev();
                        *kept = Some(Kept::lock(lock));
                        Ok(Given::rev(rev))
                    }
                    Do::Elect | Do::Register | Do::Discover | Do::Enter => self.keep(&client, kept).await,
                    _ => self.on_client(&client).await,
                }
            }
            Target::Stream(stream) => next(&mut *stream.lock().await).await,
            // These have no time limit of their own.
            Target::Kept(thing) if matches!(self.op, Do::Lost | Do::Changed | Do::Leave) => {
                let limited = tokio::time::timeout(self.timeout, thing.call(self.op, self.value)).await;
                let op = if self.op == Do::Changed { Do::Discover } else { self.op };
                limited
                    .unwrap_or_else(|_| Err(Error::new(ErrorKind::Timeout, op.word(), Some(&thing.path), "")))
            }
            Target::Kept(thing) => thing.call(self.op, self.value).await,
        }
    }

    async fn take(&self, client: &Client) -> Result<Option<Lock>, Error> {
        let path = &self.path;
        match self.op {
            Do::TryLock => return client.try_lock(path).await,
            Do::ReadLock => client.read_lock(path).await,
            Do::WriteLock => client.write_lock(path).await,
            Do::Semaphore => client.semaphore(path, self.n).await,
            _ => client.lock(path).await,
        }
        .map(Some)
    }

    async fn keep(self, client: &Client, kept: &mut Option<Kept>) -> Result<Given, Error> {
        let Call { path, value, n, .. } = self;
        let (given, thing) = match self.op {
            Do::Elect => {
                let leader = client.elect(&path, value).await?;
                (Given::rev(leader.token()), Kept::leader(leader))
            }
            Do::Register => {
                let registration = client.register(&path, value).await?;
                (Given::rev(registration.rev().unwrap_or_default()), Kept::registration(registration))
            }
            Do::Discover => (Given::default(), Kept::live(&path, client.discover(&path).await?)),
            _ => (Given::default(), Kept::entered(&path, client.barrier(&path, n).enter().await?)),
        };
        *kept = Some(thing);
        Ok(given)
    }

    async fn on_client(&self, client: &Client) -> Result<Given, Error> {
        let Call { path, rev, value, .. } = self;
        let named = rev.unwrap_or_default();
        Ok(match self.op {
            Do::Set => Given::rev(match &self.fence {
                Some(fence) => client.set_fenced(path, value.clone(), named, fence.clone()).await?,
                None => client.set(path, value.clone(), named).await?,
            }),
            Do::Add => Given::rev(client.add(path, value.clone()).await?),
            Do::Del => {
                let gone = match &self.fence {
                    Some(fence) => client.del_fenced(path, named, fence.clone()).await?,
                    None => client.del(path, named).await?,
                };
                Given::rev(gone.unwrap_or_default())
            }
            Do::Rollback => Given::rev(client.rollback(path, named).await?),
            Do::Txn => Given::revs(client.txn(self.txn.clone().unwrap_or_default()).await?),
            Do::Get => match rev {
                Some(rev) => client.get_at(path, *rev).await?.into(),
                None => client.get(path).await?.into(),
            },
            Do::Rev => Given::rev(client.rev().await?),
            Do::Stat => client.stat(path, *rev).await?.into(),
            Do::Getdir => Given::names(client.getdir(path, *rev).await?),
            Do::Walk => client.walk(path, *rev).await?.into(),
            Do::List => self.all(client).await?,
            Do::Wait => client.wait(path, named).await?.into(),
            Do::SelfId => Given::text(client.self_id().await?),
            Do::Nop => client.nop().await.map(|()| Given::default())?,
            Do::Access => client.access(self.secret.as_bytes()).await.map(|()| Given::default())?,
            other => unreachable!("`{}` is no call of a client", other.word()),
        })
    }

    async fn all(&self, client: &Client) -> Result<Given, Error> {
        let mut list = client.list(&self.path, self.rev, self.list);
        let mut entries = Vec::new();
        while let Some(entry) = list.next().await {
            entries.push(entry?);
        }
        Ok(entries.into())
    }
}

/// A stream that is over gives nothing, which no expectation holds for.
async fn next(stream: &mut Stream) -> Result<Given, Error> {
    Ok(match stream {
        Stream::Watch(watch) => watch.next().await.transpose()?.map(Given::from),
        Stream::Follow(follow) => follow.next().await.transpose()?.map(Given::from),
        Stream::Config(config) => config.next().await.transpose()?.map(Given::from),
    }
    .unwrap_or_default())
}
