//! The handshake of the member that opened the connection: [`Dialer`], then [`Proving`], then a [`Sealer`].

use std::fmt;

use bytes::Bytes;
use prost::Message as _;

use super::introduction::{self, Call, Introduction};
use super::proof::{Transcript, is_proof};
use super::refused::{Refused, framed};
use super::{Sealer, proto};
use crate::{Hello, OwnedResponse, PROTOCOL_VERSION, Request, Role, Secret, Verb};

/// It has said who it is, and waits for the answer.
pub struct Dialer {
    secret: Secret,
    me: Introduction,
    call: Call,
    hello: Bytes,
}

/// It has proven that it knows the secret, and waits for the other one to do so.
pub struct Proving {
    transcript: Transcript,
    me: Introduction,
    them: Introduction,
    call: Call,
}

impl Dialer {
    /// Begins: the request is the first that goes over the connection. `nonce` is of a cryptographic source of randomness
    /// and used once. An empty secret is one that everybody knows.
    pub fn new(secret: &Secret, me: Introduction, call: Call, nonce: [u8; 32]) -> (Dialer, Request) {
        let hello = introduction::hello(&me, &call, nonce);
        let request = Request {
            verb: Verb::Hello as i32,
            hello: Some(Hello {
                version: PROTOCOL_VERSION,
                role: Role::Peer,
                peer: Some(hello.clone()),
                ..Hello::default()
            }),
            ..Request::default()
        };
        (Dialer { secret: secret.clone(), me, call, hello }, request)
    }

    /// Takes the answer. The bytes are a frame, length included, to be sent.
    ///
    /// # Errors
    /// [`Refused`], by either side: close the connection.
    pub fn on_reply(self, response: &OwnedResponse) -> Result<(Proving, Bytes), Refused> {
        if let Some((kind, detail)) = response.failure() {
            return Err(Refused::no_peers(format_args!("{}: {detail}", kind.name())));
        }
        let reply = response.hello.as_ref().and_then(|hello| hello.peer.clone());
        let reply = reply.ok_or_else(|| Refused::no_peers("it answers HELLO as it answers clients"))?;
        let them = introduction::read_reply(reply.clone())?;
        self.me.check_cluster(&them)?;
        let transcript = Transcript::new(self.secret, self.hello, reply);
        let proof = Bytes::copy_from_slice(&transcript.dialer_proof());
        Ok((Proving { transcript, me: self.me, them, call: self.call }, framed(&proto::PeerProof { proof })))
    }
}

impl Proving {
    /// Takes the body of the frame that follows. From here on the other one is who it says, and the connection carries
    /// what is sealed.
    ///
    /// # Errors
    /// [`Refused`], by either side: close the connection.
    pub fn on_accept(self, body: Bytes) -> Result<(Introduction, Sealer), Refused> {
        let accept = proto::PeerAccept::decode(body).map_err(Refused::garbled)?;
        if !accept.refusal.is_empty() {
            return Err(Refused::by_them(&accept.refusal));
        }
        if !is_proof(&accept.proof, &self.transcript.acceptor_proof()) {
            return Err(Refused::Secret);
        }
        self.call.check(&self.me, &self.them)?;
        let sealer = Sealer::new(self.transcript.frame_key(), &self.me, &self.them);
        Ok((self.them, sealer))
    }
}

impl fmt::Debug for Dialer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Dialer { me, call, .. } = self;
        f.debug_struct("Dialer").field("me", me).field("call", call).finish_non_exhaustive()
    }
}

impl fmt::Debug for Proving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Proving { me, them, call, .. } = self;
        let mut shown = f.debug_struct("Proving");
        shown.field("me", me).field("them", them).field("call", call).finish_non_exhaustive()
    }
}
