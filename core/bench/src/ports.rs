//! Ports on loopback that stay a member's own, while it is dead too.

use std::fs;
use std::io;
use std::net::TcpListener;

/// Where the system's own choices begin if it does not say: Linux's default.
const EPHEMERAL_FIRST: u16 = 32_768;
const FIRST: u16 = 10_000;
const TRIES: usize = 10_000;

/// As many ports as asked for that nobody listens on, all different. They are below those that the system gives to
/// outgoing connections: a client that is refused by a dead member, again and again, could otherwise be given the very
/// port that it connects to, and then be connected to itself.
///
/// # Errors
/// If there are not enough.
pub fn free(count: usize) -> io::Result<Vec<u16>> {
    let end = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range")
        .ok()
        .and_then(|range| range.split_whitespace().next()?.parse().ok())
        .unwrap_or(EPHEMERAL_FIRST);
    let mut held = Vec::with_capacity(count);
    for _ in 0..TRIES {
        if held.len() == count {
            break;
        }
        let port = FIRST
            + u16::try_from(getrandom::u64()? % u64::from(end.saturating_sub(FIRST).max(1))).unwrap_or(0);
        // Those found so far are held meanwhile, so that none is found twice.
        held.extend(TcpListener::bind(("127.0.0.1", port)));
    }
    if held.len() < count {
        return Err(io::Error::new(io::ErrorKind::AddrInUse, "not enough free ports"));
    }
    held.iter().map(|listener| Ok(listener.local_addr()?.port())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn ports_are_free_and_different() {
        let ports = free(9).unwrap();
        assert_eq!(ports.iter().collect::<BTreeSet<_>>().len(), 9);
        let _held: Vec<_> =
            ports.iter().map(|port| TcpListener::bind(("127.0.0.1", *port)).unwrap()).collect();
        assert!(ports.iter().all(|port| (FIRST..EPHEMERAL_FIRST).contains(port)), "{ports:?}");
    }
}
