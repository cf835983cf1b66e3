//! Transactions as they stand in a step.

use std::collections::HashMap;

use doozer::Txn;

use crate::scenario::Rev;

/// Reads one, given the revisions saved so far.
pub(crate) fn parse(text: &str, saved: &HashMap<String, i64>) -> Result<Txn, String> {
    text.lines().try_fold(Txn::new(), |txn, line| part(txn, line, saved))
}

fn part(txn: Txn, line: &str, saved: &HashMap<String, i64>) -> Result<Txn, String> {
    let rev = |word: &str| rev(word, saved);
    let words: Vec<&str> = line.split(' ').collect();
    Ok(match words[..] {
        ["if_rev", path, at] => txn.if_rev(path, rev(at)?),
        ["if_value", path, value] => txn.if_value(path, value.to_owned()),
        ["if_absent", path] => txn.if_absent(path),
        ["if_fence", path, token] => txn.if_fence(path, rev(token)?),
        ["set", path, value, at] => txn.set(path, value.to_owned(), rev(at)?),
        ["set_ephemeral", path, value, at] => txn.set_ephemeral(path, value.to_owned(), rev(at)?),
        ["del", path, at] => txn.del(path, rev(at)?),
        _ => return Err(format!("`{line}` is no part of a transaction")),
    })
}

/// A word that is a revision.
pub(crate) fn rev(word: &str, saved: &HashMap<String, i64>) -> Result<i64, String> {
    word.parse().or_else(|_| Rev::Saved(word.to_owned()).resolve(saved))
}
