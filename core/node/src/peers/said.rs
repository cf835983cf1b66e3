//! What people are told about connections that do not come about: each thing once, and of strangers only so much, however
//! often and with whatever words they try.
//! Never here: what is told, or where it goes.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// What is still so after this long is told again.
const AGAIN: Duration = Duration::from_secs(60 * 60);

/// Lines are counted for so long.
const WINDOW: Duration = Duration::from_secs(60);

/// Lines in a window about one and the same, of which the words change.
const OF_ONE_MAX: u32 = 5;

/// Lines in a window about strangers, who may call themselves anything.
const OF_STRANGERS_MAX: u32 = 10;

/// So many are remembered.
const KEPT_MAX: usize = 64;

/// What becomes of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tell {
    Line,
    /// Nothing but that there are more than are told.
    Enough,
    Nothing,
}

/// What was said of whom.
pub(super) struct Said {
    of: VecDeque<Of>,
    /// Counts what is said of all of them; none if each is known.
    all: Option<Count>,
}

struct Of {
    whom: String,
    why: String,
    at: Instant,
    /// It went well since.
    is_over: bool,
    count: Count,
}

/// How much was said in the window that began last.
struct Count {
    max: u32,
    begun: Option<Instant>,
    said: u32,
}

impl Said {
    /// Of members, of which there are few.
    pub fn of_members() -> Said {
        Said { of: VecDeque::new(), all: None }
    }

    /// Of anybody who can reach this member.
    pub fn of_strangers() -> Said {
        Said { of: VecDeque::new(), all: Some(Count::new(OF_STRANGERS_MAX)) }
    }

    /// Whether a line is told.
    pub fn tell(&mut self, whom: &str, why: &str, now: Instant) -> Tell {
        let known = self.of.iter().position(|of| of.whom == whom).and_then(|at| self.of.remove(at));
        let (mut of, is_known) = match known {
            Some(of) => (of, true),
            None => (Of::new(whom, why, now), false),
        };
        let is_same = is_known && of.why == why && !of.is_over && now.duration_since(of.at) < AGAIN;
        let tell = if is_same || of.count.take(now) != Tell::Line {
            Tell::Nothing
        } else {
            self.all.as_mut().map_or(Tell::Line, |all| all.take(now))
        };
        if tell == Tell::Line {
            (of.why, of.at, of.is_over) = (why.to_owned(), now, false);
        }
        self.of.push_back(of);
        if self.of.len() > KEPT_MAX {
            self.of.pop_front();
        }
        tell
    }

    /// It goes well: what was wrong is told anew if it comes back.
    pub fn is_well(&mut self, whom: &str) {
        if let Some(of) = self.of.iter_mut().find(|of| of.whom == whom) {
            of.is_over = true;
        }
    }
}

impl Of {
    fn new(whom: &str, why: &str, at: Instant) -> Of {
        let (whom, why) = (whom.to_owned(), why.to_owned());
        // Nothing was told yet.
        Of { whom, why, at, is_over: true, count: Count::new(OF_ONE_MAX) }
    }
}

impl Count {
    fn new(max: u32) -> Count {
        Count { max, begun: None, said: 0 }
    }

    fn take(&mut self, now: Instant) -> Tell {
        if self.begun.is_none_or(|begun| now.duration_since(begun) >= WINDOW) {
            (self.begun, self.said) = (Some(now), 0);
        }
        self.said = self.said.saturating_add(1);
        match self.said {
            said if said <= self.max => Tell::Line,
            said if said == self.max + 1 => Tell::Enough,
            _ => Tell::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_is_told_once_and_again_when_it_changed_or_was_well_or_is_still_so_much_later() {
        let (mut said, now) = (Said::of_members(), Instant::now());
        assert_eq!(said.tell("a", "x", now), Tell::Line);
        for _ in 0..100 {
            assert_eq!(said.tell("a", "x", now), Tell::Nothing);
        }
        assert_eq!(said.tell("b", "x", now), Tell::Line);
        assert_eq!(said.tell("a", "y", now), Tell::Line);
        assert_eq!(said.tell("a", "x", now), Tell::Line);
        said.is_well("a");
        assert_eq!(said.tell("a", "x", now), Tell::Line);
        assert_eq!(said.tell("a", "x", now), Tell::Nothing);
        assert_eq!(said.tell("a", "x", now + AGAIN), Tell::Line);
    }

    #[test]
    fn of_one_whose_words_change_only_so_much_is_told() {
        let (mut said, now) = (Said::of_members(), Instant::now());
        let mut told = |at, whom: &str| {
            (0..100).filter(|n| said.tell(whom, &n.to_string(), at) == Tell::Line).count() as u32
        };
        assert_eq!(told(now, "a"), OF_ONE_MAX);
        assert_eq!(told(now, "b"), OF_ONE_MAX, "others are told of all the same");
        assert_eq!(told(now + WINDOW, "a"), OF_ONE_MAX);
    }

    #[test]
    fn of_strangers_who_change_their_names_only_so_much_is_told() {
        let (mut said, now) = (Said::of_strangers(), Instant::now());
        let tells = |said: &mut Said, at| {
            let tells = (0..1000).map(|n| said.tell(&format!("a stranger {n}"), "x", at)).collect::<Vec<_>>();
            let count = |tell| tells.iter().filter(|each| **each == tell).count();
            (count(Tell::Line), count(Tell::Enough))
        };
        assert_eq!(tells(&mut said, now), (OF_STRANGERS_MAX as usize, 1));
        assert_eq!(tells(&mut said, now), (0, 0));
        assert_eq!(tells(&mut said, now + WINDOW), (OF_STRANGERS_MAX as usize, 1));
        assert!(said.of.len() <= KEPT_MAX);
    }

    #[test]
    fn one_stranger_does_not_take_the_place_of_another() {
        let (mut said, now) = (Said::of_strangers(), Instant::now());
        for n in 0..1000 {
            said.tell("one", &n.to_string(), now);
        }
        assert_eq!(said.tell("another", "x", now), Tell::Line);
    }
}
