//! One step: its arguments, its call, and its outcome held against what it expects.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use doozer::{Client, ListOptions};
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::call::{About, Background, Call, Made, Opened, Stream, Target};
use crate::expect::{check, from_hex, sized};
use crate::given::{Ended, Fault, Given};
use crate::kept::Kept;
use crate::scenario::{Do, Step};
use crate::txn;
use crate::world::{LIMIT, World, options};

/// How long a call that was cancelled may take to end; and how long after its time limit a call is taken for hung.
const CANCELLED: Duration = Duration::from_secs(5);
const HUNG: Duration = Duration::from_secs(15);

/// Carries a step out, as often as it says.
pub(crate) async fn carry_out(step: &Step, world: &mut World) -> Result<(), String> {
    let Some(rounds) = step.repeat else { return once(step, world).await };
    for i in 1..=rounds {
        once(&step.round(i), world).await.map_err(|why| format!("round {i}: {why}"))?;
    }
    Ok(())
}

async fn once(step: &Step, world: &mut World) -> Result<(), String> {
    let about = about(step, world)?;
    let made = match step.r#do {
        Do::Proxy => {
            let proxy = world.proxy.as_mut().ok_or("there is no proxy")?;
            return proxy.tell(required(&step.command, "command")?).await;
        }
        Do::Start => return world.start().await,
        Do::Stop => {
            world.node.take().ok_or("the member is stopped already")?.stop().await;
            return Ok(());
        }
        Do::Cancel => return cancel(joined(step, world)?).await,
        Do::Await => {
            let call = joined(step, world)?;
            let limit = call.about.timeout + HUNG;
            let made =
                timeout(limit, call.task).await.map_err(|_| format!("it did not end within {limit:?}"))?;
            let made = made.map_err(|error| format!("the call broke: {error}"))?;
            return settle(step, &call.about, made, world);
        }
        Do::Watch | Do::Config | Do::Follow | Do::Observe => return open_stream(step, world),
        Do::CloseStream => {
            let name = required(&step.stream, "stream")?;
            return world
                .streams
                .remove(name)
                .map(drop)
                .ok_or_else(|| format!("no stream is called `{name}`"));
        }
        Do::Close => {
            client(step, world)?.close().await;
            return Ok(());
        }
        Do::Connect => connect(step, world, &about).await?,
        Do::GetLocal | Do::Revision => local(step, world)?,
        Do::Held | Do::Files => at_once(step, world)?,
        Do::Fork | Do::Join => return Err("the Rust runner does not fork".to_owned()),
        _ => {
            let call = prepare(step, world, &about)?;
            if let Some(name) = &step.background {
                let task = tokio::spawn(call.make());
                world.calls.insert(name.clone(), Background { about, task });
                return Ok(());
            }
            let limit = about.timeout + HUNG;
            timeout(limit, call.make()).await.map_err(|_| format!("it did not end within {limit:?}"))?
        }
    };
    settle(step, &about, made, world)
}

/// Holds an outcome against the step, and keeps what came of it.
fn settle(step: &Step, about: &About, made: Made, world: &mut World) -> Result<(), String> {
    let Made { ended, kept, took } = made;
    check(step, about, &ended, took, &world.saved)?;
    if let (Some(thing), Some(name)) = (kept, &about.kept) {
        world.kept.insert(name.clone(), Arc::new(thing));
    }
    let Ok(given) = ended else { return Ok(()) };
    if step.expect_member {
        let id = world.running()?.id();
        if given.text.as_deref() != Some(id) || id.len() < 16 {
            return Err(format!("the member's id: {:?} and not {id}", given.text));
        }
    }
    if let Some(name) = &step.save {
        let rev = given.rev.ok_or_else(|| "it gives no revision to save".to_owned())?;
        world.saved.insert(name.clone(), rev);
    }
    Ok(())
}

/// What the step's errors are to name, and its time limit.
fn about(step: &Step, world: &World) -> Result<About, String> {
    let mut op = step.r#do;
    let mut path = step.path.clone().or_else(|| step.glob.clone());
    if op == Do::Next {
        let opened = stream(step, world)?;
        (op, path) = (opened.op, Some(opened.path.clone()));
    }
    if path.is_none() && step.kept().is_some() {
        path = Some(kept(step, world)?.path.clone());
    }
    let timeout = step.timeout_ms.map_or(LIMIT, Duration::from_millis);
    Ok(About { op, path, timeout, is_limited: step.timeout_ms.is_some(), kept: step.kept().cloned() })
}

fn prepare(step: &Step, world: &mut World, about: &About) -> Result<Call, String> {
    let target = match step.r#do {
        Do::Next => Target::Stream(Arc::clone(&stream(step, world)?.stream)),
        Do::Unlock | Do::Proclaim | Do::Resign | Do::Lost | Do::Deregister | Do::Changed | Do::Leave => {
            Target::Kept(kept(step, world)?)
        }
        _ => Target::Client(client(step, world)?),
    };
    Ok(Call {
        op: step.r#do,
        target,
        path: about.path.clone().unwrap_or_default(),
        value: value(step)?,
        rev: step.rev.as_ref().map(|rev| rev.resolve(&world.saved)).transpose()?,
        list: ListOptions { limit: step.limit, keys_only: step.keys_only },
        secret: step.secret.clone().unwrap_or_default(),
        n: step.n.unwrap_or_default(),
        txn: step.txn.as_ref().map(|text| txn::parse(text, &world.saved)).transpose()?,
        fence: step.fence.as_ref().map(|name| named(name, world)?.fence()).transpose()?,
        timeout: about.timeout,
    })
}

fn value(step: &Step) -> Result<Bytes, String> {
    Ok(match (&step.value, &step.value_hex, step.value_size) {
        (Some(text), _, _) => Bytes::copy_from_slice(text.as_bytes()),
        (_, Some(hex), _) => from_hex(hex)?,
        (_, _, Some(len)) => sized(len),
        (None, None, None) => Bytes::new(),
    })
}

fn open_stream(step: &Step, world: &mut World) -> Result<(), String> {
    let client = client(step, world)?;
    let name = required(&step.stream, "stream")?;
    let rev = step.rev.as_ref().map(|rev| rev.resolve(&world.saved)).transpose()?;
    let of = step.path.as_ref().or(step.glob.as_ref());
    let path = of.ok_or("it needs `path` or `glob`")?;
    let stream = match step.r#do {
        Do::Watch => Stream::Watch(client.watch(path, rev.unwrap_or_default())),
        Do::Follow => Stream::Follow(client.follow(path, rev)),
        Do::Observe => Stream::Config(client.observe(path)),
        _ => Stream::Config(client.config(path)),
    };
    let opened = Opened { op: step.r#do, path: path.to_owned(), stream: Arc::new(Mutex::new(stream)) };
    world.streams.insert(name.to_owned(), opened);
    Ok(())
}

async fn connect(step: &Step, world: &mut World, about: &About) -> Result<Made, String> {
    let began = Instant::now();
    let name = required(&step.client, "client")?;
    let mut options = options(about.timeout);
    if let Some(ttl) = step.session_ttl_ms {
        options.session_ttl = Duration::from_millis(ttl);
    }
    options.session_label = step.session_label.clone();
    let opened = match &step.uri {
        Some(uri) => Client::open(uri, options).await,
        None => world.connect(step.via, step.secret.as_deref(), options).await?,
    };
    let ended = match opened {
        Ok(client) => {
            world.clients.insert(name.to_owned(), client);
            Ok(Given::default())
        }
        Err(error) => Err(error.into()),
    };
    Ok(Made { ended, kept: None, took: began.elapsed() })
}

/// What is known of something that is kept without a request.
fn at_once(step: &Step, world: &World) -> Result<Made, String> {
    let thing = kept(step, world)?;
    let given = match step.r#do {
        Do::Files => thing.files()?,
        _ => Given { held: Some(thing.is_held()?), ..Given::default() },
    };
    Ok(Made { ended: Ok(given), kept: None, took: Duration::ZERO })
}

/// The reads of the embedded member without a request.
fn local(step: &Step, world: &World) -> Result<Made, String> {
    let began = Instant::now();
    let embedded = world.running()?.embedded();
    let ended: Ended = if step.r#do == Do::Revision {
        Ok(embedded.revision().map_or_else(Given::default, Given::rev))
    } else {
        let path = required(&step.path, "path")?;
        let rev = step.rev.as_ref().map(|rev| rev.resolve(&world.saved)).transpose()?;
        // The error is a kind alone here; the rest is what the step knows anyway.
        embedded.get(path, rev).map(Given::from).map_err(|kind| Fault {
            kind,
            op: step.r#do.word().to_owned(),
            path: Some(path.to_owned()),
            detail: String::new(),
            part: None,
            shown: kind.to_string(),
        })
    };
    Ok(Made { ended, kept: None, took: began.elapsed() })
}

async fn cancel(call: Background) -> Result<(), String> {
    call.task.abort();
    match timeout(CANCELLED, call.task).await {
        Err(_) => Err(format!("it did not end within {CANCELLED:?}")),
        Ok(Err(error)) if error.is_cancelled() => Ok(()),
        Ok(Err(error)) => Err(format!("the call broke: {error}")),
        Ok(Ok(made)) => Err(format!("it had ended before it was cancelled: {:?}", made.ended)),
    }
}

fn joined(step: &Step, world: &mut World) -> Result<Background, String> {
    let name = required(&step.call, "call")?;
    world.calls.remove(name).ok_or_else(|| format!("no call is called `{name}`"))
}

fn client(step: &Step, world: &World) -> Result<Client, String> {
    let name = step.client.as_deref().unwrap_or("c");
    world.clients.get(name).cloned().ok_or_else(|| format!("no client is called `{name}`"))
}

fn stream<'a>(step: &Step, world: &'a World) -> Result<&'a Opened, String> {
    let name = required(&step.stream, "stream")?;
    world.streams.get(name).ok_or_else(|| format!("no stream is called `{name}`"))
}

/// What was kept under the name that the step gives.
fn kept(step: &Step, world: &World) -> Result<Arc<Kept>, String> {
    named(step.kept().ok_or("it needs the name of something that was kept")?, world)
}

fn named(name: &str, world: &World) -> Result<Arc<Kept>, String> {
    world.kept.get(name).cloned().ok_or_else(|| format!("nothing is kept as `{name}`"))
}

fn required<'a>(value: &'a Option<String>, key: &str) -> Result<&'a str, String> {
    value.as_deref().ok_or_else(|| format!("it needs `{key}`"))
}
