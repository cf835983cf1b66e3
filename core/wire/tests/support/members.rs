//! Two members that shake hands, and somebody between them who may change what they say.

use bytes::{Bytes, BytesMut};
use doozer_paxos::message::{Envelope, Message};
use doozer_paxos::{ClusterId, Incarnation};
use doozer_wire::peer::{
    Acceptor, Call, Dialer, HANDSHAKE_BYTES_MAX, Introduction, Opener, Peer, Purpose, Refused, Sealer,
};
use doozer_wire::{Decoder, HelloReply, OwnedResponse, Request, Response, Role, Secret, Verb};

/// A member of cluster 7.
pub fn member(id: u8) -> Introduction {
    Introduction {
        cluster: Some(ClusterId([7; 16])),
        incarnation: Incarnation([id; 16]),
        address: format!("member-{id}:8046").parse().unwrap(),
        listed: ["member-1:8046", "member-2:8046", "[::1]:9000"].map(|text| text.parse().unwrap()).into(),
        name: None,
        only_joins: false,
    }
}

pub fn secret(text: &str) -> Secret {
    Secret::from(text.as_bytes().to_vec())
}

/// One of them.
pub struct Side {
    pub me: Introduction,
    pub secret: Secret,
    pub nonce: [u8; 32],
}

pub fn side(id: u8, text: &str) -> Side {
    Side { me: member(id), secret: secret(text), nonce: [id; 32] }
}

/// What a connection comes to: for the dialer, for the acceptor.
pub type Ends = (Result<(Introduction, Sealer), Refused>, Option<Result<(Introduction, Opener), Refused>>);

/// The four frames of a handshake, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    Hello,
    Reply,
    Proof,
    Accept,
}

pub const SAID: [Said; 4] = [Said::Hello, Said::Reply, Said::Proof, Said::Accept];

/// Whoever carries a frame, length included, to the other side.
pub trait Between: FnMut(Said, Bytes) -> Bytes {}
impl<F: FnMut(Said, Bytes) -> Bytes> Between for F {}

/// Why a handshake ended early, but for a refusal at either side: nothing, or nothing that can be read, came.
const NOTHING_CAME: &str = "nothing came";

fn nothing_came() -> Refused {
    Refused::Policy(NOTHING_CAME.into())
}

/// Whether it was not heard of again, which ends in a timeout.
pub fn is_nothing(refused: &Refused) -> bool {
    *refused == nothing_came()
}

/// A whole handshake, over frames.
pub fn shake(dialer: &Side, acceptor: &Side, call: Call, mut between: impl Between) -> Ends {
    let (asking, request) = Dialer::new(&dialer.secret, dialer.me.clone(), call, dialer.nonce);
    let mut out = BytesMut::new();
    request.encode_frame(&mut out);
    let heard = hear(acceptor, between(Said::Hello, out.freeze()));
    let (greeted, reply) = match heard {
        Ok((greeted, reply)) => (Ok(greeted), reply),
        Err((refused, reply)) => (Err(refused), reply),
    };
    let response = body(between(Said::Reply, reply)).and_then(|body| OwnedResponse::decode(body).ok());
    let Some(response) = response else { return (Err(nothing_came()), greeted.err().map(Err)) };
    let (proving, proof) = match asking.on_reply(&response) {
        Ok(both) => both,
        Err(refused) => return (Err(refused), greeted.err().map(Err)),
    };
    let greeted = match greeted {
        Ok(greeted) => greeted,
        Err(refused) => return (Err(nothing_came()), Some(Err(refused))),
    };
    let Some(proof) = body(between(Said::Proof, proof)) else {
        return (Err(nothing_came()), Some(Err(nothing_came())));
    };
    let (accept, accepted) = match greeted.on_proof(proof) {
        Ok(proven) => {
            let (accept, from, opener) = proven.accept();
            (accept, Ok((from, opener)))
        }
        Err(refused) => (refused.accept(), Err(refused)),
    };
    let dialed = match body(between(Said::Accept, accept)) {
        Some(body) => proving.on_accept(body),
        None => Err(nothing_came()),
    };
    (dialed, Some(accepted))
}

/// The acceptor's HELLO: its answer as a frame, and what comes next.
#[allow(clippy::type_complexity, reason = "once")]
fn hear(side: &Side, frame: Bytes) -> Result<(doozer_wire::peer::Greeted, Bytes), (Refused, Bytes)> {
    let request = body(frame).and_then(|body| Request::decode(body).ok());
    let hello =
        request.filter(|request| request.verb == Verb::Hello as i32).and_then(|request| request.hello);
    let Some(hello) = hello else { return Err((nothing_came(), Bytes::new())) };
    if hello.role != Role::Peer {
        return Err((nothing_came(), answer(None)));
    }
    match Acceptor::new(&side.secret, side.me.clone(), &hello) {
        Ok(acceptor) => {
            let (greeted, reply) = acceptor.greet(side.nonce);
            Ok((greeted, answer(Some(reply))))
        }
        Err(refused) => {
            let reply = answer(Some(refused.reply()));
            Err((refused, reply))
        }
    }
}

/// HELLO's answer as a frame.
pub fn answer(peer: Option<Bytes>) -> Bytes {
    let hello =
        HelloReply { version: 1, cluster: [7; 16], member: "m".into(), peer, ..HelloReply::default() };
    let mut out = BytesMut::new();
    Response { hello: Some(&hello), store_rev: Some(5), ..Response::default() }.encode_frame(&mut out);
    out.freeze()
}

/// The body of the frame that `bytes` begins with; none if it is not whole, or too long.
pub fn body(bytes: Bytes) -> Option<Bytes> {
    Decoder::new(HANDSHAKE_BYTES_MAX).next(&mut BytesMut::from(&bytes[..])).ok().flatten()
}

pub fn to(id: u8) -> Call {
    Call { to: Some(Incarnation([id; 16])), purpose: Purpose::Messages }
}

/// Nobody is between them.
pub fn as_it_is(_: Said, frame: Bytes) -> Bytes {
    frame
}

/// A connection from one member to another.
pub fn connected(dialer: &Side, acceptor: &Side) -> (Sealer, Opener) {
    let call = Call { to: Some(acceptor.me.incarnation), purpose: Purpose::Messages };
    let (dialed, accepted) = shake(dialer, acceptor, call, as_it_is);
    (dialed.unwrap().1, accepted.unwrap().unwrap().1)
}

/// A message goes through.
pub fn talk(sealer: &mut Sealer, opener: &mut Opener, from: u8, to: u8) {
    let (from, to) = (Incarnation([from; 16]), Incarnation([to; 16]));
    let message = Peer::Paxos(Envelope { from, to, epoch: 1, message: Message::Heartbeat { round: 4 } });
    let mut out = BytesMut::new();
    sealer.seal([&message], &mut out).unwrap();
    assert_eq!(opener.open(out.freeze().slice(4..)), Ok(vec![message]));
}

/// A whole handshake, and what was said in it.
pub fn recorded(dialer: &Side, acceptor: &Side) -> (Ends, Vec<Bytes>) {
    let mut said = Vec::new();
    let call = Call { to: Some(acceptor.me.incarnation), purpose: Purpose::Messages };
    let ends = shake(dialer, acceptor, call, |_, frame| {
        said.push(frame.clone());
        frame
    });
    (ends, said)
}

/// Which frame it is.
pub fn at(said: Said) -> usize {
    SAID.iter().position(|each| *each == said).unwrap()
}
