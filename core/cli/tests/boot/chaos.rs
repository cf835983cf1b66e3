//! Members in memory die and come back at random, while somebody looks all the time which cluster each belongs to.

use std::collections::HashSet;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use doozer_client::{Client, Options};

use crate::common::daemon::{Daemon, ports};
use crate::names::{Names, kill_all};

const ROUNDS: usize = 6;

/// What was seen of a member: its cluster, if it serves.
type Seen = Option<[u8; 16]>;

/// Looks at one after the other until nobody wants to know any more.
fn observe(addresses: Vec<String>) -> (Receiver<Seen>, JoinHandle<()>) {
    let (tell, seen) = channel();
    (seen, thread::spawn(move || observe_for(&addresses, &tell)))
}

fn observe_for(addresses: &[String], tell: &Sender<Seen>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let soon = Duration::from_millis(100);
    for address in addresses.iter().cycle() {
        let options =
            Options { timeout: Some(soon), connect_timeout: soon, boot: None, ..Options::default() };
        let cluster = runtime.block_on(async {
            let client = Client::open(address, options).await.ok()?;
            let status = client.status().await;
            client.close().await;
            Some(status.ok()?.cluster)
        });
        if tell.send(cluster).is_err() {
            return;
        }
    }
}

/// Numbers that look random and follow from a seed.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        // Xorshift (Marsaglia, 2003).
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n as u64) as usize
    }
}

/// Asserts that once a cluster was seen nobody belongs to an earlier one.
struct Order {
    seen: Receiver<Seen>,
    now: Seen,
    over: HashSet<[u8; 16]>,
}

impl Order {
    fn look(&mut self, times: usize) {
        for _ in 0..times {
            let Some(cluster) = self.seen.recv().unwrap() else { continue };
            assert!(!self.over.contains(&cluster), "a member of a cluster that was founded anew is there");
            if let Some(before) = self.now.replace(cluster).filter(|before| *before != cluster) {
                self.over.insert(before);
            }
        }
    }
}

#[test]
fn whoever_dies_no_two_clusters_are_there() {
    let seed = std::process::id().into();
    println!("seed {seed}");
    let mut random = Random(seed);
    let names = Names::start();
    let addresses: [String; 5] = ports();
    let (seen, observer) = observe(addresses.to_vec());
    let mut order = Order { seen, now: None, over: HashSet::new() };
    for round in 0..ROUNDS {
        let before = order.now;
        let mut members: Vec<Daemon> = Vec::new();
        for address in &addresses {
            members.push(names.member(address, "--memory"));
            order.look(random.below(5));
        }
        // Half of the times while they found it, half of the times once they have.
        while round % 2 == 1 && order.now == before {
            order.look(1);
        }
        for _ in 0..random.below(8) {
            order.look(random.below(12));
            let (first, count) = (random.below(5), 1 + random.below(4));
            for number in (first..first + count).map(|number| number % 5) {
                members.remove(number).kill();
                members.insert(number, names.member(&addresses[number], "--memory"));
            }
        }
        order.look(10);
        kill_all(members);
    }
    assert!(order.over.len() + 1 >= ROUNDS / 2);
    drop(order);
    observer.join().unwrap();
}
