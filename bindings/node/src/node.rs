//! The handle of a member within this process.

use doozer_bridge::guard;
use napi::Env;
use napi::bindgen_prelude::{Array, External};
use napi_derive::napi;

use crate::answer::{Answer, Fields, write_file};
use crate::calls::{Calls, Home};
use crate::client::Client;
use crate::options::{ClientOptions, NodeOptions};

/// A member, with the calls of the environment it was started in.
pub struct Node {
    pub(crate) core: doozer_bridge::Node,
    calls: Calls,
}

/// See [`doozer_bridge::Node::start`].
#[napi]
pub fn start(env: &Env, home: &External<Home>, id: i64, options: NodeOptions) -> napi::Result<()> {
    let calls = (***home).clone();
    let started = move |core| Answer::Node(Node { core, calls });
    home.begin(env, id, "start", || doozer_bridge::Node::start(options.into()), started)
}

/// See [`doozer_bridge::Node::client`].
#[napi]
pub fn node_client(env: &Env, node: &External<Node>, id: i64, options: ClientOptions) -> napi::Result<()> {
    let calls = node.calls.clone();
    let opened = move |core| Answer::Client(Client { core, calls });
    node.calls.begin(env, id, "connect", || node.core.client(options.into()), opened)
}

/// See [`doozer_bridge::Node::get_local`]. Gives what [`Answer::write`] says.
#[napi]
pub fn get_local<'env>(
    env: &'env Env,
    node: &External<Node>,
    path: String,
    rev: Option<i64>,
) -> napi::Result<Array<'env>> {
    match guard("get_local", || node.core.get_local(&path, rev)) {
        Ok(file) => {
            let mut fields = Fields::new(env)?;
            write_file(&mut fields, file.value.as_deref(), file.rev)?;
            Ok(fields.into())
        }
        Err(error) => Answer::Failure(error).alone(env),
    }
}

/// See [`doozer_bridge::Node::revision`]. Gives what [`Answer::write`] says.
#[napi]
pub fn revision<'env>(env: &'env Env, node: &External<Node>) -> napi::Result<Array<'env>> {
    guard("revision", || node.core.revision()).map_or_else(Answer::Failure, Answer::Revision).alone(env)
}

/// See [`doozer_bridge::Node::stop`].
#[napi]
pub fn stop(env: &Env, node: &External<Node>, id: i64) -> napi::Result<()> {
    node.calls.begin(env, id, "stop", || node.core.stop(), |()| Answer::Nothing)
}
