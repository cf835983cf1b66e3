//! One client connection: its buffers, its rights, what it has outstanding, and the loop that serves it.
//!
//! One task does all of it. It reads, answers reads at once, hands writes to the driver in batches, and sends what
//! others left in its outbox. It does not read while a client leaves too much unread or unanswered, so that pressure
//! is felt where it comes from.

use std::collections::HashMap;
use std::net::IpAddr;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Waker};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use doozer_wire::{Decoder, ErrorKind, Request};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use tracing::debug;

use super::commands::Known;
use super::offsets::OffsetCursor;
use super::problem::Problem;
use super::queued::Queued;
use super::reads::Asked;
use super::writes::{Of, WriteReply};
use crate::access::Access;
use crate::input::{Input, Proposal};
use crate::peers::inbound;
use crate::shared::Shared;
use doozer_member::driver::NoQuorum;
use doozer_member::outbox::Outbox;
use doozer_member::state::{Address, WaiterId};

/// A client that takes no byte for so long is gone.
const WRITE_STALL: Duration = Duration::from_secs(30);

/// How long a stop waits for a client that was told of it to leave.
const LEAVE: Duration = Duration::from_secs(2);

/// How often a WATCH that hears nothing is told how far it has seen, if there is news.
const PROGRESS_EVERY: Duration = Duration::from_secs(1);

/// Answers are sent when there is so much of them, even if more requests are at hand.
const OUT_BYTES: usize = 256 << 10;

const READ_BYTES_MIN: usize = 4 << 10;
const READ_BYTES_MAX: usize = 64 << 10;

/// How a connection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    /// The client was told that the member is stopping: what it has sent meanwhile is refused, until it leaves.
    Leaving,
    /// Nothing more is read; the answers to writes under way are still sent.
    Draining,
    /// Another member is there: what follows its HELLO is no client's.
    Peer,
}

pub(crate) struct Connection {
    pub(super) shared: Arc<Shared>,
    pub(super) outbox: Arc<Outbox>,
    pub(super) access: Access,
    /// HELLO was sent.
    pub(super) modern: bool,
    /// It knows what a goodbye is.
    pub(super) hears_goodbye: bool,
    /// Answers on their way out.
    pub(super) out: BytesMut,
    /// The WAITs, WATCHes and blocked reads of this connection, with their tags.
    pub(super) waiters: HashMap<WaiterId, Option<i32>>,
    pub(super) waiter_tags: HashMap<i32, WaiterId>,
    /// The WATCHes among them.
    pub(super) streams: Vec<WaiterId>,
    pub(super) queued: Queued,
    /// Whose command came last.
    pub(super) known: Option<Known>,
    pub(super) offsets: OffsetCursor,
    /// Some stream is to be read on from the history.
    pub(super) lagging: bool,
    /// Reads whose revision has come.
    ready: Vec<(WaiterId, Request)>,
    /// Linearizable reads that wait for an answer.
    pub(super) asked: Asked,
    /// Batches of them that have it.
    read_answers: Vec<(u64, Result<(), NoQuorum>)>,
    /// WAITs whose history is gone.
    too_late: Vec<WaiterId>,
    decoder: Decoder,
    /// Commands of this round, to be handed over in one piece.
    arena: Vec<u8>,
    batch: Vec<(Range<usize>, Option<i32>, Of)>,
    writes_in_flight: usize,
    write_bytes_in_flight: usize,
    /// Commands that wait with a queued SET of the same number, without being one.
    parked: usize,
    /// An empty buffer to swap with the outbox's.
    spare: BytesMut,
    phase: Phase,
    /// Another member's HELLO.
    peer: Option<Request>,
}

impl Connection {
    fn new(shared: Arc<Shared>, access: Access) -> Self {
        Connection {
            access,
            decoder: Decoder::new(shared.frame_limit()),
            outbox: Arc::default(),
            modern: false,
            hears_goodbye: false,
            out: BytesMut::new(),
            waiters: HashMap::new(),
            waiter_tags: HashMap::new(),
            streams: Vec::new(),
            queued: Queued::default(),
            known: None,
            offsets: OffsetCursor::default(),
            lagging: false,
            ready: Vec::new(),
            asked: Asked::default(),
            read_answers: Vec::new(),
            too_late: Vec::new(),
            arena: Vec::new(),
            batch: Vec::new(),
            writes_in_flight: 0,
            write_bytes_in_flight: 0,
            parked: 0,
            spare: BytesMut::new(),
            phase: Phase::Open,
            peer: None,
            shared,
        }
    }

    /// Where answers of this connection go.
    pub(super) fn address(&self, tag: Option<i32>) -> Address {
        Address { outbox: Arc::clone(&self.outbox), tag, modern: self.modern }
    }

    /// Takes a command into this round's batch.
    pub(super) fn propose(&mut self, tag: Option<i32>, of: Of, encode: impl FnOnce(&mut Vec<u8>)) {
        let start = self.arena.len();
        encode(&mut self.arena);
        self.batch.push((start..self.arena.len(), tag, of));
    }

    /// Asks the driver something that is answered as a write is, though it is none.
    pub(super) fn asks_the_driver(&mut self, input: Input) {
        self.writes_in_flight += 1;
        if self.shared.inputs.send(input).is_err() {
            self.give_up();
        }
    }

    /// Handles the whole frames in `input`, as far as answers and writes have room.
    fn take_requests(&mut self, input: &mut BytesMut) {
        while self.may_read() && self.out.len() < OUT_BYTES {
            self.decoder.set_limit(self.shared.frame_limit());
            let body = match self.decoder.next(input) {
                Ok(Some(body)) => body,
                Ok(None) => break,
                Err(error) => {
                    debug!(%error, "closing a connection");
                    self.phase = Phase::Draining;
                    break;
                }
            };
            match Request::decode(body) {
                Ok(request) if self.phase == Phase::Open => self.handle(&request),
                Ok(request) => self.finish(&request, Err(shutting_down())),
                Err(error) => {
                    debug!(%error, "closing a connection: a frame that is no message");
                    self.phase = Phase::Draining;
                }
            }
        }
        self.hand_over_batch();
        self.ask_for_reads();
    }

    /// The member is stopping. Whoever can be told leaves by itself, with an answer to everything it has sent: to close the
    /// connection would leave open which of its last writes were read.
    fn say_goodbye(&mut self) {
        if !self.hears_goodbye {
            self.phase = Phase::Draining;
            return;
        }
        shutting_down().encode_frame(None, true, None, &mut self.out);
        self.phase = Phase::Leaving;
    }

    /// The driver is gone: the member failed, and whether earlier writes were written is unknown. Closing the connection
    /// says so.
    pub(super) fn give_up(&mut self) {
        self.phase = Phase::Draining;
        self.writes_in_flight = 0;
    }

    pub(super) fn hand_over_batch(&mut self) {
        if self.batch.is_empty() {
            return;
        }
        // All commands of a round share one allocation.
        let arena = Bytes::from(std::mem::take(&mut self.arena));
        let batch = std::mem::take(&mut self.batch);
        let mut proposals = Vec::with_capacity(batch.len());
        for (range, tag, of) in batch {
            self.writes_in_flight += 1;
            self.write_bytes_in_flight += range.len();
            let reply = WriteReply::new(self.address(tag), range.len(), of);
            proposals.push(Proposal { command: arena.slice(range), reply });
        }
        if self.shared.inputs.send(Input::Propose(proposals)).is_err() {
            self.give_up();
        }
    }

    /// Takes what others left. What must stand before it on the wire is in `out` already; what must follow it comes
    /// after this call.
    pub(super) fn take_outbox(&mut self) {
        let mut left = self.outbox.take(std::mem::take(&mut self.spare));
        // Before what was answered since: who asks for something behind a queued SET hears of the SET first, if it was made.
        std::mem::take(&mut left.queued).into_iter().for_each(|news| self.hear_of_queue(news));
        if self.out.is_empty() {
            std::mem::swap(&mut self.out, &mut left.frames);
        } else {
            self.out.extend_from_slice(&left.frames);
            left.frames.clear();
        }
        self.spare = left.frames;
        self.lagging |= left.lagging;
        self.writes_in_flight = self.writes_in_flight.saturating_sub(left.writes_answered);
        self.write_bytes_in_flight = self.write_bytes_in_flight.saturating_sub(left.write_bytes_answered);
        self.parked = (self.parked + left.parked).saturating_sub(left.parked_answered);
        for id in left.finished {
            self.forget(id);
        }
        self.read_answers.append(&mut left.reads);
        self.too_late.append(&mut left.too_late);
        self.ready.append(&mut left.ready);
    }

    /// Answers reads whose revision has come, and WAITs for which it is gone.
    fn answer_ready(&mut self) {
        for id in std::mem::take(&mut self.too_late) {
            self.answer_too_late(id);
        }
        for (batch, readable) in std::mem::take(&mut self.read_answers) {
            self.answer_reads(batch, readable);
        }
        for (id, request) in std::mem::take(&mut self.ready) {
            // One that was cancelled in the meantime is not answered.
            if self.forget(id) {
                self.handle(&request);
            }
        }
    }

    /// Another member is there.
    pub(super) fn is_a_members(&mut self, hello: &Request) {
        (self.phase, self.peer) = (Phase::Peer, Some(hello.clone()));
    }

    /// Takes a waiter off the books; whether it was on them.
    pub(super) fn forget(&mut self, id: WaiterId) -> bool {
        let Some(tag) = self.waiters.remove(&id) else { return false };
        if let Some(tag) = tag {
            self.waiter_tags.remove(&tag);
        }
        self.streams.retain(|stream| *stream != id);
        true
    }

    pub(super) fn remember(&mut self, id: WaiterId, tag: Option<i32>) {
        self.waiters.insert(id, tag);
        if let Some(tag) = tag {
            self.waiter_tags.insert(tag, id);
        }
    }

    fn may_read(&self) -> bool {
        let limits = &self.shared.limits;
        matches!(self.phase, Phase::Open | Phase::Leaving)
            && self.writes_in_flight + self.batch.len() + self.parked < limits.writes_in_flight_max
            && self.asked.len() < limits.reads_in_flight_max
            && self.write_bytes_in_flight + self.arena.len() < limits.write_bytes_in_flight_max
    }

    fn is_drained(&self) -> bool {
        self.phase == Phase::Draining && self.writes_in_flight == 0 && self.asked.len() == 0
    }

    fn close(mut self) {
        self.outbox.close();
        // In pieces, so that a hundred thousand waits of one dead connection do not hold up everybody else.
        let ids: Vec<WaiterId> = self.waiters.drain().map(|(id, _)| id).collect();
        for some in ids.chunks(256) {
            let mut state = self.shared.state().write();
            some.iter().for_each(|id| state.remove(*id));
        }
        self.shared.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

fn shutting_down() -> Problem {
    Problem::new(ErrorKind::ShuttingDown, "this member is shutting down, nothing was done: try another one")
}

/// Serves a connection until it ends, from either side. It has `access` before it presents anything; `input` was read from
/// it already; `from` is where it comes from, if that is not this process. `stop` turns true when the member goes down. The
/// caller has counted the connection in [`Shared::connections`].
pub(crate) async fn serve<S>(
    stream: S,
    from: Option<IpAddr>,
    mut input: BytesMut,
    shared: Arc<Shared>,
    access: Access,
    mut stop: watch::Receiver<bool>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let home = Arc::clone(&shared.home);
    let mut connection = Connection::new(shared, access);
    let mut stream = HangUp(Some(stream));
    if let Some(stream) = &mut stream.0
        && let Err(error) = converse(stream, &mut input, &mut connection, &mut stop).await
    {
        debug!(%error, "a connection ended");
    }
    let peer = connection.peer.take();
    connection.close();
    if let Some(hello) = peer
        && let Some(stream) = stream.0.take()
    {
        // It is not one of those that a stop waits for.
        tokio::spawn(inbound::serve(stream, from, input, hello, home));
    }
}

/// A stream that ends for the client when it is dropped here. Closing alone would not do: a process that was forked
/// meanwhile holds the same socket.
struct HangUp<S: AsyncWrite + Unpin>(Option<S>);

impl<S: AsyncWrite + Unpin> Drop for HangUp<S> {
    fn drop(&mut self) {
        // A socket does it at once. Where it takes longer, nobody is left to wait for it.
        if let Some(stream) = &mut self.0 {
            let _ = Pin::new(stream).poll_shutdown(&mut Context::from_waker(Waker::noop()));
        }
    }
}

async fn converse<S>(
    stream: &mut S,
    input: &mut BytesMut,
    connection: &mut Connection,
    stop: &mut watch::Receiver<bool>,
) -> std::io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut read_bytes = READ_BYTES_MIN;
    // Made once: a thousand connections are woken by one write, and each would begin its timers anew.
    let stopping = async {
        let _ = stop.wait_for(|stopping| *stopping).await;
    };
    let (progress, leave) = (sleep(PROGRESS_EVERY), sleep(LEAVE));
    tokio::pin!(stopping, progress, leave);
    loop {
        connection.take_requests(input);
        connection.take_outbox();
        connection.answer_ready();
        connection.feed_streams();
        if !connection.out.is_empty() {
            send(stream, &mut connection.out).await?;
            continue;
        }
        if connection.is_drained() || connection.phase == Phase::Peer {
            return Ok(());
        }
        input.reserve(read_bytes);
        let outbox = Arc::clone(&connection.outbox);
        tokio::select! {
            read = stream.read_buf(input), if connection.may_read() => match read? {
                0 => connection.phase = Phase::Draining,
                // Large reads for those who send much; idle connections cost little.
                n if n >= read_bytes => read_bytes = (read_bytes * 2).min(READ_BYTES_MAX),
                n if n < read_bytes / 4 => read_bytes = (read_bytes / 2).max(READ_BYTES_MIN),
                _ => {}
            },
            () = outbox.woken() => {}
            () = progress.as_mut(), if !connection.streams.is_empty() => {
                connection.mark_progress();
                progress.as_mut().reset(Instant::now() + PROGRESS_EVERY);
            }
            () = stopping.as_mut(), if connection.phase == Phase::Open => {
                connection.say_goodbye();
                leave.as_mut().reset(Instant::now() + LEAVE);
            }
            () = leave.as_mut(), if connection.phase == Phase::Leaving => {
                connection.phase = Phase::Draining;
            }
        }
    }
}

async fn send<S: AsyncWrite + Unpin>(stream: &mut S, out: &mut BytesMut) -> std::io::Result<()> {
    let stalled = |_| std::io::Error::new(std::io::ErrorKind::TimedOut, "the client takes nothing");
    while !out.is_empty() {
        let sent = timeout(WRITE_STALL, stream.write(out)).await.map_err(stalled)??;
        out.advance(sent);
    }
    timeout(WRITE_STALL, stream.flush()).await.map_err(stalled)?
}
