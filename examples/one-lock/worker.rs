//! One of several programs that take turns on one lock and append to one file; `run` beside this file starts them.
//!
//! `cargo run -p doozer --example one-lock -- 127.0.0.1:8046 /locks/one /tmp/turns.txt rust 10`

use std::fs::File;
use std::io::Write;

use doozer::Client;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [uri, path, file, name, turns] = &arguments[..] else {
        return Err("usage: one-lock URI PATH FILE NAME TURNS".into());
    };
    let client = Client::connect(uri).await?;
    client.set(&format!("/one-lock/ready/{name}"), "", -1).await?;
    client.wait("/one-lock/go", 1).await?;
    for _ in 0..turns.parse::<u32>()? {
        let lock = client.lock(path).await?;
        append(file, &format!("{name} {} begin\n", lock.rev()))?;
        // Time for the others to come in between, if they could.
        client.nop().await?;
        append(file, &format!("{name} {} end\n", lock.rev()))?;
        lock.unlock().await?;
    }
    Ok(())
}

fn append(file: &str, line: &str) -> std::io::Result<()> {
    File::options().append(true).create(true).open(file)?.write_all(line.as_bytes())
}
