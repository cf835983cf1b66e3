//! From nothing to a connection whose first words are said: every place is tried, not only the first that answers.

use std::sync::Arc;
use std::time::Duration;

use doozer_wire::ErrorKind;
use tokio::time::timeout;

use crate::calls::Failure;
use crate::handshake::{Refused, introduce};
use crate::link::Link;
use crate::network::Network;
use crate::shared::Shared;
use crate::transport::{BoxTransport, Connector, HangUp};

/// How long one attempt may take, handshake included.
pub(crate) const ATTEMPT: Duration = Duration::from_secs(5);

/// Where connections come from.
pub(crate) enum Dialer {
    Network(Arc<Network>),
    Over(Box<dyn Connector>),
}

/// Why a round of attempts brought no connection.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unreachable {
    /// Another round may bring one.
    Now(String),
    /// Another round will fail too: whoever waits should hear of it.
    ForGood(Failure),
}

impl Dialer {
    /// Tries every place once.
    pub async fn dial(&self, shared: &Arc<Shared>) -> Result<Link, Unreachable> {
        match self {
            Dialer::Network(network) => network.dial(shared).await,
            Dialer::Over(connector) => {
                let place = "the member".to_owned();
                let opened = within(async { greet(connector.connect().await?, shared).await }).await;
                opened.map_err(|refused| verdict(vec![(place, refused)]))
            }
        }
    }
}

/// Limits an attempt's time.
pub(crate) async fn within(attempt: impl Future<Output = Result<Link, Refused>>) -> Result<Link, Refused> {
    let late = |_| Err(Refused::Now(format!("no answer within {ATTEMPT:?}")));
    timeout(ATTEMPT, attempt).await.unwrap_or_else(late)
}

/// Says the first words over a new transport.
pub(crate) async fn greet(transport: BoxTransport, shared: &Shared) -> Result<Link, Refused> {
    let mut transport = HangUp(transport);
    let secret = shared.secret.lock().clone();
    let peer =
        introduce(&mut transport.0, &shared.name, secret.as_ref(), |peer| shared.belongs(peer)).await?;
    Ok(Link::new(transport, peer))
}

/// What failed attempts come to.
pub(crate) fn verdict(attempts: Vec<(String, Refused)>) -> Unreachable {
    let is_hopeless = attempts.iter().all(|(_, refused)| matches!(refused, Refused::Hopeless(_)));
    let mut reasons = Vec::new();
    for (place, refused) in attempts {
        match refused {
            Refused::Denied(why) => {
                return Unreachable::ForGood(Failure::new(
                    ErrorKind::PermissionDenied,
                    format!("{place}: {why}"),
                ));
            }
            Refused::Now(why) | Refused::Hopeless(why) => reasons.push(format!("{place}: {why}")),
        }
    }
    let reasons = unreachable(&reasons);
    if is_hopeless {
        Unreachable::ForGood(Failure::new(ErrorKind::Disconnected, reasons))
    } else {
        Unreachable::Now(reasons)
    }
}

/// How errors say which places were tried, and what became of each.
pub(crate) fn unreachable(reasons: &[String]) -> String {
    format!("no member can be reached: {}", reasons.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tried(place: &str, refused: Refused) -> (String, Refused) {
        (place.to_owned(), refused)
    }

    #[test]
    fn every_place_and_reason_is_named() {
        let outcome = verdict(vec![
            tried("a:1", Refused::Now("refused".into())),
            tried("b:2", Refused::Hopeless("not signed".into())),
        ]);
        let text = "no member can be reached: a:1: refused; b:2: not signed";
        assert_eq!(outcome, Unreachable::Now(text.into()));
    }

    #[test]
    fn only_a_wrong_secret_or_nothing_but_hopeless_places_end_it() {
        let hopeless = verdict(vec![tried("a:1", Refused::Hopeless("not signed".into()))]);
        let text = "no member can be reached: a:1: not signed";
        assert_eq!(hopeless, Unreachable::ForGood(Failure::new(ErrorKind::Disconnected, text)));
        let denied = verdict(vec![
            tried("a:1", Refused::Now("refused".into())),
            tried("b:2", Refused::Denied("the secret is wrong".into())),
        ]);
        let failure = Failure::new(ErrorKind::PermissionDenied, "b:2: the secret is wrong");
        assert_eq!(denied, Unreachable::ForGood(failure));
    }
}
