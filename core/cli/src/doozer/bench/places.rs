//! Which members a benchmark asks: those that the cluster's files name and that answer, or those that were given.

use doozer_client::{Client, Error, ErrorKind, Uri};

use super::super::failure::Failure;
use super::super::members::{Member, ask, members, quickly, text};

/// A member to be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// Its id; the original's members are not asked for it.
    pub member: Option<String>,
    pub address: String,
    pub role: Option<String>,
}

/// Who can be asked, and who cannot.
#[derive(Debug, Default)]
pub(super) struct Places {
    pub found: Vec<Place>,
    /// Addresses, and why no member of the cluster can be asked there.
    pub missing: Vec<(String, String)>,
    /// Whether they are of today, and not the original's.
    pub are_modern: bool,
}

impl Places {
    /// Looks for them through a client of the cluster. An address of the URI comes before the one that a member has
    /// written: it is how the member can be reached from here. With `given_only` nobody else is looked for.
    pub async fn find(
        client: &Client,
        uri: &Uri,
        options: doozer_client::Options,
        given_only: bool,
    ) -> Result<Places, Failure> {
        let own = match client.status().await {
            Ok(own) => own,
            Err(error) if error.kind() == ErrorKind::UnknownVerb => {
                return Ok(Places::original(client, uri).await?);
            }
            Err(error) => return Err(error.into()),
        };
        let options = quickly(options, uri);
        let mut places = Places { are_modern: true, ..Places::default() };
        for address in &uri.addresses {
            places.try_given(address.to_string(), &own, &options).await;
        }
        if !given_only {
            for member in members(client, options, &own).await? {
                places.add(member);
            }
        }
        Ok(places)
    }

    /// All that are given; if only a name is, those that the cluster names.
    async fn original(client: &Client, uri: &Uri) -> Result<Places, Error> {
        let mut addresses: Vec<String> = uri.addresses.iter().map(ToString::to_string).collect();
        if addresses.is_empty() {
            let files = client.walk("/ctl/node/*/addr", None).await?;
            addresses = files.into_iter().filter_map(|file| file.value).map(|value| text(&value)).collect();
        }
        let place = |address| Place { member: None, address, role: None };
        Ok(Places { found: addresses.into_iter().map(place).collect(), ..Places::default() })
    }

    async fn try_given(
        &mut self,
        address: String,
        own: &doozer_client::Status,
        options: &doozer_client::Options,
    ) {
        match ask(&address, options.clone()).await {
            Ok(said) if said.cluster != own.cluster => {
                self.missing.push((address, "a member of another cluster answers there".to_owned()));
            }
            Ok(said) if self.knows(&said.member) => {}
            Ok(said) => {
                self.found.push(Place { member: Some(said.member), address, role: Some(said.role) });
            }
            Err(why) => self.missing.push((address, why)),
        }
    }

    /// A member that the cluster names.
    fn add(&mut self, member: Member) {
        let answers = member.health.answers();
        let Member { member: Some(id), address: Some(address), role, health, .. } = member else { return };
        if self.knows(&id) || self.missing.iter().any(|(missing, _)| *missing == address) {
            return;
        }
        if answers {
            self.found.push(Place { member: Some(id), address, role });
        } else {
            self.missing.push((address, health.to_string()));
        }
    }

    fn knows(&self, id: &str) -> bool {
        self.found.iter().any(|place| place.member.as_deref() == Some(id))
    }
}
