//! Who is who: the id of a member's life and the id of a cluster.

use std::fmt;

use data_encoding::{BASE32_NOPAD, DecodePartial};

/// Why a text is no member or cluster id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no id: expected 26 characters of lower-case base32 (a-z, 2-7)")]
pub struct BadId(pub String);

macro_rules! random_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; 16]);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&base32(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl std::str::FromStr for $name {
            type Err = BadId;

            fn from_str(text: &str) -> Result<Self, BadId> {
                from_base32(text).map(Self).ok_or_else(|| BadId(text.to_owned()))
            }
        }
    };
}

random_id! {
    /// One life of a member: 128 random bits made when it is born, kept for as long as its log is. A member that
    /// comes back without its log is a new incarnation, so that one with amnesia never votes under its old name.
    /// Shown as 26 characters of lower-case base32.
    Incarnation
}

random_id! {
    /// A cluster: 128 random bits made at its birth. Shown as 26 characters of lower-case base32.
    ClusterId
}

fn base32(bytes: &[u8; 16]) -> String {
    BASE32_NOPAD.encode(bytes).to_ascii_lowercase()
}

fn from_base32(text: &str) -> Option<[u8; 16]> {
    if text.len() != 26 || text.bytes().any(|b| b.is_ascii_uppercase()) {
        return None;
    }
    let mut bytes = [0; 16];
    match BASE32_NOPAD.decode_mut(text.to_ascii_uppercase().as_bytes(), &mut bytes) {
        Ok(16) => Some(bytes),
        Ok(_) | Err(DecodePartial { .. }) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_and_reads_back() {
        let id = Incarnation([0xa5; 16]);
        let text = id.to_string();
        assert_eq!(text, "uws2ljnfuws2ljnfuws2ljnfuu");
        assert_eq!(text.parse(), Ok(id));
    }

    #[test]
    fn refuses_other_texts() {
        for bad in [
            "",
            "abc",
            "UWS2LJNFUWS2LJNFUWS2LJNFUU",
            "uws2ljnfuws2ljnfuws2ljnfu1",
            "uws2ljnfuws2ljnfuws2ljnfuuu",
        ] {
            assert_eq!(bad.parse::<Incarnation>(), Err(BadId(bad.to_owned())), "{bad}");
        }
    }
}
