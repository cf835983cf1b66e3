//! Loading a snapshot: its format is described in `snapshot`.
//! Whatever the bytes say, this neither panics nor allocates more than was pushed.

use crate::apply::Target;
use crate::path::PATH_BYTES_MAX;
use crate::revision::Revision;
use crate::session::{QUEUE, SESSION};
use crate::settings::{MAX_VALUE, check_bindable};
use crate::snapshot::{DEL, END, FILE, FORMAT, FORMAT_WITHOUT_SESSIONS, SET};
use crate::store::{Options, Store};

/// Why a snapshot cannot be loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// Its format is one of a later version, or it is no snapshot at all.
    #[error("unknown snapshot format {0}")]
    Format(u8),
    /// It makes no sense.
    #[error("malformed snapshot: {0}")]
    Malformed(&'static str),
    /// It ends too early.
    #[error("the snapshot is cut short")]
    Truncated,
    /// Its hash is another one than it says.
    #[error("the snapshot is corrupt: its hash differs")]
    Hash,
}

/// Makes a store of a snapshot, piece by piece.
pub struct Loader {
    stage: Stage,
    /// What was pushed and is not yet a whole record.
    rest: Vec<u8>,
    hasher: blake3::Hasher,
}

enum Stage {
    Header(Options),
    Records(Box<Load>),
    Failed(SnapshotError),
}

struct Load {
    store: Store,
    format: u8,
    base: Revision,
    last: Revision,
    /// Its end has been read, and was right.
    is_whole: bool,
}

enum Record<'a> {
    File { rev: Revision, path: &'a str, value: &'a [u8] },
    Set { path: &'a str, value: &'a [u8] },
    Del { path: &'a str },
    Session(&'a [u8]),
    Queue(&'a [u8]),
    End { hash: [u8; 32] },
}

const TOO_LONG: SnapshotError = SnapshotError::Malformed("a length is over its limit");

impl Loader {
    /// A loader whose store will keep as much history as these options say.
    pub fn new(options: Options) -> Self {
        Self { stage: Stage::Header(options), rest: Vec::new(), hasher: blake3::Hasher::new() }
    }

    /// Takes the next piece, which may be cut anywhere. After an error, every call gives that error.
    pub fn push(&mut self, chunk: &[u8]) -> Result<(), SnapshotError> {
        self.rest.extend_from_slice(chunk);
        let rest = std::mem::take(&mut self.rest);
        let mut used = 0;
        while let Some(len) = self.take(&rest[used..])? {
            used += len;
        }
        self.rest = rest;
        self.rest.drain(..used);
        Ok(())
    }

    /// The store, if the snapshot was whole.
    pub fn finish(self) -> Result<Store, SnapshotError> {
        match self.stage {
            Stage::Records(load) if load.is_whole => Ok(load.store),
            Stage::Failed(error) => Err(error),
            Stage::Header(_) | Stage::Records(_) => Err(SnapshotError::Truncated),
        }
    }

    /// Takes one item from the front and tells its length; None if it is not all there.
    fn take(&mut self, bytes: &[u8]) -> Result<Option<usize>, SnapshotError> {
        self.try_take(bytes).inspect_err(|error| self.stage = Stage::Failed(*error))
    }

    fn try_take(&mut self, bytes: &[u8]) -> Result<Option<usize>, SnapshotError> {
        match &mut self.stage {
            Stage::Failed(error) => Err(*error),
            Stage::Header(options) => {
                let Some((load, len)) = Load::begin(bytes, *options)? else { return Ok(None) };
                self.hasher.update(&bytes[..len]);
                self.stage = Stage::Records(Box::new(load));
                Ok(Some(len))
            }
            Stage::Records(load) if load.is_whole && !bytes.is_empty() => {
                Err(SnapshotError::Malformed("something follows its end"))
            }
            Stage::Records(load) => {
                let Some((record, len)) = parse(bytes)? else { return Ok(None) };
                if let Record::End { hash } = record {
                    self.hasher.update(&bytes[..len - hash.len()]);
                    load.end(self.hasher.finalize() == hash)?;
                } else {
                    self.hasher.update(&bytes[..len]);
                    load.add(record)?;
                }
                Ok(Some(len))
            }
        }
    }
}

impl Load {
    fn begin(bytes: &[u8], options: Options) -> Result<Option<(Self, usize)>, SnapshotError> {
        let Some((format, rest)) = bytes.split_first() else { return Ok(None) };
        if ![FORMAT, FORMAT_WITHOUT_SESSIONS].contains(format) {
            return Err(SnapshotError::Format(*format));
        }
        let Some((base, rest)) = rest.split_first_chunk() else { return Ok(None) };
        let Some((last, rest)) = rest.split_first_chunk() else { return Ok(None) };
        let (base, last) = (Revision(u64::from_le_bytes(*base)), Revision(u64::from_le_bytes(*last)));
        // Clients know revisions as i64.
        if base > last || last.0 > i64::MAX as u64 {
            return Err(SnapshotError::Malformed("its revisions are out of order"));
        }
        let store = Store::after(base, options);
        let load = Self { store, format: *format, base, last, is_whole: false };
        Ok(Some((load, bytes.len() - rest.len())))
    }

    fn end(&mut self, hash_is_right: bool) -> Result<(), SnapshotError> {
        if !hash_is_right {
            return Err(SnapshotError::Hash);
        }
        if self.store.revision() != self.last {
            return Err(SnapshotError::Malformed("changes are missing"));
        }
        if !self.store.sessions.is_whole() {
            return Err(SnapshotError::Malformed("places in queues are missing"));
        }
        self.is_whole = true;
        Ok(())
    }

    fn add(&mut self, record: Record<'_>) -> Result<(), SnapshotError> {
        match record {
            Record::Session(_) | Record::Queue(_) if self.format == FORMAT_WITHOUT_SESSIONS => {
                return Err(SnapshotError::Malformed("its format has no sessions"));
            }
            Record::Session(bytes) => return self.add_session(bytes),
            Record::Queue(bytes) => return self.add_queue(bytes),
            _ if self.store.sessions_len() > 0 => {
                return Err(SnapshotError::Malformed("a file is behind the sessions"));
            }
            _ => {}
        }
        let (Record::File { path, .. } | Record::Set { path, .. } | Record::Del { path }) = record else {
            return Ok(());
        };
        let store = &mut self.store;
        let target = store.target(path).map_err(|_| SnapshotError::Malformed("a path is not well formed"))?;
        if let Record::File { rev, value, .. } = record {
            let Target::Missing(place) = target else {
                return Err(SnapshotError::Malformed("a file is where another one is, or its directory"));
            };
            if store.revision() > self.base || store.live.get(place).is_some() {
                return Err(SnapshotError::Malformed("the files are out of order"));
            }
            if rev == Revision::ZERO || rev > self.base {
                return Err(SnapshotError::Malformed("a file's revision is out of range"));
            }
            store.restore(path, place, rev, value.into());
            return Ok(());
        }
        if store.revision() == self.last {
            return Err(SnapshotError::Malformed("it has more changes than it says"));
        }
        match (record, target) {
            (Record::Set { value, .. }, Target::File(id)) => store.replace(id, value.into()),
            (Record::Set { value, .. }, Target::Missing(place)) => {
                store.create(path, place, value.into());
            }
            (Record::Del { .. }, Target::File(id)) => {
                store.delete(id);
            }
            _ => return Err(SnapshotError::Malformed("a change is impossible")),
        }
        Ok(())
    }
}

impl Load {
    fn add_session(&mut self, bytes: &[u8]) -> Result<(), SnapshotError> {
        let store = &mut self.store;
        let id = store.sessions.load_session(bytes);
        let id = id.ok_or(SnapshotError::Malformed("a session makes no sense"))?;
        for (path, token) in store.sessions.files(&id) {
            let file = store.files.find(path).map(|file| store.files.get_mut(file));
            let could_hold = check_bindable(path).is_ok() && token > Revision::ZERO;
            let free = file.filter(|file| {
                could_hold && file.value.is_some() && file.holder.is_none() && token <= file.rev
            });
            let Some(file) = free else {
                return Err(SnapshotError::Malformed("a session holds what it cannot"));
            };
            file.holder = Some(Box::new(id));
        }
        Ok(())
    }

    fn add_queue(&mut self, bytes: &[u8]) -> Result<(), SnapshotError> {
        let path = self.store.sessions.load_queue(bytes);
        let path = path.ok_or(SnapshotError::Malformed("a queue makes no sense"))?;
        match self.store.target(&path) {
            Ok(Target::File(_)) if check_bindable(&path).is_ok() => Ok(()),
            _ => Err(SnapshotError::Malformed("a queue is without its file")),
        }
    }
}

/// The record at the front and its length; None if it is not all there.
fn parse(bytes: &[u8]) -> Result<Option<(Record<'_>, usize)>, SnapshotError> {
    let Some((kind, rest)) = bytes.split_first() else { return Ok(None) };
    let parsed = match *kind {
        FILE => rest.split_first_chunk().map(|(rev, rest)| (Some(Revision(u64::from_le_bytes(*rev))), rest)),
        SET | DEL => Some((None, rest)),
        SESSION | QUEUE => {
            let Some((len, rest)) = rest.split_first_chunk() else { return Ok(None) };
            let len = usize::try_from(u32::from_le_bytes(*len)).map_err(|_| TOO_LONG)?;
            let Some(body) = rest.get(..len) else { return Ok(None) };
            let record = if *kind == SESSION { Record::Session(body) } else { Record::Queue(body) };
            return Ok(Some((record, 5 + len)));
        }
        END => {
            let end = rest.first_chunk().map(|hash| (Record::End { hash: *hash }, 1 + hash.len()));
            return Ok(end);
        }
        _ => return Err(SnapshotError::Malformed("unknown record")),
    };
    let Some((rev, rest)) = parsed else { return Ok(None) };
    let Some((path, value, rest)) = parse_body(rest, *kind != DEL)? else { return Ok(None) };
    let record = match (rev, value) {
        (Some(rev), Some(value)) => Record::File { rev, path, value },
        (None, Some(value)) => Record::Set { path, value },
        (_, None) => Record::Del { path },
    };
    Ok(Some((record, bytes.len() - rest.len())))
}

type Body<'a> = (&'a str, Option<&'a [u8]>, &'a [u8]);

/// Path, value and what follows them.
fn parse_body(bytes: &[u8], has_value: bool) -> Result<Option<Body<'_>>, SnapshotError> {
    let Some((path_len, mut rest)) = bytes.split_first_chunk() else { return Ok(None) };
    let path_len = usize::from(u16::from_le_bytes(*path_len));
    let mut value_len = 0;
    if has_value {
        let Some((len, after)) = rest.split_first_chunk() else { return Ok(None) };
        value_len = usize::try_from(u32::from_le_bytes(*len)).map_err(|_| TOO_LONG)?;
        rest = after;
    }
    if path_len > PATH_BYTES_MAX || value_len > MAX_VALUE.max {
        return Err(TOO_LONG);
    }
    let Some((path, rest)) = rest.split_at_checked(path_len) else { return Ok(None) };
    let Some((value, rest)) = rest.split_at_checked(value_len) else { return Ok(None) };
    let path = std::str::from_utf8(path).map_err(|_| SnapshotError::Malformed("a path is not UTF-8"))?;
    Ok(Some((path, has_value.then_some(value), rest)))
}
