//! The calls of a client: a step whose arguments are resolved, from there to what it gives.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use doozer::{CallOptions, Client, Config, Error, ListOptions, Lock, Timeout, Watch};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use crate::given::{Ended, Fault, Given};
use crate::scenario::Do;

/// A stream that steps read.
pub(crate) enum Stream {
    Watch(Watch),
    Config(Config),
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
    Lock(Arc<Lock>),
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
    /// The name under which the lock it takes is kept.
    pub lock: Option<String>,
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
    pub timeout: Duration,
}

/// How a call ended, with the lock it took, and how long it took.
pub(crate) struct Made {
    pub ended: Ended,
    pub lock: Option<Lock>,
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
        let mut taken = None;
        let ended = self.run(&mut taken).await.map_err(Fault::from);
        Made { ended, lock: taken, took: began.elapsed() }
    }

    async fn run(self, taken: &mut Option<Lock>) -> Result<Given, Error> {
        let timeout = Timeout::After(self.timeout);
        match self.target {
            Target::Client(ref client) => {
                let client = client.with(CallOptions { timeout, ..CallOptions::default() });
                if self.op == Do::Lock {
                    let lock = taken.insert(client.lock(&self.path).await?);
                    return Ok(Given::rev(lock.rev()));
                }
                self.on_client(&client).await
            }
            Target::Stream(stream) => next(&mut *stream.lock().await).await,
            Target::Lock(lock) => lock.unlock().await.map(|()| Given::default()),
        }
    }

    async fn on_client(&self, client: &Client) -> Result<Given, Error> {
        let Call { path, rev, value, .. } = self;
        let named = rev.unwrap_or_default();
        Ok(match self.op {
            Do::Set => Given::rev(client.set(path, value.clone(), named).await?),
            Do::Add => Given::rev(client.add(path, value.clone()).await?),
            Do::Del => Given::rev(client.del(path, named).await?.unwrap_or_default()),
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
        Stream::Config(config) => config.next().await.transpose()?.map(Given::from),
    }
    .unwrap_or_default())
}
