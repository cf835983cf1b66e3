//! What became of the scenarios, in the form that `table` reads.

use std::fmt;

/// What became of a scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// All steps ended as they say.
    Pass,
    /// Why it failed.
    Fail(String),
    /// Why it cannot be run here.
    Skip(String),
}

/// What became of all scenarios, in order.
#[derive(Debug, Default)]
pub struct Report(pub Vec<(String, Outcome)>);

impl Report {
    /// How many passed, failed and were skipped.
    pub fn counts(&self) -> (usize, usize, usize) {
        let count = |is: fn(&Outcome) -> bool| self.0.iter().filter(|(_, outcome)| is(outcome)).count();
        (
            count(|outcome| matches!(outcome, Outcome::Pass)),
            count(|outcome| matches!(outcome, Outcome::Fail(_))),
            count(|outcome| matches!(outcome, Outcome::Skip(_))),
        )
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, outcome) in &self.0 {
            let (word, text) = match outcome {
                Outcome::Pass => ("pass", ""),
                Outcome::Fail(why) => ("fail", why.as_str()),
                Outcome::Skip(why) => ("skip", why.as_str()),
            };
            writeln!(f, "{name}\t{word}\t{}", text.replace(['\t', '\n', '\r'], " "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_for_each_whatever_the_text() {
        let report = Report(vec![
            ("a".to_owned(), Outcome::Pass),
            ("b".to_owned(), Outcome::Fail("one\ttwo\nthree".to_owned())),
            ("c".to_owned(), Outcome::Skip("no fork".to_owned())),
        ]);
        assert_eq!(report.to_string(), "a\tpass\t\nb\tfail\tone two three\nc\tskip\tno fork\n");
        assert_eq!(report.counts(), (1, 1, 1));
    }
}
