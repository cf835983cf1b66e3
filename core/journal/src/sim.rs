//! A disk in memory that forgets, tears, fails and rots on demand, the same way for the same seed.
//!
//! What is written and what is synced are kept apart, sector by sector. [`SimDisk::crash`] is a power cut: of what was
//! not synced a random part survives, file contents and names alike. [`SimDisk::kill`] ends only the process: the
//! cache survives. [`SimDisk::fail`] and [`SimDisk::power_off`] strike at a call chosen by number, so a test can walk
//! through every call of a run. A failed sync behaves as on Linux: what it could not write is marked clean, is still
//! read back, and is never written by a later sync (Rebello et al., "Can Applications Recover from fsync Failures?",
//! USENIX ATC 2020).

mod contents;
mod names;
mod rng;
mod state;

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::disk::{Disk, DiskFile, Locked};
use state::State;

/// The calls that are counted and can be made to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// [`Disk::open`].
    Open,
    /// [`DiskFile::read_at`].
    Read,
    /// [`DiskFile::write_at`].
    Write,
    /// [`DiskFile::sync_data`].
    Sync,
    /// [`DiskFile::size`].
    Size,
    /// [`DiskFile::set_size`].
    SetSize,
    /// [`Disk::rename`].
    Rename,
    /// [`Disk::remove`].
    Remove,
    /// [`Disk::list`].
    List,
    /// [`Disk::create_dir`].
    CreateDir,
    /// [`Disk::sync_dir`].
    SyncDir,
    /// [`Disk::lock`].
    Lock,
}

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// An I/O error: of a write a random prefix is done, of a sync a random subset of the sectors.
    Eio,
    /// The disk is full: of a write a random prefix is done. Calls that need no room get [`Fault::Eio`].
    Enospc,
    /// A read that ends too early, a write that stops in the middle. Other calls get [`Fault::Eio`].
    Short,
}

/// A disk in memory. Clones are handles of the same disk; [`SimDisk::fork`] makes an independent one.
#[derive(Debug, Clone)]
pub struct SimDisk {
    state: Arc<Mutex<State>>,
}

impl SimDisk {
    /// An empty disk. The seed decides the size of its sectors (512 or 4096 bytes) and everything random.
    pub fn new(seed: u64) -> Self {
        SimDisk { state: Arc::new(Mutex::new(State::new(seed))) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A test that panicked elsewhere with the lock held has reported already.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A copy that lives on by itself, with no file open and no lock held.
    pub fn fork(&self) -> SimDisk {
        let copy = self.state().clone();
        let fork = SimDisk { state: Arc::new(Mutex::new(copy)) };
        fork.kill();
        fork
    }

    /// Cuts the power and gives it back: files and names keep what was synced, and a random part of what was not.
    /// Every open file and lock is void. Ends [`SimDisk::power_off`] and [`SimDisk::fail`].
    pub fn crash(&self) {
        self.state().crash();
    }

    /// Ends the process alone: every open file and lock is void, and what was written stays readable, synced or not.
    /// Ends [`SimDisk::power_off`] and [`SimDisk::fail`].
    pub fn kill(&self) {
        self.state().end_of_life();
    }

    /// Makes the `nth` call from now on fail (the next one is 1); with `call`, only calls of that kind count.
    pub fn fail(&self, nth: u64, call: Option<Call>, fault: Fault) {
        self.state().plan = state::Plan::Fail { in_calls: nth, call, fault };
    }

    /// The `nth` call from now on (the next one is 1) is done in part, fails, and so does every one after it.
    pub fn power_off(&self, nth: u64) {
        self.state().plan = state::Plan::PowerOff { in_calls: nth };
    }

    /// Whether the call chosen with [`SimDisk::fail`], [`SimDisk::power_off`] or [`SimDisk::misdirect`] came.
    pub fn has_struck(&self) -> bool {
        matches!(self.state().plan, state::Plan::None | state::Plan::Dark)
    }

    /// Bytes that all files together may have; writes beyond get `StorageFull`. `None`: no bound.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.state().capacity = bytes;
    }

    /// Bytes of all files together.
    pub fn used(&self) -> u64 {
        self.state().used()
    }

    /// How many calls of this kind were made.
    pub fn count(&self, call: Call) -> u64 {
        self.state().calls[call as usize]
    }

    /// How many calls were made.
    pub fn count_all(&self) -> u64 {
        self.state().calls.iter().sum()
    }

    /// The names of all files, sorted.
    pub fn files(&self) -> Vec<String> {
        self.state().names.files()
    }

    /// The bytes of a file as a reader sees them, or `None`.
    pub fn contents(&self, name: &str) -> Option<Vec<u8>> {
        self.state().contents(name)
    }

    /// Makes one sector of the `nth` write from now on (the next one is 1) land in the place of some other sector of some
    /// file. The write reports success, its own place keeps what it had, and [`SimDisk::has_struck`] tells when it was.
    pub fn misdirect(&self, nth: u64) {
        self.state().plan = state::Plan::Misdirect { in_writes: nth };
    }

    /// Flips a bit of a file somewhere on the medium; a reader sees it unless that sector waits to be written. Returns
    /// the offset of its byte, or `None` if there is no such file or nothing in it.
    pub fn rot(&self, name: &str) -> Option<u64> {
        self.state().rot(name)
    }

    /// Puts a durable file there with these bytes, instead of what has that name. For damage of every kind: bit rot,
    /// zeroed and misdirected writes, files cut short.
    pub fn put(&self, name: &str, bytes: &[u8]) {
        self.state().put(name, bytes);
    }

    /// Removes a file durably, whatever is open.
    pub fn lose(&self, name: &str) {
        self.state().names.lose(name);
    }
}

impl Disk for SimDisk {
    type File = SimFile;
    type Lock = SimLock;

    fn open(&self, name: &str, create: bool) -> io::Result<SimFile> {
        let (inode, life) = self.state().open(name, create)?;
        Ok(SimFile { disk: self.clone(), inode, life })
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.state().rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.state().remove(name)
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        self.state().list(dir)
    }

    fn create_dir(&self, dir: &str) -> io::Result<()> {
        self.state().create_dir(dir)
    }

    fn sync_dir(&self, dir: &str) -> io::Result<()> {
        self.state().sync_dir(dir)
    }

    fn lock(&self, name: &str, text: &str) -> io::Result<Locked<SimLock>> {
        match self.state().lock(name, text)? {
            Locked::Ours(life) => {
                Ok(Locked::Ours(SimLock { disk: self.clone(), name: name.to_owned(), life }))
            }
            Locked::Held(text) => Ok(Locked::Held(text)),
        }
    }

    fn path(&self, name: &str) -> String {
        format!("sim/{name}")
    }
}

/// An open file of a [`SimDisk`].
#[derive(Debug)]
pub struct SimFile {
    disk: SimDisk,
    inode: usize,
    /// Of the process that opened it: nothing works after a crash.
    life: u64,
}

impl DiskFile for SimFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.disk.state().read(self.inode, self.life, buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.disk.state().write(self.inode, self.life, bytes, offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.disk.state().sync(self.inode, self.life)
    }

    fn size(&self) -> io::Result<u64> {
        self.disk.state().size(self.inode, self.life)
    }

    fn set_size(&self, bytes: u64) -> io::Result<()> {
        self.disk.state().set_size(self.inode, self.life, bytes)
    }
}

impl Drop for SimFile {
    fn drop(&mut self) {
        self.disk.state().close(self.inode, self.life);
    }
}

/// A lock on a file of a [`SimDisk`], held until dropped or until the life of its process ends.
#[derive(Debug)]
pub struct SimLock {
    disk: SimDisk,
    name: String,
    life: u64,
}

impl Drop for SimLock {
    fn drop(&mut self) {
        self.disk.state().unlock(&self.name, self.life);
    }
}

#[cfg(test)]
mod tests;
