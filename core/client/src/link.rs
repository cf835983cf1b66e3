//! A connection at work: what is queued goes out, many frames to a write; answers come in, many to a read. One task
//! does both, and notices when the other side has gone silent.

use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use bytes::{Buf, BytesMut};
use doozer_wire::{Decoder, FRAME_BYTES_MIN_LIMIT, OwnedResponse};
use tokio::io::{AsyncReadExt, AsyncWrite};

use crate::alarm::Alarm;
use crate::peer::Peer;
use crate::shared::Shared;
use crate::transport::HangUp;
use crate::watchdog::{self, QUIET, Watchdog};

const READ_BYTES: usize = 64 << 10;
const READ_BYTES_MIN: usize = 4 << 10;

/// The most that is reserved for a frame before its bytes come.
const FRAME_BYTES_RESERVED: usize = 8 << 20;

pub(crate) struct Link {
    pub peer: Peer,
    transport: HangUp,
    decoder: Decoder,
    input: BytesMut,
    /// What follows the bytes the transport has taken.
    out: BytesMut,
    /// Bytes the transport has taken.
    taken: u64,
    sending: Sending,
    watchdog: Watchdog,
    alarm: Alarm,
}

enum Sending {
    /// Everything the transport has taken is on its way.
    Flushed,
    Unflushed,
    /// The transport takes nothing for now.
    Blocked,
    /// The transport takes nothing any more. What had come before may still be read.
    Broken(String),
}

/// How a connection ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub why: String,
    /// It answered something, and did not end by talking nonsense.
    pub was_useful: bool,
}

enum End {
    Lost(String),
    Nonsense(String),
}

impl Link {
    /// A connection whose first words are said.
    pub fn new(transport: HangUp, peer: Peer) -> Link {
        let limit = usize::try_from(peer.frame_bytes_max).unwrap_or(usize::MAX).max(FRAME_BYTES_MIN_LIMIT);
        Link {
            peer,
            transport,
            decoder: Decoder::new(limit),
            input: BytesMut::new(),
            out: BytesMut::new(),
            taken: 0,
            sending: Sending::Flushed,
            watchdog: Watchdog::default(),
            alarm: Alarm::default(),
        }
    }

    /// Works until the connection ends.
    pub async fn run(mut self, shared: &Shared) -> Ended {
        let end = std::future::poll_fn(|cx| self.poll(cx, shared)).await;
        let (why, made_sense) = match end {
            End::Lost(why) => (why, true),
            End::Nonsense(why) => (format!("it answered nonsense: {why}"), false),
        };
        // Closed before anybody hears of it, so that the member has no two connections of this client.
        drop(self.transport);
        let was_useful = shared.table(|table, done| {
            let was_useful = made_sense && table.answered() > 0;
            table.lost(self.taken, &why, shared.now(), done);
            was_useful
        });
        Ended { why, was_useful }
    }

    fn poll(&mut self, cx: &mut Context<'_>, shared: &Shared) -> Poll<End> {
        loop {
            self.send(cx, shared);
            match self.receive(cx, shared) {
                Poll::Ready(Ok(())) => continue,
                Poll::Ready(Err(end)) => return Poll::Ready(end),
                Poll::Pending => {}
            }
            if let Sending::Broken(why) = &self.sending {
                return Poll::Ready(End::Lost(why.clone()));
            }
            let (is_busy, has_drained, alarm) =
                shared.table(|table, _| (table.is_busy(), table.has_drained(), table.alarm()));
            if has_drained {
                return Poll::Ready(End::Lost("the member is shutting down".to_owned()));
            }
            if self.alarm.poll(cx, alarm, || shared.now()).is_ready() {
                continue;
            }
            match self.watchdog.poll(cx, is_busy) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(watchdog::Alarm::Ask) => shared.table(|table, _| table.ping(&self.peer)),
                Poll::Ready(watchdog::Alarm::Gone) => {
                    let why = format!("no byte came for {:?}, not even the answer to a PING", QUIET * 2);
                    return Poll::Ready(End::Lost(why));
                }
            }
        }
    }

    /// Sends until there is nothing left, or the transport takes no more.
    fn send(&mut self, cx: &mut Context<'_>, shared: &Shared) {
        loop {
            if matches!(self.sending, Sending::Broken(_)) {
                return;
            }
            if self.out.is_empty() {
                self.fill(cx, shared);
            }
            if self.out.is_empty() {
                return self.flush(cx);
            }
            match Pin::new(&mut self.transport.0).poll_write(cx, &self.out) {
                Poll::Ready(Ok(0)) => {
                    self.sending = Sending::Broken("the connection takes nothing more".to_owned())
                }
                Poll::Ready(Ok(taken)) => {
                    self.out.advance(taken);
                    self.taken += taken as u64;
                    if matches!(self.sending, Sending::Blocked) {
                        // Room was made at the other end: a sign of life, though a large value may take long to pass.
                        self.watchdog.hear();
                    }
                    self.sending = Sending::Unflushed;
                }
                Poll::Ready(Err(error)) => self.sending = Sending::Broken(error.to_string()),
                Poll::Pending => return self.stall(shared),
            }
        }
    }

    fn fill(&mut self, cx: &mut Context<'_>, shared: &Shared) {
        let Link { peer, taken, out, .. } = self;
        let now = shared.now();
        shared.table(|table, done| table.fill(peer, now, *taken, out, cx.waker(), done));
    }

    fn flush(&mut self, cx: &mut Context<'_>) {
        if matches!(self.sending, Sending::Unflushed | Sending::Blocked) {
            match Pin::new(&mut self.transport.0).poll_flush(cx) {
                Poll::Ready(Ok(())) => self.sending = Sending::Flushed,
                Poll::Ready(Err(error)) => self.sending = Sending::Broken(error.to_string()),
                Poll::Pending => {}
            }
        }
    }

    /// Gives back what the transport has not begun to take, so that it can be taken back, or sent elsewhere.
    fn stall(&mut self, shared: &Shared) {
        self.sending = Sending::Blocked;
        if let Some(first) = shared.table(|table, done| table.give_back(self.taken, done)) {
            self.out.truncate((first - self.taken) as usize);
        }
    }

    /// Reads once, and hands over the answers that are whole.
    fn receive(&mut self, cx: &mut Context<'_>, shared: &Shared) -> Poll<Result<(), End>> {
        self.make_room();
        match pin!(self.transport.0.read_buf(&mut self.input)).poll(cx) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Ok(0)) => {
                return Poll::Ready(Err(End::Lost("closed by the member".to_owned())));
            }
            Poll::Ready(Ok(_)) => {}
            Poll::Ready(Err(error)) => return Poll::Ready(Err(End::Lost(error.to_string()))),
        }
        self.watchdog.hear();
        let mut answers = Vec::new();
        let decoded = self.decode(&mut answers);
        let now = shared.now();
        shared.table(|table, done| answers.drain(..).for_each(|answer| table.answer(answer, now, done)));
        Poll::Ready(decoded)
    }

    fn decode(&mut self, answers: &mut Vec<OwnedResponse>) -> Result<(), End> {
        loop {
            let body =
                self.decoder.next(&mut self.input).map_err(|error| End::Nonsense(error.to_string()))?;
            let Some(body) = body else { return Ok(()) };
            answers.push(OwnedResponse::decode(body).map_err(|error| End::Nonsense(error.to_string()))?);
        }
    }

    /// Room for the next read: for all of a frame whose length is known.
    fn make_room(&mut self) {
        let missing = match self.input.first_chunk() {
            Some(length) => (u32::from_be_bytes(*length) as usize + 4).saturating_sub(self.input.len()),
            None => 0,
        };
        if self.input.capacity() - self.input.len() < missing.clamp(READ_BYTES_MIN, FRAME_BYTES_RESERVED) {
            self.input.reserve(missing.clamp(READ_BYTES, FRAME_BYTES_RESERVED));
        }
    }
}
