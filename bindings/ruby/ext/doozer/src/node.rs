//! `Doozer::Node`: a member within this process.

use doozer_bridge::{Data, Node as Bridge, NodeConfig, Secrets, TlsFiles};
use magnus::typed_data::Obj;
use magnus::{Class, Error, Module, Object, RArray, RHash, RModule, Ruby, Value, function, method};

use crate::arguments::{self, Keywords, rev_or_now, text};
use crate::client::Client;
use crate::errors::{entry, raised};
use crate::kept::hand_over;
use crate::results;
use crate::wait::wait;

#[magnus::wrap(class = "Doozer::Node", free_immediately, size)]
pub(crate) struct Node(Bridge);

impl Node {
    fn start(ruby: &Ruby, keywords: RHash, given: Option<RArray>) -> Result<Obj<Node>, Error> {
        entry(ruby, "start", || {
            let config = config(&Keywords { ruby, hash: keywords })?;
            hand_over(ruby, given, Node(wait(ruby, Bridge::start(config))?))
        })
    }

    /// Stops it in the background, unless that was begun.
    pub fn abandon(&self) {
        drop(self.0.stop());
    }

    fn client(
        ruby: &Ruby,
        this: &Node,
        keywords: RHash,
        given: Option<RArray>,
    ) -> Result<Obj<Client>, Error> {
        entry(ruby, "connect", || {
            let options = arguments::options(&Keywords { ruby, hash: keywords })?;
            hand_over(ruby, given, Client(wait(ruby, this.0.client(options))?))
        })
    }

    fn get_local(ruby: &Ruby, this: &Node, path: Value, at: Value) -> Result<Value, Error> {
        entry(ruby, "get_local", || {
            let file = this.0.get_local(&text(path)?, rev_or_now(at)?);
            results::local_file(ruby, file.map_err(|failure| raised(ruby, &failure))?)
        })
    }

    fn revision(ruby: &Ruby, this: &Node) -> Result<i64, Error> {
        entry(ruby, "rev", || this.0.revision().map_err(|failure| raised(ruby, &failure)))
    }

    fn id(ruby: &Ruby, this: &Node) -> Result<Value, Error> {
        entry(ruby, "self", || Ok(results::utf8(ruby, this.0.id())))
    }

    fn cluster_name(ruby: &Ruby, this: &Node) -> Result<Value, Error> {
        entry(ruby, "self", || Ok(results::utf8(ruby, this.0.cluster_name())))
    }

    fn address(ruby: &Ruby, this: &Node) -> Result<Option<Value>, Error> {
        entry(ruby, "self", || Ok(this.0.address().map(|address| results::utf8(ruby, &address.to_string()))))
    }

    fn stop(ruby: &Ruby, this: &Node) -> Result<(), Error> {
        entry(ruby, "stop", || wait(ruby, this.0.stop()))
    }
}

fn config(given: &Keywords<'_>) -> Result<NodeConfig, Error> {
    let mut config = NodeConfig { listen: given.text("listen")?, ..NodeConfig::default() };
    if let Some(directory) = given.file("data_dir")? {
        config.data = Data::Directory(directory);
    }
    config.cluster_name = given.text("cluster_name")?.unwrap_or(config.cluster_name);
    config.hostname = given.text("hostname")?.unwrap_or(config.hostname);
    config.history.revisions_max = given.count("history")?.unwrap_or(config.history.revisions_max);
    config.history.bytes_max = given.count("history_bytes")?.unwrap_or(config.history.bytes_max);
    config.value_bytes_max = given.count("max_value")?.unwrap_or(config.value_bytes_max);
    config.secrets = Secrets::new(given.text("secret")?, given.text("read_secret")?);
    config.tls = match (given.file("tls_cert")?, given.file("tls_key")?, given.file("tls_ca")?) {
        (Some(certificate), Some(key), client_ca) => Some(TlsFiles { certificate, key, client_ca }),
        (None, None, None) => None,
        _ => return Err(given.wrong("tls_cert: and tls_key: go together, and tls_ca: needs both")),
    };
    Ok(config)
}

pub(crate) fn define(ruby: &Ruby, doozer: RModule) -> Result<(), Error> {
    let native: RModule = doozer.const_get("Native")?;
    native.define_singleton_method("start", function!(Node::start, 2))?;
    let class = doozer.define_class("Node", ruby.class_object())?;
    class.undef_default_alloc_func();
    class.define_private_method("_client", method!(Node::client, 2))?;
    class.define_private_method("_get_local", method!(Node::get_local, 2))?;
    class.define_private_method("_revision", method!(Node::revision, 0))?;
    class.define_private_method("_id", method!(Node::id, 0))?;
    class.define_private_method("_cluster_name", method!(Node::cluster_name, 0))?;
    class.define_private_method("_address", method!(Node::address, 0))?;
    class.define_private_method("_stop", method!(Node::stop, 0))
}
