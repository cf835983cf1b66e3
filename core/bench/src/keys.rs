//! The files that a load works on, all in one directory.

use std::sync::Arc;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use doozer_wire::{OwnedResponse, Request, Verb};

use crate::pipe::{LoadError, Stop, Target, Work};

/// Requests under way while files are made or deleted.
const IN_FLIGHT: usize = 256;

/// The paths of some files, `/DIRECTORY/0` and so on.
#[derive(Debug, Clone)]
pub struct Keys {
    directory: Arc<str>,
    paths: Arc<[Bytes]>,
}

impl Keys {
    /// This many files in this directory, which is given with its slash in front and none behind.
    pub fn new(directory: &str, count: usize) -> Keys {
        let paths = (0..count).map(|number| format!("{directory}/{number}").into()).collect();
        Keys { directory: directory.into(), paths }
    }

    /// This many files in a directory `/bench-…` whose name nobody else has.
    ///
    /// # Errors
    /// If the system gives no random number.
    pub fn unique(count: usize) -> Result<Keys, LoadError> {
        let random = getrandom::u64().map_err(std::io::Error::from)?;
        Ok(Keys::new(&format!("/bench-{random:016x}"), count))
    }

    /// The directory.
    pub fn directory(&self) -> &str {
        &self.directory
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.paths.len()
    }

    /// Whether there are none, in which case there is nothing to work on.
    pub fn is_empty(&self) -> bool {
        self.paths.is_empty()
    }

    pub(crate) fn path(&self, number: usize) -> Bytes {
        self.paths[number % self.paths.len()].clone()
    }

    /// Writes all files, whether they exist or not; fewer if it is stopped.
    ///
    /// # Errors
    /// As for [`Load::run`](crate::Load::run).
    pub async fn fill(&self, to: &Target, value_bytes: usize, stop: &Stop) -> Result<(), LoadError> {
        self.each(to, Verb::Set, Some(Bytes::from(vec![b'v'; value_bytes])), stop).await
    }

    /// Deletes all files that exist.
    ///
    /// # Errors
    /// As for [`Load::run`](crate::Load::run).
    pub async fn delete(&self, to: &Target) -> Result<(), LoadError> {
        self.each(to, Verb::Del, None, &Stop::default()).await
    }

    async fn each(
        &self,
        to: &Target,
        verb: Verb,
        value: Option<Bytes>,
        stop: &Stop,
    ) -> Result<(), LoadError> {
        let mut write = Each { paths: self.paths.iter(), verb, value, stop };
        to.connect(0).await?.drive(IN_FLIGHT, &mut write).await
    }
}

/// One write to each file.
struct Each<'a> {
    paths: std::slice::Iter<'a, Bytes>,
    verb: Verb,
    value: Option<Bytes>,
    stop: &'a Stop,
}

impl Work for Each<'_> {
    fn next(&mut self, tag: i32, _: Instant, out: &mut BytesMut) -> bool {
        let Some(path) = self.paths.next().filter(|_| !self.stop.is_stopped()) else { return false };
        write(self.verb, path.clone(), self.value.clone(), tag).encode_frame(out);
        true
    }

    fn answered(&mut self, _: &OwnedResponse, _: Instant, _: Instant) -> Result<(), LoadError> {
        Ok(())
    }
}

/// A SET or DEL of whatever is there.
pub(crate) fn write(verb: Verb, path: Bytes, value: Option<Bytes>, tag: i32) -> Request {
    let (tag, rev) = (Some(tag), Some(-1));
    Request { tag, verb: verb as i32, path: Some(path), value, rev, ..Request::default() }
}
