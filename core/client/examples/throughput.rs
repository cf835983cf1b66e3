//! How many calls a second clients bring through, and what each costs in processor time.
//!
//! `cargo run --release -p doozer-client --example throughput -- TASKS CLIENTS SECONDS [get|set|both] [ADDRESS]`
//!
//! Without an address the member is a part of this process, whose time then counts too; `none` stands for a member
//! that answers without looking, so that nearly all of the time is the clients'.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use doozer_client::Client;
use doozer_node::{Config, Node};
use doozer_wire::{Decoder, Features, HelloReply, Request, Response, Verb};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

type Failed = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failed> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, usual: u64| arguments.get(at).map_or(Ok(usual), |text| text.parse());
    let (tasks, clients, seconds) = (number(0, 64)?, number(1, 1)?, number(2, 3)?);
    let what = arguments.get(3).map_or("both", String::as_str);
    let (address, _node) = match arguments.get(4).map(String::as_str) {
        Some("none") => (echo().await?, None),
        Some(address) => (address.to_owned(), None),
        None => {
            let node =
                Node::start(Config { listen: Some("127.0.0.1:0".into()), ..Config::default() }).await?;
            let address = node.address().ok_or("it listens nowhere")?;
            (address.to_string(), Some(node))
        }
    };
    let mut opened = Vec::new();
    for _ in 0..clients {
        opened.push(Client::connect(&address).await?);
    }
    let (over, calls) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let (begun, time_before) = (Instant::now(), processor_time());
    let mut running = tokio::task::JoinSet::new();
    for (task, client) in (0..tasks).zip(opened.iter().cycle().cloned()) {
        let work = work(client, task, what.to_owned(), Arc::clone(&over));
        let calls = Arc::clone(&calls);
        running.spawn(async move {
            let done = work.await;
            calls.fetch_add(*done.as_ref().unwrap_or(&0), Ordering::Relaxed);
            done
        });
    }
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    over.store(true, Ordering::Relaxed);
    while let Some(task) = running.join_next().await {
        task??;
    }
    let (elapsed, time) = (begun.elapsed(), processor_time().saturating_sub(time_before));
    let calls = calls.load(Ordering::Relaxed);
    println!(
        "{tasks} tasks over {clients} clients, {what}: {:.0} calls/s, {:.2} us of processor time each",
        calls as f64 / elapsed.as_secs_f64(),
        time.as_secs_f64() * 1e6 / calls.max(1) as f64,
    );
    Ok(())
}

async fn work(client: Client, task: u64, what: String, over: Arc<AtomicBool>) -> Result<u64, Failed> {
    let path = format!("/bench/{task}");
    let value = Bytes::from_static(&[b'x'; 64]);
    let mut calls = 0;
    client.set(&path, value.clone(), -1).await?;
    while !over.load(Ordering::Relaxed) {
        if what != "get" {
            client.set(&path, value.clone(), -1).await?;
            calls += 1;
        }
        if what != "set" {
            client.get(&path).await?;
            calls += 1;
        }
    }
    Ok(calls)
}

/// The processor time of this process, from the system's own count of hundredths of a second.
fn processor_time() -> Duration {
    let Ok(stat) = std::fs::read_to_string("/proc/self/stat") else { return Duration::ZERO };
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: u64 = fields.skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(10 * ticks)
}

/// A member that answers everything alike.
async fn echo() -> Result<String, Failed> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?.to_string();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer_everything(stream));
        }
    });
    Ok(address)
}

async fn answer_everything(mut stream: TcpStream) -> Result<(), Failed> {
    stream.set_nodelay(true)?;
    let hello = HelloReply {
        version: 1,
        features: Features::PING,
        value_bytes_max: 1 << 20,
        frame_bytes_max: 4 << 20,
        ..HelloReply::default()
    };
    let (mut input, mut out, mut decoder) = (BytesMut::new(), BytesMut::new(), Decoder::new(4 << 20));
    while stream.read_buf(&mut input).await? > 0 {
        while let Some(body) = decoder.next(&mut input)? {
            let request = Request::decode(body)?;
            let hello = (request.verb == Verb::Hello as i32).then_some(&hello);
            let (tag, value) = (request.tag, Some(&[b'x'; 64][..]));
            Response { tag, rev: Some(1), value, store_rev: Some(1), hello, ..Response::default() }
                .encode_frame(&mut out);
        }
        stream.write_all_buf(&mut out).await?;
    }
    Ok(())
}
