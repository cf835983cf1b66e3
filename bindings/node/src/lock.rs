//! The handle of a lock.

use napi::Env;
use napi::bindgen_prelude::External;
use napi_derive::napi;

use crate::answer::Answer;
use crate::held::Held;
use crate::options::limited;

/// A lock of any kind.
pub type Lock = Held<doozer_bridge::Lock>;

/// See [`doozer_bridge::Lock::is_held`].
#[napi]
pub fn lock_is_held(lock: &External<Lock>) -> bool {
    lock.core.is_held()
}

/// See [`doozer_bridge::Lock::is_over`].
#[napi]
pub fn lock_is_over(lock: &External<Lock>) -> bool {
    lock.core.is_over()
}

/// See [`doozer_bridge::Lock::valid_for`], in milliseconds.
#[napi]
pub fn valid_for(lock: &External<Lock>) -> f64 {
    lock.core.valid_for().as_secs_f64() * 1e3
}

/// See [`doozer_bridge::Lock::lost`].
#[napi]
pub fn lock_lost(lock: &External<Lock>, id: i64) {
    lock.watch(id, doozer_bridge::Lock::lost);
}

/// See [`doozer_bridge::Lock::unlock`]. A time limit below 0 is the usual one.
#[napi]
pub fn unlock(env: &Env, lock: &External<Lock>, id: i64, timeout: f64) -> napi::Result<()> {
    let make = || limited(lock.core.unlock(), timeout);
    lock.calls.begin(env, id, "unlock", make, |()| Answer::Nothing)
}
