//! etcd's messages, as far as a load needs them: from `rpc.proto` and `kv.proto` of etcd 3.4, which later versions keep.

use bytes::Bytes;

/// `PutRequest`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Put {
    #[prost(bytes = "bytes", tag = "1")]
    pub key: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    pub value: Bytes,
}

/// `RangeRequest`, of one key.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Range {
    #[prost(bytes = "bytes", tag = "1")]
    pub key: Bytes,
    /// As the member has it; otherwise linearizable.
    #[prost(bool, tag = "7")]
    pub serializable: bool,
}

/// `RangeResponse`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct RangeReply {
    #[prost(message, repeated, tag = "2")]
    pub kvs: Vec<KeyValue>,
    #[prost(int64, tag = "4")]
    pub count: i64,
}

/// `KeyValue`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct KeyValue {
    #[prost(bytes = "bytes", tag = "1")]
    pub key: Bytes,
    #[prost(bytes = "bytes", tag = "5")]
    pub value: Bytes,
}

/// `DeleteRangeRequest`, of one key.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Delete {
    #[prost(bytes = "bytes", tag = "1")]
    pub key: Bytes,
}

/// `WatchRequest`, to begin one: the other members of its `oneof` are not needed.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Watch {
    #[prost(message, optional, tag = "1")]
    pub create: Option<WatchCreate>,
}

/// `WatchCreateRequest`, of one key, from now on.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct WatchCreate {
    #[prost(bytes = "bytes", tag = "1")]
    pub key: Bytes,
}

/// `WatchResponse`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct WatchReply {
    #[prost(bool, tag = "3")]
    pub created: bool,
    #[prost(bool, tag = "4")]
    pub canceled: bool,
    #[prost(message, repeated, tag = "11")]
    pub events: Vec<Event>,
}

/// `Event`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Event {
    #[prost(message, optional, tag = "2")]
    pub kv: Option<KeyValue>,
}

/// `StatusRequest`.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct Status {}

/// `StatusResponse`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct StatusReply {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    /// The member that leads, or 0.
    #[prost(uint64, tag = "4")]
    pub leader: u64,
}

/// `ResponseHeader`.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct Header {
    #[prost(uint64, tag = "2")]
    pub member_id: u64,
    #[prost(int64, tag = "3")]
    pub revision: i64,
}
