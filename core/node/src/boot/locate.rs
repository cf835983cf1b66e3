//! Where the others are, as long as a member that knows its cluster waits to be brought along.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::registry::BootCluster;
use crate::peers::home::Home;

/// Between two looks: others may come elsewhere meanwhile.
const AGAIN: Duration = Duration::from_secs(2);

/// Goes on until it is dropped.
pub(crate) async fn locate(home: Arc<Home>, boot: BootCluster) {
    loop {
        let registered = async {
            let registry = boot.open().await?;
            let registered = registry.read().await;
            registry.close().await;
            registered
        };
        match registered.await {
            Ok(registered) => home.know(registered.addresses()),
            Err(error) => home.warn("looking for others", boot.words(&error)),
        }
        sleep(AGAIN).await;
    }
}
