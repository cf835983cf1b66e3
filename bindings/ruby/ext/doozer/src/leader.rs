//! `Doozer::Leader`: who was elected.

use doozer_bridge::{Error as Failure, Fence, Leader as Bridge, Op};
use magnus::{Class, Error, Module, RModule, Ruby, Value, method};

use crate::arguments::bytes;
use crate::errors::entry;
use crate::kept::{Held, Holder, Kept, Losable, define_losable};
use crate::wait::wait;

#[magnus::wrap(class = "Doozer::Leader", free_immediately, size)]
pub(crate) struct Leader {
    token: i64,
    kept: Kept<Bridge>,
}

impl Leader {
    pub fn new(leader: Bridge) -> Leader {
        Leader { token: leader.token(), kept: Kept::new(leader) }
    }

    /// What writes are to depend on.
    pub fn fence(&self, ruby: &Ruby) -> Result<Fence, Error> {
        self.kept.fence(ruby, self.token, Bridge::fence)
    }

    fn token(ruby: &Ruby, this: &Leader) -> Result<i64, Error> {
        entry(ruby, "elect", || Ok(this.token))
    }

    fn proclaim(ruby: &Ruby, this: &Leader, value: Value) -> Result<i64, Error> {
        entry(ruby, "proclaim", || {
            let value = bytes(value)?.into();
            wait(ruby, this.kept.call(ruby, "proclaim", |leader| leader.proclaim(value))?)
        })
    }
}

impl Holder for Leader {
    type Handle = Bridge;

    fn kept(&self) -> &Kept<Bridge> {
        &self.kept
    }
}

impl Held for Bridge {
    const GIVE_BACK: &'static str = "resign";

    fn path(&self) -> &str {
        self.path()
    }

    fn is_over(&self) -> bool {
        self.is_over()
    }

    fn give_back(&self) -> Op<()> {
        self.resign()
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
    let class = doozer.define_class("Leader", ruby.class_object())?;
    class.undef_default_alloc_func();
    define_losable!(class, Leader)?;
    class.define_private_method("_token", method!(Leader::token, 0))?;
    class.define_private_method("_proclaim", method!(Leader::proclaim, 1))
}
