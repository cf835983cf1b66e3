//! What the tests of suspect ends share: a member that runs, damage to chosen records, and what is expected of it.

use doozer_journal::{Journal, OpenError, Options, Recovered, SimDisk};
use doozer_paxos::log::Suspect;
use doozer_paxos::{Ballot, Incarnation, Slot};

use super::{BIRTH, ME, PlainLog, ballot};

/// Two small records in a segment.
pub const TINY: Options = Options { segment_bytes: 24 << 10, bytes_max: None };
pub const PEER: Incarnation = Incarnation([7; 16]);
pub const RECORD: usize = 8192;

/// A member that is running.
pub struct Running {
    pub disk: SimDisk,
    pub journal: Journal<SimDisk>,
    pub log: PlainLog,
}

impl Running {
    pub fn new(voters: &[Incarnation], options: Options) -> Self {
        Running::on(SimDisk::new(1), voters, options)
    }

    pub fn on(disk: SimDisk, voters: &[Incarnation], options: Options) -> Self {
        let (mut journal, _) = Journal::create(disk.clone(), BIRTH, options).unwrap();
        journal.promise(ballot(9)).unwrap();
        Running { disk, journal, log: PlainLog::of(voters) }
    }

    /// With so many synced records of one slot each.
    pub fn with(voters: &[Incarnation], options: Options, records: u64) -> Self {
        let mut running = Running::new(voters, options);
        (1..=records).for_each(|_| running.add(ballot(3), 1));
        running
    }

    pub fn append(&mut self, acc_ballot: Ballot, from: Slot, epoch: u64, commands: &[Vec<u8>]) {
        let append = self.log.make(from, acc_ballot, epoch, commands);
        self.log.take(&append);
        self.journal.append(&append).unwrap();
    }

    /// A synced record of one slot.
    pub fn add(&mut self, acc_ballot: Ballot, epoch: u64) {
        self.append(acc_ballot, self.log.last().next(), epoch, &[vec![5; 60]]);
        self.journal.sync().unwrap();
    }

    pub fn stop(mut self) -> (SimDisk, PlainLog) {
        self.journal.sync_mark().unwrap();
        (self.disk, self.log)
    }
}

pub fn open(disk: &SimDisk) -> (Journal<SimDisk>, Recovered) {
    Journal::open(disk.clone(), TINY).unwrap_or_else(|error| panic!("{error}"))
}

pub fn damage_of(disk: &SimDisk) -> String {
    match Journal::open(disk.clone(), TINY) {
        Err(OpenError::Damaged(damaged)) => damaged.damage.to_string(),
        Err(error) => panic!("{error}"),
        Ok((_, recovered)) => panic!("opened: {recovered:?}"),
    }
}

/// Opens a damaged directory of one among several: why its log was put aside.
pub fn put_aside(disk: &SimDisk) -> String {
    let (_, recovered) = open(disk);
    assert!(recovered.suspect.is_some() && recovered.last == Slot(0));
    recovered.anew.expect("it begins anew").damage.to_string()
}

pub fn suspect(acc_ballot: Ballot, last: u64) -> Option<Suspect> {
    Some(Suspect { acc_ballot, last: Slot(last) })
}

pub fn segment(number: u64) -> String {
    format!("log/{number:016x}.log")
}

pub fn edit(disk: &SimDisk, name: &str, change: impl FnOnce(&mut [u8])) {
    let mut bytes = disk.contents(name).unwrap();
    change(&mut bytes);
    disk.put(name, &bytes);
}

/// Offset of the record with this index in its segment, all being small.
pub fn at(index: usize) -> usize {
    4096 + index * RECORD
}

/// Damages the body of a record.
pub fn spoil_body(disk: &SimDisk, number: u64, index: usize) {
    edit(disk, &segment(number), |bytes| bytes[at(index) + 300] ^= 1);
}

pub fn spoil_record(disk: &SimDisk, number: u64, index: usize) {
    edit(disk, &segment(number), |bytes| bytes[at(index)..at(index + 1)].fill(0));
}

pub fn plain(log: &PlainLog, len: usize) -> PlainLog {
    let mut shorter = log.clone();
    shorter.entries.truncate(len);
    shorter
}

/// The end stays suspect through crashes until it is declared sound, and then no more.
pub fn check_stays(disk: &SimDisk, expected: Option<Suspect>) {
    for _ in 0..3 {
        disk.crash();
        let (mut journal, recovered) = open(disk);
        assert_eq!(recovered.suspect, expected);
        assert_eq!(recovered.torn, None);
        let mut log = PlainLog::of(&[ME, PEER]);
        (log.base, log.base_hash) = (recovered.last, recovered.last_hash);
        journal.append(&log.make(log.base.next(), ballot(9), 1, &[vec![1]])).unwrap();
        journal.sync().unwrap();
    }
    let (mut journal, _) = open_again(disk);
    journal.sound().unwrap();
    drop(journal);
    assert_eq!(open_again(disk).1.suspect, None);
}

pub fn open_again(disk: &SimDisk) -> (Journal<SimDisk>, Recovered) {
    disk.crash();
    open(disk)
}
