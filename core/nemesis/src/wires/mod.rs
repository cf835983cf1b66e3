//! What connects the members with each other, one direction of each pair at a time. The way from clients to members is never
//! touched.

mod namespaces;
mod relay;
#[cfg(test)]
mod tests;

use std::io;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use doozer_bench::child::Process;

pub use namespaces::Namespaces;
pub use relay::Relay;

use crate::trouble::Trouble;

/// How many places there are for members: five, and one for who replaces them.
pub const PLACES: usize = 6;

/// How bytes come from one member to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Way {
    #[default]
    Open,
    /// Nothing comes through.
    Cut,
    /// Everything is late by so long, more or less.
    Slow { delay: Duration, jitter: Duration },
    /// So many of 100 packets are lost.
    Lossy { percent: u64 },
}

/// Either kind.
pub enum Wires {
    /// A network namespace for each member, in the kernel.
    Namespaces(Namespaces),
    /// A relay in user space, on loopback.
    Relay(Relay),
}

impl Wires {
    pub fn name(&self) -> &'static str {
        match self {
            Wires::Namespaces(_) => "namespaces",
            Wires::Relay(_) => "relay",
        }
    }

    /// Where the member of a place listens, and clients reach it.
    pub fn listens(&self, place: usize) -> String {
        match self {
            Wires::Namespaces(namespaces) => namespaces.address(place),
            Wires::Relay(relay) => relay.listens(place),
        }
    }

    /// Where other members reach it.
    pub fn reached(&self, place: usize) -> String {
        match self {
            Wires::Namespaces(namespaces) => namespaces.address(place),
            Wires::Relay(relay) => relay.reached(place),
        }
    }

    /// Starts the member of a place.
    pub fn start(&self, place: usize, command: &mut Command, log: &Path) -> io::Result<Process> {
        match self {
            Wires::Namespaces(namespaces) => namespaces.start(place, command, log),
            Wires::Relay(_) => Process::start(command, log),
        }
    }

    /// Sets the way from one member to another; nothing else changes.
    pub fn set(&mut self, from: usize, to: usize, way: Way) -> Result<(), Trouble> {
        match self {
            Wires::Namespaces(namespaces) => namespaces.set(from, to, way),
            Wires::Relay(relay) => {
                relay.set(from, to, way);
                Ok(())
            }
        }
    }

    pub fn heal(&mut self) -> Result<(), Trouble> {
        for from in 0..PLACES {
            for to in (0..PLACES).filter(|to| *to != from) {
                self.set(from, to, Way::Open)?;
            }
        }
        Ok(())
    }
}
