//! Why two members do not talk to each other, each in one line for whoever reads the log.

use std::fmt::Display;

use bytes::{Bytes, BytesMut};
use doozer_paxos::{ClusterId, Incarnation};

use super::introduction::{self, PEER_VERSION};
use super::proto;
use crate::put;

/// Characters of another member's words that are shown.
const WORDS_MAX: usize = 300;

/// Why there is no connection to another member. "It" is the other one, "this member" whoever says so.
///
/// At a dialer, [`Refused::Itself`] and [`Refused::Incarnation`] are proven: nobody who does not know the secret can bring
/// them about, and they may be decided by. All else may be anybody's doing, and is for people to read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// It speaks another version.
    #[error(
        "it speaks version {theirs} of the peer protocol, this member version {PEER_VERSION}: upgrade the older of the two"
    )]
    Version {
        /// The other one's.
        theirs: u32,
    },
    /// It belongs to another cluster.
    #[error(
        "it belongs to cluster {theirs}, this member to {ours}: check the addresses given with -a; two clusters never become one"
    )]
    Cluster {
        /// This member's.
        ours: ClusterId,
        /// The other one's.
        theirs: ClusterId,
    },
    /// Somebody else was meant: an old incarnation, as a rule.
    #[error(
        "{wanted} was meant, but {found} is there: nothing to do if it was started anew without its log, else check the address"
    )]
    Incarnation {
        /// Who was meant.
        wanted: Incarnation,
        /// Who is there.
        found: Incarnation,
    },
    /// A member reached itself.
    #[error("this member reached itself at that address: nothing to do if it is its own")]
    Itself,
    /// The proof is not the one that is due.
    #[error(
        "it did not prove that it knows the secret: give both the same one (DOOZER_RWSECRET), or look for what changes or repeats their bytes between them"
    )]
    Secret,
    /// At an acceptor: the other one knows the secret, but reached another member than it meant, or itself.
    #[error("{why}")]
    Misdialed {
        /// [`Refused::Itself`] or [`Refused::Incarnation`].
        why: Box<Refused>,
        /// What is to be sent: a proof, so that the other one finds the same.
        accept: Bytes,
    },
    /// What came is nothing that a member says.
    #[error("what it said cannot be read ({0}): no member is there, or it was garbled on the way")]
    Garbled(Box<str>),
    /// It answered HELLO, but not as a member does.
    #[error("it takes no members ({0}): upgrade its doozerd, or take its address out of the list")]
    NoPeers(Box<str>),
    /// It refuses, and why, in its words.
    #[error("it refuses: \"{0}\"")]
    ByThem(Box<str>),
    /// Whoever uses this crate refuses, in words of its own.
    #[error("{0}")]
    Policy(Box<str>),
}

impl Refused {
    /// What an acceptor answers in [`crate::HelloReply::peer`] in place of itself.
    pub fn reply(&self) -> Bytes {
        introduction::refusal(one_line(self))
    }

    /// What an acceptor sends when it refuses after it has answered HELLO: a frame, length included.
    pub fn accept(&self) -> Bytes {
        if let Refused::Misdialed { accept, .. } = self {
            return accept.clone();
        }
        framed(&proto::PeerAccept { proof: Bytes::new(), refusal: one_line(self) })
    }

    pub(super) fn garbled(why: impl Display) -> Refused {
        Refused::Garbled(one_line(&why).into())
    }

    pub(super) fn no_peers(why: impl Display) -> Refused {
        Refused::NoPeers(one_line(&why).into())
    }

    pub(super) fn by_them(words: &str) -> Refused {
        Refused::ByThem(one_line(&words).into())
    }
}

/// A message of the handshake as a frame, length included.
pub(super) fn framed(message: &impl prost::Message) -> Bytes {
    let mut out = BytesMut::new();
    put::frame(&mut out, message.encoded_len(), |out| message.encode_raw(out));
    out.freeze()
}

/// Anybody's words on one line that is not too long: they go to the log.
fn one_line(words: &dyn Display) -> String {
    let text = words.to_string();
    let mut chars = text.chars();
    let shown = chars.by_ref().take(WORDS_MAX).map(|c| if c.is_control() { ' ' } else { c });
    let mut shown: String = shown.collect();
    if chars.next().is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strangers_words_are_one_short_line() {
        assert_eq!(Refused::by_them("a\nb\x1b[31m\u{85}c").to_string(), "it refuses: \"a b [31m c\"");
        assert_eq!(one_line(&"ä".repeat(300)), "ä".repeat(300));
        assert_eq!(one_line(&"ä".repeat(301)), "ä".repeat(300) + "…");
    }
}
