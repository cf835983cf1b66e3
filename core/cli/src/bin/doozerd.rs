//! A Doozer member.

use std::process::ExitCode;

fn main() -> ExitCode {
    doozer_cli::doozerd::main()
}
