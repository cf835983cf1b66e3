//! Sessions and transactions: what the strategies of [`super`] are made of, the bytes as they stand on the wire, and what
//! is refused.

use super::*;

/// The fields of a request that have to do with sessions; the others are left to the caller.
pub fn request_fields() -> impl Strategy<Value = Request> {
    let op = (any::<i32>(), of(any::<u64>()), blob(), of(blob()))
        .prop_map(|(op, ttl_ms, label, id)| SessionRequest { op, ttl_ms, label, id });
    let write = (of(blob()), of(any::<u64>()), of(any::<u64>()), vec(any::<u64>(), 0..4), any::<u32>());
    (write, of(blob()), of(op)).prop_map(|(write, txn, session_op)| {
        let (session, sequence, acknowledged, unanswered, flags) = write;
        let flags = SetFlags(flags);
        Request { session, sequence, acknowledged, unanswered, flags, txn, session_op, ..Request::default() }
    })
}

pub fn txn_replies() -> impl Strategy<Value = TxnReply> {
    let failed = prop_oneof![any::<u32>().prop_map(Failed::Compare), any::<u32>().prop_map(Failed::Op)];
    (vec(any::<i64>(), 0..4), of(failed)).prop_map(|(revs, failed)| TxnReply { revs, failed })
}

fn infos() -> impl Strategy<Value = SessionInfo> {
    let file = (blob(), any::<[i64; 2]>()).prop_map(|(path, [rev, token])| BoundFile { path, rev, token });
    let place = (blob(), any::<[u64; 2]>()).prop_map(|(path, [position, sequence])| Place {
        path,
        position,
        sequence,
    });
    (any::<[u8; 16]>(), blob(), any::<[u64; 6]>(), vec(file, 0..3), vec(place, 0..3)).prop_map(
        |(
            id,
            label,
            [ttl_ms, opened_ms, last_sequence, unacknowledged, file_count, wait_count],
            files,
            waits,
        )| {
            SessionInfo {
                id,
                ttl_ms,
                label,
                opened_ms,
                last_sequence,
                unacknowledged,
                file_count,
                wait_count,
                files,
                waits,
            }
        },
    )
}

pub fn replies() -> impl Strategy<Value = SessionReply> {
    let waiter = (any::<[u8; 16]>(), blob(), any::<[u64; 2]>())
        .prop_map(|(session, label, [sequence, value_len])| Waiter { session, label, sequence, value_len });
    let lock = (any::<[i64; 2]>(), of(infos()), vec(waiter, 0..3))
        .prop_map(|([rev, token], holder, queue)| LockInfo { rev, token, holder, queue });
    (of(any::<[u8; 16]>()), of(any::<u64>()), vec(infos(), 0..3), of(lock))
        .prop_map(|(id, ttl_ms, sessions, lock)| SessionReply { id, ttl_ms, sessions, lock })
}

fn txns() -> impl Strategy<Value = TxnRequest> {
    let test = prop_oneof![
        any::<i64>().prop_map(Test::Rev),
        blob().prop_map(Test::Value),
        Just(Test::Absent),
        any::<i64>().prop_map(Test::Fence),
    ];
    let action = prop_oneof![blob().prop_map(Action::Set), Just(Action::Del)];
    let compare = (of(blob()), of(test)).prop_map(|(path, test)| Compare { path, test });
    let op = (of(blob()), of(any::<i64>()), of(action), any::<u32>().prop_map(SetFlags))
        .prop_map(|(path, rev, action, flags)| TxnOp { path, rev, action, flags });
    (vec(compare, 0..4), vec(op, 0..4)).prop_map(|(compares, ops)| TxnRequest { compares, ops })
}

proptest! {
    #[test]
    fn a_transaction_reads_back_if_it_has_no_more_parts_than_it_may(txn in txns()) {
        let parts = txn.compares.len() + txn.ops.len();
        prop_assert_eq!(TxnRequest::decode(txn.encode(), parts).unwrap(), txn.clone());
        if let Some(limit) = parts.checked_sub(1) {
            let fault = TxnFault::TooMany { parts, limit };
            prop_assert_eq!(TxnRequest::decode(txn.encode(), limit), Err(fault));
        }
    }
}

/// The bytes a string of hex digits stands for; spaces are for the reader.
fn hex(text: &str) -> Bytes {
    let digits: Vec<u8> = text.chars().filter_map(|c| c.to_digit(16)).map(|digit| digit as u8).collect();
    digits.chunks(2).map(|pair| pair[0] * 16 + pair[1]).collect()
}

#[test]
fn a_queued_set_byte_by_byte() {
    let set = Request {
        tag: Some(1),
        verb: Verb::Set as i32,
        path: Some("/l".into()),
        rev: Some(0),
        session: Some(Bytes::from_static(&[0xab; 16])),
        sequence: Some(300),
        acknowledged: Some(299),
        unanswered: vec![7, 200],
        flags: SetFlags::EPHEMERAL | SetFlags::QUEUE,
        ..Request::default()
    };
    let mut buf = BytesMut::new();
    set.encode_frame(&mut buf);
    let bytes = "0801 1002 2202 2f6c 4800 b20210 abababababababababababababababab \
                 b802ac02 c002ab02 ca0203 07c801 d00203";
    assert_eq!(only_body(buf), hex(bytes));
    let one_by_one = bytes.replace("ca0203 07c801", "c80207 c802c801");
    assert_eq!(Request::decode(hex(&one_by_one)).unwrap(), set, "numbers that are not packed");
}

#[test]
fn a_transaction_byte_by_byte() {
    let path = Some(Bytes::from_static(b"/a"));
    let compare = |test| Compare { path: path.clone(), test: Some(test) };
    let txn = TxnRequest {
        compares: vec![
            compare(Test::Rev(3)),
            compare(Test::Value("x".into())),
            compare(Test::Absent),
            compare(Test::Fence(4)),
        ],
        ops: vec![
            TxnOp {
                path: path.clone(),
                rev: Some(-1),
                action: Some(Action::Set("y".into())),
                flags: SetFlags::EPHEMERAL,
            },
            TxnOp { path: path.clone(), rev: Some(5), action: Some(Action::Del), flags: SetFlags::default() },
        ],
    };
    let bytes = "0a06 0a022f61 1003  0a07 0a022f61 1a0178  0a06 0a022f61 2001  0a06 0a022f61 2804 \
                 1214 0a022f61 10ffffffffffffffffff01 1a0179 2801  1208 0a022f61 1005 2001";
    assert_eq!(TxnRequest::decode(hex(bytes), 6).unwrap(), txn);
    assert_eq!(TxnRequest::decode(txn.encode(), 6).unwrap(), txn);
}

#[test]
fn a_test_or_action_that_is_not_known_or_denied_is_none() {
    for test in ["", "2000", "4a0178"] {
        let compare = format!("0a{:02x} 0a022f61 {test}", 4 + test.len() / 2);
        let txn = TxnRequest::decode(hex(&compare), 1).unwrap();
        assert_eq!(txn.compares, [Compare { path: Some("/a".into()), test: None }], "{test}");
    }
    for action in ["", "2000", "4a0178"] {
        let op = format!("12{:02x} 0a022f61 {action}", 4 + action.len() / 2);
        let txn = TxnRequest::decode(hex(&op), 1).unwrap();
        assert_eq!(txn.ops, [TxnOp { path: Some("/a".into()), ..TxnOp::default() }], "{action}");
    }
}

#[test]
fn what_is_no_transaction_is_malformed_and_its_request_is_not() {
    for text in ["0a", "0a05 0a02", "08 01", "12ff", "0a02 0801", "1202 1800", "03", "0b 0801", "07"] {
        let fault = TxnRequest::decode(hex(text), 8);
        assert!(matches!(fault, Err(TxnFault::Malformed(Malformed::Protobuf(_)))), "{text}: {fault:?}");
        let request = Request { verb: Verb::Txn as i32, txn: Some(hex(text)), ..Request::default() };
        let mut buf = BytesMut::new();
        request.encode_frame(&mut buf);
        assert_eq!(Request::decode(only_body(buf)).unwrap(), request);
    }
}

#[test]
fn a_transaction_over_the_limit_says_so_before_it_is_read() {
    let mut bytes = hex("0a00").repeat(100);
    bytes.extend_from_slice(&hex("1200").repeat(29));
    let fault = TxnRequest::decode(bytes.into(), 128).unwrap_err();
    assert_eq!(fault.to_string(), "transaction too large: 129 compares and operations, limit 128");
    // None of the parts is one that could be read.
    let broken = TxnRequest::decode(hex("0a0108").repeat(3).into(), 2);
    assert_eq!(broken, Err(TxnFault::TooMany { parts: 3, limit: 2 }));
}

#[test]
fn fields_of_sessions_with_another_wire_type_are_malformed() {
    for field in ["b00201", "ba0200", "c20200", "ca0201 80", "d20200", "d80201", "e00201", "e20202 0a00"] {
        let decoded = Request::decode(hex(field));
        assert!(matches!(decoded, Err(Malformed::Protobuf(_))), "{field}: {decoded:?}");
    }
    for field in ["b00201", "b80201", "b20202 0801 08", "ba0202 0801"] {
        let decoded = OwnedResponse::decode(hex(field));
        assert!(matches!(decoded, Err(Malformed::Protobuf(_))), "{field}: {decoded:?}");
    }
    let short = OwnedResponse::decode(hex("ba0203 0a01ff"));
    assert_eq!(short, Err(Malformed::SessionId(1)));
}

#[test]
fn an_error_of_a_transaction_names_the_part_that_failed() {
    let failed = TxnReply { revs: Vec::new(), failed: Some(Failed::Compare(2)) };
    let error = Response::error_after_hello(Some(1), ErrorKind::CompareFailed, Some("compare 2 (/a)"));
    let mut buf = BytesMut::new();
    Response { txn: Some(&failed), ..error }.encode_frame(&mut buf);
    let answer = OwnedResponse::decode(only_body(buf)).unwrap();
    assert_eq!(answer.failure(), Some((ErrorKind::CompareFailed, "compare 2 (/a)")));
    assert_eq!(answer.txn, Some(failed));
}
