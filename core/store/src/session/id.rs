//! The names of sessions: a key, which its client keeps to itself, and the id that everybody may see.

use std::fmt;
use std::str::FromStr;

/// Names a session, in public: the log, listings, what holds a lock.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub [u8; 16]);

impl SessionId {
    /// The id of the session with this key: the first 16 bytes of the key's BLAKE3 hash. Who knows only the id cannot
    /// write under it.
    pub fn of_key(key: &[u8; 16]) -> SessionId {
        let mut id = [0; 16];
        blake3::Hasher::new().update(key).finalize_xof().fill(&mut id);
        SessionId(id)
    }
}

impl fmt::Display for SessionId {
    /// Hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Text that is no session's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a session's id is 32 hexadecimal digits")]
pub struct InvalidSessionId;

impl FromStr for SessionId {
    type Err = InvalidSessionId;

    fn from_str(text: &str) -> Result<SessionId, InvalidSessionId> {
        let is_id = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = u128::from_str_radix(text, 16).ok().filter(|_| is_id);
        number.map(|number| SessionId(number.to_be_bytes())).ok_or(InvalidSessionId)
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_is_the_hash_of_the_key() {
        let id = SessionId::of_key(&[7; 16]);
        assert_eq!(id.0, blake3::hash(&[7; 16]).as_bytes()[..16]);
        assert_eq!(SessionId([0xAB; 16]).to_string(), "ab".repeat(16));
        assert_ne!(id, SessionId::of_key(&[8; 16]));
    }

    #[test]
    fn an_id_is_read_as_it_is_shown() {
        let id = SessionId::of_key(&[7; 16]);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(id.to_string().to_uppercase().parse(), Ok(id));
        let short = "a".repeat(31);
        for text in ["", "+a", &short, &format!("{short}ab"), &format!("+{short}"), &format!("{short}g")] {
            assert_eq!(text.parse::<SessionId>(), Err(InvalidSessionId), "{text}");
        }
    }
}
