//! Writes the files made from `proto` and `errors.toml`, or checks that they are fresh.
//! Nothing that a normal build needs belongs here: what it writes is committed.
//!
//! `cargo run -p doozer-wire-generate` rewrites them; with `-- --check` nothing is written, each stale file is named,
//! and the exit status is 1 if there is any.

mod hosts;
mod kinds;
mod messages;
mod page;
mod table;

use std::error::Error;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

/// Whatever goes wrong is for a person to read: nobody handles this program's errors by kind.
type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// A generated file: where it stands below the repository's root, and what it holds.
struct Output {
    path: &'static str,
    text: String,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let check = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => false,
        ["--check"] => true,
        _ => {
            eprintln!("usage: doozer-wire-generate [--check]");
            return ExitCode::from(2);
        }
    };
    match run(check) {
        Ok(status) => status,
        Err(error) => {
            eprintln!("doozer-wire-generate: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(check: bool) -> Result<ExitCode> {
    let root = root();
    let mut stale = 0;
    for output in generate(&root)? {
        let path = root.join(output.path);
        if fs::read_to_string(&path).is_ok_and(|old| old == output.text) {
            continue;
        }
        stale += 1;
        if check {
            println!("stale: {}", output.path);
        } else {
            fs::write(&path, output.text).map_err(|error| format!("{}: {error}", path.display()))?;
            println!("wrote: {}", output.path);
        }
    }
    if check && stale > 0 {
        println!("run `cargo run -p doozer-wire-generate` and commit what it writes");
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

fn generate(root: &Path) -> Result<Vec<Output>> {
    let wire = root.join("core/wire");
    let compile = |name| messages::compile(&wire.join("proto"), name);
    let rust = |name, files| rustfmt(root, &messages::rust(name, files)?);
    let files = compile("doozer.proto")?;
    let table = table::Table::read(&wire.join("errors.toml"))?;
    table.check(&messages::error_codes(&files)?)?;
    Ok(vec![
        Output { path: "core/wire/src/generated/doozer.rs", text: rust("doozer.proto", files)? },
        Output { path: "core/wire/src/generated/peer.rs", text: rust("peer.proto", compile("peer.proto")?)? },
        Output { path: "core/wire/src/generated/errors.rs", text: rustfmt(root, &kinds::rust(&table))? },
        Output { path: "docs/errors.md", text: page::markdown(&table) },
        Output { path: "ffi/c/src/code.rs", text: rustfmt(root, &hosts::c(&table))? },
        Output { path: "bindings/python/python/doozer/_errors.py", text: hosts::python(&table) },
        Output { path: "bindings/ruby/lib/doozer/errors.rb", text: hosts::ruby(&table) },
        Output { path: "bindings/ruby/sig/doozer/errors.rbs", text: hosts::ruby_types(&table) },
        Output { path: "bindings/node/lib/errors.cjs", text: hosts::node(&table) },
        Output { path: "bindings/node/lib/errors.d.cts", text: hosts::node_types(&table) },
    ])
}

/// The repository's root, wherever the program was started from.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().skip(3).take(1).collect()
}

/// The text as `cargo fmt` would leave it: a generated file must pass the same check as a written one.
fn rustfmt(root: &Path, text: &str) -> Result<String> {
    let mut child = Command::new("rustfmt")
        .args(["--edition", "2024", "--emit", "stdout", "--config-path"])
        .arg(root)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("rustfmt cannot be started: {error}"))?;
    // rustfmt reads all of its input before it writes, so writing everything first cannot block.
    child.stdin.take().ok_or("rustfmt has no input")?.write_all(text.as_bytes())?;
    let output = child.wait_with_output()?;
    if !output.status.success() {
        return Err(format!("rustfmt failed: {}", output.status).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_files_are_fresh() {
        for output in generate(&root()).unwrap() {
            let committed = fs::read_to_string(root().join(output.path)).unwrap();
            assert!(committed == output.text, "{} is stale", output.path);
        }
    }
}
