//! Writes of whole sectors straight from memory to the device (`O_DIRECT`). A record is synced as soon as it is written, so
//! the page cache only adds a copy, and pages to be found and written back: for small records a tenth of the time of a
//! durable write. Durable it is after a sync only, like any other write.

use std::cell::{Cell, RefCell};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::block::SECTOR;

/// Longer writes gain nothing, and go by the page cache.
const WRITE_MAX: usize = 64 << 10;

/// A file's second way in.
#[derive(Debug)]
pub(super) struct Unbuffered {
    file: File,
    /// The bytes to be written, aligned as the device wants them.
    buffer: RefCell<Vec<u8>>,
    /// The file system has turned out not to do it.
    is_refused: Cell<bool>,
}

impl Unbuffered {
    /// `None` where the file system or the operating system has no such thing: nothing depends on it.
    pub(super) fn open(path: &Path) -> Option<Unbuffered> {
        let file = open(path).ok()?;
        let buffer = RefCell::new(vec![0; WRITE_MAX + SECTOR as usize]);
        Some(Unbuffered { file, buffer, is_refused: Cell::new(false) })
    }

    /// Writes as much as it can from the front of `bytes`, and says how much. The rest has to be written in the usual way.
    pub(super) fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let is_whole = offset.is_multiple_of(SECTOR) && (bytes.len() as u64).is_multiple_of(SECTOR);
        if !is_whole || bytes.len() > WRITE_MAX || self.is_refused.get() {
            return Ok(0);
        }
        let mut buffer = self.buffer.borrow_mut();
        let start = buffer.as_ptr().align_offset(SECTOR as usize);
        let Some(aligned) = buffer.get_mut(start..).and_then(|rest| rest.get_mut(..bytes.len())) else {
            return Ok(0);
        };
        aligned.copy_from_slice(bytes);
        match self.file.write_at(aligned, offset) {
            // It was opened so, but wants another alignment, or cannot after all.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                self.is_refused.set(true);
                Ok(0)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(0),
            done => done,
        }
    }
}

#[cfg(target_os = "linux")]
fn open(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;

    let flag = rustix::fs::OFlags::DIRECT.bits() as i32;
    File::options().write(true).custom_flags(flag).open(path)
}

#[cfg(not(target_os = "linux"))]
fn open(_: &Path) -> io::Result<File> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    const SECTOR: usize = super::SECTOR as usize;

    fn file(dir: &tempfile::TempDir) -> std::path::PathBuf {
        let path = dir.path().join("file");
        fs::write(&path, vec![b'.'; 4 * SECTOR]).unwrap();
        path
    }

    #[test]
    fn whole_sectors_go_where_they_belong_and_nothing_else_does() {
        let dir = tempfile::tempdir().unwrap();
        let path = file(&dir);
        let Some(file) = Unbuffered::open(&path) else { return };
        let sectors = vec![b'x'; 2 * SECTOR];
        let written = file.write_at(&sectors, SECTOR as u64).unwrap();
        let mut expected = vec![b'.'; 4 * SECTOR];
        expected[SECTOR..][..written].fill(b'x');
        assert_eq!(fs::read(&path).unwrap(), expected);

        assert_eq!(file.write_at(&sectors, 1).unwrap(), 0, "not at a sector's beginning");
        assert_eq!(file.write_at(b"abc", 0).unwrap(), 0, "no whole sector");
        assert_eq!(file.write_at(&vec![b'y'; WRITE_MAX + SECTOR], 0).unwrap(), 0, "too long");
        assert_eq!(fs::read(&path).unwrap(), expected);
    }

    #[test]
    fn what_is_refused_once_is_not_tried_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = file(&dir);
        let Some(mut file) = Unbuffered::open(&path) else { return };
        // An offset that no file has gets the answer of a file system with larger blocks.
        let refused = file.write_at(&[b'x'; SECTOR], 1 << 63);
        assert_eq!(refused.unwrap(), 0);
        assert!(file.is_refused.get());
        assert_eq!(file.write_at(&[b'x'; SECTOR], 0).unwrap(), 0);
        file.is_refused = Cell::new(false);
        assert!(file.write_at(&[b'x'; SECTOR], 0).unwrap() > 0);
    }

    #[test]
    fn an_error_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let path = file(&dir);
        let Some(mut file) = Unbuffered::open(&path) else { return };
        file.file = File::open(&path).unwrap();
        assert!(file.write_at(&[b'x'; SECTOR], 0).is_err());
    }
}
