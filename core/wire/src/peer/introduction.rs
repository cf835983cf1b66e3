//! What each of two members says of itself before anything else, as it stands in HELLO and its answer.
//! Never here: whether the other one is to be believed.

use bytes::Bytes;
use doozer_paxos::{ClusterId, Incarnation};
use prost::Message as _;

use super::decode::{BadMessage, fixed};
use super::{Refused, proto};
use crate::{Address, Hello};

/// The version of the peer protocol that this crate speaks.
pub const PEER_VERSION: u32 = 1;

/// The longest frame of the handshake in bytes: what a [`crate::Decoder`] is to take from a peer until it has proven itself.
pub const HANDSHAKE_BYTES_MAX: usize = 64 << 10;

/// Who a member is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Introduction {
    /// Its cluster; none as long as it belongs to none.
    pub cluster: Option<ClusterId>,
    /// Its life.
    pub incarnation: Incarnation,
    /// Where others reach it.
    pub address: Address,
    /// The addresses that it was started with (`-a`), in their order.
    pub listed: Vec<Address>,
    /// What its cluster is called, if it knows; of one that belongs to none, which cluster it looks for and, as long as it
    /// says so, founds none itself.
    pub name: Option<String>,
    /// It belonged to a cluster of which it knows nothing any more: it founds none, and nobody founds one with its word.
    pub only_joins: bool,
}

/// Why a member dials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    /// Whom it wants; none if that is whoever is there.
    pub to: Option<Incarnation>,
    /// What for.
    pub purpose: Purpose,
}

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To send messages.
    Messages,
    /// To know who is there. Nothing follows the handshake.
    Question,
}

impl Introduction {
    /// Who says HELLO, if that can be read: anybody may say anything, and this is for people to read.
    pub fn claimed(hello: &Hello) -> Option<Introduction> {
        read_hello(hello.peer.clone()?).ok().map(|(them, _)| them)
    }

    /// Whether the other one is of the same cluster, as far as both know.
    pub(super) fn check_cluster(&self, them: &Introduction) -> Result<(), Refused> {
        match (self.cluster, them.cluster) {
            (Some(ours), Some(theirs)) if ours != theirs => Err(Refused::Cluster { ours, theirs }),
            _ => Ok(()),
        }
    }
}

impl Call {
    /// Whether the one who is there is another one than who calls, and the one who was meant. Others decide by that, so
    /// it is only asked once both have proven who they are.
    pub(super) fn check(&self, caller: &Introduction, there: &Introduction) -> Result<(), Refused> {
        let found = there.incarnation;
        match self.to {
            _ if caller.incarnation == found => Err(Refused::Itself),
            Some(wanted) if wanted != found => Err(Refused::Incarnation { wanted, found }),
            _ => Ok(()),
        }
    }
}

/// A `PeerHello`.
pub(super) fn hello(me: &Introduction, call: &Call, nonce: [u8; 32]) -> Bytes {
    let proto::PeerReply { version, cluster, incarnation, nonce, address, listed, name, only_joins, .. } =
        said(me, nonce);
    let to = call.to.map_or_else(Bytes::new, |to| Bytes::copy_from_slice(&to.0));
    let only_asks = call.purpose == Purpose::Question;
    proto::PeerHello {
        version,
        cluster,
        incarnation,
        to,
        nonce,
        address,
        listed,
        only_asks,
        name,
        only_joins,
    }
    .encode_to_vec()
    .into()
}

/// A `PeerReply`.
pub(super) fn reply(me: &Introduction, nonce: [u8; 32]) -> Bytes {
    said(me, nonce).encode_to_vec().into()
}

/// A `PeerReply` that says no.
pub(super) fn refusal(words: String) -> Bytes {
    let reply = proto::PeerReply { version: PEER_VERSION, refusal: words, ..proto::PeerReply::default() };
    reply.encode_to_vec().into()
}

fn said(me: &Introduction, nonce: [u8; 32]) -> proto::PeerReply {
    proto::PeerReply {
        version: PEER_VERSION,
        cluster: me.cluster.map_or_else(Bytes::new, |id| Bytes::copy_from_slice(&id.0)),
        incarnation: Bytes::copy_from_slice(&me.incarnation.0),
        nonce: Bytes::copy_from_slice(&nonce),
        address: me.address.to_string(),
        listed: me.listed.iter().map(Address::to_string).collect(),
        name: me.name.clone().unwrap_or_default(),
        only_joins: me.only_joins,
        refusal: String::new(),
    }
}

/// Reads a `PeerHello`.
pub(super) fn read_hello(bytes: Bytes) -> Result<(Introduction, Call), Refused> {
    check_version(&bytes)?;
    let said = proto::PeerHello::decode(bytes).map_err(Refused::garbled)?;
    let to = optional("a member's id", &said.to)?.map(Incarnation);
    let purpose = if said.only_asks { Purpose::Question } else { Purpose::Messages };
    let them = introduction(&said.cluster, &said.incarnation, &said.nonce, &said.address, &said.listed)?;
    let only_joins = said.only_joins;
    Ok((Introduction { name: given(said.name), only_joins, ..them }, Call { to, purpose }))
}

/// Reads a `PeerReply`.
pub(super) fn read_reply(bytes: Bytes) -> Result<Introduction, Refused> {
    check_version(&bytes)?;
    let said = proto::PeerReply::decode(bytes).map_err(Refused::garbled)?;
    if !said.refusal.is_empty() {
        return Err(Refused::by_them(&said.refusal));
    }
    let them = introduction(&said.cluster, &said.incarnation, &said.nonce, &said.address, &said.listed)?;
    Ok(Introduction { name: given(said.name), only_joins: said.only_joins, ..them })
}

/// Before anything else is read, which another version may have elsewhere.
fn check_version(bytes: &Bytes) -> Result<(), Refused> {
    if bytes.len() > HANDSHAKE_BYTES_MAX {
        return Err(Refused::garbled(format_args!("{} bytes", bytes.len())));
    }
    let theirs = proto::PeerVersion::decode(&bytes[..]).map_err(Refused::garbled)?.version;
    if theirs != PEER_VERSION {
        return Err(Refused::Version { theirs });
    }
    Ok(())
}

fn introduction(
    cluster: &Bytes,
    incarnation: &Bytes,
    nonce: &Bytes,
    address: &str,
    listed: &[String],
) -> Result<Introduction, Refused> {
    let _: [u8; 32] = fixed("a nonce", nonce).map_err(Refused::garbled)?;
    Ok(Introduction {
        cluster: optional("a cluster's id", cluster)?.map(ClusterId),
        incarnation: fixed("a member's id", incarnation).map(Incarnation).map_err(Refused::garbled)?,
        address: address.parse().map_err(Refused::garbled)?,
        listed: listed.iter().map(|text| text.parse()).collect::<Result<_, _>>().map_err(Refused::garbled)?,
        name: None,
        only_joins: false,
    })
}

/// No cluster has an empty name.
fn given(name: String) -> Option<String> {
    Some(name).filter(|name| !name.is_empty())
}

fn optional(what: &'static str, bytes: &Bytes) -> Result<Option<[u8; 16]>, Refused> {
    let given = (!bytes.is_empty()).then(|| fixed(what, bytes));
    given.transpose().map_err(|error: BadMessage| Refused::garbled(error))
}
