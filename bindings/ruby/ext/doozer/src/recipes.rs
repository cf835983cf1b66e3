//! `Doozer::Client`: what gives something to keep: locks, elections, services, barriers.
//!
//! The last argument of those that have a block in Ruby is the array in which they leave what they have taken, see
//! `hand_over`; nil without a block.

use magnus::typed_data::Obj;
use magnus::{Error, Module, RArray, RClass, Ruby, Value, method};

use crate::arguments::{bytes, limited, places, text};
use crate::client::Client;
use crate::entered::Entered;
use crate::errors::entry;
use crate::kept::hand_over;
use crate::leader::Leader;
use crate::live::Live;
use crate::lock::Lock;
use crate::registration::Registration;
use crate::stream::Stream;
use crate::wait::wait;

impl Client {
    fn lock(
        ruby: &Ruby,
        this: &Client,
        path: Value,
        timeout: Value,
        given: Option<RArray>,
    ) -> Result<Obj<Lock>, Error> {
        entry(ruby, "lock", || {
            let options = limited(timeout)?;
            let lock = wait(ruby, this.0.lock(&text(path)?, options))?;
            hand_over(ruby, given, Lock::new(lock))
        })
    }

    fn try_lock(
        ruby: &Ruby,
        this: &Client,
        path: Value,
        timeout: Value,
        given: Option<RArray>,
    ) -> Result<Option<Obj<Lock>>, Error> {
        entry(ruby, "try_lock", || {
            let options = limited(timeout)?;
            let lock = wait(ruby, this.0.try_lock(&text(path)?, options))?;
            lock.map(|lock| hand_over(ruby, given, Lock::new(lock))).transpose()
        })
    }

    fn read_lock(
        ruby: &Ruby,
        this: &Client,
        path: Value,
        timeout: Value,
        given: Option<RArray>,
    ) -> Result<Obj<Lock>, Error> {
        entry(ruby, "read_lock", || {
            let options = limited(timeout)?;
            let lock = wait(ruby, this.0.read_lock(&text(path)?, options))?;
            hand_over(ruby, given, Lock::new(lock))
        })
    }

    fn write_lock(
        ruby: &Ruby,
        this: &Client,
        path: Value,
        timeout: Value,
        given: Option<RArray>,
    ) -> Result<Obj<Lock>, Error> {
        entry(ruby, "write_lock", || {
            let options = limited(timeout)?;
            let lock = wait(ruby, this.0.write_lock(&text(path)?, options))?;
            hand_over(ruby, given, Lock::new(lock))
        })
    }

    fn semaphore(
        ruby: &Ruby,
        this: &Client,
        path: Value,
        n: Value,
        timeout: Value,
        given: Option<RArray>,
    ) -> Result<Obj<Lock>, Error> {
        entry(ruby, "semaphore", || {
            let options = limited(timeout)?;
            let lock = wait(ruby, this.0.semaphore(&text(path)?, places(n)?, options))?;
            hand_over(ruby, given, Lock::new(lock))
        })
    }

    fn elect(
        ruby: &Ruby,
        this: &Client,
        path: Value,
        value: Value,
        timeout: Value,
        given: Option<RArray>,
    ) -> Result<Obj<Leader>, Error> {
        entry(ruby, "elect", || {
            let options = limited(timeout)?;
            let leader = wait(ruby, this.0.elect(&text(path)?, bytes(value)?.into(), options))?;
            hand_over(ruby, given, Leader::new(leader))
        })
    }

    fn register(
        ruby: &Ruby,
        this: &Client,
        path: Value,
        value: Value,
        timeout: Value,
        given: Option<RArray>,
    ) -> Result<Obj<Registration>, Error> {
        entry(ruby, "register", || {
            let options = limited(timeout)?;
            let registration = wait(ruby, this.0.register(&text(path)?, bytes(value)?.into(), options))?;
            hand_over(ruby, given, Registration::new(registration))
        })
    }

    fn discover(
        ruby: &Ruby,
        this: &Client,
        glob: Value,
        timeout: Value,
        given: Option<RArray>,
    ) -> Result<Obj<Live>, Error> {
        entry(ruby, "discover", || {
            let options = limited(timeout)?;
            let live = wait(ruby, this.0.discover(&text(glob)?, options))?;
            hand_over(ruby, given, Live::new(live))
        })
    }

    fn enter(
        ruby: &Ruby,
        this: &Client,
        path: Value,
        n: Value,
        timeout: Value,
        given: Option<RArray>,
    ) -> Result<Obj<Entered>, Error> {
        entry(ruby, "enter", || {
            let options = limited(timeout)?;
            let entered = wait(ruby, this.0.enter(&text(path)?, places(n)?, options))?;
            hand_over(ruby, given, Entered::new(entered))
        })
    }

    fn observe(ruby: &Ruby, this: &Client, path: Value) -> Result<Value, Error> {
        entry(ruby, "observe", || Stream::files(ruby, this.0.observe(&text(path)?)))
    }
}

pub(crate) fn define(class: RClass) -> Result<(), Error> {
    class.define_private_method("_lock", method!(Client::lock, 3))?;
    class.define_private_method("_try_lock", method!(Client::try_lock, 3))?;
    class.define_private_method("_read_lock", method!(Client::read_lock, 3))?;
    class.define_private_method("_write_lock", method!(Client::write_lock, 3))?;
    class.define_private_method("_semaphore", method!(Client::semaphore, 4))?;
    class.define_private_method("_elect", method!(Client::elect, 4))?;
    class.define_private_method("_register", method!(Client::register, 4))?;
    class.define_private_method("_discover", method!(Client::discover, 3))?;
    class.define_private_method("_enter", method!(Client::enter, 4))?;
    class.define_private_method("_observe", method!(Client::observe, 1))
}
