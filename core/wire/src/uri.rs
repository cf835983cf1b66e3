//! Where a cluster is: URIs and lists of addresses.
//! No name is looked up here, and no error or debug output ever shows a secret.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

/// The client port where an address names none.
pub const DEFAULT_PORT: u16 = 8046;

const SCHEME: &str = "doozer:?";

/// Where a cluster is and what it takes to talk to it.
///
/// Read from `doozer:?ca=HOST:PORT&ca=…&cn=NAME&sk=SECRET`, or from a plain list `HOST:PORT,HOST:PORT`. A port may be
/// left out and is then [`DEFAULT_PORT`]; an IPv6 address stands in brackets. In a `doozer:` URI any byte of a value
/// may be written as `%` and two hex digits, and `+` is itself. Without any `ca` there must be a `cn`, which the
/// client then looks up in the cluster it boots from.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Uri {
    /// Members to try, in the order given.
    pub addresses: Vec<Address>,
    /// The cluster's name.
    pub name: Option<String>,
    /// What ACCESS presents.
    pub secret: Option<Secret>,
}

/// A host and a port.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    /// A name, an IPv4 address, or an IPv6 address without its brackets.
    pub host: String,
    /// A TCP port.
    pub port: u16,
}

/// A secret: any bytes. It is compared by whoever holds the other half, in constant time, hence no `PartialEq`.
#[derive(Clone)]
pub struct Secret(Box<[u8]>);

/// What is wrong with a URI. Parts are counted from 1, after the question mark.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UriError {
    /// There is nothing.
    #[error("the URI is empty")]
    Empty,
    /// It is neither of the two forms. It is not shown, since a secret may stand in it.
    #[error("neither `doozer:?ca=HOST:PORT&cn=NAME` nor a list `HOST:PORT,HOST:PORT`")]
    Form,
    /// A part has no `=`. It is not shown, since a secret with an unescaped `&` looks like that.
    #[error("part {part} has no `=`; an `&` inside a value is written %26")]
    NoValue {
        /// Which part.
        part: usize,
    },
    /// A part's key is none of ca, cn and sk.
    #[error("part {part} is none of ca=, cn= and sk=; an `&` inside a value is written %26")]
    Key {
        /// Which part.
        part: usize,
    },
    /// A key that may stand there once stands there again.
    #[error("{key}= is given twice")]
    Twice {
        /// The key.
        key: &'static str,
    },
    /// A value has a `%` without two hex digits behind it.
    #[error("{key}= holds a % without two hex digits; a % itself is written %25")]
    Escape {
        /// The key.
        key: &'static str,
    },
    /// A name or an address is not UTF-8 once its escapes are undone.
    #[error("{key}= is not UTF-8")]
    NotUtf8 {
        /// The key.
        key: &'static str,
    },
    /// Neither an address nor a name is given.
    #[error("no ca= and no cn=: nowhere to connect to")]
    Nowhere,
    /// An address is not well formed.
    #[error("address `{shown}`: {fault}")]
    Address {
        /// The address up to and with the first character that none can have.
        shown: String,
        /// What is wrong.
        fault: AddressFault,
    },
}

/// What is wrong with an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressFault {
    /// There is nothing before the port.
    #[error("the host is missing")]
    NoHost,
    /// A character that no host name has.
    #[error("{0:?} cannot stand in a host name")]
    Character(char),
    /// What follows the colon is no port.
    #[error("the port is not a number from 1 to 65535")]
    Port,
    /// More than one colon outside brackets.
    #[error("an IPv6 address stands in brackets: [::1]:8046")]
    Brackets,
    /// What the brackets hold is no IPv6 address.
    #[error("the brackets hold no IPv6 address")]
    Ipv6,
}

impl FromStr for Uri {
    type Err = UriError;

    fn from_str(text: &str) -> Result<Uri, UriError> {
        if text.is_empty() {
            Err(UriError::Empty)
        } else if let Some(parts) = text.strip_prefix(SCHEME) {
            from_parts(parts)
        } else if text.starts_with("doozer:") || text.contains(['?', '&', '=', '@', '/']) {
            // Such as `http://…` or `doozer?sk=…`: read as an address it would be shown, secret and all.
            Err(UriError::Form)
        } else {
            let addresses = text.split(',').map(str::parse).collect::<Result<_, _>>()?;
            Ok(Uri { addresses, ..Uri::default() })
        }
    }
}

fn from_parts(parts: &str) -> Result<Uri, UriError> {
    let mut uri = Uri::default();
    for (part, text) in (1..).zip(parts.split('&').filter(|text| !text.is_empty())) {
        let (key, value) = text.split_once('=').ok_or(UriError::NoValue { part })?;
        match key {
            "ca" => uri.addresses.push(unescape_text("ca", value)?.parse()?),
            "cn" => once("cn", &mut uri.name, unescape_text("cn", value)?)?,
            "sk" => once("sk", &mut uri.secret, Secret::from(unescape("sk", value)?))?,
            _ => return Err(UriError::Key { part }),
        }
    }
    if uri.addresses.is_empty() && uri.name.is_none() {
        return Err(UriError::Nowhere);
    }
    Ok(uri)
}

fn once<T>(key: &'static str, slot: &mut Option<T>, value: T) -> Result<(), UriError> {
    match slot.replace(value) {
        Some(_) => Err(UriError::Twice { key }),
        None => Ok(()),
    }
}

fn unescape_text(key: &'static str, value: &str) -> Result<String, UriError> {
    String::from_utf8(unescape(key, value)?).map_err(|_| UriError::NotUtf8 { key })
}

fn unescape(key: &'static str, value: &str) -> Result<Vec<u8>, UriError> {
    let mut bytes = value.bytes();
    let mut out = Vec::with_capacity(value.len());
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let mut digit = || char::from(bytes.next()?).to_digit(16);
        let (Some(high), Some(low)) = (digit(), digit()) else { return Err(UriError::Escape { key }) };
        out.push((high * 16 + low) as u8);
    }
    Ok(out)
}

impl FromStr for Address {
    type Err = UriError;

    fn from_str(text: &str) -> Result<Address, UriError> {
        address(text).map_err(|fault| UriError::Address { shown: shown(text), fault })
    }
}

fn address(text: &str) -> Result<Address, AddressFault> {
    if let Some(rest) = text.strip_prefix('[') {
        let (host, rest) = rest.split_once(']').ok_or(AddressFault::Ipv6)?;
        host.parse::<Ipv6Addr>().map_err(|_| AddressFault::Ipv6)?;
        let port = match rest {
            "" => DEFAULT_PORT,
            _ => port(rest.strip_prefix(':').ok_or(AddressFault::Port)?)?,
        };
        return Ok(Address { host: host.to_owned(), port });
    }
    let (host, port) = match text.split_once(':') {
        Some((_, rest)) if rest.contains(':') => return Err(AddressFault::Brackets),
        Some((host, rest)) => (host, port(rest)),
        None => (text, Ok(DEFAULT_PORT)),
    };
    if host.is_empty() {
        return Err(AddressFault::NoHost);
    }
    match host.chars().find(|&c| !is_host_character(c)) {
        Some(wrong) => Err(AddressFault::Character(wrong)),
        None => Ok(Address { host: host.to_owned(), port: port? }),
    }
}

fn port(text: &str) -> Result<u16, AddressFault> {
    // `parse` alone would take a plus sign.
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|&port| digits && port != 0).ok_or(AddressFault::Port)
}

fn is_host_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')
}

/// As much of an address as an error may show: what follows the first odd character may be part of a secret.
fn shown(text: &str) -> String {
    match text.find(|c: char| !(is_host_character(c) || matches!(c, ':' | '[' | ']'))) {
        Some(at) => {
            let odd = text[at..].chars().next().map_or(0, char::len_utf8);
            format!("{}…", &text[..at + odd])
        }
        None => text.to_owned(),
    }
}

impl fmt::Display for Address {
    /// As it is read: `host:port`, an IPv6 address in brackets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl Secret {
    /// The secret itself, for ACCESS.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<Vec<u8>> for Secret {
    fn from(bytes: Vec<u8>) -> Secret {
        Secret(bytes.into())
    }
}

impl fmt::Debug for Secret {
    /// Says that there is one, and nothing of it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
#[path = "uri_tests.rs"]
mod tests;
