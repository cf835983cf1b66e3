//! The handle of who went through a barrier.

use napi::Env;
use napi::bindgen_prelude::External;
use napi_derive::napi;

use crate::answer::Answer;
use crate::held::Held;
use crate::options::limited;

/// Who went through a barrier.
pub type Entered = Held<doozer_bridge::Entered>;

/// See [`doozer_bridge::Entered::is_inside`].
#[napi]
pub fn is_inside(entered: &External<Entered>) -> bool {
    entered.core.is_inside()
}

/// See [`doozer_bridge::Entered::is_over`].
#[napi]
pub fn entered_is_over(entered: &External<Entered>) -> bool {
    entered.core.is_over()
}

/// See [`doozer_bridge::Entered::lost`].
#[napi]
pub fn entered_lost(entered: &External<Entered>, id: i64) {
    entered.watch(id, doozer_bridge::Entered::lost);
}

/// See [`doozer_bridge::Entered::leave`]. A time limit below 0 is none.
#[napi]
pub fn leave(env: &Env, entered: &External<Entered>, id: i64, timeout: f64) -> napi::Result<()> {
    let make = || limited(entered.core.leave(), timeout);
    entered.calls.begin(env, id, "leave", make, |()| Answer::Nothing)
}
