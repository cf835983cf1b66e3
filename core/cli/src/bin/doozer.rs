//! The Doozer client for shells.

use std::process::ExitCode;

fn main() -> ExitCode {
    doozer_cli::doozer::main()
}
