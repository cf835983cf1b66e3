//! `Doozer::Entered`: who went through a barrier.

use doozer_bridge::{Entered as Bridge, Error as Failure, Op};
use magnus::{Class, Error, Module, RModule, Ruby, method};

use crate::kept::{Held, Holder, Kept, Losable, define_losable};

#[magnus::wrap(class = "Doozer::Entered", free_immediately, size)]
pub(crate) struct Entered(Kept<Bridge>);

impl Entered {
    pub fn new(entered: Bridge) -> Entered {
        Entered(Kept::new(entered))
    }
}

impl Holder for Entered {
    type Handle = Bridge;

    fn kept(&self) -> &Kept<Bridge> {
        &self.0
    }
}

impl Held for Bridge {
    const GIVE_BACK: &'static str = "leave";

    fn path(&self) -> &str {
        self.path()
    }

    fn is_over(&self) -> bool {
        self.is_over()
    }

    fn give_back(&self) -> Op<()> {
        self.leave()
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
    let class = doozer.define_class("Entered", ruby.class_object())?;
    class.undef_default_alloc_func();
    define_losable!(class, Entered)
}
