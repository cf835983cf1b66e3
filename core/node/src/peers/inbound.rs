//! What one member sends to this one.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use doozer_wire::peer::{Introduction, Opener, PEER_FRAME_BYTES_MAX, Purpose, Refused};
use doozer_wire::{Decoder, Request};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout_at};
use tracing::{debug, info};

use super::handshake::{Trouble, answer};
use super::home::{GUESTS_MAX, Home};
use crate::input::Input;

/// Bytes read in one go, and how few of them may be.
const READ_BYTES_MAX: usize = 64 << 10;
const READ_BYTES_MIN: usize = 4 << 10;

/// A frame is whole so long after its first byte: who sends it would have given up. (A length that was garbled promises bytes
/// that never come.)
const FRAME: Duration = Duration::from_secs(10);

/// What is told of who says what this version knows nothing of.
const NEWER: &str = "some of its messages are of a kind that this version does not know, and were left out: upgrade this member";

/// Characters of a name that anybody may have given itself.
const CLAIMED_MAX: usize = 100;

/// Takes what a member says, from its HELLO on, until it ends or this member has stopped. `input` is what was read behind
/// that; `from` is where the connection comes from.
pub(crate) async fn serve<S>(
    mut stream: S,
    from: Option<IpAddr>,
    mut input: BytesMut,
    request: Request,
    home: Arc<Home>,
) where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut closed = home.closed.subscribe();
    let Ok(guest) = home.guests.try_acquire() else {
        let why = format!("closed: {GUESTS_MAX} others have not proven yet that they are members");
        return home.warn_of_stranger(name(from, None), why);
    };
    let met = answer(&mut stream, &mut input, &home, &request).await;
    drop(guest);
    let (them, purpose, opener) = match met {
        Ok(met) => met,
        Err(Trouble::Io(error)) => return debug!(%error, "a member's connection ended in its handshake"),
        Err(Trouble::Refused(Refused::Misdialed { why, .. })) if *why == Refused::Itself => {
            return debug!("this member reached itself");
        }
        Err(trouble) => {
            let claimed = request.hello.as_ref().and_then(Introduction::claimed);
            return home.warn_of_stranger(name(from, claimed), trouble);
        }
    };
    home.book.note(them.incarnation, them.address.clone());
    if purpose == Purpose::Question {
        return;
    }
    home.book.note_came(them.incarnation);
    info!(member = %them.incarnation, address = %them.address, "a member connected");
    let ended = tokio::select! {
        ended = listen(&mut stream, input, &them, opener, &home) => ended,
        _ = closed.wait_for(|closed| *closed) => Ok(()),
    };
    // A process that was forked meanwhile may hold the same socket.
    let _ = stream.shutdown().await;
    match ended {
        Ok(()) => debug!(member = %them.incarnation, "a member's connection ended"),
        Err(Trouble::Io(error)) => debug!(member = %them.incarnation, %error, "a member's connection broke"),
        Err(trouble) => {
            home.warn(format_args!("from member {} ({})", them.incarnation, them.address), trouble);
        }
    }
}

/// Somebody who has proven nothing.
pub(super) fn name(from: Option<IpAddr>, claimed: Option<Introduction>) -> String {
    let from = from.map_or_else(|| "within this process".to_owned(), |ip| ip.to_string());
    let Some(claimed) = claimed else { return format!("a connection from {from}") };
    let claimed: String = claimed.address.to_string().chars().take(CLAIMED_MAX).collect();
    format!("a connection from {from}, which says that it is the member at {claimed}")
}

async fn listen<S>(
    stream: &mut S,
    mut input: BytesMut,
    from: &Introduction,
    mut opener: Opener,
    home: &Home,
) -> Result<(), Trouble>
where
    S: AsyncRead + Unpin,
{
    let mut decoder = Decoder::new(PEER_FRAME_BYTES_MAX);
    // When the frame that has begun is to be whole.
    let mut due = None;
    let mut is_newer = false;
    loop {
        let mut messages = Vec::new();
        while let Some(body) = decoder.next(&mut input)? {
            messages.append(&mut opener.open(body)?);
            due = None;
        }
        if opener.skipped() > 0 && !std::mem::replace(&mut is_newer, true) {
            home.warn(format_args!("from member {} ({})", from.incarnation, from.address), NEWER);
        }
        if !messages.is_empty() && home.inputs.send(Input::Heard(from.incarnation, messages)).is_err() {
            // The driver is gone.
            return Ok(());
        }
        // What was read is kept as long as its entries are in the log: many small messages share a buffer.
        if input.capacity() - input.len() < READ_BYTES_MIN {
            input.reserve(READ_BYTES_MAX);
        }
        if input.is_empty() {
            due = None;
        } else {
            due.get_or_insert_with(|| Instant::now() + FRAME);
        }
        let read = stream.read_buf(&mut input);
        let read = match due {
            Some(due) => timeout_at(due, read).await.map_err(|_| Trouble::Stuck(FRAME))?,
            None => read.await,
        };
        if read? == 0 {
            return match input.is_empty() {
                true => Ok(()),
                false => Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
            };
        }
    }
}
