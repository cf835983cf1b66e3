//! Which keys scenarios and steps may have, so that no runner meets one it does not know, or one that means nothing
//! there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use doozer::ErrorKind;
use toml::{Table, Value};

use crate::subset;

/// What a call gives, as the keys that look at it.
const REV: &str = "expect_rev expect_rev_above save";
const FILE: &str = "expect_rev expect_rev_above save expect_value expect_hex expect_size expect_missing";
const STAT: &str = "expect_rev expect_rev_above save expect_len";
const NAMES: &str = "expect_names expect_count";
const ENTRIES: &str = "expect_names expect_values expect_count";
const EVENT: &str =
    "expect_rev expect_rev_above save expect_value expect_hex expect_size expect_path expect_change";
const REVS: &str = "expect_revs save";
const HELD: &str = "expect_held";
const MEMBER: &str = "expect_member";
const NOTHING: &str = "";
/// A call's time limit, its errors, and the client it is made on.
const CALL: &str = "timeout_ms error error_op error_path error_detail error_part repeat";
/// The same where nothing but its error is looked at.
const FAILS: &str = "error error_op error_path error_detail";
const VALUE: [&str; 3] = ["value", "value_hex", "value_size"];
const HOLDS: [&str; 3] = ["lock", "leader", "entered"];

/// `do`, what it needs (`VALUE`, `HELD`: just one of those), what it may have, what it gives. A `*` before what it may have:
/// it is a call, one with a client; `+`: a call without; `!`: one without a time limit; `-`: it can run in the background too.
const STEPS: &[(&str, &str, &str, &str)] = &[
    ("set", "path VALUE rev", "* - fence", REV),
    ("add", "path VALUE", "* -", REV),
    ("del", "path rev", "* - fence", REV),
    ("get", "path", "* - rev", FILE),
    ("rev", "", "* -", REV),
    ("stat", "path", "* - rev", STAT),
    ("getdir", "path", "* - rev", NAMES),
    ("walk", "glob", "* - rev", ENTRIES),
    ("list", "glob", "* - rev limit keys_only", ENTRIES),
    ("wait", "glob rev", "* -", EVENT),
    ("watch", "glob rev stream", "client", NOTHING),
    ("config", "path stream", "client", NOTHING),
    ("follow", "glob stream", "client rev", NOTHING),
    ("observe", "path stream", "client", NOTHING),
    (
        "next",
        "stream",
        "+ -",
        "expect_missing expect_rev expect_rev_above save expect_value expect_hex expect_size expect_path expect_change",
    ),
    ("close_stream", "stream", "", NOTHING),
    ("nop", "", "* -", NOTHING),
    ("self", "", "* -", MEMBER),
    ("access", "secret", "* -", NOTHING),
    ("rollback", "path rev", "* -", REV),
    ("txn", "txn", "* -", REVS),
    ("lock", "path lock", "* -", REV),
    ("try_lock", "path lock", "* -", REV),
    ("read_lock", "path lock", "* -", REV),
    ("write_lock", "path lock", "* -", REV),
    ("semaphore", "path n lock", "* -", REV),
    ("unlock", "lock", "- !", NOTHING),
    ("elect", "path VALUE leader", "* -", REV),
    ("proclaim", "leader VALUE", "- !", REV),
    ("resign", "leader", "- !", NOTHING),
    ("lost", "HELD", "+ -", NOTHING),
    ("held", "HELD", "", HELD),
    ("register", "path VALUE registration", "* -", REV),
    ("deregister", "registration", "- !", NOTHING),
    ("discover", "glob live", "* -", NOTHING),
    ("files", "live", "", ENTRIES),
    ("changed", "live", "+ -", ENTRIES),
    ("enter", "path n entered", "* -", NOTHING),
    ("leave", "entered", "+ -", NOTHING),
    ("connect", "client", "+ via secret uri session_ttl_ms session_label", NOTHING),
    ("close", "", "client", NOTHING),
    ("get_local", "path", "+ rev", FILE),
    ("revision", "", "+", REV),
    ("stop", "", "", NOTHING),
    ("start", "", "", NOTHING),
    ("await", "call", "", ""),
    ("cancel", "call", "", NOTHING),
    ("proxy", "command", "", NOTHING),
    ("fork", "", "", NOTHING),
    ("join", "", "", NOTHING),
];

const SCENARIO: &[&str] = &[
    "name",
    "about",
    "via",
    "also_embedded",
    "history",
    "secret",
    "read_secret",
    "listen",
    "durable",
    "step",
];

/// Checks a file: its form, its keys, and that no name in `names` comes again. The names in it are added.
///
/// # Errors
/// The first thing that is wrong.
pub fn check_file(path: &Path, names: &mut BTreeSet<String>) -> Result<(), String> {
    let shown = |why: String| format!("{}: {why}", path.display());
    let text = fs::read_to_string(path).map_err(|error| shown(error.to_string()))?;
    check_text(&text, names).map_err(shown)
}

fn check_text(text: &str, names: &mut BTreeSet<String>) -> Result<(), String> {
    subset::check(text)?;
    let file: Table = toml::from_str(text).map_err(|error| error.to_string())?;
    for scenario in tables(file.get("scenario"))? {
        let name = text_of(scenario, "name")?;
        check_scenario(scenario).map_err(|why| format!("{name}: {why}"))?;
        if !names.insert(name.to_owned()) {
            return Err(format!("{name}: this name comes twice"));
        }
    }
    Ok(())
}

fn check_scenario(scenario: &Table) -> Result<(), String> {
    let name = text_of(scenario, "name")?;
    if !name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-') {
        return Err("a name is of a-z, 0-9 and -".to_owned());
    }
    if !text_of(scenario, "about")?.ends_with('.') {
        return Err("`about` is no sentence".to_owned());
    }
    if let Some(key) = scenario.keys().find(|key| !SCENARIO.contains(&key.as_str())) {
        return Err(format!("no scenario has a `{key}`"));
    }
    if scenario.contains_key("also_embedded") && scenario.contains_key("via") {
        return Err("only what goes over TCP can also go embedded".to_owned());
    }
    let is_doubled = scenario.get("also_embedded").is_some_and(|value| value == &Value::Boolean(true));
    let mut background = BTreeMap::new();
    for (at, step) in tables(scenario.get("step"))?.into_iter().enumerate() {
        check_step(step, &mut background).map_err(|why| format!("step {}: {why}", at + 1))?;
        if is_doubled && step.contains_key("via") {
            return Err(format!("step {}: with `also_embedded`, no step says `via`", at + 1));
        }
    }
    if background.is_empty() { Ok(()) } else { Err(format!("calls that nobody joins: {background:?}")) }
}

/// `background` holds the calls under way, with what they give.
fn check_step(step: &Table, background: &mut BTreeMap<String, &'static str>) -> Result<(), String> {
    let word = text_of(step, "do")?;
    let found = STEPS.iter().find(|(known, ..)| *known == word);
    let (_, needed, may, gives) = found.ok_or_else(|| format!("no step does `{word}`"))?;
    let mut allowed = BTreeSet::from(["do"]);
    for key in needed.split_whitespace() {
        let choices = match key {
            "VALUE" => &VALUE[..],
            "HELD" => &HOLDS,
            _ => &[key],
        };
        if choices.iter().filter(|key| step.contains_key(**key)).count() != 1 {
            return Err(format!("`{word}` needs just one of {choices:?}"));
        }
        allowed.extend(choices);
    }
    let mut gives = *gives;
    if matches!(word, "await" | "cancel") {
        let call = text_of(step, "call")?;
        let given = background.remove(call).ok_or_else(|| format!("no call `{call}` is under way"))?;
        if word == "await" {
            gives = given;
            allowed.extend(FAILS.split_whitespace());
        }
    }
    allowed.extend(gives.split_whitespace());
    for key in may.split_whitespace() {
        match key {
            "*" => allowed.extend(CALL.split_whitespace().chain(["client"])),
            "+" => allowed.extend(CALL.split_whitespace()),
            "!" => allowed.extend(FAILS.split_whitespace()),
            "-" => allowed.extend(["background"]),
            key => allowed.extend([key]),
        }
    }
    if step.contains_key("background") {
        background.insert(text_of(step, "background")?.to_owned(), gives);
        let is_outcome = |key: &str| key.starts_with("error") || key.starts_with("expect_");
        allowed.retain(|key| !is_outcome(key) && !["save", "repeat"].contains(key));
    }
    if let Some(key) = step.keys().find(|key| !allowed.contains(key.as_str())) {
        return Err(format!("`{word}` takes no `{key}` here"));
    }
    check_error(step)
}

fn check_error(step: &Table) -> Result<(), String> {
    let expects = |prefix: &str| step.keys().any(|key| key.starts_with(prefix) || key == "save");
    if !step.contains_key("error") {
        let stray = step.keys().find(|key| key.starts_with("error_"));
        return stray.map_or(Ok(()), |key| Err(format!("`{key}` without `error`")));
    }
    if expects("expect_") {
        return Err("a call that fails gives nothing".to_owned());
    }
    let name = text_of(step, "error")?;
    let is_known = ErrorKind::ALL.iter().any(|kind| kind.name() == name);
    if is_known { Ok(()) } else { Err(format!("no error is called {name}")) }
}

fn tables(value: Option<&Value>) -> Result<Vec<&Table>, String> {
    let array = value.and_then(Value::as_array).ok_or("no [[scenario]], or none with a [[scenario.step]]")?;
    array.iter().map(|value| value.as_table().ok_or_else(|| "not a table".to_owned())).collect()
}

fn text_of<'a>(table: &'a Table, key: &str) -> Result<&'a str, String> {
    table.get(key).and_then(Value::as_str).ok_or_else(|| format!("`{key}`, a string, is needed"))
}
