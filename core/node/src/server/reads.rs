//! REV, GET, STAT, GETDIR, WALK, LIST, and what SESSION shows: arguments checked, then answered from memory: at once, when this member knows how
//! far a linearizable read must see, or when their revision has come.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use doozer_member::driver::{NoQuorum, Reader};
use doozer_member::outbox::{Outbox, Wakes};
use doozer_store::{At, Glob, Lookup, ReadError, Revision, Store, Value};
use doozer_wire::{Consistency, Entry, ErrorKind, FLAG_SET, Request, Response, SessionRequest, Verb};

use super::connection::Connection;
use super::pieces::{PIECE, Pinned};
use super::problem::Problem;
use super::requests::given;
use super::shown::Show;
use super::waits::parse_glob;
use crate::input::Input;
use crate::shared::Shared;

/// Bytes after which a LIST's answer is cut, so that one answer is never a burden; the frame limit is no smaller.
const LIST_BYTES: usize = 1 << 20;

/// A read whose arguments are in order.
enum Call<'a> {
    Rev,
    Get(Cow<'a, str>),
    Stat(Cow<'a, str>),
    Getdir { path: &'a Bytes, offset: i32 },
    Walk { pattern: &'a Bytes, glob: Glob, offset: i32 },
    List(List<'a>),
    Show(Show<'a>),
}

struct List<'a> {
    glob: Glob,
    after: Option<Cow<'a, str>>,
    limit: usize,
    keys_only: bool,
}

impl<'a> Call<'a> {
    fn parse(verb: Verb, request: &'a Request) -> Result<Self, Problem> {
        let path = &request.path;
        let offset = || request.offset.ok_or(ErrorKind::MissingArg);
        Ok(match verb {
            Verb::Rev => Call::Rev,
            Verb::Get if given(path)?.is_empty() => {
                return Err(Problem::new(ErrorKind::BadPath, "a path cannot be empty"));
            }
            Verb::Get => Call::Get(lossy(given(path)?)),
            Verb::Stat => Call::Stat(path.as_ref().map_or(Cow::Borrowed(""), |path| lossy(path))),
            Verb::Getdir => Call::Getdir { path: given(path)?, offset: offset()? },
            Verb::Walk => {
                let (pattern, offset) = (given(path)?, offset()?);
                let glob = parse_glob(pattern)?;
                if offset < 0 {
                    return Err(ErrorKind::Range.into());
                }
                Call::Walk { pattern, glob, offset }
            }
            Verb::Session => Call::Show(Show::parse(request)?),
            _ => Call::List(List {
                glob: parse_glob(given(path)?)?,
                after: request.after.as_deref().map(lossy),
                limit: request.limit.filter(|limit| *limit > 0).map_or(usize::MAX, |limit| limit as usize),
                keys_only: request.keys_only,
            }),
        })
    }
}

/// The moment that a read is of.
fn at(verb: Verb, request: &Request) -> At {
    match verb {
        Verb::Rev | Verb::Session => At::Now,
        _ => At::from_raw(request.rev),
    }
}

/// What is not UTF-8 becomes a character that no path can have, so that such a path is never a file's.
fn lossy(path: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(path)
}

/// What a read needs of its request, as a copy: the request's bytes would keep the whole read buffer alive.
fn copied(request: &Request) -> Request {
    let copied = |bytes: &Option<Bytes>| bytes.as_deref().map(Bytes::copy_from_slice);
    let op =
        |asked: &SessionRequest| SessionRequest { op: asked.op, id: copied(&asked.id), ..Default::default() };
    Request {
        path: copied(&request.path),
        after: copied(&request.after),
        session_op: request.session_op.as_ref().map(op),
        value: None,
        session: None,
        txn: None,
        ..request.clone()
    }
}

/// The reads of a connection that were asked for together.
pub(crate) struct ReadReply {
    outbox: Arc<Outbox>,
    batch: u64,
}

impl Reader for ReadReply {
    fn answer(self, readable: Result<(), NoQuorum>, wakes: &mut Wakes) {
        self.outbox.leave(wakes, |left| left.reads.push((self.batch, readable)));
    }
}

/// Linearizable reads of a connection: those of this round, and those that were asked for, by batch.
#[derive(Default)]
pub(super) struct Asked {
    next: Vec<Request>,
    batches: VecDeque<(u64, Vec<Request>)>,
    last_batch: u64,
    count: usize,
}

impl Asked {
    pub fn len(&self) -> usize {
        self.count
    }

    fn push(&mut self, request: Request) {
        self.count += 1;
        self.next.push(request);
    }

    /// Forgets those of a tag.
    pub fn cancel(&mut self, tag: i32) {
        let all = self.batches.iter_mut().map(|(_, requests)| requests).chain([&mut self.next]);
        all.for_each(|requests| requests.retain(|request| request.tag != Some(tag)));
        self.count = self.next.len() + self.batches.iter().map(|(_, requests)| requests.len()).sum::<usize>();
    }

    /// Those of this round as one batch; its number.
    fn close_round(&mut self) -> Option<u64> {
        if self.next.is_empty() {
            return None;
        }
        self.last_batch += 1;
        self.batches.push_back((self.last_batch, std::mem::take(&mut self.next)));
        Some(self.last_batch)
    }

    fn take(&mut self, batch: u64) -> Vec<Request> {
        let Some(at) = self.batches.iter().position(|(number, _)| *number == batch) else {
            return Vec::new();
        };
        let (_, requests) = self.batches.remove(at).unwrap_or_default();
        self.count -= requests.len();
        requests
    }
}

impl Connection {
    /// Answers a read, or sees to it that it will be answered. One that must see every write that was answered before it
    /// waits until this member knows how far that is.
    pub(super) fn read(&mut self, verb: Verb, request: &Request) -> Result<(), Problem> {
        let is_linearizable = matches!(at(verb, request), At::Now);
        if !is_linearizable || request.consistency == Consistency::Local || self.shared.reads_alone() {
            return self.read_now(verb, request);
        }
        // What is wrong with it is said at once.
        Call::parse(verb, request)?;
        self.asked.push(Request { value: None, ..request.clone() });
        Ok(())
    }

    /// Asks for this round's linearizable reads.
    pub(super) fn ask_for_reads(&mut self) {
        let Some(batch) = self.asked.close_round() else { return };
        let reader = ReadReply { outbox: Arc::clone(&self.outbox), batch };
        if self.shared.inputs.send(Input::Read(reader)).is_err() {
            // The driver is gone. Closing the connection says so.
            self.asked = Asked::default();
            self.give_up();
        }
    }

    /// A batch may be answered from the state, or no majority was heard of in time.
    pub(super) fn answer_reads(&mut self, batch: u64, readable: Result<(), NoQuorum>) {
        for request in self.asked.take(batch) {
            let done = match (readable, Verb::from_i32(request.verb)) {
                (Ok(()), Some(verb)) => self.read_now(verb, &request),
                // What is no verb was not asked for.
                (Ok(()), None) => Err(ErrorKind::UnknownVerb.into()),
                (Err(why), _) => {
                    let more = "a read with local consistency is answered";
                    Err(Problem::new(ErrorKind::NoQuorum, format!("{why}; {more}")))
                }
            };
            self.finish(&request, done);
        }
    }

    fn read_now(&mut self, verb: Verb, request: &Request) -> Result<(), Problem> {
        let call = Call::parse(verb, request)?;
        let at = at(verb, request);
        let needed = match at {
            At::Revision(rev) => Some(rev),
            At::Now => request.min_rev.filter(|rev| *rev > 0).map(Revision::from_raw),
        };
        if let Some(needed) = needed
            && self.revision() < needed
        {
            // The only argument that is otherwise looked at when the revision is there.
            if matches!(call, Call::Getdir { offset, .. } if offset < 0) {
                return Err(ErrorKind::Range.into());
            }
            if self.block(needed, request)? {
                return Ok(());
            }
        }
        match call {
            Call::Rev => {
                let rev = self.revision().to_raw();
                self.answer(request, |response| Response { rev: Some(rev), ..response });
                Ok(())
            }
            Call::Get(path) => self.get(request, &path, at),
            Call::Stat(path) => self.stat(request, &path, at),
            Call::Getdir { path, offset } => self.getdir(request, path, offset, at),
            Call::Walk { pattern, glob, offset } => self.walk(request, pattern, &glob, offset, at),
            Call::List(list) => self.list(request, &list, at),
            Call::Show(show) => self.show(request, &show),
        }
    }

    /// Keeps the read until `needed` has come; false if it has come by now.
    fn block(&mut self, needed: Revision, request: &Request) -> Result<bool, Problem> {
        self.room_for_a_waiter(request.tag)?;
        let to = self.address(request.tag);
        let id = {
            let mut state = self.shared.state().write();
            if state.store().revision() >= needed {
                return Ok(false);
            }
            state.block(needed, copied(request), to)
        };
        self.remember(id, request.tag);
        Ok(true)
    }

    fn get(&mut self, request: &Request, path: &str, at: At) -> Result<(), Problem> {
        let state = self.shared.state().read();
        let (rev, value): (i64, &[u8]) = match state.store().get(path, at)? {
            Lookup::Missing => (0, &[]),
            Lookup::File { rev, value } => (rev.to_raw(), value),
            Lookup::Directory => return Err(ErrorKind::IsDir.into()),
        };
        let store_rev = self.modern.then(|| state.store().revision().to_raw());
        Response { tag: request.tag, rev: Some(rev), value: Some(value), store_rev, ..Response::default() }
            .encode_frame(&mut self.out);
        Ok(())
    }

    fn stat(&mut self, request: &Request, path: &str, at: At) -> Result<(), Problem> {
        let (rev, len) = self.size(path, at)?;
        let len = i32::try_from(len).unwrap_or(i32::MAX);
        self.answer(request, |response| Response { rev: Some(rev), len: Some(len), ..response });
        Ok(())
    }

    fn size(&self, path: &str, at: At) -> Result<(i64, usize), ReadError> {
        match self.shared.state().read().store().get(path, at)? {
            Lookup::Missing => return Ok((0, 0)),
            Lookup::File { rev, value } => return Ok((rev.to_raw(), value.len())),
            Lookup::Directory => {}
        }
        match Pinned::new(&self.shared, at)?.pass_names(path, usize::MAX) {
            Ok(passed) => Ok((-2, passed.count)),
            // It went away between the two looks.
            Err(ReadError::NoEntry | ReadError::NotDirectory) => self.size(path, at),
            Err(error) => Err(error),
        }
    }

    fn getdir(&mut self, request: &Request, path: &Bytes, offset: i32, at: At) -> Result<(), Problem> {
        let text = lossy(path);
        let is_far = usize::try_from(offset).is_ok_and(|offset| offset > PIECE);
        let state = self.shared.state().read();
        let rev = moment(state.store(), at);
        let name = match self.offsets.before(Verb::Getdir, path, rev, offset) {
            Some(before) => {
                state.store().dir_entries_after(&text, before, at)?.next().ok_or(ErrorKind::Range)?
            }
            None if is_far => {
                drop(state);
                return self.getdir_far(request, path, offset, at);
            }
            None => state.store().dir_entry(&text, offset.into(), at)?,
        };
        let (entry, store_rev) =
            (Some(name.as_bytes()), self.modern.then(|| state.store().revision().to_raw()));
        Response { tag: request.tag, path: entry, store_rev, ..Response::default() }
            .encode_frame(&mut self.out);
        self.offsets.answered(Verb::Getdir, path, rev, offset, name);
        Ok(())
    }

    /// Goes through the names before `offset` in pieces; then the next one follows as if the one before had just been
    /// answered, while its revision is still pinned.
    fn getdir_far(&mut self, request: &Request, path: &Bytes, offset: i32, at: At) -> Result<(), Problem> {
        let pinned = Pinned::new(&self.shared, at)?;
        let last = pinned.name_before(&lossy(path), offset)?;
        self.offsets.answered(Verb::Getdir, path, pinned.rev(), offset - 1, &last);
        self.getdir(request, path, offset, pinned.at())
    }

    fn walk(
        &mut self,
        request: &Request,
        pattern: &Bytes,
        glob: &Glob,
        offset: i32,
        at: At,
    ) -> Result<(), Problem> {
        let count = usize::try_from(offset).unwrap_or(usize::MAX);
        let state = self.shared.state().read();
        let rev = moment(state.store(), at);
        let file = match self.offsets.before(Verb::Walk, pattern, rev, offset) {
            Some(before) => state.store().walk(glob, at, Some(before))?.next(),
            None if count <= PIECE => state.store().walk(glob, at, None)?.nth(count),
            None => {
                drop(state);
                return self.walk_far(request, pattern, glob, offset, at);
            }
        };
        let file = file.ok_or(ErrorKind::Range)?;
        Response {
            tag: request.tag,
            path: Some(file.path.as_bytes()),
            value: Some(file.value),
            rev: Some(file.rev.to_raw()),
            flags: Some(FLAG_SET),
            store_rev: self.modern.then(|| state.store().revision().to_raw()),
            ..Response::default()
        }
        .encode_frame(&mut self.out);
        self.offsets.answered(Verb::Walk, pattern, rev, offset, file.path);
        Ok(())
    }

    /// As for GETDIR.
    fn walk_far(
        &mut self,
        request: &Request,
        pattern: &Bytes,
        glob: &Glob,
        offset: i32,
        at: At,
    ) -> Result<(), Problem> {
        let pinned = Pinned::new(&self.shared, at)?;
        let last = pinned.file_before(glob, offset)?;
        self.offsets.answered(Verb::Walk, pattern, pinned.rev(), offset - 1, &last);
        self.walk(request, pattern, glob, offset, pinned.at())
    }

    fn list(&mut self, request: &Request, list: &List<'_>, at: At) -> Result<(), Problem> {
        let pinned = Pinned::new(&self.shared, at)?;
        let (files, more) = gather(&self.shared, list, pinned.at())?;
        let entries: Vec<Entry<'_>> = files.iter().map(|file| file.entry(list.keys_only)).collect();
        let rev = Some(pinned.rev().to_raw());
        self.answer(request, |response| Response { rev, entries: &entries, more, ..response });
        Ok(())
    }
}

/// A file of a LIST, held while the state is not.
struct Listed {
    path: String,
    rev: Revision,
    value: Value,
}

impl Listed {
    fn entry(&self, keys_only: bool) -> Entry<'_> {
        Entry {
            path: self.path.as_bytes(),
            value: (!keys_only).then_some(&*self.value),
            rev: self.rev.to_raw(),
            len: i32::try_from(self.value.len()).unwrap_or(i32::MAX),
        }
    }
}

/// The files of one answer, and whether there are more.
fn gather(shared: &Shared, list: &List<'_>, at: At) -> Result<(Vec<Listed>, bool), Problem> {
    let mut files: Vec<Listed> = Vec::new();
    let mut bytes = 0;
    loop {
        let state = shared.state().read();
        let after = files.last().map(|file| file.path.clone());
        let after = after.as_deref().or(list.after.as_deref());
        let mut seen = 0;
        for file in state.store().walk(&list.glob, at, after)?.take(PIECE) {
            if files.len() >= list.limit || bytes >= LIST_BYTES {
                return Ok((files, true));
            }
            let listed = Listed { path: file.path.to_owned(), rev: file.rev, value: Arc::clone(file.value) };
            let size = listed.entry(list.keys_only).frame_bytes();
            if !files.is_empty() && bytes + size > LIST_BYTES {
                return Ok((files, true));
            }
            bytes += size;
            seen += 1;
            files.push(listed);
        }
        if seen < PIECE {
            return Ok((files, false));
        }
    }
}

/// The revision a read is of.
fn moment(store: &Store, at: At) -> Revision {
    match at {
        At::Now => store.revision(),
        At::Revision(rev) => rev,
    }
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::TooLate => ErrorKind::TooLate,
            ReadError::NoEntry => ErrorKind::NoEntry,
            ReadError::NotDirectory => ErrorKind::NotDir,
            ReadError::Range => ErrorKind::Range,
            // A read of the future was kept until its revision came.
            ReadError::Future => ErrorKind::Other,
        }
        .into()
    }
}
