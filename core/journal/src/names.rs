//! The names in a data directory.

use doozer_paxos::Slot;

use crate::block::COUNT_MAX;

pub(crate) const LOCK: &str = "LOCK";
pub(crate) const SUPER: &str = "SUPER";
pub(crate) const SUPER_NEW: &str = "SUPER.tmp";
pub(crate) const MARK: &str = "MARK";
pub(crate) const MARK_NEW: &str = "MARK.tmp";
pub(crate) const LOG: &str = "log";
pub(crate) const SNAP: &str = "snap";
/// What the directories of damaged logs begin with.
pub(crate) const DAMAGED: &str = "damaged-";
/// What the directories of members whose identity was lost begin with.
pub(crate) const LOST: &str = "lost-";
/// A segment being filled with zeros.
pub(crate) const SEGMENT_NEW: &str = "log/segment.tmp";

/// Where the files of a member are kept that nobody is any more.
pub(crate) fn lost(number: u64) -> String {
    format!("{LOST}{number:016x}")
}

/// Where a damaged log is kept, by how often its directory had been opened.
pub(crate) fn damaged(boot: u64) -> String {
    format!("{DAMAGED}{boot:016x}")
}

pub(crate) fn segment(number: u64) -> String {
    format!("log/{number:016x}.log")
}

pub(crate) fn spare(number: u64) -> String {
    format!("log/spare-{number:016x}")
}

pub(crate) fn snapshot(slot: Slot) -> String {
    format!("snap/{:016x}.snap", slot.0)
}

pub(crate) fn snapshot_new(slot: Slot) -> String {
    format!("snap/{:016x}.tmp", slot.0)
}

/// The number in a name, which must be exactly as the functions above write it.
pub(crate) fn parse(name: &str, prefix: &str, suffix: &str) -> Option<u64> {
    let digits = name.strip_prefix(prefix)?.strip_suffix(suffix)?;
    let is_plain = digits.len() == 16 && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let number = if is_plain { u64::from_str_radix(digits, 16).ok() } else { None };
    number.filter(|number| *number <= COUNT_MAX)
}
