//! The handle of a lock that is held.

use napi::Env;
use napi::bindgen_prelude::External;
use napi_derive::napi;

use crate::answer::Answer;
use crate::calls::Calls;
use crate::options::limit;

/// A lock, with the calls of the environment it was taken in.
pub struct Lock {
    pub(crate) core: doozer_bridge::Lock,
    pub(crate) calls: Calls,
}

/// See [`doozer_bridge::Lock::is_held`].
#[napi]
pub fn is_held(lock: &External<Lock>) -> bool {
    lock.core.is_held()
}

/// See [`doozer_bridge::Lock::unlock`]. A time limit below 0 is the usual one.
#[napi]
pub fn unlock(env: &Env, lock: &External<Lock>, id: i64, timeout: f64) -> napi::Result<()> {
    let make = || match limit(timeout) {
        Some(limit) => lock.core.unlock().with_limit(limit),
        None => lock.core.unlock(),
    };
    lock.calls.begin(env, id, "unlock", make, |()| Answer::Nothing)
}
