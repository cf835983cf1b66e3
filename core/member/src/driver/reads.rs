//! Linearizable reads that wait: for whom, and since when.

use std::collections::BTreeMap;

#[derive(Debug)]
pub(super) struct Reads<R> {
    last_token: u64,
    pending: BTreeMap<u64, Pending<R>>,
}

#[derive(Debug)]
struct Pending<R> {
    reader: R,
    since: u64,
}

impl<R> Reads<R> {
    pub fn new() -> Reads<R> {
        Reads { last_token: 0, pending: BTreeMap::new() }
    }

    /// Names a read that begins now. Later ones have greater tokens.
    pub fn begin(&mut self, reader: R, now: u64) -> u64 {
        self.last_token += 1;
        self.pending.insert(self.last_token, Pending { reader, since: now });
        self.last_token
    }

    /// Who waits for these.
    pub fn end(&mut self, tokens: Vec<u64>) -> impl Iterator<Item = R> {
        tokens.into_iter().filter_map(|token| Some(self.pending.remove(&token)?.reader))
    }

    /// Who has waited for so many ticks, and the last of their tokens.
    pub fn expire(&mut self, now: u64, patience: u64) -> Option<(u64, Vec<R>)> {
        let mut last = None;
        let mut readers = Vec::new();
        while let Some(first) = self.pending.first_entry()
            && now >= first.get().since + patience
        {
            last = Some(*first.key());
            readers.push(first.remove().reader);
        }
        Some((last?, readers))
    }

    pub fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_answered_or_expires_once() {
        let mut reads = Reads::new();
        let tokens: Vec<u64> = (0..4).map(|n| reads.begin(n, n)).collect();
        assert_eq!(reads.end(vec![tokens[1], 99]).collect::<Vec<_>>(), [1]);
        assert_eq!(reads.expire(4, 5), None);
        assert_eq!(reads.expire(7, 5), Some((tokens[2], vec![0, 2])));
        assert_eq!(reads.end(vec![tokens[0], tokens[3]]).collect::<Vec<_>>(), [3]);
        assert!(reads.is_empty());
    }
}
