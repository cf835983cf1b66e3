//! Whom a member that has nothing joins, or whether it founds a cluster: it registers, and asks everybody who is registered.

use std::sync::Arc;
use std::time::Duration;

use doozer_client::{Error, ErrorKind};
use tokio::time::sleep;

use super::judge::{Judged, Round, Seeker};
use super::registry::{BootCluster, Registry};
use crate::error::StartError;
use crate::peers::ask::{Seen, There, ask_all};
use crate::peers::home::Home;
use crate::peers::meet::{AGAIN, Fate};

/// Before another try when the boot cluster does not answer.
const AWAY: Duration = Duration::from_secs(1);

/// Asks, until it is clear what becomes of this member. One that founds a cluster leaves places for so many voters, itself
/// included. Cancel-safe.
///
/// # Errors
/// The certificates for the boot cluster cannot be used. Anything else is told, and waited for.
pub(crate) async fn seek(home: &Arc<Home>, boot: &BootCluster, voters: usize) -> Result<Fate, StartError> {
    home.looks_for(Some(boot.name()));
    let registry = open(home, boot).await?;
    let me = Seeker {
        address: home.introduction().address,
        attach: home.known(),
        name: boot.name().to_owned(),
        place: boot.place(),
        only_joins: home.introduction().only_joins,
    };
    let (mut seen, mut before) = (Seen::default(), None);
    let fate = loop {
        let round = match round(home, &me, &registry).await {
            Ok(round) => round,
            Err(error) => {
                home.warn("waiting", boot.words(&error));
                sleep(AWAY).await;
                continue;
            }
        };
        seen.note(&round.answers);
        match me.judge(&round, before.as_ref(), &seen) {
            Judged::Join(cluster, member) => {
                home.looks_for(None);
                // Those it will ask to bring it along.
                home.know(round.registered.addresses());
                break Fate::Join(cluster, member);
            }
            Judged::Claim { over } => {
                if claim(home, boot, &registry, over).await {
                    break Fate::Found(voters);
                }
                before = None;
                continue;
            }
            Judged::Again => {}
            Judged::Wait(why) => home.warn("waiting", why),
        }
        before = Some(round);
        sleep(AGAIN).await;
    };
    registry.close().await;
    Ok(fate)
}

async fn open(home: &Home, boot: &BootCluster) -> Result<Registry, StartError> {
    loop {
        match boot.open().await {
            Ok(registry) => return Ok(registry),
            // A file for TLS.
            Err(error) if error.kind() == ErrorKind::Io => return Err(StartError::Boot(error)),
            Err(error) => home.warn("waiting", boot.words(&error)),
        }
        sleep(AWAY).await;
    }
}

/// One look: what is registered, this member included, and then who is there.
async fn round(home: &Arc<Home>, me: &Seeker, registry: &Registry) -> Result<Round, Error> {
    let id = home.id().to_string();
    let mut registered = registry.read().await?;
    while !registered.holds(&id, &me.address) {
        registry.register(&id, &me.address).await?;
        registered = registry.read().await?;
    }
    let mut places: Vec<_> = registered.addresses().chain(me.attach.iter().cloned()).collect();
    places.sort();
    places.dedup();
    let answers: Vec<(_, There)> = ask_all(home, places).await;
    Ok(Round::new(&me.name, registered, answers))
}

/// Tries to take the claim; whether it is this member's. A SET of which the answer is lost may still be made, so it does not
/// end before it is clear whose the claim is: one that was made since makes any such SET fail.
async fn claim(home: &Home, boot: &BootCluster, registry: &Registry, over: i64) -> bool {
    let id = home.id().to_string();
    // From here on nobody may take it for one that founds nothing.
    home.looks_for(None);
    loop {
        let held = match registry.claim(&id, over).await {
            Ok(true) => return true,
            Ok(false) => registry.holder().await,
            Err(error) => {
                home.warn("waiting", boot.words(&error));
                registry.holder().await
            }
        };
        match held {
            Ok(Some(claim)) if claim.id == id => return true,
            Ok(Some(claim)) if claim.rev > over => {
                home.looks_for(Some(boot.name()));
                return false;
            }
            Ok(_) => {}
            Err(error) => home.warn("waiting", boot.words(&error)),
        }
        sleep(AGAIN).await;
    }
}
