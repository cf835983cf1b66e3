//! Doozer's lock, as few messages as it takes: a queued SET of a session, and a DEL. Whoever comes first has the file, the
//! others stand in its queue.

use std::future::poll_fn;
use std::time::Duration;

use bytes::Bytes;
use doozer_wire::{OwnedResponse, Request, SessionOp, SetFlags, Verb};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use crate::connection::LoadError;
use crate::lock::{Joined, Locker, Lockers, Token};
use crate::numbered::Numbered;
use crate::pipe::{Pipe, Target, failure};

const TTL: Duration = Duration::from_secs(10);

/// What is under way at most: the queued SET, a sign of life, and one other request.
const TAG_QUEUED: i32 = 0;
const TAG_SIGN: i32 = 1;
const TAG_ASKED: i32 = 2;

/// A connection to a member, with a session of its own.
pub struct Contender {
    pipe: Pipe,
    session: Numbered,
    signs: Interval,
    path: Bytes,
    /// The answer to the queued SET.
    held: Option<Token>,
    /// The session is being closed: its place in the queue, if it has one, ends with it.
    is_closing: bool,
}

impl Lockers for Target {
    type Locker = Contender;

    async fn locker(&self, number: usize, path: Bytes) -> Result<Contender, LoadError> {
        let pipe = self.pipe(number).await?;
        let session = Numbered::new()?;
        let every = TTL / 3;
        let mut signs = interval_at(Instant::now() + every, every);
        signs.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let ttl_ms = u64::try_from(TTL.as_millis()).ok();
        let open = session.session(SessionOp::Open, ttl_ms);
        let mut contender = Contender { pipe, session, signs, path, held: None, is_closing: false };
        contender.ask(open).await?;
        Ok(contender)
    }
}

impl Contender {
    /// Puts the SET on its way that takes the lock, or a place in the queue.
    fn queue(&mut self) {
        let (path, value) = (Some(self.path.clone()), Some(Bytes::new()));
        let flags = SetFlags::EPHEMERAL | SetFlags::QUEUE;
        let set = Request { verb: Verb::Set as i32, path, value, rev: Some(0), flags, ..Request::default() };
        let set = Request { tag: Some(TAG_QUEUED), ..self.session.command(TAG_QUEUED, set) };
        self.held = None;
        set.encode_frame(self.pipe.output());
    }

    /// Asks for something and waits for the answer.
    async fn ask(&mut self, request: Request) -> Result<(), LoadError> {
        Request { tag: Some(TAG_ASKED), ..request }.encode_frame(self.pipe.output());
        while !self.turn().await? {}
        Ok(())
    }

    /// Takes what has come next; whether it answers what was asked. Nothing is lost if this is dropped before.
    async fn turn(&mut self) -> Result<bool, LoadError> {
        let answer = loop {
            if let Some(answer) = self.pipe.next_answer()? {
                break answer;
            }
            poll_fn(|cx| {
                while self.signs.poll_tick(cx).is_ready() {
                    let sign =
                        Request { tag: Some(TAG_SIGN), ..self.session.session(SessionOp::KeepAlive, None) };
                    sign.encode_frame(self.pipe.output());
                }
                self.pipe.poll(cx)
            })
            .await?;
        };
        if answer.tag == Some(TAG_QUEUED) && self.is_closing {
            return Ok(false);
        }
        if let Some(tag) = answer.tag {
            self.session.answered(tag);
        }
        let answer: OwnedResponse = failure(&answer).map_or(Ok(answer), Err)?;
        match answer.tag {
            Some(TAG_QUEUED) => self.held = Some(answer.rev.ok_or(LoadError::Nonsense("no revision"))?),
            Some(TAG_ASKED) => return Ok(true),
            Some(TAG_SIGN) => {}
            _ => return Err(LoadError::Nonsense("a tag that was never sent")),
        }
        Ok(false)
    }
}

impl Locker for Contender {
    async fn set(&mut self, path: Bytes, value: Bytes) -> Result<(), LoadError> {
        let (verb, path, value) = (Verb::Set as i32, Some(path), Some(value));
        self.ask(Request { verb, path, value, rev: Some(-1), ..Request::default() }).await
    }

    /// The queued SET is answered when it is its turn and not before, so another command of the session goes behind it: when
    /// that is answered, the SET has been made, or has its place.
    async fn join(&mut self) -> Result<Joined, LoadError> {
        self.queue();
        let behind = Request { verb: Verb::Nop as i32, ..Request::default() };
        let behind = self.session.command(TAG_ASKED, behind);
        self.ask(behind).await?;
        Ok(self.held.map_or(Joined::Waiting, Joined::Held))
    }

    async fn granted(&mut self) -> Result<Token, LoadError> {
        loop {
            if let Some(token) = self.held {
                return Ok(token);
            }
            self.turn().await?;
        }
    }

    async fn lock(&mut self) -> Result<Token, LoadError> {
        self.queue();
        self.granted().await
    }

    async fn unlock(&mut self) -> Result<(), LoadError> {
        let (path, rev) = (Some(self.path.clone()), self.held);
        let delete = Request { verb: Verb::Del as i32, path, rev, ..Request::default() };
        let delete = self.session.command(TAG_ASKED, delete);
        self.ask(delete).await
    }

    async fn close(mut self) -> Result<(), LoadError> {
        self.is_closing = true;
        self.ask(self.session.session(SessionOp::Close, None)).await
    }
}
