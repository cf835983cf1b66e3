//! The handle of a client.

use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

use bytes::Bytes;
use doozer_client::{
    CallOptions, Client as Core, Entry, Error, ErrorKind, Event, Fence, File, ListOptions, Options, Stat, Txn,
};
use doozer_node::{Embedded, LocalFile};
use tokio::runtime::Handle;

use crate::entered::Entered;
use crate::feed::Feed;
use crate::fork::{PerProcess, Process};
use crate::leader::Leader;
use crate::live::Live;
use crate::lock::Lock;
use crate::op::{Op, Subject};
use crate::registration::Registration;
use crate::runtime::on_runtime;

/// Where a member listens unless it is told otherwise.
const DEFAULT_URI: &str = "doozer:?ca=127.0.0.1:8046";

/// The cluster a program means that names none: what the environment's `DOOZER_URI` says, or a member on this host.
pub fn default_uri() -> String {
    std::env::var("DOOZER_URI").ok().filter(|uri| !uri.is_empty()).unwrap_or_else(|| DEFAULT_URI.to_owned())
}

/// A client of one cluster. Cloning is cheap, and all clones are one client; it may be used from any thread.
///
/// In the child of a fork it opens a connection of its own when it is first used there; the parent's stays the
/// parent's. The client of an embedded member stays with the member: in a child its calls end with `Forked`.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

pub(crate) struct Inner {
    origin: Origin,
    /// The session of this process, or of one that forked it. Never null. A lock would not do, see `fork`.
    session: AtomicPtr<Session>,
    closed: AtomicBool,
    poisoned: Arc<AtomicBool>,
}

enum Origin {
    Cluster { uri: String, options: Box<Options> },
    Member(PerProcess<Embedded>),
}

struct Session {
    home: Process,
    core: Core,
}

impl Client {
    /// Opens a client. The call ends when a connection stands.
    ///
    /// # Errors
    /// As [`Core::open`].
    pub fn connect(uri: Option<&str>, options: Options) -> Op<Client> {
        let uri = uri.map_or_else(default_uri, str::to_owned);
        let poisoned = Arc::default();
        Op::new(Subject::new("connect", None), Arc::clone(&poisoned), |handle| {
            let opening = open(handle.clone(), uri.clone(), options.clone());
            let options = Box::new(options);
            async move { Ok(Client::of(opening.await?, Origin::Cluster { uri, options }, poisoned)) }
        })
    }

    /// The client of a member in this process.
    pub(crate) fn embedded(embedded: &Embedded, options: Options) -> Op<Client> {
        let (embedded, poisoned) = (embedded.clone(), Arc::default());
        Op::new(Subject::new("connect", None), Arc::clone(&poisoned), |_| async move {
            let way = embedded.clone();
            let core = Core::over(move || std::future::ready(way.connect()), options).await?;
            Ok(Client::of(core, Origin::Member(PerProcess::new(embedded)), poisoned))
        })
    }

    fn of(core: Core, origin: Origin, poisoned: Arc<AtomicBool>) -> Client {
        let session = Box::into_raw(Box::new(Session { home: Process::current(), core }));
        Client(Arc::new(Inner {
            origin,
            session: AtomicPtr::new(session),
            closed: AtomicBool::new(false),
            poisoned,
        }))
    }

    /// Closes it and all its clones. Calls under way end with `Closed`, or, writes that were sent, with
    /// `OutcomeUnknown`. In the child of a fork nothing of the parent's is touched.
    pub fn close(&self) -> Op<()> {
        let subject = Subject::new("close", None);
        self.0.closed.store(true, Ordering::Release);
        let Some(core) = self.0.core() else { return Op::ready(subject, Ok(())) };
        Op::new(subject, Arc::clone(&self.0.poisoned), |_| async move {
            core.close().await;
            Ok(())
        })
    }

    /// Whether it was closed.
    pub fn is_closed(&self) -> bool {
        self.0.closed.load(Ordering::Acquire)
    }

    /// See [`Core::get`] and, with a revision, [`Core::get_at`]. The client of an embedded member reads the member's
    /// state at once where that is linearizable.
    pub fn get(&self, path: &str, rev: Option<i64>, options: CallOptions) -> Op<File> {
        // What it cannot answer is left to the client, errors included.
        if let Some(local) = self.0.local()
            && !self.is_closed()
            && !self.0.poisoned.load(Ordering::Acquire)
            && let Ok(file) = local.get(path, rev)
        {
            return Op::ready(Subject { op: "get", path: None }, Ok(from_local(file)));
        }
        self.call("get", Some(path), options, move |core, path| async move {
            match rev {
                None => core.get(&path).await,
                Some(rev) => core.get_at(&path, rev).await,
            }
        })
    }

    /// See [`Core::set`].
    pub fn set(&self, path: &str, value: Bytes, rev: i64, options: CallOptions) -> Op<i64> {
        self.call(
            "set",
            Some(path),
            options,
            move |core, path| async move { core.set(&path, value, rev).await },
        )
    }

    /// See [`Core::add`].
    pub fn add(&self, path: &str, value: Bytes, options: CallOptions) -> Op<i64> {
        self.call("add", Some(path), options, move |core, path| async move { core.add(&path, value).await })
    }

    /// See [`Core::del`].
    pub fn del(&self, path: &str, rev: i64, options: CallOptions) -> Op<Option<i64>> {
        self.call("del", Some(path), options, move |core, path| async move { core.del(&path, rev).await })
    }

    /// See [`Core::wait`].
    pub fn wait(&self, glob: &str, rev: i64, options: CallOptions) -> Op<Event> {
        self.call("wait", Some(glob), options, move |core, glob| async move { core.wait(&glob, rev).await })
    }

    /// See [`Core::stat`].
    pub fn stat(&self, path: &str, rev: Option<i64>, options: CallOptions) -> Op<Stat> {
        self.call("stat", Some(path), options, move |core, path| async move { core.stat(&path, rev).await })
    }

    /// See [`Core::getdir`].
    pub fn getdir(&self, path: &str, rev: Option<i64>, options: CallOptions) -> Op<Vec<String>> {
        self.call(
            "getdir",
            Some(path),
            options,
            move |core, path| async move { core.getdir(&path, rev).await },
        )
    }

    /// See [`Core::walk`].
    pub fn walk(&self, glob: &str, rev: Option<i64>, options: CallOptions) -> Op<Vec<Entry>> {
        self.call("walk", Some(glob), options, move |core, glob| async move { core.walk(&glob, rev).await })
    }

    /// See [`Core::rev`].
    pub fn rev(&self, options: CallOptions) -> Op<i64> {
        self.call("rev", None, options, |core, _| async move { core.rev().await })
    }

    /// See [`Core::nop`].
    pub fn nop(&self, options: CallOptions) -> Op<()> {
        self.call("nop", None, options, |core, _| async move { core.nop().await })
    }

    /// See [`Core::self_id`].
    pub fn self_id(&self, options: CallOptions) -> Op<String> {
        self.call("self", None, options, |core, _| async move { core.self_id().await })
    }

    /// See [`Core::access`].
    pub fn access(&self, secret: &[u8], options: CallOptions) -> Op<()> {
        let secret = secret.to_owned();
        self.call("access", None, options, move |core, _| async move { core.access(&secret).await })
    }

    /// See [`Core::list`]. The list begins when it is first asked for an entry.
    ///
    /// # Errors
    /// `Closed`, `Panic`, `Forked`: everything else comes with the entries.
    pub fn list(
        &self,
        glob: &str,
        rev: Option<i64>,
        list: ListOptions,
        options: CallOptions,
    ) -> Result<Feed<Entry>, Error> {
        self.feed("list", glob, options, move |core, glob| core.list(&glob, rev, list))
    }

    /// See [`Core::watch`].
    ///
    /// # Errors
    /// As [`Client::list`].
    pub fn watch(&self, glob: &str, rev: i64) -> Result<Feed<Event>, Error> {
        self.feed("watch", glob, CallOptions::default(), move |core, glob| core.watch(&glob, rev))
    }

    /// See [`Core::config`].
    ///
    /// # Errors
    /// As [`Client::list`].
    pub fn config(&self, path: &str) -> Result<Feed<File>, Error> {
        self.feed("config", path, CallOptions::default(), move |core, path| core.config(&path))
    }

    /// See [`Core::follow`].
    ///
    /// # Errors
    /// As [`Client::list`].
    pub fn follow(&self, glob: &str, rev: Option<i64>) -> Result<Feed<Event>, Error> {
        self.feed("follow", glob, CallOptions::default(), move |core, glob| core.follow(&glob, rev))
    }

    /// See [`Core::observe`].
    ///
    /// # Errors
    /// As [`Client::list`].
    pub fn observe(&self, path: &str) -> Result<Feed<File>, Error> {
        self.feed("observe", path, CallOptions::default(), move |core, path| core.observe(&path))
    }

    /// See [`Core::set_fenced`].
    pub fn set_fenced(
        &self,
        path: &str,
        value: Bytes,
        rev: i64,
        fence: Fence,
        options: CallOptions,
    ) -> Op<i64> {
        self.call("set", Some(path), options, move |core, path| async move {
            core.set_fenced(&path, value, rev, fence).await
        })
    }

    /// See [`Core::del_fenced`].
    pub fn del_fenced(&self, path: &str, rev: i64, fence: Fence, options: CallOptions) -> Op<Option<i64>> {
        self.call("del", Some(path), options, move |core, path| async move {
            core.del_fenced(&path, rev, fence).await
        })
    }

    /// See [`Core::txn`].
    pub fn txn(&self, txn: Txn, options: CallOptions) -> Op<Vec<Option<i64>>> {
        self.call("txn", None, options, move |core, _| async move { core.txn(txn).await })
    }

    /// See [`Core::rollback`].
    pub fn rollback(&self, path: &str, rev: i64, options: CallOptions) -> Op<i64> {
        self.call("rollback", Some(path), options, move |core, path| async move {
            core.rollback(&path, rev).await
        })
    }

    /// See [`Core::lock`].
    pub fn lock(&self, path: &str, options: CallOptions) -> Op<Lock> {
        self.hold("lock", path, options, |core, path| async move { core.lock(&path).await }, Lock::new)
    }

    /// See [`Core::try_lock`].
    pub fn try_lock(&self, path: &str, options: CallOptions) -> Op<Option<Lock>> {
        self.hold(
            "try_lock",
            path,
            options,
            |core, path| async move { core.try_lock(&path).await },
            |held, poisoned| held.map(|held| Lock::new(held, poisoned)),
        )
    }

    /// See [`Core::read_lock`].
    pub fn read_lock(&self, path: &str, options: CallOptions) -> Op<Lock> {
        self.hold(
            "read_lock",
            path,
            options,
            |core, path| async move { core.read_lock(&path).await },
            Lock::new,
        )
    }

    /// See [`Core::write_lock`].
    pub fn write_lock(&self, path: &str, options: CallOptions) -> Op<Lock> {
        self.hold(
            "write_lock",
            path,
            options,
            |core, path| async move { core.write_lock(&path).await },
            Lock::new,
        )
    }

    /// See [`Core::semaphore`].
    pub fn semaphore(&self, path: &str, n: usize, options: CallOptions) -> Op<Lock> {
        let work = move |core: Core, path: String| async move { core.semaphore(&path, n).await };
        self.hold("semaphore", path, options, work, Lock::new)
    }

    /// See [`Core::elect`].
    pub fn elect(&self, path: &str, value: Bytes, options: CallOptions) -> Op<Leader> {
        let work = |core: Core, path: String| async move { core.elect(&path, value).await };
        self.hold("elect", path, options, work, Leader::new)
    }

    /// See [`Core::register`].
    pub fn register(&self, path: &str, value: Bytes, options: CallOptions) -> Op<Registration> {
        let work = |core: Core, path: String| async move { core.register(&path, value).await };
        self.hold("register", path, options, work, Registration::new)
    }

    /// See [`Core::discover`].
    pub fn discover(&self, glob: &str, options: CallOptions) -> Op<Live> {
        let of = glob.to_owned();
        let work = |core: Core, glob: String| async move { core.discover(&glob).await };
        self.hold("discover", glob, options, work, |live, poisoned| Live::new(of, live, poisoned))
    }

    /// See [`Core::barrier`] and [`Barrier::enter`](doozer_client::Barrier::enter).
    pub fn enter(&self, path: &str, n: usize, options: CallOptions) -> Op<Entered> {
        let of = path.to_owned();
        let work = move |core: Core, path: String| async move { core.barrier(&path, n).enter().await };
        self.hold("enter", path, options, work, |entered, poisoned| Entered::new(of, entered, poisoned))
    }

    /// A call that gives something to be kept: `keep` makes the handle, within the runtime.
    fn hold<T, H, F>(
        &self,
        op: &'static str,
        path: &str,
        options: CallOptions,
        work: impl FnOnce(Core, String) -> F + Send + 'static,
        keep: impl FnOnce(T, Arc<AtomicBool>) -> H + Send + 'static,
    ) -> Op<H>
    where
        T: Send + 'static,
        H: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let poisoned = Arc::clone(&self.0.poisoned);
        self.call(op, Some(path), options, move |core, path| {
            let work = work(core, path);
            async move { Ok(keep(work.await?, poisoned)) }
        })
    }

    fn call<T, F>(
        &self,
        op: &'static str,
        path: Option<&str>,
        options: CallOptions,
        work: impl FnOnce(Core, String) -> F + Send + 'static,
    ) -> Op<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let subject = Subject::new(op, path);
        if let Err(error) = self.0.usable(&subject) {
            return Op::ready(subject, Err(error));
        }
        let path = path.unwrap_or_default().to_owned();
        let core = self.0.core();
        let inner = Arc::clone(&self.0);
        Op::new(subject, Arc::clone(&self.0.poisoned), |_| async move {
            let core = match core {
                Some(core) => core,
                None => inner.reopen().await?,
            };
            drop(inner);
            work(core.with(options), path).await
        })
    }

    fn feed<T, S>(
        &self,
        op: &'static str,
        path: &str,
        options: CallOptions,
        open: impl FnOnce(Core, String) -> S + Send + 'static,
    ) -> Result<Feed<T>, Error>
    where
        T: Send + 'static,
        S: futures_core::Stream<Item = Result<T, Error>> + Send + 'static,
    {
        let subject = Subject::new(op, Some(path));
        self.0.usable(&subject)?;
        let (inner, path) = (Arc::clone(&self.0), path.to_owned());
        let core = self.0.core();
        let opening = async move {
            let core = match core {
                Some(core) => core,
                None => inner.reopen().await?,
            };
            Ok(open(core.with(options), path))
        };
        Ok(Feed::new(subject, Arc::clone(&self.0.poisoned), opening))
    }
}

impl Inner {
    /// Whether calls can be made at all.
    fn usable(&self, subject: &Subject) -> Result<(), Error> {
        if self.poisoned.load(Ordering::Acquire) {
            let detail = "an earlier call ended in a bug of doozer: open another client";
            return Err(subject.error(ErrorKind::Panic, detail));
        }
        if self.closed.load(Ordering::Acquire) {
            return Err(subject.error(ErrorKind::Closed, "the client was closed"));
        }
        match &self.origin {
            Origin::Member(embedded) if embedded.get().is_none() => Err(subject.forked()),
            _ => Ok(()),
        }
    }

    /// The client of this process; `None` in a child that has not used it yet.
    fn core(&self) -> Option<Core> {
        let session = self.session.load(Ordering::Acquire);
        // SAFETY: never null, and freed only when `self` is dropped.
        let session = unsafe { &*session };
        session.home.is_current().then(|| session.core.clone())
    }

    /// Makes the client of this process, a child of the one that had it.
    async fn reopen(&self) -> Result<Core, Error> {
        let Origin::Cluster { uri, options } = &self.origin else {
            return Err(Subject::new("connect", None).forked());
        };
        let core = open(crate::runtime::handle()?, uri.clone(), Options::clone(options)).await?;
        Ok(self.adopt(core))
    }

    /// Makes `core` the client of this process, unless another thread was faster.
    fn adopt(&self, core: Core) -> Core {
        let made = Box::into_raw(Box::new(Session { home: Process::current(), core: core.clone() }));
        let parents = self.session.load(Ordering::Acquire);
        // SAFETY: never null, and freed only when `self` is dropped.
        let is_parents = !unsafe { &*parents }.home.is_current();
        // The parent's session stays where it is, for good.
        if is_parents
            && self.session.compare_exchange(parents, made, Ordering::AcqRel, Ordering::Acquire).is_ok()
        {
            return core;
        }
        // SAFETY: it came from a box, and nobody else has seen it.
        drop(unsafe { Box::from_raw(made) });
        self.core().unwrap_or(core)
    }

    /// The state of an embedded member that may stand for the cluster's.
    fn local(&self) -> Option<&Embedded> {
        match &self.origin {
            Origin::Member(embedded) => embedded.get().filter(|embedded| embedded.is_linearizable()),
            Origin::Cluster { .. } => None,
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let session = self.session.swap(ptr::null_mut(), Ordering::AcqRel);
        // SAFETY: it came from a box, and nobody else has `self` any more.
        let session = unsafe { Box::from_raw(session) };
        if !session.home.is_current() {
            std::mem::forget(session);
        }
    }
}

async fn open(handle: Handle, uri: String, options: Options) -> Result<Core, Error> {
    on_runtime(&handle, async move { Core::open(&uri, options).await }).await
}

fn from_local(file: LocalFile) -> File {
    File { value: file.value.map(|value| Bytes::copy_from_slice(&value)), rev: file.rev }
}
