//! A network namespace for each member, joined by a bridge in one more, in which the clients are.
//!
//! A direction is cut with a neighbour entry that names a hardware address nobody has: what is sent leaves, and is never
//! delivered, as on a cable that was cut. Every kernel can do that. Delay and loss are netem's, behind a class of HTB for each
//! destination; not every kernel has it.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use doozer_bench::child::Process;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::{PLACES, Way};
use crate::trouble::Trouble;

const PORT: u16 = 8046;
/// A hardware address that nobody has.
const NOBODY: &str = "02:00:00:00:00:fe";

/// The namespaces. Dropped, they are deleted.
pub struct Namespaces {
    prefix: String,
    ways: Vec<[Way; PLACES]>,
    has_netem: bool,
}

impl Namespaces {
    /// Makes them, and moves the calling thread, and all threads that it starts, to where the clients are.
    pub fn enter() -> Result<Namespaces, Trouble> {
        let prefix = format!("doozer-nemesis-{}", std::process::id());
        let mut made = Namespaces { prefix, ways: vec![Default::default(); PLACES], has_netem: false };
        made.make().map_err(|trouble| Trouble::NoNamespaces(trouble.to_string()))?;
        enter(&made.hub()).map_err(|error| Trouble::NoNamespaces(error.to_string()))?;
        made.has_netem = made.try_netem();
        Ok(made)
    }

    /// Whether delay and loss can be had.
    pub fn has_netem(&self) -> bool {
        self.has_netem
    }

    fn make(&self) -> Result<(), Trouble> {
        let hub = self.hub();
        run("ip", &["netns", "add", &hub], "")?;
        let mut lines = format!(
            "link set dev lo up\nlink add name br0 type bridge\naddr add {}/24 dev br0\nlink set dev br0 up\n",
            address(PLACES)
        );
        for place in 0..PLACES {
            run("ip", &["netns", "add", &self.of(place)], "")?;
            let (of, hardware) = (self.of(place), hardware(place));
            lines +=
                &format!("link add name v{place} type veth peer name eth0 address {hardware} netns {of}\n");
            lines += &format!("link set dev v{place} master br0 up\n");
        }
        run("ip", &["-n", &hub, "-batch", "-"], &lines)?;
        for place in 0..PLACES {
            let mut lines = format!("link set dev lo up\naddr add {}/24 dev eth0\n", address(place));
            lines += "link set dev eth0 up\n";
            for other in (0..PLACES).filter(|other| *other != place) {
                lines += &neighbour(other, &hardware(other));
            }
            run("ip", &["-n", &self.of(place), "-batch", "-"], &lines)?;
        }
        Ok(())
    }

    fn try_netem(&self) -> bool {
        let add = ["-n", &self.of(0), "qdisc", "add", "dev", "lo", "root", "netem", "delay", "1ms"];
        let del = ["-n", &self.of(0), "qdisc", "del", "dev", "lo", "root"];
        run("tc", &add, "").and_then(|()| run("tc", &del, "")).is_ok()
    }

    fn hub(&self) -> String {
        format!("{}-hub", self.prefix)
    }

    fn of(&self, place: usize) -> String {
        format!("{}-{place}", self.prefix)
    }

    pub fn address(&self, place: usize) -> String {
        format!("{}:{PORT}", address(place))
    }

    /// Starts a program in the namespace of a place.
    pub fn start(&self, place: usize, command: &mut Command, log: &Path) -> io::Result<Process> {
        self.within(place, || Process::start(command, log))
    }

    /// Does something in the namespace of a place: in a thread of its own, which does not come back from there.
    pub(super) fn within<T: Send>(
        &self,
        place: usize,
        work: impl FnOnce() -> io::Result<T> + Send,
    ) -> io::Result<T> {
        let name = self.of(place);
        let work = move || enter(&name).and_then(|()| work());
        thread::scope(|scope| scope.spawn(work).join())
            .unwrap_or_else(|_| Err(io::Error::other("the thread in a namespace has ended")))
    }

    pub fn set(&mut self, from: usize, to: usize, way: Way) -> Result<(), Trouble> {
        let before = std::mem::replace(&mut self.ways[from][to], way);
        if before == way {
            return Ok(());
        }
        let is_shaped = |way| matches!(way, Way::Slow { .. } | Way::Lossy { .. });
        if is_shaped(before) || is_shaped(way) {
            self.shape(from)?;
        }
        if before == Way::Cut || way == Way::Cut {
            let there = if way == Way::Cut { NOBODY.to_owned() } else { hardware(to) };
            run("ip", &["-n", &self.of(from), "-batch", "-"], &neighbour(to, &there))?;
        }
        Ok(())
    }

    /// Makes the queues of a member anew, as its ways out are.
    fn shape(&self, from: usize) -> Result<(), Trouble> {
        let name = self.of(from);
        // There may be none yet.
        let _ = run("tc", &["-n", &name, "qdisc", "del", "dev", "eth0", "root"], "");
        let mut lines = "qdisc add dev eth0 root handle 1: htb\n".to_owned();
        let mut is_plain = true;
        for (to, way) in self.ways[from].iter().enumerate() {
            let netem = match way {
                Way::Open | Way::Cut => continue,
                Way::Slow { delay, jitter } => {
                    format!("delay {}ms {}ms", delay.as_millis(), jitter.as_millis())
                }
                Way::Lossy { percent } => format!("loss {percent}%"),
            };
            is_plain = false;
            let (class, to) = (10 + to, address(to));
            lines += &format!("class add dev eth0 parent 1: classid 1:{class} htb rate 10gbit\n");
            lines += &format!("qdisc add dev eth0 parent 1:{class} handle {class}: netem {netem}\n");
            lines += &format!(
                "filter add dev eth0 parent 1: protocol ip prio 1 u32 match ip dst {to}/32 flowid 1:{class}\n"
            );
        }
        if is_plain { Ok(()) } else { run("tc", &["-n", &name, "-batch", "-"], &lines) }
    }
}

impl Drop for Namespaces {
    fn drop(&mut self) {
        for name in (0..PLACES).map(|place| self.of(place)).chain([self.hub()]) {
            // Not all of them are there if making them failed.
            let _ = run("ip", &["netns", "del", &name], "");
        }
    }
}

fn address(place: usize) -> String {
    format!("10.77.0.{}", place + 1)
}

fn hardware(place: usize) -> String {
    format!("02:77:00:00:00:{:02x}", place + 1)
}

fn neighbour(of: usize, hardware: &str) -> String {
    format!("neigh replace {} lladdr {hardware} dev eth0 nud permanent\n", address(of))
}

/// Moves this thread.
fn enter(name: &str) -> io::Result<()> {
    let file = File::open(format!("/run/netns/{name}"))?;
    Ok(move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network))?)
}

/// Runs a program with these lines as its input.
fn run(program: &str, args: &[&str], lines: &str) -> Result<(), Trouble> {
    let trouble = |why: String| Trouble::Command { command: format!("{program} {}", args.join(" ")), why };
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let ran = command.spawn().and_then(|mut child| {
        if let Some(mut input) = child.stdin.take() {
            input.write_all(lines.as_bytes())?;
        }
        child.wait_with_output()
    });
    let ran = ran.map_err(|error| trouble(error.to_string()))?;
    if ran.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&ran.stderr);
    Err(trouble(said.lines().next().unwrap_or("it says nothing").to_owned()))
}
