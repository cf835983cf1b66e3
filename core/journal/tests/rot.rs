//! A member among several, at random work, on a disk that rots, misdirects and tears between and under its lives: it never
//! takes less than it acknowledged for all it had. Either the log is there, or its end, or all of it, is said to be suspect, by a
//! ballot and a slot that are not below what was acknowledged; or it refuses to start and touches nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

mod support;

use doozer_journal::{AppendError, Journal, OpenError, Options, Recovered, SimDisk, SnapshotError};
use doozer_paxos::log::Suspect;
use doozer_paxos::{Ballot, Incarnation, Slot};
use support::*;

const VOTERS: [Incarnation; 3] = [ME, Incarnation([7; 16]), Incarnation([8; 16])];
const OPTIONS: Options = Options { segment_bytes: 32 << 10, bytes_max: None };

type Rank = ((u32, Ballot), Slot);

struct World {
    disk: SimDisk,
    rng: Rng,
    /// All that the log ever was, oldest first.
    logs: Vec<PlainLog>,
    /// What was acknowledged and is not there any more.
    owed: Option<Rank>,
    promised: Ballot,
    snapshot: Slot,
    /// The mark names the last synced record, durably.
    is_mark_sure: bool,
    /// Something may have happened since the last start that came to its end.
    is_spoiled: bool,
    counts: Counts,
}

#[derive(Debug, Default, Clone, Copy)]
struct Counts {
    lives: u64,
    whole: u64,
    suspect: u64,
    needless: u64,
    /// Of the suspect ones, those whose log was put aside.
    anew: u64,
    refused: u64,
    sound: u64,
}

/// Why a life, or all of them, came to an end.
enum End {
    Life,
    All,
}

impl World {
    fn new(seed: u64) -> Self {
        let disk = SimDisk::new(seed);
        let (mut journal, _) = Journal::create(disk.clone(), BIRTH, OPTIONS).unwrap();
        // What it wrote first came from the cluster that it joined.
        let (mut log, theirs) = (PlainLog::of(&VOTERS), Ballot { n: 0, epoch: 0, incarnation: VOTERS[1] });
        journal.promise(theirs).unwrap();
        let append = log.make(Slot(1), theirs, 1, &[vec![1]]);
        journal.append(&append).unwrap();
        journal.sync().unwrap();
        drop(journal);
        log.take(&append);
        log.is_acknowledged = true;
        World {
            disk,
            rng: Rng(seed ^ 0xbeef),
            logs: vec![PlainLog::of(&VOTERS), log],
            owed: None,
            promised: Ballot::ZERO,
            snapshot: Slot(0),
            is_mark_sure: false,
            is_spoiled: false,
            counts: Counts::default(),
        }
    }

    fn log(&self) -> &PlainLog {
        self.logs.last().unwrap()
    }

    fn run(&mut self) {
        for _ in 0..12 {
            self.counts.lives += 1;
            let ended = self.live();
            let is_power_cut = self.rng.chance(50);
            if is_power_cut {
                self.disk.crash()
            } else {
                self.disk.kill()
            }
            if matches!(ended, Err(End::All)) {
                return;
            }
            self.spoil();
        }
    }

    /// Bits rot, mostly where the log ends. A power cut may bring back an older mark; where one may, only what leaves a copy
    /// of each header: a record without either, and that mark, are the one thing of which nothing tells any more.
    fn spoil(&mut self) {
        if !self.is_mark_sure && self.is_spoiled {
            return;
        }
        let bits_max = if self.is_mark_sure { 40 } else { 1 };
        self.is_spoiled = true;
        let files = self.disk.files();
        let logs: Vec<&String> = files.iter().filter(|name| name.ends_with(".log")).collect();
        let last = logs.last().map_or("MARK", |name| name);
        match self.rng.below(8) {
            0..=2 => (0..1 + self.rng.below(bits_max)).for_each(|_| _ = self.disk.rot(last)),
            3 => _ = self.disk.rot(&files[self.rng.below(files.len() as u64) as usize]),
            4 => self.zero_near_the_end(last),
            _ => {}
        }
    }

    fn zero_near_the_end(&mut self, name: &str) {
        let mut bytes = self.disk.contents(name).unwrap();
        let end = bytes.iter().rposition(|byte| *byte != 0).unwrap_or(0) / 4096;
        let sector = end.saturating_sub(self.rng.below(3) as usize) * 4096;
        let to = (sector + 4096).min(bytes.len());
        bytes[sector..to].fill(0);
        self.disk.put(name, &bytes);
    }

    fn live(&mut self) -> Result<(), End> {
        let fault = self.rng.below(6);
        match fault {
            0..=1 => self.disk.power_off(1 + self.rng.below(150)),
            2 => self.disk.misdirect(1 + self.rng.below(60)),
            _ => {}
        }
        self.is_spoiled |= fault == 2;
        let mut journal = self.open()?;
        (self.is_mark_sure, self.is_spoiled) = (false, fault == 2);
        let promise = ballot(self.promised.n + 1);
        journal.promise(promise).map_err(|_| End::Life)?;
        self.promised = promise;
        for _ in 0..self.rng.below(30) {
            match self.rng.below(100) {
                0..60 => self.append(&mut journal)?,
                60..85 => self.sync(&mut journal)?,
                85..88 => journal.sync_mark().map_err(|_| End::Life)?,
                88..94 => self.snapshot(&mut journal)?,
                _ => self.declare_sound(&mut journal)?,
            }
        }
        if self.rng.chance(60) {
            self.sync(&mut journal)?;
            journal.sync_mark().map_err(|_| End::Life)?;
            self.is_mark_sure = true;
        }
        Ok(())
    }

    fn open(&mut self) -> Result<Journal<SimDisk>, End> {
        let before = contents(&self.disk);
        match Journal::open(self.disk.clone(), OPTIONS) {
            Ok((journal, recovered)) => {
                self.check(&recovered);
                Ok(journal)
            }
            Err(OpenError::Io(_)) if self.disk.has_struck() => Err(End::Life),
            Err(OpenError::Damaged(_) | OpenError::IdentityLost { .. }) => {
                assert!(contents(&self.disk) == before, "a directory that was refused was changed");
                self.counts.refused += 1;
                Err(End::All)
            }
            Err(error) => panic!("in life {}: {error}", self.counts.lives),
        }
    }

    fn check(&mut self, recovered: &Recovered) {
        assert!(recovered.promised >= self.promised && recovered.torn.is_none());
        self.promised = recovered.promised;
        let acknowledged = rank(&self.logs[self.acknowledged()]);
        let suspect = recovered.suspect.as_ref().map(Suspect::rank);
        assert!(suspect >= self.owed, "{:?} is forgotten: {suspect:?}", self.owed);
        let found = self.logs.iter().rposition(|log| log.is(recovered));
        let is_whole = found >= Some(self.acknowledged());
        assert!(
            is_whole || suspect >= Some(acknowledged),
            "{acknowledged:?} is lost in silence: {suspect:?}"
        );
        self.counts.anew += u64::from(recovered.anew.is_some());
        match (is_whole, suspect) {
            (true, None) => self.counts.whole += 1,
            (true, Some(_)) => self.counts.needless += 1,
            (false, _) => self.counts.suspect += 1,
        }
        self.owed = suspect;
        self.snapshot = recovered.snapshot.as_ref().map_or(Slot(0), |meta| meta.head.slot);
        match found {
            Some(index) => self.logs.truncate(index + 1),
            None => self.logs.push(self.only_a_snapshot(recovered)),
        }
        self.logs.last_mut().unwrap().is_acknowledged = true;
    }

    /// The index of the last one that was.
    fn acknowledged(&self) -> usize {
        self.logs.iter().rposition(|log| log.is_acknowledged).unwrap_or(0)
    }

    /// No record is left that reaches the snapshot, so what tells under which ballot the log was accepted is older.
    fn only_a_snapshot(&self, recovered: &Recovered) -> PlainLog {
        let meta = recovered.snapshot.as_ref();
        let is_it = meta.is_some_and(|meta| meta.head.slot == recovered.last) && recovered.entries.is_empty();
        let ours = self.log().hash_at(recovered.last) == Some(recovered.last_hash);
        assert!(is_it && ours && recovered.acc_ballot <= self.promised, "what is this? {recovered:#?}");
        let mut log = self.log().clone();
        log.entries.truncate(recovered.last.0 as usize);
        log.acc_ballot = recovered.acc_ballot;
        log
    }

    fn append(&mut self, journal: &mut Journal<SimDisk>) -> Result<(), End> {
        let last = self.log().last().0;
        // Under a new ballot, what is not in a snapshot may be replaced.
        let is_new = self.log().acc_ballot < self.promised && self.rng.chance(50);
        let back = if is_new { self.rng.below(1 + (last - self.snapshot.0).min(3)) } else { 0 };
        let sizes: Vec<u64> = (0..1 + self.rng.below(2)).map(|_| self.rng.below(6000)).collect();
        let commands: Vec<Vec<u8>> = sizes.iter().map(|size| vec![last as u8; *size as usize]).collect();
        let append = self.log().make(Slot(last + 1 - back), self.promised, 1, &commands);
        let mut log = self.log().clone();
        log.is_acknowledged = false;
        log.take(&append);
        self.logs.push(log);
        match journal.append(&append) {
            Ok(_) => Ok(()),
            Err(AppendError::Fatal(_)) => Err(End::Life),
            Err(error) => panic!("{error}"),
        }
    }

    fn sync(&mut self, journal: &mut Journal<SimDisk>) -> Result<(), End> {
        journal.sync().map_err(|_| End::Life)?;
        self.logs.last_mut().unwrap().is_acknowledged = true;
        Ok(())
    }

    fn snapshot(&mut self, journal: &mut Journal<SimDisk>) -> Result<(), End> {
        self.sync(journal)?;
        let slot = Slot(self.snapshot.0 + self.rng.below(self.log().last().0 - self.snapshot.0 + 1));
        if slot.0 == 0 {
            return Ok(());
        }
        let meta = match write_snapshot_of(journal, self.log().head_at(slot)) {
            Ok(meta) => meta,
            Err(SnapshotError::Io(_)) => return Err(End::Life),
            Err(error) => panic!("{error}"),
        };
        self.snapshot = slot;
        journal.snapshot_committed(&meta).map_err(|_| End::Life)
    }

    fn declare_sound(&mut self, journal: &mut Journal<SimDisk>) -> Result<(), End> {
        if self.owed.is_none_or(|owed| rank(self.log()) < owed) {
            return Ok(());
        }
        let owed = self.owed.take();
        if journal.sound().is_err() {
            return Err(End::Life);
        }
        self.logs.last_mut().unwrap().is_acknowledged = true;
        self.counts.sound += u64::from(owed.is_some());
        Ok(())
    }
}

fn rank(log: &PlainLog) -> Rank {
    (log.acc_ballot.rank(), log.last())
}

fn contents(disk: &SimDisk) -> Vec<(String, Option<Vec<u8>>)> {
    let names = disk.files().into_iter().filter(|name| name != "LOCK");
    names.map(|name| (name.clone(), disk.contents(&name))).collect()
}

#[test]
fn nothing_acknowledged_is_lost_in_silence() {
    let mut all = Counts::default();
    for seed in seeds(600) {
        with_seed(seed, |seed| {
            let mut world = World::new(seed);
            world.run();
            let Counts { lives, whole, suspect, needless, anew, refused, sound } = world.counts;
            all.lives += lives;
            all.whole += whole;
            all.suspect += suspect;
            all.needless += needless;
            all.anew += anew;
            all.refused += refused;
            all.sound += sound;
        });
    }
    println!("{all:?}");
    let is_whole_run = seeds(600).len() >= 600;
    assert!(
        !is_whole_run
            || (all.whole.min(all.suspect).min(all.needless).min(all.anew).min(all.sound) > 150
                && all.refused > 10),
        "{all:?}"
    );
}
