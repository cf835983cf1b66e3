//! What the classes of things that are given back have in common: `Doozer::Lock`, `Leader`, `Registration`, `Entered`.
//!
//! Each is a holder of the bridge's handle; the functions here are its native methods, which `define_kept`
//! and `define_losable` define.

use std::cell::RefCell;

use doozer_bridge::{Error as Failure, ErrorKind, Fence, Op};
use magnus::typed_data::Obj;
use magnus::{Error, Module, Object, RArray, RModule, Ruby, TryConvert, TypedData, Value, function};

use crate::arguments::within;
use crate::client::Client;
use crate::entered::Entered;
use crate::errors::{entry, raised};
use crate::leader::Leader;
use crate::live::Live;
use crate::lock::Lock;
use crate::node::Node;
use crate::registration::Registration;
use crate::results;
use crate::wait::wait;

/// A handle of the bridge's, until it is abandoned.
pub(crate) struct Kept<B> {
    path: String,
    /// `None` once it was abandoned. Borrowed only for what neither waits nor calls Ruby.
    handle: RefCell<Option<B>>,
}

/// A class's struct.
pub(crate) trait Holder {
    type Handle: Held;
    fn kept(&self) -> &Kept<Self::Handle>;
}

/// A handle of what is given back.
pub(crate) trait Held {
    /// What giving it back is called.
    const GIVE_BACK: &'static str;
    fn path(&self) -> &str;
    fn is_over(&self) -> bool;
    fn give_back(&self) -> Op<()>;
}

/// A handle of what is given back, and may be lost before.
pub(crate) trait Losable: Held {
    fn lost(&self) -> Op<()>;
    /// What to say of it unless it surely is held.
    fn check(&self) -> Result<(), Failure>;
}

impl<B: Held> Kept<B> {
    pub fn new(handle: B) -> Kept<B> {
        Kept { path: handle.path().to_owned(), handle: RefCell::new(Some(handle)) }
    }

    /// Looks at the handle; `None` if there is none any more.
    pub fn look<T>(&self, look: impl FnOnce(&B) -> T) -> Option<T> {
        self.handle.borrow().as_ref().map(look)
    }

    /// A call of the handle's, named `op`.
    pub fn call<T>(
        &self,
        ruby: &Ruby,
        op: &'static str,
        call: impl FnOnce(&B) -> Op<T>,
    ) -> Result<Op<T>, Error> {
        self.look(call).ok_or_else(|| self.failed(ruby, ErrorKind::Closed, op, "it was left with its block"))
    }

    /// What writes are to depend on. With its handle abandoned it is still refused by the cluster, and by nobody else.
    pub fn fence(
        &self,
        ruby: &Ruby,
        token: i64,
        fence: impl FnOnce(&B) -> Result<Fence, Failure>,
    ) -> Result<Fence, Error> {
        let left = || Ok(Fence { path: self.path.clone(), token });
        self.look(fence).unwrap_or_else(left).map_err(|failure| raised(ruby, &failure))
    }

    fn abandon(&self) {
        let handle = self.handle.borrow_mut().take();
        drop(handle);
    }

    fn failed(&self, ruby: &Ruby, kind: ErrorKind, op: &'static str, detail: &str) -> Error {
        raised(ruby, &Failure::new(kind, op, Some(&self.path), detail))
    }
}

pub(crate) fn path<H: Holder>(ruby: &Ruby, this: &H) -> Result<Value, Error> {
    entry(ruby, "path", || Ok(results::utf8(ruby, &this.kept().path)))
}

/// Whether nothing is left to be done about it.
pub(crate) fn is_over<H: Holder>(ruby: &Ruby, this: &H) -> Result<bool, Error> {
    entry(ruby, "path", || Ok(this.kept().look(Held::is_over).unwrap_or(true)))
}

pub(crate) fn give_back<H: Holder>(ruby: &Ruby, this: &H, timeout: Value) -> Result<(), Error> {
    let name = H::Handle::GIVE_BACK;
    entry(ruby, name, || {
        let op = this.kept().call(ruby, name, Held::give_back)?;
        wait(ruby, within(op, timeout)?)
    })
}

/// Waits until it is lost; what was abandoned is.
pub(crate) fn lost<H: Holder<Handle: Losable>>(ruby: &Ruby, this: &H, timeout: Value) -> Result<(), Error> {
    entry(ruby, "lost", || match this.kept().look(Losable::lost) {
        Some(op) => wait(ruby, within(op, timeout)?),
        None => Ok(()),
    })
}

pub(crate) fn is_held<H: Holder<Handle: Losable>>(ruby: &Ruby, this: &H) -> Result<bool, Error> {
    entry(ruby, "check", || Ok(this.kept().look(|handle| handle.check().is_ok()).unwrap_or(false)))
}

/// Raises unless it surely is held.
pub(crate) fn check<H: Holder<Handle: Losable>>(ruby: &Ruby, this: &H) -> Result<(), Error> {
    entry(ruby, "check", || match this.kept().look(Losable::check) {
        Some(checked) => checked.map_err(|failure| raised(ruby, &failure)),
        None => Err(this.kept().failed(ruby, ErrorKind::LockLost, "check", "it was left with its block")),
    })
}

/// Defines what they all have.
macro_rules! define_kept {
    ($class:expr, $holder:ty) => {{
        $class.define_private_method("_path", method!($crate::kept::path::<$holder>, 0))?;
        $class.define_private_method("_over", method!($crate::kept::is_over::<$holder>, 0))?;
        $class.define_private_method("_give_back", method!($crate::kept::give_back::<$holder>, 1))
    }};
}

/// Defines what those have that may be lost.
macro_rules! define_losable {
    ($class:expr, $holder:ty) => {{
        $crate::kept::define_kept!($class, $holder)?;
        $class.define_private_method("_lost", method!($crate::kept::lost::<$holder>, 1))?;
        $class.define_private_method("_held", method!($crate::kept::is_held::<$holder>, 0))?;
        $class.define_private_method("_check", method!($crate::kept::check::<$holder>, 0))
    }};
}

pub(crate) use {define_kept, define_losable};

/// Makes an object of what a call has taken. It is in `given`, too, before Ruby can look for interrupts, as it does when the
/// call returns: so whoever has `given` can give back what the call could not return any more.
pub(crate) fn hand_over<T: TypedData>(ruby: &Ruby, given: Option<RArray>, taken: T) -> Result<Obj<T>, Error> {
    let taken = ruby.obj_wrap(taken);
    given.map_or(Ok(()), |given| given.push(taken))?;
    Ok(taken)
}

/// Lets go of what was given to a block, without waiting: what is still held is given back in the background, what is still
/// open is closed there.
fn abandon(ruby: &Ruby, given: RArray) -> Result<(), Error> {
    entry(ruby, "abandon", || {
        for one in given {
            if let Ok(lock) = <&Lock>::try_convert(one) {
                lock.kept().abandon();
            } else if let Ok(leader) = <&Leader>::try_convert(one) {
                leader.kept().abandon();
            } else if let Ok(registration) = <&Registration>::try_convert(one) {
                registration.kept().abandon();
            } else if let Ok(entered) = <&Entered>::try_convert(one) {
                entered.kept().abandon();
            } else if let Ok(live) = <&Live>::try_convert(one) {
                live.abandon();
            } else if let Ok(client) = <&Client>::try_convert(one) {
                client.abandon();
            } else if let Ok(node) = <&Node>::try_convert(one) {
                node.abandon();
            }
        }
        Ok(())
    })
}

pub(crate) fn define(_ruby: &Ruby, doozer: RModule) -> Result<(), Error> {
    let native: RModule = doozer.const_get("Native")?;
    native.define_singleton_method("abandon", function!(abandon, 1))
}
