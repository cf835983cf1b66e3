//! The state of a simulated disk: contents, faults to come, counters, randomness.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use super::names::{Names, Node};
use super::{Call, Fault};
use crate::disk::Locked;

/// The unit that a crash keeps or loses on disks with small sectors; on others eight of them go together.
const SECTOR: usize = 512;

/// What is to happen, at which call from now on.
#[derive(Debug, Clone, Copy)]
pub(super) enum Plan {
    None,
    Fail {
        in_calls: u64,
        call: Option<Call>,
        fault: Fault,
    },
    PowerOff {
        in_calls: u64,
    },
    /// The power is off.
    Dark,
}

#[derive(Debug, Clone, Default)]
struct Inode {
    now: Vec<u8>,
    durable: Vec<u8>,
    /// Sectors written since the last sync.
    dirty: BTreeSet<usize>,
}

#[derive(Debug, Clone)]
pub(super) struct State {
    rng: Rng,
    sectors_together: usize,
    inodes: Vec<Inode>,
    pub(super) names: Names,
    locks: BTreeMap<String, String>,
    life: u64,
    pub(super) plan: Plan,
    pub(super) capacity: Option<u64>,
    pub(super) calls: [u64; 12],
}

/// What a call has to do.
enum Verdict {
    Go,
    Fails(Fault),
    Dies,
}

impl State {
    pub(super) fn new(seed: u64) -> Self {
        let mut rng = Rng(seed);
        State {
            sectors_together: if rng.chance(50) { 1 } else { 8 },
            rng,
            inodes: Vec::new(),
            names: Names::default(),
            locks: BTreeMap::new(),
            life: 0,
            plan: Plan::None,
            capacity: None,
            calls: [0; 12],
        }
    }

    fn enter(&mut self, call: Call) -> Verdict {
        self.calls[call as usize] += 1;
        match &mut self.plan {
            Plan::None => Verdict::Go,
            Plan::Dark => Verdict::Dies,
            Plan::Fail { call: Some(only), .. } if *only != call => Verdict::Go,
            Plan::Fail { in_calls, .. } | Plan::PowerOff { in_calls } if *in_calls > 1 => {
                *in_calls -= 1;
                Verdict::Go
            }
            Plan::Fail { fault, .. } => {
                let fault = *fault;
                self.plan = Plan::None;
                Verdict::Fails(fault)
            }
            Plan::PowerOff { .. } => {
                self.plan = Plan::Dark;
                Verdict::Dies
            }
        }
    }

    /// For calls that are done whole or not at all. Without power it is left open which, as for a real one.
    fn enter_whole(&mut self, call: Call) -> io::Result<()> {
        match self.enter(call) {
            Verdict::Go => Ok(()),
            Verdict::Fails(Fault::Enospc) if matches!(call, Call::Open | Call::CreateDir | Call::SetSize) => {
                Err(io::ErrorKind::StorageFull.into())
            }
            Verdict::Fails(Fault::Short) if call == Call::Read => Err(io::ErrorKind::UnexpectedEof.into()),
            Verdict::Fails(_) => Err(io::Error::other("injected I/O error")),
            Verdict::Dies => Err(dark()),
        }
    }

    fn inode(&mut self, inode: usize, life: u64) -> io::Result<&mut Inode> {
        if life != self.life {
            return Err(io::Error::other("the process that opened this file is gone"));
        }
        Ok(&mut self.inodes[inode])
    }

    pub(super) fn open(&mut self, name: &str, create: bool) -> io::Result<(usize, u64)> {
        self.enter_whole(Call::Open)?;
        if create && self.names.get(name).is_none() {
            self.inodes.push(Inode::default());
            self.names.add(name, Node::File(self.inodes.len() - 1))?;
        }
        Ok((self.names.file(name)?, self.life))
    }

    pub(super) fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.enter_whole(Call::Rename)?;
        self.names.rename(from, to)
    }

    pub(super) fn remove(&mut self, name: &str) -> io::Result<()> {
        self.enter_whole(Call::Remove)?;
        self.names.file(name)?;
        self.names.remove(name)
    }

    pub(super) fn list(&mut self, dir: &str) -> io::Result<Vec<String>> {
        self.enter_whole(Call::List)?;
        self.names.list(dir)
    }

    pub(super) fn create_dir(&mut self, dir: &str) -> io::Result<()> {
        self.enter_whole(Call::CreateDir)?;
        match self.names.get(dir) {
            Some(Node::Dir) => Ok(()),
            Some(Node::File(_)) => Err(io::ErrorKind::AlreadyExists.into()),
            None => self.names.add(dir, Node::Dir),
        }
    }

    pub(super) fn sync_dir(&mut self, dir: &str) -> io::Result<()> {
        self.enter_whole(Call::SyncDir)?;
        self.names.sync(dir)
    }

    pub(super) fn lock(&mut self, name: &str, text: &str) -> io::Result<Locked<u64>> {
        self.enter_whole(Call::Lock)?;
        if let Some(holder) = self.locks.get(name) {
            return Ok(Locked::Held(holder.clone()));
        }
        if self.names.get(name).is_none() {
            self.inodes.push(Inode::default());
            self.names.add(name, Node::File(self.inodes.len() - 1))?;
        }
        let inode = self.names.file(name)?;
        self.inodes[inode].now = text.as_bytes().to_vec();
        self.locks.insert(name.to_owned(), text.to_owned());
        Ok(Locked::Ours(self.life))
    }

    pub(super) fn unlock(&mut self, name: &str, life: u64) {
        if life == self.life {
            self.locks.remove(name);
        }
    }

    pub(super) fn read(&mut self, inode: usize, life: u64, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.enter_whole(Call::Read)?;
        let now = &self.inode(inode, life)?.now;
        let from = usize::try_from(offset).unwrap_or(usize::MAX);
        let bytes = from.checked_add(buffer.len()).and_then(|to| now.get(from..to));
        buffer.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    pub(super) fn write(&mut self, inode: usize, life: u64, bytes: &[u8], offset: u64) -> io::Result<()> {
        let verdict = self.enter(Call::Write);
        self.inode(inode, life)?;
        let part = &bytes[..self.rng.below(bytes.len() as u64 + 1) as usize];
        match verdict {
            Verdict::Go => {
                self.room_for(inode, bytes.len(), offset)?;
                self.put_bytes(inode, bytes, offset);
                Ok(())
            }
            Verdict::Fails(fault) => {
                self.put_bytes(inode, part, offset);
                Err(match fault {
                    Fault::Eio => io::Error::other("injected I/O error"),
                    Fault::Enospc => io::ErrorKind::StorageFull.into(),
                    Fault::Short => io::ErrorKind::WriteZero.into(),
                })
            }
            Verdict::Dies => {
                self.put_bytes(inode, part, offset);
                Err(dark())
            }
        }
    }

    fn room_for(&self, inode: usize, len: usize, offset: u64) -> io::Result<()> {
        let grows = (offset + len as u64).saturating_sub(self.inodes[inode].now.len() as u64);
        match self.capacity {
            Some(capacity) if grows > 0 && self.used() + grows > capacity => {
                Err(io::ErrorKind::StorageFull.into())
            }
            _ => Ok(()),
        }
    }

    fn put_bytes(&mut self, inode: usize, bytes: &[u8], offset: u64) {
        let offset = offset as usize;
        let to = offset + bytes.len();
        let inode = &mut self.inodes[inode];
        if inode.now.len() < to {
            inode.now.resize(to, 0);
        }
        for sector in offset / SECTOR..to.div_ceil(SECTOR) {
            // The system may have written the sector back between two writes to it.
            if !inode.dirty.insert(sector) && self.rng.chance(25) {
                inode.write_back(sector);
            }
        }
        inode.now[offset..to].copy_from_slice(bytes);
    }

    pub(super) fn sync(&mut self, inode: usize, life: u64) -> io::Result<()> {
        let verdict = self.enter(Call::Sync);
        self.inode(inode, life)?;
        match verdict {
            Verdict::Go => {
                self.inodes[inode].write_back_all();
                Ok(())
            }
            Verdict::Fails(_) => {
                let percent = self.rng.percent();
                self.write_back_some(inode, percent);
                // The rest is marked clean: read back, never written.
                self.inodes[inode].dirty.clear();
                Err(io::Error::other("injected I/O error"))
            }
            Verdict::Dies => Err(dark()),
        }
    }

    pub(super) fn size(&mut self, inode: usize, life: u64) -> io::Result<u64> {
        self.enter_whole(Call::Size)?;
        Ok(self.inode(inode, life)?.now.len() as u64)
    }

    pub(super) fn set_size(&mut self, inode: usize, life: u64, bytes: u64) -> io::Result<()> {
        self.enter_whole(Call::SetSize)?;
        self.inode(inode, life)?;
        self.room_for(inode, 0, bytes)?;
        self.inodes[inode].now.resize(bytes as usize, 0);
        Ok(())
    }

    fn write_back_some(&mut self, inode: usize, percent: u64) {
        let dirty: Vec<usize> = self.inodes[inode].dirty.iter().copied().collect();
        for together in dirty.chunk_by(|a, b| a / self.sectors_together == b / self.sectors_together) {
            if self.rng.chance(percent) {
                together.iter().for_each(|sector| self.inodes[inode].write_back(*sector));
            }
        }
    }

    pub(super) fn crash(&mut self) {
        let percent = self.rng.percent();
        for inode in 0..self.inodes.len() {
            self.write_back_some(inode, percent);
            let keeps_size = self.rng.chance(percent);
            let inode = &mut self.inodes[inode];
            if keeps_size {
                inode.durable.resize(inode.now.len(), 0);
            }
            inode.now.clone_from(&inode.durable);
            inode.dirty.clear();
        }
        let rng = &mut self.rng;
        self.names.crash(|| rng.chance(percent));
        self.end_of_life();
    }

    pub(super) fn end_of_life(&mut self) {
        self.life += 1;
        self.locks.clear();
        self.plan = Plan::None;
    }

    pub(super) fn used(&self) -> u64 {
        self.names.inodes().map(|inode| self.inodes[inode].now.len() as u64).sum()
    }

    pub(super) fn contents(&self, name: &str) -> Option<&Vec<u8>> {
        self.names.file(name).ok().map(|inode| &self.inodes[inode].now)
    }

    pub(super) fn put(&mut self, name: &str, bytes: &[u8]) {
        self.inodes.push(Inode { now: bytes.to_vec(), durable: bytes.to_vec(), dirty: BTreeSet::new() });
        self.names.put(name, Node::File(self.inodes.len() - 1));
    }
}

impl Inode {
    /// Makes one sector durable as it is now.
    fn write_back(&mut self, sector: usize) {
        let from = sector * SECTOR;
        let to = (from + SECTOR).min(self.now.len());
        if from >= to {
            return;
        }
        if self.durable.len() < to {
            self.durable.resize(to, 0);
        }
        self.durable[from..to].copy_from_slice(&self.now[from..to]);
    }

    fn write_back_all(&mut self) {
        for sector in std::mem::take(&mut self.dirty) {
            self.write_back(sector);
        }
        self.durable.resize(self.now.len(), 0);
    }
}

fn dark() -> io::Error {
    io::Error::other("the power is off")
}

/// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", OOPSLA 2014).
#[derive(Debug, Clone)]
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// How much of what is not synced survives this time; often nothing or all of it.
    fn percent(&mut self) -> u64 {
        [0, 100, 50, 50, 10, 90][self.below(6) as usize]
    }
}
