//! The talk's reload loop: a program that hears of each change of its configuration.
//!
//! `cargo run -p doozer --example reload -- 127.0.0.1:8046 /myapp.conf`

use doozer::{Client, Error};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1);
    let uri = arguments.next().unwrap_or_else(|| "127.0.0.1:8046".into());
    let path = arguments.next().unwrap_or_else(|| "/myapp.conf".into());
    let client = Client::connect(&uri).await?;
    // First the file as it is, then as it is after each change. None is missed, whatever happens to connections.
    let mut config = client.config(&path);
    while let Some(file) = config.next().await.transpose()? {
        match file.value {
            Some(value) => println!("{path} {} {}", file.rev, String::from_utf8_lossy(&value)),
            None => println!("{path} is not there"),
        }
    }
    Ok(())
}
