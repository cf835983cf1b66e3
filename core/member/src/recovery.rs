//! What a member begins with: nothing, or what its data directory holds.

use doozer_journal::{Anew, Birth, Damage, Disk, Journal, OpenError, Options, Recovered, SnapshotReader};
use doozer_paxos::log::{Base, Log};
use doozer_paxos::planted::{Planted, is_planted};
use doozer_paxos::replica::Past;
use doozer_paxos::{Ballot, ClusterId, Config, EntryHash, Incarnation, Slot};
use tracing::{error, info, warn};

use crate::driver::Position;
use crate::keeper::Keeper;
use crate::machine::{BadSnapshot, Machine, MachineLoader};

/// What a member begins with.
#[derive(Debug)]
pub struct Begin {
    /// Its cluster.
    pub cluster: ClusterId,
    /// Who it is.
    pub id: Incarnation,
    /// The state as far as it surely is decided: the rest follows from the log.
    pub machine: Machine,
    /// Where that state stands.
    pub position: Position,
    /// What its replica takes up.
    pub past: Past,
    /// How its store is set up, also when a snapshot takes its place.
    pub store_options: doozer_store::Options,
    /// How it comes into its cluster if it has nothing: as it was born, or anew, since its log was damaged.
    pub role: Role,
}

/// How a member without a log comes into its cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It is the first one: alone it votes, until it takes others in.
    Founder,
    /// It learns from others who votes.
    Joiner,
}

/// Why a data directory is not opened.
#[derive(Debug, thiserror::Error)]
pub enum RecoveryError {
    /// The journal cannot be opened.
    #[error(transparent)]
    Journal(#[from] OpenError),
    /// The snapshot cannot be read from the disk, or is damaged there.
    #[error("snapshot: {0}; restore the directory from a backup")]
    SnapshotFile(#[from] doozer_journal::SnapshotError),
    /// The snapshot's content is no state.
    #[error("snapshot: {0}; restore the directory from a backup")]
    Snapshot(#[from] BadSnapshot),
}

impl Begin {
    /// Whether nothing was ever decided here.
    pub fn is_empty(&self) -> bool {
        self.position.slot == Slot(0) && self.past.log.last() == Slot(0)
    }
}

/// A member that lives in memory.
pub fn open_memory(birth: Birth, role: Role, store_options: doozer_store::Options) -> Begin {
    let Birth { cluster, incarnation: id } = birth;
    let entered = before_the_first(id, role);
    let past = Past {
        boot: 1,
        promised: Ballot::ZERO,
        acc_ballot: Ballot::ZERO,
        suspect: None,
        log: Log::empty(entered.clone()),
        entered: entered.clone(),
    };
    let machine = Machine::new(store_options, entered);
    Begin { cluster, id, machine, position: BEGINNING, past, store_options, role }
}

/// Opens a data directory, or makes a new one with this birth and this role. Blocks on the disk. With the keeper comes the
/// size of the snapshot there is, in bytes.
///
/// # Errors
/// [`RecoveryError`]; nothing was changed that a later start could miss.
pub fn open<D: Disk>(
    disk: &D,
    birth: impl FnOnce() -> Birth,
    role: Role,
    options: Options,
    store_options: doozer_store::Options,
) -> Result<(Begin, Keeper<D>, u64), RecoveryError> {
    let (journal, recovered) = if Journal::exists(disk)? {
        Journal::open(disk.clone(), options)?
    } else {
        match role {
            Role::Founder => Journal::create_founder(disk.clone(), birth(), options)?,
            Role::Joiner => Journal::create(disk.clone(), birth(), options)?,
        }
    };
    report(&recovered);
    let role = role_of(&recovered);
    let (machine, position, snapshot_bytes) = state(disk, &recovered, role, store_options)?;
    let past = past(&recovered, &machine, &position);
    let (cluster, id) = (recovered.cluster, recovered.incarnation);
    info!(revision = %machine.store().revision(), slots = recovered.entries.len(), "recovered");
    let begin = Begin { cluster, id, machine, position, past, store_options, role };
    Ok((begin, Keeper::new(journal), snapshot_bytes))
}

const BEGINNING: Position = Position { slot: Slot(0), hash: EntryHash::NONE, wall_ms: 0 };

/// What a member is as long as nothing stands in its log. A founder has promised itself a ballot from its first moment on.
fn role_of(recovered: &Recovered) -> Role {
    // What is lost, or what was put aside, others have.
    let is_founder = recovered.suspect.is_none() && recovered.promised.incarnation == recovered.incarnation;
    if is_founder { Role::Founder } else { Role::Joiner }
}

/// The configuration in which the first slots are decided: the founder alone. Who joins learns it with them.
fn before_the_first(id: Incarnation, role: Role) -> Config {
    let voters = match role {
        Role::Founder => vec![id],
        Role::Joiner => Vec::new(),
    };
    Config { epoch: 0, voters }
}

fn report(recovered: &Recovered) {
    for note in &recovered.repaired {
        warn!(note, "repaired");
    }
    if let Some(torn) = &recovered.torn {
        warn!(%torn, "cut off what was never acknowledged");
    }
    if let Some(Anew { damage, kept_in }) = &recovered.anew {
        let Damage { file, offset, what, .. } = damage;
        error!(
            "{file} is damaged at byte {offset}: {what}. Its files are kept in {kept_in}; this member learns everything from \
             the others, and does not vote until it has all that it had"
        );
    }
    if let Some(suspect) = recovered.suspect.as_ref().filter(|_| recovered.anew.is_none()) {
        warn!(last = %suspect.last, "the end of the log cannot be read and may have been acknowledged: others are asked");
    }
}

/// The state of the snapshot, or an empty one.
pub(crate) fn state<D: Disk>(
    disk: &D,
    recovered: &Recovered,
    role: Role,
    store_options: doozer_store::Options,
) -> Result<(Machine, Position, u64), RecoveryError> {
    let Some(meta) = &recovered.snapshot else {
        // Only the founder could propose the first slot.
        let config = match recovered.entries.first() {
            Some(first) => before_the_first(first.birth.incarnation, Role::Founder),
            None => before_the_first(recovered.incarnation, role),
        };
        return Ok((Machine::new(store_options, config), BEGINNING, 0));
    };
    let mut reader = SnapshotReader::open(disk, recovered.cluster, meta.head.slot)?;
    let mut loader = MachineLoader::new(store_options);
    while let Some(chunk) = reader.next_chunk()? {
        loader.push(&chunk)?;
    }
    let position = Position { slot: meta.head.slot, hash: meta.head.hash, wall_ms: meta.head.wall_ms };
    Ok((loader.finish()?, position, meta.file_bytes))
}

fn past(recovered: &Recovered, machine: &Machine, position: &Position) -> Past {
    let entered = machine.config().clone();
    let Position { slot, hash, wall_ms } = *position;
    let mut log = Log::new(Base { slot, hash, wall_ms, config: entered.clone() });
    // The journal has checked that each follows the one before it: only the last one's hash stands nowhere.
    let following = recovered.entries.iter().skip(1).map(|next| next.previous);
    let last = recovered.entries.last().map(|last| last.hash(recovered.cluster));
    for (entry, hash) in recovered.entries.iter().zip(following.chain(last)) {
        log.push(entry.clone(), hash);
    }
    Past {
        boot: recovered.boot,
        promised: recovered.promised.max(recovered.acc_ballot),
        acc_ballot: recovered.acc_ballot,
        suspect: recovered.suspect.filter(|_| !is_planted(Planted::SuspectEndCut)),
        log,
        entered,
    }
}
