//! The state of a simulated disk: contents, faults to come, counters, randomness.

use std::collections::BTreeMap;
use std::io;

use super::contents::{Contents, SECTOR};
use super::names::{Names, Node};
use super::rng::Rng;
use super::{Call, Fault};
use crate::disk::Locked;

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
    /// A sector of a write is to land elsewhere.
    Misdirect {
        in_writes: u64,
    },
    /// The power is off.
    Dark,
}

#[derive(Debug, Clone, Default)]
struct Inode {
    contents: Contents,
    /// How often it is open.
    open: usize,
}

#[derive(Debug, Clone)]
pub(super) struct State {
    rng: Rng,
    sectors_together: usize,
    inodes: Vec<Inode>,
    /// Those of files that are gone.
    free: Vec<usize>,
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
    GoesAstray,
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
            free: Vec::new(),
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
            Plan::Misdirect { .. } if call != Call::Write => Verdict::Go,
            Plan::Misdirect { in_writes } if *in_writes > 1 => {
                *in_writes -= 1;
                Verdict::Go
            }
            Plan::Misdirect { .. } => {
                self.plan = Plan::None;
                Verdict::GoesAstray
            }
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
            Verdict::Go | Verdict::GoesAstray => Ok(()),
            Verdict::Fails(Fault::Enospc) if matches!(call, Call::Open | Call::CreateDir | Call::SetSize) => {
                Err(io::ErrorKind::StorageFull.into())
            }
            Verdict::Fails(Fault::Short) if call == Call::Read => Err(io::ErrorKind::UnexpectedEof.into()),
            Verdict::Fails(_) => Err(io::Error::other("injected I/O error")),
            Verdict::Dies => Err(dark()),
        }
    }

    fn contents_of(&mut self, inode: usize, life: u64) -> io::Result<&mut Contents> {
        if life != self.life {
            return Err(io::Error::other("the process that opened this file is gone"));
        }
        Ok(&mut self.inodes[inode].contents)
    }

    pub(super) fn open(&mut self, name: &str, create: bool) -> io::Result<(usize, u64)> {
        self.enter_whole(Call::Open)?;
        if create && self.names.get(name).is_none() {
            let inode = self.new_inode();
            self.names.add(name, Node::File(inode))?;
        }
        let inode = self.names.file(name)?;
        self.inodes[inode].open += 1;
        Ok((inode, self.life))
    }

    pub(super) fn close(&mut self, inode: usize, life: u64) {
        if life == self.life {
            self.inodes[inode].open -= 1;
        }
    }

    fn new_inode(&mut self) -> usize {
        if let Some(inode) = self.free.pop() {
            return inode;
        }
        self.inodes.push(Inode::default());
        self.inodes.len() - 1
    }

    /// Forgets the contents of files that are not open and have no name, not even after a crash.
    fn collect(&mut self) {
        let named = self.names.all_inodes();
        for (inode, file) in self.inodes.iter_mut().enumerate() {
            if file.open == 0 && !named.contains(&inode) && !self.free.contains(&inode) {
                *file = Inode::default();
                self.free.push(inode);
            }
        }
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
        self.names.sync(dir)?;
        self.collect();
        Ok(())
    }

    pub(super) fn lock(&mut self, name: &str, text: &str) -> io::Result<Locked<u64>> {
        self.enter_whole(Call::Lock)?;
        if let Some(holder) = self.locks.get(name) {
            return Ok(Locked::Held(holder.clone()));
        }
        if self.names.get(name).is_none() {
            let inode = self.new_inode();
            self.names.add(name, Node::File(inode))?;
        }
        let inode = self.names.file(name)?;
        self.inodes[inode].contents.show(text.as_bytes());
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
        let is_there = self.contents_of(inode, life)?.read(buffer, offset);
        if is_there { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    pub(super) fn write(&mut self, inode: usize, life: u64, bytes: &[u8], offset: u64) -> io::Result<()> {
        let verdict = self.enter(Call::Write);
        self.contents_of(inode, life)?;
        let part = &bytes[..self.rng.below(bytes.len() as u64 + 1) as usize];
        match verdict {
            Verdict::Go => {
                self.room_for(inode, bytes.len(), offset)?;
                self.put_bytes(inode, bytes, offset);
                Ok(())
            }
            Verdict::GoesAstray => {
                self.room_for(inode, bytes.len(), offset)?;
                self.misdirect(inode, bytes, offset);
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
        let grows = (offset + len as u64).saturating_sub(self.inodes[inode].contents.len() as u64);
        match self.capacity {
            Some(capacity) if grows > 0 && self.used() + grows > capacity => {
                Err(io::ErrorKind::StorageFull.into())
            }
            _ => Ok(()),
        }
    }

    fn put_bytes(&mut self, inode: usize, bytes: &[u8], offset: u64) {
        let rng = &mut self.rng;
        // The system may have written a sector back between two writes to it.
        self.inodes[inode].contents.write(bytes, offset as usize, || rng.chance(25));
    }

    /// One sector of the write, as it would be afterwards, lands in the place of another sector of any file.
    fn misdirect(&mut self, inode: usize, bytes: &[u8], offset: u64) {
        let unit = SECTOR * self.sectors_together;
        let (from, to) = (offset as usize, offset as usize + bytes.len());
        let astray = from / unit + self.rng.below((to.div_ceil(unit) - from / unit).max(1) as u64) as usize;
        let (start, end) = ((astray * unit).max(from), ((astray + 1) * unit).min(to));
        let file = &self.inodes[inode].contents;
        let mut kept = file.sector(start, end - start);
        kept.resize(end - start, 0);
        let mut sector = file.sector(astray * unit, unit);
        sector.resize(unit, 0);
        sector[start - astray * unit..end - astray * unit].copy_from_slice(&bytes[start - from..end - from]);
        let mut rest = bytes.to_vec();
        rest[start - from..end - from].copy_from_slice(&kept);
        self.put_bytes(inode, &rest, offset);
        let (inode, at) = self.any_sector(unit);
        self.inodes[inode].contents.strike(&sector, at);
    }

    fn any_sector(&mut self, unit: usize) -> (usize, usize) {
        let inodes: Vec<usize> = self.names.inodes().collect();
        let sectors = |inode: &usize| self.inodes[*inode].contents.len().div_ceil(unit);
        let all: usize = inodes.iter().map(sectors).sum();
        let mut index = self.rng.below(all.max(1) as u64) as usize;
        for inode in inodes {
            let here = self.inodes[inode].contents.len().div_ceil(unit);
            if index < here {
                return (inode, index * unit);
            }
            index -= here;
        }
        (0, 0)
    }

    pub(super) fn rot(&mut self, name: &str) -> Option<u64> {
        let inode = self.names.file(name).ok()?;
        let bits = self.inodes[inode].contents.len() as u64 * 8;
        let bit = if bits > 0 { self.rng.below(bits) } else { return None };
        self.inodes[inode].contents.flip(bit as usize);
        Some(bit / 8)
    }

    pub(super) fn sync(&mut self, inode: usize, life: u64) -> io::Result<()> {
        let verdict = self.enter(Call::Sync);
        self.contents_of(inode, life)?;
        match verdict {
            Verdict::Go | Verdict::GoesAstray => {
                self.inodes[inode].contents.sync();
                Ok(())
            }
            Verdict::Fails(_) => {
                let percent = self.rng.percent();
                self.write_back_some(inode, percent);
                // The rest is marked clean: read back, never written.
                self.inodes[inode].contents.forget_dirty();
                Err(io::Error::other("injected I/O error"))
            }
            Verdict::Dies => Err(dark()),
        }
    }

    pub(super) fn size(&mut self, inode: usize, life: u64) -> io::Result<u64> {
        self.enter_whole(Call::Size)?;
        Ok(self.contents_of(inode, life)?.len() as u64)
    }

    pub(super) fn set_size(&mut self, inode: usize, life: u64, bytes: u64) -> io::Result<()> {
        self.enter_whole(Call::SetSize)?;
        self.contents_of(inode, life)?;
        self.room_for(inode, 0, bytes)?;
        self.inodes[inode].contents.set_len(bytes as usize);
        Ok(())
    }

    fn write_back_some(&mut self, inode: usize, percent: u64) {
        let rng = &mut self.rng;
        self.inodes[inode].contents.sync_some(self.sectors_together, || rng.chance(percent));
    }

    pub(super) fn crash(&mut self) {
        let percent = self.rng.percent();
        for inode in 0..self.inodes.len() {
            self.write_back_some(inode, percent);
            let keeps_len = self.rng.chance(percent);
            self.inodes[inode].contents.crash(keeps_len);
        }
        let rng = &mut self.rng;
        self.names.crash(|| rng.chance(percent));
        self.end_of_life();
    }

    pub(super) fn end_of_life(&mut self) {
        self.life += 1;
        self.locks.clear();
        self.plan = Plan::None;
        self.inodes.iter_mut().for_each(|inode| inode.open = 0);
        self.collect();
    }

    pub(super) fn used(&self) -> u64 {
        self.names.inodes().map(|inode| self.inodes[inode].contents.len() as u64).sum()
    }

    #[cfg(test)]
    pub(super) fn inode_count(&self) -> usize {
        self.inodes.len()
    }

    pub(super) fn contents(&self, name: &str) -> Option<Vec<u8>> {
        self.names.file(name).ok().map(|inode| self.inodes[inode].contents.to_vec())
    }

    pub(super) fn put(&mut self, name: &str, bytes: &[u8]) {
        let inode = self.new_inode();
        self.inodes[inode].contents = Contents::durable(bytes);
        self.names.put(name, Node::File(inode));
    }
}

fn dark() -> io::Error {
    io::Error::other("the power is off")
}
