//! A boot cluster of one, and members that look for theirs in it.

use std::path::Path;
use std::thread;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::common::daemon::{Daemon, ports};
use crate::common::{Ended, doozer, words};

pub struct Names {
    pub dir: TempDir,
    pub boot: Daemon,
}

impl Names {
    pub fn start() -> Names {
        let dir = tempfile::tempdir().unwrap();
        let [address] = ports();
        let boot = start_boot(dir.path(), &address, &[]);
        boot.serves();
        Names { dir, boot }
    }

    /// Starts a member of cluster `prod`; `more` may say otherwise.
    pub fn member(&self, address: &str, more: &str) -> Daemon {
        let name = if more.contains("-c ") { "" } else { "-c prod" };
        let line = format!("{name} -b {} {more}", self.boot.address);
        Daemon::start(self.dir.path(), address, &line, &[])
    }

    /// One at each address, all at once. `{}` stands for its number.
    pub fn members(&self, addresses: &[String], more: &str) -> Vec<Daemon> {
        thread::scope(|scope| {
            let start = |(number, address): (usize, &String)| {
                let more = more.replace("{}", &number.to_string());
                let address = address.clone();
                scope.spawn(move || self.member(&address, &more))
            };
            let starting: Vec<_> = addresses.iter().enumerate().map(start).collect();
            starting.into_iter().map(|member| member.join().unwrap()).collect()
        })
    }

    /// Everything that is registered, as `path value`.
    pub fn registered(&self) -> String {
        let paths = self.boot.run("find /ctl/ns/prod").stdout;
        let files = paths.lines().filter(|path| path.matches('/').count() == 4);
        let line = |path: &str| format!("{path} {}\n", self.boot.run(&format!("get {path}")).stdout);
        files.map(line).collect()
    }

    /// Waits until something is so.
    #[track_caller]
    pub fn until(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        self.boot.until(what, |_| is_so(self));
    }

    /// Runs doozer with no more than the name of the cluster.
    pub fn by_name(&self, line: &str) -> Ended {
        let variables = [("DOOZER_BOOT_URI", &*self.boot.address), ("DOOZER_URI", "doozer:?cn=prod")];
        doozer(Path::new("/"), &variables, &words(line), b"")
    }
}

pub fn start_boot(dir: &Path, address: &str, variables: &[(&str, &str)]) -> Daemon {
    Daemon::start(dir, address, "-c names --data-dir names", variables)
}

/// Waits until all of its voters are there and well.
#[track_caller]
pub fn is_well(member: &Daemon) -> &Daemon {
    member.until("well", |member| member.run("status --check").status == Some(0))
}

/// A cluster's id.
pub fn cluster_of(member: &Daemon) -> String {
    let status = member.run("status").stdout;
    let line = status.lines().find_map(|line| line.strip_prefix("cluster_id")).unwrap();
    line.trim().to_owned()
}

/// The one cluster that all of them belong to.
#[track_caller]
pub fn one_cluster(members: &[Daemon]) -> String {
    for member in members {
        is_well(member.serves());
    }
    let cluster = cluster_of(&members[0]);
    members.iter().for_each(|member| assert_eq!(cluster_of(member), cluster));
    cluster
}

/// The last of them is killed before the first has ended.
pub fn kill_all(members: Vec<Daemon>) {
    members.iter().for_each(|member| member.signal(Signal::KILL));
    members.into_iter().for_each(Daemon::kill);
}

/// The command that a line names.
pub fn command(line: &str) -> &str {
    line.split('`').nth(1).expect("a command").strip_prefix("doozer ").expect("a doozer")
}
