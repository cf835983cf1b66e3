//! What is known of the member a connection leads to.

use bytes::Bytes;
use doozer_wire::{ErrorKind, Features, HelloReply, Request, SetFlags, Verb};

use crate::calls::Failure;

/// Room for a frame's numbers beside its path and value, in bytes.
const NUMBERS_BYTES: usize = 192;

/// The largest frame sent to a member that does not say what it takes, in bytes.
const UNSAID_BYTES_MAX: u64 = 1 << 30;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Peer {
    pub features: Features,
    /// The cluster's id; the original has none.
    pub cluster: Option<[u8; 16]>,
    value_bytes_max: u64,
    pub frame_bytes_max: u64,
}

impl Peer {
    /// A member that has answered HELLO.
    pub fn modern(hello: &HelloReply) -> Peer {
        Peer {
            features: hello.features,
            cluster: Some(hello.cluster),
            value_bytes_max: hello.value_bytes_max,
            frame_bytes_max: hello.frame_bytes_max,
        }
    }

    /// The original, which knows no HELLO.
    pub fn original() -> Peer {
        Peer {
            features: Features::default(),
            cluster: None,
            value_bytes_max: UNSAID_BYTES_MAX,
            frame_bytes_max: UNSAID_BYTES_MAX,
        }
    }

    /// Whether the member knows the request's verb and takes its size.
    pub fn admits(&self, request: &Request) -> Result<(), Failure> {
        if let Some((needed, verb)) = needed(request.verb)
            && !self.features.contains(needed)
        {
            return Err(Failure::new(ErrorKind::UnknownVerb, format!("this member has no {}", verb.name())));
        }
        if request.flags != SetFlags::default() && !self.features.contains(Features::SESSIONS) {
            // It would make the file as if nothing more had been asked for.
            return Err(Failure::new(ErrorKind::UnknownVerb, "this member has no sessions"));
        }
        let len = |bytes: &Option<Bytes>| bytes.as_ref().map_or(0, Bytes::len);
        let (value, limit) = (len(&request.value), self.value_bytes_max);
        if request.verb == Verb::Set as i32 && value as u64 > limit {
            let detail = format!("value too large: {value} bytes, limit {limit}");
            return Err(Failure::new(ErrorKind::TooLarge, detail));
        }
        let frame = value + len(&request.path) + len(&request.after) + len(&request.txn) + NUMBERS_BYTES;
        if frame as u64 > self.frame_bytes_max {
            let detail = format!("request too large: {frame} bytes, limit {}", self.frame_bytes_max);
            return Err(Failure::new(ErrorKind::TooLarge, detail));
        }
        Ok(())
    }
}

fn needed(verb: i32) -> Option<(Features, Verb)> {
    let verb = Verb::from_i32(verb)?;
    let needed = match verb {
        Verb::Cancel => Features::CANCEL,
        Verb::List => Features::LIST,
        Verb::Watch => Features::WATCH,
        Verb::Status => Features::STATUS,
        Verb::Ping => Features::PING,
        Verb::Txn | Verb::Session => Features::SESSIONS,
        _ => return None,
    };
    Some((needed, verb))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(verb: Verb, path: &str, value: Option<&[u8]>) -> Request {
        Request {
            verb: verb as i32,
            path: Some(Bytes::copy_from_slice(path.as_bytes())),
            value: value.map(Bytes::copy_from_slice),
            ..Request::default()
        }
    }

    #[test]
    fn a_value_may_be_as_large_as_the_limit() {
        let hello = HelloReply { value_bytes_max: 10, frame_bytes_max: 4 << 20, ..HelloReply::default() };
        let peer = Peer::modern(&hello);
        assert_eq!(peer.admits(&request(Verb::Set, "/a", Some(&[0; 10]))), Ok(()));
        let refused = peer.admits(&request(Verb::Set, "/a", Some(&[0; 11])));
        assert_eq!(refused, Err(Failure::new(ErrorKind::TooLarge, "value too large: 11 bytes, limit 10")));
    }

    #[test]
    fn a_frame_may_be_as_large_as_the_limit() {
        let hello = HelloReply { value_bytes_max: 1 << 20, frame_bytes_max: 1000, ..HelloReply::default() };
        let peer = Peer::modern(&hello);
        assert_eq!(peer.admits(&request(Verb::Get, &"a".repeat(808), None)), Ok(()));
        let refused = peer.admits(&request(Verb::Get, &"a".repeat(809), None)).unwrap_err();
        assert_eq!(refused.kind, ErrorKind::TooLarge);
    }

    #[test]
    fn the_original_has_no_new_verbs() {
        let peer = Peer::original();
        assert_eq!(peer.admits(&request(Verb::Walk, "/**", None)), Ok(()));
        let refused = peer.admits(&request(Verb::List, "/**", None));
        assert_eq!(refused, Err(Failure::new(ErrorKind::UnknownVerb, "this member has no LIST")));
    }
}
