//! The native part of the gem `doozer`: converts values, waits in Ruby's way, and raises errors as Ruby's.
//! What a call means, its keyword arguments and its blocks never belong here: see the bridge, and `lib/doozer`.
//!
//! Every method here is private and named with an underscore, or belongs to `Doozer::Native`; `lib/doozer` makes the
//! public ones of them.
//!
//! | module | what it holds |
//! |---|---|
//! | `client`, `recipes`, `stream`, `node`, `txn`, `live` | the classes |
//! | `lock`, `leader`, `registration`, `entered` | those of what is given back; `kept`: what they have in common |
//! | `wait` | waiting without Ruby's lock, or, under a fiber scheduler, letting other fibers run |
//! | `arguments`, `results`, `errors` | from Ruby, to Ruby, and what is raised |

#![allow(missing_docs, reason = "what the macro of `init` makes of it has none")]

mod arguments;
mod client;
mod entered;
mod errors;
mod kept;
mod leader;
mod live;
mod lock;
mod node;
mod recipes;
mod registration;
mod results;
mod stream;
mod txn;
mod wait;

use doozer_bridge::{noop, noop_async};
use magnus::{Error, Ruby, TypedData, function, prelude::*};

/// Called by Ruby when the library is loaded. What is defined anywhere else than here may be called from any ractor.
#[magnus::init(name = "doozer_native")]
fn init(ruby: &Ruby) -> Result<(), Error> {
    let doozer = ruby.define_module("Doozer")?;
    // `lib/doozer.rb` compares it before it uses anything of this library.
    doozer.define_module("Native")?.const_set("VERSION", doozer_bridge::VERSION)?;
    client::define(ruby, doozer)?;
    stream::define(ruby, doozer)?;
    kept::define(ruby, doozer)?;
    lock::define(ruby, doozer)?;
    leader::define(ruby, doozer)?;
    registration::define(ruby, doozer)?;
    entered::define(ruby, doozer)?;
    live::define(ruby, doozer)?;
    txn::define(ruby, doozer)?;
    node::define(ruby, doozer)?;
    wait::define(ruby, doozer)?;
    find_classes(ruby);
    doozer.define_singleton_method("_noop", function!(noop, 0))?;
    doozer.define_singleton_method("_noop_async", function!(round_trip, 0))
}

/// Looks up the classes of this library's objects: done when the first object is made, it could be interrupted.
fn find_classes(ruby: &Ruby) {
    client::Client::class(ruby);
    stream::Stream::class(ruby);
    node::Node::class(ruby);
    lock::Lock::class(ruby);
    leader::Leader::class(ruby);
    registration::Registration::class(ruby);
    entered::Entered::class(ruby);
    live::Live::class(ruby);
    txn::Txn::class(ruby);
}

/// To the runtime and back, for benchmarks.
fn round_trip(ruby: &Ruby) -> Result<(), Error> {
    errors::entry(ruby, "noop", || wait::wait(ruby, noop_async()))
}
