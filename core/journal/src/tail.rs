//! The end of a log that cannot be read: what stood there, as far as anything still tells, and what is to be made of it.
//! Never here: a read or a write.
//!
//! The difference that matters is who else has it. A member that alone decides acknowledged what it had synced and
//! nothing else: an end that nothing proves synced is cut, one that something proves is damage. A member among several
//! may have told a proposer of any of it, and must not vote as if it had not: the end is suspect, until the others
//! supply it or rule it out (Alagappan et al., "Protocol-Aware Recovery for Consensus-Based Storage", FAST 2018).

use doozer_paxos::log::Suspect;
use doozer_paxos::{Ballot, Config, EntryHash, Incarnation};

use crate::error::Damage;
use crate::mark::Mark;
use crate::record::Header;
use crate::scan::{Found, Scan};
use crate::{RecordNumber, Torn};

/// What stands behind the intact log.
#[derive(Debug)]
pub(crate) struct Tail {
    /// Where it begins, and what is wrong there.
    pub(crate) torn: Torn,
    /// The number of the segment that it begins in; all of a later one belongs to it.
    pub(crate) segment: u64,
    /// The hash of the last entry of its first record, if a header tells.
    pub(crate) hash: Option<EntryHash>,
    /// The headers of its records that can be read.
    pub(crate) headers: Vec<Header>,
    /// An intact record in it that was written when its first one was synced: this is no end, but a gap.
    pub(crate) witness: Option<RecordNumber>,
}

/// What is to be made of a tail.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// It was never acknowledged.
    Torn,
    /// It may have been, and others know.
    Suspect(Suspect),
    /// It may have been, and nobody else can tell; or what it lacks is not the end of the log.
    Damaged(Damage),
}

/// Who reads the log, and what it is known to have been.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    pub(crate) me: Incarnation,
    /// Nothing was accepted under a greater ballot.
    pub(crate) promised: Ballot,
    /// The last configuration in the intact log or its snapshot.
    pub(crate) config: Option<&'a Config>,
    pub(crate) has_snapshot: bool,
    /// An end was found suspect by an earlier start, and not made good.
    pub(crate) is_suspect: bool,
    pub(crate) mark: Option<Mark>,
}

impl Reader<'_> {
    pub(crate) fn judge(&self, scan: &Scan, tail: &Tail) -> Verdict {
        let (first, why) = (tail.torn.record, &tail.torn.why);
        let damaged = |what: String| Verdict::Damaged(tail.damage(what));
        if let Some(witness) = tail.witness {
            return damaged(format!(
                "record {first} was synced before record {witness} was written, but {why}"
            ));
        }
        let is_alone = self.is_alone(scan, tail);
        if scan.lacks_its_beginning() && (is_alone || !self.has_snapshot) {
            return damaged(format!("no record is left, though at least {} were synced", scan.next.0 - 1));
        }
        let is_proven = first <= scan.proven || scan.segments.iter().any(|s| s.header.number > tail.segment);
        if is_alone && is_proven {
            return damaged(format!("record {first} was synced, but {why}"));
        }
        if is_alone && scan.is_mark_lost {
            return damaged(format!(
                "record {first} is not whole ({why}), and MARK, which would tell whether it was acknowledged, is not whole either"
            ));
        }
        if is_alone && tail.has_one_ballot() {
            return Verdict::Torn;
        }
        let end = self.ends(scan, tail).max_by_key(Suspect::rank);
        end.map_or_else(|| damaged(format!("record {first}: {why}")), Verdict::Suspect)
    }

    /// Whether all of the tail was written by the only voter there was, for itself. Only that is ever cut as if it had
    /// never been, so whatever does not fit counts as several: a record of another configuration than the last one that
    /// can be read (there was a change in between, or one is taken back), or accepted from somebody else.
    ///
    /// Before the first configuration is in the log, the founder alone decides, and it is the only voter of that one, too.
    /// Who joins has accepted from others before it can propose: what is all of this member's own is a founder's. If it
    /// was synced, that need not even be so: it is not cut.
    fn is_alone(&self, scan: &Scan, tail: &Tail) -> bool {
        let own = |header: &Header| header.acc_ballot.incarnation == self.me;
        let epochs = match self.config {
            Some(config) if config.voters != [self.me] => return false,
            Some(config) if config.epoch > 0 => config.epoch..=config.epoch,
            None if self.is_suspect || !scan.records.iter().all(|found| own(&found.header)) => return false,
            _ => 0..=FIRST_EPOCH,
        };
        tail.headers.iter().all(|header| epochs.contains(&header.epoch) && own(header))
    }

    /// Every state that the log may have had with some of the tail. A later record's ballot is not lower, so no record
    /// without a header, between others, had a greater one. Of what only the mark or a later segment's header tells, the
    /// ballot is not known; it was promised.
    fn ends(&self, scan: &Scan, tail: &Tail) -> impl Iterator<Item = Suspect> {
        let named = tail
            .headers
            .iter()
            .map(|header| Suspect { acc_ballot: header.acc_ballot.min(self.promised), last: header.last });
        let last_named = tail.headers.iter().map(|header| header.record).max();
        let marked = self.mark.map(|mark| (mark.record, mark.last));
        let begun = scan.segments.iter().map(|segment| segment.header);
        let begun = begun.map(|header| (RecordNumber(header.first_record.0 - 1), header.before));
        let known = marked.into_iter().chain(begun);
        let known = known
            .filter(move |(record, _)| *record >= tail.torn.record && Some(*record) > last_named)
            .map(|(_, last)| Suspect { acc_ballot: self.promised, last });
        named.chain(known)
    }
}

/// The epoch of the first configuration in a cluster's log.
pub(crate) const FIRST_EPOCH: u64 = 1;

impl Tail {
    fn damage(&self, what: String) -> Damage {
        let Torn { file, offset, record, slots, .. } = &self.torn;
        Damage {
            file: file.clone(),
            offset: *offset,
            record: Some(record.0),
            slots: *slots,
            hash: self.hash,
            what,
        }
    }

    /// A member that alone decides has one ballot in a life, and what it had in an earlier life is proven.
    fn has_one_ballot(&self) -> bool {
        self.headers.windows(2).all(|pair| pair[0].acc_ballot == pair[1].acc_ballot)
    }

    /// A line on what was cut.
    pub(crate) fn note(&self, suspect: &Suspect) -> String {
        let Torn { file, offset, record, later, why, .. } = &self.torn;
        let Suspect { acc_ballot, last } = suspect;
        let n = acc_ballot.n;
        format!(
            "{file} was cut at byte {offset}: record {record} may have been acknowledged, but {why}; {later} behind \
             it went with it. This member does not vote until it has the log up to slot {last} again, accepted under \
             ballot {n} or a greater one"
        )
    }
}

impl Scan {
    /// Takes the record at `index` and all behind it for the tail: it does not belong to what stands before it. Says
    /// whether it did; the beginning of a log is no tail.
    pub(crate) fn break_at(&mut self, file: String, index: usize, why: &str) -> bool {
        let Some(Found { header, .. }) = self.records.get(index) else { return false };
        let header = *header;
        if index == 0 && header.record != RecordNumber(1) {
            return false;
        }
        let broken = self.records.split_off(index);
        let mut headers: Vec<Header> = broken.iter().map(|found| found.header).collect();
        let witness = headers.iter().skip(1).find(|behind| behind.synced >= header.record);
        let witness = witness.map(|header| header.record);
        let before = self.tail.take();
        let later = headers.len() - 1 + before.as_ref().map_or(0, |tail| tail.torn.later + 1);
        let old_witness = before.as_ref().and_then(|tail| tail.witness);
        headers.extend(before.into_iter().flat_map(|tail| tail.headers));
        (self.end, self.next) = (header.position, header.record);
        self.tail = Some(Tail {
            torn: Torn {
                file,
                offset: header.position,
                record: header.record,
                slots: Some((header.from, header.last)),
                later,
                why: why.to_owned(),
            },
            segment: header.place.segment,
            hash: Some(header.last_hash),
            headers,
            witness: witness.or(old_witness),
        });
        true
    }

    /// Whether records before the first one here are lost, not given up behind a snapshot.
    fn lacks_its_beginning(&self) -> bool {
        let begins_late = self.segments.first().is_some_and(|s| s.header.first_record > RecordNumber(1));
        self.records.is_empty() && begins_late
    }
}
