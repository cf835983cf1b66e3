//! Doozer's connections: whatever has come is read at once, whatever is to be sent is written at once, so that a system
//! call carries many frames. They speak the original's protocol, without HELLO, unless they are asked for more.

use std::fmt;
use std::future::poll_fn;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use doozer_wire::{
    Consistency, Decoder, ErrorKind, FLAG_PROGRESS, Features, Hello, OwnedResponse, PROTOCOL_VERSION, Secret,
    SessionOp, Uri, Verb,
};

use crate::connection::{Answer, Connect, Connection, LoadError, Request};
use crate::exchange::{Exchange, Opener};
use crate::numbered::Numbered;

/// Tags of what a connection asks by itself; a load's are small.
const TAG_REVISION: i32 = i32::MAX;
const TAG_WATCHED: i32 = i32::MAX - 1;
/// Longer than anything is measured: nothing has to be kept alive.
const SESSION_TTL_MS: u64 = 600_000;

/// A member, or several that a run spreads its connections over.
#[derive(Clone, Default)]
pub struct Target {
    addresses: Vec<String>,
    secret: Option<Secret>,
    greeting: bool,
    /// Whether each member is to have its share, and its figures.
    apart: bool,
    /// Whether each connection has a session, whose SETs are numbered.
    numbered: bool,
    /// TCP if there is none.
    opener: Option<Opener>,
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target").field("addresses", &self.addresses).finish_non_exhaustive()
    }
}

impl Target {
    /// A member without a secret, at `HOST:PORT`.
    pub fn open(address: impl Into<String>) -> Target {
        Target { addresses: vec![address.into()], ..Target::default() }
    }

    /// Members of today, without a secret, each at `HOST:PORT`: local reads and watches can be asked of them.
    pub fn greeted(addresses: Vec<String>) -> Target {
        Target { addresses, greeting: true, ..Target::default() }
    }

    /// Members of one cluster, each at `HOST:PORT`: each gets its share of a load, and its figures. `greeting` is whether
    /// they are of today.
    pub fn members(addresses: Vec<String>, secret: Option<Secret>, greeting: bool, opener: Opener) -> Target {
        Target { addresses, secret, greeting, apart: true, numbered: false, opener: Some(opener) }
    }

    /// The addresses of a URI, and its secret. Its name is not looked up.
    pub fn of(uri: &Uri) -> Target {
        Target {
            addresses: uri.addresses.iter().map(ToString::to_string).collect(),
            secret: uri.secret.clone(),
            ..Target::default()
        }
    }

    /// The same members, asked by connections that have a session each, and number their SETs.
    pub fn numbered(self) -> Target {
        Target { numbered: true, ..self }
    }

    /// Opens the connection with this number, to the address whose turn it is.
    pub(crate) async fn pipe(&self, number: usize) -> Result<Pipe, LoadError> {
        let address = self.addresses.get(number % self.addresses.len().max(1)).ok_or(LoadError::Nowhere)?;
        let mut pipe = Pipe::new(match &self.opener {
            Some(opener) => Exchange::over(opener, address).await?,
            None => Exchange::connect(address).await?,
        });
        if self.greeting {
            let features = Features::LOCAL_READS
                | Features::WATCH
                | Features::STATUS
                | Features::GOODBYE
                | Features::SESSIONS;
            let hello = Hello {
                version: PROTOCOL_VERSION,
                features,
                client: "doozer-bench".into(),
                ..Hello::default()
            };
            pipe.ask(&frame(Verb::Hello, |request| request.hello = Some(hello))).await?;
        }
        if let Some(secret) = &self.secret {
            let value = Some(secret.as_bytes().to_vec().into());
            pipe.ask(&frame(Verb::Access, |request| request.value = value)).await?;
        }
        if self.numbered {
            let session = Numbered::new()?;
            pipe.ask(&session.session(SessionOp::Open, Some(SESSION_TTL_MS))).await?;
            pipe.session = Some(session);
        }
        Ok(pipe)
    }
}

impl Connect for Target {
    type Connection = Pipe;

    async fn connect(&self, number: usize) -> Result<Pipe, LoadError> {
        self.pipe(number).await
    }

    fn members(&self) -> &[String] {
        if self.apart { &self.addresses } else { &[] }
    }
}

/// A connection to a member of Doozer.
pub struct Pipe {
    stream: Exchange,
    decoder: Decoder,
    watch: Watch,
    /// The tags of DELs under way, whose answers have no revision.
    deletes: Vec<i32>,
    session: Option<Numbered>,
    /// Answers that no frame brings.
    own: Vec<Answer>,
    /// The member has said goodbye. It answers what it has been sent, and is sent no more.
    is_leaving: bool,
}

/// A connection watches one file at most.
enum Watch {
    None,
    /// Which revision is the member's?
    Asked(i32, Bytes),
    /// From the next one on, under this tag.
    Begun(i32),
}

impl Pipe {
    fn new(stream: Exchange) -> Self {
        let decoder = Decoder::new(i32::MAX as usize);
        Pipe {
            stream,
            decoder,
            watch: Watch::None,
            deletes: Vec::new(),
            session: None,
            own: Vec::new(),
            is_leaving: false,
        }
    }

    /// Sends one request, when nothing else is under way, and takes its answer.
    pub(crate) async fn ask(&mut self, request: &doozer_wire::Request) -> Result<OwnedResponse, LoadError> {
        request.encode_frame(self.output());
        loop {
            if let Some(answer) = self.next_answer()? {
                return failure(&answer).map_or(Ok(answer), Err);
            }
            poll_fn(|cx| self.stream.poll(cx)).await?;
        }
    }

    /// Where requests are put that [`Pipe::ask`] sends before its own.
    pub(crate) fn output(&mut self) -> &mut BytesMut {
        self.stream.output()
    }

    /// Sends what is to be sent, and is ready when something has come.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LoadError>> {
        self.stream.poll(cx).map_err(LoadError::Io)
    }

    /// The next whole answer that was read.
    pub(crate) fn next_answer(&mut self) -> Result<Option<OwnedResponse>, LoadError> {
        let frame = self.decoder.next(self.stream.input()).map_err(|_| LoadError::Nonsense("its length"))?;
        let Some(frame) = frame else { return Ok(None) };
        OwnedResponse::decode(frame).map(Some).map_err(|_| LoadError::Nonsense("no message"))
    }

    /// What an answer says to whoever asked, if it is not the connection's own business.
    fn take(&mut self, answer: &OwnedResponse) -> Result<Option<Answer>, LoadError> {
        let Some(tag) = answer.tag else {
            self.is_leaving |= matches!(failure(answer), Some(LoadError::Leaving));
            return if self.is_leaving { Ok(None) } else { Err(LoadError::Nonsense("no tag")) };
        };
        let revision = answer.rev.unwrap_or_default();
        match (tag, &self.watch) {
            (TAG_REVISION, Watch::Asked(watch, path)) => {
                let (watch, path) = (*watch, path.clone());
                let request = tagged(watch, Verb::Watch, Some(path), Some(revision + 1));
                request.encode_frame(self.output());
                // A connection's requests are taken in their order: this one's answer says that the member watches.
                tagged(TAG_WATCHED, Verb::Rev, None, None).encode_frame(self.output());
                self.watch = Watch::Begun(watch);
                Ok(None)
            }
            (TAG_WATCHED, Watch::Begun(watch)) => Ok(Some(Answer { tag: *watch, outcome: Ok(()) })),
            (tag, Watch::Begun(watch)) if tag == *watch && failure(answer).is_none() => {
                let is_change = answer.flags.unwrap_or_default() & FLAG_PROGRESS == 0;
                Ok(is_change.then_some(Answer { tag, outcome: Ok(()) }))
            }
            _ => Ok(Some(Answer { tag, outcome: self.outcome(tag, answer, revision) })),
        }
    }

    fn outcome(&mut self, tag: i32, answer: &OwnedResponse, revision: i64) -> Result<(), LoadError> {
        if let Some(session) = &mut self.session {
            session.answered(tag);
        }
        let delete = self.deletes.iter().position(|delete| *delete == tag);
        if let Some(at) = delete {
            self.deletes.swap_remove(at);
        }
        match failure(answer) {
            Some(why) => Err(why),
            // A GET of a missing file succeeds with revision 0, and would be measured as something it is not.
            None if revision <= 0 && delete.is_none() => {
                Err(LoadError::Nonsense("no revision: the file has gone"))
            }
            None => Ok(()),
        }
    }
}

impl Connection for Pipe {
    fn send(&mut self, tag: i32, request: Request) {
        if self.is_leaving {
            self.own.push(Answer { tag, outcome: Err(LoadError::Leaving) });
            return;
        }
        match request {
            Request::Set { path, value } | Request::Create { path, value } => {
                let mut request = tagged(tag, Verb::Set, Some(path), Some(-1));
                request.value = Some(value);
                if let Some(session) = &mut self.session {
                    request = session.command(tag, request);
                }
                request.encode_frame(self.output());
            }
            Request::Delete(path) => {
                self.deletes.push(tag);
                tagged(tag, Verb::Del, Some(path), Some(-1)).encode_frame(self.output());
            }
            Request::Get(path) => tagged(tag, Verb::Get, Some(path), None).encode_frame(self.output()),
            Request::LocalGet(path) => {
                let mut request = tagged(tag, Verb::Get, Some(path), None);
                request.consistency = Consistency::Local;
                request.encode_frame(self.output());
            }
            Request::Watch(_) if matches!(self.watch, Watch::Begun(_)) => {
                self.own.push(Answer { tag, outcome: Ok(()) });
            }
            Request::Watch(path) => {
                self.watch = Watch::Asked(tag, path);
                tagged(TAG_REVISION, Verb::Rev, None, None).encode_frame(self.output());
            }
        }
    }

    fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        answers: &mut Vec<Answer>,
    ) -> Poll<Result<(), LoadError>> {
        let before = answers.len();
        answers.append(&mut self.own);
        loop {
            while let Some(answer) = self.next_answer()? {
                answers.extend(self.take(&answer)?);
            }
            if answers.len() > before {
                return Poll::Ready(Ok(()));
            }
            match self.stream.poll(cx) {
                Poll::Ready(done) => done?,
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

/// A request without a tag.
fn frame(verb: Verb, fill: impl FnOnce(&mut doozer_wire::Request)) -> doozer_wire::Request {
    let mut request = doozer_wire::Request { verb: verb as i32, ..doozer_wire::Request::default() };
    fill(&mut request);
    request
}

fn tagged(tag: i32, verb: Verb, path: Option<Bytes>, rev: Option<i64>) -> doozer_wire::Request {
    doozer_wire::Request { tag: Some(tag), verb: verb as i32, path, rev, ..doozer_wire::Request::default() }
}

/// Why an answer is none.
pub(crate) fn failure(answer: &OwnedResponse) -> Option<LoadError> {
    let (kind, detail) = answer.failure()?;
    if kind == ErrorKind::ShuttingDown {
        return Some(LoadError::Leaving);
    }
    Some(LoadError::Refused { kind: kind.name(), detail: detail.to_owned() })
}
