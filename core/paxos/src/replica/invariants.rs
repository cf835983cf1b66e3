//! What must hold after every call, whatever came in. A violation ends the process: going on could lose a write.

use super::{Replica, Role};

impl Replica {
    pub(super) fn check(&self) {
        let last = self.log.last();
        assert!(self.acc_ballot <= self.promised, "accepted under a ballot that was not promised");
        assert!(self.decided <= last, "slot {} is decided, the log ends at {last}", self.decided);
        assert!(self.applied <= self.handed, "applied before it was given out");
        assert!(
            self.handed <= self.decided,
            "slot {} was given out, {} is decided",
            self.handed,
            self.decided
        );
        let state = self.installing.as_ref().map_or(self.handed, |(_, base)| base.slot);
        assert!(self.log.base() <= state, "the log was cut behind what is given out");
        if let Some(sign) = self.log.stop_sign_behind(self.applied) {
            // One that is decided may be behind it in a log that is only learned; none of it is given out.
            assert!(
                self.handed <= sign,
                "slot {} was given out, behind a stop-sign that is not applied",
                self.handed
            );
        }
        match &self.role {
            Role::Following => {}
            Role::Preparing(preparing) => {
                assert_eq!(preparing.ballot, self.promised, "it prepares under a ballot it has outdone");
                assert!(self.is_voter(&self.me), "who does not vote prepares");
            }
            Role::Leading(leading) => {
                assert_eq!(leading.ballot, self.promised, "it leads under a ballot it has outdone");
                assert_eq!(leading.ballot, self.acc_ballot, "it leads with a log of another ballot");
                assert!(self.is_voter(&self.me), "who does not vote leads");
                let sign = self.log.stop_sign_behind(self.applied);
                assert!(sign.is_none_or(|sign| sign == last), "something stands behind an open stop-sign");
            }
        }
    }
}
