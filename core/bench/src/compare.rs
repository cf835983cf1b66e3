//! Figures of several systems side by side: medians, ranges, and how ours stand to their bars.
//! How a figure is measured does not belong here. A missed bar is shown and fails nothing, as in [`report`](crate::report).

use std::collections::BTreeMap;
use std::fmt;

use crate::report::{Unit, median};

/// Whose figure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// Ours.
    Doozer,
    /// etcd.
    Etcd,
    /// ZooKeeper.
    ZooKeeper,
    /// What the machine takes without any of them.
    Machine,
}

impl Subject {
    /// All of them, in the order of the table's columns.
    pub const ALL: [Subject; 4] = [Subject::Doozer, Subject::Etcd, Subject::ZooKeeper, Subject::Machine];

    /// For a heading.
    pub fn name(self) -> &'static str {
        match self {
            Subject::Doozer => "Doozer",
            Subject::Etcd => "etcd",
            Subject::ZooKeeper => "ZooKeeper",
            Subject::Machine => "machine",
        }
    }
}

/// What our figure is meant to be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bar {
    /// So many times better than another figure, or more: greater where more is better, otherwise smaller.
    Better {
        /// By how much.
        times: f64,
        /// Than whose.
        than: Subject,
        /// Which one.
        figure: FigureId,
    },
    /// At most so many times another figure.
    AtMostTimes {
        /// How many times.
        times: f64,
        /// Whose.
        of: Subject,
        /// Which one.
        figure: FigureId,
    },
    /// As much or less.
    AtMost(f64),
}

/// A line of a [`Comparison`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FigureId(usize);

/// What is known of a line.
#[derive(Debug)]
pub struct Figure {
    /// For the table.
    pub name: &'static str,
    /// For a file: short, without blanks.
    pub key: &'static str,
    /// What it counts. More a second is better; otherwise less is.
    pub unit: Unit,
    bars: Vec<Bar>,
    /// By subject and round.
    samples: BTreeMap<Subject, Vec<(usize, f64)>>,
}

/// A table that grows by a figure at a time.
#[derive(Debug, Default)]
pub struct Comparison {
    figures: Vec<Figure>,
}

/// How a figure stands to a bar: what is compared with what, as text, and whether that is enough, if it is known.
type Standing = (String, Option<bool>);

impl Comparison {
    /// Adds a line.
    pub fn figure(&mut self, key: &'static str, name: &'static str, unit: Unit) -> FigureId {
        self.figures.push(Figure { name, key, unit, bars: Vec::new(), samples: BTreeMap::new() });
        FigureId(self.figures.len() - 1)
    }

    /// Adds a bar to a line.
    pub fn bar(&mut self, figure: FigureId, bar: Bar) {
        self.figures[figure.0].bars.push(bar);
    }

    /// Adds what was measured in a round; several times in one round for several tries.
    pub fn add(&mut self, figure: FigureId, subject: Subject, round: usize, value: f64) {
        self.figures[figure.0].samples.entry(subject).or_default().push((round, value));
    }

    /// All lines.
    pub fn figures(&self) -> impl Iterator<Item = &Figure> {
        self.figures.iter()
    }

    /// How many bars there are figures for, and how many of those are missed.
    pub fn bars(&self) -> (usize, usize) {
        let standings = self.figures.iter().flat_map(|figure| self.standings(figure));
        let verdicts: Vec<bool> = standings.filter_map(|(_, verdict)| verdict).collect();
        (verdicts.len(), verdicts.iter().filter(|passes| !**passes).count())
    }

    fn standings<'a>(&'a self, figure: &'a Figure) -> impl Iterator<Item = Standing> + 'a {
        figure.bars.iter().map(|bar| self.standing(figure, *bar))
    }

    fn standing(&self, figure: &Figure, bar: Bar) -> Standing {
        let times = |ratio: Option<f64>| ratio.map_or("?".to_owned(), |ratio| format!("{ratio:.2}"));
        let of = |subject: Subject, id: FigureId| {
            let other = &self.figures[id.0];
            if std::ptr::eq(other, figure) {
                subject.name().to_owned()
            } else {
                format!("{} {}", subject.name(), other.key)
            }
        };
        match bar {
            Bar::Better { times: bar, than, figure: other } => {
                let raw = self.ratio(figure, than, other);
                let ratio = if figure.unit == Unit::PerSecond { raw } else { raw.map(f64::recip) };
                let text = format!("{}× better than {} (≥ {bar})", times(ratio), of(than, other));
                (text, ratio.map(|ratio| ratio >= bar))
            }
            Bar::AtMostTimes { times: bar, of: whose, figure: other } => {
                let ratio = self.ratio(figure, whose, other);
                (format!("{}× {} (≤ {bar})", times(ratio), of(whose, other)), ratio.map(|ratio| ratio <= bar))
            }
            Bar::AtMost(bar) => {
                let passes = figure.median(Subject::Doozer).map(|median| median <= bar);
                (format!("≤ {}", figure.unit.show(bar)), passes)
            }
        }
    }

    /// The median over the rounds of ours by theirs.
    fn ratio(&self, figure: &Figure, subject: Subject, other: FigureId) -> Option<f64> {
        let (ours, theirs) = (figure.rounds(Subject::Doozer), self.figures[other.0].rounds(subject));
        median(ours.iter().filter_map(|(round, ours)| Some(ours / theirs.get(round)?)))
    }

    fn cells(&self, figure: &Figure) -> Option<Vec<String>> {
        if figure.samples.is_empty() {
            return None;
        }
        let mut cells = vec![figure.name.to_owned()];
        cells.extend(Subject::ALL.iter().map(|subject| figure.shown(*subject)));
        let bars = self.standings(figure).map(|(text, verdict)| match verdict {
            None => text,
            Some(true) => format!("{text} pass"),
            Some(false) => format!("{text} MISS"),
        });
        cells.push(bars.collect::<Vec<_>>().join("; "));
        Some(cells)
    }

    /// One line for each thing that was measured, its fields between tabs, with a heading.
    pub fn to_tsv(&self) -> String {
        let mut text = "figure\tunit\tsubject\tround\tvalue\n".to_owned();
        for figure in &self.figures {
            for (subject, samples) in &figure.samples {
                for (round, value) in samples {
                    let (key, unit, name) = (figure.key, figure.unit.name(), subject.name());
                    text += &format!("{key}\t{unit}\t{name}\t{round}\t{value}\n");
                }
            }
        }
        text
    }
}

impl Figure {
    /// The median over all that was measured.
    pub fn median(&self, subject: Subject) -> Option<f64> {
        median(self.values(subject))
    }

    /// The least and the most of what was measured.
    pub fn range(&self, subject: Subject) -> Option<(f64, f64)> {
        self.median(subject)?;
        let least = self.values(subject).fold(f64::INFINITY, f64::min);
        Some((least, self.values(subject).fold(f64::NEG_INFINITY, f64::max)))
    }

    fn values(&self, subject: Subject) -> impl Iterator<Item = f64> {
        self.samples.get(&subject).into_iter().flatten().map(|(_, value)| *value)
    }

    /// The median of each round.
    fn rounds(&self, subject: Subject) -> BTreeMap<usize, f64> {
        let samples = self.samples.get(&subject).map_or(&[][..], Vec::as_slice);
        let rounds = samples.iter().map(|(round, _)| *round);
        rounds
            .filter_map(|round| {
                let of_round = samples.iter().filter(|sample| sample.0 == round).map(|sample| sample.1);
                Some((round, median(of_round)?))
            })
            .collect()
    }

    fn shown(&self, subject: Subject) -> String {
        let (Some(figure), Some((least, most))) = (self.median(subject), self.range(subject)) else {
            return String::new();
        };
        let figure = self.unit.show(figure);
        if least < most {
            format!("{figure} ({} … {})", self.unit.bare(least), self.unit.bare(most))
        } else {
            figure
        }
    }
}

impl fmt::Display for Comparison {
    /// The table in Markdown, its columns aligned, with a line below it that counts the bars. A line without a figure
    /// is left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut heading = vec![String::new()];
        heading.extend(Subject::ALL.iter().map(|subject| subject.name().to_owned()));
        heading.push("ours, to the bar".to_owned());
        let mut lines = vec![heading];
        lines.extend(self.figures.iter().filter_map(|figure| self.cells(figure)));
        let columns = lines[0].len();
        let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for (number, line) in lines.iter().enumerate() {
            for (cell, width) in line.iter().zip(&widths) {
                write!(f, "| {cell:<width$} ")?;
            }
            writeln!(f, "|")?;
            if number == 0 {
                let rule = |width: &usize| format!("|{}", "-".repeat(width + 2));
                writeln!(f, "{}|", widths.iter().map(rule).collect::<String>())?;
            }
        }
        let (bars, missed) = self.bars();
        if bars == 0 { Ok(()) } else { writeln!(f, "\n{} of {bars} bars met", bars - missed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two rounds of two lines, ours twice and half as good as etcd's.
    fn comparison() -> Comparison {
        let mut all = Comparison::default();
        let rate = all.figure("set", "SETs", Unit::PerSecond);
        let time = all.figure("kill", "after a kill", Unit::Millis);
        all.figure("nothing", "never measured", Unit::Bytes);
        all.bar(rate, Bar::Better { times: 2.0, than: Subject::Etcd, figure: rate });
        all.bar(rate, Bar::Better { times: 9.0, than: Subject::ZooKeeper, figure: rate });
        all.bar(time, Bar::Better { times: 1.0, than: Subject::Etcd, figure: time });
        all.bar(time, Bar::AtMost(150.0));
        all.bar(time, Bar::AtMostTimes { times: 1.5, of: Subject::Machine, figure: time });
        for round in 0..2 {
            let slow = (round + 1) as f64;
            all.add(rate, Subject::Doozer, round, 2000.0 / slow);
            all.add(rate, Subject::Etcd, round, 1000.0 / slow);
            all.add(time, Subject::Etcd, round, 50.0 * slow);
            all.add(time, Subject::Machine, round, 50.0 * slow);
            for more in [0.0, 0.0, 700.0] {
                all.add(time, Subject::Doozer, round, 100.0 * slow + more);
            }
        }
        all
    }

    #[test]
    fn a_table() {
        let expected = "\
|              | Doozer                      | etcd                   | ZooKeeper | machine            | ours, to the bar                                                                 |\n\
|--------------|-----------------------------|------------------------|-----------|--------------------|----------------------------------------------------------------------------------|\n\
| SETs         | 1,500/s (1,000 … 2,000)     | 750/s (500 … 1,000)    |           |                    | 2.00× better than etcd (≥ 2) pass; ?× better than ZooKeeper (≥ 9)                |\n\
| after a kill | 200 ms (100 … 900)          | 75 ms (50 … 100)       |           | 75 ms (50 … 100)   | 0.50× better than etcd (≥ 1) MISS; ≤ 150 ms MISS; 2.00× machine (≤ 1.5) MISS     |\n\
\n\
1 of 4 bars met\n";
        assert_eq!(squeezed(&comparison().to_string()), squeezed(expected));
        assert_eq!(comparison().bars(), (4, 3));
    }

    /// Blanks between columns count as one, and so do the dashes of the rule.
    fn squeezed(text: &str) -> String {
        let text = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ") + "\n");
        text.map(|line| if line.starts_with("|--") { "|--\n".to_owned() } else { line }).collect()
    }

    #[test]
    fn a_file() {
        let text = comparison().to_tsv();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 1 + 4 + 2 + 2 + 6);
        assert_eq!(lines[0], "figure\tunit\tsubject\tround\tvalue");
        assert_eq!(lines[1], "set\tper second\tDoozer\t0\t2000");
        assert!(lines.iter().all(|line| line.split('\t').count() == 5), "{text}");
    }

    #[test]
    fn a_round_that_only_one_has_does_not_count_in_the_ratio() {
        let mut all = Comparison::default();
        let rate = all.figure("set", "SETs", Unit::PerSecond);
        for (subject, round, value) in
            [(Subject::Doozer, 0, 10.0), (Subject::Doozer, 1, 1000.0), (Subject::Etcd, 0, 5.0)]
        {
            all.add(rate, subject, round, value);
        }
        assert_eq!(all.ratio(&all.figures[0], Subject::Etcd, rate), Some(2.0));
        assert_eq!(all.ratio(&all.figures[0], Subject::ZooKeeper, rate), None);
    }
}
