//! Several doozerd that were given each other's addresses: started together, one by one, again. Nothing that checks a
//! promise.

use std::path::Path;
use std::thread;
use std::time::Duration;

use doozer_client::{Client, Options};
use rustix::process::Signal;
use tempfile::TempDir;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use super::{Member, words};

/// Longer than anything takes that is going to happen.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Options of a client that waits as long as a test does: how fast something is, is no test's business.
pub fn patient() -> Options {
    Options { timeout: Some(PATIENCE), connect_timeout: PATIENCE, boot: None, ..Options::default() }
}

/// The members of a cluster, and the places of those that do not run.
pub struct Cluster {
    members: Vec<Option<Member>>,
    addresses: Vec<String>,
    args: String,
    dir: TempDir,
    /// Bound, and not listened at: so nobody else gets the ports.
    _ports: Vec<TcpSocket>,
}

impl Cluster {
    /// Places for so many; none runs yet. `args` are those of each of them, in which `{}` stands for its number.
    pub fn places(count: usize, args: &str) -> Cluster {
        let ports: Vec<TcpSocket> = (0..count).map(|_| reserve()).collect();
        let address = |port: &TcpSocket| port.local_addr().unwrap().to_string();
        Cluster {
            members: (0..count).map(|_| None).collect(),
            addresses: ports.iter().map(address).collect(),
            args: args.to_owned(),
            dir: tempfile::tempdir().unwrap(),
            _ports: ports,
        }
    }

    /// So many that have found a cluster together and all vote.
    pub fn start(count: usize, args: &str) -> Cluster {
        let mut cluster = Cluster::places(count, args);
        cluster.run_all();
        cluster.wait_for_voters(count);
        cluster
    }

    /// What the files its arguments name are relative to.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub fn addresses(&self) -> &[String] {
        &self.addresses
    }

    /// All addresses, as a client takes them.
    pub fn uri(&self) -> String {
        self.addresses.join(",")
    }

    /// The command line of one of them, without its own address.
    pub fn args(&self, number: usize) -> String {
        let list: Vec<String> = self.addresses.iter().map(|address| format!("-a {address}")).collect();
        format!("{} {}", self.args.replace("{}", &number.to_string()), list.join(" "))
    }

    /// Starts those that do not run, at once.
    pub fn run_all(&mut self) {
        let missing = (0..self.members.len()).filter(|number| self.members[*number].is_none()).collect();
        self.run_some(missing);
    }

    /// Starts these, at once.
    pub fn run_some(&mut self, numbers: Vec<usize>) {
        let dir = self.dir.path();
        let start = |address: &str, args: &str| Member::at(address, dir, &words(args), &[]);
        let lines = numbers.iter().map(|number| (self.addresses[*number].as_str(), self.args(*number)));
        let lines: Vec<(&str, String)> = lines.collect();
        let started: Vec<Member> = thread::scope(|scope| {
            let starting: Vec<_> =
                lines.iter().map(|(address, args)| scope.spawn(move || start(address, args))).collect();
            starting.into_iter().map(|member| member.join().unwrap()).collect()
        });
        for (number, member) in numbers.into_iter().zip(started) {
            self.members[number] = Some(member);
        }
    }

    pub fn run(&mut self, number: usize) {
        self.run_some(vec![number]);
    }

    pub fn member(&self, number: usize) -> &Member {
        self.members[number].as_ref().expect("it runs")
    }

    /// One of them, to be ended.
    pub fn take(&mut self, number: usize) -> Member {
        self.members[number].take().expect("it runs")
    }

    /// Gives back one that was taken.
    pub fn put(&mut self, number: usize, member: Member) {
        self.members[number] = Some(member);
    }

    /// Ends one of them, which may have had no more to say than that others were away, or spoke TLS badly; and, where no majority
    /// is left, that it could not finish what was under way, such as the end of a client's session.
    pub fn end(&mut self, number: usize, signal: Signal) {
        let member = self.take(number);
        member.signal(signal);
        let (status, said) = member.end();
        let expected = if signal == Signal::KILL { None } else { Some(0) };
        assert_eq!(status.code(), expected, "member {number}: {said:?}");
        let harmless = ["member ", "a connection from 127.0.0.1: TLS: "];
        let harmless = harmless.map(|of| format!(" WARN doozer_node::peers::home: {of}"));
        let had_majority = 2 * (self.running().count() + 1) > self.members.len();
        let unfinished = " WARN doozer_node::node: stopped with requests still under way";
        let is_harmless = |line: &String| {
            harmless.iter().any(|harmless| line.contains(harmless))
                || (!had_majority && line.contains(unfinished))
        };
        assert!(said.iter().all(is_harmless), "member {number}: {said:#?}");
    }

    /// Ends all that run, one after the other.
    pub fn end_all(&mut self, signal: Signal) {
        let running: Vec<usize> = self.running().collect();
        running.into_iter().for_each(|number| self.end(number, signal));
    }

    /// Kills all that run: the last of them is signalled before the first has ended.
    pub fn kill_all(&mut self) {
        self.members.iter().flatten().for_each(|member| member.signal(Signal::KILL));
        self.members.iter_mut().filter_map(Option::take).for_each(|member| drop(member.end()));
    }

    fn running(&self) -> impl Iterator<Item = usize> {
        (0..self.members.len()).filter(|number| self.members[*number].is_some())
    }

    /// Waits until so many vote, as the first of those that run sees it.
    pub fn wait_for_voters(&self, count: usize) {
        let number = self.running().next().expect("one that runs");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async { wait_for_voters(&self.client(number).await, count).await });
    }

    /// A client that talks to this member and no other.
    pub async fn client(&self, number: usize) -> Client {
        let address = self.addresses[number].clone();
        Client::over(move || TcpStream::connect(address.clone()), patient()).await.unwrap()
    }
}

/// Waits until so many vote.
pub async fn wait_for_voters(client: &Client, count: usize) {
    let waited = async {
        loop {
            let rev = client.rev().await.unwrap();
            let places = client.walk("/ctl/cal/*", Some(rev)).await.unwrap();
            let held = places.iter().filter_map(|place| place.value.as_ref());
            if held.filter(|id| !id.is_empty()).count() == count {
                return;
            }
            client.wait("/ctl/cal/*", rev + 1).await.unwrap();
        }
    };
    timeout(PATIENCE, waited).await.expect("so many vote");
}

fn reserve() -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    socket
}
