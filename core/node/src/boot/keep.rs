//! Keeps what is registered of a member true while it runs: its own entry, and those of members that its cluster has removed.

use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use doozer_client::{Change, Client, Error, Options};
use doozer_wire::Address;
use tokio::time::{sleep, timeout};
use tracing::debug;

use super::registry::{BootCluster, Registered, Registry};
use crate::embedded::Embedded;
use crate::peers::home::Home;

/// Between a try that failed and the next: the first time, and at most.
const AGAIN: Duration = Duration::from_secs(1);
const AGAIN_MAX: Duration = Duration::from_secs(60);

/// How long a member that ends tries to say so.
const LEAVE: Duration = Duration::from_secs(2);

/// Where a member says where it is, in its own cluster.
const ADDRESSES: &str = "/ctl/node/*/addr";

/// A member that is registered.
pub(crate) struct Keeper {
    pub boot: BootCluster,
    pub home: Arc<Home>,
    pub embedded: Embedded,
}

/// What went wrong: at the boot cluster, or in the member's own.
enum Trouble {
    Boot(Error),
    Own(Error),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Trouble {
        Trouble::Boot(error)
    }
}

impl Keeper {
    /// Goes on until it is dropped. Nothing that the member does waits for it.
    pub async fn run(self: Arc<Self>) {
        let mut pause = AGAIN;
        loop {
            match self.keep(&mut pause).await {
                Ok(()) => {}
                Err(Trouble::Boot(error)) => self.home.warn("not registered", self.boot.words(&error)),
                Err(Trouble::Own(error)) => {
                    debug!(%error, "its own cluster does not answer; this is tried again")
                }
            }
            sleep(pause).await;
            pause = (pause * 2).min(AGAIN_MAX);
        }
    }

    /// Registers, and then follows who comes and who is removed.
    async fn keep(&self, pause: &mut Duration) -> Result<(), Trouble> {
        let registry = self.boot.open().await?;
        let registered = self.register(&registry).await?;
        registry.close().await;
        self.home.is_well("not registered");
        *pause = AGAIN;
        let embedded = self.embedded.clone();
        let options = Options { boot: None, ..Options::default() };
        let own = Client::over(move || ready(embedded.connect()), options).await.map_err(Trouble::Own)?;
        self.follow(&own, &registered).await
    }

    /// Writes its entry, whatever is there, and deletes those of whoever was at its address before it.
    async fn register(&self, registry: &Registry) -> Result<Registered, Error> {
        let me = self.home.introduction();
        let id = me.incarnation.to_string();
        // A cluster that was founded without the boot cluster: from now on nobody may found another one of its name.
        registry.claim(&id, 0).await?;
        registry.register(&id, &me.address).await?;
        // Of two members the one that registers later finds the other one.
        let registered = registry.read().await?;
        self.home.know(registered.addresses());
        let is_own = |address: &str| address.parse::<Address>().is_ok_and(|address| address == me.address);
        for entry in registered.entries.iter().filter(|entry| entry.id != id && is_own(&entry.address)) {
            registry.forget(&entry.id, entry.rev).await?;
        }
        Ok(registered)
    }

    /// Who was removed from the cluster is known by what was deleted, as far back as that is known: one that is only missing
    /// may be about to join.
    async fn follow(&self, own: &Client, registered: &Registered) -> Result<(), Trouble> {
        let status = own.status().await.map_err(Trouble::Own)?;
        let mut changes = own.watch(ADDRESSES, status.first_revision);
        while let Some(change) = changes.next().await {
            let change = change.map_err(Trouble::Own)?;
            let Some(id) = change.path.split('/').nth(3) else { continue };
            let (is_own, is_new) = (id == self.home.id().to_string(), change.rev > status.revision);
            match change.kind {
                Change::Del
                    if !is_own && (is_new || registered.entries.iter().any(|entry| entry.id == id)) =>
                {
                    self.forget(own, id).await?;
                }
                // It comes back, and somebody may have found it removed meanwhile.
                Change::Set if is_own && is_new => {
                    let registry = self.boot.open().await?;
                    self.register(&registry).await?;
                    registry.close().await;
                }
                Change::Set | Change::Del => {}
            }
        }
        Ok(())
    }

    /// Deletes the entry of a member that was removed.
    async fn forget(&self, own: &Client, id: &str) -> Result<(), Trouble> {
        let registry = self.boot.open().await?;
        // In this order: if it comes back it writes its address first, and then its entry anew.
        let entry = registry.entry(id).await?;
        let said = own.get(&format!("/ctl/node/{id}/addr")).await.map_err(Trouble::Own)?;
        if let Some(entry) = entry.filter(|_| said.value.is_none()) {
            registry.forget(id, entry.rev).await?;
        }
        registry.close().await;
        Ok(())
    }

    /// A member that has kept nothing has ended: nothing of its cluster is at its address any more.
    pub async fn leave(&self) {
        let id = self.home.id().to_string();
        let left = async {
            let registry = self.boot.open().await?;
            registry.forget(&id, -1).await?;
            registry.close().await;
            Ok(())
        };
        match timeout(LEAVE, left).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => self.home.warn("still registered", self.boot.words(&error)),
            Err(_) => {
                let why = format_args!("the boot cluster {} did not answer in time", self.boot.place());
                self.home.warn("still registered", why);
            }
        }
    }
}
