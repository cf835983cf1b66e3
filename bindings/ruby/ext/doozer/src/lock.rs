//! `Doozer::Lock`: a lock that is held.

use std::sync::{Mutex, PoisonError};

use doozer_bridge::{Error as Failure, ErrorKind, Lock as Bridge};
use magnus::{Class, Error, Module, RModule, Ruby, Value, method};

use crate::errors::{entry, raised};
use crate::results;
use crate::wait::wait;

#[magnus::wrap(class = "Doozer::Lock", free_immediately, size)]
pub(crate) struct Lock {
    path: String,
    rev: i64,
    /// `None` once it was abandoned.
    held: Mutex<Option<Bridge>>,
}

impl Lock {
    pub fn new(lock: Bridge) -> Lock {
        Lock { path: lock.path().to_owned(), rev: lock.rev(), held: Mutex::new(Some(lock)) }
    }

    fn path(ruby: &Ruby, this: &Lock) -> Result<Value, Error> {
        entry(ruby, "lock", || Ok(results::utf8(ruby, &this.path)))
    }

    fn rev(ruby: &Ruby, this: &Lock) -> Result<i64, Error> {
        entry(ruby, "lock", || Ok(this.rev))
    }

    fn is_held(ruby: &Ruby, this: &Lock) -> Result<bool, Error> {
        entry(ruby, "lock", || Ok(this.with(|lock| lock.is_some_and(Bridge::is_held))))
    }

    fn unlock(ruby: &Ruby, this: &Lock) -> Result<(), Error> {
        entry(ruby, "unlock", || match this.with(|lock| lock.map(Bridge::unlock)) {
            Some(op) => wait(ruby, op),
            None => {
                let detail = "the lock was abandoned";
                Err(raised(ruby, &Failure::new(ErrorKind::Closed, "unlock", Some(&this.path), detail)))
            }
        })
    }

    /// Lets go of it without waiting: what is still held is given back in the background.
    fn abandon(ruby: &Ruby, this: &Lock) -> Result<(), Error> {
        entry(ruby, "unlock", || {
            drop(this.held.lock().unwrap_or_else(PoisonError::into_inner).take());
            Ok(())
        })
    }

    fn with<T>(&self, look: impl FnOnce(Option<&Bridge>) -> T) -> T {
        look(self.held.lock().unwrap_or_else(PoisonError::into_inner).as_ref())
    }
}

pub(crate) fn define(ruby: &Ruby, doozer: RModule) -> Result<(), Error> {
    let class = doozer.define_class("Lock", ruby.class_object())?;
    class.undef_default_alloc_func();
    class.define_private_method("_path", method!(Lock::path, 0))?;
    class.define_private_method("_rev", method!(Lock::rev, 0))?;
    class.define_private_method("_held", method!(Lock::is_held, 0))?;
    class.define_private_method("_unlock", method!(Lock::unlock, 0))?;
    class.define_private_method("_abandon", method!(Lock::abandon, 0))
}
