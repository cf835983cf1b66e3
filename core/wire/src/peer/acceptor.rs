//! The handshake of the member that was dialed: [`Acceptor`], then [`Greeted`], then [`Proven`], then an [`Opener`].
//!
//! Whoever has reasons of its own not to talk to the other one drops any of the first three, and answers with
//! [`Refused::reply`] of a [`Refused::Policy`] in place of [`Acceptor::greet`], and with [`Refused::accept`] later on. As long
//! as the other one has proven nothing, anybody may have said that it is that member.

use std::fmt;

use bytes::Bytes;
use prost::Message as _;

use super::introduction::{self, Call, Introduction, Purpose};
use super::proof::{Transcript, is_proof};
use super::refused::{Refused, framed};
use super::{Opener, proto};
use crate::{Hello, Secret};

/// It has heard who the other one says it is.
pub struct Acceptor {
    secret: Secret,
    me: Introduction,
    them: Introduction,
    call: Call,
    hello: Bytes,
}

/// It has said who it is, and waits for the other one's proof.
pub struct Greeted {
    transcript: Transcript,
    me: Introduction,
    them: Introduction,
    call: Call,
}

/// The other one is who it says.
pub struct Proven(Greeted);

impl Acceptor {
    /// Takes the HELLO of a connection whose role is [`crate::Role::Peer`]. An empty secret is one that everybody knows.
    ///
    /// # Errors
    /// [`Refused`]: answer HELLO with [`Refused::reply`], and close the connection.
    pub fn new(secret: &Secret, me: Introduction, hello: &Hello) -> Result<Acceptor, Refused> {
        let hello = hello.peer.clone().ok_or_else(|| Refused::garbled("it says nothing of itself"))?;
        let (them, call) = introduction::read_hello(hello.clone())?;
        me.check_cluster(&them)?;
        Ok(Acceptor { secret: secret.clone(), me, them, call, hello })
    }

    /// Who the other one says it is. Nothing of it is proven.
    pub fn caller(&self) -> &Introduction {
        &self.them
    }

    /// What the other one wants. Nothing of it is proven.
    pub fn call(&self) -> Call {
        self.call
    }

    /// Says who this member is: the bytes go into [`crate::HelloReply::peer`]. `nonce` is of a cryptographic source of
    /// randomness and used once.
    pub fn greet(self, nonce: [u8; 32]) -> (Greeted, Bytes) {
        let reply = introduction::reply(&self.me, nonce);
        let transcript = Transcript::new(self.secret, self.hello, reply.clone());
        (Greeted { transcript, me: self.me, them: self.them, call: self.call }, reply)
    }
}

impl Greeted {
    /// Takes the body of the frame that follows HELLO.
    ///
    /// # Errors
    /// [`Refused`]: send [`Refused::accept`], and close the connection.
    pub fn on_proof(self, body: Bytes) -> Result<Proven, Refused> {
        let proof = proto::PeerProof::decode(body).map_err(Refused::garbled)?;
        if !is_proof(&proof.proof, &self.transcript.dialer_proof()) {
            return Err(Refused::Secret);
        }
        match self.call.check(&self.them, &self.me) {
            Ok(()) => Ok(Proven(self)),
            // The dialer finds that out for itself, if it is proven to it who is here.
            Err(why) => Err(Refused::Misdialed { why: Box::new(why), accept: self.accept() }),
        }
    }

    fn accept(&self) -> Bytes {
        let proof = Bytes::copy_from_slice(&self.transcript.acceptor_proof());
        framed(&proto::PeerAccept { proof, refusal: String::new() })
    }
}

impl Proven {
    /// Who the other one is.
    pub fn caller(&self) -> &Introduction {
        &self.0.them
    }

    /// What the connection is for. After a question nothing comes.
    pub fn purpose(&self) -> Purpose {
        self.0.call.purpose
    }

    /// Takes the other one: the bytes are a frame, length included, to be sent. From then on the connection carries what
    /// is to be opened.
    pub fn accept(self) -> (Bytes, Introduction, Opener) {
        let accept = self.0.accept();
        let Proven(Greeted { transcript, me, them, .. }) = self;
        let opener = Opener::new(transcript.frame_key(), &them, &me);
        (accept, them, opener)
    }
}

impl fmt::Debug for Acceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Acceptor { me, them, call, .. } = self;
        f.debug_struct("Acceptor")
            .field("me", me)
            .field("them", them)
            .field("call", call)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Greeted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Greeted { me, them, call, .. } = self;
        let mut shown = f.debug_struct("Greeted");
        shown.field("me", me).field("them", them).field("call", call).finish_non_exhaustive()
    }
}

impl fmt::Debug for Proven {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Proven").field(&self.0).finish()
    }
}
