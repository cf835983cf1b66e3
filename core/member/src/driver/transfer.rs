//! Snapshots between members: the one that lacks something asks for piece after piece, the other reads them off its state
//! as it was when the transfer began. One transfer is fetched at a time; a lost piece is asked for again.

use std::collections::BTreeMap;

use bytes::Bytes;
use doozer_journal::SnapshotHead;
use doozer_paxos::log::Base;
use doozer_paxos::{Incarnation, Slot};

use super::Position;
use crate::local::Local;
use crate::machine::{Machine, MachineLoader};
use crate::peer::Peer;
use crate::state::StateSnapshot;

/// Ticks after which a piece that did not come is asked for again.
const AGAIN_TICKS: u64 = 50;

/// So often in vain, and the transfer is given up.
const TRIES_MAX: u32 = 5;

/// Ticks after which a snapshot that nobody asks for is given back.
const IDLE_TICKS: u64 = 1_000;

/// Ticks for which the log behind a lent snapshot is held after the last question.
const HOLD_TICKS: u64 = 200;

pub(super) struct Transfers {
    options: doozer_store::Options,
    fetching: Option<Fetching>,
    /// A whole snapshot, until it is durable: the state and, until they are handed to the disk, its bytes.
    fetched: Option<(Base, Machine, Vec<Bytes>)>,
    lending: BTreeMap<Incarnation, Lending>,
    last_transfer: u64,
}

struct Fetching {
    from: Incarnation,
    transfer: u64,
    head: Option<Base>,
    loader: MachineLoader,
    pieces: Vec<Bytes>,
    offset: u64,
    asked_at: u64,
    tries: u32,
}

struct Lending {
    transfer: u64,
    snapshot: StateSnapshot,
    head: Base,
    /// The piece sent last, for whoever did not get it.
    offset: u64,
    piece: Bytes,
    is_last: bool,
    asked_at: u64,
}

/// What a piece came to.
pub(super) enum Taken {
    /// Ask for the next one.
    Next(Peer),
    /// It was the last one: the state of this place is here.
    Whole(Base),
    Nothing,
}

impl Transfers {
    /// Transfers are numbered anew in each life: one of an earlier life may still be lent, and is not gone on with.
    pub fn new(options: doozer_store::Options, boot: u64) -> Transfers {
        let last_transfer = boot << 32;
        Transfers { options, fetching: None, fetched: None, lending: BTreeMap::new(), last_transfer }
    }

    /// Begins to fetch a snapshot from a member, unless one is being fetched from it, or from another one that answers.
    pub fn fetch(&mut self, from: Incarnation, now: u64) -> Option<Peer> {
        // Whoever does not answer may be gone: somebody who just spoke is better.
        let is_stalled = |fetching: &Fetching| fetching.from != from && fetching.tries > 0;
        if self.fetched.is_some() || self.fetching.as_ref().is_some_and(|fetching| !is_stalled(fetching)) {
            return None;
        }
        self.last_transfer += 1;
        let fetching = Fetching {
            from,
            transfer: self.last_transfer,
            head: None,
            loader: MachineLoader::new(self.options),
            pieces: Vec::new(),
            offset: 0,
            asked_at: now,
            tries: 0,
        };
        Some(self.fetching.insert(fetching).ask())
    }

    /// The lender cannot go on with a transfer, since it was started again or its state replaced: another one begins.
    pub fn begin_again(&mut self, from: Incarnation, transfer: u64, now: u64) -> Option<Peer> {
        self.fetching.take_if(|it| (it.from, it.transfer) == (from, transfer))?;
        self.fetch(from, now)
    }

    /// Takes a piece of what is being fetched.
    pub fn take(&mut self, from: Incarnation, message: Peer, now: u64) -> Taken {
        let Peer::SnapshotPiece { transfer, head, offset, bytes, is_last } = message else {
            return Taken::Nothing;
        };
        let Some(fetching) = &mut self.fetching else { return Taken::Nothing };
        let is_next = (fetching.from, fetching.transfer, fetching.offset) == (from, transfer, offset)
            && fetching.head.as_ref().is_none_or(|known| *known == *head);
        if !is_next {
            return Taken::Nothing;
        }
        if let Err(error) = fetching.loader.push(&bytes) {
            tracing::warn!(%error, from = %from, "a snapshot was given up");
            self.fetching = None;
            return Taken::Nothing;
        }
        fetching.offset += bytes.len() as u64;
        fetching.pieces.push(bytes);
        fetching.head = Some(*head);
        (fetching.asked_at, fetching.tries) = (now, 0);
        if is_last { self.finish() } else { Taken::Next(fetching.ask()) }
    }

    fn finish(&mut self) -> Taken {
        let Some(Fetching { from, head: Some(head), loader, pieces, .. }) = self.fetching.take() else {
            return Taken::Nothing;
        };
        match loader.finish() {
            Ok(machine) if *machine.config() == head.config => {
                self.fetched = Some((head.clone(), machine, pieces));
                Taken::Whole(head)
            }
            Ok(_) => {
                tracing::warn!(from = %from, "a snapshot was given up: it is of another configuration than it says");
                Taken::Nothing
            }
            Err(error) => {
                tracing::warn!(%error, from = %from, "a snapshot was given up");
                Taken::Nothing
            }
        }
    }

    /// The bytes of the snapshot that is to be made durable.
    pub fn snapshot(&mut self) -> Option<(SnapshotHead, Vec<Bytes>)> {
        let (base, _, pieces) = self.fetched.as_mut()?;
        let Base { slot, hash, wall_ms, config } = base.clone();
        Some((SnapshotHead { slot, hash, wall_ms, config }, std::mem::take(pieces)))
    }

    /// The state of the snapshot that is durable now.
    pub fn take_machine(&mut self, base: &Base) -> Option<Machine> {
        let (of, machine, _) = self.fetched.take()?;
        (of == *base).then_some(machine)
    }

    /// The snapshot is not needed after all.
    pub fn drop_machine(&mut self) {
        self.fetched = None;
    }

    /// The piece that a member asks for, or that there is none.
    pub fn lend(
        &mut self,
        to: Incarnation,
        transfer: u64,
        offset: u64,
        position: Position,
        local: &Local,
        now: u64,
    ) -> Option<Peer> {
        let lent = self.lending.get(&to).map(|lending| lending.transfer);
        if lent.is_some_and(|lent| lent > transfer) {
            // An old question that was overtaken.
            return None;
        }
        let is_known = lent == Some(transfer);
        if !is_known {
            if offset > 0 {
                return Some(Peer::SnapshotGone { transfer });
            }
            let lending = begin(transfer, position, local, now)?;
            if let Some(old) = self.lending.insert(to, lending) {
                local.state.write().end_snapshot(old.snapshot);
            }
        }
        let lending = self.lending.get_mut(&to)?;
        lending.asked_at = now;
        if offset == lending.offset + lending.piece.len() as u64 && !lending.is_last && is_known {
            lending.offset = offset;
            if lending.read_on(local).is_none() {
                self.lending.remove(&to);
                return Some(Peer::SnapshotGone { transfer });
            }
        }
        (offset == lending.offset).then(|| lending.piece(transfer))
    }

    /// The first slot that somebody lent to is at, who may not have what comes behind it yet.
    pub fn lent_from(&self, now: u64) -> Option<Slot> {
        let recent = self.lending.values().filter(|lending| now < lending.asked_at + HOLD_TICKS);
        recent.map(|lending| lending.head.slot).min()
    }

    /// Nothing is lent or fetched.
    pub fn is_idle(&self) -> bool {
        self.lending.is_empty() && self.fetching.is_none() && self.fetched.is_none()
    }

    /// Asks again for what did not come, and gives back what nobody asks for.
    pub fn tick(&mut self, now: u64, local: &Local) -> Vec<(Incarnation, Peer)> {
        let idle = self.lending.extract_if(.., |_, lending| now >= lending.asked_at + IDLE_TICKS);
        for (_, lending) in idle {
            local.state.write().end_snapshot(lending.snapshot);
        }
        let Some(fetching) = self.fetching.as_mut().filter(|it| now >= it.asked_at + AGAIN_TICKS) else {
            return Vec::new();
        };
        (fetching.asked_at, fetching.tries) = (now, fetching.tries + 1);
        if fetching.tries > TRIES_MAX {
            self.fetching = None;
            return Vec::new();
        }
        vec![(fetching.from, fetching.ask())]
    }
}

impl Fetching {
    fn ask(&self) -> Peer {
        Peer::SnapshotGet { transfer: self.transfer, offset: self.offset }
    }
}

/// Begins a snapshot of the state as it is; `None` before anything is applied.
fn begin(transfer: u64, position: Position, local: &Local, now: u64) -> Option<Lending> {
    let Position { slot, hash, wall_ms } = position;
    let mut lending = {
        let mut state = local.state.write();
        if slot.0 == 0 {
            return None;
        }
        let config = state.machine().config().clone();
        let head = Base { slot, hash, wall_ms, config };
        let snapshot = state.begin_snapshot();
        Lending { transfer, snapshot, head, offset: 0, piece: Bytes::new(), is_last: false, asked_at: now }
    };
    lending.read_on(local)?;
    Some(lending)
}

impl Lending {
    /// Reads the next piece off the state; `None` if that was replaced meanwhile.
    fn read_on(&mut self, local: &Local) -> Option<()> {
        let mut piece = Vec::new();
        let has_more = local.state.read().next_chunk(&mut self.snapshot, &mut piece)?;
        self.piece = piece.into();
        self.is_last = !has_more;
        Some(())
    }

    fn piece(&self, transfer: u64) -> Peer {
        Peer::SnapshotPiece {
            transfer,
            head: Box::new(self.head.clone()),
            offset: self.offset,
            bytes: self.piece.clone(),
            is_last: self.is_last,
        }
    }
}
