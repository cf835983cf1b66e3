//! A numbered command (origin, boot, number) has an effect at most once, in the order of the numbers, without a gap; and
//! so has a client's write, however often it travels. The ground for G8. (Ongaro, *Consensus: Bridging Theory and
//! Practice*, 2014, section 6.3: duplicates are filtered by what is replicated, not by who sends.)

use std::collections::BTreeMap;

use doozer_paxos::Incarnation;

use super::verdict::{Broken, Verdict, ensure};
use crate::history::{Applied, Effect};
use crate::model::{Logged, Number};

pub(super) const NAME: &str = "once";

/// Of each member, the life that opened last, and the number of its last command that counted.
#[derive(Debug, Default)]
pub(super) struct Once {
    origins: BTreeMap<Incarnation, (u64, u64)>,
}

impl Once {
    /// Whether a command counts, which the member must agree with. One that opens a life does not.
    pub fn counts(&mut self, report: &Applied<'_>, index: usize, logged: &Logged) -> Result<bool, Broken> {
        let effect = report.effects[index];
        let expected = match logged {
            Logged::Plain(_) | Logged::Malformed | Logged::Expire(..) => {
                return self.agree(report, index, "counts", is_done(effect));
            }
            Logged::Open(origin, boot) => {
                let is_new = self.origins.get(origin).is_none_or(|(known, _)| known < boot);
                if is_new {
                    self.origins.insert(*origin, (*boot, 0));
                }
                self.agree(report, index, "opens a life", effect == Effect::Opened)?;
                return Ok(false);
            }
            Logged::Do(number, _) | Logged::Refused(number) => self.count(*number),
        };
        if expected {
            return self.agree(report, index, "is the next one of its origin", is_done(effect));
        }
        self.agree(report, index, "is not the next one of its origin", effect == Effect::Skipped)?;
        Ok(false)
    }

    fn count(&mut self, number: Number) -> bool {
        match self.origins.get_mut(&number.origin) {
            Some((boot, last)) if *boot == number.boot && *last + 1 == number.seq => {
                *last = number.seq;
                true
            }
            _ => false,
        }
    }

    fn agree(&self, report: &Applied<'_>, index: usize, what: &str, agrees: bool) -> Result<bool, Broken> {
        ensure!(
            agrees,
            NAME,
            "command {index} of slot {} {what}, and came to {:?} at {}: {:?}",
            report.entry.slot,
            report.effects[index],
            report.member,
            Logged::decode(&report.entry.commands[index])
        );
        Ok(true)
    }
}

fn is_done(effect: Effect) -> bool {
    matches!(effect, Effect::Done(_))
}

/// A write that was applied before is applied again.
pub(super) fn again(is_first: bool, what: impl Fn() -> String) -> Verdict {
    ensure!(is_first, NAME, "{}", what());
    Ok(())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use doozer_store::Command;

    use super::super::story::{Story, caught, id, numbered};
    use super::*;
    use crate::checks::Violation;
    use crate::history::{Answer, Outcome, Request};

    const NOP: Command<'_> = Command::Nop;

    /// Decides commands that came to this.
    fn tell(story: &mut Story, commands: Vec<Bytes>, effects: &[Effect]) -> Result<(), Violation> {
        let mut made = story.form(commands, None);
        made.effects = effects.to_vec();
        for member in 0..3 {
            story.keep(member, &made).unwrap();
        }
        story.apply(0, &made)
    }

    fn asked(story: &mut Story, times: usize) {
        for _ in 0..times {
            story.ask(&Request::Nop);
        }
    }

    fn open(boot: u64) -> Bytes {
        [&[16][..], &id(0).0, &boot.to_le_bytes()].concat().into()
    }

    const DONE: Effect = Effect::Done(Outcome::Nop);

    #[test]
    fn only_the_next_one_counts() {
        let mut story = Story::new(3);
        asked(&mut story, 3);
        let [one, two, three] = [1, 2, 3].map(|seq| numbered(0, seq, NOP));
        let stranger = numbered(1, 1, NOP);
        let commands = vec![two.clone(), one.clone(), one, two, stranger, three];
        let effects = [Effect::Skipped, DONE, Effect::Skipped, DONE, Effect::Skipped, DONE];
        tell(&mut story, commands, &effects).unwrap();
        assert_eq!(story.checks.counts().skipped, 3);
    }

    #[test]
    fn a_life_that_opens_ends_the_one_before() {
        let mut story = Story::new(3);
        let late = numbered(0, 1, NOP);
        tell(&mut story, vec![open(2), late, open(1)], &[Effect::Opened, Effect::Skipped, Effect::Opened])
            .unwrap();
        let late = numbered(0, 1, NOP);
        caught(tell(&mut story, vec![late], &[DONE]), NAME);
    }

    #[test]
    fn a_command_that_counts_twice_or_out_of_order_or_not_at_all() {
        for (seqs, effects) in [
            (&[1, 1][..], &[DONE, DONE][..]),
            (&[2], &[DONE]),
            (&[1, 3], &[DONE, DONE]),
            (&[1], &[Effect::Skipped]),
            (&[1], &[Effect::Opened]),
        ] {
            let mut story = Story::new(3);
            asked(&mut story, 2);
            let commands = seqs.iter().map(|seq| numbered(0, *seq, NOP)).collect();
            caught(tell(&mut story, commands, effects), NAME);
        }
    }

    #[test]
    fn a_write_that_travels_twice_under_two_numbers() {
        let mut story = Story::new(3);
        let (op, command) = story.ask_set("/a", -1);
        story.decide(vec![command.clone()]);
        let again = numbered(0, 2, Command::decode(&command[41..]).unwrap());
        caught(tell(&mut story, vec![again], &[Effect::Done(Outcome::Set(2))]), NAME);
        assert_eq!(story.checks.counts().sets, 0, "{op}");
    }

    #[test]
    fn no_more_deletes_and_nops_count_than_were_asked_for() {
        let del = Command::Del { path: "/a", rev: -1 };
        for (too_many, outcome) in [(del.clone(), Outcome::Absent), (NOP, Outcome::Nop)] {
            let mut story = Story::new(3);
            story.ask(&Request::Del { path: "/a".into(), rev: -1 });
            tell(&mut story, vec![numbered(0, 1, del.clone())], &[Effect::Done(Outcome::Absent)]).unwrap();
            caught(tell(&mut story, vec![numbered(0, 2, too_many)], &[Effect::Done(outcome)]), NAME);
        }
    }

    #[test]
    fn nothing_is_answered_twice() {
        let mut story = Story::new(3);
        asked(&mut story, 1);
        let op = crate::history::OpId(1);
        tell(&mut story, vec![numbered(0, 1, NOP)], &[DONE]).unwrap();
        story.answer(op, &Answer::Nop, 0).unwrap();
        caught(story.answer(op, &Answer::Nop, 0), NAME);
    }
}
