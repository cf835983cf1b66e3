//! Who is in the cluster: as its files say, and as each member answers for itself.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write};
use std::time::Duration;

use doozer_client::{Client, Error, Options, Status, Uri};
use serde::{Serialize, Serializer};
use tokio::task::JoinSet;

use super::columns::columns;
use super::failure::Failure;
use crate::line::line;

/// How long a member may take to answer for itself.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);

/// What is said of a place for a voter that nobody has taken.
const OPEN: &str = "open: a learner that is ready takes it";

/// One member, or a place for one. What it does not say itself is absent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Member {
    /// Its place among the voters, the name of its file under `/ctl/cal`.
    pub slot: Option<String>,
    /// Absent for a place that nobody has taken.
    pub member: Option<String>,
    pub address: Option<String>,
    pub version: Option<String>,
    pub role: Option<String>,
    pub revision: Option<i64>,
    /// The oldest revision it can still read.
    pub first_revision: Option<i64>,
    /// Revisions that another member has and it does not.
    pub behind: Option<i64>,
    pub health: Standing,
}

/// Of what use a member is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Standing {
    /// It answers, and got a majority to agree on a read: it had everything by then.
    Ok,
    /// It answers and got nobody to agree in time, but it came nearer.
    CatchingUp,
    /// It answers and got nobody to agree in time, and it stood still.
    Stuck,
    /// It answers, and has no room for what it is to keep.
    Full,
    /// It does not answer: why.
    Silent(String),
}

impl Standing {
    pub fn answers(&self) -> bool {
        !matches!(self, Standing::Silent(_))
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Standing::Ok => "ok",
            Standing::CatchingUp => "catching up",
            Standing::Stuck => "no quorum through it",
            Standing::Full => "its disk is full",
            Standing::Silent(why) => why,
        })
    }
}

impl Serialize for Standing {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl Member {
    /// Of which only this is known.
    pub fn silent(slot: Option<String>, member: Option<String>, why: &str) -> Member {
        Member {
            slot,
            member,
            address: None,
            version: None,
            role: None,
            revision: None,
            first_revision: None,
            behind: None,
            health: Standing::Silent(why.to_owned()),
        }
    }

    fn with(self, said: Result<(Status, Standing), String>) -> Member {
        match said {
            Ok((said, health)) => Member {
                version: Some(said.server_version),
                role: Some(said.role),
                revision: Some(said.revision),
                first_revision: Some(said.first_revision),
                health,
                ..self
            },
            Err(why) => Member { health: Standing::Silent(why), ..self },
        }
    }
}

/// All members that the cluster's files name at the revision of `own`, whatever the cluster can do now; and the places
/// for voters that are open. `options` say how long each may take, and hold the secret. How the member stands that `own`
/// is of is left to whoever asked it.
pub(super) async fn members(client: &Client, options: Options, own: &Status) -> Result<Vec<Member>, Failure> {
    let at = Some(own.revision);
    let (mut slots, mut open) = (BTreeMap::new(), Vec::new());
    for file in client.walk("/ctl/cal/*", at).await? {
        let slot = name(&file.path, 3).to_owned();
        match text(&file.value.unwrap_or_default()) {
            id if id.is_empty() => open.push(slot),
            id => drop(slots.insert(id, slot)),
        }
    }
    let mut asking = JoinSet::new();
    for file in client.walk("/ctl/node/*/addr", at).await? {
        let id = name(&file.path, 3).to_owned();
        let address = text(&file.value.unwrap_or_default());
        let member = Member {
            address: Some(address.clone()),
            ..Member::silent(slots.remove(&id), Some(id.clone()), "not asked yet")
        };
        let known = (id == own.member).then(|| own.clone());
        let options = options.clone();
        asking.spawn(async move {
            match known {
                Some(own) => {
                    let standing = if own.disk_full { Standing::Full } else { Standing::Ok };
                    member.with(Ok((own, standing)))
                }
                None => match examine(&address, options).await {
                    Ok((said, _)) if said.member != id => {
                        member.with(Err(format!("{} is there now", said.member)))
                    }
                    said => member.with(said),
                },
            }
        });
    }
    let mut members = asking.join_all().await;
    members.extend(
        slots.into_iter().map(|(id, slot)| Member::silent(Some(slot), Some(id), "it has written no address")),
    );
    members.extend(open.into_iter().map(|slot| Member::silent(Some(slot), None, OPEN)));
    let newest = members.iter().filter_map(|member| member.revision).max();
    for member in &mut members {
        member.behind = newest.zip(member.revision).map(|(newest, revision)| newest - revision);
    }
    members
        .sort_by(|a, b| (a.slot.is_none(), &a.slot, &a.member).cmp(&(b.slot.is_none(), &b.slot, &b.member)));
    Ok(members)
}

/// Asks the member at an address for its status, in so much time.
pub(super) async fn ask(address: &str, options: Options) -> Result<Status, String> {
    let asked = async { Client::open(address, options).await?.status().await };
    asked.await.map_err(|error| why_silent(address, &error))
}

/// The same, and how the member stands. A read that a majority agrees on needs no rights, and is answered by a member
/// that has caught up only: so nothing has to be guessed from how far behind others it is.
async fn examine(address: &str, options: Options) -> Result<(Status, Standing), String> {
    let asked = async {
        let client = Client::open(address, options).await?;
        let said = client.status().await?;
        if said.disk_full {
            // What it still learns it cannot keep: it votes for nothing.
            return Ok((said, Standing::Full));
        }
        if client.rev().await.is_ok() {
            return Ok((said, Standing::Ok));
        }
        let later = client.status().await?;
        let has_moved = later.revision > said.revision;
        Ok((later, if has_moved { Standing::CatchingUp } else { Standing::Stuck }))
    };
    asked.await.map_err(|error| why_silent(address, &error))
}

fn why_silent(address: &str, error: &Error) -> String {
    // Which place was tried stands beside it.
    let why = error.detail();
    let tried = format!("no member can be reached: {address}: ");
    line(&why.strip_prefix(&tried).unwrap_or(why))
}

/// How members are asked about themselves by a program that works with these options.
pub(super) fn quickly(options: Options, uri: &Uri) -> Options {
    let secret = options.secret.clone().or_else(|| uri.secret.clone());
    Options { timeout: Some(PATIENCE), connect_timeout: PATIENCE, secret, ..options }
}

/// A line for each member, under a line of headings.
pub(super) fn table(members: &[Member], out: &mut dyn Write) -> io::Result<()> {
    const HEADINGS: [&str; 9] =
        ["slot", "member", "address", "version", "role", "oldest", "revision", "behind", "health"];
    let mut rows = vec![HEADINGS.map(str::to_owned)];
    rows.extend(members.iter().map(|member| {
        let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        let number = |number: Option<i64>| text(&number.map(|number| number.to_string()));
        [
            text(&member.slot),
            text(&member.member),
            text(&member.address),
            text(&member.version),
            text(&member.role),
            number(member.first_revision),
            number(member.revision),
            number(member.behind),
            member.health.to_string(),
        ]
    }));
    columns(&rows, out)
}

/// A part of a path, counted from 1.
fn name(path: &str, part: usize) -> &str {
    path.split('/').nth(part).unwrap_or_default()
}

pub(super) fn text(value: &[u8]) -> String {
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
            member: Some("abc".into()),
            address: Some("10.0.0.1:8046".into()),
            version: Some("1.2.3".into()),
            role: Some("proposer".into()),
            revision: Some(12),
            first_revision: Some(3),
            behind: Some(0),
            health: Standing::Ok,
        };
        let gone =
            Member { address: voter.address.clone(), ..Member::silent(None, Some("def".into()), "lost") };
        let open = Member::silent(Some("1".into()), None, OPEN);
        let (slot, member) = (Some("2".into()), Some("ghi".into()));
        let stuck = Member { health: Standing::Stuck, slot, member, behind: Some(4), ..voter.clone() };
        let mut out = Vec::new();
        table(&[voter, open, stuck, gone], &mut out).unwrap();
        let expected = "\
slot  member  address        version  role      oldest  revision  behind  health
0     abc     10.0.0.1:8046  1.2.3    proposer  3       12        0       ok
1     -       -              -        -         -       -         -       open: a learner that is ready takes it
2     ghi     10.0.0.1:8046  1.2.3    proposer  3       12        4       no quorum through it
-     def     10.0.0.1:8046  -        -         -       -         -       lost
";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
