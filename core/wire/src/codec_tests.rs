//! The encoders written by hand against prost's own, and every message read back as it was written.

mod sessions;

use bytes::{Buf, Bytes, BytesMut};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use prost::Message as _;

use crate::*;

fn blob() -> impl Strategy<Value = Bytes> {
    // Lengths around 128, where a length takes a second byte.
    prop_oneof![vec(any::<u8>(), 0..5), vec(any::<u8>(), 120..140)].prop_map(Bytes::from)
}

fn text() -> impl Strategy<Value = String> {
    vec(any::<char>(), 0..12).prop_map(String::from_iter)
}

fn features() -> impl Strategy<Value = Features> {
    any::<u64>().prop_map(Features)
}

fn hello() -> impl Strategy<Value = Hello> {
    let role = prop_oneof![Just(Role::Client), Just(Role::Peer)];
    (any::<u32>(), features(), role, text(), of(blob()))
        .prop_map(|(version, features, role, client, peer)| Hello { version, features, role, client, peer })
}

fn requests() -> impl Strategy<Value = Request> {
    let original = (
        of(any::<i32>()),
        any::<i32>(),
        of(blob()),
        of(blob()),
        of(any::<i32>()),
        of(any::<i32>()),
        of(any::<i64>()),
    );
    let consistency = prop_oneof![Just(Consistency::Linearizable), Just(Consistency::Local)];
    let ours = (of(hello()), of(any::<u32>()), of(blob()), any::<bool>(), consistency, of(any::<i64>()));
    (original, ours, sessions::request_fields()).prop_map(|(original, ours, of_session)| {
        let (tag, verb, path, value, other_tag, offset, rev) = original;
        let (hello, limit, after, keys_only, consistency, min_rev) = ours;
        Request {
            tag,
            verb,
            path,
            value,
            other_tag,
            offset,
            rev,
            hello,
            limit,
            after,
            keys_only,
            consistency,
            min_rev,
            ..of_session
        }
    })
}

fn hello_replies() -> impl Strategy<Value = HelloReply> {
    (any::<u32>(), features(), any::<[u8; 16]>(), [text(), text()], any::<[u64; 2]>(), of(blob())).prop_map(
        |(version, features, cluster, [member, server_version], [value_bytes_max, frame_bytes_max], peer)| {
            HelloReply {
                version,
                features,
                cluster,
                member,
                value_bytes_max,
                frame_bytes_max,
                server_version,
                peer,
            }
        },
    )
}

fn statuses() -> impl Strategy<Value = StatusReply> {
    let texts = [text(), text(), text(), text(), text()];
    let numbers = any::<[u64; 11]>();
    (any::<[u8; 16]>(), texts, any::<[i64; 2]>(), numbers, any::<[bool; 2]>()).prop_map(
        |(cluster, texts, [revision, first_revision], numbers, [durable, disk_full])| {
            let [member, name, address, server_version, role] = texts;
            let [
                slot,
                files,
                live_bytes,
                history_revisions,
                history_bytes,
                watches,
                connections,
                data_bytes,
                uptime_ms,
                sessions,
                session_bytes,
            ] = numbers;
            StatusReply {
                cluster,
                member,
                name,
                address,
                server_version,
                role,
                revision,
                first_revision,
                slot,
                files,
                live_bytes,
                history_revisions,
                history_bytes,
                watches,
                connections,
                durable,
                data_bytes,
                uptime_ms,
                sessions,
                session_bytes,
                disk_full,
            }
        },
    )
}

fn entries() -> impl Strategy<Value = OwnedEntry> {
    (blob(), of(blob()), any::<i64>(), any::<i32>()).prop_map(|(path, value, rev, len)| OwnedEntry {
        path,
        value,
        rev,
        len,
    })
}

fn responses() -> impl Strategy<Value = OwnedResponse> {
    let original = (
        of(any::<i32>()),
        of(any::<i32>()),
        of(any::<i64>()),
        of(blob()),
        of(blob()),
        of(any::<i32>()),
        of(any::<i32>()),
        of(text()),
    );
    let ours = (
        of(any::<u32>()),
        of(any::<i64>()),
        of(hello_replies()),
        vec(entries(), 0..4),
        any::<bool>(),
        of(statuses()),
        of(sessions::txn_replies()),
        of(sessions::replies().prop_map(Box::new)),
        any::<bool>(),
    );
    (original, ours).prop_map(|(original, ours)| {
        let (tag, flags, rev, path, value, len, err_code, err_detail) = original;
        let (kind, store_rev, hello, entries, more, status, txn, session, counted) = ours;
        OwnedResponse {
            tag,
            flags,
            rev,
            path,
            value,
            len,
            err_code,
            err_detail,
            kind,
            store_rev,
            hello,
            entries,
            more,
            status,
            txn,
            session,
            counted,
        }
    })
}

/// What prost makes of the same request.
fn request_by_prost(request: &Request) -> Vec<u8> {
    let local = request.consistency == Consistency::Local;
    proto::Request {
        tag: request.tag,
        verb: Some(request.verb),
        path: request.path.clone(),
        value: request.value.clone(),
        other_tag: request.other_tag,
        offset: request.offset,
        rev: request.rev,
        hello: request.hello.as_ref().map(Into::into),
        limit: request.limit,
        after: request.after.clone(),
        keys_only: request.keys_only.then_some(true),
        consistency: local.then_some(proto::Consistency::Local.into()),
        min_rev: request.min_rev,
        session: request.session.clone(),
        sequence: request.sequence,
        acknowledged: request.acknowledged,
        unanswered: request.unanswered.clone(),
        flags: request.flags.on_wire(),
        txn: request.txn.clone(),
        session_op: request.session_op.as_ref().map(Into::into),
    }
    .encode_to_vec()
}

/// What prost makes of the same response.
fn response_by_prost(response: &OwnedResponse) -> Vec<u8> {
    let entry = |entry: &OwnedEntry| proto::Entry {
        path: Some(entry.path.clone()),
        value: entry.value.clone(),
        rev: Some(entry.rev),
        len: Some(entry.len),
    };
    proto::Response {
        tag: response.tag,
        flags: response.flags,
        rev: response.rev,
        path: response.path.clone(),
        value: response.value.clone(),
        len: response.len,
        err_code: response.err_code,
        err_detail: response.err_detail.clone().map(Bytes::from),
        kind: response.kind,
        store_rev: response.store_rev,
        hello: response.hello.as_ref().map(Into::into),
        entries: response.entries.iter().map(entry).collect(),
        more: response.more.then_some(true),
        counted: response.counted.then_some(true),
        status: response.status.as_ref().map(Into::into),
        txn: response.txn.as_ref().map(Into::into),
        session: response.session.as_deref().map(|session| Box::new(session.into())),
    }
    .encode_to_vec()
}

fn lend(entry: &OwnedEntry) -> Entry<'_> {
    Entry { path: &entry.path, value: entry.value.as_deref(), rev: entry.rev, len: entry.len }
}

fn encode(response: &OwnedResponse, buf: &mut BytesMut) {
    let entries: Vec<Entry<'_>> = response.entries.iter().map(lend).collect();
    Response {
        tag: response.tag,
        flags: response.flags,
        rev: response.rev,
        path: response.path.as_deref(),
        value: response.value.as_deref(),
        len: response.len,
        err_code: response.err_code,
        err_detail: response.err_detail.as_deref(),
        kind: response.kind,
        store_rev: response.store_rev,
        hello: response.hello.as_ref(),
        entries: &entries,
        more: response.more,
        counted: response.counted,
        status: response.status.as_ref(),
        txn: response.txn.as_ref(),
        session: response.session.as_deref(),
    }
    .encode_frame(buf);
}

/// The body of the only frame in `buf`.
fn only_body(mut buf: BytesMut) -> Bytes {
    let body = Decoder::new(1 << 20).next(&mut buf).unwrap().unwrap();
    assert!(!buf.has_remaining());
    body
}

proptest! {
    #[test]
    fn a_request_is_what_prost_writes_and_reads_back(request in requests()) {
        let mut buf = BytesMut::new();
        request.encode_frame(&mut buf);
        let body = only_body(buf);
        prop_assert_eq!(&body[..], request_by_prost(&request));
        prop_assert_eq!(Request::decode(body).unwrap(), request);
    }

    #[test]
    fn a_response_is_what_prost_writes_and_reads_back(response in responses()) {
        let mut buf = BytesMut::new();
        encode(&response, &mut buf);
        let body = only_body(buf);
        prop_assert_eq!(&body[..], response_by_prost(&response));
        prop_assert_eq!(OwnedResponse::decode(body).unwrap(), response);
    }

    #[test]
    fn an_event_reads_back_as_the_response_it_stands_for(
        path in blob(), value in blob(), rev: i64, flags: i32, tag in of(any::<i32>()), store_rev in of(any::<i64>()),
    ) {
        let mut buf = BytesMut::new();
        EventBody::new(&path, &value, rev, flags).encode_frame(tag, store_rev, &mut buf);
        let want = OwnedResponse {
            tag,
            flags: Some(flags),
            rev: Some(rev),
            path: Some(path),
            value: Some(value),
            store_rev,
            ..OwnedResponse::default()
        };
        prop_assert_eq!(OwnedResponse::decode(only_body(buf)).unwrap(), want);
    }

    #[test]
    fn frames_stand_one_behind_the_other(requests in vec(requests(), 0..4)) {
        let mut buf = BytesMut::new();
        requests.iter().for_each(|request| request.encode_frame(&mut buf));
        let mut decoder = Decoder::new(1 << 20);
        for request in requests {
            let body = decoder.next(&mut buf).unwrap().unwrap();
            prop_assert_eq!(Request::decode(body).unwrap(), request);
        }
        prop_assert!(buf.is_empty());
    }

    #[test]
    fn entries_add_up(entries in vec(entries(), 0..4)) {
        let frame_bytes: usize = entries.iter().map(|entry| lend(entry).frame_bytes()).sum();
        let mut buf = BytesMut::new();
        encode(&OwnedResponse { entries, ..OwnedResponse::default() }, &mut buf);
        prop_assert_eq!(only_body(buf).len(), frame_bytes);
    }
}

/// What an empty buffer holds after `encode`, which must have reserved enough at once: growing later would have
/// doubled it, and copied what was there.
fn grown_once(encode: impl FnOnce(&mut BytesMut)) {
    let mut buf = BytesMut::new();
    encode(&mut buf);
    assert!(buf.capacity() < buf.len() + 100, "{} bytes for {}", buf.capacity(), buf.len());
}

#[test]
fn a_buffer_grows_once_a_frame() {
    let blob = Bytes::from_static(&[b'x'; 500]);
    let entry = Entry { path: &blob, value: Some(&blob), rev: -1, len: -1 };
    grown_once(|buf| {
        Request {
            tag: Some(-1),
            verb: -1,
            path: Some(blob.clone()),
            value: Some(blob.clone()),
            other_tag: Some(-1),
            offset: Some(-1),
            rev: Some(-1),
            limit: Some(u32::MAX),
            after: Some(blob.clone()),
            keys_only: true,
            consistency: Consistency::Local,
            min_rev: Some(-1),
            session: Some(blob.clone()),
            sequence: Some(u64::MAX),
            acknowledged: Some(u64::MAX),
            unanswered: vec![u64::MAX; 100],
            flags: SetFlags(u32::MAX),
            txn: Some(blob.clone()),
            hello: None,
            session_op: None,
        }
        .encode_frame(buf);
    });
    grown_once(|buf| {
        Response {
            tag: Some(-1),
            flags: Some(-1),
            rev: Some(-1),
            path: Some(&blob),
            value: Some(&blob),
            len: Some(-1),
            err_code: Some(-1),
            err_detail: std::str::from_utf8(&blob).ok(),
            kind: Some(u32::MAX),
            store_rev: Some(-1),
            entries: &[entry; 3],
            more: true,
            counted: true,
            ..Response::default()
        }
        .encode_frame(buf);
    });
    let event = EventBody::new(&blob, &blob, -1, -1);
    grown_once(|buf| event.encode_frame(Some(-1), Some(-1), buf));
}
