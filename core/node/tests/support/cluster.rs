//! Several members that find each other: their ports, their start, what is asked of each. Nothing that checks a promise.

use std::collections::BTreeSet;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use doozer_node::{Config, Data};
use doozer_wire::{FLAG_PROGRESS, OwnedResponse, Verb};
use socket2::{Domain, Socket, Type};

use super::{Member, Raw, at};

/// Ports that nobody else gets, though nobody listens there yet.
pub struct Ports(Vec<(Socket, String)>);

impl Ports {
    /// So many, reserved until this is dropped.
    pub fn new(count: usize) -> Ports {
        let reserve = |_| {
            let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
            socket.set_reuse_address(true).unwrap();
            socket.bind(&"127.0.0.1:0".parse::<std::net::SocketAddr>().unwrap().into()).unwrap();
            let address = socket.local_addr().unwrap().as_socket().unwrap().to_string();
            (socket, address)
        };
        Ports((0..count).map(reserve).collect())
    }

    pub fn addresses(&self) -> Vec<String> {
        self.0.iter().map(|(_, address)| address.clone()).collect()
    }
}

/// Attached to whoever listens there.
pub fn attached(addresses: &[String]) -> Config {
    Config { attach: addresses.iter().map(|address| address.parse().unwrap()).collect(), ..Config::default() }
}

/// With a directory of its own.
pub fn durable(config: Config, dir: &Path, number: usize) -> Config {
    Config { data: Data::Directory(dir.join(number.to_string())), ..config }
}

/// Members that are started with the same list, all at once.
pub fn together(ports: &Ports, config: impl Fn(usize, Config) -> Config + Sync) -> Vec<Member> {
    let addresses = ports.addresses();
    let start = |number: usize| {
        let config = config(number, attached(&addresses));
        Member::start(Config { listen: Some(addresses[number].clone()), ..config })
    };
    thread::scope(|scope| {
        let starting: Vec<_> =
            (0..addresses.len()).map(|number| scope.spawn(move || start(number))).collect();
        starting.into_iter().map(|member| member.join().unwrap()).collect()
    })
}

/// One of them starts again.
pub fn again(ports: &Ports, number: usize, config: impl Fn(Config) -> Config) -> Member {
    let addresses = ports.addresses();
    Member::start(Config { listen: Some(addresses[number].clone()), ..config(attached(&addresses)) })
}

/// The text of a file.
pub fn value(raw: &mut Raw, path: &str) -> String {
    String::from_utf8(raw.get(path).0.to_vec()).unwrap()
}

/// The next change of a WATCH.
pub fn event(raw: &mut Raw, tag: i32) -> OwnedResponse {
    loop {
        let answer = raw.answer(tag);
        if answer.flags != Some(FLAG_PROGRESS) {
            return answer;
        }
    }
}

/// The ids under `/ctl/cal`, once there are so many.
pub fn voters(raw: &mut Raw, count: usize) -> BTreeSet<String> {
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        let names = raw.call(at(Verb::List, "/ctl/cal/*"));
        let held = names.entries.iter().filter_map(|entry| entry.value.as_ref());
        let held: BTreeSet<String> = held
            .filter(|value| !value.is_empty())
            .map(|value| String::from_utf8(value.to_vec()).unwrap())
            .collect();
        if held.len() == count {
            return held;
        }
        assert!(Instant::now() < until, "{held:?}");
    }
}
