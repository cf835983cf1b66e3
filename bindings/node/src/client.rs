//! The handle of a client, and its calls. Each has the number that JavaScript knows it by, a time limit in milliseconds
//! (below 0: the usual one), and, where it reads, whether the member's own state will do.

use doozer_bridge::ListOptions;
use napi::Env;
use napi::bindgen_prelude::{BufferSlice, External};
use napi_derive::napi;

use crate::answer::Answer;
use crate::calls::{Calls, Home};
use crate::options::{ClientOptions, Fenced, call};
use crate::stream::{Items, Stream};
use crate::txn::{Part, whole};

/// A client, with the calls of the environment it was opened in.
pub struct Client {
    pub(crate) core: doozer_bridge::Client,
    pub(crate) calls: Calls,
}

type Handle = External<Client>;

/// See [`doozer_bridge::Client::connect`].
#[napi]
pub fn connect(
    env: &Env,
    home: &External<Home>,
    id: i64,
    uri: Option<String>,
    options: ClientOptions,
) -> napi::Result<()> {
    let calls = (***home).clone();
    let opened = move |core| Answer::Client(Client { core, calls });
    let make = || doozer_bridge::Client::connect(uri.as_deref(), options.into());
    home.begin(env, id, "connect", make, opened)
}

/// See [`doozer_bridge::Client::close`].
#[napi]
pub fn close(env: &Env, client: &Handle, id: i64) -> napi::Result<()> {
    client.calls.begin(env, id, "close", || client.core.close(), |()| Answer::Nothing)
}

/// See [`doozer_bridge::Client::is_closed`].
#[napi]
pub fn is_closed(client: &Handle) -> bool {
    client.core.is_closed()
}

/// See [`doozer_bridge::Client::get`].
#[napi]
pub fn get(
    env: &Env,
    client: &Handle,
    id: i64,
    path: String,
    rev: Option<i64>,
    timeout: f64,
    is_local: bool,
) -> napi::Result<()> {
    let make = || client.core.get(&path, rev, call(timeout, is_local));
    client.calls.begin(env, id, "get", make, Answer::File)
}

/// See [`doozer_bridge::Client::set`].
#[napi]
pub fn set(
    env: &Env,
    client: &Handle,
    id: i64,
    path: String,
    value: BufferSlice<'_>,
    rev: i64,
    timeout: f64,
) -> napi::Result<()> {
    let make = || client.core.set(&path, value.to_vec().into(), rev, call(timeout, false));
    client.calls.begin(env, id, "set", make, Answer::Revision)
}

/// See [`doozer_bridge::Client::set_fenced`].
#[napi]
pub fn set_fenced(
    env: &Env,
    client: &Handle,
    id: i64,
    path: String,
    value: BufferSlice<'_>,
    rev: i64,
    fenced: Fenced,
) -> napi::Result<()> {
    let options = call(fenced.timeout, false);
    let make = || client.core.set_fenced(&path, value.to_vec().into(), rev, fenced.into(), options);
    client.calls.begin(env, id, "set", make, Answer::Revision)
}

/// See [`doozer_bridge::Client::add`].
#[napi]
pub fn add(
    env: &Env,
    client: &Handle,
    id: i64,
    path: String,
    value: BufferSlice<'_>,
    timeout: f64,
) -> napi::Result<()> {
    let make = || client.core.add(&path, value.to_vec().into(), call(timeout, false));
    client.calls.begin(env, id, "add", make, Answer::Revision)
}

/// See [`doozer_bridge::Client::del`]. Gives 0 if there was nothing.
#[napi]
pub fn del(env: &Env, client: &Handle, id: i64, path: String, rev: i64, timeout: f64) -> napi::Result<()> {
    let make = || client.core.del(&path, rev, call(timeout, false));
    client.calls.begin(env, id, "del", make, deleted)
}

/// See [`doozer_bridge::Client::del_fenced`]. Gives 0 if there was nothing.
#[napi]
pub fn del_fenced(
    env: &Env,
    client: &Handle,
    id: i64,
    path: String,
    rev: i64,
    fenced: Fenced,
) -> napi::Result<()> {
    let options = call(fenced.timeout, false);
    let make = || client.core.del_fenced(&path, rev, fenced.into(), options);
    client.calls.begin(env, id, "del", make, deleted)
}

fn deleted(rev: Option<i64>) -> Answer {
    Answer::Revision(rev.unwrap_or_default())
}

/// See [`doozer_bridge::Client::rollback`].
#[napi]
pub fn rollback(
    env: &Env,
    client: &Handle,
    id: i64,
    path: String,
    rev: i64,
    timeout: f64,
) -> napi::Result<()> {
    let make = || client.core.rollback(&path, rev, call(timeout, false));
    client.calls.begin(env, id, "rollback", make, Answer::Revision)
}

/// See [`doozer_bridge::Client::txn`].
#[napi]
pub fn txn(env: &Env, client: &Handle, id: i64, parts: Vec<Part>, timeout: f64) -> napi::Result<()> {
    let make = || client.core.txn(whole(parts), call(timeout, false));
    client.calls.begin(env, id, "txn", make, Answer::Changes)
}

/// See [`doozer_bridge::Client::wait`].
#[napi]
pub fn wait(env: &Env, client: &Handle, id: i64, glob: String, rev: i64, timeout: f64) -> napi::Result<()> {
    let make = || client.core.wait(&glob, rev, call(timeout, false));
    client.calls.begin(env, id, "wait", make, Answer::Event)
}

/// See [`doozer_bridge::Client::stat`].
#[napi]
pub fn stat(
    env: &Env,
    client: &Handle,
    id: i64,
    path: String,
    rev: Option<i64>,
    timeout: f64,
    is_local: bool,
) -> napi::Result<()> {
    let make = || client.core.stat(&path, rev, call(timeout, is_local));
    client.calls.begin(env, id, "stat", make, Answer::Stat)
}

/// See [`doozer_bridge::Client::getdir`].
#[napi]
pub fn getdir(
    env: &Env,
    client: &Handle,
    id: i64,
    path: String,
    rev: Option<i64>,
    timeout: f64,
    is_local: bool,
) -> napi::Result<()> {
    let make = || client.core.getdir(&path, rev, call(timeout, is_local));
    client.calls.begin(env, id, "getdir", make, Answer::Names)
}

/// See [`doozer_bridge::Client::walk`].
#[napi]
pub fn walk(
    env: &Env,
    client: &Handle,
    id: i64,
    glob: String,
    rev: Option<i64>,
    timeout: f64,
    is_local: bool,
) -> napi::Result<()> {
    let make = || client.core.walk(&glob, rev, call(timeout, is_local));
    client.calls.begin(env, id, "walk", make, Answer::Entries)
}

/// See [`doozer_bridge::Client::rev`].
#[napi]
pub fn rev(env: &Env, client: &Handle, id: i64, timeout: f64) -> napi::Result<()> {
    client.calls.begin(env, id, "rev", || client.core.rev(call(timeout, false)), Answer::Revision)
}

/// See [`doozer_bridge::Client::nop`].
#[napi]
pub fn nop(env: &Env, client: &Handle, id: i64, timeout: f64) -> napi::Result<()> {
    client.calls.begin(env, id, "nop", || client.core.nop(call(timeout, false)), |()| Answer::Nothing)
}

/// See [`doozer_bridge::Client::self_id`].
#[napi]
pub fn self_id(env: &Env, client: &Handle, id: i64, timeout: f64) -> napi::Result<()> {
    client.calls.begin(env, id, "self", || client.core.self_id(call(timeout, false)), Answer::Text)
}

/// See [`doozer_bridge::Client::access`].
#[napi]
pub fn access(
    env: &Env,
    client: &Handle,
    id: i64,
    secret: BufferSlice<'_>,
    timeout: f64,
) -> napi::Result<()> {
    let make = || client.core.access(&secret, call(timeout, false));
    client.calls.begin(env, id, "access", make, |()| Answer::Nothing)
}

/// See [`doozer_bridge::Client::list`].
#[napi]
pub fn list(
    client: &Handle,
    glob: String,
    rev: Option<i64>,
    limit: Option<i64>,
    keys_only: bool,
    timeout: f64,
    is_local: bool,
) -> External<Stream> {
    let what = ListOptions { limit: limit.map(i64::unsigned_abs), keys_only };
    let open = || client.core.list(&glob, rev, what, call(timeout, is_local)).map(Items::Entries);
    Stream::open("list", &client.calls, open)
}

/// See [`doozer_bridge::Client::watch`].
#[napi]
pub fn watch(client: &Handle, glob: String, rev: i64) -> External<Stream> {
    Stream::open("watch", &client.calls, || client.core.watch(&glob, rev).map(Items::Events))
}

/// See [`doozer_bridge::Client::config`].
#[napi]
pub fn config(client: &Handle, path: String) -> External<Stream> {
    Stream::open("config", &client.calls, || client.core.config(&path).map(Items::Files))
}

/// See [`doozer_bridge::Client::follow`].
#[napi]
pub fn follow(client: &Handle, glob: String, rev: Option<i64>) -> External<Stream> {
    Stream::open("follow", &client.calls, || client.core.follow(&glob, rev).map(Items::Events))
}

/// See [`doozer_bridge::Client::observe`].
#[napi]
pub fn observe(client: &Handle, path: String) -> External<Stream> {
    Stream::open("observe", &client.calls, || client.core.observe(&path).map(Items::Files))
}
