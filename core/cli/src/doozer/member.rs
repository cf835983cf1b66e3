//! Who votes, changed in one step: short forms of what SET and DEL under `/ctl/cal` do. What may be, the cluster says.

use std::io::{self, Write};

use doozer_client::{Client, Uri};
use serde::Serialize;

use super::answers::{Answer, Out};
use super::args::{MemberCommand, Options};
use super::commands::print;
use super::connect::{client_options, uri_of};
use super::failure::Failure;
use super::members::{Member, Standing, members, quickly, table};

/// All members and places.
#[derive(Serialize)]
struct Members {
    members: Vec<Member>,
}

impl Answer for Members {
    fn plain(&self, out: &mut dyn Write) -> io::Result<()> {
        table(&self.members, out)
    }
}

/// What became of a place among the voters.
#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
enum Now {
    Held(String),
    Open,
    Removed,
}

/// A place, and who has it from this revision on.
#[derive(Debug, Serialize)]
struct Changed {
    slot: String,
    now: Now,
    rev: i64,
}

impl Answer for Changed {
    fn plain(&self, out: &mut dyn Write) -> io::Result<()> {
        let Changed { slot, now, rev } = self;
        match now {
            Now::Held(id) => writeln!(out, "slot {slot}: {id}, since revision {rev}"),
            Now::Open => {
                writeln!(out, "slot {slot}: open, since revision {rev}; a learner that is ready takes it")
            }
            Now::Removed => writeln!(out, "slot {slot}: removed, at revision {rev}"),
        }
    }
}

/// What a member that is gone wrote of itself was deleted.
#[derive(Debug, Serialize)]
struct Forgotten {
    member: String,
    files: usize,
}

impl Answer for Forgotten {
    fn plain(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}: {} files of what it wrote of itself deleted", self.member, self.files)
    }
}

pub(super) async fn member(
    options: &Options,
    client: &Client,
    command: MemberCommand,
    out: &mut Out<impl Write>,
) -> Result<(), Failure> {
    let all = all(options, client).await?;
    match command {
        MemberCommand::List => print(out, &Members { members: all }),
        MemberCommand::Add { member: None } => {
            let slot = unused_slot(&all);
            let rev = client.set(&path(&slot), "", 0).await?;
            print(out, &Changed { slot, now: Now::Open, rev })
        }
        MemberCommand::Add { member: Some(whom) } => print(out, &add(client, &all, &whom).await?),
        MemberCommand::Remove { member } => remove(client, find(&all, &member)?, out).await,
        MemberCommand::Replace { member, by } => {
            let gone = find(&all, &member)?;
            let (slot, id) = held(gone)?;
            let heir = match by {
                Some(by) => id_of(find(&all, &by)?)?,
                None => heir(&all, gone)?,
            };
            if heir == id {
                return Err(Failure::Member(format!("{id} has that place already")));
            }
            let rev = client.set(&path(slot), heir.clone(), held_since(client, slot, id).await?).await?;
            print(out, &Changed { slot: slot.to_owned(), now: Now::Held(heir), rev })
        }
    }
}

async fn all(options: &Options, client: &Client) -> Result<Vec<Member>, Failure> {
    // Whatever was changed before this command is to be seen by it.
    client.rev().await?;
    let own = client.status().await?;
    // The client took it.
    let uri: Uri = uri_of(options).parse().unwrap_or_default();
    members(client, quickly(client_options(options), &uri), &own).await
}

async fn add(client: &Client, all: &[Member], whom: &str) -> Result<Changed, Failure> {
    let new = find(all, whom)?;
    if let Some(slot) = &new.slot {
        return Err(Failure::Member(format!("{whom} has a place already: slot {slot}")));
    }
    let id = id_of(new)?;
    let open = all.iter().find(|place| place.member.is_none()).and_then(|place| place.slot.clone());
    let (slot, rev) = match open {
        Some(slot) => {
            let rev = held_since(client, &slot, "").await?;
            (slot, rev)
        }
        None => (unused_slot(all), 0),
    };
    let rev = client.set(&path(&slot), id.clone(), rev).await?;
    Ok(Changed { slot, now: Now::Held(id), rev })
}

/// Takes a member's place away, and its files too if it does not run.
async fn remove(client: &Client, member: &Member, out: &mut Out<impl Write>) -> Result<(), Failure> {
    let id = member.member.clone().unwrap_or_default();
    let runs = member.member.is_some() && member.health.answers();
    if let Some(slot) = &member.slot {
        let rev = client.del(&path(slot), held_since(client, slot, &id).await?).await?;
        print(out, &Changed { slot: slot.clone(), now: Now::Removed, rev: rev.unwrap_or_default() })?;
    } else if runs {
        return Err(Failure::Member(format!("{id} does not vote, and runs: stop it, and it is gone")));
    }
    if id.is_empty() || runs {
        return Ok(());
    }
    let mut files = 0;
    for glob in [format!("/ctl/node/{id}/*"), format!("/ctl/ns/*/{id}")] {
        for file in client.walk(&glob, None).await? {
            client.del(&file.path, file.rev).await?;
            files += 1;
        }
    }
    print(out, &Forgotten { member: id, files })
}

/// The revision of a place's file, if this is still who holds it.
async fn held_since(client: &Client, slot: &str, id: &str) -> Result<i64, Failure> {
    let file = client.get(&path(slot)).await?;
    if file.value.as_deref() == Some(id.as_bytes()) {
        return Ok(file.rev);
    }
    Err(Failure::Member(format!("slot {slot} has just changed: look at it again")))
}

/// Who is meant: by id, by slot, or by address.
fn find<'a>(all: &'a [Member], whom: &str) -> Result<&'a Member, Failure> {
    let is = |text: &Option<String>| text.as_deref() == Some(whom);
    let exact = all.iter().find(|member| is(&member.member) || is(&member.slot));
    let mut there = all.iter().filter(|member| is(&member.address));
    match (exact, there.next(), there.next()) {
        (Some(member), ..) | (None, Some(member), None) => Ok(member),
        (None, Some(one), Some(other)) => Err(Failure::Member(format!(
            "{whom} is the address of {} and of {}: say which by its id",
            one.member.as_deref().unwrap_or("nobody"),
            other.member.as_deref().unwrap_or("nobody")
        ))),
        (None, None, _) => Err(Failure::Member(format!(
            "no member has the id, the slot or the address {whom}; `doozer member list` shows them"
        ))),
    }
}

fn id_of(member: &Member) -> Result<String, Failure> {
    member.member.clone().ok_or_else(|| {
        Failure::Member(format!(
            "slot {} is open: nobody holds it",
            member.slot.as_deref().unwrap_or_default()
        ))
    })
}

/// A voter's slot, and its id.
fn held(member: &Member) -> Result<(&str, &str), Failure> {
    match (member.slot.as_deref(), member.member.as_deref()) {
        (Some(slot), Some(id)) => Ok((slot, id)),
        (None, Some(id)) => Err(Failure::Member(format!("{id} does not vote: it has no place to give away"))),
        (slot, None) => {
            let slot = slot.unwrap_or_default();
            Err(Failure::Member(format!("slot {slot} is open: `doozer member add` gives it to somebody")))
        }
    }
}

/// Who is to have a place when nobody is named: who is at the old one's address, or else the only one that stands by.
fn heir(all: &[Member], gone: &Member) -> Result<String, Failure> {
    let stand_bys = all.iter().filter(|it| it.slot.is_none() && it.health == Standing::Ok);
    let stand_bys: Vec<&Member> = stand_bys.collect();
    let there = stand_bys.iter().find(|it| it.address.is_some() && it.address == gone.address);
    match (there, &stand_bys[..]) {
        (Some(heir), _) | (None, [heir]) => id_of(heir),
        (None, []) => Err(Failure::Member("nobody stands by: start a member with -a first".to_owned())),
        (None, several) => {
            let ids: Vec<&str> = several.iter().filter_map(|it| it.member.as_deref()).collect();
            Err(Failure::Member(format!("{} members stand by, say which: {}", ids.len(), ids.join(", "))))
        }
    }
}

/// The first number that no slot has for a name.
fn unused_slot(all: &[Member]) -> String {
    let is_used = |name: &String| all.iter().any(|member| member.slot.as_ref() == Some(name));
    let mut names = (0_u64..).map(|number| number.to_string());
    names.find(|name| !is_used(name)).unwrap_or_default()
}

fn path(slot: &str) -> String {
    format!("/ctl/cal/{slot}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn member(slot: Option<&str>, id: &str, address: &str, health: Standing) -> Member {
        let slot = slot.map(str::to_owned);
        Member { address: Some(address.to_owned()), health, ..Member::silent(slot, Some(id.to_owned()), "") }
    }

    fn refused<T: std::fmt::Debug>(result: Result<T, Failure>) -> String {
        result.unwrap_err().message().unwrap()
    }

    #[test]
    fn who_is_meant() {
        let gone = || Standing::Silent("lost".to_owned());
        let all = [
            member(Some("0"), "aa", "h:1", Standing::Ok),
            member(Some("1"), "bb", "h:2", gone()),
            member(None, "cc", "h:2", Standing::Ok),
            Member::silent(Some("2".into()), None, "open"),
        ];
        for (whom, id) in [("aa", "aa"), ("0", "aa"), ("h:1", "aa"), ("1", "bb"), ("cc", "cc")] {
            assert_eq!(find(&all, whom).unwrap().member.as_deref(), Some(id), "{whom}");
        }
        assert_eq!(find(&all, "2").unwrap().member, None);
        let why = refused(find(&all, "h:2"));
        assert_eq!(why, "Error: h:2 is the address of bb and of cc: say which by its id");
        let why = refused(find(&all, "h:3"));
        assert_eq!(
            why,
            "Error: no member has the id, the slot or the address h:3; `doozer member list` shows them"
        );
        assert_eq!(unused_slot(&all), "3");
        assert!(refused(held(&all[3])).starts_with("Error: slot 2 is open"));
        assert!(refused(held(&all[2])).starts_with("Error: cc does not vote"));
    }

    #[test]
    fn who_is_to_have_a_place() {
        let gone = member(Some("1"), "bb", "h:2", Standing::Silent("lost".to_owned()));
        let stand_by = |id, address| member(None, id, address, Standing::Ok);
        assert!(refused(heir(&[], &gone)).starts_with("Error: nobody stands by"));
        assert_eq!(heir(&[stand_by("cc", "h:3")], &gone).unwrap(), "cc");
        let two = [stand_by("cc", "h:3"), stand_by("dd", "h:4")];
        assert_eq!(refused(heir(&two, &gone)), "Error: 2 members stand by, say which: cc, dd");
        let there = [stand_by("cc", "h:3"), stand_by("dd", "h:2")];
        assert_eq!(heir(&there, &gone).unwrap(), "dd");
        // Who has not caught up does not stand by.
        let late = [member(None, "cc", "h:2", Standing::CatchingUp)];
        assert!(refused(heir(&late, &gone)).starts_with("Error: nobody stands by"));
    }
}
