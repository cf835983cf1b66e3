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
            Logged::Plain(_) | Logged::Malformed => {
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
