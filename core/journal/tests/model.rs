//! Random work, random faults, crashes at random calls, over and over on one disk: what was acknowledged is always
//! found again, byte for byte, and nothing that was never appended.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use doozer_journal::sim::Fault;
use doozer_journal::{
    AppendError, Journal, OpenError, Options, Recovered, SimDisk, SnapshotError, SnapshotHead,
};
use doozer_paxos::log::Suspect;
use doozer_paxos::{Ballot, EntryHash, Incarnation, Slot};
use support::*;

struct World {
    disk: SimDisk,
    rng: Rng,
    /// What the log may be, oldest first: as it was acknowledged last, and after each append since.
    logs: Vec<PlainLog>,
    promised: Ballot,
    /// The greatest ballot that may have become durable.
    promised_max: Ballot,
    boot: u64,
    snapshot: Slot,
    snapshot_max: Slot,
    ballot_n: u64,
    lives: u64,
    suspect: Option<Suspect>,
    /// Declaring it sound was begun.
    is_declared: bool,
}

/// The life of the process ends here.
struct Died;

type Life<T> = Result<T, Died>;

impl World {
    /// Alone, or one of several.
    fn new(seed: u64, voters: &[Incarnation]) -> Self {
        World {
            disk: SimDisk::new(seed),
            rng: Rng(seed ^ 0xdead),
            logs: vec![PlainLog::of(voters)],
            promised: Ballot::ZERO,
            promised_max: Ballot::ZERO,
            boot: 0,
            snapshot: Slot(0),
            snapshot_max: Slot(0),
            ballot_n: 0,
            lives: 0,
            suspect: None,
            is_declared: false,
        }
    }

    fn log(&self) -> &PlainLog {
        self.logs.last().unwrap()
    }

    fn options(&mut self) -> Options {
        Options { segment_bytes: [32 << 10, 64 << 10][self.rng.below(2) as usize], bytes_max: None }
    }

    fn run(&mut self) {
        for _ in 0..12 {
            self.lives += 1;
            let _: Life<()> = self.live();
            if self.rng.chance(60) { self.disk.crash() } else { self.disk.kill() }
        }
        // At the end without a fault, twice: opening changes nothing that counts.
        for _ in 0..2 {
            let journal = self.open();
            assert!(journal.is_ok(), "no fault, yet it cannot be opened");
            drop(journal);
            self.disk.crash();
        }
    }

    fn plan_fault(&mut self) {
        let calls = 1 + self.rng.below(200);
        match self.rng.below(8) {
            0..=3 => self.disk.power_off(calls),
            4 => self.disk.fail(calls, None, Fault::Eio),
            5 => self.disk.fail(calls, None, Fault::Enospc),
            6 => self.disk.fail(calls, None, Fault::Short),
            _ => {}
        }
    }

    fn live(&mut self) -> Life<()> {
        self.plan_fault();
        let mut journal = self.open()?;
        if self.suspect.is_some() && self.rng.chance(50) {
            self.is_declared = true;
            journal.sound().map_err(|_| Died)?;
            self.suspect = None;
        }
        self.promise(&mut journal)?;
        for _ in 0..self.rng.below(40) {
            match self.rng.below(100) {
                0..45 => self.append(&mut journal)?,
                45..52 => self.cut(&mut journal)?,
                52..77 => self.sync(&mut journal)?,
                77..80 => self.promise(&mut journal)?,
                80..84 => journal.sync_mark().map_err(|_| Died)?,
                84..88 => full_or_died(journal.prepare())?,
                88..95 => self.snapshot(&mut journal)?,
                95..97 => self.install(&mut journal)?,
                _ => journal.truncate(Slot(self.rng.below(self.log().last().0 + 1))).map_err(|_| Died)?,
            }
        }
        Ok(())
    }

    fn open(&mut self) -> Life<Journal<SimDisk>> {
        let options = self.options();
        let is_there = Journal::exists(&self.disk);
        let opened = match is_there {
            Ok(true) => Journal::open(self.disk.clone(), options),
            Ok(false) if self.boot == 0 => Journal::create(self.disk.clone(), BIRTH, options),
            Ok(false) => panic!("the directory is gone"),
            Err(error) => Err(error),
        };
        match opened {
            Ok((journal, recovered)) => {
                self.check(&recovered);
                match check_snapshot(&journal, &recovered) {
                    Err(SnapshotError::Io(_)) if self.disk.has_struck() => Err(Died),
                    checked => Ok(checked.map(|()| journal).unwrap()),
                }
            }
            Err(OpenError::Io(_)) if self.disk.has_struck() => Err(Died),
            Err(error) => panic!("in life {}: {error}", self.lives),
        }
    }

    fn check(&mut self, recovered: &Recovered) {
        let found = self.logs.iter().rposition(|log| log.is(recovered));
        let Some(found) = found else {
            let all: Vec<_> =
                self.logs.iter().map(|log| (log.last(), log.last_hash(), log.acc_ballot)).collect();
            panic!("in life {}: {recovered:#?}\nis none of {all:?}", self.lives);
        };
        self.check_suspect(recovered);
        self.logs = vec![self.logs[found].clone()];
        assert!(recovered.boot > self.boot, "boot {} after {}", recovered.boot, self.boot);
        assert!(recovered.promised >= self.promised && recovered.promised <= self.promised_max);
        let snapshot = recovered.snapshot.as_ref().map_or(Slot(0), |meta| meta.head.slot);
        assert!(snapshot >= self.snapshot && snapshot <= self.snapshot_max, "snapshot {snapshot}");
        (self.boot, self.promised, self.snapshot) = (recovered.boot, recovered.promised, snapshot);
    }

    /// Nothing rots here, so whatever is suspect was never acknowledged. Alone, it is cut; unless the ballot changed while
    /// something was not synced, which a member that is alone does not do.
    fn check_suspect(&mut self, recovered: &Recovered) {
        let is_alone =
            self.log().voters == [ME] && self.logs.windows(2).all(|w| w[0].acc_ballot == w[1].acc_ballot);
        let rank = |suspect: &Option<Suspect>| suspect.as_ref().map(Suspect::rank);
        if std::mem::take(&mut self.is_declared) && recovered.suspect.is_none() {
            self.suspect = None;
        }
        assert!(rank(&recovered.suspect) >= rank(&self.suspect), "{:?} is forgotten", self.suspect);
        if is_alone {
            assert_eq!(recovered.suspect, self.suspect);
        } else if rank(&recovered.suspect) > rank(&self.suspect) {
            let lost = self.logs.iter().map(|log| Some((log.acc_ballot.rank(), log.last()))).max();
            assert!(rank(&recovered.suspect) <= lost.flatten(), "{:?} was never written", recovered.suspect);
        }
        self.suspect = recovered.suspect;
    }

    fn commands(&mut self) -> Vec<Vec<u8>> {
        let count = 1 + self.rng.below(3);
        (0..count)
            .map(|_| {
                let len = match self.rng.below(20) {
                    0 => 40_000 + self.rng.below(60_000),
                    1..4 => 3000 + self.rng.below(2000),
                    _ => self.rng.below(300),
                };
                (0..len).map(|_| self.rng.next() as u8).collect()
            })
            .collect()
    }

    fn append(&mut self, journal: &mut Journal<SimDisk>) -> Life<()> {
        let commands = self.commands();
        let from = self.log().last().next();
        self.append_from(journal, from, &commands)
    }

    /// An append that takes the place of a part of the log; sometimes only of the commands.
    fn cut(&mut self, journal: &mut Journal<SimDisk>) -> Life<()> {
        let above = self.log().last().0 - self.snapshot.0;
        if above == 0 {
            return Ok(());
        }
        let from = Slot(self.snapshot.0 + 1 + self.rng.below(above));
        let commands = if self.rng.chance(20) { vec![] } else { self.commands() };
        if self.rng.chance(50) {
            self.promise(journal)?;
        }
        self.append_from(journal, from, &commands)
    }

    fn append_from(&mut self, journal: &mut Journal<SimDisk>, from: Slot, commands: &[Vec<u8>]) -> Life<()> {
        let append = self.log().make(from, self.promised, 1, commands);
        let mut log = self.log().clone();
        log.take(&append);
        match journal.append(&append) {
            Ok(_) => {
                self.logs.push(log);
                assert_eq!(
                    (journal.last(), journal.last_hash()),
                    (self.log().last(), self.log().last_hash())
                );
                Ok(())
            }
            // Nothing of it counts, so it is not among what the log may be.
            Err(AppendError::Full(_)) => Ok(()),
            Err(AppendError::Fatal(_)) => {
                assert!(journal.sync().is_err(), "the journal is not closed");
                self.logs.push(log);
                Err(Died)
            }
        }
    }

    fn sync(&mut self, journal: &mut Journal<SimDisk>) -> Life<()> {
        let synced = journal.sync().map_err(|_| Died)?;
        let log = self.log().clone();
        assert_eq!(synced.slot, log.last());
        self.logs = vec![log];
        Ok(())
    }

    fn promise(&mut self, journal: &mut Journal<SimDisk>) -> Life<()> {
        self.ballot_n += 1;
        let ballot = ballot(self.ballot_n);
        self.promised_max = ballot;
        journal.promise(ballot).map_err(|_| Died)?;
        self.promised = ballot;
        Ok(())
    }

    /// A snapshot of what is acknowledged.
    fn snapshot(&mut self, journal: &mut Journal<SimDisk>) -> Life<()> {
        self.sync(journal)?;
        let above = self.log().last().0 - self.snapshot.0;
        let slot = Slot(self.snapshot.0 + self.rng.below(above + 1));
        if slot.0 == 0 {
            return Ok(());
        }
        self.snapshot_max = self.snapshot_max.max(slot);
        match write_snapshot_of(journal, self.log().head_at(slot)) {
            Ok(meta) => {
                full_or_died(journal.snapshot_committed(&meta))?;
                self.snapshot = slot;
                Ok(())
            }
            Err(SnapshotError::Io(_)) => Err(Died),
            Err(error) => panic!("{error}"),
        }
    }

    /// A snapshot from elsewhere: behind the log's end, or of another history.
    fn install(&mut self, journal: &mut Journal<SimDisk>) -> Life<()> {
        let last = self.log().last().0;
        let slot = Slot(self.snapshot.0 + 1 + self.rng.below(last - self.snapshot.0 + 20));
        let hash = EntryHash([self.rng.next() as u8; 32]);
        // Appends that are not synced may be lost even if the snapshot is not, and with them their ballot.
        let with = |log: &PlainLog| PlainLog { base: slot, base_hash: hash, entries: vec![], ..log.clone() };
        let log = with(self.log());
        self.snapshot_max = self.snapshot_max.max(slot);
        self.logs.extend(self.logs.iter().map(with).collect::<Vec<_>>());
        let head = SnapshotHead { config: log.config(), ..head(slot, hash) };
        let meta = write_snapshot_of(journal, head).map_err(|_| Died)?;
        journal.snapshot_committed(&meta).map_err(|_| Died)?;
        self.logs = vec![log];
        self.snapshot = slot;
        Ok(())
    }
}

fn full_or_died(done: Result<(), AppendError>) -> Life<()> {
    match done {
        Err(AppendError::Fatal(_)) => Err(Died),
        _ => Ok(()),
    }
}

#[test]
fn what_was_acknowledged_survives_any_crash() {
    for seed in seeds(400) {
        let voters: &[Incarnation] = if seed % 2 == 0 { &[ME] } else { &[ME, Incarnation([7; 16])] };
        with_seed(seed, |seed| World::new(seed, voters).run());
    }
}
