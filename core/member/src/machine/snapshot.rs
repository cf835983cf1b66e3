//! The state as bytes: a head of its own, and behind it the store's snapshot. What a snapshot carries is all that applying
//! the next entry depends on.
//!
//! The head: the magic `DZMACH 1` (8 bytes), its length behind this field (u32), the epoch (u64), the voters (u32, 16 bytes
//! each), the origins (u32; of each its incarnation, boot and last number as u64, and its outcomes: u32, 17 bytes each). All
//! numbers are little-endian.

use bytes::BufMut;
use doozer_paxos::planted::{Planted, is_planted};
use doozer_paxos::{Config, Incarnation};
use doozer_store::{Loader, Snapshot, Store};

use super::origins::{Origins, take};
use super::{Machine, cal};

const MAGIC: [u8; 8] = *b"DZMACH 1";

/// Longer heads are refused: that would be millions of members.
const HEAD_BYTES_MAX: usize = 256 << 20;

/// Why bytes are no snapshot of a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadSnapshot {
    /// They begin with something else.
    #[error("this is no snapshot of a format known here")]
    Format,
    /// The head makes no sense.
    #[error("malformed snapshot: its head does not add up")]
    Head,
    /// The files under `/ctl/cal` are not what the configuration says.
    #[error("malformed snapshot: /ctl/cal is not who votes")]
    Voters,
    /// The store's part cannot be loaded.
    #[error(transparent)]
    Store(#[from] doozer_store::SnapshotError),
}

/// A snapshot on its way out: the state as it was when it began, whatever is applied meanwhile.
#[must_use = "a snapshot that is not given back keeps the history for ever"]
pub struct MachineSnapshot {
    head: Vec<u8>,
    store: Snapshot,
}

/// Everything beside the store, in its canonical form.
pub(super) fn head(machine: &Machine) -> Vec<u8> {
    let mut head = Vec::new();
    head.put_u64_le(machine.config.epoch);
    head.put_u32_le(machine.config.voters.len() as u32);
    machine.config.voters.iter().for_each(|voter| head.put_slice(&voter.0));
    machine.origins.encode(&mut head);
    head
}

impl Machine {
    /// Begins a snapshot of the present state. Give it back with [`Machine::end_snapshot`].
    pub fn begin_snapshot(&mut self) -> MachineSnapshot {
        let mut body = head(self);
        if is_planted(Planted::SnapshotWithoutOrigins) {
            body.truncate(12 + 16 * self.config.voters.len());
            body.put_u32_le(0);
        }
        let mut head = MAGIC.to_vec();
        head.put_u32_le(body.len() as u32);
        head.extend_from_slice(&body);
        MachineSnapshot { head, store: self.store.begin_snapshot() }
    }

    /// Gives a snapshot back, complete or not.
    pub fn end_snapshot(&mut self, snapshot: MachineSnapshot) {
        self.store.end_snapshot(snapshot.store);
    }
}

impl MachineSnapshot {
    /// Appends the next chunk, about 256 KiB at most, or one record if that is larger. False if it was the last one.
    pub fn next_chunk(&mut self, machine: &Machine, out: &mut Vec<u8>) -> bool {
        out.append(&mut self.head);
        self.store.next_chunk(&machine.store, out)
    }
}

/// Makes a machine of a snapshot, piece by piece.
pub struct MachineLoader {
    head: Head,
    loader: Loader,
}

enum Head {
    Coming(Vec<u8>),
    Read(Config, Origins),
}

impl MachineLoader {
    /// A loader whose store will keep as much history as these options say.
    pub fn new(options: doozer_store::Options) -> MachineLoader {
        MachineLoader { head: Head::Coming(Vec::new()), loader: Loader::new(options) }
    }

    /// Takes the next piece, which may be cut anywhere.
    ///
    /// # Errors
    /// [`BadSnapshot`]; the loader is of no more use then.
    pub fn push(&mut self, chunk: &[u8]) -> Result<(), BadSnapshot> {
        let Head::Coming(bytes) = &mut self.head else { return Ok(self.loader.push(chunk)?) };
        bytes.extend_from_slice(chunk);
        let Some((magic, rest)) = bytes.split_first_chunk::<8>() else { return Ok(()) };
        if *magic != MAGIC {
            return Err(BadSnapshot::Format);
        }
        let Some((len, rest)) = rest.split_first_chunk() else { return Ok(()) };
        let len = u32::from_le_bytes(*len) as usize;
        if len > HEAD_BYTES_MAX {
            return Err(BadSnapshot::Head);
        }
        if let Some((head, rest)) = rest.split_at_checked(len) {
            let (config, origins) = read_head(head).ok_or(BadSnapshot::Head)?;
            self.loader.push(rest)?;
            self.head = Head::Read(config, origins);
        }
        Ok(())
    }

    /// The machine, if the snapshot was whole.
    ///
    /// # Errors
    /// [`BadSnapshot`].
    pub fn finish(self) -> Result<Machine, BadSnapshot> {
        let store: Store = self.loader.finish()?;
        let Head::Read(config, origins) = self.head else { return Err(BadSnapshot::Head) };
        if !cal::tells(&store, &config) {
            return Err(BadSnapshot::Voters);
        }
        Ok(Machine { store, origins, config })
    }
}

fn read_head(mut bytes: &[u8]) -> Option<(Config, Origins)> {
    let epoch = u64::from_le_bytes(take(&mut bytes)?);
    let mut voters = Vec::new();
    for _ in 0..u32::from_le_bytes(take(&mut bytes)?) {
        voters.push(Incarnation(take(&mut bytes)?));
    }
    let origins = Origins::decode(&mut bytes)?;
    bytes.is_empty().then_some((Config { epoch, voters }, origins))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn copied(config: Config) -> Result<Config, BadSnapshot> {
        let mut machine = Machine::new(doozer_store::Options::default(), config);
        let (mut snapshot, mut bytes) = (machine.begin_snapshot(), Vec::new());
        while snapshot.next_chunk(&machine, &mut bytes) {}
        machine.end_snapshot(snapshot);
        let mut loader = MachineLoader::new(doozer_store::Options::default());
        loader.push(&bytes)?;
        Ok(loader.finish()?.config().clone())
    }

    #[test]
    fn who_votes_is_written_down_from_the_first_configuration_on() {
        let founder = Config { epoch: 0, voters: vec![Incarnation([7; 16])] };
        assert_eq!(copied(founder.clone()).unwrap(), founder);
        let missing = Config { epoch: 1, ..founder };
        assert!(matches!(copied(missing), Err(BadSnapshot::Voters)));
    }
}
