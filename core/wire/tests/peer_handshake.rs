//! How two members make sure of each other, and everybody who is refused.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

mod support;

use bytes::{Bytes, BytesMut};
use doozer_paxos::{ClusterId, Incarnation};
use doozer_wire::peer::{Acceptor, Call, Dialer, HANDSHAKE_BYTES_MAX, Introduction, Purpose, Refused};
use doozer_wire::{ErrorKind, OwnedResponse, Response, Role, Secret, Verb};
use support::members::*;

/// The refusal at the dialer and at the acceptor.
fn refusals(ends: Ends) -> (Option<Refused>, Option<Refused>) {
    (ends.0.err(), ends.1.and_then(Result::err))
}

#[track_caller]
fn lines(ends: Ends, at_dialer: &str, at_acceptor: &str) {
    let (dialer, acceptor) = refusals(ends);
    let line = |refused: Option<Refused>| refused.map_or("none".to_owned(), |refused| refused.to_string());
    assert_eq!((line(dialer), line(acceptor)), (at_dialer.to_owned(), at_acceptor.to_owned()));
}

#[test]
fn two_members_learn_who_they_are_and_talk() {
    for text in ["hush", "", "a secret that is longer than the block of SHA-256, which has sixty-four bytes"]
    {
        let (one, two) = (side(1, text), side(2, text));
        let (dialed, accepted) = shake(&one, &two, to(2), as_it_is);
        let (them, mut sealer) = dialed.unwrap();
        let (from, mut opener) = accepted.unwrap().unwrap();
        assert_eq!((them, from), (member(2), member(1)));
        talk(&mut sealer, &mut opener, 1, 2);
    }
}

#[test]
fn the_dialer_may_belong_to_no_cluster_and_know_nobody() {
    let one = Side { me: Introduction { cluster: None, listed: vec![], ..member(1) }, ..side(1, "hush") };
    let whoever = Call { to: None, purpose: Purpose::Messages };
    let (dialed, accepted) = shake(&one, &side(2, "hush"), whoever, as_it_is);
    let (them, mut sealer) = dialed.unwrap();
    let (from, mut opener) = accepted.unwrap().unwrap();
    assert_eq!((them, from), (member(2), one.me));
    talk(&mut sealer, &mut opener, 1, 2);
    let nobody = Side { me: Introduction { cluster: None, ..member(2) }, ..side(2, "hush") };
    let (dialed, accepted) = shake(&side(1, "hush"), &nobody, to(2), as_it_is);
    assert_eq!((dialed.unwrap().0, accepted.unwrap().unwrap().0), (nobody.me, member(1)));
}

#[test]
fn each_hears_what_the_other_ones_cluster_is_called() {
    let called = |name: Option<&str>, id| {
        let me = Introduction { name: name.map(str::to_owned), ..member(id) };
        Side { me, ..side(id, "hush") }
    };
    for (ours, theirs) in [(Some("prod"), None), (None, Some("prod")), (Some("a"), Some("b"))] {
        let (one, two) = (called(ours, 1), called(theirs, 2));
        let (dialed, accepted) = shake(&one, &two, to(2), as_it_is);
        assert_eq!((dialed.unwrap().0, accepted.unwrap().unwrap().0), (two.me, one.me));
    }
}

#[test]
fn a_question_says_that_it_is_one() {
    for purpose in [Purpose::Question, Purpose::Messages] {
        let call = Call { to: None, purpose };
        let (dialer, request) = Dialer::new(&secret("s"), member(1), call, [1; 32]);
        let acceptor = Acceptor::new(&secret("s"), member(2), &request.hello.unwrap()).unwrap();
        assert_eq!((acceptor.caller(), acceptor.call()), (&member(1), call));
        let (greeted, reply) = acceptor.greet([2; 32]);
        let response = OwnedResponse::decode(body(answer(Some(reply))).unwrap()).unwrap();
        let (_, proof) = dialer.on_reply(&response).unwrap();
        let proven = greeted.on_proof(body(proof).unwrap()).unwrap();
        assert_eq!((proven.caller(), proven.purpose()), (&member(1), purpose));
    }
}

#[test]
fn the_request_is_a_hello_that_a_client_could_send_but_for_its_role() {
    let (_, request) = Dialer::new(&secret("hush"), member(1), to(2), [1; 32]);
    assert_eq!(request.verb, Verb::Hello as i32);
    assert_eq!(request.hello.as_ref().unwrap().role, Role::Peer);
    let mut frame = BytesMut::new();
    request.encode_frame(&mut frame);
    assert!(!frame.windows(4).any(|bytes| bytes == b"hush"), "the secret was sent");
}

#[test]
fn another_version_is_refused_whatever_else_it_says() {
    // Version 2, and a field 3 that is a number: in version 1 that is an id.
    let from_the_future = Bytes::from_static(&[0x08, 2, 0x18, 5]);
    let hello = doozer_wire::Hello { peer: Some(from_the_future.clone()), ..Default::default() };
    let refused = Acceptor::new(&secret(""), member(2), &hello).unwrap_err();
    let line =
        "it speaks version 2 of the peer protocol, this member version 1: upgrade the older of the two";
    assert_eq!(refused, Refused::Version { theirs: 2 });
    assert_eq!(refused.to_string(), line);
    let (dialer, _) = Dialer::new(&secret(""), member(1), to(2), [1; 32]);
    let response = OwnedResponse::decode(body(answer(Some(from_the_future))).unwrap()).unwrap();
    assert_eq!(dialer.on_reply(&response).unwrap_err(), refused);
}

#[test]
fn another_clusters_member_is_refused() {
    let two = Side { me: Introduction { cluster: Some(ClusterId([8; 16])), ..member(2) }, ..side(2, "hush") };
    let line = format!(
        "it belongs to cluster {}, this member to {}: check the addresses given with -a; two clusters never become one",
        ClusterId([7; 16]),
        ClusterId([8; 16])
    );
    lines(shake(&side(1, "hush"), &two, to(2), as_it_is), &format!("it refuses: \"{line}\""), &line);
    // An acceptor that does not mind is refused by the dialer.
    let (dialer, _) = Dialer::new(&secret("hush"), member(1), to(2), [1; 32]);
    let refused = dialer.on_reply(&reply_of(&two)).unwrap_err();
    assert_eq!(refused, Refused::Cluster { ours: ClusterId([7; 16]), theirs: ClusterId([8; 16]) });
}

#[test]
fn an_old_incarnation_at_the_address_is_refused() {
    let (wanted, found) = (Incarnation([3; 16]), Incarnation([2; 16]));
    let line = format!(
        "{wanted} was meant, but {found} is there: nothing to do if it was started anew without its log, else check the address"
    );
    lines(shake(&side(1, "hush"), &side(2, "hush"), to(3), as_it_is), &line, &line);
    let (dialer, _) = refusals(shake(&side(1, "hush"), &side(2, "hush"), to(3), as_it_is));
    assert_eq!(dialer, Some(Refused::Incarnation { wanted, found }));
}

#[test]
fn a_member_does_not_talk_to_itself() {
    let line = "this member reached itself at that address: nothing to do if it is its own";
    for call in [Call { to: None, purpose: Purpose::Question }, to(1), to(2)] {
        lines(shake(&side(1, "hush"), &side(1, "hush"), call, as_it_is), line, line);
        let (dialer, _) = refusals(shake(&side(1, "hush"), &side(1, "hush"), call, as_it_is));
        assert_eq!(dialer, Some(Refused::Itself));
    }
}

#[test]
fn two_secrets_do_not_fit() {
    let line = "it did not prove that it knows the secret: give both the same one (DOOZER_RWSECRET), or look for what changes or repeats their bytes between them";
    for (ours, theirs) in [("hush", "hush!"), ("hush", ""), ("", "hush"), ("hush", "Hush"), ("a", "b")] {
        let ends = shake(&side(1, ours), &side(2, theirs), to(2), as_it_is);
        lines(ends, &format!("it refuses: \"{line}\""), line);
    }
}

#[test]
fn an_acceptor_that_does_not_know_the_secret_is_refused() {
    // It takes whatever the dialer proves, and says something of its own.
    for theirs in ["", "guess"] {
        let stranger = side(2, theirs);
        let (dialed, _) = shake(&side(1, "hush"), &side(2, "hush"), to(2), |said, frame| match said {
            Said::Accept => {
                let (_, accepted) = recorded(&side(1, theirs), &stranger);
                accepted[3].clone()
            }
            _ => frame,
        });
        assert_eq!(dialed.unwrap_err(), Refused::Secret);
    }
}

#[test]
fn an_acceptor_refuses_in_its_own_words() {
    let words = Refused::Policy("it was taken out of the cluster, and has to join again".into());
    assert_eq!(words.to_string(), "it was taken out of the cluster, and has to join again");
    let (dialer, _) = Dialer::new(&secret(""), member(1), to(2), [1; 32]);
    let response = OwnedResponse::decode(body(answer(Some(words.reply()))).unwrap()).unwrap();
    let quoted = "it refuses: \"it was taken out of the cluster, and has to join again\"";
    assert_eq!(dialer.on_reply(&response).unwrap_err().to_string(), quoted);
    let ends = shake(&side(1, ""), &side(2, ""), to(2), |said, frame| match said {
        Said::Accept => words.accept(),
        _ => frame,
    });
    assert_eq!(ends.0.unwrap_err().to_string(), quoted);
}

#[test]
fn who_takes_no_peers_is_told_apart() {
    let dial = |response: Response<'_>| {
        let mut out = BytesMut::new();
        response.encode_frame(&mut out);
        let (dialer, _) = Dialer::new(&secret("hush"), member(1), to(2), [1; 32]);
        dialer.on_reply(&OwnedResponse::decode(body(out.freeze()).unwrap()).unwrap()).unwrap_err().to_string()
    };
    let remedy = "upgrade its doozerd, or take its address out of the list";
    assert_eq!(
        dial(Response::error(None, ErrorKind::UnknownVerb, None)),
        format!("it takes no members (UNKNOWN_VERB: ): {remedy}")
    );
    let detail = "this version has clusters of one member: it takes no peers";
    assert_eq!(
        dial(Response::error(None, ErrorKind::Other, Some(detail))),
        format!("it takes no members (OTHER: {detail}): {remedy}")
    );
    let as_a_client = format!("it takes no members (it answers HELLO as it answers clients): {remedy}");
    assert_eq!(dial(Response::default()), as_a_client);
    let hello = OwnedResponse::decode(body(answer(None)).unwrap()).unwrap().hello;
    assert_eq!(dial(Response { hello: hello.as_ref(), ..Response::default() }), as_a_client);
}

#[test]
fn garbage_is_refused() {
    let garbled = |peer: Option<&[u8]>| {
        let peer = peer.map(Bytes::copy_from_slice);
        let hello = doozer_wire::Hello { role: Role::Peer, peer, ..Default::default() };
        Acceptor::new(&secret(""), member(2), &hello).unwrap_err().to_string()
    };
    let line = |why: &str| {
        format!("what it said cannot be read ({why}): no member is there, or it was garbled on the way")
    };
    assert_eq!(garbled(None), line("it says nothing of itself"));
    assert_eq!(garbled(Some(&[0x08, 1])), line("a nonce of 0 bytes instead of 32"));
    assert!(garbled(Some(b"\xff\xff")).starts_with("what it said cannot be read (failed to decode"));
    assert_eq!(garbled(Some(&vec![0; HANDSHAKE_BYTES_MAX + 1])), line("65537 bytes"));
    // An address that is none, with what would spoil a line.
    let (_, request) = Dialer::new(&secret(""), member(1), to(2), [1; 32]);
    let peer = request.hello.unwrap().peer.unwrap();
    let at = peer.windows(13).position(|bytes| bytes == b"member-1:8046").unwrap();
    let mut spoiled = peer.to_vec();
    spoiled[at + 6] = b'\n';
    assert_eq!(garbled(Some(&spoiled)), line("address `member …`: '\\n' cannot stand in a host name"));
}

/// HELLO's answer by an acceptor that minds nothing.
fn reply_of(side: &Side) -> OwnedResponse {
    let stranger = Introduction { incarnation: Incarnation([77; 16]), cluster: None, ..member(77) };
    let call = Call { to: None, purpose: Purpose::Messages };
    let (_, request) = Dialer::new(&side.secret, stranger, call, [5; 32]);
    let acceptor = Acceptor::new(&side.secret, side.me.clone(), &request.hello.unwrap()).unwrap();
    OwnedResponse::decode(body(answer(Some(acceptor.greet(side.nonce).1))).unwrap()).unwrap()
}

#[test]
fn nothing_shows_the_secret() {
    let secret = Secret::from(b"hush".to_vec());
    let (dialer, request) = Dialer::new(&secret, member(1), to(2), [1; 32]);
    let acceptor = Acceptor::new(&secret, member(2), &request.hello.clone().unwrap()).unwrap();
    let mut shown = format!("{dialer:?} {acceptor:?}");
    let (greeted, reply) = acceptor.greet([2; 32]);
    let (proving, proof) =
        dialer.on_reply(&OwnedResponse::decode(body(answer(Some(reply))).unwrap()).unwrap()).unwrap();
    shown += &format!("{greeted:?} {proving:?}");
    let proven = greeted.on_proof(body(proof).unwrap()).unwrap();
    shown += &format!("{proven:?}");
    let (accept, _, opener) = proven.accept();
    let (_, sealer) = proving.on_accept(body(accept).unwrap()).unwrap();
    shown += &format!("{sealer:?} {opener:?}");
    assert!(!shown.contains("hush") && !shown.contains("104, 117, 115, 104"), "{shown}");
    assert!(shown.contains("Sealer") && shown.contains("counter: 0") && !shown.contains("key"), "{shown}");
}
