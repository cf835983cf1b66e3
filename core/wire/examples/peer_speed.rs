//! What a frame between members costs: encode and seal, open and decode, of an Accept as a proposer under load sends it; and
//! what its MAC alone, and a copy of its bytes, cost in the same run. They take turns, so that they meet the same machine.
//!
//! `cargo run --release -p doozer-wire --example peer_speed -- [ENTRIES [COMMANDS [BYTES [ROUNDS]]]]`

use std::error::Error;
use std::hint::black_box;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use doozer_paxos::message::{Envelope, Message, Suffix, Told};
use doozer_paxos::{Ballot, Entry, EntryHash, Incarnation, Slot};
use doozer_wire::peer::{Acceptor, Call, Dialer, Introduction, Opener, Peer, Purpose, Sealer};
use doozer_wire::{Decoder, HelloReply, OwnedResponse, Secret};

const FROM: Incarnation = Incarnation([1; 16]);
const TO: Incarnation = Incarnation([2; 16]);

/// Frames in one measurement, so that the clock's own cost does not count.
const AT_ONCE: u32 = 20;

fn main() -> Result<(), Box<dyn Error>> {
    let mut numbers = std::env::args().skip(1).map(|text| text.parse::<usize>());
    let mut number = |or: usize| numbers.next().unwrap_or(Ok(or));
    let (entries, commands, bytes, rounds) = (number(8)?, number(30)?, number(150)?, number(2000)?);
    let message = accept(entries, commands, bytes);
    let (mut sealer, mut opener) = connect()?;
    let mut times: [Vec<Duration>; 4] = Default::default();
    let mut frame_bytes = 0;
    for _ in 0..rounds {
        let mut frames: Vec<BytesMut> = (0..AT_ONCE).map(|_| BytesMut::new()).collect();
        let start = Instant::now();
        frames.iter_mut().try_for_each(|out| sealer.seal([black_box(&message)], out))?;
        times[0].push(start.elapsed() / AT_ONCE);
        let bodies: Vec<Bytes> = frames.into_iter().map(|out| out.freeze().slice(4..)).collect();
        frame_bytes = bodies[0].len();
        let start = Instant::now();
        for body in bodies.clone() {
            black_box(opener.open(body)?);
        }
        times[1].push(start.elapsed() / AT_ONCE);
        let start = Instant::now();
        bodies.iter().for_each(|body| _ = black_box(blake3::keyed_hash(&[7; 32], black_box(body))));
        times[2].push(start.elapsed() / AT_ONCE);
        let start = Instant::now();
        bodies.iter().for_each(|body| _ = black_box(BytesMut::from(&black_box(body)[..])));
        times[3].push(start.elapsed() / AT_ONCE);
    }
    println!(
        "{entries} entries of {commands} commands of {bytes} bytes: a frame of {frame_bytes} bytes, {rounds} rounds"
    );
    for (name, times) in
        ["encode and seal", "open and decode", "  its MAC alone", "  a copy of it"].iter().zip(&mut times)
    {
        print_line(name, times, frame_bytes);
    }
    Ok(())
}

fn print_line(name: &str, times: &mut [Duration], frame_bytes: usize) {
    times.sort();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100].as_secs_f64();
    let speed = frame_bytes as f64 / at(50) / 1e6;
    println!("{name:<18} p50 {:>9.0} ns   p99 {:>9.0} ns   {speed:>7.0} MB/s", at(50) * 1e9, at(99) * 1e9);
}

fn accept(entries: usize, commands: usize, bytes: usize) -> Peer {
    let ballot = Ballot { n: 7, epoch: 1, incarnation: FROM };
    let entry = |slot: u64| Entry {
        slot: Slot(slot),
        birth: ballot,
        previous: EntryHash([slot as u8; 32]),
        wall_ms: 1_700_000_000_000,
        config: None,
        commands: (0..commands).map(|at| Bytes::from(vec![at as u8; bytes])).collect(),
    };
    let from = 1_000_000;
    let entries = (from..from + entries as u64).map(entry).collect();
    let suffix = Suffix { from: Slot(from), previous: EntryHash([from as u8; 32]), entries };
    let told = Told { decided: Slot(from - 1), durable: Slot(from + 3), confirm: 123_456 };
    Peer::Paxos(Envelope { from: FROM, to: TO, epoch: 1, message: Message::Accept { ballot, suffix, told } })
}

fn connect() -> Result<(Sealer, Opener), Box<dyn Error>> {
    let member = |incarnation| -> Result<Introduction, Box<dyn Error>> {
        Ok(Introduction {
            cluster: None,
            incarnation,
            address: "member:8046".parse()?,
            listed: vec![],
            name: None,
            only_joins: false,
        })
    };
    let secret = Secret::from(b"hush".to_vec());
    let call = Call { to: Some(TO), purpose: Purpose::Messages };
    let (dialer, request) = Dialer::new(&secret, member(FROM)?, call, [3; 32]);
    let hello = request.hello.ok_or("no HELLO")?;
    let (greeted, reply) = Acceptor::new(&secret, member(TO)?, &hello)?.greet([4; 32]);
    let hello = HelloReply { peer: Some(reply), ..HelloReply::default() };
    let (proving, proof) =
        dialer.on_reply(&OwnedResponse { hello: Some(hello), ..OwnedResponse::default() })?;
    let body =
        |frame: Bytes| Decoder::new(1000).next(&mut BytesMut::from(frame)).map(Option::unwrap_or_default);
    let (accept, _, opener) = greeted.on_proof(body(proof)?)?.accept();
    let (_, sealer) = proving.on_accept(body(accept)?)?;
    Ok((sealer, opener))
}
