//! etcd's messages, as far as a load needs them: from `rpc.proto` and `kv.proto` of etcd 3.4, which later versions keep.

use bytes::Bytes;

/// `PutRequest`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Put {
    #[prost(bytes = "bytes", tag = "1")]
    pub key: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    pub value: Bytes,
    /// What it goes with; 0 for none.
    #[prost(int64, tag = "3")]
    pub lease: i64,
}

/// `RangeRequest`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Range {
    #[prost(bytes = "bytes", tag = "1")]
    pub key: Bytes,
    /// Where the range ends, before this; empty for one key.
    #[prost(bytes = "bytes", tag = "2")]
    pub end: Bytes,
    #[prost(int64, tag = "3")]
    pub limit: i64,
    #[prost(enumeration = "Order", tag = "5")]
    pub order: i32,
    #[prost(enumeration = "Target", tag = "6")]
    pub target: i32,
    /// As the member has it; otherwise linearizable.
    #[prost(bool, tag = "7")]
    pub serializable: bool,
    /// Only keys that were created by then; 0 for all.
    #[prost(int64, tag = "13")]
    pub created_by: i64,
}

/// `RangeRequest.SortOrder`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub enum Order {
    None = 0,
    Ascending = 1,
    Descending = 2,
}

/// `RangeRequest.SortTarget`, as far as needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub enum Target {
    Key = 0,
    CreateRevision = 2,
}

/// `RangeResponse`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct RangeReply {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
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
    #[prost(int64, tag = "2")]
    pub create_revision: i64,
    #[prost(bytes = "bytes", tag = "5")]
    pub value: Bytes,
}

/// `DeleteRangeRequest`, of one key.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Delete {
    #[prost(bytes = "bytes", tag = "1")]
    pub key: Bytes,
}

/// `TxnRequest`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Txn {
    #[prost(message, repeated, tag = "1")]
    pub compare: Vec<Compare>,
    /// If all compares hold.
    #[prost(message, repeated, tag = "2")]
    pub success: Vec<Operation>,
    #[prost(message, repeated, tag = "3")]
    pub failure: Vec<Operation>,
}

/// `Compare`, of the revision that created a key, 0 if there is none; whether it is just that.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Compare {
    /// `CompareTarget`: 1 is the revision that created it.
    #[prost(int32, tag = "2")]
    pub target: i32,
    #[prost(bytes = "bytes", tag = "3")]
    pub key: Bytes,
    /// One of a `oneof`, and so sent if it is 0, too.
    #[prost(int64, optional, tag = "5")]
    pub create_revision: Option<i64>,
}

impl Compare {
    /// That there is no such key.
    pub fn is_missing(key: Bytes) -> Compare {
        Compare { target: 1, key, create_revision: Some(0) }
    }
}

/// `RequestOp`: one of them.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Operation {
    #[prost(message, optional, tag = "1")]
    pub range: Option<Range>,
    #[prost(message, optional, tag = "2")]
    pub put: Option<Put>,
}

/// `TxnResponse`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct TxnReply {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(bool, tag = "2")]
    pub succeeded: bool,
    #[prost(message, repeated, tag = "3")]
    pub replies: Vec<OperationReply>,
}

/// `ResponseOp`, as far as needed.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct OperationReply {
    #[prost(message, optional, tag = "1")]
    pub range: Option<RangeReply>,
}

/// `LeaseGrantRequest`, for an id that the cluster chooses.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct LeaseGrant {
    #[prost(int64, tag = "1")]
    pub ttl_seconds: i64,
}

/// `LeaseGrantResponse` and `LeaseKeepAliveResponse`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct LeaseReply {
    #[prost(int64, tag = "2")]
    pub id: i64,
    /// 0 if it is over.
    #[prost(int64, tag = "3")]
    pub ttl_seconds: i64,
}

/// `LeaseKeepAliveRequest` and `LeaseRevokeRequest`.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct Lease {
    #[prost(int64, tag = "1")]
    pub id: i64,
}

/// An answer of which nothing is needed but that it came.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct Done {}

/// `WatchRequest`: one of them.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Watch {
    #[prost(message, optional, tag = "1")]
    pub create: Option<WatchCreate>,
    #[prost(message, optional, tag = "2")]
    pub cancel: Option<WatchCancel>,
}

/// `WatchCreateRequest`, of one key.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct WatchCreate {
    #[prost(bytes = "bytes", tag = "1")]
    pub key: Bytes,
    /// 0 for what comes from now on.
    #[prost(int64, tag = "3")]
    pub start_revision: i64,
}

/// `WatchCancelRequest`.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct WatchCancel {
    #[prost(int64, tag = "1")]
    pub watch_id: i64,
}

/// `WatchResponse`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct WatchReply {
    #[prost(int64, tag = "2")]
    pub watch_id: i64,
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
    #[prost(enumeration = "EventKind", tag = "1")]
    pub kind: i32,
    #[prost(message, optional, tag = "2")]
    pub kv: Option<KeyValue>,
}

/// `Event.EventType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub enum EventKind {
    Put = 0,
    Delete = 1,
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

#[cfg(test)]
mod tests {
    use super::*;
    use prost::Message;

    /// Field by field as protobuf has it, since a wrong number would be taken for another field, or for none.
    #[test]
    fn what_takes_a_place_in_a_queue() {
        let txn = Txn {
            compare: vec![Compare::is_missing("k".into())],
            success: vec![Operation {
                put: Some(Put { key: "k".into(), lease: 5, ..Put::default() }),
                ..Operation::default()
            }],
            failure: vec![Operation {
                range: Some(Range {
                    key: "k/".into(),
                    end: "k0".into(),
                    limit: 1,
                    order: Order::Descending as i32,
                    target: Target::CreateRevision as i32,
                    created_by: 300,
                    ..Range::default()
                }),
                ..Operation::default()
            }],
        };
        let expected = [
            &b"\x0a\x07\x10\x01\x1a\x01k\x28\x00"[..],
            b"\x12\x07\x12\x05\x0a\x01k\x18\x05",
            b"\x1a\x13\x0a\x11\x0a\x02k/\x12\x02k0\x18\x01\x28\x02\x30\x02\x68\xac\x02",
        ];
        assert_eq!(txn.encode_to_vec(), expected.concat());
    }

    #[test]
    fn what_is_answered() {
        let reply = b"\x0a\x02\x18\x09\x10\x01\x1a\x00\x1a\x09\x0a\x07\x12\x05\x0a\x01k\x10\x07";
        let reply = TxnReply::decode(&reply[..]).unwrap();
        assert_eq!(reply.header.map(|header| header.revision), Some(9));
        assert!(reply.succeeded && reply.replies[0].range.is_none(), "{reply:?}");
        let owner = &reply.replies[1].range.as_ref().unwrap().kvs[0];
        assert_eq!((owner.create_revision, &owner.key[..]), (7, &b"k"[..]));
        let event = WatchReply::decode(&b"\x10\x03\x5a\x07\x08\x01\x12\x03\x0a\x01k"[..]).unwrap();
        assert_eq!((event.watch_id, event.events[0].kind()), (3, EventKind::Delete));
        let over = LeaseReply::decode(&b"\x10\x05"[..]).unwrap();
        assert_eq!((over.id, over.ttl_seconds), (5, 0));
    }
}
