//! Rounds of figures as a table: median, range, how it stands to the machine's floor and to its bar.
//! A bar says what the figure is meant to be on the machine named in `docs/performance.md`; missing it is no failure.

use std::fmt;

/// What a figure counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Something a second.
    PerSecond,
    /// Microseconds.
    Micros,
    /// Milliseconds.
    Millis,
    /// Bytes.
    Bytes,
    /// Millions of bytes.
    Megabytes,
    /// How many.
    Count,
    /// How many times as much.
    Times,
    /// Hundredths.
    Percent,
}

/// What a figure is meant to be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bar {
    /// As much or more.
    AtLeast(f64),
    /// As much or less.
    AtMost(f64),
    /// As much times its floor, or less.
    FloorTimes(f64),
}

/// A line of a [`Report`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowId(usize);

#[derive(Debug)]
struct Row {
    name: String,
    unit: Unit,
    bar: Option<Bar>,
    floor: Option<RowId>,
    samples: Vec<f64>,
}

/// A table that grows by a round at a time.
#[derive(Debug, Default)]
pub struct Report {
    rows: Vec<Row>,
}

impl Report {
    /// Adds a line, which is left out of the table as long as it has no figure.
    pub fn row(&mut self, name: impl Into<String>, unit: Unit) -> RowId {
        self.rows.push(Row { name: name.into(), unit, bar: None, floor: None, samples: Vec::new() });
        RowId(self.rows.len() - 1)
    }

    /// Adds a line with a bar.
    pub fn row_with_bar(&mut self, name: impl Into<String>, unit: Unit, bar: Bar) -> RowId {
        let row = self.row(name, unit);
        self.rows[row.0].bar = Some(bar);
        row
    }

    /// Sets a line beside its floor. Both must get their figures in the same rounds.
    pub fn set_floor(&mut self, row: RowId, floor: RowId) {
        self.rows[row.0].floor = Some(floor);
    }

    /// Adds a round's figure.
    pub fn add(&mut self, row: RowId, figure: f64) {
        self.rows[row.0].samples.push(figure);
    }

    /// How many bars there are figures for, and how many of those are missed.
    pub fn bars(&self) -> (usize, usize) {
        let verdicts: Vec<bool> = self.rows.iter().filter_map(|row| self.passes(row)).collect();
        (verdicts.len(), verdicts.iter().filter(|passes| !**passes).count())
    }

    fn passes(&self, row: &Row) -> Option<bool> {
        let figure = median(row.samples.iter().copied())?;
        match row.bar? {
            Bar::AtLeast(bar) => Some(figure >= bar),
            Bar::AtMost(bar) => Some(figure <= bar),
            Bar::FloorTimes(bar) => self.ratio(row).map(|ratio| ratio <= bar),
        }
    }

    /// The median over the rounds of figure by floor.
    fn ratio(&self, row: &Row) -> Option<f64> {
        let floor = &self.rows[row.floor?.0].samples;
        median(row.samples.iter().zip(floor).map(|(figure, floor)| figure / floor))
    }

    fn cells(&self, row: &Row) -> Option<[String; 6]> {
        let unit = row.unit;
        let figure = unit.show(median(row.samples.iter().copied())?);
        let least = row.samples.iter().copied().fold(f64::INFINITY, f64::min);
        let most = row.samples.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let range = if row.samples.len() > 1 {
            format!("{} … {}", unit.show(least), unit.show(most))
        } else {
            String::new()
        };
        let ratio = self.ratio(row).map_or_else(String::new, |ratio| Unit::Times.show(ratio));
        let bar = row.bar.map_or_else(String::new, |bar| match bar {
            Bar::AtLeast(bar) => format!("≥ {}", unit.show(bar)),
            Bar::AtMost(bar) => format!("≤ {}", unit.show(bar)),
            Bar::FloorTimes(bar) => format!("≤ {} floor", Unit::Times.show(bar)),
        });
        let verdict = match self.passes(row) {
            None => "",
            Some(true) => "pass",
            Some(false) => "MISS",
        };
        Some([row.name.clone(), figure, range, ratio, bar, verdict.to_owned()])
    }
}

impl Unit {
    /// With its sign.
    pub(crate) fn show(self, figure: f64) -> String {
        format!("{}{}", self.bare(figure), self.sign())
    }

    /// The number alone.
    pub(crate) fn bare(self, figure: f64) -> String {
        match self {
            Unit::PerSecond | Unit::Bytes | Unit::Count => grouped(figure),
            Unit::Micros | Unit::Megabytes | Unit::Percent => format!("{figure:.1}"),
            Unit::Millis => format!("{figure:.0}"),
            Unit::Times => format!("{figure:.2}"),
        }
    }

    /// For a file that programs read.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Unit::PerSecond => "per second",
            Unit::Micros => "µs",
            Unit::Millis => "ms",
            Unit::Bytes => "B",
            Unit::Megabytes => "MB",
            Unit::Count => "",
            Unit::Times => "times",
            Unit::Percent => "%",
        }
    }

    fn sign(self) -> &'static str {
        match self {
            Unit::PerSecond => "/s",
            Unit::Micros => " µs",
            Unit::Millis => " ms",
            Unit::Bytes => " B",
            Unit::Megabytes => " MB",
            Unit::Count => "",
            Unit::Times => "×",
            Unit::Percent => " %",
        }
    }
}

fn grouped(figure: f64) -> String {
    let digits = format!("{:.0}", figure.max(0.0));
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

pub(crate) fn median(figures: impl Iterator<Item = f64>) -> Option<f64> {
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_by(f64::total_cmp);
    let (low, high) = (figures.len().checked_sub(1)? / 2, figures.len() / 2);
    Some(f64::midpoint(figures[low], figures[high]))
}

impl fmt::Display for Report {
    /// The table, its columns aligned, with a line below it that counts the bars.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heading = ["", "median", "range", "of floor", "bar", ""].map(str::to_owned);
        let lines: Vec<_> =
            std::iter::once(heading).chain(self.rows.iter().filter_map(|row| self.cells(row))).collect();
        let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
        let widths: [usize; 6] = std::array::from_fn(width);
        for line in &lines {
            let mut text = format!("{:<width$}", line[0], width = widths[0]);
            for column in 1..6 {
                text += &format!("  {:>width$}", line[column], width = widths[column]);
            }
            writeln!(f, "{}", text.trim_end())?;
        }
        let (bars, missed) = self.bars();
        if bars == 0 { Ok(()) } else { writeln!(f, "\n{} of {bars} bars met", bars - missed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        assert_eq!(median([].into_iter()), None);
        assert_eq!(median([3.0].into_iter()), Some(3.0));
        assert_eq!(median([5.0, 1.0].into_iter()), Some(3.0));
        assert_eq!(median([9.0, 1.0, 2.0].into_iter()), Some(2.0));
    }

    #[test]
    fn large_numbers() {
        let shown = [0.4, 999.0, 1000.0, 1_234_567.0].map(grouped);
        assert_eq!(shown, ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn a_table() {
        let mut report = Report::default();
        let set = report.row_with_bar("SET", Unit::PerSecond, Bar::AtLeast(1000.0));
        let floor = report.row("floor", Unit::Micros);
        let one = report.row_with_bar("one SET", Unit::Micros, Bar::FloorTimes(1.6));
        report.set_floor(one, floor);
        let waits = report.row_with_bar("with waits", Unit::Times, Bar::AtMost(1.5));
        report.row_with_bar("not measured", Unit::Bytes, Bar::AtMost(1.0));
        for (round, figure) in [900.0, 2000.0, 1500.0].into_iter().enumerate() {
            report.add(set, figure);
            report.add(floor, 10.0 * (round + 1) as f64);
            report.add(one, 17.0 * (round + 1) as f64);
        }
        report.add(waits, 1.25);
        let expected = "\
            median            range  of floor           bar\n\
SET         1,500/s  900/s … 2,000/s               ≥ 1,000/s  pass\n\
floor       20.0 µs  10.0 µs … 30.0 µs\n\
one SET     34.0 µs  17.0 µs … 51.0 µs     1.70×  ≤ 1.60× floor  MISS\n\
with waits    1.25×                              ≤ 1.50×  pass\n\
\n\
2 of 3 bars met\n";
        assert_eq!(squeezed(&report.to_string()), squeezed(expected));
        assert_eq!(report.bars(), (3, 1));
    }

    /// Blanks between columns count as one.
    fn squeezed(text: &str) -> String {
        text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ") + "\n").collect()
    }
}
