//! The program that is tried, and what the machine can do for it.

use std::env;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::trouble::Trouble;

/// The doozerd that `DOOZERD` names; else the one beside this program, or the one that was built for release.
pub fn doozerd() -> Result<PathBuf, Trouble> {
    if let Some(named) = env::var_os("DOOZERD") {
        let named = PathBuf::from(named);
        return if named.is_file() { Ok(named) } else { Err(Trouble::NoDoozerd(named)) };
    }
    let beside = env::current_exe().ok().and_then(|own| Some(own.parent()?.join("doozerd")));
    match beside {
        // A test stands one directory further down.
        Some(beside) if beside.is_file() => Ok(beside),
        Some(beside) => {
            let above = beside.parent().and_then(|dir| Some(dir.parent()?.join("doozerd")));
            above.filter(|above| above.is_file()).ok_or(Trouble::NoDoozerd(beside))
        }
        None => Err(Trouble::NoDoozerd(PathBuf::from("doozerd"))),
    }
}

/// What puts a program into a mount namespace of its own, in which it may mount; None if nothing does here. What is mounted
/// there goes with the program.
pub fn own_mounts() -> Option<&'static [&'static str]> {
    const WAYS: [&[&str]; 2] =
        [&["unshare", "--mount"], &["unshare", "--user", "--map-root-user", "--mount"]];
    WAYS.into_iter().find(|way| {
        let mut command = Command::new(way[0]);
        command.args(&way[1..]).args(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", "/tmp"]);
        let ran = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
        ran.is_ok_and(|status| status.success())
    })
}
