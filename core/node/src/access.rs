//! Who may do what: the two secrets and what a connection has shown.

use std::fmt;

use doozer_wire::Secret;
use subtle::ConstantTimeEq;

/// What a connection may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Access {
    /// Only what needs no access (REV, SELF, PING, HELLO, ACCESS, CANCEL).
    None,
    /// Read and wait.
    Read,
    /// Everything.
    Write,
}

/// The cluster's secrets. An empty text is no secret.
#[derive(Clone, Default)]
pub struct Secrets {
    read_write: Option<String>,
    read_only: Option<String>,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |secret: &Option<String>| if secret.is_some() { "set" } else { "not set" };
        write!(
            f,
            "Secrets {{ read_write: {}, read_only: {} }}",
            shown(&self.read_write),
            shown(&self.read_only)
        )
    }
}

impl Secrets {
    /// Takes what `DOOZER_RWSECRET` and `DOOZER_ROSECRET` hold.
    pub fn new(read_write: Option<String>, read_only: Option<String>) -> Self {
        let given = |secret: Option<String>| secret.filter(|text| !text.is_empty());
        Secrets { read_write: given(read_write), read_only: given(read_only) }
    }

    /// A read-only secret alone: nobody may write.
    pub fn nobody_writes(&self) -> bool {
        self.read_write.is_none() && self.read_only.is_some()
    }

    /// What whoever writes has to present.
    pub(crate) fn read_write(&self) -> Option<Secret> {
        self.read_write.as_ref().map(|secret| Secret::from(secret.as_bytes().to_vec()))
    }

    /// What members prove to each other that they know.
    pub(crate) fn of_members(&self) -> Secret {
        let secret = self.read_write.as_deref().or(self.read_only.as_deref()).unwrap_or_default();
        Secret::from(secret.as_bytes().to_vec())
    }

    /// What a connection has before it presents anything.
    pub(crate) fn initial(&self) -> Access {
        match (&self.read_write, &self.read_only) {
            (None, None) => Access::Write,
            (Some(_), None) => Access::Read,
            (_, Some(_)) => Access::None,
        }
    }

    /// What presenting `secret` grants; `None` when it is wrong. An empty one stands for having none to present, and
    /// is right wherever that already grants something. Takes the same time whatever the secrets have in common.
    pub(crate) fn present(&self, secret: &[u8]) -> Option<Access> {
        if secret.is_empty() {
            return Some(self.initial()).filter(|access| *access > Access::None);
        }
        let matches = |known: &Option<String>| {
            known.as_ref().is_some_and(|known| bool::from(known.as_bytes().ct_eq(secret)))
        };
        let (write, read) = (matches(&self.read_write), matches(&self.read_only));
        match (write, read) {
            (true, _) => Some(Access::Write),
            (false, true) => Some(Access::Read),
            (false, false) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(rw: &str, ro: &str) -> Secrets {
        Secrets::new(Some(rw.into()), Some(ro.into()))
    }

    #[test]
    fn each_combination_grants_what_the_protocol_says() {
        use Access::{Read, Write};
        let none = Access::None;
        let cases = [
            (secrets("", ""), Write, [Some(Write), None, None]),
            (secrets("rw", ""), Read, [Some(Read), Some(Write), None]),
            (secrets("", "ro"), none, [None, None, Some(Read)]),
            (secrets("rw", "ro"), none, [None, Some(Write), Some(Read)]),
        ];
        for (secrets, initial, presented) in cases {
            assert_eq!(secrets.initial(), initial, "{secrets:?}");
            assert_eq!([&b""[..], b"rw", b"ro"].map(|s| secrets.present(s)), presented, "{secrets:?}");
            assert_eq!(secrets.present(b"wrong"), None, "{secrets:?}");
        }
    }

    #[test]
    fn debug_hides_the_secret() {
        assert!(!format!("{:?}", secrets("hush", "")).contains("hush"));
    }
}
