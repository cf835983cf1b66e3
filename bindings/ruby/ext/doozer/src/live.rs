//! `Doozer::Live`: a live map of files.

use std::cell::RefCell;
use std::sync::Arc;

use doozer_bridge::{Files, Live as Bridge};
use magnus::value::Opaque;
use magnus::{Class, DataTypeFunctions, Error, Module, RHash, RModule, Ruby, TypedData, Value, gc, method};

use crate::arguments::timeout;
use crate::errors::{entry, raised};
use crate::results;
use crate::stream::taken;

#[derive(TypedData)]
#[magnus(class = "Doozer::Live", free_immediately, size, mark)]
pub(crate) struct Live {
    bridge: Bridge,
    /// What was last shown, and its hash: files that have not changed since are not made again.
    shown: RefCell<Option<(Files, Opaque<RHash>)>>,
}

impl DataTypeFunctions for Live {
    fn mark(&self, marker: &gc::Marker) {
        // It is borrowed only for what makes nothing of Ruby's.
        if let Ok(shown) = self.shown.try_borrow()
            && let Some((_, hash)) = &*shown
        {
            marker.mark(*hash);
        }
    }
}

impl Live {
    pub fn new(live: Bridge) -> Live {
        Live { bridge: live, shown: RefCell::default() }
    }

    fn glob(ruby: &Ruby, this: &Live) -> Result<Value, Error> {
        entry(ruby, "discover", || Ok(results::utf8(ruby, this.bridge.glob())))
    }

    fn files(ruby: &Ruby, this: &Live) -> Result<RHash, Error> {
        entry(ruby, "discover", || {
            let files = this.bridge.files().map_err(|failure| raised(ruby, &failure))?;
            this.show(ruby, files)
        })
    }

    /// The files once they have changed; nil once it is closed.
    fn changed(ruby: &Ruby, this: &Live, timeout_s: Value) -> Result<Option<RHash>, Error> {
        entry(ruby, "discover", || {
            let (limit, live) = (timeout("timeout", timeout_s)?, &this.bridge);
            let files = taken(ruby, limit, || live.take(), || live.ready())?;
            files.map(|files| this.show(ruby, files)).transpose()
        })
    }

    /// Ends it, unless that is its parent's, see `kept`.
    pub fn abandon(&self) {
        self.bridge.close();
    }

    fn close(ruby: &Ruby, this: &Live) -> Result<(), Error> {
        entry(ruby, "close", || {
            this.abandon();
            Ok(())
        })
    }

    fn is_closed(ruby: &Ruby, this: &Live) -> Result<bool, Error> {
        entry(ruby, "close", || Ok(this.bridge.is_closed()))
    }

    /// Files as a frozen hash.
    fn show(&self, ruby: &Ruby, files: Files) -> Result<RHash, Error> {
        if let Some((shown, hash)) = &*self.shown.borrow()
            && Arc::ptr_eq(shown, &files)
        {
            return Ok(ruby.get_inner(*hash));
        }
        let hash = results::files(ruby, &files)?;
        self.shown.replace(Some((files, hash.into())));
        Ok(hash)
    }
}

pub(crate) fn define(ruby: &Ruby, doozer: RModule) -> Result<(), Error> {
    let class = doozer.define_class("Live", ruby.class_object())?;
    class.undef_default_alloc_func();
    class.define_private_method("_glob", method!(Live::glob, 0))?;
    class.define_private_method("_files", method!(Live::files, 0))?;
    class.define_private_method("_changed", method!(Live::changed, 1))?;
    class.define_private_method("_close", method!(Live::close, 0))?;
    class.define_private_method("_closed", method!(Live::is_closed, 0))
}
