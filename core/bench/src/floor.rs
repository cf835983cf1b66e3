//! The floor: what the machine itself takes for the things that every request must do.
//! Nothing of Doozer is in it, so that a ratio to it says what Doozer adds.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime;

use crate::load::histogram;

/// How much of a file is written over, again and again.
const FILE_BYTES: usize = 16 << 20;

/// Sends a message of `bytes` to an echo in another thread over loopback TCP, one after the other, for this long:
/// nanoseconds for there and back. Blocks; not to be called in an asynchronous task.
///
/// # Errors
/// If the system gives no socket or thread.
pub fn round_trip(bytes: usize, duration: Duration) -> io::Result<Histogram<u64>> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    listener.set_nonblocking(true)?;
    let echoing = thread::spawn(move || single()?.block_on(echo(listener, bytes)));
    let times = single()?.block_on(async {
        let mut stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (mut message, mut times) = (vec![7; bytes], histogram());
        let until = Instant::now() + duration;
        let mut sent = Instant::now();
        while sent < until {
            stream.write_all(&message).await?;
            stream.read_exact(&mut message).await?;
            let now = Instant::now();
            times.saturating_record(nanoseconds(now - sent));
            sent = now;
        }
        io::Result::Ok(times)
    })?;
    echoing.join().map_err(|_| io::Error::other("the echo panicked"))??;
    Ok(times)
}

async fn echo(listener: std::net::TcpListener, bytes: usize) -> io::Result<()> {
    let (mut stream, _) = TcpListener::from_std(listener)?.accept().await?;
    stream.set_nodelay(true)?;
    let mut message = vec![0; bytes];
    loop {
        match stream.read_exact(&mut message).await {
            Ok(_) => stream.write_all(&message).await?,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

fn single() -> io::Result<runtime::Runtime> {
    runtime::Builder::new_current_thread().enable_io().build()
}

/// Writes `bytes` over a part of a file that has its blocks already and syncs its data (`fdatasync`), one after the
/// other, for this long: nanoseconds for both. The file is in `directory` while it lasts.
///
/// # Errors
/// If the directory cannot be written to.
pub fn sync(directory: &Path, bytes: usize, duration: Duration) -> io::Result<Histogram<u64>> {
    let path = directory.join("floor");
    let file = File::create(&path)?;
    let done = overwrite(&file, bytes, duration);
    drop(file);
    std::fs::remove_file(&path)?;
    done
}

/// The same by two threads at once, each on a file of its own, as two members on one disk do: nanoseconds for a write and
/// sync of either.
///
/// # Errors
/// If the directory cannot be written to, or the system gives no thread.
pub fn two_syncs(directory: &Path, bytes: usize, duration: Duration) -> io::Result<Histogram<u64>> {
    let paths = ["floor-0", "floor-1"].map(|name| directory.join(name));
    let both = thread::scope(|scope| {
        let syncing = paths.each_ref().map(|path| {
            scope.spawn(move || File::create(path).and_then(|file| overwrite(&file, bytes, duration)))
        });
        syncing.map(|thread| thread.join().map_err(|_| io::Error::other("a thread panicked"))?)
    });
    paths.iter().try_for_each(std::fs::remove_file)?;
    let [mut one, two] = both;
    if let (Ok(one), Ok(two)) = (&mut one, &two) {
        one.add(two).map_err(|_| io::ErrorKind::InvalidData)?;
    }
    two.and(one)
}

fn overwrite(file: &File, bytes: usize, duration: Duration) -> io::Result<Histogram<u64>> {
    let (mut writing, mut times) = (Overwriting::new(file, bytes)?, histogram());
    let until = Instant::now() + duration;
    let mut started = Instant::now();
    while started < until {
        writing.next()?;
        let now = Instant::now();
        times.saturating_record(nanoseconds(now - started));
        started = now;
    }
    Ok(times)
}

/// Writes over a file that has its blocks already, from its beginning to its end, again and again.
pub(crate) struct Overwriting<'a> {
    file: &'a File,
    block: Vec<u8>,
    offset: usize,
}

impl<'a> Overwriting<'a> {
    pub(crate) fn new(file: &'a File, bytes: usize) -> io::Result<Overwriting<'a>> {
        file.write_all_at(&vec![0; FILE_BYTES], 0)?;
        file.sync_all()?;
        Ok(Overwriting { file, block: vec![7; bytes], offset: 0 })
    }

    /// Writes and syncs.
    pub(crate) fn next(&mut self) -> io::Result<()> {
        self.file.write_all_at(&self.block, self.offset as u64)?;
        self.offset = (self.offset + self.block.len()) % (FILE_BYTES - self.block.len());
        self.file.sync_data()
    }
}

pub(crate) fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
