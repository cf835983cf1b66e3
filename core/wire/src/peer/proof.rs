//! Proofs that a member knows the shared secret, and the key of a connection's frames: HMAC-SHA256 (RFC 2104, FIPS 180-4) over
//! all that the two said to each other, and keyed BLAKE3 for frames. The secret itself is never sent.
//! Never here: what they said.

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::Secret;

/// Length of a frame's MAC in bytes: BLAKE3's output, cut off. A guess is right once in 2^128.
pub(super) const MAC_BYTES: usize = 16;

/// Length of a proof in bytes.
pub(super) const PROOF_BYTES: usize = 32;

// Each names version and role, so that what one side made is of no use as anything else. None is the start of another one.
const DIALER: &[u8] = b"doozer peer 1: the dialer knows the secret\0";
const ACCEPTOR: &[u8] = b"doozer peer 1: the acceptor knows the secret\0";
const FRAMES: &[u8] = b"doozer peer 1: frames from dialer to acceptor\0";

/// What the two said to each other, byte for byte, and the secret.
pub(super) struct Transcript {
    secret: Secret,
    hello: Bytes,
    reply: Bytes,
}

impl Transcript {
    pub fn new(secret: Secret, hello: Bytes, reply: Bytes) -> Transcript {
        Transcript { secret, hello, reply }
    }

    pub fn dialer_proof(&self) -> [u8; PROOF_BYTES] {
        self.derive(DIALER)
    }

    pub fn acceptor_proof(&self) -> [u8; PROOF_BYTES] {
        self.derive(ACCEPTOR)
    }

    /// The key of the frames on this connection: both nonces are in the transcript, so it is of no other one.
    pub fn frame_key(&self) -> FrameKey {
        FrameKey(self.derive(FRAMES))
    }

    #[allow(clippy::expect_used, reason = "HMAC takes a key of any length (RFC 2104, section 2)")]
    fn derive(&self, label: &[u8]) -> [u8; 32] {
        let mut hmac = Hmac::<Sha256>::new_from_slice(self.secret.as_bytes()).expect("any key is a key");
        hmac.update(label);
        for said in [&self.hello, &self.reply] {
            // With its length, or the end of one could be taken for the start of the other.
            hmac.update(&(said.len() as u64).to_be_bytes());
            hmac.update(said);
        }
        hmac.finalize().into_bytes().into()
    }
}

/// Whether a proof is the one that is due. Takes the same time whatever they have in common.
pub(super) fn is_proof(given: &[u8], due: &[u8; PROOF_BYTES]) -> bool {
    given.ct_eq(due).into()
}

/// The key of one connection's frames.
pub(super) struct FrameKey([u8; 32]);

impl FrameKey {
    pub fn mac(&self, signed: &[u8]) -> [u8; MAC_BYTES] {
        let whole = blake3::keyed_hash(&self.0, signed);
        std::array::from_fn(|at| whole.as_bytes()[at])
    }

    /// Takes the same time whatever the MACs have in common.
    pub fn is_mac(&self, signed: &[u8], mac: &[u8]) -> bool {
        self.mac(signed).ct_eq(mac).into()
    }
}
