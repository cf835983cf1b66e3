//! From records to the log they add up to: appends, cuts, and the places where a snapshot took over.

use doozer_paxos::{Ballot, Entry, EntryHash, Slot};

use crate::chain::Chain;
use crate::record::Header;
use crate::scan::Found;

/// The log that the records add up to, above a floor.
#[derive(Debug)]
pub(crate) struct Replayed {
    /// From the floor on.
    pub(crate) chain: Chain,
    /// The entries above the floor.
    pub(crate) entries: Vec<Entry>,
    pub(crate) acc_ballot: Ballot,
    pub(crate) epoch: u64,
    pub(crate) log_bytes: u64,
    /// The log does not reach the floor, or has another entry there: a snapshot was installed, and the record that
    /// says so is missing.
    pub(crate) is_behind: bool,
}

impl Replayed {
    /// No log that could be made out.
    pub(crate) fn nothing() -> Self {
        Replayed {
            chain: Chain::new(Slot(0), EntryHash::NONE, 0),
            entries: Vec::new(),
            acc_ballot: Ballot::ZERO,
            epoch: 0,
            log_bytes: 0,
            is_behind: false,
        }
    }
}

/// Two records that do not belong together: the index of the second, and what is wrong.
#[derive(Debug)]
pub(crate) struct Break {
    pub(crate) index: usize,
    pub(crate) what: String,
}

/// Where the log may begin: a snapshot's slot and hash, or `Slot(0)`. What is below or at the floor is covered by the
/// snapshot, so there a record may follow anything; above it, only what came before.
pub(crate) fn replay(records: &[Found], floor: Slot, floor_hash: EntryHash) -> Result<Replayed, Break> {
    let mut state =
        State { chain: None, entries: Vec::new(), acc_ballot: Ballot::ZERO, epoch: 0, log_bytes: 0 };
    for (index, found) in records.iter().enumerate() {
        state.take(found, floor).map_err(|what| Break { index, what })?;
    }
    let index = records.len().saturating_sub(1);
    state.finish(floor, floor_hash).map_err(|what| Break { index, what })
}

struct State {
    chain: Option<Chain>,
    entries: Vec<Entry>,
    acc_ballot: Ballot,
    epoch: u64,
    log_bytes: u64,
}

impl State {
    fn take(&mut self, found: &Found, floor: Slot) -> Result<(), String> {
        let header = &found.header;
        if header.acc_ballot < self.acc_ballot {
            return Err(format!(
                "record {} is accepted under a lower ballot than one before it",
                header.record
            ));
        }
        let chain = match self.chain.take() {
            Some(chain) if chain.hash_at(header.before()) == Some(header.previous) => {
                self.continued(chain, header)?
            }
            _ if header.before() <= floor => {
                self.entries.clear();
                Chain::new(header.before(), header.previous, self.log_bytes)
            }
            None => {
                return Err(format!(
                    "the log begins with slot {}, but a snapshot covers only {floor}",
                    header.from
                ));
            }
            Some(_) => return Err(format!("record {} does not follow the log before it", header.record)),
        };
        self.append(chain, found);
        Ok(())
    }

    fn continued(&mut self, mut chain: Chain, header: &Header) -> Result<Chain, String> {
        if header.before() == chain.last() && header.epoch < self.epoch {
            return Err(format!("record {} is of a lower epoch than the one before it", header.record));
        }
        chain.cut_behind(header.before());
        self.entries.truncate((header.before().0 - chain.base().0) as usize);
        Ok(chain)
    }

    fn append(&mut self, mut chain: Chain, found: &Found) {
        let Found { header, entries, .. } = found;
        self.log_bytes += header.total_len;
        for (index, entry) in entries.iter().enumerate() {
            chain.push(entries.get(index + 1).map_or(header.last_hash, |next| next.previous), self.log_bytes);
            self.entries.push(entry.clone());
        }
        self.chain = Some(chain);
        self.acc_ballot = header.acc_ballot;
        self.epoch = header.epoch;
    }

    fn finish(mut self, floor: Slot, floor_hash: EntryHash) -> Result<Replayed, String> {
        let no_record = Chain::new(Slot(0), EntryHash::NONE, 0);
        let mut chain = self.chain.unwrap_or(no_record);
        let is_behind = chain.hash_at(floor) != Some(floor_hash);
        if is_behind && floor == Slot(0) {
            return Err("the first slot follows an entry that nobody has".to_owned());
        }
        if is_behind {
            chain = Chain::new(floor, floor_hash, self.log_bytes);
            self.entries.clear();
        } else {
            self.entries.drain(..(floor.0 - chain.base().0) as usize);
            chain.rebase(floor);
        }
        let State { entries, acc_ballot, epoch, log_bytes, .. } = self;
        Ok(Replayed { chain, entries, acc_ballot, epoch, log_bytes, is_behind })
    }
}
