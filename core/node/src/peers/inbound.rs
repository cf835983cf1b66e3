//! What one member sends to this one.

use std::io;
use std::sync::Arc;

use bytes::BytesMut;
use doozer_paxos::Incarnation;
use doozer_wire::peer::{Opener, PEER_FRAME_BYTES_MAX, Purpose, Refused};
use doozer_wire::{Decoder, Request};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tracing::{debug, info};

use super::handshake::{Trouble, answer};
use super::home::Home;
use crate::input::Input;

/// Bytes read in one go, and how few of them may be.
const READ_BYTES_MAX: usize = 64 << 10;
const READ_BYTES_MIN: usize = 4 << 10;

/// Takes what a member says, from its HELLO on, until it ends or this member has stopped. `input` is what was read behind
/// that.
pub(crate) async fn serve<S>(mut stream: S, mut input: BytesMut, request: Request, home: Arc<Home>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut closed = home.closed.subscribe();
    let (them, purpose, opener) = match answer(&mut stream, &mut input, &home, &request).await {
        Ok(met) => met,
        Err(Trouble::Io(error)) => return debug!(%error, "a member's connection ended in its handshake"),
        Err(Trouble::Refused(Refused::Misdialed { why, .. })) if *why == Refused::Itself => {
            return debug!("this member reached itself");
        }
        Err(trouble) => return home.warn("a connection from another member", trouble),
    };
    home.book.note(them.incarnation, them.address.clone());
    if purpose == Purpose::Question {
        return;
    }
    info!(member = %them.incarnation, address = %them.address, "a member connected");
    let ended = tokio::select! {
        ended = listen(&mut stream, input, them.incarnation, opener, &home) => ended,
        _ = closed.wait_for(|closed| *closed) => Ok(()),
    };
    // A process that was forked meanwhile may hold the same socket.
    let _ = stream.shutdown().await;
    match ended {
        Ok(()) => debug!(member = %them.incarnation, "a member's connection ended"),
        Err(Trouble::Io(error)) => debug!(member = %them.incarnation, %error, "a member's connection broke"),
        Err(trouble) => home.warn(format_args!("member {}", them.incarnation), trouble),
    }
}

async fn listen<S>(
    stream: &mut S,
    mut input: BytesMut,
    from: Incarnation,
    mut opener: Opener,
    home: &Home,
) -> Result<(), Trouble>
where
    S: AsyncRead + Unpin,
{
    let mut decoder = Decoder::new(PEER_FRAME_BYTES_MAX);
    loop {
        let mut messages = Vec::new();
        while let Some(body) = decoder.next(&mut input)? {
            messages.append(&mut opener.open(body)?);
        }
        if !messages.is_empty() && home.inputs.send(Input::Heard(from, messages)).is_err() {
            // The driver is gone.
            return Ok(());
        }
        // What was read is kept as long as its entries are in the log: many small messages share a buffer.
        if input.capacity() - input.len() < READ_BYTES_MIN {
            input.reserve(READ_BYTES_MAX);
        }
        if stream.read_buf(&mut input).await? == 0 {
            return match input.is_empty() {
                true => Ok(()),
                false => Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
            };
        }
    }
}
