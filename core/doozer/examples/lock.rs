//! A lock made of one file: it exists while somebody holds the lock. A holder that dies keeps it.
//!
//! `cargo run -p doozer --example lock -- 127.0.0.1:8046 /locks/x`

use doozer::{Change, Client, Error, ErrorKind};

/// Takes the lock, however long that takes. `me` must be nobody else's name. Returns the lock's revision: it grows
/// from holder to holder, so that what the lock protects can refuse a holder who is late (a fencing token).
pub async fn lock(client: &Client, path: &str, me: &str) -> Result<i64, Error> {
    loop {
        match client.add(path, me.to_owned()).await {
            Ok(rev) => return Ok(rev),
            // It is taken; or the answer was lost, and it may even be ours.
            Err(error) if matches!(error.kind(), ErrorKind::RevMismatch | ErrorKind::OutcomeUnknown) => {}
            Err(error) => return Err(error),
        }
        let holder = client.get(path).await?;
        if holder.value.as_deref() == Some(me.as_bytes()) {
            return Ok(holder.rev);
        }
        if holder.value.is_some() {
            until_free(client, path, holder.rev + 1).await?;
        }
    }
}

async fn until_free(client: &Client, path: &str, mut rev: i64) -> Result<(), Error> {
    loop {
        let event = client.wait(path, rev).await?;
        if event.kind == Change::Del {
            return Ok(());
        }
        rev = event.rev + 1;
    }
}

/// Gives the lock back. `rev` is what [`lock`] returned.
pub async fn unlock(client: &Client, path: &str, rev: i64) -> Result<(), Error> {
    loop {
        match client.del(path, rev).await {
            Ok(_) => return Ok(()),
            // It may or may not be done. Doing it again does no harm: the next holder's revision is greater.
            Err(error) if error.kind() == ErrorKind::OutcomeUnknown => {}
            Err(error) if error.kind() == ErrorKind::RevMismatch => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let uri = arguments.next().unwrap_or_else(|| "127.0.0.1:8046".into());
    let path = arguments.next().unwrap_or_else(|| "/locks/x".into());
    let client = Client::connect(&uri).await?;
    let rev = lock(&client, &path, &format!("process {}", std::process::id())).await?;
    println!("{path} is held with token {rev}; press Enter to give it back");
    tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new())).await??;
    unlock(&client, &path, rev).await?;
    Ok(())
}
