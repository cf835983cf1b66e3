//! What a scenario has opened: member, proxy, clients, streams, what is held, and calls under way.

use std::collections::HashMap;
use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use doozer::node::{Config, Data, History, Node, Secrets};
use doozer::{Client, Error, Options};
use tempfile::TempDir;

use crate::call::{Background, Opened};
use crate::kept::Kept;
use crate::proxy::Proxy;
use crate::scenario::{Scenario, Via};

/// How long opening a client may take unless the step says otherwise.
pub(crate) const LIMIT: Duration = Duration::from_secs(10);

pub(crate) struct World {
    config: Config,
    via: Via,
    data: Option<TempDir>,
    pub node: Option<Node>,
    pub proxy: Option<Proxy>,
    pub clients: HashMap<String, Client>,
    pub streams: HashMap<String, Opened>,
    /// What calls gave to be kept, whether it is still held or not.
    pub kept: HashMap<String, Arc<Kept>>,
    pub calls: HashMap<String, Background>,
    pub saved: HashMap<String, i64>,
}

impl World {
    /// Starts the member, the proxy and the client `c`, as far as the scenario has them.
    pub async fn open(scenario: &Scenario) -> Result<World, String> {
        let data = scenario.durable.then(TempDir::new).transpose();
        let data = data.map_err(|error| format!("a temporary folder: {error}"))?;
        let mut world = World {
            config: config(scenario, data.as_ref()),
            via: scenario.via,
            data,
            node: None,
            proxy: None,
            clients: HashMap::new(),
            streams: HashMap::new(),
            kept: HashMap::new(),
            calls: HashMap::new(),
            saved: HashMap::new(),
        };
        world.start().await?;
        if scenario.via == Via::Proxy {
            world.put_proxy_before().await?;
        }
        if scenario.via != Via::None {
            let client = world.connect(None, None, options(LIMIT)).await?;
            world.clients.insert("c".to_owned(), client.map_err(|error| format!("opening `c`: {error}"))?);
        }
        Ok(world)
    }

    /// Starts the member.
    pub async fn start(&mut self) -> Result<(), String> {
        if self.node.is_some() {
            return Err("the member runs already".to_owned());
        }
        let node = Node::start(self.config.clone()).await;
        self.node = Some(node.map_err(|error| format!("the member does not start: {error}"))?);
        Ok(())
    }

    /// The member, which runs.
    pub fn running(&self) -> Result<&Node, String> {
        self.node.as_ref().ok_or_else(|| "the member is stopped".to_owned())
    }

    async fn put_proxy_before(&mut self) -> Result<(), String> {
        let node = self.running()?;
        let address = node.address().ok_or("a member behind a proxy has to listen")?;
        let proxy = Proxy::start(address).await?;
        // What clients learn of the member's address leads to the proxy too.
        let path = format!("/ctl/node/{}/addr", node.id());
        let client = self.embedded(options(LIMIT)).await?.map_err(|error| error.to_string())?;
        client.set(&path, proxy.address().to_owned(), -1).await.map_err(|error| error.to_string())?;
        client.close().await;
        self.proxy = Some(proxy);
        Ok(())
    }

    async fn embedded(&self, options: Options) -> Result<Result<Client, Error>, String> {
        let embedded = self.running()?.embedded().clone();
        Ok(Client::over(move || ready(embedded.connect()), options).await)
    }

    /// Opens a client, the scenario's way unless `via` says otherwise. The inner error is the client's.
    pub async fn connect(
        &self,
        via: Option<Via>,
        secret: Option<&str>,
        options: Options,
    ) -> Result<Result<Client, Error>, String> {
        let address = match via.unwrap_or(self.via) {
            Via::Embedded => return self.embedded(options).await,
            Via::Proxy => self.proxy.as_ref().ok_or("there is no proxy")?.address().to_owned(),
            Via::Tcp | Via::None => {
                self.running()?.address().ok_or("the member listens nowhere")?.to_string()
            }
        };
        let secret = secret.map(|secret| format!("&sk={secret}")).unwrap_or_default();
        Ok(Client::open(&format!("doozer:?ca={address}{secret}"), options).await)
    }

    /// Ends everything.
    pub async fn close(self) {
        let World { node, proxy, clients, streams, kept, calls, data, .. } = self;
        calls.into_values().for_each(|call| call.task.abort());
        drop(streams);
        drop(kept);
        for client in clients.into_values() {
            client.close().await;
        }
        drop(proxy);
        if let Some(node) = node {
            node.stop().await;
        }
        drop(data);
    }
}

/// What clients are opened with. The environment has no say.
pub(crate) fn options(connect_timeout: Duration) -> Options {
    Options { connect_timeout, boot: None, ..Options::default() }
}

fn config(scenario: &Scenario, data: Option<&TempDir>) -> Config {
    let default = Config::default();
    let revisions_max = scenario.history.unwrap_or(default.history.revisions_max);
    Config {
        listen: scenario.listen.then(|| "127.0.0.1:0".to_owned()),
        data: data.map_or(Data::Memory, |data| Data::Directory(data.path().to_owned())),
        history: History { revisions_max, ..default.history },
        secrets: Secrets::new(scenario.secret.clone(), scenario.read_secret.clone()),
        ..default
    }
}
