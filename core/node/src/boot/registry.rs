//! What the boot cluster holds of this cluster: read and written as a client.
//! Never here: what follows from it.

use std::time::Duration;

use doozer_client::{Client, Error, ErrorKind, Options};
use doozer_wire::{Address, Uri};

use crate::access::Secrets;
use crate::config::Boot;

/// How long it is looked for, and how long it may take to answer.
const CONNECT: Duration = Duration::from_secs(2);
const ANSWER: Duration = Duration::from_secs(5);

/// Where the boot cluster is, and which cluster is looked for there.
#[derive(Debug, Clone)]
pub(crate) struct BootCluster {
    uri: Uri,
    options: Options,
    name: String,
}

/// A member that is registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub id: String,
    /// As it is written there: anybody may have written it.
    pub address: String,
    pub rev: i64,
}

/// Who founded the cluster last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Claim {
    pub id: String,
    pub rev: i64,
}

/// Everything that is held of this cluster, at one revision.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Registered {
    pub entries: Vec<Entry>,
    pub claim: Option<Claim>,
}

/// The boot cluster, while it is talked to.
pub(super) struct Registry {
    client: Client,
    name: String,
}

impl BootCluster {
    /// The secret is the URI's, or else this cluster's own.
    pub fn new(boot: &Boot, secrets: &Secrets, name: &str) -> BootCluster {
        let options = Options {
            timeout: Some(ANSWER),
            connect_timeout: CONNECT,
            boot: None,
            tls: boot.tls.clone(),
            secret: boot.uri.secret.clone().or_else(|| secrets.read_write()),
            name: concat!("doozerd/", env!("CARGO_PKG_VERSION")).to_owned(),
            ..Options::default()
        };
        BootCluster { uri: boot.uri.clone(), options, name: name.to_owned() }
    }

    /// The same, where another cluster is looked for.
    pub fn named(self, name: &str) -> BootCluster {
        BootCluster { name: name.to_owned(), ..self }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its addresses, as `doozer -a` takes them.
    pub fn place(&self) -> String {
        let addresses: Vec<String> = self.uri.addresses.iter().map(Address::to_string).collect();
        addresses.join(",")
    }

    pub(super) async fn open(&self) -> Result<Registry, Error> {
        let client = Client::open_uri(&self.uri, self.options.clone()).await?;
        Ok(Registry { client, name: self.name.clone() })
    }

    /// What went wrong there, in words for people.
    pub(super) fn words(&self, error: &Error) -> String {
        let denied = error.kind() == ErrorKind::PermissionDenied;
        let why = match error.op() {
            "connect" if denied => {
                "it refuses the secret: give its own in the boot URI (sk=SECRET, or sk= if it has none)".to_owned()
            }
            "set" | "del" if denied => {
                "the secret does not let this member write there: give one that does in the boot URI (sk=SECRET)"
                    .to_owned()
            }
            _ if denied => {
                "the secret does not let this member read there: give one that does in the boot URI (sk=SECRET)"
                    .to_owned()
            }
            // It names each address and what became of it.
            _ if error.kind() == ErrorKind::Disconnected => without_numbers(error.detail()),
            _ => error.to_string(),
        };
        format!("the boot cluster {}: {why}", self.place())
    }
}

impl Registered {
    /// Whether this member is registered, at this address.
    pub fn holds(&self, id: &str, address: &Address) -> bool {
        self.entries.iter().any(|entry| entry.id == id && entry.address == address.to_string())
    }

    /// Where members are registered, as far as these are addresses.
    pub fn addresses(&self) -> impl Iterator<Item = Address> {
        self.entries.iter().filter_map(|entry| entry.address.parse().ok())
    }
}

impl Registry {
    pub async fn read(&self) -> Result<Registered, Error> {
        // The newest, whoever answers: what was registered before is in it.
        let rev = self.client.rev().await?;
        let files = self.client.walk(&format!("/ctl/ns/{}/*", self.name), Some(rev)).await?;
        let claim = self.client.get_at(&self.claim_path(), rev).await?;
        let entries = files.into_iter().filter_map(|file| {
            let (_, id) = file.path.rsplit_once('/')?;
            Some(Entry { id: id.to_owned(), address: text(&file.value?), rev: file.rev })
        });
        let claim = claim.value.map(|id| Claim { id: text(&id), rev: claim.rev });
        Ok(Registered { entries: entries.collect(), claim })
    }

    /// Who holds the claim now.
    pub async fn holder(&self) -> Result<Option<Claim>, Error> {
        let claim = self.client.get(&self.claim_path()).await?;
        Ok(claim.value.map(|id| Claim { id: text(&id), rev: claim.rev }))
    }

    /// One member's entry.
    pub async fn entry(&self, id: &str) -> Result<Option<Entry>, Error> {
        let file = self.client.get(&self.entry_path(id)).await?;
        Ok(file.value.map(|address| Entry { id: id.to_owned(), address: text(&address), rev: file.rev }))
    }

    pub async fn register(&self, id: &str, address: &Address) -> Result<(), Error> {
        self.client.set(&self.entry_path(id), address.to_string(), -1).await.map(drop)
    }

    /// Deletes an entry, unless it was written anew since that revision; -1 for whatever there is.
    pub async fn forget(&self, id: &str, rev: i64) -> Result<(), Error> {
        changed_since(self.client.del(&self.entry_path(id), rev).await.map(drop)).map(drop)
    }

    /// Takes the claim over the one of that revision, or over none (0); whether it did.
    pub async fn claim(&self, id: &str, over: i64) -> Result<bool, Error> {
        changed_since(self.client.set(&self.claim_path(), id.to_owned(), over).await.map(drop))
    }

    pub async fn close(self) {
        self.client.close().await;
    }

    fn entry_path(&self, id: &str) -> String {
        format!("/ctl/ns/{}/{id}", self.name)
    }

    fn claim_path(&self) -> String {
        format!("/ctl/boot/{}", self.name)
    }
}

/// Whether it was done, unless there was a change before it.
fn changed_since(done: Result<(), Error>) -> Result<bool, Error> {
    match done {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::RevMismatch => Ok(false),
        Err(error) => Err(error),
    }
}

/// The system's words without its numbers for them.
fn without_numbers(words: &str) -> String {
    let mut parts = words.split(" (os error ");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |words, part| words + part.split_once(')').map_or("", |(_, rest)| rest))
}

fn text(value: &[u8]) -> String {
    String::from_utf8_lossy(value).into_owned()
}
