//! What a cluster can do, as far as one can see who asks all its members.

use super::members::{Member, PATIENCE, Standing};

/// What is said of a cluster that has all it is meant to have.
const OK: &str = "ok";

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
        let places = members.iter().filter(|member| member.slot.is_some());
        let (voters, open): (Vec<_>, Vec<_>) = places.partition(|place| place.member.is_some());
        let voters = Voters {
            all: voters.len(),
            answering: voters.iter().filter(|voter| voter.health.answers()).count(),
            well: voters.iter().filter(|voter| voter.health == Standing::Ok).count(),
        };
        let said = if quorum { voters.with_quorum(open.len()) } else { voters.without_quorum() };
        Health { quorum, said }
    }

    pub fn is_ok(&self) -> bool {
        self.said == OK
    }
}

/// How many there are: of all, those that answer, and of those, the ones that a majority stands behind as well.
struct Voters {
    all: usize,
    answering: usize,
    well: usize,
}

impl Voters {
    fn needed(&self) -> usize {
        self.all / 2 + 1
    }

    fn counted(&self, count: usize, one: &str, many: &str) -> String {
        format!("{count} of {} voters {}", self.all, if count == 1 { one } else { many })
    }

    fn with_quorum(&self, open: usize) -> String {
        let Voters { all, answering, well } = *self;
        let needed = self.needed();
        if answering < needed {
            let counted = self.counted(answering, "answers", "answer");
            return format!("only {counted} here, but a majority of them hear each other");
        }
        if well < all {
            let counted = if well < answering {
                self.counted(well, "is well", "are well")
            } else {
                self.counted(answering, "answers", "answer")
            };
            return format!("degraded: {counted}, and {needed} are needed");
        }
        if open > 0 {
            return self.with_open(open);
        }
        OK.to_owned()
    }

    /// All are well, but fewer than there are meant to be: whose loss is one too many?
    fn with_open(&self, open: usize) -> String {
        let places = self.all + open;
        let are = if open == 1 { "is" } else { "are" };
        let loss = match (self.all, self.all - self.needed() + 1) {
            (1, _) => "the only voter".to_owned(),
            (all, lost) => format!("{lost} of {all} voters"),
        };
        format!("degraded: {open} of {places} places {are} open: the loss of {loss} stops writes")
    }

    fn without_quorum(&self) -> String {
        let Voters { answering, .. } = *self;
        let (needed, counted) = (self.needed(), self.counted(answering, "answers", "answer"));
        if answering < needed {
            format!(
                "no quorum: {counted}, and {needed} are needed: writes and linearizable reads fail, local reads go on"
            )
        } else {
            format!(
                "no quorum: {counted} here, but no majority has agreed on a read within {} s",
                PATIENCE.as_secs()
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A letter for each member: a voter that is well, does not answer, catches up, is stuck or full; a learner; a place
    /// that nobody has taken.
    fn said(quorum: bool, members: &str) -> String {
        let member = |kind: char| {
            let (id, slot) = (Some("abc".to_owned()), Some("0".to_owned()));
            let voter = |health| Member { health, ..Member::silent(slot.clone(), id.clone(), "") };
            match kind {
                'v' => voter(Standing::Ok),
                '-' => voter(Standing::Silent("Connection refused".to_owned())),
                'c' => voter(Standing::CatchingUp),
                's' => voter(Standing::Stuck),
                'f' => voter(Standing::Full),
                'l' => Member::silent(None, id, "Connection refused"),
                _ => Member::silent(slot, None, "open"),
            }
        };
        let health = Health::new(quorum, &members.chars().map(member).collect::<Vec<_>>());
        assert_eq!((health.quorum, health.is_ok()), (quorum, health.said == "ok"));
        health.said
    }

    #[test]
    fn voters_are_counted_and_nobody_else() {
        for members in ["v", "vv", "vvv", "vvvl"] {
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
    fn who_answers_may_still_be_of_no_use() {
        assert_eq!(said(true, "vvs"), "degraded: 2 of 3 voters are well, and 2 are needed");
        assert_eq!(said(true, "vvf"), "degraded: 2 of 3 voters are well, and 2 are needed");
        assert_eq!(said(true, "vcv"), "degraded: 2 of 3 voters are well, and 2 are needed");
        assert_eq!(said(true, "vvvs-"), "degraded: 3 of 5 voters are well, and 3 are needed");
    }

    #[test]
    fn a_place_that_is_open_is_a_voter_that_is_not_there() {
        let alone = "degraded: 2 of 3 places are open: the loss of the only voter stops writes";
        assert_eq!(said(true, "voo"), alone);
        let two = "degraded: 1 of 3 places is open: the loss of 1 of 2 voters stops writes";
        assert_eq!(said(true, "vvol"), two);
        let four = "degraded: 1 of 5 places is open: the loss of 2 of 4 voters stops writes";
        assert_eq!(said(true, "vvvvo"), four);
        // Who is not there is worse.
        assert_eq!(said(true, "vv-o"), "degraded: 2 of 3 voters answer, and 2 are needed");
    }

    #[test]
    fn what_is_seen_here_is_not_what_they_see() {
        let cut_off = "only 1 of 3 voters answers here, but a majority of them hear each other";
        assert_eq!(said(true, "v--"), cut_off);
        let apart = "no quorum: 3 of 3 voters answer here, but no majority has agreed on a read within 1 s";
        assert_eq!(said(false, "vsv"), apart);
    }
}
