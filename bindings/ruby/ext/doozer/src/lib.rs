//! The native part of the gem `doozer`: converts values, waits in Ruby's way, and raises errors as Ruby's.
//! What a call means, its keyword arguments and its blocks never belong here: see the bridge, and `lib/doozer`.
//!
//! Every method here is private and named with an underscore, or belongs to `Doozer::Native`; `lib/doozer` makes the
//! public ones of them.
//!
//! | module | what it holds |
//! |---|---|
//! | `client`, `stream`, `lock`, `node` | the classes |
//! | `wait` | waiting without Ruby's lock, or, under a fiber scheduler, letting other fibers run |
//! | `arguments`, `results`, `errors` | from Ruby, to Ruby, and what is raised |

#![allow(missing_docs, reason = "what the macro of `init` makes of it has none")]

mod arguments;
mod client;
mod errors;
mod lock;
mod node;
mod results;
mod stream;
mod wait;

use doozer_bridge::{noop, noop_async};
use magnus::{Error, Ruby, function, prelude::*};

/// Called by Ruby when the library is loaded. What is defined anywhere else than here may be called from any ractor.
#[magnus::init(name = "doozer_native")]
fn init(ruby: &Ruby) -> Result<(), Error> {
    let doozer = ruby.define_module("Doozer")?;
    // `lib/doozer.rb` compares it before it uses anything of this library.
    doozer.define_module("Native")?.const_set("VERSION", doozer_bridge::VERSION)?;
    client::define(ruby, doozer)?;
    stream::define(ruby, doozer)?;
    lock::define(ruby, doozer)?;
    node::define(ruby, doozer)?;
    wait::define(ruby, doozer)?;
    doozer.define_singleton_method("_noop", function!(noop, 0))?;
    doozer.define_singleton_method("_noop_async", function!(round_trip, 0))
}

/// To the runtime and back, for benchmarks.
fn round_trip(ruby: &Ruby) -> Result<(), Error> {
    errors::entry(ruby, "noop", || wait::wait(ruby, noop_async()))
}
