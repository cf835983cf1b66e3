//! Who is in the cluster: as its files say, and as each member answers for itself.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

use doozer_client::{Client, Options, Status};
use doozer_wire::Uri;
use serde::Serialize;
use tokio::task::JoinSet;

use super::failure::Failure;

/// How long a member may take to answer for itself.
const PATIENCE: Duration = Duration::from_secs(1);

/// One member. What it does not say itself is absent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Member {
    /// Its place among the voters, the name of its file under `/ctl/cal`.
    slot: Option<String>,
    member: String,
    address: String,
    role: Option<String>,
    revision: Option<i64>,
    /// Revisions that another member has and it does not.
    behind: Option<i64>,
    /// `ok`, or why it does not answer.
    health: String,
}

/// All members that the cluster's files name at the revision of `own`, whatever the cluster can do now.
pub(super) async fn members(
    client: &Client,
    uri: &str,
    options: Options,
    own: &Status,
) -> Result<Vec<Member>, Failure> {
    let at = Some(own.revision);
    let mut slots = BTreeMap::new();
    for file in client.walk("/ctl/cal/*", at).await? {
        if let Some(value) = file.value.filter(|value| !value.is_empty()) {
            slots.insert(text(&value), name(&file.path, 3).to_owned());
        }
    }
    let mut asking = JoinSet::new();
    for file in client.walk("/ctl/node/*/addr", at).await? {
        let id = name(&file.path, 3).to_owned();
        let address = text(&file.value.unwrap_or_default());
        let slot = slots.remove(&id);
        let known = (id == own.member).then(|| own.clone());
        let (options, secret) = (options.clone(), uri.parse::<Uri>().ok().and_then(|uri| uri.secret));
        asking.spawn(async move {
            let options = Options { timeout: Some(PATIENCE), connect_timeout: PATIENCE, secret, ..options };
            let said = match known {
                Some(status) => Ok(status),
                None => ask(&address, options, &id).await,
            };
            let (role, revision, health) = match said {
                Ok(status) => (Some(status.role), Some(status.revision), "ok".to_owned()),
                Err(why) => (None, None, why),
            };
            Member { slot, member: id, address, role, revision, behind: None, health }
        });
    }
    let mut members = asking.join_all().await;
    // A voter of which no address is written is one that nobody can ask.
    members.extend(slots.into_iter().map(|(member, slot)| Member {
        slot: Some(slot),
        member,
        address: String::new(),
        role: None,
        revision: None,
        behind: None,
        health: "it has written no address".to_owned(),
    }));
    let newest = members.iter().filter_map(|member| member.revision).max();
    for member in &mut members {
        member.behind = newest.zip(member.revision).map(|(newest, revision)| newest - revision);
    }
    members
        .sort_by(|a, b| (a.slot.is_none(), &a.slot, &a.member).cmp(&(b.slot.is_none(), &b.slot, &b.member)));
    Ok(members)
}

async fn ask(address: &str, options: Options, id: &str) -> Result<Status, String> {
    let asked = async { Client::open(address, options).await?.status().await };
    match asked.await {
        Ok(status) if status.member == id => Ok(status),
        Ok(status) => Err(format!("{} is there now", status.member)),
        Err(error) => Err(error.detail().to_owned()),
    }
}

/// A line for each member, under a line of headings.
pub(super) fn table(members: &[Member], out: &mut dyn Write) -> io::Result<()> {
    let shown = |number: Option<i64>| number.map_or_else(|| "-".to_owned(), |number| number.to_string());
    let mut rows =
        vec![["slot", "member", "address", "role", "revision", "behind", "health"].map(str::to_owned)];
    rows.extend(members.iter().map(|member| {
        let Member { slot, member: id, address, role, revision, behind, health } = member;
        let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        [
            or_dash(slot),
            id.clone(),
            address.clone(),
            or_dash(role),
            shown(*revision),
            shown(*behind),
            health.clone(),
        ]
    }));
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..7).map(width).collect();
    for row in &rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        writeln!(out, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
    }
    Ok(())
}

/// A part of a path, counted from 1.
fn name(path: &str, part: usize) -> &str {
    path.split('/').nth(part).unwrap_or_default()
}

fn text(value: &[u8]) -> String {
    String::from_utf8_lossy(value).into_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn a_table() {
        let voter = Member {
            slot: Some("0".into()),
            member: "abc".into(),
            address: "10.0.0.1:8046".into(),
            role: Some("proposer".into()),
            revision: Some(12),
            behind: Some(0),
            health: "ok".into(),
        };
        let gone = Member {
            slot: None,
            role: None,
            revision: None,
            behind: None,
            health: "lost".into(),
            ..voter.clone()
        };
        let mut out = Vec::new();
        table(&[voter, gone], &mut out).unwrap();
        let expected = "\
slot  member  address        role      revision  behind  health
0     abc     10.0.0.1:8046  proposer  12        0       ok
-     abc     10.0.0.1:8046  -         -         -       lost
";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
