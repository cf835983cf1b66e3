//! Setting a member going on what it begins with: replica, driver and journal, without a network.

use std::sync::Arc;

use doozer_journal::Disk;
use doozer_paxos::{Replica, replica};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::birth;
use crate::config::Config;
use crate::driver::Driver;
use crate::driver::input::{Input, channel};
use crate::driver::ports::{InMemory, Persist};
use crate::driver::run::{run, wall_ms};
use crate::error::{Failure, StartError};
use crate::journal_thread::JournalThread;
use crate::recovery::Begin;
use crate::server::writes::WriteReply;
use crate::shared::{Identity, Shared};
use crate::snapshot::Snapshots;
use crate::state::State;

/// A member that decides, applies and keeps, and serves nobody yet.
pub(crate) struct Launched<D: Disk> {
    pub shared: Arc<Shared>,
    driver: Task<Option<Failure>>,
    journal: Option<JournalThread<D>>,
}

/// A task that ends with its owner. The driver would not end by itself: what it shares with others holds the way to it.
struct Task<T>(JoinHandle<T>);

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Sets it going. `address` is what it says of itself. On return the opening slot and the member's own first writes
/// are applied.
pub(crate) async fn launch<D: Disk>(
    config: &Config,
    begin: Begin<D>,
    address: String,
) -> Result<Launched<D>, StartError> {
    let (inputs, receiver) = channel();
    let is_birth = begin.past.config.is_none();
    // At birth they are what the first slot holds; later they follow the opening slot.
    let (first, later) = if is_birth {
        (birth::birth(config, begin.id, &address), vec![])
    } else {
        (vec![], birth::changes(config, begin.id, &address, &begin.store))
    };
    let own = first.len();
    let Begin { cluster, id, store, past, journal } = begin;
    let replica = Replica::start(cluster, id, past, first, wall_ms(), replica::Limits::default());
    let identity = Identity {
        cluster,
        id,
        cluster_name: birth::cluster_name(&store).unwrap_or_else(|| config.cluster_name.clone()),
        address,
        version: config.version.clone(),
        durable: journal.is_some(),
    };
    let shared =
        Shared::new(identity, config.secrets.clone(), config.limits, State::new(store), inputs.clone());
    let shared = Arc::new(shared);
    let parts = Parts { replica, own, later, shared: Arc::clone(&shared), receiver };
    let (driver, journal) = match journal {
        None => (parts.spawn::<_, D>(InMemory, None), None),
        Some((journal, snapshot_bytes)) => {
            let thread = JournalThread::start(journal, inputs.clone())
                .map_err(|source| StartError::System { what: "a thread", source })?;
            let snapshots = Snapshots::new(Arc::clone(&shared), thread.clone(), inputs, snapshot_bytes);
            (parts.spawn(thread.clone(), Some(snapshots)), Some(thread))
        }
    };
    let mut launched = Launched { shared, driver: Task(driver), journal };
    launched.settle().await?;
    Ok(launched)
}

/// What a driver is made of, whatever keeps its log.
struct Parts {
    replica: Replica,
    own: usize,
    later: Vec<bytes::Bytes>,
    shared: Arc<Shared>,
    receiver: mpsc::UnboundedReceiver<Input>,
}

impl Parts {
    fn spawn<P: Persist + Send + 'static, D: Disk>(
        self,
        persist: P,
        snapshots: Option<Snapshots<D>>,
    ) -> JoinHandle<Option<Failure>> {
        let mut driver: Driver<WriteReply, P> = Driver::new(self.replica, self.own, persist, self.shared);
        for command in self.later {
            driver.propose(command, None);
        }
        tokio::spawn(run(driver, self.receiver, snapshots))
    }
}

impl<D: Disk> Launched<D> {
    /// Completes only if the member has to stop by itself. Cancel-safe.
    pub async fn failed(&mut self) -> Failure {
        match (&mut self.driver.0).await {
            Ok(Some(failure)) => failure,
            Ok(None) => std::future::pending().await,
            Err(error) => Failure(format!("the driver ended: {error}")),
        }
    }

    /// Takes no more writes, answers those under way, makes everything durable and lets go of the data.
    pub async fn stop(mut self) {
        let (done, ended) = oneshot::channel();
        if self.shared.inputs.send(Input::Stop(done)).is_ok() {
            let _ = ended.await;
        }
        if let Some(journal) = &self.journal {
            journal.stop().await;
        }
        let _ = (&mut self.driver.0).await;
    }

    async fn settle(&mut self) -> Result<(), StartError> {
        let (done, settled) = oneshot::channel();
        let _ = self.shared.inputs.send(Input::Settled(done));
        tokio::select! {
            Ok(()) = settled => Ok(()),
            failure = self.failed() => Err(StartError::Failed(failure)),
        }
    }
}
