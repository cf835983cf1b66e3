//! What happened, twice: as a running hash, by which two runs of one seed are compared, and as a story for people.
//! Never here: anything that the world depends on. A story that is not wanted costs one branch a line.

use std::collections::VecDeque;

use crate::history::Time;
use crate::random::mix;

/// The hash and the story of one run.
#[derive(Debug)]
pub struct Trace {
    hash: u64,
    events: u64,
    now: Time,
    story: Option<Story>,
}

/// The last lines of what happened.
#[derive(Debug)]
struct Story {
    lines: VecDeque<String>,
    lines_max: usize,
    /// Lines that were let go.
    gone: u64,
}

impl Trace {
    /// `story_lines` is how many lines are kept, the last ones; `None`: none is made.
    pub fn new(story_lines: Option<usize>) -> Trace {
        let story = story_lines.map(|lines_max| Story { lines: VecDeque::new(), lines_max, gone: 0 });
        Trace { hash: 0, events: 0, now: Time(0), story }
    }

    /// Something happens now.
    pub fn begin(&mut self, now: Time, kind: u64, what: u64) {
        self.now = now;
        self.events += 1;
        self.add(now.0 ^ kind.rotate_left(56));
        self.add(what);
    }

    /// More of what tells one run from another.
    pub fn add(&mut self, bits: u64) {
        self.hash = mix(self.hash.rotate_left(5) ^ bits);
    }

    /// A line of the story.
    pub fn tell(&mut self, line: impl FnOnce() -> String) {
        let Some(story) = &mut self.story else { return };
        if story.lines.len() == story.lines_max {
            story.lines.pop_front();
            story.gone += 1;
        }
        story.lines.push_back(format!("{:>11.6}  {}", self.now.0 as f64 / 1e6, line()));
    }

    /// Whether lines are kept.
    pub fn is_told(&self) -> bool {
        self.story.is_some()
    }

    /// The hash of everything so far.
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// Events so far.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// The lines that are kept.
    pub fn into_story(self) -> Vec<String> {
        let Some(story) = self.story else { return Vec::new() };
        let gone = (story.gone > 0).then(|| format!("… {} lines before", story.gone));
        gone.into_iter().chain(story.lines).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_counts() {
        let hash = |order: [u64; 2]| {
            let mut trace = Trace::new(None);
            order.into_iter().for_each(|what| trace.begin(Time(1), 0, what));
            trace.hash()
        };
        assert_eq!(hash([1, 2]), hash([1, 2]));
        assert_ne!(hash([1, 2]), hash([2, 1]));
    }

    #[test]
    fn the_story_ends_with_the_last_lines() {
        let mut trace = Trace::new(Some(2));
        for line in ["a", "b", "c"] {
            trace.begin(Time(1_500_000), 0, 0);
            trace.tell(|| line.to_owned());
        }
        assert_eq!(trace.into_story(), ["… 1 lines before", "   1.500000  b", "   1.500000  c"]);
    }
}
