//! Any stream of bytes, read as both sides read it.
#![no_main]

use bytes::BytesMut;
use doozer_wire::{Decoder, OwnedResponse, Request};
use libfuzzer_sys::fuzz_target;

const LIMIT: usize = 1 << 16;

fuzz_target!(|stream: &[u8]| {
    let mut decoder = Decoder::new(LIMIT);
    let mut buf = BytesMut::from(stream);
    while let Ok(Some(body)) = decoder.next(&mut buf) {
        assert!(body.len() <= LIMIT);
        both(body);
    }
    // The same bytes without a length in front, or few inputs would come as far as the messages.
    both(stream.to_vec().into());
});

fn both(body: bytes::Bytes) {
    if let Ok(request) = Request::decode(body.clone()) {
        let mut again = BytesMut::new();
        request.encode_frame(&mut again);
        assert_eq!(Request::decode(again.freeze().slice(4..)).as_ref(), Ok(&request));
    }
    if let Ok(response) = OwnedResponse::decode(body) {
        assert_eq!(response.failure().is_some(), response.err_code.is_some());
    }
}
