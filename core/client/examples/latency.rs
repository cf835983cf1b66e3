//! How long one call after another takes: the figure the bindings' benchmarks stand beside.
//!
//! `cargo run --release -p doozer-client --example latency -- 127.0.0.1:8046 /bench 10000` prints the median of a GET in
//! nanoseconds.

use std::time::Instant;

use doozer_client::Client;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut argument = |usual: &str| arguments.next().unwrap_or_else(|| usual.to_owned());
    let (uri, path, count) = (argument("127.0.0.1:8046"), argument("/bench"), argument("10000"));
    let client = Client::connect(&uri).await?;
    client.get(&path).await?;
    let mut times = Vec::new();
    for _ in 0..count.parse()? {
        let begin = Instant::now();
        client.get(&path).await?;
        times.push(begin.elapsed());
    }
    times.sort_unstable();
    println!("{}", times.get(times.len() / 2).map_or(0, std::time::Duration::as_nanos));
    Ok(())
}
