//! Fixed little-endian fields, as they stand in entries, log records and peer frames.

use bytes::BufMut;

use crate::{Ballot, Incarnation};

/// The bytes ended before the field did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the bytes end in the middle of a field")]
pub struct Short;

/// Reads fields from the front of a byte slice.
#[derive(Debug, Clone)]
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Starts at the first byte.
    pub fn new(bytes: &'a [u8]) -> Self {
        Reader(bytes)
    }

    /// How many bytes are left.
    pub fn remaining(&self) -> usize {
        self.0.len()
    }

    /// The next `len` bytes.
    pub fn bytes(&mut self, len: usize) -> Result<&'a [u8], Short> {
        let (head, tail) = self.0.split_at_checked(len).ok_or(Short)?;
        self.0 = tail;
        Ok(head)
    }

    /// The next `N` bytes.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Short> {
        let (head, tail) = self.0.split_first_chunk::<N>().ok_or(Short)?;
        self.0 = tail;
        Ok(*head)
    }

    /// One byte.
    pub fn u8(&mut self) -> Result<u8, Short> {
        Ok(self.array::<1>()?[0])
    }

    /// Four bytes.
    pub fn u32(&mut self) -> Result<u32, Short> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    /// Eight bytes.
    pub fn u64(&mut self) -> Result<u64, Short> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// A ballot, see [`put_ballot`].
    pub fn ballot(&mut self) -> Result<Ballot, Short> {
        Ok(Ballot { n: self.u64()?, epoch: self.u32()?, incarnation: Incarnation(self.array()?) })
    }
}

/// Length of an encoded ballot in bytes.
pub const BALLOT_BYTES: usize = 28;

/// Appends `n`, `epoch` and the incarnation.
pub fn put_ballot(out: &mut impl BufMut, ballot: &Ballot) {
    out.put_u64_le(ballot.n);
    out.put_u32_le(ballot.epoch);
    out.put_slice(&ballot.incarnation.0);
}
