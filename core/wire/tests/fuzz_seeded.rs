//! A few seconds of random, mutated and cut-off input, the same in every run.
//!
//! `DOOZER_FUZZ_SEED` sets another seed and `DOOZER_FUZZ_ROUNDS` another number of rounds; both are printed first.

use bytes::{Bytes, BytesMut};
use doozer_wire::{
    Consistency, Decoder, Entry, Features, Hello, HelloReply, OwnedResponse, Request, Response, Role, Uri,
};

const LIMIT: usize = 2048;

/// Marsaglia's xorshift64: enough to vary input, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn maybe<T>(&mut self, make: impl FnOnce(&mut Random) -> T) -> Option<T> {
        (self.next() & 1 == 0).then(|| make(self))
    }

    /// A number of any length, since that is what an encoding of numbers depends on.
    fn number(&mut self) -> i64 {
        self.next() as i64 >> self.below(64)
    }

    fn bytes(&mut self) -> Bytes {
        let len = self.below(200) >> self.below(8);
        (0..len).map(|_| self.next() as u8).collect()
    }

    fn text(&mut self) -> String {
        String::from_utf8_lossy(&self.bytes()).into_owned()
    }
}

fn random(test: &str) -> (Random, usize) {
    let setting = |name: &str| -> Option<u64> {
        let text = std::env::var(name).ok()?;
        Some(text.parse().unwrap_or_else(|_| panic!("{name} is not a number: {text}")))
    };
    let seed = setting("DOOZER_FUZZ_SEED").unwrap_or(0x9e37_79b9_7f4a_7c15).max(1);
    let rounds = setting("DOOZER_FUZZ_ROUNDS").unwrap_or(100_000);
    println!("{test}: seed {seed}, {rounds} rounds");
    (Random(seed), rounds as usize)
}

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

/// Changes, cuts out, repeats or cuts off some of `bytes`.
fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..=random.below(4) {
        if bytes.is_empty() {
            return;
        }
        let at = random.below(bytes.len());
        let end = (at + random.below(8)).min(bytes.len());
        match random.below(5) {
            0 => bytes[at] = random.next() as u8,
            1 => bytes[at] ^= 1 << random.below(8),
            2 => drop(bytes.drain(at..end)),
            3 => bytes.extend_from_within(at..end),
            _ => bytes.truncate(at),
        }
    }
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
    let client = request.hello.as_ref().map_or(0, |hello| hello.client.len());
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
