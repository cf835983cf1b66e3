//! Broken connections in a host that does not ignore SIGPIPE, as C's programs do not. Alone in its process, since it
//! changes what the signal does.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use std::io;
use std::sync::mpsc;
use std::time::Duration;

use doozer_bridge::noop_async;

const PATIENCE: Duration = Duration::from_secs(20);

/// Writes to a pipe that nobody reads.
fn write_for_nobody() -> io::ErrorKind {
    let mut ends = [0; 2];
    // SAFETY: there is room for both ends, which are used as they are given.
    let (written, error) = unsafe {
        assert_eq!(libc::pipe(ends.as_mut_ptr()), 0);
        libc::close(ends[0]);
        let written = libc::write(ends[1], [0_u8].as_ptr().cast(), 1);
        (written, io::Error::last_os_error())
    };
    assert_eq!(written, -1);
    // SAFETY: as above.
    unsafe { libc::close(ends[1]) };
    error.kind()
}

#[test]
fn a_broken_connection_is_an_error_and_kills_nobody() {
    // SAFETY: no handler is installed, and nothing else runs in this process.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    let (done, completed) = mpsc::channel();
    noop_async().map(|()| write_for_nobody()).spawn(move |result| done.send(result).unwrap());
    assert_eq!(completed.recv_timeout(PATIENCE).unwrap().unwrap(), io::ErrorKind::BrokenPipe);
}
