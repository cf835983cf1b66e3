//! What is read as a URI, what is not, and that no secret shows.

use super::*;

fn uri(text: &str) -> Uri {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn addresses(text: &str) -> Vec<String> {
    uri(text).addresses.iter().map(Address::to_string).collect()
}

fn error(text: &str) -> UriError {
    text.parse::<Uri>().map(|uri| panic!("{text} reads as {uri:?}")).unwrap_or_else(|error| error)
}

fn fault(text: &str) -> AddressFault {
    match error(text) {
        UriError::Address { fault, .. } => fault,
        other => panic!("{text}: {other}"),
    }
}

#[test]
fn the_whole_form() {
    let uri =
        uri("doozer:?ca=10.0.0.1:8046&ca=db-2.example.org:9000&ca=[::1]:1&cn=my%20cluster&sk=a%26b%00%FF+");
    let addresses: Vec<String> = uri.addresses.iter().map(Address::to_string).collect();
    assert_eq!(addresses, ["10.0.0.1:8046", "db-2.example.org:9000", "[::1]:1"]);
    assert_eq!(uri.name.as_deref(), Some("my cluster"));
    assert_eq!(uri.secret.unwrap().as_bytes(), b"a&b\0\xff+");
}

#[test]
fn a_secret_may_hold_an_equals_sign_and_be_empty() {
    assert_eq!(uri("doozer:?ca=a&sk=x=y=").secret.unwrap().as_bytes(), b"x=y=");
    assert_eq!(uri("doozer:?ca=a&sk=").secret.unwrap().as_bytes(), b"");
    assert!(uri("doozer:?ca=a").secret.is_none());
}

#[test]
fn ports_default() {
    assert_eq!(addresses("doozer:?ca=a&ca=[::1]&ca=b:1"), ["a:8046", "[::1]:8046", "b:1"]);
    assert_eq!(addresses("a,[::1],b:1"), ["a:8046", "[::1]:8046", "b:1"]);
}

#[test]
fn lists_and_escaped_addresses() {
    assert_eq!(addresses("127.0.0.1:8046"), ["127.0.0.1:8046"]);
    assert_eq!(addresses("a:1,b:65535,[fe80::1]:2"), ["a:1", "b:65535", "[fe80::1]:2"]);
    assert_eq!(addresses("doozer:?ca=%5B::1%5D%3A7&&"), ["[::1]:7"]);
    assert!(uri("a:1").name.is_none());
}

#[test]
fn a_name_alone_is_looked_up_elsewhere() {
    let uri = uri("doozer:?cn=shop");
    assert!(uri.addresses.is_empty());
    assert_eq!(uri.name.as_deref(), Some("shop"));
}

#[test]
fn what_is_no_uri() {
    assert_eq!(error(""), UriError::Empty);
    for text in
        ["doozer:", "doozer://a:1", "doozer:ca=a", "http://a:1", "doozer?ca=a", "user@host", "ca=a", "a/b"]
    {
        assert_eq!(error(text), UriError::Form, "{text}");
    }
    for text in ["doozer:?", "doozer:?&", "doozer:?sk=s"] {
        assert_eq!(error(text), UriError::Nowhere, "{text}");
    }
    assert_eq!(error("doozer:?ca=a&x"), UriError::NoValue { part: 2 });
    assert_eq!(error("doozer:?ca=a&cn=n&CA=b"), UriError::Key { part: 3 });
    assert_eq!(error("doozer:?ca=a&cn=n&cn=n"), UriError::Twice { key: "cn" });
    assert_eq!(error("doozer:?ca=a&sk=n&sk=m"), UriError::Twice { key: "sk" });
    assert_eq!(error("doozer:?ca=a&cn=%FF"), UriError::NotUtf8 { key: "cn" });
    for text in ["%", "%a", "%ag", "%g0", "%%41", "%é", "%+1"] {
        assert_eq!(error(&format!("doozer:?ca=a&sk={text}")), UriError::Escape { key: "sk" }, "{text}");
    }
}

#[test]
fn what_is_no_address() {
    for text in [":1", "a,", ",a", "doozer:?ca="] {
        assert_eq!(fault(text), AddressFault::NoHost, "{text}");
    }
    for text in ["a:", "a:0", "a:65536", "a:+1", "a:x", "[::1]:", "[::1]1", "[::1]:0"] {
        assert_eq!(fault(text), AddressFault::Port, "{text}");
    }
    for text in ["::1", "::1:8046", "a:1:2"] {
        assert_eq!(fault(text), AddressFault::Brackets, "{text}");
    }
    for text in ["[::1", "[]", "[1.2.3.4]", "[::g]"] {
        assert_eq!(fault(text), AddressFault::Ipv6, "{text}");
    }
    assert_eq!(fault("a b:1"), AddressFault::Character(' '));
    assert_eq!(fault("a:1, b:1"), AddressFault::Character(' '));
    assert_eq!(fault("é"), AddressFault::Character('é'));
}

#[test]
fn an_error_names_the_bad_part() {
    assert_eq!(error("a:1,b:x").to_string(), "address `b:x`: the port is not a number from 1 to 65535");
    assert_eq!(error("a b:1").to_string(), "address `a …`: ' ' cannot stand in a host name");
}

#[test]
fn no_error_and_no_debug_output_shows_a_secret() {
    let secret = "hunter2";
    let broken = [
        "doozer:?ca=a&sk=x%zz{}",
        "doozer:?ca=a&sk=x&{}",
        "doozer:?ca=a&sk=x&{}=y",
        "doozer:?ca=a&sk={}&sk={}",
        "doozer:?sk={}",
        "doozer?sk={}",
        "doozer:ca=a&sk={}",
        "doozer://:{}@a:1",
        "a;{}",
        "doozer:?ca=a;sk={}",
        "doozer:?ca=a%26sk={}",
        "doozer:?ca=a:1;sk={}",
        "doozer:?ca=[::1];{}",
    ];
    for text in broken.map(|text| text.replace("{}", secret)) {
        let error = error(&text);
        assert!(!format!("{error} {error:?}").contains(secret), "{text}: {error:?}");
    }
    let shown = format!("{:?}", uri(&format!("doozer:?ca=a&sk={secret}")));
    assert!(shown.contains("Secret") && !shown.contains(secret), "{shown}");
}

#[test]
fn an_address_reads_back_as_itself() {
    for text in ["a:1", "[::1]:8046", "10.0.0.1:65535", "a_b-c.d:2"] {
        let address: Address = text.parse().unwrap();
        assert_eq!(address.to_string(), text);
    }
}
