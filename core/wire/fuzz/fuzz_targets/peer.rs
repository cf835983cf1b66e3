//! Any bytes, read as the body of a frame between members and as what they say in a handshake.
#![no_main]

use bytes::Bytes;
use doozer_paxos::Incarnation;
use doozer_wire::peer::{Acceptor, Introduction, decode};
use doozer_wire::{Address, Hello, Secret};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let bytes = Bytes::copy_from_slice(bytes);
    let _ = decode(bytes.clone(), Incarnation([1; 16]), Incarnation([2; 16]));
    let me = Introduction {
        cluster: None,
        incarnation: Incarnation([2; 16]),
        address: Address { host: "member".into(), port: 8046 },
        listed: Vec::new(),
    };
    let secret = Secret::from(Vec::new());
    let hello = Hello { peer: Some(bytes.clone()), ..Hello::default() };
    if let Ok(acceptor) = Acceptor::new(&secret, me, &hello) {
        assert!(acceptor.greet([2; 32]).0.on_proof(bytes).is_err());
    }
});
