//! Frames, values and settings that are wrong: one clear answer each, nothing lost, other connections unharmed.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

mod support;

use bytes::{BufMut, BytesMut};
use doozer_node::{Config, Limits, Secrets};
use doozer_wire::{ErrorKind, Hello, Request, Role, Verb};
use support::{Member, at, kind, request, set};

#[test]
fn garbage_closes_its_connection_and_no_other() {
    let member = Member::start(Config::default());
    let mut good = member.modern();
    good.set("/keep", "x", 0);
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for round in 0..300 {
        let mut bad = member.connect();
        let mut bytes = BytesMut::new();
        let len = 1 + round % 60;
        if round % 3 == 0 {
            // A true length before a body of noise.
            bytes.put_u32(len as u32);
        }
        for _ in 0..len {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            bytes.put_u8(random as u8);
        }
        bad.send_bytes(&bytes);
        bad.finish_sending();
        // Noise can by chance be a request; whatever it is, the connection ends and the server goes on.
        while bad.next().is_some() {}
        assert_eq!(good.get("/keep").0, "x", "round {round}");
    }
    let status = good.status();
    assert_eq!(status.files, good.call(Request { rev: None, ..at(Verb::List, "/**") }).entries.len() as u64);
    member.stop();
}

#[test]
fn answers_before_a_bad_frame_still_arrive() {
    let member = Member::start(Config::default());
    let mut raw = member.connect();
    let mut bytes = BytesMut::new();
    for tag in 0..50 {
        Request { tag: Some(tag), ..set(&format!("/f{tag}"), "x", 0) }.encode_frame(&mut bytes);
    }
    bytes.put_slice(&[0x7f, 0xff, 0xff, 0xff, 1, 2, 3]);
    raw.send_bytes(&bytes);
    let answered: Vec<_> = std::iter::from_fn(|| raw.next()).collect();
    assert_eq!(answered.len(), 50);
    assert!(answered.iter().all(|answer| answer.rev.is_some()));
    member.stop();
}

#[test]
fn the_smallest_limit_keeps_nobody_from_raising_it_or_from_naming_a_voter() {
    let member = Member::start(Config { value_bytes_max: 1, ..Config::default() });
    let mut raw = member.modern();
    let reply = raw.call(set("/a", "12", 0));
    assert_eq!(kind(&reply), Some(ErrorKind::TooLarge));
    // The member's id, which is where it is already: longer than the limit.
    let (id, rev) = raw.get("/ctl/cal/0");
    assert!(id.len() > 1);
    raw.set("/ctl/cal/0", id, rev);
    assert_eq!(kind(&raw.call(set("/ctl/other", "12", 0))), Some(ErrorKind::TooLarge));
    raw.set("/ctl/settings/max-value", "1048576", -1);
    raw.set("/a", "12", 0);
    member.stop();
}

#[test]
fn a_value_over_the_limit_is_refused_and_the_limit_can_be_changed() {
    let member = Member::start(Config { value_bytes_max: 1000, ..Config::default() });
    let mut raw = member.modern();
    let mut old = member.connect();
    let reply = raw.call(set("/f", vec![0; 1001], 0));
    assert_eq!(reply.failure(), Some((ErrorKind::TooLarge, "value too large: 1001 bytes, limit 1000")));
    let reply = old.call(set("/f", vec![0; 1001], 0));
    assert_eq!(reply.err_code, Some(127));
    assert_eq!(reply.err_detail.as_deref(), Some("value too large: 1001 bytes, limit 1000"));
    raw.set("/f", vec![0; 1000], 0);

    assert_eq!(raw.get("/ctl/settings/max-value").0, "1000");
    for wrong in ["", "0", "ten", "-1", "99999999999", "1e3"] {
        let reply = raw.call(set("/ctl/settings/max-value", wrong, -1));
        assert_eq!(kind(&reply), Some(ErrorKind::BadSetting), "{wrong:?}");
        assert!(
            reply.err_detail.unwrap().contains("/ctl/settings/max-value must be a decimal number of bytes")
        );
    }
    raw.set("/ctl/settings/max-value", "8388608", -1);
    raw.set("/g", vec![7; 8 << 20], 0);
    assert_eq!(raw.get("/g").0.len(), 8 << 20, "frames may be as large as the value needs");
    member.stop();
}

#[test]
fn a_frame_over_the_limit_is_noticed_before_it_arrives() {
    let member = Member::start(Config::default());
    let mut raw = member.connect();
    raw.send_bytes(&(4_u32 << 20 | 1).to_be_bytes());
    assert!(raw.next().is_none());
    member.stop();
}

#[test]
fn more_connections_than_allowed_are_closed_and_the_others_served() {
    let limits = Limits { connections_max: 3, ..Limits::default() };
    let member = Member::start(Config { limits, ..Config::default() });
    let mut served: Vec<_> = (0..3).map(|_| member.modern()).collect();
    let mut refused = member.connect();
    assert!(refused.next().is_none());
    for raw in &mut served {
        raw.rev();
    }
    drop(served);
    // Room again, as soon as the member has seen them go.
    while !member.connect().is_served() {}
    member.stop();
}

#[test]
fn a_secret_opens_what_it_should() {
    let secrets = Secrets::new(Some("rw".into()), Some("ro".into()));
    let member = Member::start(Config { secrets, ..Config::default() });
    let mut raw = member.modern();
    let access = |secret: &str| Request { value: Some(secret.to_owned().into()), ..request(Verb::Access) };
    let list = Request { rev: Some(1), ..at(Verb::List, "/**") };
    for refused in
        [list.clone(), at(Verb::Get, "/ctl/name"), request(Verb::Status), access("wrong"), access("")]
    {
        let reply = raw.call(refused.clone());
        assert_eq!(reply.failure(), Some((ErrorKind::PermissionDenied, "permission denied")), "{refused:?}");
    }
    assert_eq!(kind(&raw.call(access("ro"))), None);
    assert_eq!(kind(&raw.call(list)), None);
    assert_eq!(kind(&raw.call(set("/f", "x", 0))), Some(ErrorKind::PermissionDenied));
    assert_eq!(kind(&raw.call(access("wrong"))), Some(ErrorKind::PermissionDenied));
    assert_eq!(kind(&raw.call(access("rw"))), None);
    raw.set("/f", "x", 0);
    // The lesser secret takes nothing away.
    assert_eq!(kind(&raw.call(access("ro"))), None);
    raw.set("/f", "y", -1);
    member.stop();
}

#[test]
fn who_says_it_is_a_member_and_nothing_of_itself_is_told_so_and_hung_up_on() {
    let member = Member::start(Config::default());
    let mut raw = member.connect();
    let hello = Hello { role: Role::Peer, ..Hello::default() };
    let reply = raw.call(Request { hello: Some(hello), ..request(Verb::Hello) });
    let said = reply.hello.unwrap().peer.unwrap();
    let refusal = b"what it said cannot be read (it says nothing of itself)";
    assert!(said.windows(refusal.len()).any(|words| words == refusal), "{said:?}");
    assert_eq!(raw.next(), None);
    // Nobody else is disturbed.
    member.modern().set("/f", "x", 0);
    member.stop();
}
