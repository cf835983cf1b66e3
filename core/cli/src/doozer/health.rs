//! What a cluster can do, as far as one can see who asks all its members.

use super::members::{Member, PATIENCE};

/// Whether a majority stands behind the member that was asked, and what that means for the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Health {
    pub quorum: bool,
    /// `ok`, or what is wrong.
    pub said: String,
}

impl Health {
    /// `quorum` is whether a linearizable read was answered, which takes a majority.
    pub fn new(quorum: bool, members: &[Member]) -> Health {
        let voters = || members.iter().filter(|member| member.slot.is_some() && member.member.is_some());
        let (all, answering) = (voters().count(), voters().filter(|voter| voter.answers()).count());
        let needed = all / 2 + 1;
        let counted =
            format!("{answering} of {all} voters {}", if answering == 1 { "answers" } else { "answer" });
        let said = match (quorum, answering) {
            (true, answering) if answering == all => "ok".to_owned(),
            (true, answering) if answering < needed => {
                format!("only {counted} here, but a majority of them hear each other")
            }
            (true, _) => format!("degraded: {counted}, and {needed} are needed"),
            (false, answering) if answering < needed => format!(
                "no quorum: {counted}, and {needed} are needed: writes and linearizable reads fail, local reads go on"
            ),
            (false, _) => format!(
                "no quorum: {counted} here, but no majority has agreed on a read within {} s",
                PATIENCE.as_secs()
            ),
        };
        Health { quorum, said }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A letter for each member: a voter that answers, or does not; a learner; a place that nobody has taken.
    fn said(quorum: bool, members: &str) -> String {
        let member = |kind: char| {
            let (id, slot) = (Some("abc".to_owned()), Some("0".to_owned()));
            match kind {
                'v' => Member::silent(slot, id, "ok"),
                '-' => Member::silent(slot, id, "Connection refused"),
                'l' => Member::silent(None, id, "Connection refused"),
                _ => Member::silent(slot, None, "open"),
            }
        };
        let health = Health::new(quorum, &members.chars().map(member).collect::<Vec<_>>());
        assert_eq!(health.quorum, quorum);
        health.said
    }

    #[test]
    fn voters_are_counted_and_nobody_else() {
        for members in ["v", "vv", "vvv", "vo", "vvvl"] {
            assert_eq!(said(true, members), "ok", "{members}");
        }
        assert_eq!(said(true, "vv-"), "degraded: 2 of 3 voters answer, and 2 are needed");
        assert_eq!(said(true, "vvvv-"), "degraded: 4 of 5 voters answer, and 3 are needed");
        let lost = "no quorum: 1 of 3 voters answers, and 2 are needed: writes and linearizable reads fail, local \
                    reads go on";
        assert_eq!(said(false, "v--l"), lost);
        assert!(said(false, "v-").starts_with("no quorum: 1 of 2 voters answers, and 2 are needed"));
    }

    #[test]
    fn what_is_seen_here_is_not_what_they_see() {
        let cut_off = "only 1 of 3 voters answers here, but a majority of them hear each other";
        assert_eq!(said(true, "v--"), cut_off);
        let apart = "no quorum: 3 of 3 voters answer here, but no majority has agreed on a read within 1 s";
        assert_eq!(said(false, "vvv"), apart);
    }
}
