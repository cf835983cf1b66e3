//! The handle of who was elected.

use napi::Env;
use napi::bindgen_prelude::{BufferSlice, External};
use napi_derive::napi;

use crate::answer::Answer;
use crate::held::Held;
use crate::options::limited;

/// Who was elected.
pub type Leader = Held<doozer_bridge::Leader>;

/// See [`doozer_bridge::Leader::is_leading`].
#[napi]
pub fn is_leading(leader: &External<Leader>) -> bool {
    leader.core.is_leading()
}

/// See [`doozer_bridge::Leader::is_over`].
#[napi]
pub fn leader_is_over(leader: &External<Leader>) -> bool {
    leader.core.is_over()
}

/// See [`doozer_bridge::Leader::lost`].
#[napi]
pub fn leader_lost(leader: &External<Leader>, id: i64) {
    leader.watch(id, doozer_bridge::Leader::lost);
}

/// See [`doozer_bridge::Leader::proclaim`]. A time limit below 0 is the usual one.
#[napi]
pub fn proclaim(
    env: &Env,
    leader: &External<Leader>,
    id: i64,
    value: BufferSlice<'_>,
    timeout: f64,
) -> napi::Result<()> {
    let make = || limited(leader.core.proclaim(value.to_vec().into()), timeout);
    leader.calls.begin(env, id, "proclaim", make, Answer::Revision)
}

/// See [`doozer_bridge::Leader::resign`]. A time limit below 0 is the usual one.
#[napi]
pub fn resign(env: &Env, leader: &External<Leader>, id: i64, timeout: f64) -> napi::Result<()> {
    let make = || limited(leader.core.resign(), timeout);
    leader.calls.begin(env, id, "resign", make, |()| Answer::Nothing)
}
