//! What must hold for any input at all, a function for each place where some comes in: the seeded tests call them, and so
//! do the targets of `core/fuzz`.

use std::cell::RefCell;

use bytes::{Bytes, BytesMut};
use doozer_paxos::Incarnation;
use doozer_paxos::message::{Message, Offer};
use doozer_wire::peer::{
    Acceptor, Call, Decoded, Dialer, FRAME_MESSAGES_MAX, Opener, Peer, Purpose, Sealer, decode,
};
use doozer_wire::{Action, Decoder, Hello, OwnedResponse, Request, SessionInfo, Test, TxnRequest, Uri};

use super::members::{answer, body, connected, member, secret, side};
use super::messages::{KINDS, message};
use super::random::{Random, mutate};

/// The longest frame from a client.
pub const LIMIT: usize = 2048;

pub const FROM: Incarnation = Incarnation([1; 16]);
pub const TO: Incarnation = Incarnation([2; 16]);

/// A stream between a client and a member, read as both sides would: nothing in it makes a reader hold more than was sent.
pub fn stream(stream: &[u8]) {
    let mut decoder = Decoder::new(LIMIT);
    let mut buf = BytesMut::from(stream);
    let capacity = buf.capacity();
    while let Ok(Some(body)) = decoder.next(&mut buf) {
        assert!(body.len() <= LIMIT, "a body of {} bytes", body.len());
        assert!(buf.capacity() <= capacity, "the decoder grew its buffer to {} bytes", buf.capacity());
        if let Ok(request) = Request::decode(body.clone()) {
            assert!(held_by_request(&request) <= body.len());
            let mut again = BytesMut::new();
            request.encode_frame(&mut again);
            assert_eq!(Request::decode(again.freeze().slice(4..)).as_ref(), Ok(&request));
            if let Some(txn) = request.txn {
                transaction(txn);
            }
        }
        if let Ok(response) = OwnedResponse::decode(body.clone()) {
            assert!(held_by_response(&response) <= body.len());
            assert_eq!(response.failure().is_some(), response.err_code.is_some());
        }
    }
}

/// The same for bytes without the length of a frame: few inputs would come past the decoder with one of their own.
pub fn message_of_client(bytes: &[u8]) {
    stream(&[&(bytes.len() as u32).to_be_bytes()[..], bytes].concat());
}

fn len(bytes: &Option<Bytes>) -> usize {
    bytes.as_ref().map_or(0, Bytes::len)
}

/// Bytes of every field that has no fixed size.
fn held_by_request(request: &Request) -> usize {
    let client = request.hello.as_ref().map_or(0, |hello| hello.client.len() + len(&hello.peer));
    let op = request.session_op.as_ref().map_or(0, |op| op.label.len() + len(&op.id));
    let bytes = [&request.path, &request.value, &request.after, &request.session, &request.txn];
    bytes.map(len).iter().sum::<usize>() + request.unanswered.len() + op + client
}

/// What a TXN asks for: no more of it is read than may be, and it is read the same again once it is written.
pub fn transaction(bytes: Bytes) {
    const PARTS_MAX: usize = 5;
    let Ok(txn) = TxnRequest::decode(bytes.clone(), PARTS_MAX) else { return };
    let compares = txn.compares.iter().map(|compare| {
        let value = if let Some(Test::Value(value)) = &compare.test { value.len() } else { 0 };
        2 + len(&compare.path) + value
    });
    let ops = txn.ops.iter().map(|op| {
        let value = if let Some(Action::Set(value)) = &op.action { value.len() } else { 0 };
        2 + len(&op.path) + value
    });
    assert!(compares.len() + ops.len() <= PARTS_MAX);
    assert!(compares.chain(ops).sum::<usize>() <= bytes.len());
    assert_eq!(TxnRequest::decode(txn.encode(), PARTS_MAX), Ok(txn));
}

/// Bytes of every field that has no fixed size, and two for each part of a list, which takes at least as many in a frame.
/// The detail is left out: replacing what is not UTF-8 makes it longer, up to three times.
fn held_by_response(response: &OwnedResponse) -> usize {
    let entries: usize = response.entries.iter().map(|entry| 2 + entry.path.len() + len(&entry.value)).sum();
    let revs = response.txn.as_ref().map_or(0, |txn| txn.revs.len());
    let session = response.session.as_ref().map_or(0, |session| {
        let lock = session.lock.as_ref().map_or(0, |lock| {
            let queue: usize = lock.queue.iter().map(|waiter| 18 + waiter.label.len()).sum();
            queue + lock.holder.as_ref().map_or(0, held_by_session)
        });
        session.sessions.iter().map(held_by_session).sum::<usize>() + lock
    });
    len(&response.path) + len(&response.value) + entries + revs + session
}

fn held_by_session(info: &SessionInfo) -> usize {
    let files: usize = info.files.iter().map(|file| 2 + file.path.len()).sum();
    let waits: usize = info.waits.iter().map(|place| 2 + place.path.len()).sum();
    18 + info.label.len() + files + waits
}

/// A URI names somebody, and what it names is written as it is read.
pub fn uri(text: &str) {
    match text.parse::<Uri>() {
        Ok(uri) => {
            assert!(!uri.addresses.is_empty() || uri.name.is_some(), "{text}");
            for address in &uri.addresses {
                assert_eq!(address.to_string().parse().as_ref(), Ok(address), "{text}");
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// What stands in a frame between members: what can be read holds no more than was sent, and is read the same again once it is
/// written. Whether it can.
pub fn peer_messages(bytes: Bytes) -> bool {
    let Ok(Decoded { messages, .. }) = decode(bytes.clone(), FROM, TO) else { return false };
    assert!(messages.len() <= FRAME_MESSAGES_MAX);
    let held: usize = messages.iter().map(held).sum();
    assert!(held <= bytes.len(), "{held} bytes held of {}", bytes.len());
    assert_eq!(decode(sealed(&messages), FROM, TO), Ok(Decoded { messages, skipped: 0 }));
    true
}

/// What stands between the counter and the MAC of a frame with these messages.
pub fn sealed(messages: &[Peer]) -> Bytes {
    thread_local! {
        static SEALER: RefCell<Sealer> = RefCell::new(connected(&side(1, ""), &side(2, "")).0);
    }
    let mut out = BytesMut::new();
    SEALER.with_borrow_mut(|sealer| sealer.seal(messages, &mut out)).unwrap();
    let out = out.freeze();
    if out.is_empty() { out } else { out.slice(12..out.len() - 16) }
}

/// Bytes that messages hold of the frame, and the least that each part of a list takes there.
fn held(peer: &Peer) -> usize {
    let message = match peer {
        Peer::SnapshotPiece { bytes, head, .. } => return bytes.len() + 18 * head.config.voters.len(),
        Peer::SnapshotGet { .. } | Peer::SnapshotGone { .. } => return 0,
        Peer::KeepAlive { sessions, .. } => return 16 * sessions.len(),
        Peer::KeptAlive { ended, unsure, .. } => return 16 * (ended.len() + unsure.len()),
        Peer::Paxos(envelope) => &envelope.message,
    };
    let suffix = match message {
        Message::Promise { offer: Offer::Suffix(suffix), .. }
        | Message::AcceptSync { suffix, .. }
        | Message::Accept { suffix, .. }
        | Message::Learn { suffix } => suffix,
        Message::Beat { beat, .. } => return 18 * beat.unheard.len(),
        Message::Forward { proposals, .. } => {
            return proposals.iter().map(|proposal| 2 + proposal.command.len()).sum();
        }
        _ => return 0,
    };
    suffix.entries.iter().map(|entry| 2 + entry.encoded_len()).sum()
}

/// Some messages of one member to another, perhaps none.
pub fn some_messages(random: &mut Random) -> Vec<Peer> {
    (0..random.below(4)).map(|_| message(random.below(KINDS), FROM, TO, random)).collect()
}

/// Frames that somebody between two members changes, repeats, leaves out or swaps: each is taken as long as it is what was
/// sent in its place, and the first that is not is refused, which ends the connection. Whether all were taken.
pub fn peer_frames(random: &mut Random) -> bool {
    let (mut sealer, mut opener) = connected(&side(1, "s"), &side(2, "s"));
    let sent: Vec<(Vec<Peer>, Bytes)> = (0..1 + random.below(3))
        .map(|_| [some_messages(random), vec![message(random.below(KINDS), FROM, TO, random)]].concat())
        .map(|messages| {
            let mut out = BytesMut::new();
            sealer.seal(&messages, &mut out).unwrap();
            (messages, out.freeze().slice(4..))
        })
        .collect();
    let mut carried: Vec<Bytes> = sent.iter().map(|(_, frame)| frame.clone()).collect();
    spoil(&mut carried, random);
    carried.iter().enumerate().all(|(number, frame)| is_taken(&mut opener, frame, sent.get(number)))
}

fn spoil(frames: &mut Vec<Bytes>, random: &mut Random) {
    let (at, other) = (random.below(frames.len()), random.below(frames.len()));
    match random.below(6) {
        0 => frames.insert(at, frames[other].clone()),
        1 => drop(frames.remove(at)),
        2 => frames.swap(at, other),
        3 => frames[at] = random.bytes(),
        4 => {
            let mut bytes = frames[at].to_vec();
            mutate(&mut bytes, random);
            frames[at] = bytes.into();
        }
        _ => {}
    }
}

/// Whether the frame is taken, which it is if it is the one that was sent in this place.
fn is_taken(opener: &mut Opener, frame: &Bytes, sent: Option<&(Vec<Peer>, Bytes)>) -> bool {
    let opened = opener.open(frame.clone());
    match sent.filter(|(_, sent)| sent == frame) {
        Some((messages, _)) => assert_eq!(opened.as_ref(), Ok(messages)),
        None => assert!(opened.is_err(), "{opened:?}"),
    }
    opened.is_ok()
}

/// A handshake of which each word may be changed on its way, or be another one: neither side takes the other one for who it
/// is unless all that both said of themselves arrived as it was said. Whether both were taken.
pub fn peer_handshake(random: &mut Random) -> bool {
    let call = Call { to: Some(TO), purpose: Purpose::Messages };
    let (dialer, request) = Dialer::new(&secret("s"), member(1), call, random.array());
    let hello = request.hello.unwrap();
    let said = hello.peer.clone().unwrap();
    let heard = perhaps(&said, random);
    let hello = Hello { peer: Some(heard.clone()), ..hello };
    let Ok(acceptor) = Acceptor::new(&secret("s"), member(2), &hello) else { return false };
    let (greeted, reply) = acceptor.greet(random.array());
    let heard_reply = perhaps(&reply, random);
    let response = OwnedResponse::decode(body(answer(Some(heard_reply.clone()))).unwrap()).unwrap();
    let Ok((proving, proof)) = dialer.on_reply(&response) else { return false };
    let is_as_said = (heard, heard_reply) == (said, reply);
    let (accept, is_accepted) = match greeted.on_proof(perhaps(&body(proof).unwrap(), random)) {
        Ok(proven) => (proven.accept().0, true),
        Err(refused) => (refused.accept(), false),
    };
    assert!(!is_accepted || is_as_said);
    let is_dialed = proving.on_accept(perhaps(&body(accept).unwrap(), random)).is_ok();
    assert!(!is_dialed || is_accepted);
    is_dialed
}

/// The bytes, or something like them, or something else.
fn perhaps(bytes: &Bytes, random: &mut Random) -> Bytes {
    match random.below(8) {
        0..4 => bytes.clone(),
        4..7 => {
            let mut bytes = bytes.to_vec();
            mutate(&mut bytes, random);
            bytes.into()
        }
        _ => random.bytes(),
    }
}
