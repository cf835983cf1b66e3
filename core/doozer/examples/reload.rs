//! A configuration file that is applied again each time it changes.
//!
//! `cargo run -p doozer --example reload -- 127.0.0.1:8046 /myapp.conf`

use std::convert::Infallible;

use bytes::Bytes;
use doozer::{Change, Client, Error, ErrorKind};

/// Applies the file now, and after each of its changes; `None` is a file that is not there. Returns only on an error.
pub async fn follow(
    client: &Client,
    path: &str,
    mut apply: impl FnMut(Option<Bytes>),
) -> Result<Infallible, Error> {
    loop {
        let mut rev = client.rev().await?;
        apply(client.get_at(path, rev).await?.value);
        loop {
            match client.wait(path, rev + 1).await {
                Ok(event) => {
                    rev = event.rev;
                    apply((event.kind == Change::Set).then_some(event.value));
                }
                // So slow that the history has gone on: begin again with what there is now.
                Err(error) if error.kind() == ErrorKind::TooLate => break,
                Err(error) => return Err(error),
            }
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let uri = arguments.next().unwrap_or_else(|| "127.0.0.1:8046".into());
    let path = arguments.next().unwrap_or_else(|| "/myapp.conf".into());
    let client = Client::connect(&uri).await?;
    match follow(&client, &path, |value| println!("{path} is now {value:?}")).await? {}
}
