//! The replica: the state machine that turns proposals into decided entries. A driver calls it and carries out, in
//! order, what [`Replica::poll_output`] gives.
//! Never here: when something happens (time is passed in), or how it is written or sent.
//!
//! Today a replica knows one configuration: itself. It is the same shape the cluster needs (a ballot of its own above
//! every earlier one, an opening slot, persist before decide, apply in slot order); only the quorum is trivial, so an
//! entry is decided as soon as this member has it durably.
//!
//! Order of calls: [`Replica::start`], then any of [`Replica::propose`], [`Replica::persisted`] and
//! [`Replica::refused`]; after each, drain [`Replica::poll_output`].

use std::collections::VecDeque;
use std::mem;

use bytes::Bytes;

use crate::{Ballot, ClusterId, Config, Entry, EntryHash, Incarnation, Slot};

/// One atomic change of the durable log: cut it before `from`, append `entries`, accepted under `acc_ballot`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Append {
    /// The ballot under which the whole log is accepted from now on.
    pub acc_ballot: Ballot,
    /// The configuration in force at `from`.
    pub epoch: u64,
    /// The first slot that this append replaces or adds.
    pub from: Slot,
    /// The entries, from `from` on, without holes.
    pub entries: Vec<Entry>,
    /// The hash of the last entry; with no entries, of the one before `from`.
    pub last_hash: EntryHash,
}

impl Append {
    /// Where the log ends with it.
    pub fn last(&self) -> Slot {
        Slot(self.from.0 + self.entries.len() as u64 - 1)
    }
}

/// What the driver must do.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Output {
    /// Make this durable, then call [`Replica::persisted`] with its last slot; or, if nothing of it was written,
    /// [`Replica::refused`] with its first.
    Persist(Append),
    /// Decided: apply it. Entries come in slot order, each once, with their hash.
    Apply(Entry, EntryHash),
    /// The newest so many proposals were dropped before anything of them was written.
    Drop(usize),
}

/// How much may wait in front of the disk, and how much goes into one slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Limits {
    /// Slots handed out to be persisted and not yet durable. While so many are in flight a batch forms behind them.
    pub slots_in_flight_max: usize,
    /// Command bytes in one slot; one command alone may be larger.
    pub slot_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { slots_in_flight_max: 2, slot_bytes_max: 1 << 20 }
    }
}

/// What a replica finds in its log when it starts.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Past {
    /// The last slot of the log, applied or not.
    pub last: Slot,
    /// Its hash.
    pub last_hash: EntryHash,
    /// Its wall time.
    pub wall_ms: u64,
    /// The greatest ballot this member ever promised or used.
    pub promised: Ballot,
    /// The configuration in force after the last slot, if the log has one.
    pub config: Option<Config>,
}

impl Past {
    /// No log: the cluster is about to be born.
    pub const NONE: Past =
        Past { last: Slot(0), last_hash: EntryHash::NONE, wall_ms: 0, promised: Ballot::ZERO, config: None };
}

/// The sans-I/O state of one member.
#[derive(Debug)]
pub struct Replica {
    cluster: ClusterId,
    limits: Limits,
    ballot: Ballot,
    config: Config,
    /// Proposed, not yet in a slot.
    waiting: VecDeque<Bytes>,
    /// In a slot that is not yet durable, oldest first.
    in_flight: VecDeque<(Entry, EntryHash)>,
    last: Slot,
    last_hash: EntryHash,
    wall_ms: u64,
    outputs: VecDeque<Output>,
}

impl Replica {
    /// The only voter of its cluster, taking the lead. The caller has already made [`Replica::ballot_after`] of the
    /// same past durable (Synod, phase 1: nothing is proposed under a ballot that a restart could use again). The
    /// first output is the opening slot; with an empty log it carries `birth`, the first configuration's commands.
    pub fn start(
        cluster: ClusterId,
        incarnation: Incarnation,
        past: Past,
        birth: Vec<Bytes>,
        wall_ms: u64,
        limits: Limits,
    ) -> Self {
        let ballot = Self::ballot_after(&past, incarnation);
        let is_birth = past.config.is_none();
        let config = past.config.unwrap_or(Config { epoch: 1, voters: vec![incarnation] });
        let mut replica = Replica {
            cluster,
            limits,
            ballot,
            config,
            waiting: VecDeque::new(),
            in_flight: VecDeque::new(),
            last: past.last,
            last_hash: past.last_hash,
            wall_ms: past.wall_ms,
            outputs: VecDeque::new(),
        };
        let config = is_birth.then(|| replica.config.clone());
        replica.append(birth, config, wall_ms);
        replica
    }

    /// The ballot that [`Replica::start`] uses after this past.
    pub fn ballot_after(past: &Past, incarnation: Incarnation) -> Ballot {
        past.promised.next_for(incarnation)
    }

    /// Takes a command to be decided. Commands are decided in the order they are proposed.
    pub fn propose(&mut self, command: Bytes) {
        self.waiting.push_back(command);
    }

    /// Puts what waits into slots, as far as the limits allow; call it after a run of proposals. `wall_ms` is the
    /// wall clock.
    pub fn form_slots(&mut self, wall_ms: u64) {
        while !self.waiting.is_empty() && self.in_flight.len() < self.limits.slots_in_flight_max {
            let commands = self.take_batch();
            self.append(commands, None, wall_ms);
        }
    }

    /// Everything up to `slot` is durable here: with one voter, decided. Frees the way for the next batch, see
    /// [`Replica::form_slots`].
    pub fn persisted(&mut self, slot: Slot) {
        assert!(slot <= self.last, "slot {slot} is reported durable, but the log ends at {}", self.last);
        while let Some((entry, hash)) = self.in_flight.pop_front_if(|(entry, _)| entry.slot <= slot) {
            self.outputs.push_back(Output::Apply(entry, hash));
        }
    }

    /// Nothing from `slot` on was or will be written: those slots are taken back. Only a log that nobody else has
    /// seen may be cut so.
    pub fn refused(&mut self, slot: Slot) {
        let keep = self.in_flight.iter().take_while(|(entry, _)| entry.slot < slot).count();
        let cut = self.in_flight.split_off(keep);
        if let Some((first, _)) = cut.front() {
            self.last = Slot(first.slot.0 - 1);
            self.last_hash = first.previous;
            // What no slot holds yet goes too: a later proposal must not be decided when an earlier one was refused.
            let dropped =
                cut.iter().map(|(entry, _)| entry.commands.len()).sum::<usize>() + self.waiting.len();
            self.waiting.clear();
            self.outputs.push_back(Output::Drop(dropped));
        }
    }

    /// The next thing to do, or `None`.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Everything proposed is decided, the opening slot included.
    pub fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.in_flight.is_empty()
    }

    /// The ballot this replica leads under.
    pub fn ballot(&self) -> Ballot {
        self.ballot
    }

    /// The configuration in force.
    pub fn config(&self) -> &Config {
        &self.config
    }

    fn take_batch(&mut self) -> Vec<Bytes> {
        let mut bytes = 0;
        let count = self
            .waiting
            .iter()
            .take_while(|command| {
                let first = bytes == 0;
                bytes += command.len().max(1);
                first || bytes <= self.limits.slot_bytes_max
            })
            .count();
        if count == self.waiting.len() {
            return mem::take(&mut self.waiting).into();
        }
        self.waiting.drain(..count).collect()
    }

    fn append(&mut self, commands: Vec<Bytes>, config: Option<Config>, wall_ms: u64) {
        self.wall_ms = self.wall_ms.max(wall_ms);
        let entry = Entry {
            slot: self.last.next(),
            birth: self.ballot,
            previous: self.last_hash,
            wall_ms: self.wall_ms,
            config,
            commands,
        };
        self.last = entry.slot;
        self.last_hash = entry.hash(self.cluster);
        self.in_flight.push_back((entry.clone(), self.last_hash));
        self.outputs.push_back(Output::Persist(Append {
            acc_ballot: self.ballot,
            epoch: self.config.epoch,
            from: entry.slot,
            entries: vec![entry],
            last_hash: self.last_hash,
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLUSTER: ClusterId = ClusterId([1; 16]);
    const ME: Incarnation = Incarnation([2; 16]);

    fn started(limits: Limits) -> Replica {
        let mut replica = Replica::start(CLUSTER, ME, Past::NONE, vec!["birth".into()], 10, limits);
        persist(&mut replica, 1);
        assert_eq!(applied(&mut replica), [(1, vec!["birth".to_owned()])]);
        replica
    }

    /// Expects exactly one append next, of this slot.
    fn persist(replica: &mut Replica, slot: u64) -> Append {
        let Some(Output::Persist(append)) = replica.poll_output() else { panic!("no append") };
        assert_eq!(append.from, Slot(slot));
        replica.persisted(Slot(slot));
        append
    }

    fn applied(replica: &mut Replica) -> Vec<(u64, Vec<String>)> {
        std::iter::from_fn(|| match replica.poll_output() {
            Some(Output::Apply(entry, _)) => {
                let texts = entry.commands.iter().map(|c| String::from_utf8_lossy(c).into_owned()).collect();
                Some((entry.slot.0, texts))
            }
            None => None,
            other => panic!("{other:?}"),
        })
        .collect()
    }

    #[test]
    fn the_first_slot_carries_the_first_configuration() {
        let mut replica =
            Replica::start(CLUSTER, ME, Past::NONE, vec!["birth".into()], 10, Limits::default());
        let append = persist(&mut replica, 1);
        assert_eq!(append.acc_ballot, Ballot { n: 1, priority: 0, incarnation: ME });
        assert_eq!(append.entries[0].config, Some(Config { epoch: 1, voters: vec![ME] }));
        assert_eq!(append.entries[0].hash(CLUSTER), append.last_hash);
    }

    #[test]
    fn a_restart_leads_under_a_greater_ballot_and_opens_with_an_empty_slot() {
        let promised = Ballot { n: 8, priority: 0, incarnation: ME };
        let config = Some(Config { epoch: 3, voters: vec![ME] });
        let past = Past { last: Slot(4), last_hash: EntryHash([5; 32]), wall_ms: 99, promised, config };
        let mut replica = Replica::start(CLUSTER, ME, past, vec![], 10, Limits::default());
        let append = persist(&mut replica, 5);
        assert_eq!((append.acc_ballot.n, append.epoch), (9, 3));
        let opening = &append.entries[0];
        assert_eq!((opening.previous, opening.wall_ms, &opening.config), (EntryHash([5; 32]), 99, &None));
        assert!(opening.commands.is_empty());
    }

    #[test]
    fn nothing_is_applied_before_it_is_durable_and_order_is_kept() {
        let mut replica = started(Limits::default());
        replica.propose("a".into());
        replica.form_slots(20);
        replica.propose("b".into());
        replica.form_slots(20);
        let Some(Output::Persist(first)) = replica.poll_output() else { panic!() };
        let Some(Output::Persist(second)) = replica.poll_output() else { panic!() };
        assert_eq!((first.from, second.from), (Slot(2), Slot(3)));
        assert_eq!(second.entries[0].previous, first.last_hash);
        assert_eq!(replica.poll_output(), None);
        replica.persisted(Slot(3));
        assert_eq!(applied(&mut replica), [(2, vec!["a".to_owned()]), (3, vec!["b".to_owned()])]);
    }

    #[test]
    fn a_batch_forms_while_the_window_is_full() {
        let mut replica = started(Limits { slots_in_flight_max: 1, slot_bytes_max: 6 });
        for command in ["aa", "bb", "cc", "dddddddd", "e"] {
            replica.propose(command.into());
            replica.form_slots(20);
        }
        let mut slots = Vec::new();
        for slot in 2..=5 {
            persist(&mut replica, slot);
            replica.form_slots(20);
            while let Some(Output::Apply(entry, _)) =
                replica.outputs.pop_front_if(|o| matches!(o, Output::Apply(..)))
            {
                slots.push(entry.commands);
            }
        }
        let texts: Vec<Vec<&[u8]>> = slots.iter().map(|s| s.iter().map(|c| &c[..]).collect()).collect();
        let expected: [Vec<&[u8]>; 4] = [vec![b"aa"], vec![b"bb", b"cc"], vec![b"dddddddd"], vec![b"e"]];
        assert_eq!(texts, expected);
        assert!(replica.is_idle());
    }

    #[test]
    fn what_was_refused_leaves_the_log_and_everything_behind_it() {
        let mut replica = started(Limits { slots_in_flight_max: 2, slot_bytes_max: 1 });
        for command in ["a", "b", "c"] {
            replica.propose(command.into());
        }
        replica.form_slots(20);
        let Some(Output::Persist(a)) = replica.poll_output() else { panic!() };
        let Some(Output::Persist(b)) = replica.poll_output() else { panic!() };
        replica.refused(b.from);
        assert_eq!(replica.poll_output(), Some(Output::Drop(2)));
        replica.persisted(a.from);
        assert_eq!(applied(&mut replica), [(2, vec!["a".to_owned()])]);
        replica.propose("d".into());
        replica.form_slots(20);
        let append = persist(&mut replica, 3);
        assert_eq!(append.entries[0].previous, a.last_hash);
    }
}
