//! The store once more, as plainly as possible: a full copy of the tree for every revision.

mod sessions;

pub use sessions::{Kept, lock, revision};

use doozer_store::{MAX_VALUE, Mode, Outcome, Refusal, Revision, SESSION_BYTES, SESSIONS, Setting, validate};
use std::collections::{BTreeMap, BTreeSet};

/// From the names of a path to revision and value. Vectors of names sort as trees are walked.
pub type Tree = BTreeMap<Vec<String>, (u64, Vec<u8>)>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub rev: u64,
    pub path: String,
    pub value: Option<Vec<u8>>,
}

#[derive(Clone)]
pub struct Watch {
    pub glob: String,
    pub from: u64,
    pub mode: Mode,
    pub token: u64,
}

#[derive(Clone)]
pub struct Model {
    /// The tree after each change; the first one is empty.
    pub trees: Vec<Tree>,
    pub changes: Vec<Change>,
    pub watches: Vec<Watch>,
    pub pins: Vec<u64>,
    /// What a running snapshot holds.
    pub held: Option<u64>,
    pub first: u64,
    pub kept: Kept,
    revisions_max: u64,
}

pub fn names(path: &str) -> Vec<String> {
    path.split('/').skip(1).map(str::to_owned).collect()
}

pub fn text(names: &[String]) -> String {
    names.iter().map(|name| format!("/{name}")).collect()
}

impl Model {
    pub fn new(revisions_max: u64) -> Self {
        let trees = vec![Tree::new()];
        let (changes, watches, pins, kept) = (vec![], vec![], vec![], Kept::default());
        Self { trees, changes, watches, pins, held: None, first: 1, kept, revisions_max }
    }

    pub fn revision(&self) -> u64 {
        self.changes.len() as u64
    }

    pub fn now(&self) -> &Tree {
        &self.trees[self.changes.len()]
    }

    pub fn set(&mut self, path: &str, rev: i64, value: &[u8]) -> Outcome {
        if let Err(error) = validate(path.as_bytes()) {
            return Outcome::Refused(Refusal::BadPath(error));
        }
        let bad_value = value_refusal(self.now(), path, value);
        let refusal = if bad_value.is_some() {
            bad_value
        } else if below_file(self.now(), path) {
            Some(Refusal::NotDir)
        } else if rev != -1 && rev < present(self.now(), path) {
            Some(Refusal::RevMismatch)
        } else {
            is_directory(self.now(), path).then_some(Refusal::IsDir)
        };
        if let Some(refusal) = refusal {
            return Outcome::Refused(refusal);
        }
        Outcome::Set(self.change(path, Some(value)))
    }

    pub fn del(&mut self, path: &str, rev: i64) -> Outcome {
        if let Err(error) = validate(path.as_bytes()) {
            Outcome::Refused(Refusal::BadPath(error))
        } else if rev != -1 && rev < present(self.now(), path) {
            Outcome::Refused(Refusal::RevMismatch)
        } else if is_directory(self.now(), path) {
            Outcome::Refused(Refusal::IsDir)
        } else if self.now().contains_key(&names(path)) {
            Outcome::Deleted(self.change(path, None))
        } else {
            Outcome::Absent
        }
    }

    fn change(&mut self, path: &str, value: Option<&[u8]>) -> Revision {
        let rev = self.revision() + 1;
        let mut tree = self.now().clone();
        match value {
            Some(value) => tree.insert(names(path), (rev, value.to_vec())),
            None => tree.remove(&names(path)),
        };
        self.trees.push(tree);
        self.kept.bound.remove(path);
        self.changes.push(Change { rev, path: path.to_owned(), value: value.map(<[u8]>::to_vec) });
        self.trim();
        Revision(rev)
    }

    /// What a limit on the number of revisions drops, but for the pins.
    pub fn trim(&mut self) {
        let pinned = self.pins.iter().copied().chain(self.held).min().unwrap_or(u64::MAX);
        let wanted = (self.revision() + 1).saturating_sub(self.revisions_max);
        self.first = self.first.max(wanted.min(pinned));
    }

    /// The tokens of the watches that the changes after `rev` concern, with the revisions.
    pub fn fire(&mut self, rev: u64) -> Vec<(u64, u64)> {
        let mut fired = Vec::new();
        for change in &self.changes[rev as usize..] {
            self.watches.retain(|watch| {
                let hit = watch.from <= change.rev && glob_matches(&watch.glob, &change.path);
                if hit {
                    fired.push((change.rev, watch.token));
                }
                !hit || watch.mode == Mode::Stream
            });
        }
        fired
    }
}

fn number(setting: &Setting, value: &[u8]) -> Option<usize> {
    let number: usize = std::str::from_utf8(value).ok()?.parse().ok()?;
    let is_allowed = number.to_string().as_bytes() == value && (setting.min..=setting.max).contains(&number);
    is_allowed.then_some(number)
}

/// What a setting says.
pub fn limit(tree: &Tree, setting: &Setting) -> usize {
    let file = tree.get(&names(setting.path));
    file.and_then(|(_, value)| number(setting, value)).unwrap_or(setting.default)
}

fn value_refusal(tree: &Tree, path: &str, value: &[u8]) -> Option<Refusal> {
    for setting in [&MAX_VALUE, &SESSIONS, &SESSION_BYTES] {
        if path == setting.path {
            return number(setting, value).is_none().then_some(Refusal::BadSetting(setting));
        }
    }
    let (size, limit) = (value.len(), limit(tree, &MAX_VALUE));
    let names_a_voter = path.starts_with("/ctl/cal/") && size <= 64;
    (size > limit && !names_a_voter).then_some(Refusal::TooLarge { size, limit })
}

fn present(tree: &Tree, path: &str) -> i64 {
    if is_directory(tree, path) {
        return -2;
    }
    tree.get(&names(path)).map_or(0, |(rev, _)| *rev as i64)
}

fn below_file(tree: &Tree, path: &str) -> bool {
    let names = names(path);
    (1..names.len()).any(|n| tree.contains_key(&names[..n]))
}

pub fn is_directory(tree: &Tree, path: &str) -> bool {
    path == "/"
        || (path.starts_with('/') && tree.keys().any(|file| text(file).starts_with(&format!("{path}/"))))
}

pub fn entries(tree: &Tree, path: &str) -> Vec<String> {
    let depth = if path == "/" { 0 } else { names(path).len() };
    let dir = if path == "/" { vec![] } else { names(path) };
    let below = tree.keys().filter(|file| file.len() > depth && file.starts_with(&dir));
    below.map(|file| file[depth].clone()).collect::<BTreeSet<_>>().into_iter().collect()
}

pub fn glob_matches(glob: &str, path: &str) -> bool {
    let (glob, path): (Vec<_>, Vec<_>) = (glob.chars().collect(), path.chars().collect());
    glob_rest(&glob, &path)
}

fn glob_rest(glob: &[char], path: &[char]) -> bool {
    match (glob, path) {
        ([], _) => path.is_empty(),
        (['*', '*', rest @ ..], _) => (0..=path.len()).any(|n| glob_rest(rest, &path[n..])),
        (['*', rest @ ..], _) => {
            let name = path.iter().position(|c| *c == '/').unwrap_or(path.len());
            (0..=name).any(|n| glob_rest(rest, &path[n..]))
        }
        (['?', rest @ ..], [c, below @ ..]) => *c != '/' && glob_rest(rest, below),
        ([x, rest @ ..], [c, below @ ..]) => x == c && glob_rest(rest, below),
        _ => false,
    }
}
