//! What an operator can do wrong with several doozerd, and what they tell him: one line that names the thing and the remedy,
//! however often they try.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

mod common;

use std::io::{Read, Write};
use std::path::Path;
use std::thread;

use common::daemon::{Daemon, Impostor, ports};
use common::{Ended, doozerd};

/// A cluster's id.
fn cluster_of(member: &Daemon) -> String {
    let status = member.run("status").stdout;
    let line = status.lines().find_map(|line| line.strip_prefix("cluster_id")).unwrap();
    line.trim().to_owned()
}

/// In memory, at a port that it takes for itself.
fn start(dir: &Path, line: &str, variables: &[(&str, &str)]) -> Daemon {
    let [address] = ports();
    Daemon::start(dir, &address, line, variables)
}

#[test]
fn a_wrong_secret() {
    let dir = tempfile::tempdir().unwrap();
    let pairs: [[&[(&str, &str)]; 2]; 3] = [
        [&[("DOOZER_RWSECRET", "one")], &[("DOOZER_RWSECRET", "two")]],
        [&[("DOOZER_RWSECRET", "one")], &[]],
        [&[], &[("DOOZER_RWSECRET", "two")]],
    ];
    for [here, there] in pairs {
        let member = start(dir.path(), "--memory", here);
        member.serves();
        let way = Impostor::to(&member.address);
        let joiner = start(dir.path(), &format!("--memory -a {}", way.address), there);
        way.was_asked(6);
        let why = "it did not prove that it knows the secret: give both the same one (DOOZER_RWSECRET), or look for what \
                   changes or repeats their bytes between them";
        let Daemon { address, .. } = &joiner;
        let waits = format!(
            "waiting: no address given with -a runs a cluster to join: {} (refused: it refuses: \"{why}\"); to found \
             one, give this member's own ({address}) to each as well",
            way.address
        );
        joiner.says("waiting: ");
        assert_eq!(joiner.lines(), [waits]);
        let told = format!(
            "a connection from 127.0.0.1, which says that it is the member at {address}: refused: {why}"
        );
        member.says("did not prove");
        assert_eq!(member.lines()[1..], [told]);
    }
}

#[test]
fn addresses_where_no_member_is() {
    let dir = tempfile::tempdir().unwrap();
    let web = Impostor::new(|mut stream| {
        let _ = stream.read(&mut [0; 1000]);
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
    });
    let echo = Impostor::new(|stream| drop(std::io::copy(&mut &stream, &mut &stream)));
    let rude = Impostor::new(drop);
    let hole = Impostor::new(|mut stream| drop(stream.read_to_end(&mut Vec::new())));
    let [nobody] = ports();
    let lines = [
        (
            &web.address,
            "no member is there (a frame of 1213486160 bytes, over the limit of 65536): check the address",
        ),
        (&echo.address, "no member is there ("),
        (&rude.address, "the connection was closed"),
        (&hole.address, "no answer within 3 s: it hangs, or is no member"),
        (&nobody, "Connection refused"),
        (&"no.such.host.invalid:8046".to_owned(), "failed to lookup address information"),
    ];
    let joiners = lines.map(|(address, why)| {
        (start(dir.path(), &format!("--memory -a {address}"), &[]), address.clone(), why)
    });
    web.was_asked(5);
    echo.was_asked(5);
    rude.was_asked(5);
    hole.was_asked(3);
    for (joiner, address, why) in &joiners {
        joiner.says(&format!("waiting: no address given with -a runs a cluster to join: {address} ({why}"));
        assert_eq!(joiner.lines().len(), 1, "{:?}", joiner.lines());
    }
    // One of them beside a member that runs a cluster does no harm.
    let member = start(dir.path(), "--memory", &[]);
    member.serves();
    let joiner = start(dir.path(), &format!("--memory -a {} -a {}", web.address, member.address), &[]);
    joiner.serves().put(b"v", "set /a 0").rev();
    member.run("get /a").prints("v");
}

#[test]
fn the_address_of_another_cluster() {
    let dir = tempfile::tempdir().unwrap();
    let one = start(dir.path(), "--data-dir one", &[]);
    let other = start(dir.path(), "--data-dir other", &[]);
    one.serves().put(b"1", "set /a 0").rev();
    other.serves().put(b"2", "set /a 0").rev();
    let (ours, theirs) = (cluster_of(&one), cluster_of(&other));
    assert_ne!(ours, theirs);
    // One that has nothing is told of both.
    let ways = [&one, &other].map(|member| Impostor::to(&member.address));
    let both = format!("--memory -a {} -a {}", ways[0].address, ways[1].address);
    let joiner = start(dir.path(), &both, &[]);
    ways[1].was_asked(8);
    let mut places = [(&ways[0].address, &ours), (&ways[1].address, &theirs)];
    places.sort();
    let [(first, its), (second, others)] = places;
    joiner.says(&format!(
        "waiting: {first} belongs to cluster {its}, {second} to {others}: give the addresses of one cluster with -a"
    ));
    assert_eq!(joiner.lines().len(), 1, "{:?}", joiner.lines());
    // One that has data is who it was, and says what is wrong with its command line.
    let address = one.address.clone();
    one.kill();
    let one = Daemon::start(dir.path(), &address, &format!("--data-dir one -a {}", other.address), &[]);
    let belongs = "check the addresses given with -a; two clusters never become one";
    let told = one.says(belongs);
    let line = format!(
        "{}: refused: it refuses: \"it belongs to cluster {ours}, this member to {theirs}: ",
        other.address
    );
    assert!(told.contains(&line), "{told}");
    let told = other.says(belongs);
    let line = format!(
        "which says that it is the member at {address}: refused: it belongs to cluster {ours}, this member to"
    );
    assert!(told.contains(&line), "{told}");
    one.serves().put(b"1", "set /b 0").rev();
    other.put(b"2", "set /b 0").rev();
    assert_eq!((cluster_of(&one), cluster_of(&other)), (ours, theirs));
    for (member, value) in [(&one, "1"), (&other, "2")] {
        member.run("get /a").prints(value);
        member.run("get /b").prints(value);
        assert_eq!(member.lines_with(belongs).len(), 1, "{:?}", member.lines());
    }
}

#[test]
fn lists_that_do_not_fit() {
    let dir = tempfile::tempdir().unwrap();
    let [a, b, c] = ports();
    // Each has another list, and the third never comes.
    let one = Daemon::start(dir.path(), &a, &format!("--memory -a {a} -a {b}"), &[]);
    let two = Daemon::start(dir.path(), &b, &format!("--memory -a {a} -a {b} -a {c}"), &[]);
    let list = |addresses: &mut [&String]| {
        addresses.sort();
        addresses.iter().map(|address| format!("-a {address}")).collect::<Vec<_>>().join(" ")
    };
    let (short, long) = (list(&mut [&a, &b]), list(&mut [&a, &b, &c]));
    one.says(&format!(
        "waiting: {b} was started with {long}, this member with {short}: give the same addresses to all"
    ));
    two.says(&format!(
        "waiting: {a} was started with {short}, this member with {long}: give the same addresses to all"
    ));
}

#[test]
fn one_member_under_two_addresses() {
    let dir = tempfile::tempdir().unwrap();
    let [address, twice] = ports();
    let name = address.replace("127.0.0.1", "localhost");
    let member = Daemon::start(dir.path(), &address, &format!("--memory -a {address} -a {name}"), &[]);
    member.says(&format!(
        "waiting: {address}, {name} all lead to this member: give each member's address once"
    ));
    let member = Daemon::start(dir.path(), &twice, &format!("--memory -a {twice} -a {twice}"), &[]);
    member.serves();
    assert_eq!(member.lines()[0], format!("-a {twice} is given twice, and counts once"));
}

#[test]
fn what_two_members_cannot_share() {
    let dir = tempfile::tempdir().unwrap();
    let [a, b, c] = ports();
    let list = format!("-a {a} -a {b}");
    let start =
        |address: &str| Daemon::start(dir.path(), address, &format!("{list} --data-dir {address}"), &[]);
    let members = [start(&a), start(&b)];
    members.iter().for_each(|member| {
        member.serves();
    });
    let line = format!("--data-dir {a} -l {c} {list}");
    let ended = doozerd(dir.path(), &[], &common::words(&line));
    assert_eq!((ended.status, ended.stderr.lines().count()), (Some(2), 1));
    let locked = format!("doozerd: data directory {a}: {a}/LOCK is in use: ");
    assert!(ended.stderr.starts_with(&locked), "{ended:?}");
    let line = format!("--memory -l {b} {list}");
    let taken = format!(
        "doozerd: cannot listen on {b}: Address already in use; is another doozerd running there? choose another address \
         with -l"
    );
    doozerd(dir.path(), &[], &common::words(&line)).fails(2, &taken);
    members[0].put(b"v", "set /a 0").rev();
    members[1].run("get /a").prints("v");
}

/// Three durable members, which know each other's addresses.
struct Three {
    dir: tempfile::TempDir,
    addresses: [String; 3],
    flags: String,
}

impl Three {
    fn new(flags: &str) -> (Three, [Daemon; 3]) {
        let three = Three { dir: tempfile::tempdir().unwrap(), addresses: ports(), flags: flags.to_owned() };
        let members = [0, 1, 2].map(|number| three.start(number, &[]));
        for member in &members {
            member.serves();
            (0..3).for_each(|place| drop(member.until_prints(&format!("get /ctl/cal/{place}"))));
        }
        (three, members)
    }

    fn start(&self, number: usize, variables: &[(&str, &str)]) -> Daemon {
        let list: Vec<String> = self.addresses.iter().map(|address| format!("-a {address}")).collect();
        let line = format!("--data-dir {number} {} {}", list.join(" "), self.flags);
        Daemon::start(self.dir.path(), &self.addresses[number], &line, variables)
    }
}

/// All members have the same files at one revision, and each has the same value and revision.
fn assert_same(members: &[Daemon]) {
    let rev = members[0].run("rev").rev();
    let found = members[0].run(&format!("find -r {rev} /")).stdout;
    assert!(found.contains("/ctl/cal/2\n"), "{found}");
    let files = |member: &Daemon| -> Vec<Ended> {
        let of_each = found.lines().map(|path| member.run(&format!("get --json -r {rev} {path}")));
        [member.run(&format!("find -r {rev} /"))].into_iter().chain(of_each).collect()
    };
    let first = files(&members[0]);
    members.iter().for_each(|member| assert_eq!(files(member), first));
}

/// Nothing was written, for want of a majority; why, as far as the member has said that by then.
#[track_caller]
fn assert_unwritten(ended: &Ended, path: &str, seconds: u32) {
    let nothing =
        format!("Error: NO_QUORUM: {path}: no quorum: no session could be opened, nothing was written");
    let (tried, why) = (format!("; tried for {seconds}s\n"), ": this member hears of no majority");
    let expected = [format!("{nothing}{tried}"), format!("{nothing}{why}{tried}")];
    assert!(ended.status == Some(2) && expected.contains(&ended.stderr), "{ended:?}");
}

#[test]
fn a_minority_says_so_and_keeps_its_promises() {
    let (three, [alone, two, other]) = Three::new("--answer-within 3");
    let rev = alone.put(b"kept", "set /a 0").rev();
    two.kill();
    other.kill();
    assert_unwritten(&alone.put(b"lost", "-t 5 set /a -1"), "/a", 5);
    for _ in 0..3 {
        assert_unwritten(&alone.put(b"b", "-t 1 set /b 0"), "/b", 1);
    }
    let read = "Error: NO_QUORUM: /a: no quorum: this member hears of no majority; a read with local consistency is answered";
    alone.run("get /a").fails(2, read);
    // What is there is read and waited for.
    alone.run(&format!("get -r {rev} /a")).prints("kept");
    assert!(alone.run("wait -r 1 /a").stdout.contains("kept"));

    // Whoever starts without the others serves as well, the founder too.
    alone.kill();
    for number in 0..3 {
        let alone = three.start(number, &[]);
        alone.serves();
        assert_eq!(alone.until_prints("status --json").matches("\"quorum\":false").count(), 1);
        assert_unwritten(&alone.put(b"b", "-t 5 set /b 0"), "/b", 5);
        alone.kill();
    }
    let members = [0, 1, 2].map(|number| three.start(number, &[]));
    members[0].until_prints("get /a");
    members[1].put(b"on", "set /on 0").rev();
    for member in &members {
        member.run("get /a").prints("kept");
    }
    assert_same(&members);
}

#[test]
fn how_long_a_write_waits_can_be_chosen() {
    let (three, [alone, two, other]) = Three::new("--answer-within 600");
    two.kill();
    other.kill();
    thread::scope(|scope| {
        let write = scope.spawn(|| alone.put(b"late", "set -t 60 /a 0"));
        let others = [1, 2].map(|number| three.start(number, &[]));
        write.join().unwrap().rev();
        for member in &others {
            member.serves().run("get /a").prints("late");
        }
    });
}

/// What `CLOCK_OFFSET` names holds the seconds by which the wall clock of whoever loads this is ahead.
#[cfg(target_os = "linux")]
const CLOCK: &str = r#"
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *now) {
    int failed = syscall(SYS_clock_gettime, clock, now);
    const char *path = getenv("CLOCK_OFFSET");
    if (failed || clock != CLOCK_REALTIME || !path) return failed;
    char text[32] = {0};
    int file = open(path, O_RDONLY);
    if (file >= 0) {
        if (read(file, text, sizeof text - 1) > 0) now->tv_sec += atol(text);
        close(file);
    }
    return 0;
}
"#;

/// Wall clocks that are years apart, jump and go back are of no account: nothing is decided by them.
#[cfg(target_os = "linux")]
#[test]
fn clocks_that_jump() {
    use std::fs;
    use std::process::Command;

    let (three, members) = Three::new("--log-level info");
    drop(members);
    let dir = three.dir.path();
    fs::write(dir.join("clock.c"), CLOCK).unwrap();
    let made =
        Command::new("cc").current_dir(dir).args(["-shared", "-fPIC", "-o", "clock.so", "clock.c"]).status();
    assert!(made.unwrap().success());
    let library = dir.join("clock.so").display().to_string();
    let offset = |number: usize| dir.join(format!("offset-{number}")).display().to_string();
    let turn = |number: usize, seconds: i64| {
        // In one step, or it might be read while it is empty.
        fs::write(dir.join("offset"), seconds.to_string()).unwrap();
        fs::rename(dir.join("offset"), offset(number)).unwrap();
    };
    let start =
        |number: usize| three.start(number, &[("LD_PRELOAD", &library), ("CLOCK_OFFSET", &offset(number))]);
    const YEAR: i64 = 31_557_600;
    (0..3).for_each(|number| turn(number, [0, 20 * YEAR, -20 * YEAR][number]));
    let mut members = Vec::from([0, 1, 2].map(start));
    let mut rev = 0;
    let mut write_at_all = |members: &[Daemon]| {
        for (number, member) in members.iter().enumerate() {
            member.until_prints("rev");
            for _ in 0..5 {
                let next = member.put(b"x", &format!("set /n/{number} -1")).rev();
                assert!(next > rev, "{next} after {rev}");
                rev = next;
            }
        }
        assert_same(members);
    };
    write_at_all(&members);
    // The library works: they say when they say something.
    let said = |number: usize| members[number].says(" INFO ")[..4].parse::<i32>().unwrap();
    let years = [said(0), said(1), said(2)];
    assert!(years[1] >= years[0] + 20 && years[2] <= years[0] - 20, "{years:?}");
    // Each in turn, whoever proposes, is an hour ahead, an hour behind, before 1970, and right again.
    for number in 0..3 {
        for seconds in [3600, -3600, -100 * YEAR, 0] {
            turn(number, seconds);
            write_at_all(&members);
        }
    }
    // A log that was written in the future goes on in the past.
    (0..3).for_each(|number| turn(number, -3600));
    for number in 0..3 {
        members.remove(number).kill();
        members.insert(number, start(number));
        members[number].serves();
        write_at_all(&members);
    }
}

/// It may have acknowledged what nobody else has: nothing is founded as if that had never been.
#[test]
fn one_that_lost_who_it_was_founds_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let [lost, other] = ports();
    let line = |data: &str| format!("--data-dir {data} -a {lost} -a {other}");
    let before = Daemon::start(dir.path(), &lost, "--data-dir lost", &[]);
    before.serves();
    before.kill();
    let file = dir.path().join("lost/SUPER");
    let mut bytes = std::fs::read(&file).unwrap();
    [20, 4096 + 20].iter().for_each(|at| bytes[*at] ^= 1);
    std::fs::write(&file, bytes).unwrap();

    let (lost, other) = (
        Daemon::start(dir.path(), &lost, &line("lost"), &[]),
        Daemon::start(dir.path(), &other, &line("other"), &[]),
    );
    let said = lost.says("the identity of this member is lost: lost/SUPER is unreadable in both its copies");
    assert!(said.contains("its files are kept in lost/lost-0000000000000001"), "{said}");
    lost.says("waiting: this member lost who it was, so it founds no cluster, and no address given with -a runs one");
    other.says(&format!("waiting: {} lost who it was, and nobody founds a cluster with it", lost.address));
    // It stays so, however often it is started.
    lost.kill();
    let (address, args) = (other.address.clone(), line("lost"));
    let lost = Daemon::start(dir.path(), args.split_whitespace().nth(3).unwrap(), &args, &[]);
    lost.says("waiting: this member lost who it was");
    // Started empty it is one like others.
    lost.kill();
    std::fs::remove_dir_all(dir.path().join("lost")).unwrap();
    let empty = Daemon::start(dir.path(), args.split_whitespace().nth(3).unwrap(), &args, &[]);
    empty.serves();
    other.serves();
    assert_ne!(address, empty.address);
}
