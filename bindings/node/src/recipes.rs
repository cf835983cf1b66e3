//! The calls of a client that give something to be kept, or wait for their turn. As those of `client`.

use napi::Env;
use napi::bindgen_prelude::{BufferSlice, External};
use napi_derive::napi;

use crate::answer::Answer;
use crate::client::Client;
use crate::held::Held;
use crate::live::Live;
use crate::options::call;
use crate::registration::Registration;
use crate::stream::{Items, Stream};

type Handle = External<Client>;

/// Makes the answer of a lock that was taken.
fn taken(client: &Client) -> impl FnOnce(doozer_bridge::Lock) -> Answer + Send + 'static {
    let calls = client.calls.clone();
    move |core| Answer::Lock(Held::new(core, calls))
}

/// See [`doozer_bridge::Client::lock`].
#[napi]
pub fn lock(env: &Env, client: &Handle, id: i64, path: String, timeout: f64) -> napi::Result<()> {
    let make = || client.core.lock(&path, call(timeout, false));
    client.calls.begin(env, id, "lock", make, taken(client))
}

/// See [`doozer_bridge::Client::try_lock`]. Gives null if somebody holds it.
#[napi]
pub fn try_lock(env: &Env, client: &Handle, id: i64, path: String, timeout: f64) -> napi::Result<()> {
    let make = || client.core.try_lock(&path, call(timeout, false));
    let taken = taken(client);
    client.calls.begin(env, id, "try_lock", make, |lock| lock.map_or(Answer::None, taken))
}

/// See [`doozer_bridge::Client::read_lock`].
#[napi]
pub fn read_lock(env: &Env, client: &Handle, id: i64, path: String, timeout: f64) -> napi::Result<()> {
    let make = || client.core.read_lock(&path, call(timeout, false));
    client.calls.begin(env, id, "read_lock", make, taken(client))
}

/// See [`doozer_bridge::Client::write_lock`].
#[napi]
pub fn write_lock(env: &Env, client: &Handle, id: i64, path: String, timeout: f64) -> napi::Result<()> {
    let make = || client.core.write_lock(&path, call(timeout, false));
    client.calls.begin(env, id, "write_lock", make, taken(client))
}

/// See [`doozer_bridge::Client::semaphore`].
#[napi]
pub fn semaphore(
    env: &Env,
    client: &Handle,
    id: i64,
    path: String,
    n: i64,
    timeout: f64,
) -> napi::Result<()> {
    let make = || client.core.semaphore(&path, so_many(n), call(timeout, false));
    client.calls.begin(env, id, "semaphore", make, taken(client))
}

/// See [`doozer_bridge::Client::elect`].
#[napi]
pub fn elect(
    env: &Env,
    client: &Handle,
    id: i64,
    path: String,
    value: BufferSlice<'_>,
    timeout: f64,
) -> napi::Result<()> {
    let calls = client.calls.clone();
    let make = || client.core.elect(&path, value.to_vec().into(), call(timeout, false));
    client.calls.begin(env, id, "elect", make, |core| Answer::Leader(Held::new(core, calls)))
}

/// See [`doozer_bridge::Client::register`].
#[napi]
pub fn register(
    env: &Env,
    client: &Handle,
    id: i64,
    path: String,
    value: BufferSlice<'_>,
    timeout: f64,
) -> napi::Result<()> {
    let calls = client.calls.clone();
    let make = || client.core.register(&path, value.to_vec().into(), call(timeout, false));
    let registered = |core| Answer::Registration(Registration { core, calls });
    client.calls.begin(env, id, "register", make, registered)
}

/// See [`doozer_bridge::Client::discover`]. Gives a stream of maps.
#[napi]
pub fn discover(env: &Env, client: &Handle, id: i64, glob: String, timeout: f64) -> napi::Result<()> {
    let calls = client.calls.clone();
    let opened = |core| match Live::new(core) {
        Ok(live) => Answer::Stream(Stream::of(Items::Maps(live), calls)),
        Err(error) => Answer::Failure(error),
    };
    let make = || client.core.discover(&glob, call(timeout, false));
    client.calls.begin(env, id, "discover", make, opened)
}

/// See [`doozer_bridge::Client::enter`].
#[napi]
pub fn enter(env: &Env, client: &Handle, id: i64, path: String, n: i64, timeout: f64) -> napi::Result<()> {
    let calls = client.calls.clone();
    let make = || client.core.enter(&path, so_many(n), call(timeout, false));
    client.calls.begin(env, id, "enter", make, |core| Answer::Entered(Held::new(core, calls)))
}

/// A number that `lib/` has found to be none below 0.
fn so_many(n: i64) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}
