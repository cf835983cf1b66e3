//! The table of error kinds, read from `errors.toml` and checked against its own rules.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;

use crate::Result;

/// Numbers below are the original's, and equal its `err_code`.
const OURS_START: u32 = 200;

/// All of `errors.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    pub retry: Retry,
    #[serde(rename = "error")]
    pub errors: Vec<Kind>,
}

/// What each word of the column `retry` means.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Retry {
    pub never: String,
    pub after_change: String,
    pub safe: String,
    pub unknown: String,
}

/// One kind of error.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kind {
    pub number: u32,
    pub kind: String,
    pub name: String,
    pub wire: String,
    pub from: From,
    pub retry: Word,
    pub meaning: String,
    pub remedy: String,
}

/// Who says it.
#[derive(Deserialize, Clone, Copy, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum From {
    Member,
    Client,
    Either,
}

/// Whether a retry can help.
#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "kebab-case")]
pub enum Word {
    Never,
    AfterChange,
    Safe,
    Unknown,
}

impl Word {
    pub const ALL: [Word; 4] = [Word::Never, Word::AfterChange, Word::Safe, Word::Unknown];

    /// As the table and the page write it.
    pub fn text(self) -> &'static str {
        match self {
            Word::Never => "never",
            Word::AfterChange => "after-change",
            Word::Safe => "safe",
            Word::Unknown => "unknown",
        }
    }

    /// As Rust writes it.
    pub fn variant(self) -> &'static str {
        match self {
            Word::Never => "Never",
            Word::AfterChange => "AfterChange",
            Word::Safe => "Safe",
            Word::Unknown => "Unknown",
        }
    }
}

impl Retry {
    pub fn meaning(&self, word: Word) -> &str {
        match word {
            Word::Never => &self.never,
            Word::AfterChange => &self.after_change,
            Word::Safe => &self.safe,
            Word::Unknown => &self.unknown,
        }
    }
}

impl Kind {
    pub fn is_original(&self) -> bool {
        self.number < OURS_START
    }
}

impl Table {
    pub fn read(path: &Path) -> Result<Table> {
        let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(toml::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?)
    }

    /// Numbers ascend, so that one given twice or a kind put in the wrong place is seen; names are unique; and the
    /// original's kinds are exactly those of `codes`, under the same numbers.
    pub fn check(&self, codes: &BTreeMap<String, u32>) -> Result<()> {
        let (mut kinds, mut names, mut last) = (BTreeSet::new(), BTreeSet::new(), 0);
        for kind in &self.errors {
            let fault = if kind.number <= last {
                "the numbers must ascend"
            } else if !kinds.insert(&kind.kind) || !names.insert(&kind.name) {
                "its kind or name stands there twice"
            } else if kind.is_original()
                && (kind.wire != kind.name || codes.get(&kind.name) != Some(&kind.number))
            {
                "it is not the same in enum ErrCode"
            } else if !kind.is_original() && kind.wire != "OTHER" {
                "a kind of ours must travel as OTHER"
            } else {
                last = kind.number;
                continue;
            };
            return Err(format!("errors.toml, {} {}: {fault}", kind.number, kind.kind).into());
        }
        match codes.keys().find(|code| !names.contains(code)) {
            Some(code) => Err(format!("errors.toml lacks {code} of enum ErrCode").into()),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the rules say to a table of these kinds, where the original had RANGE 8 and OTHER 127.
    fn check(kinds: &[(u32, &str, &str)]) -> String {
        let errors = kinds.iter().map(|&(number, name, wire)| Kind {
            number,
            kind: name.to_lowercase(),
            name: name.to_owned(),
            wire: wire.to_owned(),
            from: From::Member,
            retry: Word::Never,
            meaning: String::new(),
            remedy: String::new(),
        });
        let word = String::new;
        let retry = Retry { never: word(), after_change: word(), safe: word(), unknown: word() };
        let codes = [("RANGE".to_owned(), 8), ("OTHER".to_owned(), 127)].into();
        let verdict = Table { retry, errors: errors.collect() }.check(&codes);
        verdict.err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn each_rule_is_kept() {
        let (range, other) = ((8, "RANGE", "RANGE"), (127, "OTHER", "OTHER"));
        assert_eq!(check(&[range, other, (200, "NEW", "OTHER")]), "");
        let broken = [
            (vec![range, other, (200, "NEW", "OTHER"), (200, "NEWER", "OTHER")], "ascend"),
            (vec![range, other, (200, "NEW", "OTHER"), (201, "NEW", "OTHER")], "twice"),
            (vec![range, other, (200, "NEW", "NEW")], "must travel as OTHER"),
            (vec![(7, "RANGE", "RANGE"), other], "not the same in enum ErrCode"),
            (vec![range, (9, "NEW", "NEW"), other], "not the same in enum ErrCode"),
            (vec![(8, "RANGE", "OTHER"), other], "not the same in enum ErrCode"),
            (vec![range], "lacks OTHER"),
        ];
        for (kinds, fault) in broken {
            assert!(check(&kinds).contains(fault), "{kinds:?}: {}", check(&kinds));
        }
    }
}
