//! A live map of files as a stream of maps: what has changed is seen by looking, so whoever gives up waiting loses nothing.

use std::sync::{Arc, Mutex, PoisonError};

use doozer_bridge::{Error, Files, Op, guard};
use napi::Env;
use napi::bindgen_prelude::{Array, External};
use napi_derive::napi;

use crate::answer::Answer;
use crate::stream::{Items, Stream};

/// A live map. Each change makes another map, so whether something has changed is whether it is the same one.
pub struct Live {
    core: doozer_bridge::Live,
    /// What was told last of its changes; at first what there was when it was opened.
    told: Mutex<Option<Files>>,
    /// What was shown last to who looked at it.
    shown: Mutex<Option<Files>>,
}

impl Live {
    pub(crate) fn new(core: doozer_bridge::Live) -> Result<Live, Error> {
        let told = Mutex::new(Some(core.files()?));
        Ok(Live { core, told, shown: Mutex::default() })
    }

    /// The files, if they have changed since they were told. `None`: nothing yet.
    pub(crate) fn take(&self) -> Result<Option<Answer>, Error> {
        if self.core.is_closed() {
            return Ok(Some(Answer::End));
        }
        self.unless(&self.told)
    }

    /// The files, unless they are those that were shown last.
    fn look(&self) -> Result<Option<Answer>, Error> {
        self.unless(&self.shown)
    }

    fn unless(&self, known: &Mutex<Option<Files>>) -> Result<Option<Answer>, Error> {
        let files = self.core.files()?;
        // Nothing is done under it that could leave it half done.
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.as_ref().is_some_and(|known| Arc::ptr_eq(known, &files)) {
            return Ok(None);
        }
        *known = Some(Arc::clone(&files));
        Ok(Some(Answer::Files(files)))
    }

    pub(crate) fn ready(&self) -> Op<()> {
        self.core.changed().map(drop)
    }

    pub(crate) fn close(&self) {
        self.core.close();
    }
}

/// See [`doozer_bridge::Live::files`]. Gives what [`Answer::write`] says; null if nothing has changed since the last time.
#[napi]
pub fn look<'env>(env: &'env Env, stream: &External<Stream>) -> napi::Result<Option<Array<'env>>> {
    let seen = guard("discover", || match &stream.items {
        Ok(Items::Maps(live)) => live.look(),
        Ok(_) => Ok(None),
        Err(error) => Err(error.clone()),
    });
    seen.unwrap_or_else(|error| Some(Answer::Failure(error))).map(|answer| answer.alone(env)).transpose()
}
