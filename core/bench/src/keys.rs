//! The files that a load works on, all in one directory.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use crate::connection::{Connect, LoadError, Request};
use crate::drive::{Work, drive};
use crate::load::Stop;
use crate::patience::Progress;

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

    /// Makes all files, see [`Request::Create`]; fewer if it is stopped.
    ///
    /// # Errors
    /// As for [`Load::run`](crate::Load::run).
    pub async fn fill(&self, to: &impl Connect, value_bytes: usize, stop: &Stop) -> Result<(), LoadError> {
        let value = Bytes::from(vec![b'v'; value_bytes]);
        self.each(to, |path| Request::Create { path, value: value.clone() }, stop).await
    }

    /// Deletes all files that exist. If a member is lost meanwhile, the next one is asked.
    ///
    /// # Errors
    /// As for [`Load::run`](crate::Load::run).
    pub async fn delete(&self, to: &impl Connect) -> Result<(), LoadError> {
        self.each(to, Request::Delete, &Stop::default()).await
    }

    /// Each request may be made again, so a member that is lost makes no difference while there is another one.
    async fn each(
        &self,
        to: &impl Connect,
        request: impl Fn(Bytes) -> Request,
        stop: &Stop,
    ) -> Result<(), LoadError> {
        let mut outcome = self.each_at(to, 0, &request, stop).await;
        for number in 1..to.members().len() {
            match &outcome {
                Err(why) if why.is_lost() => outcome = self.each_at(to, number, &request, stop).await,
                _ => break,
            }
        }
        outcome
    }

    async fn each_at(
        &self,
        to: &impl Connect,
        number: usize,
        request: impl Fn(Bytes) -> Request,
        stop: &Stop,
    ) -> Result<(), LoadError> {
        let progress = Progress::default();
        let mut each = Each { paths: self.paths.iter(), request, stop, progress: progress.clone() };
        let work = async { drive(&mut to.connect(number).await?, IN_FLIGHT, &mut each).await };
        progress.watch(work).await.map_err(|why| why.at(to.members(), number))
    }
}

/// One request for each file.
struct Each<'a, F> {
    paths: std::slice::Iter<'a, Bytes>,
    request: F,
    stop: &'a Stop,
    progress: Progress,
}

impl<F: Fn(Bytes) -> Request> Work for Each<'_, F> {
    fn next(&mut self, _: Instant) -> Option<Request> {
        let path = self.paths.next().filter(|_| !self.stop.is_stopped())?;
        Some((self.request)(path.clone()))
    }

    fn answered(&mut self, _: Instant, _: Instant) {
        self.progress.made();
    }
}
