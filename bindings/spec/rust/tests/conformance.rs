//! Runs the scenarios: `cargo test -p doozer-conformance --test conformance -- [DIRECTORY] [OUTPUT] [PART]`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use doozer_conformance::{load, run};

#[tokio::main]
async fn main() -> ExitCode {
    match conform().await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("conformance: {why}");
            ExitCode::FAILURE
        }
    }
}

/// Whether nothing failed.
async fn conform() -> Result<bool, String> {
    // Options are for the tests that cargo runs with its own harness.
    let mut arguments = std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../conformance");
    let directory = arguments.next().map_or(own, PathBuf::from);
    let (output, part) = (arguments.next(), arguments.next().unwrap_or_default());
    let report = run(&load(&directory)?, &part).await;
    if let Some(output) = output {
        std::fs::write(&output, report.to_string()).map_err(|error| format!("{output}: {error}"))?;
    }
    let (passed, failed, skipped) = report.counts();
    println!("conformance (Rust): {passed} passed, {failed} failed, {skipped} skipped");
    if passed + failed + skipped == 0 {
        return Err(format!("no scenario has `{part}` in its name"));
    }
    Ok(failed == 0)
}
