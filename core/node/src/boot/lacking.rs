//! Who stands in the way of founding a cluster, and what to do about it, in words.

use doozer_wire::Address;
use doozer_wire::peer::Introduction;

use super::judge::{Round, Seeker};
use crate::peers::ask::There;

/// Why somebody's word is not there.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Lack {
    /// It founds a cluster, or joins one, at this moment.
    Passing,
    /// This is in the way.
    For(String),
}

/// Those whose word is needed and is not there: of everybody who is registered once there was a claim, and of every
/// address given with `-a` in any case. What answers at its own address is this member itself.
pub(super) fn lacking(me: &Seeker, round: &Round) -> Vec<(String, Lack)> {
    let Round { registered, answers } = round;
    let claimed = registered.claim.is_some();
    let counts = |place: &Address| *place != me.address && (claimed || me.attach.contains(place));
    let of_answers = answers
        .iter()
        .filter(|(place, _)| counts(place))
        .filter_map(|(place, there)| Some((place.to_string(), lack(me, there)?)));
    let no_address =
        registered.entries.iter().filter(|entry| claimed && entry.address.parse::<Address>().is_err());
    let no_address =
        no_address.map(|entry| (format!("{:?}", entry.address), Lack::For("no address".to_owned())));
    of_answers.chain(no_address).collect()
}

fn lack(me: &Seeker, there: &There) -> Option<Lack> {
    match there {
        There::Itself => None,
        There::Nobody(why) | There::Stranger(why) => Some(Lack::For(why.clone())),
        There::Member(Introduction { only_joins: true, .. }) => {
            let why =
                "it lost who it was, and nobody founds a cluster with it unless its data directory is empty";
            Some(Lack::For(why.to_owned()))
        }
        There::Member(Introduction { name: Some(name), .. }) if *name == me.name => None,
        There::Member(Introduction { name: Some(name), .. }) => {
            Some(Lack::For(format!("it looks for cluster {name:?}")))
        }
        There::Member(Introduction { listed, .. }) if listed.is_empty() => Some(Lack::Passing),
        There::Member(_) => Some(Lack::For("it was started with -a and without -b".to_owned())),
    }
}

/// Who is waited for, and what to do if that is in vain.
pub(super) fn words(me: &Seeker, round: &Round, lacks: &[(String, Lack)]) -> String {
    let name = &me.name;
    let whom = lacks.iter().map(|(place, lack)| match lack {
        Lack::For(why) => format!("{place} ({why})"),
        Lack::Passing => place.clone(),
    });
    let whom = whom.collect::<Vec<_>>().join(", ");
    let entries = &round.registered.entries;
    let gone = entries.iter().filter(|entry| lacks.iter().any(|(place, _)| is_of(&entry.address, place)));
    let forget = gone
        .map(|entry| format!("`doozer -a {} del /ctl/ns/{name}/{} {}`", me.place, entry.id, entry.rev))
        .collect::<Vec<_>>();
    let one = lacks.len() == 1;
    if round.registered.claim.is_none() || forget.is_empty() {
        let it = if one { "it, or leave its -a out" } else { "them, or leave their -a out" };
        return format!(
            "no address given with -a runs cluster {name:?}, and to found it, each has to say that it has nothing: {whom}: \
             start {it}"
        );
    }
    let remedy = match one {
        true => "start it; if it is gone for good, delete its entry",
        false => "start them; if they are gone for good, delete their entries",
    };
    format!(
        "cluster {name:?} was founded before, and of those who answer nobody runs it; to found it anew, each that is \
         registered has to say that it has nothing: {whom}: {remedy}: {}",
        forget.join(", ")
    )
}

/// Whether what is written in an entry is what a place is called.
fn is_of(written: &str, place: &str) -> bool {
    match written.parse::<Address>() {
        Ok(address) => address.to_string() == place,
        Err(_) => format!("{written:?}") == place,
    }
}
