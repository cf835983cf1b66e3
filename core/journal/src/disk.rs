//! What the journal asks of storage: a directory of named files that can be written, synced, renamed and locked.
//! Never here: what the bytes mean.

use std::io;

/// A directory of files. Names are relative, with `/` between a directory and a file, and `""` is the directory
/// itself. Clones are handles of the same directory and may be used from other threads.
///
/// What a crash may do: anything written to a file since its last successful [`DiskFile::sync_data`] is there or not,
/// sector by sector; any change of names since the last successful [`Disk::sync_dir`] of that directory is there or
/// not, each by itself, except that a rename is atomic.
pub trait Disk: Clone + Send + 'static {
    /// An open file.
    type File: DiskFile;
    /// A lock that is held until it is dropped.
    type Lock: Send;

    /// Opens a file for reading and writing. With `create` it is made, empty, if it does not exist.
    fn open(&self, name: &str, create: bool) -> io::Result<Self::File>;

    /// Opens an existing file that is to be written in whole sectors, a few at a time, and synced each time: a disk may
    /// spare itself whatever makes other writes cheap. What is read is what was written, in either way.
    fn open_for_sectors(&self, name: &str) -> io::Result<Self::File> {
        self.open(name, false)
    }

    /// Gives a file another name, in place of whatever has that name.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// The names in a directory, without the directory's own, sorted. `NotFound` if there is no such directory.
    fn list(&self, dir: &str) -> io::Result<Vec<String>>;

    /// Makes a directory unless it exists. For `""`, also those above it, and their entries are durable on return.
    fn create_dir(&self, dir: &str) -> io::Result<()>;

    /// Makes the names in a directory durable. Blocks until they are.
    fn sync_dir(&self, dir: &str) -> io::Result<()>;

    /// Takes an exclusive lock on a file, which is created if need be, and leaves `text` in it for people to read.
    /// Never waits. The lock ends with the process, even if that is killed.
    fn lock(&self, name: &str, text: &str) -> io::Result<Locked<Self::Lock>>;

    /// How to call a file in front of people: its full path.
    fn path(&self, name: &str) -> String;
}

/// The answer to [`Disk::lock`].
#[derive(Debug)]
pub enum Locked<L> {
    /// It is ours.
    Ours(L),
    /// Somebody else has it; this is the text they left.
    Held(String),
}

/// An open file of a [`Disk`].
pub trait DiskFile: Send + 'static {
    /// Fills the whole buffer from `offset` on; `UnexpectedEof` if the file ends before.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;

    /// Writes all bytes at `offset`, growing the file if need be. After an error any part of them may be written.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Makes what was written durable, and the length with it. Blocks until it is. After an error nothing is known
    /// about what was written since the last success, and calling again proves nothing.
    fn sync_data(&self) -> io::Result<()>;

    /// Length in bytes.
    fn size(&self) -> io::Result<u64>;

    /// Cuts the file, or grows it with zeros.
    fn set_size(&self, bytes: u64) -> io::Result<()>;
}
