//! The handle of a service that was registered.

use doozer_bridge::guard;
use napi::Env;
use napi::bindgen_prelude::{Array, External};
use napi_derive::napi;

use crate::answer::Answer;
use crate::calls::Calls;
use crate::options::limited;

/// A service, with the calls of the environment it was registered in.
pub struct Registration {
    pub(crate) core: doozer_bridge::Registration,
    pub(crate) calls: Calls,
}

/// See [`doozer_bridge::Registration::rev`]. Gives what [`Answer::write`] says: a revision or null.
#[napi]
pub fn registration_rev<'env>(
    env: &'env Env,
    registration: &External<Registration>,
) -> napi::Result<Array<'env>> {
    let rev = guard("register", || Ok(registration.core.rev()));
    rev.map_or_else(Answer::Failure, |rev| rev.map_or(Answer::None, Answer::Revision)).alone(env)
}

/// See [`doozer_bridge::Registration::is_over`].
#[napi]
pub fn registration_is_over(registration: &External<Registration>) -> bool {
    registration.core.is_over()
}

/// See [`doozer_bridge::Registration::deregister`]. A time limit below 0 is the usual one.
#[napi]
pub fn deregister(
    env: &Env,
    registration: &External<Registration>,
    id: i64,
    timeout: f64,
) -> napi::Result<()> {
    let make = || limited(registration.core.deregister(), timeout);
    registration.calls.begin(env, id, "deregister", make, |()| Answer::Nothing)
}
