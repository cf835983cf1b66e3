//! What a run of `doozer bench` says, and leaves.

use serde_json::Value;

use super::{Ended, Member};

/// The files that are not the cluster's own.
pub fn files(member: &Member) -> String {
    let all = member.run("find /").stdout;
    all.lines().filter(|path| *path != "/" && !path.starts_with("/ctl")).collect()
}

/// The figures of a run that went well and had nothing to complain of.
#[track_caller]
pub fn figures(ended: &Ended) -> Value {
    assert_eq!((ended.status, &*ended.stderr), (Some(0), ""), "{ended:?}");
    serde_json::from_str(&ended.stdout).unwrap()
}
