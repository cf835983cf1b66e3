//! An ordered index: ids of files, sorted by path in the order of the tree.

use crate::files::{FileId, Files};
use crate::path::cmp_components;
use std::cmp::Ordering;

const CHUNK_MAX: usize = 512;
const CHUNK_LOW: usize = CHUNK_MAX / 4;

/// A sorted sequence in two levels, four bytes a file and some slack. It does not know the paths it is
/// sorted by: they are the files'.
#[derive(Default)]
pub(crate) struct Order {
    /// None of them is empty.
    chunks: Vec<Vec<FileId>>,
}

/// A place in the sequence, valid until the sequence is changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Position {
    chunk: usize,
    at: usize,
}

impl Order {
    /// The first place whose path is not `before`. That must be true up to a place and false from there on.
    pub fn seek(&self, files: &Files, mut before: impl FnMut(&str) -> bool) -> Position {
        let chunk = self.chunks.partition_point(|c| c.last().is_some_and(|id| before(files.path(*id))));
        let at = self.chunks.get(chunk).map_or(0, |c| c.partition_point(|id| before(files.path(*id))));
        Position { chunk, at }
    }

    /// The first place after `path` and thus, if anything is below `path`, the first below it.
    pub fn seek_after(&self, files: &Files, path: &str) -> Position {
        self.seek(files, |other| cmp_components(other, path) != Ordering::Greater)
    }

    pub fn get(&self, position: Position) -> Option<FileId> {
        self.chunks.get(position.chunk)?.get(position.at).copied()
    }

    pub fn next(&self, Position { chunk, at }: Position) -> Position {
        match self.chunks.get(chunk) {
            Some(ids) if at + 1 < ids.len() => Position { chunk, at: at + 1 },
            _ => Position { chunk: chunk + 1, at: 0 },
        }
    }

    pub fn before(&self, position: Position) -> Option<FileId> {
        match position.at.checked_sub(1) {
            Some(at) => self.get(Position { at, ..position }),
            None => self.chunks.get(position.chunk.checked_sub(1)?)?.last().copied(),
        }
    }

    /// Puts an id where `seek` said that its path belongs.
    pub fn insert(&mut self, Position { chunk, at }: Position, id: FileId) {
        if at == 0 && chunk > 0 && self.chunks[chunk - 1].len() < CHUNK_MAX {
            return self.chunks[chunk - 1].push(id);
        }
        let ids = match self.chunks.get_mut(chunk) {
            // Names often come in ascending order: chunks are then left full, not half full.
            None => return self.chunks.push(vec![id]),
            Some(ids) if at == 0 && ids.len() >= CHUNK_MAX => return self.chunks.insert(chunk, vec![id]),
            Some(ids) => ids,
        };
        if ids.len() < CHUNK_MAX {
            return ids.insert(at, id);
        }
        let mut right = ids.split_off(CHUNK_MAX / 2);
        match at.checked_sub(ids.len()) {
            Some(at) => right.insert(at, id),
            None => ids.insert(at, id),
        }
        self.chunks.insert(chunk + 1, right);
    }

    /// Takes out the id that stands there.
    pub fn remove(&mut self, Position { chunk, at }: Position) {
        self.chunks[chunk].remove(at);
        let len = self.chunks[chunk].len();
        if len == 0 {
            self.chunks.remove(chunk);
        } else if len < CHUNK_LOW {
            let left = chunk.saturating_sub(1);
            if self.chunks.get(left + 1).is_some_and(|c| c.len() + self.chunks[left].len() <= CHUNK_MAX / 2) {
                let right = self.chunks.remove(left + 1);
                self.chunks[left].extend(right);
            }
        }
    }

    /// The place of exactly this path.
    pub fn find(&self, files: &Files, path: &str) -> Option<Position> {
        let position = self.seek(files, |other| cmp_components(other, path) == Ordering::Less);
        self.get(position).filter(|id| files.path(*id) == path).map(|_| position)
    }

    #[cfg(test)]
    fn ids(&self) -> Vec<FileId> {
        assert!(self.chunks.iter().all(|c| (1..=CHUNK_MAX).contains(&c.len())));
        self.chunks.concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(numbers: impl Iterator<Item = u32>) -> (Files, Order) {
        let (mut files, mut order) = (Files::new(0), Order::default());
        for n in numbers {
            let path = format!("/{n:05}");
            let id = files.insert(&path);
            order.insert(order.seek_after(&files, &path), id);
        }
        (files, order)
    }

    fn paths(files: &Files, order: &Order) -> Vec<String> {
        order.ids().iter().map(|id| files.path(*id).to_owned()).collect()
    }

    #[test]
    fn sorted_whatever_the_order_of_insertion() {
        let sorted: Vec<_> = (0..4000).map(|n| format!("/{n:05}")).collect();
        for step in [1, 1237, 3999] {
            let (files, order) = filled((0..4000).map(|i| i * step % 4000));
            assert_eq!(paths(&files, &order), sorted, "step {step}");
        }
    }

    #[test]
    fn chunks_stay_full_when_names_ascend() {
        let (_, order) = filled(0..5120);
        assert_eq!(order.chunks.len(), 10);
    }

    #[test]
    fn steps_and_removes() {
        let (files, mut order) = filled(0..2000);
        let start = order.seek(&files, |_| false);
        let second = order.next(start);
        assert_eq!(order.before(start), None);
        assert_eq!(order.before(second), order.get(start));
        let mut position = start;
        for n in 0..2000 {
            assert_eq!(order.get(position).map(|id| files.path(id).to_owned()), Some(format!("/{n:05}")));
            position = order.next(position);
        }
        assert_eq!(order.get(position), None);
        for n in (0..2000).filter(|n| n % 10 != 3) {
            let position = order.find(&files, &format!("/{n:05}"));
            order.remove(position.unwrap());
        }
        let left: Vec<_> = (0..200).map(|n| format!("/{:05}", n * 10 + 3)).collect();
        assert_eq!(paths(&files, &order), left);
        assert_eq!(order.find(&files, "/00004"), None);
        assert!(order.chunks.len() <= 2, "small neighbours become one");
        for path in left {
            order.remove(order.find(&files, &path).unwrap());
        }
        assert!(order.chunks.is_empty());
    }
}
