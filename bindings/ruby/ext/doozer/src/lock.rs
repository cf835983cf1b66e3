//! `Doozer::Lock`: a lock that is held.

use std::time::Duration;

use doozer_bridge::{Error as Failure, Fence, Lock as Bridge, Op};
use magnus::{Class, Error, Module, RModule, Ruby, method};

use crate::errors::entry;
use crate::kept::{Held, Holder, Kept, Losable, define_losable};

#[magnus::wrap(class = "Doozer::Lock", free_immediately, size)]
pub(crate) struct Lock {
    rev: i64,
    kept: Kept<Bridge>,
}

impl Lock {
    pub fn new(lock: Bridge) -> Lock {
        Lock { rev: lock.rev(), kept: Kept::new(lock) }
    }

    /// What writes are to depend on.
    pub fn fence(&self, ruby: &Ruby) -> Result<Fence, Error> {
        self.kept.fence(ruby, self.rev, Bridge::fence)
    }

    fn rev(ruby: &Ruby, this: &Lock) -> Result<i64, Error> {
        entry(ruby, "lock", || Ok(this.rev))
    }

    fn valid_for(ruby: &Ruby, this: &Lock) -> Result<f64, Error> {
        entry(ruby, "lock", || Ok(this.kept.look(Bridge::valid_for).unwrap_or(Duration::ZERO).as_secs_f64()))
    }
}

impl Holder for Lock {
    type Handle = Bridge;

    fn kept(&self) -> &Kept<Bridge> {
        &self.kept
    }
}

impl Held for Bridge {
    const GIVE_BACK: &'static str = "unlock";

    fn path(&self) -> &str {
        self.path()
    }

    fn is_over(&self) -> bool {
        self.is_over()
    }

    fn give_back(&self) -> Op<()> {
        self.unlock()
    }
}

impl Losable for Bridge {
    fn lost(&self) -> Op<()> {
        self.lost()
    }

    fn check(&self) -> Result<(), Failure> {
        self.check()
    }
}

pub(crate) fn define(ruby: &Ruby, doozer: RModule) -> Result<(), Error> {
    let class = doozer.define_class("Lock", ruby.class_object())?;
    class.undef_default_alloc_func();
    define_losable!(class, Lock)?;
    class.define_private_method("_rev", method!(Lock::rev, 0))?;
    class.define_private_method("_valid_for", method!(Lock::valid_for, 0))
}
