//! A directory of the operating system as a [`Disk`].

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::disk::{Disk, DiskFile, Locked};
use unbuffered::Unbuffered;

mod unbuffered;

/// A directory of the operating system's file system.
#[derive(Debug, Clone)]
pub struct RealDisk {
    root: PathBuf,
}

impl RealDisk {
    /// The directory at `root`, which need not exist yet. Touches nothing.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        RealDisk { root: root.into() }
    }

    fn at(&self, name: &str) -> PathBuf {
        if name.is_empty() { self.root.clone() } else { self.root.join(name) }
    }
}

impl Disk for RealDisk {
    type File = RealFile;
    type Lock = RealLock;

    fn open(&self, name: &str, create: bool) -> io::Result<RealFile> {
        Ok(RealFile { file: open(&self.at(name), create)?, unbuffered: None })
    }

    fn open_for_sectors(&self, name: &str) -> io::Result<RealFile> {
        let path = self.at(name);
        Ok(RealFile { file: open(&path, false)?, unbuffered: Unbuffered::open(&path) })
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.at(from), self.at(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.at(name))
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(self.at(dir))? {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        names.sort();
        Ok(names)
    }

    fn create_dir(&self, dir: &str) -> io::Result<()> {
        let path = self.at(dir);
        if !dir.is_empty() {
            return match fs::create_dir(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
                done => done,
            };
        }
        // Each directory that is made must outlive a crash, so its parent is synced too.
        let path = std::path::absolute(path)?;
        let missing: Vec<&Path> = path.ancestors().take_while(|ancestor| !ancestor.exists()).collect();
        fs::create_dir_all(&path)?;
        missing
            .iter()
            .rev()
            .filter_map(|made| made.parent())
            .try_for_each(|parent| File::open(parent)?.sync_all())
    }

    fn sync_dir(&self, dir: &str) -> io::Result<()> {
        File::open(self.at(dir))?.sync_all()
    }

    fn lock(&self, name: &str, text: &str) -> io::Result<Locked<RealLock>> {
        let mut file = open(&self.at(name), true)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = Vec::new();
                file.take(4096).read_to_end(&mut holder)?;
                return Ok(Locked::Held(String::from_utf8_lossy(&holder).trim_end().to_owned()));
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
        file.set_len(0)?;
        file.seek(SeekFrom::Start(0))?;
        file.write_all(text.as_bytes())?;
        Ok(Locked::Ours(RealLock(file)))
    }

    fn path(&self, name: &str) -> String {
        self.at(name).display().to_string()
    }
}

fn open(path: &Path, create: bool) -> io::Result<File> {
    File::options().read(true).write(true).create(create).truncate(false).open(path)
}

/// A locked file. `flock` belongs to the open file, so the system drops it however the process ends.
#[derive(Debug)]
pub struct RealLock(File);

impl Drop for RealLock {
    fn drop(&mut self) {
        // Closing alone would not do: a process that was forked meanwhile has the same file open.
        let _ = self.0.unlock();
    }
}

/// An open file of a [`RealDisk`].
#[derive(Debug)]
pub struct RealFile {
    file: File,
    unbuffered: Option<Unbuffered>,
}

impl DiskFile for RealFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.file.read_exact_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let written = match &self.unbuffered {
            Some(unbuffered) => unbuffered.write_at(bytes, offset)?,
            None => 0,
        };
        self.file.write_all_at(&bytes[written..], offset + written as u64)
    }

    fn sync_data(&self) -> io::Result<()> {
        // fdatasync where there is one: the blocks are allocated, so there is no metadata to wait for.
        self.file.sync_data()
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn set_size(&self, bytes: u64) -> io::Result<()> {
        self.file.set_len(bytes)
    }
}
