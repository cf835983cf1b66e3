//! HELLO: what the two sides of a connection tell each other before they use anything the original did not have.

use std::fmt;
use std::ops::BitOr;

use bytes::Bytes;

use crate::error::{Malformed, cluster_id};
use crate::proto;

/// The version of the protocol this crate speaks.
pub const PROTOCOL_VERSION: u32 = 1;

/// A set of things a side understands. Bits without a name here are kept as they came.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Features(pub u64);

impl Features {
    /// CANCEL.
    pub const CANCEL: Features = Features(1);
    /// LIST.
    pub const LIST: Features = Features(1 << 1);
    /// WATCH.
    pub const WATCH: Features = Features(1 << 2);
    /// STATUS.
    pub const STATUS: Features = Features(1 << 3);
    /// PING.
    pub const PING: Features = Features(1 << 4);
    /// The fields `consistency` and `min_rev` of reads.
    pub const LOCAL_READS: Features = Features(1 << 5);
    /// An answer without a tag that says that the member is stopping. A client that has this is sent it.
    pub const GOODBYE: Features = Features(1 << 6);
    /// TXN, SESSION, and the session's fields of writes. A member without it ignores those fields.
    pub const SESSIONS: Features = Features(1 << 7);

    const NAMES: [(Features, &'static str); 8] = [
        (Features::CANCEL, "cancel"),
        (Features::LIST, "list"),
        (Features::WATCH, "watch"),
        (Features::STATUS, "status"),
        (Features::PING, "ping"),
        (Features::LOCAL_READS, "local-reads"),
        (Features::GOODBYE, "goodbye"),
        (Features::SESSIONS, "sessions"),
    ];

    /// Whether every feature of `other` is in this set.
    pub const fn contains(self, other: Features) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for Features {
    type Output = Features;

    fn bitor(self, other: Features) -> Features {
        Features(self.0 | other.0)
    }
}

impl fmt::Debug for Features {
    /// The names of the features, and the bits that have none as a number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut set = f.debug_set();
        let mut rest = self.0;
        for (feature, name) in Features::NAMES {
            if self.contains(feature) {
                set.entry(&format_args!("{name}"));
                rest &= !feature.0;
            }
        }
        if rest != 0 {
            set.entry(&format_args!("{rest:#x}"));
        }
        set.finish()
    }
}

/// Who opens the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Role {
    /// A client. A role this version does not know is taken for it.
    #[default]
    Client,
    /// Another member.
    Peer,
}

/// What the side that opened the connection says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hello {
    /// The version it speaks, see [`PROTOCOL_VERSION`].
    pub version: u32,
    /// What it understands.
    pub features: Features,
    /// What it is.
    pub role: Role,
    /// Its name and version, for people who read logs.
    pub client: String,
    /// What a member says to another one, see [`crate::peer`].
    pub peer: Option<Bytes>,
}

/// What the member answers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HelloReply {
    /// The version it speaks, see [`PROTOCOL_VERSION`].
    pub version: u32,
    /// What it understands.
    pub features: Features,
    /// The cluster's id.
    pub cluster: [u8; 16],
    /// The member's id, as SELF answers it.
    pub member: String,
    /// The largest value a file can have, in bytes.
    pub value_bytes_max: u64,
    /// The longest frame either side may send, in bytes, without the four of its length.
    pub frame_bytes_max: u64,
    /// The member's version, for people.
    pub server_version: String,
    /// What a member answers to another one, see [`crate::peer`].
    pub peer: Option<Bytes>,
}

impl From<&Hello> for proto::HelloRequest {
    fn from(hello: &Hello) -> proto::HelloRequest {
        let role = match hello.role {
            Role::Client => proto::Role::Client,
            Role::Peer => proto::Role::Peer,
        };
        proto::HelloRequest {
            version: Some(hello.version),
            features: Some(hello.features.0),
            role: Some(role.into()),
            client: Some(hello.client.clone()),
            peer: hello.peer.clone(),
        }
    }
}

impl From<proto::HelloRequest> for Hello {
    fn from(hello: proto::HelloRequest) -> Hello {
        Hello {
            version: hello.version(),
            features: Features(hello.features()),
            role: match hello.role() {
                proto::Role::Client => Role::Client,
                proto::Role::Peer => Role::Peer,
            },
            client: hello.client.unwrap_or_default(),
            peer: hello.peer,
        }
    }
}

impl From<&HelloReply> for proto::HelloReply {
    fn from(reply: &HelloReply) -> proto::HelloReply {
        proto::HelloReply {
            version: Some(reply.version),
            features: Some(reply.features.0),
            cluster: Some(Bytes::copy_from_slice(&reply.cluster)),
            member: Some(reply.member.clone()),
            value_bytes_max: Some(reply.value_bytes_max),
            frame_bytes_max: Some(reply.frame_bytes_max),
            server_version: Some(reply.server_version.clone()),
            peer: reply.peer.clone(),
        }
    }
}

impl TryFrom<proto::HelloReply> for HelloReply {
    type Error = Malformed;

    fn try_from(reply: proto::HelloReply) -> Result<HelloReply, Malformed> {
        Ok(HelloReply {
            version: reply.version(),
            features: Features(reply.features()),
            value_bytes_max: reply.value_bytes_max(),
            frame_bytes_max: reply.frame_bytes_max(),
            cluster: cluster_id(reply.cluster)?,
            member: reply.member.unwrap_or_default(),
            server_version: reply.server_version.unwrap_or_default(),
            peer: reply.peer,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_are_a_set() {
        let some = Features::LIST | Features::PING;
        assert!(some.contains(Features::LIST));
        assert!(some.contains(some));
        assert!(some.contains(Features::default()));
        assert!(!some.contains(Features::LIST | Features::WATCH));
        assert_eq!(format!("{some:?}"), "{list, ping}");
        assert_eq!(format!("{:?}", Features(1 << 63) | Features::CANCEL), "{cancel, 0x8000000000000000}");
    }

    #[test]
    fn feature_bits_are_permanent_and_each_its_own() {
        let bits: Vec<u64> = Features::NAMES.iter().map(|(feature, _)| feature.0).collect();
        assert_eq!(bits, [1, 2, 4, 8, 16, 32, 64, 128]);
    }

    #[test]
    fn an_unknown_role_is_a_client() {
        let from_the_future = proto::HelloRequest { role: Some(77), ..Default::default() };
        assert_eq!(Hello::from(from_the_future).role, Role::Client);
    }

    #[test]
    fn a_cluster_id_has_sixteen_bytes() {
        for len in [0, 15, 17] {
            let cluster = Some(Bytes::from(vec![1; len]));
            let reply = proto::HelloReply { cluster, ..Default::default() };
            assert_eq!(HelloReply::try_from(reply), Err(Malformed::ClusterId(len)));
        }
        assert_eq!(HelloReply::try_from(proto::HelloReply::default()), Err(Malformed::ClusterId(0)));
    }
}
