//! Somebody between two members who does not know their secret, or plays one of them: whatever is changed, recorded, reflected
//! or claimed, nobody takes anybody for somebody else.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

mod support;

use bytes::{Bytes, BytesMut};
use doozer_paxos::Incarnation;
use doozer_wire::OwnedResponse;
use doozer_wire::peer::{Call, Dialer, Introduction, Purpose, Refused};
use support::members::*;

/// Each byte of each frame of the handshake, lengths included, with each bit turned and as a few others.
#[test]
fn no_byte_of_a_handshake_can_be_changed() {
    for text in ["hush", ""] {
        let (one, two) = (side(1, text), side(2, text));
        let (_, frames) = recorded(&one, &two);
        for said in SAID {
            let frame = &frames[at(said)];
            let covered = covered(said, frame);
            for (place, byte) in frame.iter().enumerate() {
                for other in (0..8).map(|bit| byte ^ (1 << bit)).chain([0, 0xff, 0x80, byte.wrapping_add(1)])
                {
                    if other != *byte {
                        changed(&one, &two, said, place, other, covered.contains(&place));
                    }
                }
            }
        }
    }
}

/// Where the bytes stand that proofs cover: all but what stands beside `peer` in HELLO and its answer, of which members use
/// nothing.
fn covered(said: Said, frame: &Bytes) -> std::ops::Range<usize> {
    let inside = match said {
        Said::Hello => doozer_wire::Request::decode(frame.slice(4..)).unwrap().hello.unwrap().peer,
        Said::Reply => OwnedResponse::decode(frame.slice(4..)).unwrap().hello.unwrap().peer,
        Said::Proof | Said::Accept => return 0..frame.len(),
    };
    let inside = inside.unwrap();
    let start = frame.windows(inside.len()).position(|bytes| *bytes == inside).unwrap();
    start..start + inside.len()
}

fn changed(one: &Side, two: &Side, said: Said, place: usize, other: u8, is_covered: bool) {
    let (dialed, accepted) = shake(one, two, to(2), |now, frame| {
        let mut frame = frame.to_vec();
        if now == said {
            frame[place] = other;
        }
        frame.into()
    });
    let what = format!("{said:?} with {other:#04x} at {place}");
    match (dialed, accepted) {
        (Ok((them, mut sealer)), Some(Ok((from, mut opener)))) => {
            assert!(!is_covered, "{what} was accepted");
            assert_eq!((them, from), (member(2), member(1)), "{what}");
            talk(&mut sealer, &mut opener, 1, 2);
        }
        (Err(_), Some(Ok(_))) => assert_eq!(said, Said::Accept, "{what}: only the acceptor was content"),
        (Err(_), _) => {}
        (Ok(_), _) => panic!("{what}: only the dialer was content"),
    }
}

/// What a member says of itself, and why it calls, is not taken from anybody else.
#[test]
fn lists_addresses_and_purpose_are_covered() {
    let (one, two) = (side(1, "hush"), side(2, "hush"));
    let call = Call { to: None, purpose: Purpose::Messages };
    let as_said = |me: Introduction, call: Call| {
        let (_, request) = Dialer::new(&one.secret, me, call, one.nonce);
        let mut out = BytesMut::new();
        request.encode_frame(&mut out);
        out.freeze()
    };
    let me = || member(1);
    let others = [
        as_said(Introduction { cluster: None, ..me() }, call),
        as_said(Introduction { incarnation: Incarnation([9; 16]), ..me() }, call),
        as_said(Introduction { address: "elsewhere:1".parse().unwrap(), ..me() }, call),
        as_said(Introduction { listed: vec![], ..me() }, call),
        as_said(Introduction { name: Some("other".into()), ..me() }, call),
        as_said(me(), Call { purpose: Purpose::Question, ..call }),
        as_said(me(), Call { to: Some(Incarnation([2; 16])), ..call }),
    ];
    for other in others {
        let (dialed, accepted) =
            shake(&one, &two, call, |said, frame| if said == Said::Hello { other.clone() } else { frame });
        assert_eq!(accepted.unwrap().unwrap_err(), Refused::Secret);
        assert!(matches!(dialed, Err(Refused::ByThem(_))));
    }
}

#[test]
fn a_recorded_handshake_is_of_no_use() {
    let (one, two) = (side(1, "hush"), side(2, "hush"));
    let (_, old) = recorded(&one, &two);
    // Somebody who plays the dialer's part again meets another nonce.
    let later = Side { nonce: [99; 32], ..side(2, "hush") };
    let (_, accepted) = shake(&one, &later, to(2), |said, frame| match said {
        Said::Hello | Said::Proof => old[at(said)].clone(),
        _ => frame,
    });
    assert_eq!(accepted.unwrap().unwrap_err(), Refused::Secret);
    // So does somebody who plays the acceptor's.
    let later = Side { nonce: [99; 32], ..side(1, "hush") };
    let (dialed, _) = shake(&later, &two, to(2), |said, frame| match said {
        Said::Reply | Said::Accept => old[at(said)].clone(),
        _ => frame,
    });
    assert_eq!(dialed.unwrap_err(), Refused::Secret);
    // With the same nonces it would be the same handshake: that they are fresh is what it rests on.
    let (dialed, accepted) = shake(&one, &two, to(2), |said, _| old[at(said)].clone());
    assert!(dialed.is_ok() && accepted.unwrap().is_ok());
}

#[test]
fn a_reflected_handshake_is_of_no_use() {
    // Whoever does not know the secret sends back what it hears: first all of it, which is from the dialer itself.
    let one = side(1, "hush");
    let whoever = Call { to: None, purpose: Purpose::Messages };
    let (dialer, request) = Dialer::new(&one.secret, one.me.clone(), whoever, one.nonce);
    let echo = answer(request.hello.unwrap().peer);
    let echo = OwnedResponse::decode(body(echo).unwrap()).unwrap();
    let (proving, proof) = dialer.on_reply(&echo).unwrap();
    assert_eq!(proving.on_accept(body(proof).unwrap()).unwrap_err(), Refused::Secret);
    // Then the proof, which is the dialer's and not the acceptor's.
    let mut proof = Bytes::new();
    let (dialed, _) = shake(&one, &side(2, "hush"), to(2), |said, frame| match said {
        Said::Proof => {
            proof = frame.clone();
            frame
        }
        Said::Accept => proof.clone(),
        _ => frame,
    });
    assert_eq!(dialed.unwrap_err(), Refused::Secret);
    // And the acceptor's own proof as the dialer's.
    let (_, said) = recorded(&one, &side(2, "hush"));
    let (_, accepted) = shake(&one, &side(2, "hush"), to(2), |now, frame| match now {
        Said::Proof => said[at(Said::Accept)].clone(),
        _ => frame,
    });
    assert_eq!(accepted.unwrap().unwrap_err(), Refused::Secret);
}

/// One member is used to answer for another: the proofs are of what each of the two has said.
#[test]
fn a_handshake_through_somebody_else_is_with_whom_it_says() {
    // A stranger at another address puts through to member 2 whatever member 1 says: the dialer knows with whom it talks.
    let whoever = Call { to: None, purpose: Purpose::Messages };
    let (dialed, accepted) = shake(&side(1, "hush"), &side(2, "hush"), whoever, as_it_is);
    assert_eq!((dialed.unwrap().0, accepted.unwrap().unwrap().0), (member(2), member(1)));
    // With the answer of member 2 and the proof of member 3, both of the same cluster, it fails.
    let (_, of_three) = recorded(&side(1, "hush"), &side(3, "hush"));
    let (dialed, _) = shake(&side(1, "hush"), &side(2, "hush"), whoever, |said, frame| match said {
        Said::Accept => of_three[at(said)].clone(),
        _ => frame,
    });
    assert_eq!(dialed.unwrap_err(), Refused::Secret);
}

/// Who is there decides what a member does next: whoever does not know the secret cannot make it believe that it is itself, or
/// that the one it wants is gone.
#[test]
fn a_stranger_cannot_say_who_is_there() {
    for (claimed, nonce) in [(1, 1), (1, 9), (3, 9)] {
        let stranger = Side { me: member(claimed), nonce: [nonce; 32], ..side(2, "guess") };
        let (dialed, _) = shake(&side(1, "hush"), &stranger, to(2), as_it_is);
        assert!(matches!(dialed.unwrap_err(), Refused::ByThem(_)));
        // It takes whatever proof it gets, and gives one of its own, or the dialer's.
        for reflects in [false, true] {
            let mut proof = Bytes::new();
            let (dialed, _) = shake(&side(1, "hush"), &stranger, to(2), |said, frame| match said {
                Said::Proof => {
                    proof = frame.clone();
                    frame
                }
                Said::Accept if reflects => proof.clone(),
                Said::Accept => recorded(&side(1, "guess"), &side(2, "guess")).1[3].clone(),
                _ => frame,
            });
            assert_eq!(dialed.unwrap_err(), Refused::Secret);
        }
    }
}
