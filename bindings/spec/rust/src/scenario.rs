//! Scenarios and steps as they stand in the files.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// A scenario of a file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Its name, unique over all files.
    pub name: String,
    /// What it shows.
    pub about: String,
    #[serde(default)]
    pub(crate) via: Via,
    #[serde(default)]
    pub(crate) also_embedded: bool,
    pub(crate) history: Option<u64>,
    pub(crate) secret: Option<String>,
    pub(crate) read_secret: Option<String>,
    #[serde(default = "yes")]
    pub(crate) listen: bool,
    #[serde(default)]
    pub(crate) durable: bool,
    #[serde(rename = "step")]
    pub(crate) steps: Vec<Step>,
    /// The file it stands in.
    #[serde(skip)]
    pub file: PathBuf,
}

fn yes() -> bool {
    true
}

/// How a client reaches the member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Via {
    #[default]
    Tcp,
    Proxy,
    Embedded,
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Do {
    Set,
    Add,
    Del,
    Get,
    Rev,
    Stat,
    Getdir,
    Walk,
    List,
    Wait,
    Watch,
    Config,
    Follow,
    Observe,
    Next,
    CloseStream,
    Nop,
    #[serde(rename = "self")]
    SelfId,
    Access,
    Rollback,
    Txn,
    Lock,
    TryLock,
    ReadLock,
    WriteLock,
    Semaphore,
    Unlock,
    Elect,
    Proclaim,
    Resign,
    Lost,
    Held,
    Register,
    Deregister,
    Discover,
    Files,
    Changed,
    Enter,
    Leave,
    Connect,
    Close,
    GetLocal,
    Revision,
    Stop,
    Start,
    Await,
    Cancel,
    Proxy,
    Fork,
    Join,
}

/// A revision: a number, or one that was saved, with an offset.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(crate) enum Rev {
    Number(i64),
    Saved(String),
}

/// A step with whatever keys it has; [`crate::check_file`] says which it may have.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    pub r#do: Do,
    pub client: Option<String>,
    pub path: Option<String>,
    pub glob: Option<String>,
    pub value: Option<String>,
    pub value_hex: Option<String>,
    pub value_size: Option<usize>,
    pub rev: Option<Rev>,
    pub limit: Option<u64>,
    #[serde(default)]
    pub keys_only: bool,
    pub stream: Option<String>,
    pub lock: Option<String>,
    pub leader: Option<String>,
    pub registration: Option<String>,
    pub live: Option<String>,
    pub entered: Option<String>,
    pub n: Option<usize>,
    pub txn: Option<String>,
    pub fence: Option<String>,
    pub call: Option<String>,
    pub secret: Option<String>,
    pub via: Option<Via>,
    pub uri: Option<String>,
    pub session_ttl_ms: Option<u64>,
    pub session_label: Option<String>,
    pub command: Option<String>,
    pub timeout_ms: Option<u64>,
    pub repeat: Option<u64>,
    pub save: Option<String>,
    pub background: Option<String>,
    pub expect_value: Option<String>,
    pub expect_hex: Option<String>,
    pub expect_size: Option<usize>,
    #[serde(default)]
    pub expect_missing: bool,
    pub expect_rev: Option<Rev>,
    pub expect_rev_above: Option<Rev>,
    pub expect_path: Option<String>,
    pub expect_change: Option<String>,
    pub expect_len: Option<u64>,
    pub expect_names: Option<String>,
    pub expect_values: Option<String>,
    pub expect_count: Option<usize>,
    pub expect_revs: Option<String>,
    pub expect_held: Option<bool>,
    #[serde(default)]
    pub expect_member: bool,
    pub error: Option<String>,
    pub error_op: Option<String>,
    pub error_path: Option<String>,
    pub error_detail: Option<String>,
    pub error_part: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    scenario: Vec<Scenario>,
}

impl Do {
    /// Its word in the files, which is also the operation that errors name.
    pub fn word(self) -> &'static str {
        match self {
            Do::Set => "set",
            Do::Add => "add",
            Do::Del => "del",
            Do::Get => "get",
            Do::Rev => "rev",
            Do::Stat => "stat",
            Do::Getdir => "getdir",
            Do::Walk => "walk",
            Do::List => "list",
            Do::Wait => "wait",
            Do::Watch => "watch",
            Do::Config => "config",
            Do::Follow => "follow",
            Do::Observe => "observe",
            Do::Next => "next",
            Do::CloseStream => "close_stream",
            Do::Nop => "nop",
            Do::SelfId => "self",
            Do::Access => "access",
            Do::Rollback => "rollback",
            Do::Txn => "txn",
            Do::Lock => "lock",
            Do::TryLock => "try_lock",
            Do::ReadLock => "read_lock",
            Do::WriteLock => "write_lock",
            Do::Semaphore => "semaphore",
            Do::Unlock => "unlock",
            Do::Elect => "elect",
            Do::Proclaim => "proclaim",
            Do::Resign => "resign",
            Do::Lost => "lost",
            Do::Held => "held",
            Do::Register => "register",
            Do::Deregister => "deregister",
            Do::Discover => "discover",
            Do::Files => "files",
            Do::Changed => "changed",
            Do::Enter => "enter",
            Do::Leave => "leave",
            Do::Connect => "connect",
            Do::Close => "close",
            Do::GetLocal => "get_local",
            Do::Revision => "revision",
            Do::Stop => "stop",
            Do::Start => "start",
            Do::Await => "await",
            Do::Cancel => "cancel",
            Do::Proxy => "proxy",
            Do::Fork => "fork",
            Do::Join => "join",
        }
    }
}

impl Scenario {
    /// The scenario as it is run a second time, if it is: with the embedded client.
    pub(crate) fn embedded(&self) -> Option<Scenario> {
        let name = format!("{}@embedded", self.name);
        self.also_embedded.then(|| Scenario { name, via: Via::Embedded, ..self.clone() })
    }
}

impl Step {
    /// The name of what it keeps, or of what it is done with.
    pub fn kept(&self) -> Option<&String> {
        let names = [&self.lock, &self.leader, &self.registration, &self.live, &self.entered];
        names.into_iter().flatten().next()
    }

    /// The step as it is in round `i` of a repetition.
    pub fn round(&self, i: u64) -> Step {
        let mut step = self.clone();
        let texts = [
            &mut step.path,
            &mut step.glob,
            &mut step.value,
            &mut step.expect_value,
            &mut step.expect_path,
            &mut step.error_path,
        ];
        for text in texts.into_iter().flatten() {
            *text = text.replace("{i}", &i.to_string());
        }
        for rev in [&mut step.rev, &mut step.expect_rev, &mut step.expect_rev_above].into_iter().flatten() {
            if let Rev::Saved(text) = rev {
                *text = text.replace("{i}", &i.to_string());
            }
        }
        step
    }
}

impl Rev {
    /// The number, given the revisions saved so far.
    pub fn resolve(&self, saved: &HashMap<String, i64>) -> Result<i64, String> {
        let text = match self {
            Rev::Number(number) => return Ok(*number),
            Rev::Saved(text) => text,
        };
        let at = text.find(['+', '-']).unwrap_or(text.len());
        let (name, offset) = text.split_at(at);
        let base = saved.get(name).ok_or_else(|| format!("no revision was saved as `{name}`"))?;
        let offset = if offset.is_empty() { Ok(0) } else { offset.parse::<i64>() };
        let offset = offset.map_err(|_| format!("`{text}` is not NAME, NAME+N or NAME-N"))?;
        base.checked_add(offset).ok_or_else(|| format!("`{text}` is out of range"))
    }
}

/// The scenarios of all `*.toml` files in a directory, in the order of the files' names.
///
/// # Errors
/// What is wrong, and in which file.
pub fn load(directory: &Path) -> Result<Vec<Scenario>, String> {
    let mut scenarios = Vec::new();
    for path in files(directory)? {
        let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let File { scenario } =
            toml::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
        scenarios.extend(scenario.into_iter().map(|scenario| Scenario { file: path.clone(), ..scenario }));
    }
    Ok(scenarios)
}

/// The `*.toml` files of a directory, in the order of their names.
pub(crate) fn files(directory: &Path) -> Result<Vec<PathBuf>, String> {
    let shown = |error| format!("{}: {error}", directory.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).map_err(shown)? {
        let path = entry.map_err(shown)?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(format!("{}: there are no scenarios (*.toml)", directory.display()));
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revisions_are_numbers_or_saved_ones_with_an_offset() {
        let saved = HashMap::from([("a".to_owned(), 7)]);
        let of = |text: &str| Rev::Saved(text.to_owned()).resolve(&saved);
        assert_eq!(Rev::Number(-1).resolve(&saved), Ok(-1));
        assert_eq!([of("a"), of("a+1"), of("a-10")], [Ok(7), Ok(8), Ok(-3)]);
        for wrong in ["b", "a+", "a*2", "a+1+1", "", "+1", "a+9223372036854775807"] {
            assert!(of(wrong).is_err(), "{wrong}");
        }
    }
}
