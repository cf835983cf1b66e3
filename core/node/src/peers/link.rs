//! What is sent to one member: dialed when there is something to say, and again when it broke.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::BytesMut;
use doozer_paxos::Incarnation;
use doozer_wire::peer::{Call, Peer, Purpose, Refused, Sealer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};
use tracing::{debug, info};

use super::dial::{Stream, dial};
use super::handshake::{Trouble, call};
use super::home::Home;
use crate::input::Input;

/// Messages that wait to be sent; one more is dropped. A follower's credits end long before.
const WAITING_MAX: usize = 10_000;

/// Messages sealed in one go.
const BATCH_MAX: usize = 256;

/// Without anything to say for so long the connection ends.
const IDLE: Duration = Duration::from_secs(60);

/// A member that takes no byte for so long has stopped: what is said to it meanwhile is out of date when it goes on.
const STALLED: Duration = Duration::from_secs(5);

/// A buffer that has grown beyond this is given back.
const KEPT_BYTES_MAX: usize = 256 << 10;

/// After a try that failed nothing is tried for so long, longer each time, up to so long.
const PAUSE_MIN: Duration = Duration::from_millis(20);
const PAUSE_MAX: Duration = Duration::from_millis(500);

/// A connection that was closed sooner was not worth making: somebody is there who takes no frame, or garbles them all.
const SHORT: Duration = Duration::from_secs(1);

/// The way to one member.
pub(super) struct Link {
    messages: mpsc::UnboundedSender<Peer>,
    waiting: Arc<AtomicUsize>,
}

impl Link {
    pub fn new(home: Arc<Home>, to: Incarnation) -> Link {
        let (messages, receiver) = mpsc::unbounded_channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let line = Line { home, to, receiver, waiting: Arc::clone(&waiting), has_lost: false };
        tokio::spawn(line.run());
        Link { messages, waiting }
    }

    /// Gives it a message; back if the link has ended.
    pub fn send(&self, message: Peer) -> Result<(), Peer> {
        if self.waiting.load(Ordering::Relaxed) >= WAITING_MAX {
            return Ok(());
        }
        self.waiting.fetch_add(1, Ordering::Relaxed);
        self.messages.send(message).map_err(|unsent| unsent.0)
    }
}

/// Sends all of it, however long that takes, as long as some of it is taken now and then.
async fn send(stream: &mut Box<dyn Stream>, out: &mut BytesMut) -> io::Result<()> {
    let stalled = |_| io::Error::new(io::ErrorKind::TimedOut, "it takes nothing");
    while !out.is_empty() {
        let written = timeout(STALLED, stream.write_buf(out)).await.map_err(stalled)??;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
    }
    timeout(STALLED, stream.flush()).await.map_err(stalled)?
}

/// The task of a link. It ends with the driver, or when there was nothing to say for long.
struct Line {
    home: Arc<Home>,
    to: Incarnation,
    receiver: mpsc::UnboundedReceiver<Peer>,
    waiting: Arc<AtomicUsize>,
    /// Something was dropped since the driver was last told.
    has_lost: bool,
}

impl Line {
    async fn run(mut self) {
        let mut pause = PAUSE_MIN;
        let mut batch = Vec::new();
        while self.next(&mut batch).await {
            match self.connect().await {
                Ok((stream, sealer)) => {
                    let since = Instant::now();
                    self.home.is_well(self.name());
                    info!(member = %self.to, "connected");
                    if std::mem::take(&mut self.has_lost) {
                        self.tell_reset();
                    }
                    let ended = self.converse(stream, sealer, &mut batch).await;
                    batch.clear();
                    let Err(error) = ended else { return };
                    debug!(member = %self.to, %error, "the connection broke");
                    // At once: who led may be gone.
                    self.has_lost = true;
                    self.tell_reset();
                    if since.elapsed() >= SHORT {
                        pause = PAUSE_MIN;
                        continue;
                    }
                }
                Err(why) => {
                    self.home.warn(self.name(), why);
                    batch.clear();
                }
            }
            self.drop_for(pause).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    fn name(&self) -> String {
        format!("member {}", self.to)
    }

    /// The next messages; false if there are none for long, or nobody is left to give any.
    async fn next(&mut self, batch: &mut Vec<Peer>) -> bool {
        let count = timeout(IDLE, self.receiver.recv_many(batch, BATCH_MAX)).await.unwrap_or_default();
        self.waiting.fetch_sub(count, Ordering::Relaxed);
        count > 0
    }

    fn tell_reset(&self) {
        // The driver is gone only when the member is going down.
        let _ = self.home.inputs.send(Input::Reset(self.to));
    }

    /// A connection, or why there is none, for people.
    async fn connect(&self) -> Result<(Box<dyn Stream>, Sealer), String> {
        let places = self.home.book.places(&self.to);
        let mut last = "nobody has said where that member is".to_owned();
        for place in places {
            let tried: Result<_, Trouble> = async {
                let mut stream = dial(&self.home, &place).await?;
                let wanted = Call { to: Some(self.to), purpose: Purpose::Messages };
                let (_, sealer) = call(&mut stream, &self.home, wanted).await?;
                Ok((stream, sealer))
            }
            .await;
            match tried {
                Ok(connected) => return Ok(connected),
                Err(trouble) => {
                    if let Trouble::Refused(Refused::Incarnation { .. }) = trouble {
                        self.home.book.forget(&self.to, &place);
                    }
                    last = format!("not reached at {place}: {trouble}");
                }
            }
        }
        Err(last)
    }

    /// Sends until the connection breaks, or there is nothing to say for long.
    async fn converse(
        &mut self,
        mut stream: Box<dyn Stream>,
        mut sealer: Sealer,
        batch: &mut Vec<Peer>,
    ) -> io::Result<()> {
        let (mut out, mut nothing) = (BytesMut::new(), [0]);
        loop {
            if let Err(too_long) = sealer.seal(batch.iter(), &mut out) {
                self.home.warn(self.name(), too_long);
            }
            batch.clear();
            send(&mut stream, &mut out).await?;
            if out.capacity() > KEPT_BYTES_MAX {
                out = BytesMut::new();
            }
            tokio::select! {
                has_more = self.next(batch) => if !has_more { return Ok(()) },
                // It says nothing on this connection: it has closed it.
                read = stream.read(&mut nothing) => {
                    read?;
                    return Err(io::Error::new(io::ErrorKind::ConnectionReset, "it was closed"));
                }
            }
        }
    }

    /// Drops what is to be said for a while: it would be out of date.
    async fn drop_for(&mut self, pause: Duration) {
        let until = Instant::now() + pause;
        self.has_lost = true;
        loop {
            tokio::select! {
                () = sleep_until(until) => return,
                message = self.receiver.recv() => match message {
                    Some(_) => drop(self.waiting.fetch_sub(1, Ordering::Relaxed)),
                    None => return,
                },
            }
        }
    }
}
