//! The native part of the Node.js package, as functions over opaque handles: `lib/` makes the package's own shape of it.
//! Nothing here decides anything, and nothing here blocks the event loop.
//!
//! | module | |
//! |---|---|
//! | `calls` | calls under way, and how their results get back to the event loop |
//! | `answer` | results as values of JavaScript |
//! | `options` | what JavaScript says, as the bridge has it |
//! | `client`, `recipes` | what a client does: calls that are over when they are answered, and those that give something to keep |
//! | `txn` | the parts of a transaction |
//! | `held` | what `lock`, `leader` and `entered` have in common, the handles of what may be lost |
//! | `stream`, `live`, `registration`, `node` | the other handles |

#![cfg_attr(test, allow(dead_code, reason = "napi registers nothing when cargo checks this as a test"))]

mod answer;
mod calls;
mod client;
mod entered;
mod held;
mod leader;
mod live;
mod lock;
mod node;
mod options;
mod recipes;
mod registration;
mod stream;
mod txn;

use doozer_bridge::guard;
use napi::Env;
use napi::bindgen_prelude::External;
use napi_derive::napi;

use crate::answer::Answer;
use crate::calls::Home;

/// The version of this module, which the package compares with its own.
#[napi]
pub fn version() -> &'static str {
    doozer_bridge::VERSION
}

/// Does nothing: what a call costs by itself.
#[napi]
pub fn noop() {
    // It has no result, so a panic in it could not be told either.
    let _ = guard("noop", || {
        doozer_bridge::noop();
        Ok(())
    });
}

/// Goes to the runtime and back: what an asynchronous call costs by itself.
#[napi]
pub fn noop_async(env: &Env, calls: &External<Home>, id: i64) -> napi::Result<()> {
    calls.begin(env, id, "noop", doozer_bridge::noop_async, |()| Answer::Nothing)
}
