//! What no member says, and those who are none, on the port of a running cluster: refused with one clear line, never followed.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

mod support;

#[path = "hostile/guest.rs"]
mod guest;
#[path = "hostile/log.rs"]
mod log;
#[path = "hostile/proxy.rs"]
mod proxy;

use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use bytes::BytesMut;
use doozer_node::{Config, Secrets};
use doozer_wire::{Request, Verb};
use guest::{Guest, Line, MESSAGES, QUESTION, random};
use proxy::{Proxy, Wrong};
use support::cluster::{Ports, again, together, voters};
use support::{Member, Raw, at, request};

/// A connection with all rights.
fn friend(member: &Member, secret: &str) -> Raw {
    let mut raw = member.modern();
    if !secret.is_empty() {
        let shown = raw.call(Request { value: Some(secret.to_owned().into()), ..request(Verb::Access) });
        assert_eq!(shown.failure(), None);
    }
    raw
}

/// While something is done, each member takes writes, and all of them are written; in the end all members have the same state.
fn undisturbed<T>(members: &[Member], secret: &str, hostile: impl FnOnce() -> T) -> T {
    voters(&mut friend(&members[0], secret), members.len());
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let writers: Vec<_> = (0..members.len())
            .map(|number| {
                let (mut raw, is_over) = (friend(&members[number], secret), &is_over);
                scope.spawn(move || {
                    let mut count = 0;
                    while !is_over.load(Ordering::Relaxed) || count == 0 {
                        raw.set(&format!("/w/{number}/{count}"), "x", -1);
                        count += 1;
                    }
                    count
                })
            })
            .collect();
        // The writers end whatever becomes of it.
        let done = catch_unwind(AssertUnwindSafe(hostile));
        is_over.store(true, Ordering::Relaxed);
        let counts: Vec<usize> = writers.into_iter().map(|writer| writer.join().unwrap()).collect();
        let done = done.unwrap_or_else(|panic| resume_unwind(panic));
        assert_same(members, secret, &counts);
        done
    })
}

/// The same, and who proposes is who proposed before. A busy machine may bring about that somebody else does, but not each
/// time.
fn undisturbed_and_unmoved(members: &[Member], secret: &str, mut hostile: impl FnMut()) {
    let roles = || members.iter().map(|member| friend(member, secret).status().role).collect::<Vec<_>>();
    let stays = |_| {
        voters(&mut friend(&members[0], secret), members.len());
        let before = roles();
        undisturbed(members, secret, &mut hostile);
        roles() == before
    };
    assert!((0..5).any(stays), "somebody else proposes each time");
}

/// All members have the same files at the same revision, those written among them.
fn assert_same(members: &[Member], secret: &str, written: &[usize]) {
    let rev = friend(&members[0], secret).rev();
    let files = |member: &Member| {
        let listed = friend(member, secret).call(Request { rev: Some(rev), ..at(Verb::List, "/**") });
        assert_eq!(listed.failure(), None);
        listed.entries.into_iter().map(|entry| (entry.path, entry.value, entry.rev)).collect::<Vec<_>>()
    };
    let first = files(&members[0]);
    for (number, count) in written.iter().enumerate() {
        for n in 0..*count {
            let path = format!("/w/{number}/{n}");
            assert!(first.iter().any(|(file, ..)| **file == *path.as_bytes()), "{path} is lost");
        }
    }
    members.iter().for_each(|member| assert_eq!(files(member), first));
}

/// A cluster of three; those who dial the second one come through somebody.
fn three_with_a_proxy() -> (Vec<Member>, Proxy) {
    log::keep();
    let ports = Ports::new(3);
    let proxy = Proxy::new(ports.addresses()[1].parse().unwrap());
    let reached_at = Some(proxy.address.to_string().parse().unwrap());
    let members = together(&ports, |number, config| Config {
        reached_at: reached_at.clone().filter(|_| number == 1),
        answer_within: Duration::from_secs(60),
        ..config
    });
    (members, proxy)
}

/// A frame is carried wrongly: the connection ends with one line that says so, and another one is made.
fn ends_with(wrong: Wrong, words: &str) {
    let (members, proxy) = three_with_a_proxy();
    let dialer = undisturbed(&members, "", || {
        let dialer = proxy.spoil(wrong);
        let talked = proxy.talked(dialer);
        let line = log::wait_for(&[&format!("from member {dialer}"), words]);
        assert!(line.contains("the connection was closed: "), "{line}");
        proxy.wait_until_talked(dialer, talked + 1);
        dialer
    });
    let lines = log::lines(&[&format!("from member {dialer}")]);
    assert_eq!(lines.len(), 1, "{lines:?}");
    members.into_iter().for_each(Member::crash);
}

#[test]
fn a_frame_with_a_turned_bit() {
    ends_with(Wrong::Body, "the MAC of a peer frame does not match");
    ends_with(Wrong::Mac, "the MAC of a peer frame does not match");
}

#[test]
fn a_frame_that_comes_twice() {
    ends_with(Wrong::Twice, "was due: one was repeated or is lost");
}

#[test]
fn a_frame_that_does_not_come_or_comes_late() {
    ends_with(Wrong::Missing, "was due: one was repeated or is lost");
    ends_with(Wrong::Swapped, "was due: one was repeated or is lost");
}

#[test]
fn half_a_frame_and_then_another_one() {
    ends_with(Wrong::Half, "the MAC of a peer frame does not match");
}

#[test]
fn a_frame_whose_length_is_longer_than_any() {
    ends_with(Wrong::TooLong, "over the limit of 1073741824");
}

#[test]
fn a_frame_whose_length_was_garbled_is_not_waited_for_without_end() {
    ends_with(Wrong::Longer, "a frame was not whole after 10 s");
}

#[test]
fn a_connection_that_breaks_within_a_frame_is_nothing_to_tell_of() {
    let (members, proxy) = three_with_a_proxy();
    let dialer = undisturbed(&members, "", || {
        let dialer = proxy.spoil(Wrong::Cut);
        proxy.wait_until_talked(dialer, proxy.talked(dialer) + 1);
        dialer
    });
    assert_eq!(log::lines(&[&format!("from member {dialer}")]), [""; 0]);
    members.into_iter().for_each(Member::crash);
}

#[test]
fn what_a_member_said_is_of_no_use_to_who_plays_it_back() {
    let (members, proxy) = three_with_a_proxy();
    let recorded = proxy.recorded();
    let victim = members[1].address;
    undisturbed_and_unmoved(&members, "", || {
        for _ in 0..50 {
            let mut line = Line::open(victim);
            line.send(&recorded);
            // Its HELLO is answered, since anybody may say HELLO; then it is told why not.
            line.frame().unwrap();
            let refusal = line.frame().unwrap();
            assert!(String::from_utf8_lossy(&refusal).contains("changes or repeats"), "{refusal:?}");
            assert_eq!(line.end(), 0);
        }
    });
    let ports: Vec<String> = members.iter().map(|member| format!("member at {}", member.address)).collect();
    let lines = log::lines(&["a connection from 127.0.0.1", "did not prove"]);
    let of_this = |line: &&String| ports.iter().any(|port| line.contains(port));
    assert_eq!(lines.iter().filter(of_this).count(), 1, "{lines:?}");
    members.into_iter().for_each(Member::crash);
}

/// A cluster of three with a secret.
fn three_with_a_secret() -> Vec<Member> {
    log::keep();
    let secrets = Secrets::new(Some("hush".to_owned()), None);
    together(&Ports::new(3), |_, config| Config { secrets: secrets.clone(), ..config })
}

#[test]
fn strangers() {
    let members = three_with_a_secret();
    let victim = members[0].address;
    let cluster = friend(&members[0], "hush").status().cluster;
    undisturbed_and_unmoved(&members, "hush", || {
        for _ in 0..100 {
            let wrong = Guest::new("wrong-secret.test:1", "guess").of(cluster).visit(victim, MESSAGES);
            assert!(wrong.is_err_and(|why| why.contains("did not prove that it knows the secret")));
            let none = Guest::new("no-secret.test:1", "").visit(victim, QUESTION);
            assert!(none.is_err_and(|why| why.contains("did not prove that it knows the secret")));
            let other = Guest::new("other-cluster.test:1", "hush").of([9; 16]).visit(victim, MESSAGES);
            assert!(other.is_err_and(|why| why.contains("two clusters never become one")));
            noise(victim, &Guest::new("noise.test:1", "hush"));
            other_version(victim, &Guest::new("other-version.test:1", "hush"));
        }
        for n in 0..100 {
            noise(victim, &Guest::new(&format!("many-names-{n}.test:1"), "hush"));
        }
    });
    for (name, words) in [
        ("wrong-secret", "give both the same one (DOOZER_RWSECRET)"),
        ("no-secret", "give both the same one (DOOZER_RWSECRET)"),
        ("other-cluster", "check the addresses given with -a"),
        ("noise", "no member is there (a frame of 2147483647 bytes, over the limit of 65536)"),
    ] {
        let lines = log::lines(&["a connection from 127.0.0.1", &format!("the member at {name}.test:1")]);
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].contains(words), "{lines:?}");
    }
    // What another version says of itself is not read.
    assert_eq!(log::lines(&["speaks version 77 of the peer protocol", "upgrade the older"]).len(), 1);
    assert!(log::lines(&["many-names"]).len() <= 30, "{:?}", log::lines(&["many-names"]));
    assert!(!log::lines(&["more connections are refused than are told of here"]).is_empty());
    members.into_iter().for_each(Member::crash);
}

/// HELLO as it should be, and then no proof.
fn noise(victim: SocketAddr, guest: &Guest) {
    let (mut line, ..) = guest.meet(victim, MESSAGES).unwrap();
    line.send(&[&[0x7f, 0xff, 0xff, 0xff][..], &random::<64>()].concat());
    line.end();
}

/// HELLO of a version that is yet to come.
fn other_version(victim: SocketAddr, guest: &Guest) {
    let (dialer, mut request) = guest.hello(MESSAGES);
    let hello = request.hello.as_mut().unwrap();
    let mut peer = BytesMut::from(&hello.peer.take().unwrap()[..]);
    assert_eq!(peer[..2], [8, 1], "the version stands first");
    peer[1] = 77;
    hello.peer = Some(peer.freeze());
    let mut line = Line::open(victim);
    line.request(&request);
    let reply = doozer_wire::OwnedResponse::decode(line.frame().unwrap()).unwrap();
    let refused = dialer.on_reply(&reply).unwrap_err().to_string();
    assert!(refused.contains("speaks version 77"), "{refused}");
    assert_eq!(line.end(), 0);
}

#[test]
fn who_says_hello_and_nothing_more_is_let_go_and_there_is_room_for_only_so_many() {
    let members = three_with_a_secret();
    let victim = members[0].address;
    undisturbed_and_unmoved(&members, "hush", || {
        let guest = Guest::new("silent.test:1", "hush");
        let mut lines: Vec<Line> = (0..300).map(|_| Line::open(victim)).collect();
        lines.iter_mut().for_each(|line| line.request(&guest.hello(MESSAGES).1));
        let answered = lines.iter_mut().filter_map(|line| line.frame().ok()).count();
        assert!((200..300).contains(&answered), "{answered}");
        for mut line in lines {
            assert_eq!(line.end(), 0);
        }
    });
    let lines = log::lines(&["silent.test:1"]);
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("no answer within 3 s"), "{lines:?}");
    assert_eq!(log::lines(&["closed: 256 others have not proven yet that they are members"]).len(), 1);
    // Whoever knows the secret is heard again.
    Guest::new("friend.test:1", "hush").visit(victim, QUESTION).unwrap();
    members.into_iter().for_each(Member::crash);
}

#[test]
fn messages_that_nobody_knows_and_frames_that_cannot_be_read() {
    let members = three_with_a_secret();
    let victim = members[0].address;
    let cluster = friend(&members[0], "hush").status().cluster;
    let newer = Guest::new("newer.test:1", "hush").of(cluster);
    let broken = Guest::new("broken.test:1", "hush").of(cluster);
    undisturbed_and_unmoved(&members, "hush", || {
        for _ in 0..20 {
            // A message of kind 99, then one that is cut short.
            let [_open, mut closed] =
                [newer.say(victim, &[0x0a, 3, 0x9a, 6, 0]), broken.say(victim, &[0x0a, 9, 0x9a])];
            assert_eq!(closed.end(), 0);
            log::wait_for(&[
                "newer.test:1",
                "of a kind that this version does not know",
                "upgrade this member",
            ]);
            log::wait_for(&["broken.test:1", "the connection was closed: a peer frame that cannot be read"]);
        }
    });
    for name in ["newer.test:1", "broken.test:1"] {
        assert_eq!(log::lines(&[name]).len(), 1, "{:?}", log::lines(&[name]));
    }
    members.into_iter().for_each(Member::crash);
}

#[test]
fn an_old_incarnation_is_not_taken_for_the_new_one() {
    log::keep();
    let ports = Ports::new(3);
    let mut members = together(&ports, |_, config| config);
    voters(&mut members[0].modern(), 3);
    let id = |member: &Member| {
        String::from_utf8(member.modern().call(request(Verb::SelfId)).value.unwrap().to_vec()).unwrap()
    };
    let old = id(&members[2]);
    members.remove(2).crash();
    let new = again(&ports, 2, |config| config);
    let new_id = id(&new);
    assert_ne!(old, new_id);
    let words = format!(
        "{old} was meant, but {new_id} is there: nothing to do if it was started anew without its log"
    );
    let line = log::wait_for(&[&format!("member {old}: not reached at {}", new.address), &words]);
    assert!(line.contains("check the address"), "{line}");
    for member in members.iter().chain([&new]) {
        member.modern().set("/after", "a", -1);
    }
    // One line each.
    assert!(log::lines(&[&format!("member {old}: not reached"), &words]).len() <= 2);
    members.push(new);
    members.into_iter().for_each(Member::crash);
}

#[test]
fn another_clusters_member_at_a_members_address() {
    log::keep();
    let ports = Ports::new(3);
    let mut members = together(&ports, |_, config| config);
    voters(&mut members[0].modern(), 3);
    let gone = members.remove(2);
    let place = gone.address.to_string();
    gone.crash();
    let other = Member::start(Config { listen: Some(place.clone()), ..Config::default() });
    let mut raw = other.modern();
    let (rev, cluster) = (raw.set("/other", "o", 0), raw.status().cluster);
    let line = log::wait_for(&[&format!("not reached at {place}"), "two clusters never become one"]);
    assert!(line.contains(&doozer_paxos::ClusterId(cluster).to_string()), "{line}");
    for member in &members {
        member.modern().set("/after", "a", -1);
    }
    assert_eq!((raw.rev(), raw.status().cluster), (rev, cluster), "it has taken nothing of theirs");
    assert!(log::lines(&[&format!("not reached at {place}"), "two clusters never become one"]).len() <= 2);
    members.push(other);
    members.into_iter().for_each(Member::crash);
}
