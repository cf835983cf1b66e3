//! `Doozer::Registration`: a service that was registered.

use doozer_bridge::{Op, Registration as Bridge};
use magnus::{Class, Error, Module, RModule, Ruby, method};

use crate::errors::entry;
use crate::kept::{Held, Holder, Kept, define_kept};

#[magnus::wrap(class = "Doozer::Registration", free_immediately, size)]
pub(crate) struct Registration(Kept<Bridge>);

impl Registration {
    pub fn new(registration: Bridge) -> Registration {
        Registration(Kept::new(registration))
    }

    fn rev(ruby: &Ruby, this: &Registration) -> Result<Option<i64>, Error> {
        entry(ruby, "register", || Ok(this.0.look(Bridge::rev).flatten()))
    }
}

impl Holder for Registration {
    type Handle = Bridge;

    fn kept(&self) -> &Kept<Bridge> {
        &self.0
    }
}

impl Held for Bridge {
    const GIVE_BACK: &'static str = "deregister";

    fn path(&self) -> &str {
        self.path()
    }

    fn is_over(&self) -> bool {
        self.is_over()
    }

    fn give_back(&self) -> Op<()> {
        self.deregister()
    }
}

pub(crate) fn define(ruby: &Ruby, doozer: RModule) -> Result<(), Error> {
    let class = doozer.define_class("Registration", ruby.class_object())?;
    class.undef_default_alloc_func();
    define_kept!(class, Registration)?;
    class.define_private_method("_rev", method!(Registration::rev, 0))
}
