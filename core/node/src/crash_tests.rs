//! A whole member on a simulated disk whose power is cut at any call: driver, journal thread, snapshots and recovery are
//! the real ones. What was acknowledged before the cut must be there after it, with its revision, and nothing else may
//! have been made up.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::BytesMut;
use doozer_journal::SimDisk;
use doozer_store::{At, Command, Lookup, Store};
use doozer_wire::peer::Introduction;
use doozer_wire::{Decoder, ErrorKind, OwnedResponse, Secret};
use tokio::runtime::{Builder, Runtime};

use crate::config::{Config, Limits};
use crate::input::{Input, Proposal, channel};
use crate::launch::{Launched, Origin, Surroundings, launch, new_incarnation, open_directory};
use crate::peers::home::Home;
use crate::server::writes::{Of, WriteReply};
use doozer_member::outbox::Outbox;
use doozer_member::state::Address;

const LIVES: u64 = 6;
const BATCHES: usize = 40;
const FILES: u64 = 12;

/// A small generator of its own, so that a seed tells the whole story.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// What a client knows: each file's last acknowledged revision, and what it may have beyond that.
#[derive(Default)]
struct Known {
    acknowledged: BTreeMap<String, (u64, Vec<u8>)>,
    /// Values that were sent and never answered.
    open: BTreeMap<String, Vec<Vec<u8>>>,
    revision: u64,
}

fn config() -> Config {
    // Snapshots and new segments every few batches, so that cuts fall into them too.
    let limits = Limits { snapshot_log_bytes: 256 << 10, log_segment_bytes: 128 << 10, ..Limits::default() };
    Config { limits, ..Config::default() }
}

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

fn start(runtime: &Runtime, disk: &SimDisk) -> Result<Launched<SimDisk>, crate::StartError> {
    let config = config();
    let (inputs, receiver) = channel();
    let introduction = Introduction {
        cluster: None,
        incarnation: new_incarnation()?,
        address: "sim:1".parse().unwrap(),
        listed: Vec::new(),
        name: None,
        only_joins: false,
    };
    let home = Home::new(introduction, Secret::from(Vec::new()), None, None, inputs);
    let opened = open_directory(disk, &config, Origin::founder(home.id())?)?;
    let surroundings = Surroundings { home, receiver, connections: Arc::default(), seats: 1 };
    runtime.block_on(launch(&config, opened, "sim".to_owned(), surroundings))
}

/// The power goes. The threads of the life before may still be at work: they keep the disk as it was, and the next life
/// gets a copy.
fn cut_power(disk: &SimDisk) -> SimDisk {
    let next = disk.fork();
    next.set_capacity(None);
    next.crash();
    next
}

/// One batch of writes, proposed together; what was answered, by tag. Fewer when the disk failed.
fn write_batch(
    runtime: &Runtime,
    member: &mut Launched<SimDisk>,
    batch: &[(String, Vec<u8>)],
) -> Vec<OwnedResponse> {
    let outbox = Arc::new(Outbox::default());
    let proposals = batch.iter().enumerate().map(|(tag, (path, value))| {
        let mut command = Vec::new();
        Command::Set { path, rev: -1, value }.encode(&mut command);
        let to = Address { outbox: Arc::clone(&outbox), tag: Some(tag as i32), modern: true };
        Proposal { reply: WriteReply::new(to, command.len(), Of::Write), command: command.into() }
    });
    if member.shared.inputs.send(Input::Propose(proposals.collect())).is_err() {
        return Vec::new();
    }
    let mut frames = BytesMut::new();
    let mut answers = Vec::new();
    runtime.block_on(async {
        while answers.len() < batch.len() {
            let failed = tokio::select! {
                () = outbox.woken() => false,
                _ = member.failed() => true,
            };
            frames.extend_from_slice(&outbox.take(BytesMut::new()).frames);
            let mut decoder = Decoder::new(1 << 20);
            while let Some(body) = decoder.next(&mut frames).unwrap() {
                answers.push(OwnedResponse::decode(body).unwrap());
            }
            if failed {
                break;
            }
        }
    });
    answers
}

fn check(store: &Store, known: &mut Known, story: &str) {
    assert!(
        store.revision().0 >= known.revision,
        "{story}: revision {} after {}",
        store.revision(),
        known.revision
    );
    for n in 0..FILES {
        let path = format!("/f{n}");
        let now = match store.get(&path, At::Now).unwrap() {
            Lookup::File { rev, value } => Some((rev.0, value.to_vec())),
            _ => None,
        };
        let acknowledged = known.acknowledged.get(&path);
        let open = known.open.get(&path).map_or(&[][..], Vec::as_slice);
        match (&now, acknowledged) {
            (now, Some(expected)) if now.as_ref() == Some(expected) => {}
            // A write that was never answered may have been made, after everything that was.
            (Some((rev, value)), acknowledged) => {
                let after = acknowledged.is_none_or(|(last, _)| rev > last);
                assert!(
                    after && open.contains(value),
                    "{story}: {path} has {value:?} at {rev}, not {acknowledged:?}"
                );
            }
            (None, None) => {}
            (None, Some(lost)) => panic!("{story}: {path} at revision {} is lost", lost.0),
        }
        if let Some(now) = now {
            known.acknowledged.insert(path, now);
        }
    }
    // What was open is decided now: it is there, or it never will be.
    known.open.clear();
    known.revision = store.revision().0;
}

/// The writes that were acknowledged, and those refused for want of room.
fn live(seed: u64) -> (u64, u64) {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut disk = SimDisk::new(seed);
    let mut known = Known::default();
    let (mut answered, mut refused) = (0, 0);
    let mut value = 0_u64;
    for life in 0..LIVES {
        let story = format!("seed {seed}, life {life}");
        let runtime = runtime();
        // The cut may fall into the start itself.
        if random.below(4) == 0 {
            disk.power_off(1 + random.below(60));
            drop(start(&runtime, &disk));
            disk = cut_power(&disk);
            continue;
        }
        let mut member = start(&runtime, &disk).unwrap_or_else(|error| panic!("{story}: {error}"));
        check(member.shared.state().read().store(), &mut known, &story);
        disk.power_off(1 + random.below(600));
        let is_short_of_room = random.below(3) == 0;
        for number in 0..BATCHES {
            if is_short_of_room {
                // Full for some time, then there is room again.
                let full = number % 20 > 8;
                disk.set_capacity(full.then(|| disk.used() + random.below(100 << 10)));
            }
            let batch: Vec<(String, Vec<u8>)> = (0..1 + random.below(20))
                .map(|_| {
                    value += 1;
                    let size = random.below(3000) as usize;
                    let mut bytes = value.to_le_bytes().to_vec();
                    bytes.resize(8 + size, value as u8);
                    (format!("/f{}", random.below(FILES)), bytes)
                })
                .collect();
            for (path, value) in &batch {
                known.open.entry(path.clone()).or_default().push(value.clone());
            }
            for answer in write_batch(&runtime, &mut member, &batch) {
                let (path, value) = &batch[answer.tag.unwrap() as usize];
                match answer.failure() {
                    None => {
                        let rev = answer.rev.unwrap() as u64;
                        known.revision = known.revision.max(rev);
                        known.open.get_mut(path).unwrap().retain(|open| open != value);
                        known.acknowledged.insert(path.clone(), (rev, value.clone()));
                        answered += 1;
                    }
                    Some((kind, detail)) => {
                        assert_eq!(kind, ErrorKind::DiskFull, "{story}: {detail}");
                        // It says that nothing was written: then it must never be seen.
                        known.open.get_mut(path).unwrap().retain(|open| open != value);
                        refused += 1;
                    }
                }
            }
            if disk.has_struck() {
                break;
            }
        }
        disk = cut_power(&disk);
    }
    let runtime = runtime();
    let member = start(&runtime, &disk).unwrap_or_else(|error| panic!("seed {seed}, at the end: {error}"));
    check(member.shared.state().read().store(), &mut known, &format!("seed {seed}, at the end"));
    runtime.block_on(member.stop());
    (answered, refused)
}

/// `DOOZER_NODE_SEED` replays one seed, `DOOZER_NODE_SEEDS` says how many to try. Threads run as they like here, so a
/// seed tells the faults and the work, not every step.
#[test]
fn nothing_acknowledged_is_lost_when_the_power_goes() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seeds = match number("DOOZER_NODE_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("DOOZER_NODE_SEEDS").unwrap_or(60),
    };
    let tried = seeds.clone().count() as u64;
    let (answered, refused) = seeds.map(live).fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    println!(
        "{tried} members of {LIVES} lives: {answered} acknowledged writes survived, {refused} refused ones stayed away"
    );
    assert!(answered > 100 * tried, "{answered} writes in {tried} members: the test hardly wrote");
    assert!(tried < 10 || refused > 0, "no disk was ever full");
}
