//! A disk and its files with names in their errors.

use std::io;
use std::sync::Arc;

use crate::block::SECTOR;
use crate::disk::{Disk, DiskFile};
use crate::error::IoFailure;

/// Zeros are written and logs are scanned in pieces of this size.
pub(crate) const CHUNK: u64 = 1 << 20;

/// An open file that knows its full path.
#[derive(Debug)]
pub(crate) struct Named<F> {
    file: F,
    path: String,
}

impl<F: DiskFile> Named<F> {
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// The same file after it was renamed.
    pub(crate) fn called(self, path: String) -> Self {
        Named { path, ..self }
    }

    fn failure(&self, action: &'static str, offset: Option<u64>) -> impl FnOnce(io::Error) -> IoFailure {
        move |cause| IoFailure { action, file: self.path.clone(), offset, cause: Arc::new(cause) }
    }

    pub(crate) fn write(&self, bytes: &[u8], offset: u64) -> Result<(), IoFailure> {
        self.file.write_at(bytes, offset).map_err(self.failure("write", Some(offset)))
    }

    pub(crate) fn sync(&self) -> Result<(), IoFailure> {
        self.file.sync_data().map_err(self.failure("sync", None))
    }

    pub(crate) fn size(&self) -> Result<u64, IoFailure> {
        self.file.size().map_err(self.failure("measure", None))
    }

    pub(crate) fn set_size(&self, bytes: u64) -> Result<(), IoFailure> {
        self.file.set_size(bytes).map_err(self.failure("resize", None))
    }

    pub(crate) fn read(&self, buffer: &mut [u8], offset: u64) -> Result<(), IoFailure> {
        self.file.read_at(buffer, offset).map_err(self.failure("read", Some(offset)))
    }

    /// `len` bytes at `offset` of a file of `size` bytes, with zeros for what lies behind its end.
    pub(crate) fn read_padded(&self, offset: u64, len: usize, size: u64) -> Result<Vec<u8>, IoFailure> {
        let mut bytes = vec![0; len];
        let there = size.saturating_sub(offset).min(len as u64) as usize;
        if there > 0 {
            self.read(&mut bytes[..there], offset)?;
        }
        Ok(bytes)
    }

    /// Really writes zeros, so that the blocks exist and nothing about the file changes when they are written again.
    pub(crate) fn write_zeros(&self, from: u64, to: u64) -> Result<(), IoFailure> {
        let zeros = vec![0; (to.saturating_sub(from)).min(CHUNK) as usize];
        let mut at = from;
        while at < to {
            let len = (to - at).min(CHUNK);
            self.write(&zeros[..len as usize], at)?;
            at += len;
        }
        Ok(())
    }
}

/// [`Disk`] with errors that name the file.
pub(crate) trait DiskExt: Disk {
    fn failure(&self, action: &'static str, name: &str) -> impl FnOnce(io::Error) -> IoFailure {
        move |cause| IoFailure { action, file: self.path(name), offset: None, cause: Arc::new(cause) }
    }

    fn open_named(&self, name: &str, create: bool) -> Result<Named<Self::File>, IoFailure> {
        let file =
            self.open(name, create).map_err(self.failure(if create { "create" } else { "open" }, name))?;
        Ok(Named { file, path: self.path(name) })
    }

    /// See [`Disk::open_for_sectors`].
    fn open_for_sectors_named(&self, name: &str) -> Result<Named<Self::File>, IoFailure> {
        let file = self.open_for_sectors(name).map_err(self.failure("open", name))?;
        Ok(Named { file, path: self.path(name) })
    }

    /// The file, or `None` if there is none.
    fn find(&self, name: &str) -> Result<Option<Named<Self::File>>, IoFailure> {
        match self.open_named(name, false) {
            Ok(file) => Ok(Some(file)),
            Err(failure) if failure.is_missing() => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    fn rename_named(&self, from: &str, to: &str) -> Result<(), IoFailure> {
        self.rename(from, to).map_err(self.failure("rename", from))
    }

    fn remove_named(&self, name: &str) -> Result<(), IoFailure> {
        self.remove(name).map_err(self.failure("remove", name))
    }

    fn sync_named(&self, dir: &str) -> Result<(), IoFailure> {
        self.sync_dir(dir).map_err(self.failure("sync directory", dir))
    }

    fn list_named(&self, dir: &str) -> Result<Vec<String>, IoFailure> {
        self.list(dir).map_err(self.failure("list", dir))
    }

    /// Makes a file complete and durable under a temporary name, then gives it its own.
    fn publish(&self, dir: &str, temporary: &str, name: &str, bytes: &[u8]) -> Result<(), IoFailure> {
        let file = self.open_named(temporary, true)?;
        file.set_size(0)?;
        file.write(bytes, 0)?;
        file.sync()?;
        self.rename_named(temporary, name)?;
        self.sync_named(dir)
    }
}

impl<D: Disk> DiskExt for D {}

/// The next boundary of a sector at or above.
pub(crate) fn to_sector(bytes: u64) -> u64 {
    bytes.div_ceil(SECTOR) * SECTOR
}
