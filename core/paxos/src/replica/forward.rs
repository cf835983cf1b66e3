//! Commands on their way to the proposer: from whoever was given them, directly or by way of a member that hears it. None is
//! kept for being sent again here: who wants it decided gives it again.

use super::{Replica, Role};
use crate::Incarnation;
use crate::message::{Message, Proposal};

impl Replica {
    /// Takes a command to be decided. A proposer puts it into a slot with the next [`Replica::flush`]; anybody else
    /// sends it to the proposer. Whether it arrives is seen when it is applied: who wants it to sends it again after
    /// [`Output::Proposer`](super::Output::Proposer).
    pub fn propose(&mut self, proposal: Proposal) {
        self.waiting.push(proposal);
    }

    /// Takes commands that may be lost once more, in place of those that it has been given and not passed on yet.
    pub fn propose_again(&mut self, proposals: Vec<Proposal>) {
        if matches!(self.role, Role::Following) {
            // Nobody else's wait here, or they are given again as well.
            self.waiting.clear();
        }
        self.waiting.extend(proposals);
    }

    /// Sends what was given to this member towards the proposer.
    pub(super) fn forward_waiting(&mut self) {
        let Some(next) = self.way_to_proposer() else { return };
        if !self.waiting.is_empty() {
            let proposals = self.waiting.take_all();
            self.send(next, Message::Forward { proposals, is_relayed: false });
        }
    }

    /// A member that does not lead passes them on, once; or drops them: who sent them sends them again to the proposer,
    /// once it knows which.
    pub(super) fn on_forward(&mut self, proposals: Vec<Proposal>, is_relayed: bool) {
        match self.role {
            // A candidate's word that it stands calls them forth before it leads. Whoever gave them gives them again, if they
            // find no room.
            Role::Leading(_) | Role::Preparing(_) if self.waiting.bytes() < self.limits.waiting_bytes_max => {
                self.waiting.extend(proposals);
            }
            Role::Following if !is_relayed => {
                if let Some(proposer) = self.proposer().filter(|proposer| *proposer != self.me) {
                    self.send(proposer, Message::Forward { proposals, is_relayed: true });
                }
            }
            Role::Leading(_) | Role::Following | Role::Preparing(_) => {}
        }
    }

    /// Whom to turn to for what only the proposer can do: itself, or, if it is not heard here, a member that follows it.
    pub fn way_to_proposer(&self) -> Option<Incarnation> {
        let proposer = self.proposer()?;
        if proposer == self.me { Some(proposer) } else { Some(self.election.way_to_leader(proposer)) }
    }

    /// Whether it follows a proposer that it hears itself: it may turn to it for others.
    pub fn hears_proposer(&self) -> bool {
        let proposer = self.proposer();
        proposer.is_some() && proposer != Some(self.me) && self.way_to_proposer() == proposer
    }
}
