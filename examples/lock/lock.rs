//! The talk's lock: a file that exists while somebody holds it.
//!
//! `cargo run -p doozer --example lock -- 127.0.0.1:8046 /locks/x`

use doozer::Client;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let uri = arguments.next().unwrap_or_else(|| "127.0.0.1:8046".into());
    let path = arguments.next().unwrap_or_else(|| "/locks/x".into());
    let client = Client::connect(&uri).await?;
    let lock = client.lock(&path).await?;
    // The token grows from holder to holder: what the lock protects can refuse one who is late.
    println!("held {}", lock.rev());
    tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new())).await??;
    lock.unlock().await?;
    println!("given back");
    Ok(())
}
