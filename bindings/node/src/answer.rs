//! Results as values of JavaScript: flat, in one array, since making an object from here costs more than all the rest.

use doozer_bridge::{Change, Entry, Error, Event, FailedPart, File, Files, Stat};
use napi::Env;
use napi::bindgen_prelude::{Array, BufferSlice, External, Null, ToNapiValue};
use napi_derive::napi;

use crate::client::Client;
use crate::entered::Entered;
use crate::leader::Leader;
use crate::lock::Lock;
use crate::node::Node;
use crate::registration::Registration;
use crate::stream::Stream;

/// The greatest revision that a number of JavaScript's can hold along with all below it, 2^53 - 1.
const REVISION_MAX: i64 = (1 << 53) - 1;

/// What a call gave.
pub enum Answer {
    Nothing,
    Revision(i64),
    Text(String),
    Names(Vec<String>),
    File(File),
    Stat(Stat),
    Entry(Entry),
    Entries(Vec<Entry>),
    Event(Event),
    Client(Client),
    Lock(Lock),
    Leader(Leader),
    Registration(Registration),
    Entered(Entered),
    Stream(Stream),
    /// The files of a live map.
    Files(Files),
    /// The revision of each change of a transaction.
    Changes(Vec<Option<i64>>),
    /// Null.
    None,
    Node(Node),
    /// There is nothing more.
    End,
    Failure(Error),
}

/// Says what comes next in an array that [`Answer::write`] has written to.
#[napi]
pub enum Tag {
    /// Value: a revision, a text, a list of names or revisions, null, or nothing.
    Plain,
    /// Value or null, revision.
    File,
    /// Length, revision.
    Stat,
    /// Path, value or null, revision, length.
    Entry,
    /// A list with what [`Tag::Entry`] says, for one after the other.
    Entries,
    /// Path, value, revision, whether it was set and not deleted.
    Event,
    /// A list with path, value and revision of one file after the other.
    Files,
    /// Handle.
    Handle,
    /// Handle, path, fencing token.
    Held,
    /// Handle, id, name of the cluster, address or null.
    Node,
    /// Nothing.
    End,
    /// Number of the kind, operation, path or null, detail, whether a retry can help, kind and number of the part that failed
    /// or null and 0, and all of that as text.
    Failure,
    /// A revision, as text, that is greater than a number can hold.
    Overflow,
}

/// An array that is being filled.
pub struct Fields<'env> {
    env: &'env Env,
    array: Array<'env>,
}

impl<'env> Fields<'env> {
    /// An empty array.
    pub fn new(env: &'env Env) -> napi::Result<Fields<'env>> {
        Ok(Fields { env, array: env.create_array(0)? })
    }

    pub fn push(&mut self, value: impl ToNapiValue) -> napi::Result<()> {
        self.array.insert(value)
    }

    fn push_handle<T: 'static>(&mut self, handle: T) -> napi::Result<()> {
        self.push(Tag::Handle)?;
        self.push(External::new(handle))
    }

    fn push_held<T: 'static>(&mut self, handle: T, path: String, token: i64) -> napi::Result<()> {
        self.push(Tag::Held)?;
        self.push(External::new(handle))?;
        self.push(path)?;
        self.push(token as f64)
    }

    fn push_bytes(&mut self, value: Option<&[u8]>) -> napi::Result<()> {
        match value {
            Some(value) => self.array.insert(&BufferSlice::copy_from(self.env, value)?),
            None => self.array.insert(Null),
        }
    }

    fn push_entry(&mut self, entry: &Entry) -> napi::Result<()> {
        self.push(entry.path.as_str())?;
        self.push_bytes(entry.value.as_deref())?;
        self.push(entry.rev as f64)?;
        self.push(entry.len as f64)
    }
}

impl<'env> From<Fields<'env>> for Array<'env> {
    fn from(fields: Fields<'env>) -> Array<'env> {
        fields.array
    }
}

impl Answer {
    /// Writes a [`Tag`] and what belongs to it.
    pub fn write(self, to: &mut Fields<'_>) -> napi::Result<()> {
        if let Some(rev) = self.too_great() {
            to.push(Tag::Overflow)?;
            return to.push(rev.to_string());
        }
        match self {
            Answer::Nothing => {
                to.push(Tag::Plain)?;
                to.push(())
            }
            Answer::Revision(rev) => {
                to.push(Tag::Plain)?;
                to.push(rev as f64)
            }
            Answer::Text(text) => {
                to.push(Tag::Plain)?;
                to.push(text)
            }
            Answer::Names(names) => {
                to.push(Tag::Plain)?;
                to.push(names)
            }
            Answer::File(file) => write_file(to, file.value.as_deref(), file.rev),
            Answer::Stat(stat) => {
                to.push(Tag::Stat)?;
                to.push(stat.len as f64)?;
                to.push(stat.rev as f64)
            }
            Answer::Entry(entry) => {
                to.push(Tag::Entry)?;
                to.push_entry(&entry)
            }
            Answer::Entries(entries) => {
                let mut list = Fields::new(to.env)?;
                entries.iter().try_for_each(|entry| list.push_entry(entry))?;
                to.push(Tag::Entries)?;
                to.push(list.array)
            }
            Answer::Event(event) => {
                to.push(Tag::Event)?;
                to.push(event.path)?;
                to.push_bytes(Some(&event.value))?;
                to.push(event.rev as f64)?;
                to.push(event.kind == Change::Set)
            }
            Answer::Client(client) => to.push_handle(client),
            Answer::Registration(registration) => to.push_handle(registration),
            Answer::Entered(entered) => to.push_handle(entered),
            Answer::Stream(stream) => to.push_handle(stream),
            Answer::Lock(lock) => {
                let (path, rev) = (lock.core.path().to_owned(), lock.core.rev());
                to.push_held(lock, path, rev)
            }
            Answer::Leader(leader) => {
                let (path, token) = (leader.core.path().to_owned(), leader.core.token());
                to.push_held(leader, path, token)
            }
            Answer::Files(files) => {
                let mut list = Fields::new(to.env)?;
                for (path, file) in files.iter() {
                    list.push(path.as_str())?;
                    list.push_bytes(file.value.as_deref())?;
                    list.push(file.rev as f64)?;
                }
                to.push(Tag::Files)?;
                to.push(list.array)
            }
            Answer::Changes(revs) => {
                let revs = revs.into_iter().map(|rev| rev.map(|rev| rev as f64)).collect::<Vec<_>>();
                to.push(Tag::Plain)?;
                to.push(revs)
            }
            Answer::None => {
                to.push(Tag::Plain)?;
                to.push(Null)
            }
            Answer::Node(node) => {
                let (id, name) = (node.core.id().to_owned(), node.core.cluster_name().to_owned());
                let address = node.core.address().map(|address| address.to_string());
                to.push(Tag::Node)?;
                to.push(External::new(node))?;
                to.push(id)?;
                to.push(name)?;
                to.push(address)
            }
            Answer::End => to.push(Tag::End),
            Answer::Failure(error) => write_failure(to, &error),
        }
    }

    /// The answer alone, as an array.
    pub fn alone(self, env: &Env) -> napi::Result<Array<'_>> {
        let mut fields = Fields::new(env)?;
        self.write(&mut fields)?;
        Ok(fields.into())
    }

    /// A revision in it that does not fit.
    fn too_great(&self) -> Option<i64> {
        let rev = match self {
            Answer::Revision(rev) => *rev,
            Answer::File(file) => file.rev,
            Answer::Stat(stat) => stat.rev,
            Answer::Entry(entry) => entry.rev,
            Answer::Entries(entries) => entries.iter().map(|entry| entry.rev).max().unwrap_or_default(),
            Answer::Event(event) => event.rev,
            Answer::Lock(lock) => lock.core.rev(),
            Answer::Leader(leader) => leader.core.token(),
            Answer::Files(files) => files.values().map(|file| file.rev).max().unwrap_or_default(),
            Answer::Changes(revs) => revs.iter().copied().flatten().max().unwrap_or_default(),
            _ => 0,
        };
        (rev > REVISION_MAX).then_some(rev)
    }
}

/// A file, or that there is none.
pub(crate) fn write_file(to: &mut Fields<'_>, value: Option<&[u8]>, rev: i64) -> napi::Result<()> {
    to.push(Tag::File)?;
    to.push_bytes(value)?;
    to.push(rev as f64)
}

fn write_failure(to: &mut Fields<'_>, error: &Error) -> napi::Result<()> {
    to.push(Tag::Failure)?;
    to.push(error.kind().number())?;
    to.push(error.op())?;
    to.push(error.path())?;
    to.push(error.detail())?;
    to.push(error.is_retryable())?;
    match error.failed_part() {
        Some(FailedPart::Compare(number)) => {
            to.push("compare")?;
            to.push(number)?;
        }
        Some(FailedPart::Op(number)) => {
            to.push("operation")?;
            to.push(number)?;
        }
        None => {
            to.push(Null)?;
            to.push(0)?;
        }
    }
    to.push(error.to_string())
}
