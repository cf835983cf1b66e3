//! What makes a frame's body no message.

/// A body that is no message. The connection it came from cannot be trusted to be in step and should be closed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Malformed {
    /// It is not protobuf, or a field has another wire type than it should. The text says where.
    #[error("{0}")]
    Protobuf(Box<str>),
    /// A cluster's id has another length than 16 bytes.
    #[error("a cluster id of {0} bytes instead of 16")]
    ClusterId(usize),
    /// A session's public id in an answer has another length than 16 bytes.
    #[error("a session id of {0} bytes instead of 16")]
    SessionId(usize),
}

impl Malformed {
    /// Not a `From`, which would make prost's type a part of this crate's edge.
    pub(crate) fn from_prost(error: prost::DecodeError) -> Malformed {
        Malformed::Protobuf(error.to_string().into())
    }
}

/// A cluster's id as it stands in a message.
pub(crate) fn cluster_id(bytes: Option<bytes::Bytes>) -> Result<[u8; 16], Malformed> {
    let bytes = bytes.unwrap_or_default();
    bytes[..].try_into().map_err(|_| Malformed::ClusterId(bytes.len()))
}

/// A session's public id as it stands in an answer.
pub(crate) fn session_id(bytes: Option<bytes::Bytes>) -> Result<[u8; 16], Malformed> {
    let bytes = bytes.unwrap_or_default();
    bytes[..].try_into().map_err(|_| Malformed::SessionId(bytes.len()))
}
