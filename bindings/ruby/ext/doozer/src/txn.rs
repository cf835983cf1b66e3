//! `Doozer::Txn`: a transaction that is being put together.

use std::cell::RefCell;

use doozer_bridge::{Client, Error as Failure, ErrorKind, Txn as Bridge};
use magnus::{Class, Error, Module, RArray, RModule, Ruby, Value, method};

use crate::arguments::{bytes, fence, limited, rev, text};
use crate::errors::{entry, raised};
use crate::results;
use crate::wait::wait;

#[magnus::wrap(class = "Doozer::Txn", free_immediately, size)]
pub(crate) struct Txn {
    client: Client,
    /// `None` once it was made, and while it is being made.
    parts: RefCell<Option<Bridge>>,
}

impl Txn {
    pub fn new(client: Client) -> Txn {
        Txn { client, parts: RefCell::new(Some(Bridge::new())) }
    }

    fn if_rev(ruby: &Ruby, this: &Txn, path: Value, at: Value) -> Result<(), Error> {
        this.add(ruby, || {
            let (path, rev) = (text(path)?, rev(at)?);
            Ok(move |txn: Bridge| txn.if_rev(&path, rev))
        })
    }

    fn if_value(ruby: &Ruby, this: &Txn, path: Value, value: Value) -> Result<(), Error> {
        this.add(ruby, || {
            let (path, value) = (text(path)?, bytes(value)?);
            Ok(move |txn: Bridge| txn.if_value(&path, value))
        })
    }

    fn if_absent(ruby: &Ruby, this: &Txn, path: Value) -> Result<(), Error> {
        this.add(ruby, || {
            let path = text(path)?;
            Ok(move |txn: Bridge| txn.if_absent(&path))
        })
    }

    fn if_fence(ruby: &Ruby, this: &Txn, path: Value, token: Value) -> Result<(), Error> {
        this.add(ruby, || {
            let (path, token) = (text(path)?, rev(token)?);
            Ok(move |txn: Bridge| txn.if_fence(&path, token))
        })
    }

    fn fence(ruby: &Ruby, this: &Txn, held: Value) -> Result<(), Error> {
        this.add(ruby, || {
            let fence = fence(ruby, held)?;
            Ok(move |txn: Bridge| txn.if_fence(&fence.path, fence.token))
        })
    }

    fn set(ruby: &Ruby, this: &Txn, path: Value, value: Value, at: Value) -> Result<(), Error> {
        this.add(ruby, || {
            let (path, value, rev) = (text(path)?, bytes(value)?, rev(at)?);
            Ok(move |txn: Bridge| txn.set(&path, value, rev))
        })
    }

    fn set_ephemeral(ruby: &Ruby, this: &Txn, path: Value, value: Value, at: Value) -> Result<(), Error> {
        this.add(ruby, || {
            let (path, value, rev) = (text(path)?, bytes(value)?, rev(at)?);
            Ok(move |txn: Bridge| txn.set_ephemeral(&path, value, rev))
        })
    }

    fn del(ruby: &Ruby, this: &Txn, path: Value, at: Value) -> Result<(), Error> {
        this.add(ruby, || {
            let (path, rev) = (text(path)?, rev(at)?);
            Ok(move |txn: Bridge| txn.del(&path, rev))
        })
    }

    /// Has it made. If it was not, or nobody waited for the answer, it may be tried again.
    fn commit(ruby: &Ruby, this: &Txn, timeout: Value) -> Result<RArray, Error> {
        entry(ruby, "txn", || {
            let options = limited(timeout)?;
            let txn = this.parts.take().ok_or_else(|| over(ruby))?;
            match wait(ruby, this.client.txn(txn.clone(), options)) {
                Ok(revs) => results::revs(ruby, revs),
                Err(error) => {
                    this.parts.replace(Some(txn));
                    Err(error)
                }
            }
        })
    }

    /// Adds a part, made of arguments that may not fit.
    fn add<F: FnOnce(Bridge) -> Bridge>(
        &self,
        ruby: &Ruby,
        part: impl FnOnce() -> Result<F, Error>,
    ) -> Result<(), Error> {
        entry(ruby, "txn", || {
            let add = part()?;
            let txn = self.parts.take().ok_or_else(|| over(ruby))?;
            self.parts.replace(Some(add(txn)));
            Ok(())
        })
    }
}

fn over(ruby: &Ruby) -> Error {
    let detail = "the transaction was made already: begin another one with Client#txn";
    raised(ruby, &Failure::new(ErrorKind::Closed, "txn", None, detail))
}

pub(crate) fn define(ruby: &Ruby, doozer: RModule) -> Result<(), Error> {
    let class = doozer.define_class("Txn", ruby.class_object())?;
    class.undef_default_alloc_func();
    class.define_private_method("_if_rev", method!(Txn::if_rev, 2))?;
    class.define_private_method("_if_value", method!(Txn::if_value, 2))?;
    class.define_private_method("_if_absent", method!(Txn::if_absent, 1))?;
    class.define_private_method("_if_fence", method!(Txn::if_fence, 2))?;
    class.define_private_method("_fence", method!(Txn::fence, 1))?;
    class.define_private_method("_set", method!(Txn::set, 3))?;
    class.define_private_method("_set_ephemeral", method!(Txn::set_ephemeral, 3))?;
    class.define_private_method("_del", method!(Txn::del, 2))?;
    class.define_private_method("_commit", method!(Txn::commit, 1))
}
