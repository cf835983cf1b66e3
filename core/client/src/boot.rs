//! Finds a cluster by its name: another cluster, whose addresses are known, keeps those of others in `/ctl/ns`.

use std::pin::Pin;
use std::time::Duration;

use doozer_wire::{Address, ErrorKind, Uri};

use crate::client::Client;
use crate::error::{Error, Subject};
use crate::options::Options;

/// How long one look may take.
const LOOK: Duration = Duration::from_secs(5);

pub(crate) struct Boot {
    uri: Uri,
    name: String,
    options: Options,
}

impl Boot {
    /// Finds the cluster `name`, as `options` say.
    pub fn new(name: &str, options: &Options) -> Result<Boot, Error> {
        let refuse = |detail| Err(Subject::new("connect").error(ErrorKind::BadUri, detail));
        let Some(boot) = &options.boot else {
            return refuse(format!(
                "the URI holds only the name `{name}`: give addresses with ca=, or a cluster to look it up in \
                 (DOOZER_BOOT_URI)"
            ));
        };
        match boot.parse::<Uri>() {
            Ok(uri) if uri.addresses.is_empty() => refuse("the boot URI holds no address".to_owned()),
            Ok(uri) => {
                let options =
                    Options { boot: None, connect_timeout: LOOK, timeout: Some(LOOK), ..options.clone() };
                Ok(Boot { uri, name: name.to_owned(), options })
            }
            Err(error) => refuse(format!("the boot URI: {error}")),
        }
    }

    /// How errors name it.
    pub fn place(&self) -> String {
        format!("looking up `{}`", self.name)
    }

    /// The addresses the cluster has now, at least one.
    pub fn look_up(&self) -> Pin<Box<dyn Future<Output = Result<Vec<Address>, String>> + Send + '_>> {
        Box::pin(async {
            let found = self.read().await.map_err(|error| error.to_string())?;
            if found.is_empty() { Err("no address is known there".to_owned()) } else { Ok(found) }
        })
    }

    async fn read(&self) -> Result<Vec<Address>, Error> {
        let client = Client::open_uri(&self.uri, self.options.clone()).await?;
        let files = client.walk(&format!("/ctl/ns/{}/*", self.name), None).await;
        client.close().await;
        Ok(addresses(files?.into_iter().filter_map(|file| file.value)))
    }
}

/// The addresses that values of files hold, as far as a client can use them.
pub(crate) fn addresses(values: impl IntoIterator<Item = bytes::Bytes>) -> Vec<Address> {
    let parse = |value: bytes::Bytes| std::str::from_utf8(&value).ok()?.parse::<Address>().ok();
    // An address to listen on everywhere is none to connect to.
    let is_usable = |address: &Address| address.host != "0.0.0.0" && address.host != "::";
    values.into_iter().filter_map(parse).filter(is_usable).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_one_can_connect_to() {
        let values =
            ["10.0.0.1:8046", "", "0.0.0.0:8046", "[::]:8046", "db.example", "no address", "\u{fffd}"];
        let found = addresses(values.map(bytes::Bytes::from));
        let found: Vec<String> = found.iter().map(Address::to_string).collect();
        assert_eq!(found, ["10.0.0.1:8046", "db.example:8046"]);
    }

    #[test]
    fn a_name_alone_needs_somewhere_to_look() {
        let none = Options { boot: None, ..Options::default() };
        let error = Boot::new("w", &none).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::BadUri);
        assert!(error.detail().contains("DOOZER_BOOT_URI"), "{error}");
        let nameless = Options { boot: Some("doozer:?cn=boot".into()), ..Options::default() };
        assert_eq!(Boot::new("w", &nameless).err().map(|error| error.kind()), Some(ErrorKind::BadUri));
    }
}
