//! Whether a call ended as its step expects.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use doozer::{Change, ErrorKind};

use crate::call::About;
use crate::given::{Ended, Fault, Given};
use crate::scenario::{Do, Rev, Step};
use crate::txn;

/// How much later than its time limit a call may end, and how much earlier a TIMEOUT may come.
const LATE: Duration = Duration::from_secs(5);
const EARLY: Duration = Duration::from_millis(5);

/// Compares; says what differs.
pub(crate) fn check(
    step: &Step,
    about: &About,
    ended: &Ended,
    took: Duration,
    saved: &HashMap<String, i64>,
) -> Result<(), String> {
    if about.is_limited && took > about.timeout + LATE {
        return Err(format!("it took {took:?}, with a time limit of {:?}", about.timeout));
    }
    match (&step.error, ended) {
        (None, Ok(given)) => check_given(step, given, saved),
        (None, Err(fault)) => Err(format!("it failed: {}", fault.shown)),
        (Some(kind), Ok(given)) => Err(format!("it did not fail with {kind}, it gave {given:?}")),
        (Some(kind), Err(fault)) => check_fault(step, about, kind, fault, took),
    }
}

fn check_fault(step: &Step, about: &About, kind: &str, fault: &Fault, took: Duration) -> Result<(), String> {
    let shown = &fault.shown;
    if fault.kind.name() != kind {
        return Err(format!("it failed with another error than {kind}: {shown}"));
    }
    let op = step.error_op.as_deref().unwrap_or(about.op.word());
    if fault.op != op {
        return Err(format!("its error names the operation `{}` and not `{op}`: {shown}", fault.op));
    }
    let path = step.error_path.as_ref().or(about.path.as_ref());
    if fault.path.as_ref() != path {
        return Err(format!("its error names the path {:?} and not {path:?}: {shown}", fault.path));
    }
    if let Some(part) = &step.error_detail
        && !fault.detail.contains(part)
    {
        return Err(format!("its error's detail lacks `{part}`: {shown}"));
    }
    same("part", step.error_part.as_ref(), fault.part.as_ref())?;
    let is_timeout = fault.kind == ErrorKind::Timeout && about.is_limited;
    if is_timeout && took + EARLY < about.timeout {
        return Err(format!("it timed out after {took:?}, not {:?}", about.timeout));
    }
    Ok(())
}

fn check_given(step: &Step, given: &Given, saved: &HashMap<String, i64>) -> Result<(), String> {
    check_rev(step, given, saved)?;
    check_value(step, given)?;
    check_entries(step, given)?;
    check_revs(step, given, saved)?;
    same("held", step.expect_held.as_ref(), given.held.as_ref())?;
    let change = given.change.map(|change| match change {
        Change::Set => "set".to_owned(),
        Change::Del => "del".to_owned(),
    });
    same("path", step.expect_path.as_ref(), given.path.as_ref())?;
    same("change", step.expect_change.as_ref(), change.as_ref())?;
    same("len", step.expect_len.as_ref(), given.len.as_ref())
}

fn same<T: PartialEq + std::fmt::Debug>(
    what: &str,
    expected: Option<&T>,
    found: Option<&T>,
) -> Result<(), String> {
    match expected {
        Some(expected) if found != Some(expected) => Err(format!("{what}: {found:?} and not {expected:?}")),
        _ => Ok(()),
    }
}

fn check_rev(step: &Step, given: &Given, saved: &HashMap<String, i64>) -> Result<(), String> {
    let resolve = |rev: &Option<Rev>| rev.as_ref().map(|rev| rev.resolve(saved)).transpose();
    same("revision", resolve(&step.expect_rev)?.as_ref(), given.rev.as_ref())?;
    match (resolve(&step.expect_rev_above)?, given.rev) {
        (Some(least), rev) if rev.is_none_or(|rev| rev <= least) => {
            Err(format!("revision: {rev:?} and nothing above {least}"))
        }
        _ => Ok(()),
    }
}

fn check_revs(step: &Step, given: &Given, saved: &HashMap<String, i64>) -> Result<(), String> {
    let resolve = |text: &String| text.split_whitespace().map(|word| txn::rev(word, saved)).collect();
    let expected: Option<Vec<i64>> = step.expect_revs.as_ref().map(resolve).transpose()?;
    same("revisions", expected.as_ref(), given.revs.as_ref())
}

fn check_value(step: &Step, given: &Given) -> Result<(), String> {
    if step.expect_missing && (given.value != Some(None) || given.rev != Some(0)) {
        return Err(format!("it is not missing: {}, revision {:?}", shown(given.value.as_ref()), given.rev));
    }
    let hex = step.expect_hex.as_deref().map(from_hex).transpose()?;
    let text = step.expect_value.clone().map(Bytes::from);
    let expected = text.or(hex).or(step.expect_size.map(sized));
    if expected.is_some() && given.value.as_ref() != Some(&expected) {
        return Err(format!("value: {} and not {}", shown(given.value.as_ref()), shown(Some(&expected))));
    }
    Ok(())
}

fn check_entries(step: &Step, given: &Given) -> Result<(), String> {
    let words = |text: &Option<String>| -> Option<Vec<String>> {
        text.as_ref().map(|text| text.split_whitespace().map(str::to_owned).collect())
    };
    same("names", words(&step.expect_names).as_ref(), given.names.as_ref())?;
    let values = words(&step.expect_values);
    let values =
        values.map(|values| values.into_iter().map(|value| Some(Bytes::from(value))).collect::<Vec<_>>());
    same("values", values.as_ref(), given.values.as_ref())?;
    let has_values = given.values.iter().flatten().any(Option::is_some);
    if step.r#do == Do::List && step.keys_only && has_values {
        return Err("values came, although only the paths were asked for".to_owned());
    }
    same("count", step.expect_count.as_ref(), given.names.as_ref().map(Vec::len).as_ref())
}

/// The value of `value_size` and `expect_size`.
pub(crate) fn sized(len: usize) -> Bytes {
    Bytes::from(vec![b'x'; len])
}

/// The value of `value_hex` and `expect_hex`.
pub(crate) fn from_hex(text: &str) -> Result<Bytes, String> {
    let wrong = || format!("`{text}` is not pairs of hex digits");
    let digits: Option<Vec<u32>> = text.chars().map(|digit| digit.to_digit(16)).collect();
    let digits = digits.filter(|digits| digits.len().is_multiple_of(2)).ok_or_else(wrong)?;
    Ok(digits.chunks(2).map(|pair| (pair[0] * 16 + pair[1]) as u8).collect())
}

/// A value, as far as anybody wants to read it.
fn shown(value: Option<&Option<Bytes>>) -> String {
    match value {
        None => "no value".to_owned(),
        Some(None) => "missing".to_owned(),
        Some(Some(value)) if value.len() > 100 => {
            format!("{} bytes, beginning with {:?}", value.len(), value.slice(..100))
        }
        Some(Some(value)) => format!("{value:?}"),
    }
}
