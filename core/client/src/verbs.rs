//! The calls of a client that are one request and one answer.

use bytes::Bytes;
use doozer_wire::{ErrorKind, OwnedResponse, Request, Secret, StatusReply, Verb};

use crate::client::Client;
use crate::error::{Error, Subject};
use crate::types::{Event, File, RawEvent, Stat, length, text};

/// A request with nothing but a verb.
pub(crate) fn plain(verb: Verb) -> Request {
    Request { verb: verb as i32, ..Request::default() }
}

impl Client {
    /// Reads a file. A file that does not exist is no error: its value is `None` and its revision 0.
    ///
    /// # Errors
    /// [`IsDir`](ErrorKind::IsDir) if a directory stands there; [`BadPath`](ErrorKind::BadPath) if no file can have
    /// that path.
    pub async fn get(&self, path: &str) -> Result<File, Error> {
        self.get_as_of(path, None).await
    }

    /// Reads a file as it was at a revision; 0 means the first one. One that has not come yet is waited for.
    ///
    /// # Errors
    /// As [`Client::get`]; [`TooLate`](ErrorKind::TooLate) if the member does not keep that revision any more;
    /// [`Range`](ErrorKind::Range) if it is negative.
    pub async fn get_at(&self, path: &str, rev: i64) -> Result<File, Error> {
        self.get_as_of(path, Some(rev)).await
    }

    async fn get_as_of(&self, path: &str, rev: Option<i64>) -> Result<File, Error> {
        let subject = Subject::of("get", path);
        check_read(&subject, path, rev)?;
        self.ask(subject, self.deadline(), self.read(Verb::Get, path, rev)).await.map(File::of)
    }

    /// Writes a file, provided that it has not changed since `rev`: 0 is for a file that does not exist yet, -1 for
    /// whatever there is. Returns the revision this made.
    ///
    /// # Errors
    /// [`RevMismatch`](ErrorKind::RevMismatch) if it has changed; [`BadPath`](ErrorKind::BadPath);
    /// [`IsDir`](ErrorKind::IsDir), [`NotDir`](ErrorKind::NotDir) if no file can stand there;
    /// [`TooLarge`](ErrorKind::TooLarge); [`DiskFull`](ErrorKind::DiskFull).
    pub async fn set(&self, path: &str, value: impl Into<Bytes>, rev: i64) -> Result<i64, Error> {
        self.write(Subject::of("set", path), path, value.into(), rev).await
    }

    /// Makes a file that does not exist yet: [`Client::set`] with revision 0.
    ///
    /// # Errors
    /// As [`Client::set`]; [`RevMismatch`](ErrorKind::RevMismatch) if it exists.
    pub async fn add(&self, path: &str, value: impl Into<Bytes>) -> Result<i64, Error> {
        self.write(Subject::of("add", path), path, value.into(), 0).await
    }

    async fn write(&self, subject: Subject<'_>, path: &str, value: Bytes, rev: i64) -> Result<i64, Error> {
        check_path(&subject, path)?;
        let request = Request { value: Some(value), ..change(Verb::Set, path, rev) };
        let answer = self.ask(subject, self.deadline(), request).await?;
        answer.rev.ok_or_else(|| subject.garbled("lacks a revision"))
    }

    /// Deletes a file, provided that it has not changed since `rev`, see [`Client::set`]. Returns the revision this
    /// made; `None` if there was no file, or if the member does not say.
    ///
    /// # Errors
    /// As [`Client::set`].
    pub async fn del(&self, path: &str, rev: i64) -> Result<Option<i64>, Error> {
        let subject = Subject::of("del", path);
        check_path(&subject, path)?;
        let answer = self.ask(subject, self.deadline(), change(Verb::Del, path, rev)).await?;
        Ok(answer.rev)
    }

    /// Waits for the first change of a file that matches `glob`, on or after revision `rev`; 0 means the first one. By
    /// default it waits without end.
    ///
    /// # Errors
    /// [`BadGlob`](ErrorKind::BadGlob); [`TooLate`](ErrorKind::TooLate) if the member does not keep `rev` any more;
    /// [`Range`](ErrorKind::Range) if it is negative.
    pub async fn wait(&self, glob: &str, rev: i64) -> Result<Event, Error> {
        let subject = Subject::of("wait", glob);
        check_glob(&subject, glob)?;
        check_rev(&subject, Some(rev))?;
        let answer = self.ask(subject, self.deadline_or(None), change(Verb::Wait, glob, rev)).await?;
        RawEvent::of(answer).parse(&subject)
    }

    /// Looks at a file or a directory, now or at a revision. That there is nothing is no error: its revision is 0.
    ///
    /// # Errors
    /// As [`Client::get_at`], but for a directory.
    pub async fn stat(&self, path: &str, rev: Option<i64>) -> Result<Stat, Error> {
        let subject = Subject::of("stat", path);
        check_read(&subject, path, rev)?;
        let answer = self.ask(subject, self.deadline(), self.read(Verb::Stat, path, rev)).await?;
        Ok(Stat { len: length(answer.len.unwrap_or_default()), rev: answer.rev.unwrap_or_default() })
    }

    /// The current revision.
    ///
    /// # Errors
    /// None of its own.
    pub async fn rev(&self) -> Result<i64, Error> {
        let subject = Subject::new("rev");
        let answer = self.ask(subject, self.deadline(), plain(Verb::Rev)).await?;
        answer.rev.ok_or_else(|| subject.garbled("lacks a revision"))
    }

    /// Passes through the cluster's consensus without changing anything: proof that writing works. Takes the right
    /// to write.
    ///
    /// # Errors
    /// None of its own.
    pub async fn nop(&self) -> Result<(), Error> {
        self.ask(Subject::new("nop"), self.deadline(), plain(Verb::Nop)).await.map(drop)
    }

    /// The id of the member this client is connected to.
    ///
    /// # Errors
    /// None of its own.
    pub async fn self_id(&self) -> Result<String, Error> {
        let subject = Subject::new("self");
        let answer = self.ask(subject, self.deadline(), plain(Verb::SelfId)).await?;
        text(answer.value, &subject)
    }

    /// Presents a secret. It is presented again on every connection to come.
    ///
    /// # Errors
    /// [`PermissionDenied`](ErrorKind::PermissionDenied) if it is wrong. Nothing has changed then.
    pub async fn access(&self, secret: &[u8]) -> Result<(), Error> {
        let value = Some(Bytes::copy_from_slice(secret));
        let request = Request { value, ..plain(Verb::Access) };
        self.ask(Subject::new("access"), self.deadline(), request).await?;
        *self.shared.secret.lock() = Some(Secret::from(secret.to_vec()));
        Ok(())
    }

    /// What the member this client is connected to knows about itself.
    ///
    /// # Errors
    /// [`UnknownVerb`](ErrorKind::UnknownVerb) from a member that has no STATUS.
    pub async fn status(&self) -> Result<StatusReply, Error> {
        let subject = Subject::new("status");
        let answer = self.ask(subject, self.deadline(), plain(Verb::Status)).await?;
        answer.status.ok_or_else(|| subject.garbled("lacks a status"))
    }

    /// Asks the member this client is connected to whether it is there. It answers by itself, without the others.
    ///
    /// # Errors
    /// None of its own.
    pub async fn ping(&self) -> Result<(), Error> {
        self.anything(Subject::new("ping"), self.deadline()).await.map(drop)
    }

    /// Asks for something that every member answers, whatever it is and whoever asks.
    pub(crate) async fn anything(
        &self,
        subject: Subject<'_>,
        deadline: crate::call::Deadline,
    ) -> Result<OwnedResponse, Error> {
        match self.ask(subject, deadline, plain(Verb::Ping)).await {
            Err(error) if error.kind() == ErrorKind::UnknownVerb => {
                self.ask(subject, deadline, plain(Verb::Rev)).await
            }
            answer => answer,
        }
    }

    /// A read of a path or glob, now or at a revision.
    pub(crate) fn read(&self, verb: Verb, path: &str, rev: Option<i64>) -> Request {
        let consistency = self.options.consistency;
        Request { path: Some(copy(path)), rev, consistency, ..plain(verb) }
    }
}

/// A request with a path or glob and a revision.
pub(crate) fn change(verb: Verb, path: &str, rev: i64) -> Request {
    Request { path: Some(copy(path)), rev: Some(rev), ..plain(verb) }
}

fn copy(path: &str) -> Bytes {
    Bytes::copy_from_slice(path.as_bytes())
}

pub(crate) fn check_path(subject: &Subject<'_>, path: &str) -> Result<(), Error> {
    match doozer_store::validate(path.as_bytes()) {
        Ok(_) => Ok(()),
        Err(error) => Err(subject.error(ErrorKind::BadPath, error.to_string())),
    }
}

pub(crate) fn check_read(subject: &Subject<'_>, path: &str, rev: Option<i64>) -> Result<(), Error> {
    check_path(subject, path)?;
    check_rev(subject, rev)
}

/// Members take a negative revision for the first one, as the original did. Whoever asks for one has miscounted.
pub(crate) fn check_rev(subject: &Subject<'_>, rev: Option<i64>) -> Result<(), Error> {
    match rev {
        Some(rev) if rev < 0 => {
            Err(subject.error(ErrorKind::Range, format!("revision {rev}: there is none below 0")))
        }
        _ => Ok(()),
    }
}

pub(crate) fn check_glob(subject: &Subject<'_>, glob: &str) -> Result<(), Error> {
    match doozer_store::Glob::parse(glob.as_bytes()) {
        Ok(_) => Ok(()),
        Err(error) => Err(subject.error(ErrorKind::BadGlob, format!("{error}: {}", error.source))),
    }
}
