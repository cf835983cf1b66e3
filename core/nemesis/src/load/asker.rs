//! A client that writes down what it asks and hears.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use doozer_client::{CallOptions, Change, Client, Consistency, Error, ErrorKind, Lock, Options, Timeout};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::sleep;

use super::Recorder;
use crate::history::{Answer, ClientId, Event, Operation, ReadAt, Request, value_of};

/// Longer than a member needs to answer, with an error if need be.
const TIMEOUT: Duration = Duration::from_secs(7);
const CONNECT: Duration = Duration::from_secs(2);
const AGAIN: Duration = Duration::from_millis(50);
/// How long a wait waits.
const WAIT: Duration = Duration::from_secs(2);

/// Where a client is to be.
pub struct Attachment {
    address: String,
    id: ClientId,
    recorder: Arc<Recorder>,
}

impl Attachment {
    pub fn new(address: String, id: ClientId, recorder: Arc<Recorder>) -> Attachment {
        Attachment { address, id, recorder }
    }

    pub async fn attach(&self, timeout: Duration) -> Result<Asker, Error> {
        self.attach_with(Options { timeout: Some(timeout), ..options("nemesis") }).await
    }

    /// With a session of a locker's own kind.
    pub async fn attach_locker(&self, timeout: Duration, ttl: Duration, label: &str) -> Result<Asker, Error> {
        let session_label = Some(label.to_owned());
        let timeout = Some(timeout);
        self.attach_with(Options { timeout, session_ttl: ttl, session_label, ..options("nemesis-lock") })
            .await
    }

    pub fn id(&self) -> ClientId {
        self.id
    }

    pub fn recorder(&self) -> &Arc<Recorder> {
        &self.recorder
    }

    async fn attach_with(&self, options: Options) -> Result<Asker, Error> {
        let client = pinned(&self.address, options).await?;
        let local = client.with(CallOptions { consistency: Consistency::Local, ..CallOptions::default() });
        Ok(Asker { client, local, id: self.id, recorder: Arc::clone(&self.recorder) })
    }

    /// Tries until there is a member, or it is all over.
    pub async fn attach_until(self, stopped: watch::Receiver<bool>) -> Option<Asker> {
        while !*stopped.borrow() {
            match self.attach(TIMEOUT).await {
                Ok(asker) => return Some(asker),
                Err(_) => sleep(AGAIN).await,
            }
        }
        None
    }
}

/// How a client of this program works.
pub fn options(name: &str) -> Options {
    Options {
        timeout: Some(TIMEOUT),
        connect_timeout: CONNECT,
        boot: None,
        name: name.to_owned(),
        ..Options::default()
    }
}

/// A client of one member: it knows no other address, and learns none.
pub async fn pinned(address: &str, options: Options) -> Result<Client, Error> {
    let address = address.to_owned();
    let connect = move || {
        let address = address.clone();
        async move {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            io::Result::Ok(stream)
        }
    };
    Client::over(connect, options).await
}

/// A client at one member.
#[derive(Clone)]
pub struct Asker {
    client: Client,
    local: Client,
    id: ClientId,
    recorder: Arc<Recorder>,
}

impl Asker {
    pub fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    pub async fn set(&self, path: &str, value: String, rev: i64) -> Answer {
        let shown = value_of(value.as_bytes());
        let request = Request::Set { path: path.to_owned(), value: shown, rev };
        self.record(request, self.client.set(path, value, rev), Answer::Made).await
    }

    /// A write under the fence of a lock.
    pub async fn set_fenced(&self, path: &str, value: String, lock: &Lock) -> Answer {
        let request = Request::Set { path: path.to_owned(), value: value_of(value.as_bytes()), rev: -1 };
        self.record(request, self.client.set_fenced(path, value, -1, lock), Answer::Made).await
    }

    /// Waits for a lock, so long.
    pub async fn lock(&self, path: &str, time: Duration) -> Result<Lock, Error> {
        self.within(time).lock(path).await
    }

    pub async fn del(&self, path: &str, rev: i64) -> Answer {
        let request = Request::Del { path: path.to_owned(), rev };
        self.record(request, self.client.del(path, rev), |made| made.map_or(Answer::Missing, Answer::Made))
            .await
    }

    pub async fn get(&self, path: &str, at: ReadAt) -> Answer {
        let request = Request::Get { path: path.to_owned(), at };
        let asked = async {
            match at {
                ReadAt::Linearizable => self.client.get(path).await,
                ReadAt::Local => self.local.get(path).await,
                ReadAt::Revision(rev) => self.client.get_at(path, rev).await,
            }
        };
        self.record(request, asked, |file| match file.value {
            Some(value) => Answer::File { rev: file.rev, value: value_of(&value) },
            None => Answer::Missing,
        })
        .await
    }

    pub async fn wait(&self, glob: &str, rev: i64) -> Answer {
        let request = Request::Wait { glob: glob.to_owned(), rev };
        let client = self.within(WAIT);
        self.record(request, client.wait(glob, rev), |event| Answer::Change(event_of(&event))).await
    }

    /// Calls that wait for others have no end by themselves.
    fn within(&self, time: Duration) -> Client {
        self.client.with(CallOptions { timeout: Timeout::After(time), ..CallOptions::default() })
    }

    async fn record<T>(
        &self,
        request: Request,
        asked: impl Future<Output = Result<T, Error>>,
        answered: impl FnOnce(T) -> Answer,
    ) -> Answer {
        let called = self.recorder.now();
        let heard = asked.await;
        let returned = self.recorder.now();
        let is_write = matches!(request, Request::Set { .. } | Request::Del { .. });
        let answer = heard.map_or_else(|error| of_error(&error, is_write), answered);
        if let Answer::Made(rev) = answer {
            self.recorder.saw(rev);
        }
        let operation = Operation { client: self.id, request, called, returned, answer: answer.clone() };
        self.recorder.operation(operation);
        answer
    }
}

/// A change as the history has it.
pub fn event_of(event: &doozer_client::Event) -> Event {
    let value = (event.kind == Change::Set).then(|| value_of(&event.value));
    Event { rev: event.rev, path: event.path.clone(), value }
}

/// What an error says of the outcome, by `docs/client-protocol.md`.
fn of_error(error: &Error, is_write: bool) -> Answer {
    let text = error.to_string();
    match error.kind() {
        ErrorKind::RevMismatch if is_write => Answer::Mismatch,
        // The member says so itself.
        ErrorKind::NoQuorum if is_write && !text.contains("nothing was written") => Answer::Unknown(text),
        ErrorKind::OutcomeUnknown if is_write => Answer::Unknown(text),
        // A fenced write whose lock was lost.
        ErrorKind::LockLost if is_write => Answer::Refused(text),
        // Of a write these two say that no byte of it was sent.
        ErrorKind::Timeout | ErrorKind::Disconnected => Answer::Refused(text),
        ErrorKind::NoQuorum | ErrorKind::DiskFull | ErrorKind::Overloaded | ErrorKind::ShuttingDown => {
            Answer::Refused(text)
        }
        _ => Answer::Wrong(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(kind: ErrorKind, detail: &str, is_write: bool) -> Answer {
        of_error(&Error::new(kind, "set", Some("/a"), detail), is_write)
    }

    #[test]
    fn only_who_says_so_has_written_nothing() {
        let nothing = "no quorum: this member hears of no majority, nothing was written";
        assert!(matches!(heard(ErrorKind::NoQuorum, nothing, true), Answer::Refused(_)));
        assert!(matches!(heard(ErrorKind::NoQuorum, "no quorum: outcome unknown", true), Answer::Unknown(_)));
        assert!(matches!(heard(ErrorKind::OutcomeUnknown, "", true), Answer::Unknown(_)));
        assert_eq!(heard(ErrorKind::RevMismatch, "", true), Answer::Mismatch);
        for (kind, is_write) in
            [(ErrorKind::RevMismatch, false), (ErrorKind::TooLate, false), (ErrorKind::Protocol, true)]
        {
            assert!(matches!(heard(kind, "", is_write), Answer::Wrong(_)), "{kind}");
        }
    }
}
