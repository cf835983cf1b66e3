//! Figures as pictures: a bar for each system with its range, as SVG.
//! A crate for plots would bring axes, scales and legends; this is rectangles and text, and looks the same everywhere.

use std::fmt::Write;

use crate::compare::{Comparison, Figure, Subject};

const WIDTH: f64 = 640.0;
const MARGIN: f64 = 16.0;
/// Where the bars begin, right of the systems' names.
const BARS: f64 = 104.0;
/// Room for the figure right of its bar.
const FIGURE: f64 = 170.0;
const TITLE_HEIGHT: f64 = 40.0;
const NAME_HEIGHT: f64 = 26.0;
const BAR_HEIGHT: f64 = 16.0;
const ROW_HEIGHT: f64 = 22.0;
const PANEL_GAP: f64 = 14.0;

/// One picture of these lines of the comparison, given by their keys; those that nobody has figures for are left out. None
/// if that leaves nothing.
pub fn bars(comparison: &Comparison, title: &str, keys: &[&str]) -> Option<String> {
    let chosen = keys.iter().filter_map(|key| comparison.figures().find(|figure| figure.key == *key));
    let panels: Vec<&Figure> = chosen.filter(|figure| subjects(figure).next().is_some()).collect();
    if panels.is_empty() {
        return None;
    }
    let (mut body, mut y) = (String::new(), MARGIN + TITLE_HEIGHT);
    for figure in panels {
        y = panel(&mut body, figure, y);
    }
    let height = y - PANEL_GAP + MARGIN;
    Some(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"system-ui, sans-serif\" font-size=\"13\" fill=\"#1f2328\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"6\" fill=\"#ffffff\"/>\n\
         <text x=\"{MARGIN}\" y=\"{}\" font-size=\"17\" font-weight=\"600\">{}</text>\n{body}</svg>\n",
        MARGIN + 18.0,
        escaped(title),
    ))
}

/// Those who have a figure, with its median and range.
fn subjects(figure: &Figure) -> impl Iterator<Item = (Subject, f64, (f64, f64))> {
    Subject::ALL
        .into_iter()
        .filter_map(|subject| Some((subject, figure.median(subject)?, figure.range(subject)?)))
}

/// Draws a line of the table from `y` on, and gives where the next one begins.
fn panel(out: &mut String, figure: &Figure, mut y: f64) -> f64 {
    let most = subjects(figure).map(|(_, _, range)| range.1).fold(f64::MIN_POSITIVE, f64::max);
    let scale = (WIDTH - BARS - FIGURE - MARGIN) / most;
    let mut line = |text: String| {
        // Writing to a String does not fail.
        let _ = writeln!(out, "{text}");
    };
    line(format!(
        "<text x=\"{MARGIN}\" y=\"{}\" font-weight=\"600\">{}</text>",
        y + 15.0,
        escaped(figure.name)
    ));
    y += NAME_HEIGHT;
    for (subject, median, (least, most)) in subjects(figure) {
        let (base, middle) = (y + 12.5, y + BAR_HEIGHT / 2.0);
        let length = (median * scale).max(1.0);
        line(format!("<text x=\"{MARGIN}\" y=\"{base}\">{}</text>", subject.name()));
        line(format!(
            "<rect x=\"{BARS}\" y=\"{y}\" width=\"{length:.1}\" height=\"{BAR_HEIGHT}\" rx=\"2\" fill=\"{}\"/>",
            colour(subject)
        ));
        if least < most {
            let (from, to) = (BARS + least * scale, BARS + most * scale);
            line(format!(
                "<path d=\"M{from:.1} {middle}H{to:.1}M{from:.1} {}v8M{to:.1} {}v8\" stroke=\"#1f2328\" stroke-opacity=\"0.65\" fill=\"none\"/>",
                middle - 4.0,
                middle - 4.0
            ));
        }
        let text = BARS + (most * scale).max(length) + 8.0;
        line(format!("<text x=\"{text:.1}\" y=\"{base}\">{}</text>", escaped(&figure.unit.show(median))));
        y += ROW_HEIGHT;
    }
    y + PANEL_GAP
}

fn colour(subject: Subject) -> &'static str {
    match subject {
        Subject::Doozer => "#1a7f5a",
        Subject::Etcd => "#4393d6",
        Subject::ZooKeeper => "#d98e2b",
        Subject::Machine => "#9aa4ad",
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Unit;

    fn comparison() -> Comparison {
        let mut all = Comparison::default();
        let rate = all.figure("set", "SETs & <more>", Unit::PerSecond);
        all.figure("none", "nobody has it", Unit::Bytes);
        for (subject, value) in [(Subject::Etcd, 100.0), (Subject::Etcd, 300.0), (Subject::ZooKeeper, 50.0)] {
            all.add(rate, subject, 0, value);
        }
        all
    }

    #[test]
    fn a_bar_is_as_long_as_its_figure_is_great() {
        let picture = bars(&comparison(), "Speed", &["set", "none"]).unwrap();
        let length_of = |colour: &str| {
            let rect =
                picture.lines().find(|line| line.starts_with("<rect x") && line.contains(colour)).unwrap();
            let width = rect.split("width=\"").nth(1).unwrap();
            width.split('"').next().unwrap().parse::<f64>().unwrap()
        };
        let (etcd, zookeeper) = (length_of(colour(Subject::Etcd)), length_of(colour(Subject::ZooKeeper)));
        assert!((etcd / zookeeper - 4.0).abs() < 0.01, "the medians are 200 and 50: {etcd}, {zookeeper}");
        assert!(picture.contains(">200/s<") && picture.contains(">50/s<"), "{picture}");
        assert_eq!(picture.matches("<path").count(), 1, "only etcd has a range");
        assert!(picture.contains("SETs &amp; &lt;more&gt;") && !picture.contains("nobody"), "{picture}");
    }

    #[test]
    fn nothing_to_draw() {
        assert_eq!(bars(&comparison(), "Speed", &["none", "unknown"]), None);
    }
}
