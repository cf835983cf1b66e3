//! What is to happen, by virtual time; at the same time, by the order in which it was put there.
//! Never here: what an event means.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::history::Time;

/// Events to come.
#[derive(Debug)]
pub struct Queue<T> {
    /// When, which one of all, and its place in `events`: small, since a heap moves its items about.
    order: BinaryHeap<Reverse<(u64, u64, u32)>>,
    events: Vec<Option<T>>,
    free: Vec<u32>,
    number: u64,
}

impl<T> Queue<T> {
    /// Nothing to come.
    pub fn new() -> Queue<T> {
        Queue { order: BinaryHeap::new(), events: Vec::new(), free: Vec::new(), number: 0 }
    }

    /// Puts an event at a time.
    pub fn put(&mut self, at: Time, event: T) {
        let place = self.free.pop().unwrap_or_else(|| {
            self.events.push(None);
            (self.events.len() - 1) as u32
        });
        self.events[place as usize] = Some(event);
        self.number += 1;
        self.order.push(Reverse((at.0, self.number, place)));
    }

    /// The next event and its time.
    pub fn take_next(&mut self) -> Option<(Time, T)> {
        let Reverse((at, _, place)) = self.order.pop()?;
        self.free.push(place);
        self.events[place as usize].take().map(|event| (Time(at), event))
    }

    /// How many are to come.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether nothing is to come.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Queue::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_time_then_by_order() {
        let mut queue = Queue::new();
        for (at, name) in [(5, "d"), (1, "a"), (5, "e"), (1, "b"), (3, "c")] {
            queue.put(Time(at), name);
        }
        let mut told = Vec::new();
        while let Some((at, name)) = queue.take_next() {
            told.push((at.0, name));
            if name == "a" {
                queue.put(Time(1), "again");
            }
        }
        assert_eq!(told, [(1, "a"), (1, "b"), (1, "again"), (3, "c"), (5, "d"), (5, "e")]);
    }
}
