//! The transcript that Doozer was first shown with, command by command.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, its helpers too")]

mod common;

use common::Member;

#[test]
fn the_transcript_of_the_talk() {
    let member = Member::with(&[], &[]);
    let first = member.put(b"world", "set /hello 0").rev();
    member.run("get /hello").prints("world");
    let second = member.put(b"WORLD", &format!("set /hello {first}")).rev();
    assert!(second > first, "{second} after {first}");
    member.run(&format!("get /hello {first}")).prints("world");
    member.run("get /hello").prints("WORLD");
    member.put(b"WORLD", "set /hello 0").fails(1, "Error: REV_MISMATCH");
    let third = member.put(b"WORLD", "set /hello 999999").rev();
    assert!(third > second, "{third} after {second}");
    member.stop();
}
