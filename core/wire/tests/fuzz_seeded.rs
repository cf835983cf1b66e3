//! A few seconds of random, mutated and cut-off input, the same in every run.
//!
//! `DOOZER_FUZZ_SEED` sets another seed and `DOOZER_FUZZ_ROUNDS` another number of rounds; both are printed first.

mod support;

use bytes::{Bytes, BytesMut};
use doozer_wire::{
    Consistency, Decoder, Entry, Features, Hello, HelloReply, OwnedResponse, Request, Response, Role, Uri,
};
use support::random::{Random, mutate, random};

const LIMIT: usize = 2048;

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
    }
}

/// Appends the frame of a random response.
fn response(random: &mut Random, buf: &mut BytesMut) {
    let (path, value, detail) = (random.bytes(), random.bytes(), random.text());
    let hello = HelloReply { member: random.text(), ..HelloReply::default() };
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
        status: None,
    }
    .encode_frame(buf);
}

/// Reads `stream` as both sides would, and checks that nothing in it makes a reader hold more than was sent.
fn read(stream: &[u8]) {
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
        }
        if let Ok(response) = OwnedResponse::decode(body.clone()) {
            assert!(held_by_response(&response) <= body.len());
            assert_eq!(response.failure().is_some(), response.err_code.is_some());
        }
    }
}

fn len(bytes: &Option<Bytes>) -> usize {
    bytes.as_ref().map_or(0, Bytes::len)
}

/// Bytes of every field that has no fixed size.
fn held_by_request(request: &Request) -> usize {
    let client = request.hello.as_ref().map_or(0, |hello| hello.client.len() + len(&hello.peer));
    len(&request.path) + len(&request.value) + len(&request.after) + client
}

/// Bytes of every field that has no fixed size, and two for each entry, which takes at least as many in a frame. The
/// detail is left out: replacing what is not UTF-8 makes it longer, up to three times.
fn held_by_response(response: &OwnedResponse) -> usize {
    let entries: usize = response.entries.iter().map(|entry| 2 + entry.path.len() + len(&entry.value)).sum();
    len(&response.path) + len(&response.value) + entries
}

#[test]
fn random_bytes() {
    let (mut random, rounds) = random("random bytes");
    for _ in 0..rounds {
        let mut stream = random.bytes().to_vec();
        // Without a length that fits, hardly any random stream would come past the decoder.
        if let Some(body) = stream.len().checked_sub(4).filter(|_| random.below(8) > 0) {
            stream[..4].copy_from_slice(&(body as u32).to_be_bytes());
        }
        read(&stream);
    }
}

#[test]
fn mutated_frames() {
    let (mut random, rounds) = random("mutated frames");
    for _ in 0..rounds {
        let mut buf = BytesMut::new();
        request(&mut random).encode_frame(&mut buf);
        response(&mut random, &mut buf);
        read(&buf);
        let mut stream = buf.to_vec();
        mutate(&mut stream, &mut random);
        read(&stream);
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
        read(&[&(body.len() as u32).to_be_bytes()[..], &body].concat());
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
        let Ok(text) = String::from_utf8(text) else { continue };
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
}
