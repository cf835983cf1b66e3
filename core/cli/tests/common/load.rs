//! Clients of a cluster at work: some write, some read, some watch, until they are told to stop. What they heard is an
//! [`Account`]; what must hold of it is not said here.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use doozer_client::{CallOptions, Client, Consistency, Error, ErrorKind, Event};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::account::{Account, Write};
use super::cluster::{PATIENCE, patient};

/// Clients that write, each with a connection of its own.
const CLIENTS: usize = 4;

/// Tasks that write at each of them.
const TASKS: usize = 3;

/// The last change: who watches is done once it is seen.
pub const END: &str = "/end/0";

/// Whether a write may end with an unknown outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Terms {
    NoErrors,
    UnknownWrites,
}

/// The clients.
pub struct Load {
    uri: String,
    scene: Scene,
    stop: watch::Sender<bool>,
    /// How many rounds each writer has done.
    progress: Vec<watch::Receiver<u64>>,
    working: JoinSet<Account>,
    watching: JoinSet<Account>,
}

/// What all clients share.
#[derive(Clone)]
struct Scene {
    terms: Terms,
    /// What happens now, for errors.
    stage: Arc<Mutex<(Instant, String)>>,
    /// Errors that nobody may see.
    errors: Arc<Mutex<Vec<String>>>,
    /// Of each writer's count, what was acknowledged.
    counted: Arc<Vec<AtomicU64>>,
}

impl Scene {
    fn note(&self, who: &str, error: &Error) {
        let stage = self.stage.lock().unwrap();
        let (since, stage) = (stage.0.elapsed().as_millis(), &stage.1);
        self.errors.lock().unwrap().push(format!("{who}: {error}; {since} ms after: {stage}"));
    }
}

impl Load {
    /// Starts them. Needs a runtime.
    pub async fn start(uri: &str, terms: Terms) -> Load {
        let scene = Scene {
            terms,
            stage: Arc::new(Mutex::new((Instant::now(), "the start".to_owned()))),
            errors: Arc::default(),
            counted: Arc::new((0..CLIENTS * TASKS).map(|_| AtomicU64::new(0)).collect()),
        };
        let (stop, stopped) = watch::channel(false);
        let mut load = Load {
            uri: uri.to_owned(),
            scene: scene.clone(),
            stop,
            progress: Vec::new(),
            working: JoinSet::new(),
            watching: JoinSet::new(),
        };
        let from = load.client().await.rev().await.unwrap() + 1;
        for _ in 0..2 {
            load.watching.spawn(watch_all(load.client().await, from, scene.clone()));
        }
        load.watching.spawn(wait_for_each(load.client().await, from, scene.clone()));
        for consistency in [Consistency::Linearizable, Consistency::Local] {
            let client = load.client().await.with(CallOptions { consistency, ..CallOptions::default() });
            load.working.spawn(read(client, consistency, stopped.clone(), scene.clone()));
        }
        for client in 0..CLIENTS {
            let shared = load.client().await;
            for task in 0..TASKS {
                let (done, progress) = watch::channel(0);
                load.progress.push(progress);
                let id = client * TASKS + task;
                let writer =
                    Writer { id, client: shared.clone(), scene: scene.clone(), account: Account::default() };
                load.working.spawn(writer.run(done, stopped.clone()));
            }
        }
        load
    }

    async fn client(&self) -> Client {
        Client::open(&self.uri, patient()).await.expect("a cluster that serves")
    }

    /// Says what happens now, for errors.
    pub fn stage(&self, stage: String) {
        *self.scene.stage.lock().unwrap() = (Instant::now(), stage);
    }

    /// Waits until each writer has done so many rounds more.
    pub async fn progress(&mut self, rounds: u64) {
        let goals: Vec<u64> = self.progress.iter().map(|done| *done.borrow() + rounds).collect();
        for (id, (progress, goal)) in self.progress.iter_mut().zip(goals).enumerate() {
            let reached = timeout(PATIENCE, progress.wait_for(|done| *done >= goal)).await;
            let is_reached = matches!(&reached, Ok(Ok(_)));
            drop(reached);
            let errors = self.scene.errors.lock().unwrap();
            assert!(is_reached, "writer {id} is stuck; errors: {errors:#?}");
        }
    }

    /// Stops them: what they heard, in one account.
    pub async fn stop(mut self) -> Account {
        self.stop.send_replace(true);
        let mut account = Account::default();
        while let Some(heard) = self.working.join_next().await {
            account.add(heard.unwrap());
        }
        let client = self.client().await;
        account.last = client.set(END, "", -1).await.unwrap();
        while let Some(heard) = timeout(PATIENCE, self.watching.join_next()).await.expect("an end") {
            account.add(heard.unwrap());
        }
        account.errors = std::mem::take(&mut self.scene.errors.lock().unwrap());
        account
    }
}

/// What became of a write.
enum Became {
    At(i64),
    Refused,
    Unknown,
}

struct Writer {
    id: usize,
    client: Client,
    scene: Scene,
    account: Account,
}

impl Writer {
    /// Counts in a file of its own, makes files, and counts with all others in one file.
    async fn run(mut self, done: watch::Sender<u64>, stopped: watch::Receiver<bool>) -> Account {
        let mut rev = 0;
        for n in 1.. {
            if *stopped.borrow() {
                break;
            }
            rev = self.count(n, rev).await;
            if let Became::Refused = self.write(&format!("/made/{}/{n}", self.id), String::new(), 0).await {
                // Nobody else makes it: it was made by this very write, which was then made again.
                self.scene.errors.lock().unwrap().push(format!("writer {} made file {n} twice", self.id));
            }
            self.count_together().await;
            done.send_replace(n);
        }
        self.account
    }

    async fn write(&mut self, path: &str, value: String, rev: i64) -> Became {
        let write = Write { path: path.to_owned(), value: value.clone() };
        match self.client.set(path, value, rev).await {
            Ok(rev) => {
                self.account.acknowledged.push((rev, write));
                Became::At(rev)
            }
            Err(error) if error.kind() == ErrorKind::RevMismatch => Became::Refused,
            Err(error) => {
                let may_be = self.scene.terms == Terms::UnknownWrites;
                if !may_be || error.kind() != ErrorKind::OutcomeUnknown {
                    self.scene.note(&format!("writer {}", self.id), &error);
                }
                self.account.unknown.push(write);
                Became::Unknown
            }
        }
    }

    async fn read(&self, path: &str) -> (u64, i64) {
        loop {
            match self.client.get(path).await {
                Ok(file) => return (number(file.value.as_deref()), file.rev),
                Err(error) => self.scene.note(&format!("writer {} reads", self.id), &error),
            }
        }
    }

    /// Sets its own file, which nobody else writes, to `n`. The revision that did it.
    async fn count(&mut self, n: u64, mut rev: i64) -> i64 {
        let path = format!("/count/{}", self.id);
        let mut is_unsure = false;
        loop {
            match self.write(&path, n.to_string(), rev).await {
                Became::At(rev) => {
                    self.scene.counted[self.id].store(n, Ordering::SeqCst);
                    return rev;
                }
                Became::Refused => assert!(is_unsure, "{path} has changed by itself after revision {rev}"),
                Became::Unknown => is_unsure = true,
            }
            // Whether it was made may be settled only later: but never twice, since it names the revision before.
            let (found, at) = self.read(&path).await;
            if found == n {
                return at;
            }
            assert_eq!(found, n - 1, "{path} at {at}");
            rev = at;
        }
    }

    async fn count_together(&mut self) {
        let (n, rev) = self.read("/together").await;
        self.write("/together", (n + 1).to_string(), rev).await;
    }
}

fn number(value: Option<&[u8]>) -> u64 {
    value.map_or(0, |text| std::str::from_utf8(text).unwrap().parse().unwrap())
}

/// Reads all counts again and again: none is behind what was acknowledged before the question, or was read before.
async fn read(
    client: Client,
    consistency: Consistency,
    stopped: watch::Receiver<bool>,
    scene: Scene,
) -> Account {
    let mut seen = vec![0; scene.counted.len()];
    let mut account = Account::default();
    while !*stopped.borrow() {
        for (id, seen) in seen.iter_mut().enumerate() {
            let known = scene.counted[id].load(Ordering::SeqCst);
            match client.get(&format!("/count/{id}")).await {
                Ok(file) => {
                    let found = number(file.value.as_deref());
                    let least = if consistency == Consistency::Local { *seen } else { known.max(*seen) };
                    assert!(found >= least, "{consistency:?}: count {id} is {found}, and was {least}");
                    *seen = found;
                    account.reads += 1;
                }
                Err(error) => scene.note(&format!("{consistency:?} reader"), &error),
            }
        }
    }
    account
}

async fn watch_all(client: Client, from: i64, scene: Scene) -> Account {
    let mut watch = client.watch("/**", from);
    let mut events: Vec<Event> = Vec::new();
    while events.last().is_none_or(|event| event.path != END) {
        match watch.next().await {
            Some(Ok(event)) => events.push(event),
            Some(Err(error)) => scene.note("watcher", &error),
            None => break,
        }
    }
    Account { watched: vec![events], first: from, ..Account::default() }
}

/// Waits for one change after the other of the first count.
async fn wait_for_each(client: Client, from: i64, scene: Scene) -> Account {
    let mut events: Vec<Event> = Vec::new();
    while events.last().is_none_or(|event| event.path != END) {
        let next = events.last().map_or(from, |event| event.rev + 1);
        match client.wait("/*/0", next).await {
            Ok(event) => events.push(event),
            Err(error) => scene.note("waiter", &error),
        }
    }
    Account { waited: events, ..Account::default() }
}
