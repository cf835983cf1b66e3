//! The part of a history that shows a violation: what it names, what overlaps with that at the same paths, and the changes
//! that matter.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::Violation;
use crate::history::{Event, History, Micros};

/// Lines of a slice, about.
const LINES_MAX: usize = 14;

/// For people: a line each, by time, in milliseconds from the first one. What the violation names is marked.
pub fn slice(history: &History, violation: &Violation) -> String {
    let mut lines: Vec<(Micros, bool, String)> = Vec::new();
    for index in chosen(history, violation) {
        let operation = &history.operations[index];
        let took = operation.returned.saturating_sub(operation.called);
        let what = format!("{}: {} -> {}", operation.client, operation.request, operation.answer);
        let took = format!("{what} ({})", millis(took));
        lines.push((operation.called, violation.operations.contains(&index), took));
    }
    for (at, place, event) in first_seen(history, violation) {
        lines.push((at, true, format!("the watch at member {place}: {event}")));
    }
    let start = lines.iter().map(|(at, ..)| *at).min().unwrap_or_default();
    let end = lines.iter().map(|(at, ..)| *at).max().unwrap_or_default();
    // What was done to the cluster last, and meanwhile.
    let before = history.notes.iter().rfind(|(at, _)| *at < start);
    let meanwhile = history.notes.iter().filter(|(at, _)| (start..=end).contains(at));
    lines.extend(before.into_iter().chain(meanwhile).map(|(at, note)| (*at, false, format!("** {note}"))));
    lines.sort();
    let mut out = format!("{}: {}\n", violation.rule, violation.what);
    for (at, is_named, line) in lines {
        let sign = if at < start { "-" } else { "+" };
        let mark = if is_named { '>' } else { ' ' };
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{mark} {sign}{:>10}  {line}", millis(at.abs_diff(start)));
    }
    out
}

fn millis(micros: Micros) -> String {
    format!("{}.{:03} ms", micros / 1000, micros % 1000)
}

/// What is named, and what overlaps with it at the same path, the nearest ones.
fn chosen(history: &History, violation: &Violation) -> BTreeSet<usize> {
    let mut chosen: BTreeSet<usize> = violation.operations.iter().copied().take(LINES_MAX).collect();
    let named: Vec<usize> = chosen.iter().copied().collect();
    let mut near: Vec<(Micros, usize)> = Vec::new();
    for (index, operation) in history.operations.iter().enumerate() {
        let distance = named.iter().filter_map(|named| {
            let named = &history.operations[*named];
            let is_near = operation.path() == named.path() && operation.overlaps(named);
            is_near.then(|| operation.called.abs_diff(named.called))
        });
        near.extend(distance.min().map(|distance| (distance, index)));
    }
    near.sort_unstable();
    for (_, index) in near {
        if chosen.len() >= LINES_MAX {
            break;
        }
        chosen.insert(index);
    }
    chosen
}

/// The named changes, each as whoever saw it first did, and every other opinion of it.
fn first_seen<'a>(history: &'a History, violation: &Violation) -> Vec<(Micros, usize, &'a Event)> {
    let wanted: BTreeSet<i64> = violation.revisions.iter().copied().collect();
    let mut seen: Vec<(Micros, usize, &Event)> = Vec::new();
    for stream in &history.streams {
        for (at, event) in stream.events.iter().filter(|(_, event)| wanted.contains(&event.rev)) {
            match seen.iter_mut().find(|(.., known)| *known == event) {
                None => seen.push((*at, stream.place, event)),
                Some(first) if *at < first.0 => *first = (*at, stream.place, event),
                Some(_) => {}
            }
        }
    }
    seen.truncate(LINES_MAX);
    seen
}
