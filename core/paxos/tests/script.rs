//! Scripts of what members do to each other, as plain text: `tests/scripts/*.txt`. A line `> command` is carried out, and
//! the lines behind it are all that happens then. `DOOZER_PAXOS_REWRITE=1` writes down what happens instead of comparing
//! it: read the difference before it is committed.
//!
//! | command | |
//! |---|---|
//! | `members V L` | a new cluster of V voters and L learners, numbered from 1 |
//! | `led V L` | the same, where the last voter leads by now and all is quiet; how that comes is in `election.txt` |
//! | `led V L kept B` | the same, where B bytes of applied slots are held in memory |
//! | `run N` | N ticks for everybody, all messages and writes done after each |
//! | `campaign M` | M stands for proposer at once |
//! | `propose M TEXT`, `read M` | at a member, and then until all is quiet |
//! | `propose M TEXT N` | the text so often |
//! | `voters M N N …` | M asks for these voters |
//! | `cut A B`, `cut A > B`, `heal` | nothing passes between two, or in one direction; all passes again |
//! | `only A B, C D` | nothing passes but between these pairs |
//! | `delay A > B`, `arrive A > B` | what goes from one to another takes its time from now on; all of it arrives |
//! | `reset A B` | the connection between two breaks, and both are told |
//! | `crash M`, `restart M` | a member ends; it starts again from its disk |
//! | `hold M`, `release M` | a member's disk writes nothing; it writes again |
//! | `rot M` | the last append on a member's disk cannot be read any more; for one that is down |
//! | `full M`, `room M` | a member's disk has no room; it has again |
//! | `show KIND …` | messages of these kinds are told when they arrive, and of no others |
//! | `status` | where each member stands |

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

mod net;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use doozer_paxos::replica::Limits;
use net::Net;

const LIMITS: Limits = Limits {
    doubt_ticks: 1,
    round_ticks: 2,
    waiting_bytes_max: 1_000_000,
    stuck_ticks: 12,
    slots_in_flight_max: 4,
    slot_bytes_max: 64,
    message_bytes_max: 1000,
    unacknowledged_bytes_max: 500,
    full_bytes_max: 100_000,
    kept_bytes_max: 100_000,
};

fn number(word: &str) -> u8 {
    word.parse().unwrap_or_else(|_| panic!("`{word}` is no member"))
}

fn led(voters: u8, learners: u8, limits: Limits) -> Net {
    let mut net = Net::new(voters, learners, limits);
    net.run(12);
    net.events.clear();
    assert_eq!(net.leaders(), [voters], "another one leads");
    assert!(net.nodes.values().all(|node| node.applied.len() == 1), "not everybody is there");
    net
}

fn cut(net: &mut Net, words: &[&str]) {
    match words {
        [a, ">", b] => drop(net.cut.insert((number(a), number(b)))),
        [a, b] => net.cut.extend([(number(a), number(b)), (number(b), number(a))]),
        _ => panic!("cut what? {words:?}"),
    }
}

fn only(net: &mut Net, rest: &str) {
    let pairs: Vec<(u8, u8)> = rest
        .split(',')
        .map(|pair| pair.trim().split_once(' ').expect("a pair"))
        .map(|(a, b)| (number(a), number(b)))
        .collect();
    let all: Vec<u8> = net.nodes.keys().copied().collect();
    net.cut.clear();
    for a in &all {
        for b in &all {
            if a != b && !pairs.contains(&(*a, *b)) && !pairs.contains(&(*b, *a)) {
                net.cut.insert((*a, *b));
            }
        }
    }
}

fn status(net: &Net) -> String {
    let mut text = String::new();
    for (number, node) in &net.nodes {
        if node.is_up {
            writeln!(text, "{number}: {:?}", node.member).unwrap();
        } else {
            writeln!(text, "{number}: down").unwrap();
        }
    }
    text
}

/// Carries out a command; what it prints.
fn carry_out(net: &mut Net, line: &str) -> String {
    let words: Vec<&str> = line.split_whitespace().collect();
    let (word, rest) = words.split_first().expect("a command");
    match (*word, rest) {
        ("members", [voters, learners]) => *net = Net::new(number(voters), number(learners), LIMITS),
        ("led", [voters, learners]) => *net = led(number(voters), number(learners), LIMITS),
        ("led", [voters, learners, "kept", bytes]) => {
            let limits = Limits { kept_bytes_max: bytes.parse().expect("a number of bytes"), ..LIMITS };
            *net = led(number(voters), number(learners), limits);
        }
        ("run", [ticks]) => net.run(ticks.parse().expect("a number of ticks")),
        ("campaign", [member]) => {
            net.campaign(number(member));
            net.quiet();
        }
        ("delay", [from, ">", to]) => net.delay(number(from), number(to)),
        ("arrive", [from, ">", to]) => {
            net.let_through(number(from), number(to));
            net.quiet();
        }
        ("reset", [a, b]) => {
            net.reset(number(a), number(b));
            net.quiet();
        }
        ("show", kinds) => net.shown = kinds.iter().map(|kind| (*kind).to_owned()).collect(),
        ("propose", [member, text]) => {
            net.propose(number(member), text);
            net.quiet();
        }
        ("propose", [member, text, times]) => {
            net.propose(number(member), &text.repeat(times.parse().expect("how often")));
            net.quiet();
        }
        ("read", [member]) => {
            net.read(number(member));
            net.quiet();
        }
        ("voters", [member, voters @ ..]) => {
            let voters: Vec<u8> = voters.iter().map(|word| number(word)).collect();
            net.propose_voters(number(member), &voters);
            net.quiet();
        }
        ("cut", rest) => cut(net, rest),
        ("only", _) => only(net, line.strip_prefix("only").expect("the command")),
        ("heal", []) => net.cut.clear(),
        ("crash", [member]) => net.crash(number(member)),
        ("restart", [member]) => net.restart(number(member)),
        ("hold", [member]) => net.node(number(member)).disk_is_held = true,
        ("release", [member]) => {
            net.node(number(member)).disk_is_held = false;
            net.quiet();
        }
        ("rot", [member]) => assert!(net.node(number(member)).disk.rot(), "there is nothing to rot"),
        ("full", [member]) => net.node(number(member)).disk.is_full = true,
        ("room", [member]) => net.node(number(member)).disk.is_full = false,
        ("status", []) => return status(net),
        _ => panic!("no command is `{line}`"),
    }
    net.events.drain(..).map(|event| event + "\n").collect()
}

/// The script with what happens behind each command; comments and empty lines stay.
fn played(script: &str) -> String {
    let mut net = Net::new(1, 0, LIMITS);
    let mut text = String::new();
    for line in script.lines() {
        match line.strip_prefix("> ") {
            Some(command) => {
                writeln!(text, "{line}").unwrap();
                text += &carry_out(&mut net, command);
            }
            None if line.is_empty() || line.starts_with('#') => writeln!(text, "{line}").unwrap(),
            None => {}
        }
    }
    text
}

#[test]
fn members_do_what_the_scripts_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts");
    let mut count = 0;
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    for file in files {
        let script = fs::read_to_string(&file).unwrap();
        let played = played(&script);
        if std::env::var_os("DOOZER_PAXOS_REWRITE").is_some() {
            fs::write(&file, played).unwrap();
        } else {
            assert_eq!(script, played, "{}: something else happens", file.display());
        }
        count += 1;
    }
    assert!(count > 0, "there are no scripts");
}
