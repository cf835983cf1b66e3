//! What clients of the original send and expect, byte by byte.

use bytes::{Bytes, BytesMut};
use doozer_wire::{Entry, ErrorKind, EventBody, FLAG_SET, Malformed, OwnedResponse, Request, Response, Verb};

/// The bytes a string of hex digits stands for; spaces are for the reader.
fn hex(text: &str) -> Bytes {
    let digits: Vec<u8> = text.chars().filter_map(|c| c.to_digit(16)).map(|digit| digit as u8).collect();
    digits.chunks(2).map(|pair| pair[0] * 16 + pair[1]).collect()
}

fn request(text: &str) -> Request {
    Request::decode(hex(text)).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn body(encode: impl FnOnce(&mut BytesMut)) -> Bytes {
    let mut buf = BytesMut::new();
    encode(&mut buf);
    buf.freeze().slice(4..)
}

fn sent(response: &Response<'_>) -> Bytes {
    body(|buf| response.encode_frame(buf))
}

#[test]
fn a_request_as_an_old_client_writes_it() {
    let want = Request {
        tag: Some(5),
        verb: Verb::Set as i32,
        path: Some(Bytes::from_static(b"/a")),
        value: Some(Bytes::new()),
        rev: Some(-1),
        ..Request::default()
    };
    let bytes = "08 05  10 02  22 02 2f 61  2a 00  48 ff ff ff ff ff ff ff ff ff 01";
    assert_eq!(request(bytes), want);
    assert_eq!(body(|buf| want.encode_frame(buf)), hex(bytes));
}

#[test]
fn a_frame_is_its_length_and_its_body() {
    let mut buf = BytesMut::from(&b"before"[..]);
    Response { tag: Some(1), rev: Some(300), ..Response::default() }.encode_frame(&mut buf);
    assert_eq!(buf, [b"before", &hex("00000005 0801 18ac02")[..]].concat());
}

#[test]
fn the_example_of_the_protocol_page() {
    let ask = Request { tag: Some(7), verb: Verb::Get as i32, path: Some("/a".into()), ..Request::default() };
    let answer = Response { tag: Some(7), rev: Some(300), value: Some(b"x"), ..Response::default() };
    let mut buf = BytesMut::new();
    ask.encode_frame(&mut buf);
    assert_eq!(buf.split(), hex("00000008 0807 1001 22022f61"));
    answer.encode_frame(&mut buf);
    assert_eq!(buf, hex("00000008 0807 18ac02 320178"));
}

#[test]
fn an_empty_body_asks_for_no_verb() {
    assert_eq!(request(""), Request::default());
    assert_eq!(Verb::from_i32(request("").verb), None);
}

#[test]
fn numbers_may_be_longer_than_they_need() {
    assert_eq!(request("0885 0010 8580 8000"), Request { tag: Some(5), verb: 5, ..Request::default() });
    let longest = "08 87808080808080808000 10 85808080808080808000";
    assert_eq!(request(longest), Request { tag: Some(7), verb: 5, ..Request::default() });
}

#[test]
fn a_negative_number_may_be_written_with_five_or_ten_bytes() {
    for text in ["08 ffffffff0f", "08 ffffffffffffffffff01"] {
        assert_eq!(request(text).tag, Some(-1), "{text}");
    }
}

#[test]
fn a_tag_comes_back_as_it_was_sent() {
    for tag in [0, 1, 127, 128, i32::MAX, -1, -2, i32::MIN] {
        let asked = body(|buf| Request { tag: Some(tag), verb: 5, ..Request::default() }.encode_frame(buf));
        let tag = Request::decode(asked).unwrap().tag;
        let answer = OwnedResponse::decode(sent(&Response { tag, ..Response::default() })).unwrap();
        assert_eq!(answer, OwnedResponse { tag, ..OwnedResponse::default() });
    }
}

#[test]
fn an_unknown_verb_is_kept_as_its_number() {
    for verb in [0, 4, 40, 42, 98, 100, 1000, i32::MAX, -1, -99, i32::MIN] {
        let bytes = body(|buf| Request { verb, ..Request::default() }.encode_frame(buf));
        let request = Request::decode(bytes).unwrap();
        assert_eq!((request.verb, Verb::from_i32(request.verb)), (verb, None));
    }
}

#[test]
fn unknown_fields_of_every_wire_type_are_skipped() {
    let unknown = [
        "c207 03 616263",                   // bytes
        "c007 01",                          // a number
        "c107 ffffffffffffffff",            // eight bytes
        "c507 ffffffff",                    // four bytes
        "c307 0801 c207 00 c307 c407 c407", // a group with fields and a group in it
        "c207 00 c007 01 c507 00000000",    // several
        "50 07",                            // a field between those in use
        "f8ffffff0f 01",                    // the greatest field number there is
    ];
    for field in unknown {
        let want = Request { tag: Some(1), verb: 5, ..Request::default() };
        assert_eq!(request(&format!("0801 {field} 1005")), want, "{field}");
        let answer = OwnedResponse::decode(hex(&format!("0801 {field} 1807"))).unwrap();
        assert_eq!(
            answer,
            OwnedResponse { tag: Some(1), rev: Some(7), ..OwnedResponse::default() },
            "{field}"
        );
    }
}

#[test]
fn what_is_no_message_is_malformed() {
    let broken = [
        "ffffff",                     // a key that does not end
        "08",                         // a number that is not there
        "08 80",                      // a number that does not end
        "08 ffffffffffffffffffff 01", // a number of eleven bytes
        "0801 1001 2205 7a",          // five bytes of which one is there
        "22 ff01",                    // bytes that are not there
        "22 ffffffffffffffffff01 00", // more bytes than there can be
        "ffffffffffffffffffffffff01", // a key that is too long
        "00 00",                      // field 0
        "0a 00",                      // a tag that is bytes
        "20 01",                      // a path that is a number
        "0e",
        "0f",               // wire types there are not
        "bb06 0801",        // a group that does not end
        "bb06 c406",        // a group that ends as another
        "bc06",             // a group that was not begun
        "8202 01 08",       // a HELLO that ends inside a field
        "8202 03 22 01 ff", // a client name that is not UTF-8
    ];
    for text in broken {
        let decoded = Request::decode(hex(text));
        assert!(matches!(decoded, Err(Malformed::Protobuf(_))), "{text}: {decoded:?}");
    }
    let error = Request::decode(hex("0a 00")).unwrap_err();
    assert!(error.to_string().contains("Request.tag"), "{error}");
}

#[test]
fn groups_within_groups_without_end_are_malformed() {
    let deep = Bytes::from([0xbb, 0x06].repeat(1 << 20));
    assert!(matches!(Request::decode(deep), Err(Malformed::Protobuf(_))));
}

#[test]
fn a_path_that_is_not_utf8_reaches_the_server() {
    assert_eq!(request("1001 2203 2fff00").path, Some(Bytes::from_static(b"/\xff\0")));
}

#[test]
fn the_last_of_a_repeated_field_counts() {
    assert_eq!(request("0801 0802 1001 1005"), Request { tag: Some(2), verb: 5, ..Request::default() });
}

#[test]
fn a_value_is_a_slice_of_the_frame() {
    let frame = hex("1002 2a03 616263 2202 2f61");
    let request = Request::decode(frame.clone()).unwrap();
    assert_eq!(request.value.unwrap().as_ptr(), frame[4..].as_ptr());
    assert_eq!(request.path.unwrap().as_ptr(), frame[9..].as_ptr());

    let frame = hex("3203 616263");
    assert_eq!(OwnedResponse::decode(frame.clone()).unwrap().value.unwrap().as_ptr(), frame[2..].as_ptr());
}

#[test]
fn what_is_present_is_written_and_nothing_else() {
    assert_eq!(sent(&Response::default()), hex(""));
    assert_eq!(sent(&Response { tag: Some(0), ..Response::default() }), hex("0800"));
    let empty_file = Response { tag: Some(1), rev: Some(0), value: Some(b""), ..Response::default() };
    assert_eq!(sent(&empty_file), hex("0801 1800 3200"));
    let directory = Response { tag: Some(1), rev: Some(-2), len: Some(3), ..Response::default() };
    assert_eq!(sent(&directory), hex("0801 18feffffffffffffffff01 4003"));
}

#[test]
fn an_error_before_hello_is_a_code_an_old_client_knows() {
    let error = |kind, detail| sent(&Response::error(Some(1), kind, detail));
    assert_eq!(error(ErrorKind::NoEntry, None), hex("0801 a00616"));
    assert_eq!(error(ErrorKind::BadPath, Some("not for old clients")), hex("0801 a00606"));
    assert_eq!(error(ErrorKind::PermissionDenied, Some("no")), hex("0801 a0067f aa0602 6e6f"));
    for detail in [None, Some("")] {
        let answer = OwnedResponse::decode(error(ErrorKind::TooLarge, detail)).unwrap();
        assert_eq!(answer.failure(), Some((ErrorKind::Other, ErrorKind::TooLarge.meaning())));
    }
}

#[test]
fn an_error_after_hello_keeps_its_kind_and_detail() {
    for &kind in ErrorKind::ALL {
        let bytes = sent(&Response::error_after_hello(Some(1), kind, Some("why")));
        let answer = OwnedResponse::decode(bytes).unwrap();
        assert_eq!(answer.failure(), Some((kind, "why")));
        assert_eq!(answer.err_code, Some(kind.wire_code()));
    }
    let plain =
        OwnedResponse::decode(sent(&Response::error_after_hello(None, ErrorKind::Range, None))).unwrap();
    assert_eq!(plain.failure(), Some((ErrorKind::Range, "")));
    assert_eq!(plain.err_detail, None);
}

#[test]
fn an_error_never_reads_as_a_success() {
    let failure = |text: &str| OwnedResponse::decode(hex(text)).unwrap().failure().map(|(kind, _)| kind);
    assert_eq!(failure("0801"), None);
    assert_eq!(failure("a00605"), Some(ErrorKind::RevMismatch));
    assert_eq!(failure("a0067f 8002c901"), Some(ErrorKind::TooLarge));
    assert_eq!(failure("a0067f 8002ffff03"), Some(ErrorKind::Other), "a kind from the future");
    assert_eq!(
        failure("a00606 8002ffff03"),
        Some(ErrorKind::BadPath),
        "a kind from the future, a code of the past"
    );
    for code in ["a00600", "a00609", "a006c901", "a006ffffffffffffffffff01"] {
        assert_eq!(failure(code), Some(ErrorKind::Other), "a code there is not: {code}");
    }
}

#[test]
fn a_detail_that_is_not_utf8_is_shown_as_well_as_it_can_be() {
    let answer = OwnedResponse::decode(hex("a0067f aa0603 61ff62")).unwrap();
    assert_eq!(answer.failure(), Some((ErrorKind::Other, "a\u{fffd}b")));
}

#[test]
fn an_event_before_hello_has_the_fields_an_old_client_expects() {
    let event = EventBody::new(b"/a", b"x", 7, FLAG_SET);
    assert_eq!(body(|buf| event.encode_frame(Some(1), None, buf)), hex("0801 1004 1807 2a022f61 320178"));
    assert_eq!(body(|buf| event.encode_frame(None, Some(9), buf)), hex("1004 1807 2a022f61 320178 880209"));
}

#[test]
fn a_list_of_paths_alone_has_lengths_and_no_values() {
    let entries = [Entry { path: b"/a", value: None, rev: 3, len: 200 }];
    let bytes = sent(&Response { entries: &entries, more: true, ..Response::default() });
    assert_eq!(bytes, hex("9a0209 0a022f61 1803 20c801 a00201"));
    let answer = OwnedResponse::decode(bytes).unwrap();
    assert_eq!((answer.entries[0].value.as_ref(), answer.entries[0].len, answer.more), (None, 200, true));
}

#[test]
fn a_request_in_a_log_shows_no_key() {
    let write = Request { session: Some("hunter2 hunter2!".into()), sequence: Some(7), ..Request::default() };
    let shown = format!("{write:?}");
    assert!(shown.contains("session_bytes: Some(16)") && shown.contains("sequence: Some(7)"), "{shown}");
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[test]
fn a_request_in_a_log_shows_no_value() {
    let access = Request { verb: Verb::Access as i32, value: Some("hunter2".into()), ..Request::default() };
    let shown = format!("{access:?}");
    assert!(shown.contains("ACCESS") && shown.contains("value_bytes: Some(7)"), "{shown}");
    assert!(!shown.contains("hunter2"), "{shown}");
}
