//! In the end every member has the state that the log comes to, and nothing else.

use std::collections::BTreeMap;

use super::Violation;
use super::log::Log;
use crate::history::{Copy, History};

pub fn check(history: &History, log: &Log<'_>) -> Result<(), Violation> {
    history.copies.iter().try_for_each(|copy| same(copy, log))
}

fn same(copy: &Copy, log: &Log<'_>) -> Result<(), Violation> {
    let Copy { place, rev, files } = copy;
    let mut expected: BTreeMap<&str, (i64, &str)> =
        log.paths().filter_map(|path| Some((path, log.file(path, *rev)?))).collect();
    for (path, at, value) in files {
        let found = (*at, value.as_str());
        let due = expected.remove(path.as_str());
        if due != Some(found) {
            let what = format!("at {rev}, member {place} has {path} {found:?}; the log has {due:?}");
            return Err(Violation::new("members", what).revisions(log.near(path, *rev)));
        }
    }
    match expected.first_key_value() {
        None => Ok(()),
        Some((path, due)) => {
            let what = format!("at {rev}, member {place} has no {path}; the log has {due:?}");
            Err(Violation::new("members", what).revisions(log.near(path, *rev)))
        }
    }
}
