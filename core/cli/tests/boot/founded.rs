//! Who founds a cluster, who joins it, and when it may be founded again.

use std::fs;
use std::path::Path;

use crate::common::daemon::ports;
use crate::common::{doozer, words};
use crate::names::{Names, cluster_of, command, is_well, kill_all, one_cluster};

#[test]
fn three_found_a_cluster_which_is_found_by_its_name() {
    let names = Names::start();
    let addresses: [String; 3] = ports();
    let members = names.members(&addresses, "--memory");
    one_cluster(&members);
    members[0].put(b"v", "set /a 0").rev();
    names.by_name("get /a").prints("v");
    // The claim is one of theirs, and each of them is registered.
    let founder = names.boot.run("get /ctl/boot/prod").stdout;
    let registered = names.registered();
    assert!(registered.contains(&founder), "{registered}");
    addresses
        .iter()
        .for_each(|address| assert!(registered.contains(&format!(" {address}\n")), "{registered}"));
    assert_eq!(registered.lines().count(), 3);
    // Who finds them needs to know none of them; beyond three, it stands by.
    let [fourth] = ports();
    let fourth = names.member(&fourth, "--memory");
    fourth.serves().run("get /a").prints("v");
    assert_eq!(cluster_of(&fourth), cluster_of(&members[0]));
    fourth.until("standing by", |fourth| fourth.run("status").stdout.contains(" learner "));
}

#[test]
fn a_place_for_each_voter() {
    let names = Names::start();
    let [address] = ports();
    let member = names.member(&address, "--memory --voters 1");
    is_well(member.serves());
    let [other] = ports();
    let other = names.member(&other, "--memory");
    other.serves();
    assert_eq!(member.run("ls /ctl/cal").stdout, "0\n");
}

#[test]
fn however_they_race_there_is_one_cluster() {
    let names = Names::start();
    for round in 0..4 {
        let addresses: [String; 5] = ports();
        let members = names.members(&addresses, &format!("--memory -c race-{round}"));
        one_cluster(&members);
        kill_all(members);
    }
}

#[test]
fn all_members_in_memory_die_and_found_it_again_each_time_once() {
    let names = Names::start();
    let addresses: [String; 3] = ports();
    let mut before = Vec::new();
    for round in 0..5 {
        let members = names.members(&addresses, "--memory");
        let cluster = one_cluster(&members);
        assert!(!before.contains(&cluster), "round {round}");
        before.push(cluster);
        // Nothing is left of who was there before, or will be soon.
        names.until("alone registered", |names| names.registered().lines().count() == 3);
        kill_all(members);
    }
}

#[test]
fn one_of_the_dead_is_missing() {
    let names = Names::start();
    let addresses: [String; 3] = ports();
    let members = names.members(&addresses, "--memory");
    let cluster = one_cluster(&members);
    let lost = members[2].run("self").stdout;
    kill_all(members);
    let members = names.members(&addresses[..2], "--memory");
    let boot = &names.boot.address;
    let entry = names.boot.run(&format!("stat /ctl/ns/prod/{}", lost.trim())).stdout;
    let rev = entry.split(' ').next().unwrap();
    let line = format!(
        "waiting: cluster \"prod\" was founded before, and of those who answer nobody runs it; to found it anew, each that is \
         registered has to say that it has nothing: {} (Connection refused): start it; if it is gone for good, delete its \
         entry: `doozer -a {boot} del /ctl/ns/prod/{} {rev}`",
        addresses[2],
        lost.trim()
    );
    for member in &members {
        let said = member.says(&line);
        // The other one may have been missing for a moment, too.
        assert_eq!(member.lines().last(), Some(&line));
        assert_eq!(command(&said), format!("-a {boot} del /ctl/ns/prod/{} {rev}", lost.trim()));
    }
    doozer(Path::new("/"), &[], &words(command(&line)), b"").prints("");
    // Two of three voters are there, and a place for the third.
    for member in &members {
        member.serves();
    }
    assert_eq!(cluster_of(&members[0]), cluster_of(&members[1]));
    assert_ne!(cluster_of(&members[0]), cluster);
    let third = names.member(&addresses[2], "--memory");
    is_well(third.serves());
}

#[test]
fn durable_members_are_who_they_were() {
    let names = Names::start();
    let addresses: [String; 3] = ports();
    let members = names.members(&addresses, "--data-dir {}");
    let cluster = one_cluster(&members);
    members[0].put(b"v", "set /a 0").rev();
    let claim = names.boot.run("stat /ctl/boot/prod").stdout;
    kill_all(members);
    let members = names.members(&addresses, "--data-dir {}");
    assert_eq!(one_cluster(&members), cluster);
    members[1].run("get /a").prints("v");
    assert_eq!(names.boot.run("stat /ctl/boot/prod").stdout, claim);
    kill_all(members);
    // Elsewhere, all of them: each finds where the others are now.
    let elsewhere: [String; 3] = ports();
    let members = names.members(&elsewhere, "--data-dir {}");
    assert_eq!(one_cluster(&members), cluster);
    names.by_name("get /a").prints("v");
    let registered = names.registered();
    elsewhere
        .iter()
        .for_each(|address| assert!(registered.contains(&format!(" {address}\n")), "{registered}"));
    assert_eq!(registered.lines().count(), 3);
}

#[test]
fn who_lost_its_log_finds_the_others() {
    let names = Names::start();
    let addresses: [String; 3] = ports();
    let mut members = names.members(&addresses, "--data-dir {}");
    let cluster = one_cluster(&members);
    members[0].put(b"v", "set /a 0").rev();
    members.remove(2).kill();
    let listed = fs::read_dir(names.dir.path().join("2/log")).unwrap();
    let first = listed.map(|entry| entry.unwrap().path()).min().unwrap();
    let mut bytes = fs::read(&first).unwrap();
    bytes[4096 + 300] ^= 0x40;
    fs::write(&first, bytes).unwrap();
    let [elsewhere] = ports();
    let member = names.member(&elsewhere, "--data-dir 2");
    member.serves().run("get /a").prints("v");
    assert_eq!(cluster_of(&member), cluster);
}

#[test]
fn who_has_the_data_is_waited_for() {
    let names = Names::start();
    let [has_data, other] = ports();
    let member = names.member(&has_data, "--data-dir data --voters 1");
    member.serves().put(b"v", "set /a 0").rev();
    let learner = names.member(&other, "--memory");
    learner.serves();
    let cluster = cluster_of(&member);
    kill_all(vec![member, learner]);
    let learner = names.member(&other, "--memory");
    learner.says(&format!("has to say that it has nothing: {has_data} (Connection refused): start it; "));
    let member = names.member(&has_data, "--data-dir data --voters 1");
    member.serves();
    learner.serves().run("get /a").prints("v");
    assert_eq!((cluster_of(&member), cluster_of(&learner)), (cluster.clone(), cluster));
}
