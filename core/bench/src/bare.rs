//! A write to a cluster of three with everything left out that is not a message or a sync: what a write must take on this
//! machine, whoever does it.
//! Nothing of Doozer is in it.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use rustix::event::{PollFd, PollFlags, poll};

use crate::floor::{Overwriting, nanoseconds};
use crate::load::histogram;

const FOLLOWERS: usize = 2;

/// One request after the other for this long, each `bytes` there and back, to a leader that passes it on to two followers:
/// all three write and sync so many bytes, each to a file of its own in `directory`, and the leader answers when it and one
/// follower have. Three threads that block in their system calls, so that there is nobody to hand anything over to. Nanoseconds
/// from request to answer.
///
/// # Errors
/// If the directory cannot be written to, or the system gives no socket or thread.
pub fn replicated_write(
    directory: &Path,
    bytes: usize,
    sync_bytes: usize,
    duration: Duration,
) -> io::Result<Histogram<u64>> {
    let paths: Vec<_> = (0..=FOLLOWERS).map(|number| directory.join(format!("bare-{number}"))).collect();
    let files = paths.iter().map(File::create).collect::<io::Result<Vec<_>>>()?;
    let ended = thread::scope(|scope| {
        let (mut client, serving) = connection()?;
        let mut to_followers = Vec::new();
        let mut members = Vec::new();
        for file in &files[..FOLLOWERS] {
            let (ours, theirs) = connection()?;
            to_followers.push(ours);
            members.push(scope.spawn(move || follow(theirs, Overwriting::new(file, sync_bytes)?, bytes)));
        }
        let own = &files[FOLLOWERS];
        let leading = move || lead(serving, &to_followers, Overwriting::new(own, sync_bytes)?, bytes);
        members.push(scope.spawn(leading));
        let times = ask(&mut client, bytes, duration);
        // Who serves ends when nobody asks any more.
        drop(client);
        for member in members {
            member.join().map_err(|_| io::Error::other("a member panicked"))??;
        }
        times
    });
    paths.iter().try_for_each(fs::remove_file)?;
    ended
}

fn connection() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let (ours, theirs) = (TcpStream::connect(listener.local_addr()?)?, listener.accept()?.0);
    ours.set_nodelay(true)?;
    theirs.set_nodelay(true)?;
    Ok((ours, theirs))
}

fn ask(server: &mut TcpStream, bytes: usize, duration: Duration) -> io::Result<Histogram<u64>> {
    let (mut message, mut times) = (vec![7; bytes], histogram());
    let until = Instant::now() + duration;
    let mut sent = Instant::now();
    while sent < until {
        server.write_all(&message)?;
        server.read_exact(&mut message)?;
        let now = Instant::now();
        times.saturating_record(nanoseconds(now - sent));
        sent = now;
    }
    Ok(times)
}

fn follow(mut leader: TcpStream, mut disk: Overwriting<'_>, bytes: usize) -> io::Result<()> {
    let mut message = vec![0; bytes];
    while has_read(&mut leader, &mut message)? {
        disk.next()?;
        leader.write_all(&message)?;
    }
    Ok(())
}

fn lead(
    mut client: TcpStream,
    followers: &[TcpStream],
    mut disk: Overwriting<'_>,
    bytes: usize,
) -> io::Result<()> {
    let mut message = vec![0; bytes];
    while has_read(&mut client, &mut message)? {
        for mut follower in followers {
            follower.write_all(&message)?;
        }
        disk.next()?;
        let mut waiting: Vec<PollFd<'_>> =
            followers.iter().map(|follower| PollFd::new(follower, PollFlags::IN)).collect();
        poll(&mut waiting, None)?;
        client.write_all(&message)?;
        // The other one is heard before the next request, so that it does not fall behind.
        for mut follower in followers {
            follower.read_exact(&mut message)?;
        }
    }
    Ok(())
}

/// False if the other side has hung up.
fn has_read(stream: &mut TcpStream, message: &mut [u8]) -> io::Result<bool> {
    match stream.read_exact(message) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use std::env;

    use super::*;
    use crate::server::Scratch;

    #[test]
    fn each_request_is_answered_and_all_files_go() {
        let directory = Scratch::new(env::temp_dir()).unwrap();
        let times = replicated_write(directory.path(), 64, 4096, Duration::from_millis(30)).unwrap();
        assert!(!times.is_empty());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[test]
    fn who_cannot_write_says_so() {
        let error = replicated_write(Path::new("/nonexistent"), 64, 4096, Duration::ZERO).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
