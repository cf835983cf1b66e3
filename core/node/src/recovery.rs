//! What a member begins with: nothing, or what its data directory holds.

use std::path::PathBuf;

use doozer_journal::{Birth, Disk, Journal, Options, Recovered, SnapshotReader};
use doozer_paxos::replica::Past;
use doozer_paxos::{ClusterId, Incarnation, Replica};
use doozer_store::{Applied, Loader, Store};
use tracing::{info, warn};

use crate::config::{Config, Limits};
use crate::error::{Failure, StartError};

/// What is wrong with a snapshot.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotProblem {
    /// It cannot be read from the disk, or is damaged there.
    #[error(transparent)]
    File(#[from] doozer_journal::SnapshotError),
    /// Its content is no state of a store.
    #[error(transparent)]
    Content(#[from] doozer_store::SnapshotError),
}

/// The state a member begins with.
pub(crate) struct Begin<D: Disk> {
    pub cluster: ClusterId,
    pub id: Incarnation,
    pub store: Store,
    pub past: Past,
    /// The journal, and the size of its snapshot.
    pub journal: Option<(Journal<D>, u64)>,
}

/// A new cluster that lives in memory.
pub(crate) fn open_memory<D: Disk>(config: &Config) -> Result<Begin<D>, StartError> {
    let birth = birth()?;
    let store = Store::new(options(config)?);
    Ok(Begin { cluster: birth.cluster, id: birth.incarnation, store, past: Past::NONE, journal: None })
}

/// Opens a data directory, or makes a new one. Blocks on the disk.
pub(crate) fn open_directory<D: Disk>(disk: &D, config: &Config) -> Result<Begin<D>, StartError> {
    let path = PathBuf::from(disk.path(""));
    let at = |source| StartError::Data { path: path.clone(), source };
    let Limits { data_bytes_max: bytes_max, log_segment_bytes: segment_bytes, .. } = config.limits;
    let bounds = Options { segment_bytes, bytes_max };
    let (mut journal, recovered) = if Journal::exists(disk).map_err(at)? {
        Journal::open(disk.clone(), bounds).map_err(at)?
    } else {
        Journal::create(disk.clone(), birth()?, bounds).map_err(at)?
    };
    report(&recovered);
    let options = options(config)?;
    let (store, snapshot_bytes) = restore(disk, &recovered, options)
        .map_err(|source| StartError::Snapshot { path: path.clone(), source })?;
    let past = past(&recovered);
    // Nothing is proposed under a ballot that a later start could use again.
    let ballot = Replica::ballot_after(&past, recovered.incarnation);
    journal
        .promise(ballot)
        .map_err(|error| StartError::Journal { path: path.clone(), source: Failure(error.to_string()) })?;
    Ok(Begin {
        cluster: recovered.cluster,
        id: recovered.incarnation,
        store,
        past,
        journal: Some((journal, snapshot_bytes)),
    })
}

fn past(recovered: &Recovered) -> Past {
    let snapshot = recovered.snapshot.as_ref().map(|meta| &meta.head);
    let in_log = recovered.entries.iter().rev().find_map(|entry| entry.config.as_ref());
    let wall_ms = recovered.entries.last().map(|entry| entry.wall_ms).or(snapshot.map(|head| head.wall_ms));
    Past {
        last: recovered.last,
        last_hash: recovered.last_hash,
        wall_ms: wall_ms.unwrap_or_default(),
        promised: recovered.promised.max(recovered.acc_ballot),
        config: in_log.or(snapshot.map(|head| &head.config)).cloned(),
    }
}

fn report(recovered: &Recovered) {
    for note in &recovered.repaired {
        warn!(note, "repaired");
    }
    if let Some(torn) = &recovered.torn {
        warn!(%torn, "cut off what was never acknowledged");
    }
}

/// The store at the end of the log. With one voter everything that is durable is decided, so all of it is applied.
fn restore<D: Disk>(
    disk: &D,
    recovered: &Recovered,
    options: doozer_store::Options,
) -> Result<(Store, u64), SnapshotProblem> {
    let (mut store, bytes) = match &recovered.snapshot {
        None => (Store::new(options), 0),
        Some(meta) => {
            let mut reader = SnapshotReader::open(disk, recovered.cluster, meta.head.slot)?;
            let mut loader = Loader::new(options);
            while let Some(chunk) = reader.next_chunk()? {
                loader.push(&chunk)?;
            }
            (loader.finish()?, meta.file_bytes)
        }
    };
    let mut applied = Applied::default();
    for entry in &recovered.entries {
        store.apply(&entry.commands, &mut applied);
    }
    info!(revision = %store.revision(), slots = recovered.entries.len(), "recovered");
    Ok((store, bytes))
}

fn birth() -> Result<Birth, StartError> {
    Ok(Birth { cluster: ClusterId(random()?), incarnation: Incarnation(random()?) })
}

fn options(config: &Config) -> Result<doozer_store::Options, StartError> {
    Ok(doozer_store::Options { history: config.history, hash_seed: u64::from_le_bytes(random()?) })
}

fn random<const N: usize>() -> Result<[u8; N], StartError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|source| StartError::System {
        what: "random bytes",
        source: std::io::Error::other(source),
    })?;
    Ok(bytes)
}
