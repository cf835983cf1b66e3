//! A few seconds of random, mutated and cut-off input, the same in every run.
//!
//! `DOOZER_FUZZ_SEED` sets another seed and `DOOZER_FUZZ_ROUNDS` another number of rounds; both are printed first.

mod support;

use bytes::BytesMut;
use doozer_wire::{
    Action, BoundFile, Compare, Consistency, Decoder, Entry, Failed, Features, Hello, HelloReply, LockInfo,
    Place, Request, Response, Role, SessionInfo, SessionReply, SessionRequest, SetFlags, Test, TxnOp,
    TxnReply, TxnRequest, Waiter,
};
use support::bodies::{LIMIT, message_of_client, stream, transaction, uri};
use support::random::{Random, mutate, random};

fn request(random: &mut Random) -> Request {
    Request {
        tag: random.maybe(|random| random.number() as i32),
        verb: random.number() as i32,
        path: random.maybe(Random::bytes),
        value: random.maybe(Random::bytes),
        other_tag: random.maybe(|random| random.number() as i32),
        offset: random.maybe(|random| random.number() as i32),
        rev: random.maybe(Random::number),
        hello: random.maybe(|random| Hello {
            version: random.number() as u32,
            features: Features(random.number() as u64),
            role: random.maybe(|_| Role::Peer).unwrap_or_default(),
            client: random.text(),
            peer: random.maybe(Random::bytes),
        }),
        limit: random.maybe(|random| random.number() as u32),
        after: random.maybe(Random::bytes),
        keys_only: random.maybe(|_| ()).is_some(),
        consistency: random.maybe(|_| Consistency::Local).unwrap_or_default(),
        min_rev: random.maybe(Random::number),
        session: random.maybe(Random::bytes),
        sequence: random.maybe(|random| random.number() as u64),
        acknowledged: random.maybe(|random| random.number() as u64),
        unanswered: (0..random.below(4)).map(|_| random.number() as u64).collect(),
        flags: SetFlags(random.maybe(|random| random.number() as u32).unwrap_or_default()),
        txn: random.maybe(|random| txn(random).encode()),
        session_op: random.maybe(|random| SessionRequest {
            op: random.number() as i32,
            ttl_ms: random.maybe(|random| random.number() as u64),
            label: random.bytes(),
            id: random.maybe(Random::bytes),
        }),
    }
}

fn txn(random: &mut Random) -> TxnRequest {
    let compare = |random: &mut Random| Compare {
        path: random.maybe(Random::bytes),
        test: random.maybe(|random| match random.below(4) {
            0 => Test::Rev(random.number()),
            1 => Test::Value(random.bytes()),
            2 => Test::Absent,
            _ => Test::Fence(random.number()),
        }),
    };
    let op = |random: &mut Random| TxnOp {
        path: random.maybe(Random::bytes),
        rev: random.maybe(Random::number),
        action: random.maybe(|random| match random.below(2) {
            0 => Action::Set(random.bytes()),
            _ => Action::Del,
        }),
        flags: SetFlags(random.number() as u32),
    };
    TxnRequest {
        compares: (0..random.below(4)).map(|_| compare(random)).collect(),
        ops: (0..random.below(4)).map(|_| op(random)).collect(),
    }
}

fn session_info(random: &mut Random) -> SessionInfo {
    SessionInfo {
        id: random.array(),
        label: random.bytes(),
        last_sequence: random.number() as u64,
        files: vec![BoundFile { path: random.bytes(), rev: random.number(), token: random.number() }],
        waits: vec![Place { path: random.bytes(), ..Place::default() }],
        ..SessionInfo::default()
    }
}

fn session_reply(random: &mut Random) -> SessionReply {
    SessionReply {
        id: random.maybe(Random::array),
        ttl_ms: random.maybe(|random| random.number() as u64),
        sessions: (0..random.below(3)).map(|_| session_info(random)).collect(),
        lock: random.maybe(|random| LockInfo {
            rev: random.number(),
            token: random.number(),
            holder: random.maybe(session_info),
            queue: vec![Waiter { session: random.array(), label: random.bytes(), ..Waiter::default() }],
        }),
    }
}

/// Appends the frame of a random response.
fn response(random: &mut Random, buf: &mut BytesMut) {
    let (path, value, detail) = (random.bytes(), random.bytes(), random.text());
    let hello = HelloReply { member: random.text(), ..HelloReply::default() };
    let failed = random.maybe(|random| Failed::Compare(random.number() as u32));
    let (txn, session) = (TxnReply { revs: vec![random.number()], failed }, session_reply(random));
    let entries: Vec<Entry<'_>> = (0..random.below(4))
        .map(|_| Entry {
            path: &path,
            value: random.maybe(|_| &value[..]),
            rev: random.number(),
            len: random.number() as i32,
        })
        .collect();
    Response {
        tag: random.maybe(|random| random.number() as i32),
        flags: random.maybe(|random| random.number() as i32),
        rev: random.maybe(Random::number),
        path: random.maybe(|_| &path[..]),
        value: random.maybe(|_| &value[..]),
        len: random.maybe(|random| random.number() as i32),
        err_code: random.maybe(|random| random.number() as i32),
        err_detail: random.maybe(|_| &detail[..]),
        kind: random.maybe(|random| random.number() as u32),
        store_rev: random.maybe(Random::number),
        hello: random.maybe(|_| &hello),
        entries: &entries,
        more: random.maybe(|_| ()).is_some(),
        counted: random.maybe(|_| ()).is_some(),
        status: None,
        txn: random.maybe(|_| &txn),
        session: random.maybe(|_| &session),
    }
    .encode_frame(buf);
}

#[test]
fn random_bytes() {
    let (mut random, rounds) = random("random bytes");
    for _ in 0..rounds {
        stream(&random.bytes());
        message_of_client(&random.bytes());
    }
}

#[test]
fn mutated_frames() {
    let (mut random, rounds) = random("mutated frames");
    for _ in 0..rounds {
        let mut buf = BytesMut::new();
        request(&mut random).encode_frame(&mut buf);
        response(&mut random, &mut buf);
        stream(&buf);
        let mut bytes = buf.to_vec();
        mutate(&mut bytes, &mut random);
        stream(&bytes);
    }
}

#[test]
fn mutated_bodies() {
    let (mut random, rounds) = random("mutated bodies");
    for _ in 0..rounds {
        let mut buf = BytesMut::new();
        if random.below(2) == 0 {
            request(&mut random).encode_frame(&mut buf);
        } else {
            response(&mut random, &mut buf);
        }
        let mut body = buf[4..].to_vec();
        mutate(&mut body, &mut random);
        message_of_client(&body);
    }
}

#[test]
fn requests_read_back() {
    let (mut random, rounds) = random("requests read back");
    for _ in 0..rounds {
        let request = request(&mut random);
        let mut buf = BytesMut::new();
        request.encode_frame(&mut buf);
        let body = Decoder::new(LIMIT).next(&mut buf).unwrap().unwrap();
        assert_eq!(Request::decode(body).unwrap(), request);
    }
}

#[test]
fn transactions_read_back() {
    let (mut random, rounds) = random("transactions read back");
    for _ in 0..rounds {
        let txn = txn(&mut random);
        assert_eq!(TxnRequest::decode(txn.encode(), txn.compares.len() + txn.ops.len()), Ok(txn));
    }
}

#[test]
fn mutated_transactions() {
    let (mut random, rounds) = random("mutated transactions");
    for _ in 0..rounds {
        let mut bytes = txn(&mut random).encode().to_vec();
        mutate(&mut bytes, &mut random);
        transaction(bytes.into());
    }
}

#[test]
fn a_stream_cut_anywhere_reads_the_same() {
    let (mut random, rounds) = random("cut streams");
    for _ in 0..rounds / 20 {
        let requests: Vec<Request> = (0..4).map(|_| request(&mut random)).collect();
        let mut stream = BytesMut::new();
        requests.iter().for_each(|request| request.encode_frame(&mut stream));
        let (mut decoder, mut buf, mut got) = (Decoder::new(LIMIT), BytesMut::new(), Vec::new());
        let mut rest = &stream[..];
        while !rest.is_empty() {
            let (piece, later) = rest.split_at(1 + random.below(rest.len()));
            buf.extend_from_slice(piece);
            rest = later;
            while let Some(body) = decoder.next(&mut buf).unwrap() {
                got.push(Request::decode(body).unwrap());
            }
        }
        assert_eq!(got, requests);
    }
}

#[test]
fn mutated_uris() {
    let (mut random, rounds) = random("mutated URIs");
    let whole = [
        "doozer:?ca=10.0.0.1:8046&ca=[::1]:1&cn=my%20cluster&sk=a%26b%00%FF",
        "a:1,b.example.org:65535,[fe80::1]",
        "doozer:?cn=shop",
    ];
    for _ in 0..rounds {
        let mut text = whole[random.below(whole.len())].as_bytes().to_vec();
        mutate(&mut text, &mut random);
        if let Ok(text) = String::from_utf8(text) {
            uri(&text);
        }
    }
}
