//! What each command asks of the cluster, and which answer it prints.

use std::io::{self, Read, Write};
use std::time::Duration;

use doozer_client::{CallOptions, Client, Timeout, Uri};

use super::answers::{Answer, Done, Got, Happened, Kind, Out, Quiet, Rev, SelfId, Stat, Written};
use super::args::{Command, Consistency, Options};
use super::connect::{client_options, connect, uri_of};
use super::explain::explain;
use super::failure::Failure;
use super::health::Health;
use super::listing::{find, ls, tree};
use super::member::member;
use super::members::{PATIENCE, Standing, members, quickly};
use super::sessions::session;
use super::status::Status;

/// No cluster takes a value of so many bytes. More of standard input is not read, so that an endless one ends.
pub(super) const INPUT_BYTES_MAX: u64 = 65 << 20;

/// Runs a command that needs a cluster.
pub(super) async fn run(
    options: &Options,
    command: Command,
    out: &mut Out<impl Write>,
) -> Result<(), Failure> {
    let value = match command {
        Command::Add { .. } | Command::Set { .. } => input()?,
        _ => Vec::new(),
    };
    let client = connect(options).await?;
    let done = perform(options, command, value, &client, out).await;
    // Its session goes with it, and not some time after it.
    client.close().await;
    done
}

async fn perform(
    options: &Options,
    command: Command,
    value: Vec<u8>,
    client: &Client,
    out: &mut Out<impl Write>,
) -> Result<(), Failure> {
    let (client, rev) = reader(client.clone(), options.at, &command).await?;
    match command {
        Command::Add { path } => {
            let rev = client.add(&path, value).await?;
            print(out, &Written { path: &path, rev })
        }
        Command::Set { path, rev } => {
            let rev = client.set(&path, value, rev).await?;
            print(out, &Written { path: &path, rev })
        }
        Command::Del { path, rev } => {
            let rev = client.del(&path, rev).await?;
            print(out, &Quiet { path: &path, rev })
        }
        Command::Touch { path } => {
            let file = client.get(&path).await?;
            let rev = client.set(&path, file.value.unwrap_or_default(), file.rev).await?;
            print(out, &Quiet { path: &path, rev: Some(rev) })
        }
        Command::Get { path, rev: other, .. } => {
            let file = match rev.or(other) {
                Some(rev) => client.get_at(&path, rev).await?,
                None => client.get(&path).await?,
            };
            print(out, &Got::new(&path, &file))
        }
        Command::Stat { path, .. } => {
            let kind = kind(&client, &path, rev).await?;
            print(out, &Stat { path: &path, kind })
        }
        Command::Find { path, .. } => find(&client, &path, rev, out).await,
        Command::Ls { path, long, .. } => ls(&client, &path, rev, long, out).await,
        Command::Tree { path, .. } => tree(&client, &path, rev, out).await,
        Command::Rev => print(out, &Rev { rev: client.rev().await? }),
        Command::SelfId => print(out, &SelfId { id: client.self_id().await? }),
        Command::Session(command) => session(&client, command, out).await,
        Command::Explain { path, .. } => {
            let limit = client_options(options).timeout.unwrap_or(Duration::MAX);
            explain(&client, &path, limit, out).await
        }
        Command::Member(command) => member(options, &client, command, out).await,
        Command::Nop => {
            client.nop().await?;
            print(out, &Done {})
        }
        Command::Status { check } => status(options, &client, check, out).await,
        Command::Wait { glob } => {
            // Only who says so ends a wait that nothing ends.
            let timeout = options.timeout.map_or(Timeout::Usual, Timeout::After);
            let rev = at(&client, rev).await?;
            let patient = client.with(CallOptions { timeout, ..CallOptions::default() });
            let event = patient.wait(&glob, rev).await?;
            print(out, &Happened::new(&event))
        }
        Command::Watch { glob } => watch(&client, &glob, rev, out).await,
        // Those that do not begin here.
        Command::Bench(_)
        | Command::Completions { .. }
        | Command::Elect { .. }
        | Command::Lock { .. }
        | Command::Register { .. }
        | Command::Txn { .. }
        | Command::Version => Ok(()),
    }
}

/// The client through which a command reads as fresh as it wants to, and the revision it reads at.
async fn reader(
    client: Client,
    rev: Option<i64>,
    command: &Command,
) -> Result<(Client, Option<i64>), Failure> {
    if command.consistency() != Some(Consistency::Local) {
        return Ok((client, rev));
    }
    if command.lists() {
        // What the member has now, throughout.
        let here = client.status().await?.revision;
        return Ok((client, Some(here)));
    }
    let options = CallOptions { consistency: doozer_client::Consistency::Local, ..CallOptions::default() };
    Ok((client.with(options), rev))
}

/// With `check` a cluster that is not well is a failure, after everything has been printed.
async fn status(
    options: &Options,
    client: &Client,
    check: bool,
    out: &mut Out<impl Write>,
) -> Result<(), Failure> {
    let own = client.status().await?;
    let quick = client.with(CallOptions { timeout: Timeout::After(PATIENCE), ..CallOptions::default() });
    // It takes a majority, and no rights.
    let agreed = quick.rev();
    // The client took it.
    let uri: Uri = uri_of(options).parse().unwrap_or_default();
    let (agreed, members) =
        tokio::join!(agreed, members(client, quickly(client_options(options), &uri), &own));
    let mut members = members?;
    if agreed.is_err()
        && let Some(asked) = members.iter_mut().find(|member| member.member.as_ref() == Some(&own.member))
    {
        asked.health = if own.disk_full { Standing::Full } else { Standing::Stuck };
    }
    let health = Health::new(agreed.is_ok(), &members);
    let unwell = (check && !health.is_ok()).then(|| health.said.clone());
    print(out, &Status::new(own, health, members))?;
    out.flush().map_err(Failure::Output)?;
    unwell.map_or(Ok(()), |why| Err(Failure::Unwell(why)))
}

async fn watch(
    client: &Client,
    glob: &str,
    rev: Option<i64>,
    out: &mut Out<impl Write>,
) -> Result<(), Failure> {
    let mut watch = client.watch(glob, at(client, rev).await?);
    while let Some(event) = watch.next().await {
        print(out, &Happened::new(&event?))?;
        out.flush().map_err(Failure::Output)?;
    }
    Ok(())
}

/// The revision to work at: the one given, else the current one.
pub(super) async fn at(client: &Client, given: Option<i64>) -> Result<i64, Failure> {
    match given {
        Some(rev) => Ok(rev),
        None => Ok(client.rev().await?),
    }
}

/// What is at a path.
pub(super) async fn kind(client: &Client, path: &str, rev: Option<i64>) -> Result<Kind, Failure> {
    let stat = client.stat(path, rev).await?;
    if stat.is_dir() {
        Ok(Kind::Dir { entries: Some(stat.len) })
    } else if stat.is_file() {
        Ok(Kind::File { rev: stat.rev, len: stat.len })
    } else {
        Err(Failure::Missing(path.to_owned()))
    }
}

pub(super) fn print(out: &mut Out<impl Write>, answer: &impl Answer) -> Result<(), Failure> {
    out.print(answer).map_err(Failure::Output)
}

fn input() -> Result<Vec<u8>, Failure> {
    let mut value = Vec::new();
    io::stdin().lock().take(INPUT_BYTES_MAX).read_to_end(&mut value).map_err(Failure::Input)?;
    Ok(value)
}
