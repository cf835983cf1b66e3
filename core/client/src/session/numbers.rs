//! The sequence numbers of a session's commands: which are answered, and what the cluster is told of that.

use std::collections::{BTreeMap, VecDeque};

use crate::calls::Tag;

/// With more commands than this in queues, an acknowledgement that goes past them, and so has to name them, is not sent
/// with every write.
const NAMED_ALWAYS: usize = 8;

/// See the module.
#[derive(Debug)]
pub(crate) struct Numbers {
    /// Every command before this one was answered, or waits in a queue.
    first: u64,
    /// The commands from `first` on: `None` for one that was answered, or waits.
    open: VecDeque<Option<Tag>>,
    /// Queued SETs that were not answered. An answer may take hours.
    waiting: BTreeMap<u64, Tag>,
    /// Answers since those that are past who waits were last acknowledged.
    unsaid: usize,
}

impl Default for Numbers {
    fn default() -> Numbers {
        Numbers { first: 1, open: VecDeque::new(), waiting: BTreeMap::new(), unsaid: 0 }
    }
}

impl Numbers {
    /// Gives a command its number.
    pub fn give(&mut self, tag: Tag, waits: bool) -> u64 {
        let number = self.first + self.open.len() as u64;
        self.open.push_back((!waits).then_some(tag));
        if waits {
            self.waiting.insert(number, tag);
        }
        self.advance();
        number
    }

    /// Takes the number back that was given last, if it is this one: nobody can have seen it.
    pub fn take_back(&mut self, number: u64) -> bool {
        if number + 1 != self.first + self.open.len() as u64 {
            return false;
        }
        self.waiting.remove(&number);
        if self.open.pop_back().is_none() {
            self.first -= 1;
        }
        true
    }

    /// The answer to a command was heard.
    pub fn heard(&mut self, number: u64) {
        if self.waiting.remove(&number).is_none()
            && let Some(tag) = number.checked_sub(self.first).and_then(|at| self.open.get_mut(at as usize))
        {
            *tag = None;
        }
        self.unsaid += 1;
        self.advance();
    }

    fn advance(&mut self) {
        while let Some(None) = self.open.front() {
            self.open.pop_front();
            self.first += 1;
        }
    }

    /// Whether every command before this one was answered.
    pub fn is_next(&self, number: u64) -> bool {
        let waiting = self.waiting.keys().next().is_none_or(|first| *first >= number);
        waiting && self.first >= number
    }

    /// Whether only commands that wait in queues come before this one.
    pub fn is_first(&self, number: u64) -> bool {
        self.first >= number
    }

    /// Whether all are answered.
    pub fn is_empty(&self) -> bool {
        self.open.is_empty() && self.waiting.is_empty()
    }

    /// Those that were not answered and do not wait in queues.
    pub fn prompt(&self) -> impl Iterator<Item = Tag> {
        self.open.iter().flatten().copied()
    }

    /// All that were not answered.
    pub fn outstanding(&self) -> Vec<Tag> {
        self.waiting.values().copied().chain(self.prompt()).collect()
    }

    /// What to acknowledge now, and what not of that.
    pub fn acknowledgement(&mut self) -> (u64, Vec<u64>) {
        let (all, waiting) = (self.first - 1, self.waiting.len());
        let Some(first) = self.waiting.keys().next().copied().filter(|first| *first <= all) else {
            self.unsaid = 0;
            return (all, Vec::new());
        };
        if waiting > NAMED_ALWAYS && self.unsaid < waiting {
            return (first - 1, Vec::new());
        }
        self.unsaid = 0;
        (all, self.waiting.range(..=all).map(|(number, _)| *number).collect())
    }

    /// The next acknowledgement is to be a full one: the cluster wants room.
    pub fn hurry(&mut self) {
        self.unsaid = usize::MAX >> 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(count: i32, waits: impl Fn(i32) -> bool) -> Numbers {
        let mut numbers = Numbers::default();
        for tag in 1..=count {
            assert_eq!(numbers.give(Tag(tag), waits(tag)), tag as u64);
        }
        numbers
    }

    #[test]
    fn what_is_acknowledged_has_no_holes() {
        let mut numbers = numbers(5, |_| false);
        assert_eq!(numbers.acknowledgement(), (0, vec![]));
        numbers.heard(2);
        numbers.heard(3);
        assert_eq!(numbers.acknowledgement(), (0, vec![]));
        assert!(numbers.is_next(1) && !numbers.is_next(2));
        numbers.heard(1);
        assert_eq!(numbers.acknowledgement(), (3, vec![]));
        assert_eq!(numbers.outstanding(), [Tag(4), Tag(5)]);
        numbers.heard(5);
        numbers.heard(4);
        assert!(numbers.is_empty());
        assert_eq!(numbers.acknowledgement(), (5, vec![]));
    }

    #[test]
    fn who_waits_is_named_and_holds_nothing_up() {
        let mut numbers = numbers(6, |tag| tag == 2 || tag == 5);
        [1, 3, 4].into_iter().for_each(|number| numbers.heard(number));
        assert_eq!(numbers.acknowledgement(), (5, vec![2, 5]));
        assert!(numbers.is_first(6) && !numbers.is_next(6) && !numbers.is_next(5) && numbers.is_next(2));
        numbers.heard(6);
        assert_eq!(numbers.outstanding(), [Tag(2), Tag(5)]);
        assert_eq!(numbers.prompt().count(), 0);
        numbers.heard(2);
        assert_eq!(numbers.acknowledgement(), (6, vec![5]));
        numbers.heard(5);
        assert_eq!(numbers.acknowledgement(), (6, vec![]));
        assert!(numbers.is_empty());
    }

    #[test]
    fn many_who_wait_are_not_named_each_time() {
        let mut numbers = numbers(100, |_| true);
        let mut named = 0;
        for number in 101..=400 {
            numbers.give(Tag(number), false);
            numbers.heard(number as u64);
            match numbers.acknowledgement() {
                (0, none) => assert!(none.is_empty()),
                (acknowledged, some) => {
                    assert_eq!((acknowledged, some.len()), (number as u64, 100));
                    named += 1;
                }
            }
        }
        assert_eq!(named, 3);
        numbers.give(Tag(401), false);
        assert_eq!(numbers.acknowledgement().0, 0);
        numbers.hurry();
        assert_eq!(numbers.acknowledgement().0, 400);
        assert_eq!(numbers.acknowledgement().0, 0);
    }

    #[test]
    fn only_the_last_number_is_taken_back() {
        let mut numbers = numbers(3, |tag| tag == 3);
        assert!(!numbers.take_back(2));
        assert!(numbers.take_back(3) && numbers.take_back(2));
        assert_eq!(numbers.give(Tag(9), false), 2);
        assert_eq!(numbers.outstanding(), [Tag(1), Tag(9)]);
        numbers.heard(1);
        numbers.heard(2);
        // A queued SET is passed over at once; taken back, its number is the next again.
        assert_eq!(numbers.give(Tag(10), true), 3);
        assert_eq!(numbers.acknowledgement(), (3, vec![3]));
        assert!(numbers.take_back(3));
        assert_eq!(numbers.acknowledgement(), (2, vec![]));
        assert_eq!(numbers.give(Tag(11), false), 3);
        assert!(!numbers.is_empty());
    }
}
