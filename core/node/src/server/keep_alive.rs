//! Keep-alives on their way to the driver and their answers on the way back.

use std::sync::Arc;

use doozer_member::driver::{KeepAlive, Kept};
use doozer_member::outbox::Wakes;
use doozer_member::state::Address;
use doozer_store::{Refusal, SessionId};
use doozer_wire::{ErrorKind, Response, SessionReply};

use super::problem::Problem;
use crate::shared::Shared;

/// The connection and tag that wait for the answer to a keep-alive.
pub(crate) struct KeepAliveReply {
    pub to: Address,
    pub session: SessionId,
    pub shared: Arc<Shared>,
}

impl KeepAlive for KeepAliveReply {
    fn answer(self, kept: Kept, wakes: &mut Wakes) {
        let KeepAliveReply { to, session, shared } = self;
        let problem = match kept {
            Kept::Alive => None,
            Kept::Ended => Some(Problem::from(&Refusal::NoSession)),
            Kept::Unknown(why) => {
                Some(Problem::new(ErrorKind::NoQuorum, format!("{why}, the session was not kept alive")))
            }
        };
        // Whoever answers may be looking at the state itself.
        let (seen, ttl_ms) = {
            let state = shared.state().read_recursive();
            (state.store().revision(), state.store().session(&session).map(|known| known.ttl_ms().into()))
        };
        to.outbox.leave(wakes, |left| {
            left.writes_answered += 1;
            match problem {
                // This member may be behind, and not know of the session yet.
                None => {
                    let reply = SessionReply { ttl_ms, ..SessionReply::default() };
                    let store_rev = Some(seen.to_raw());
                    Response { tag: to.tag, store_rev, session: Some(&reply), ..Response::default() }
                        .encode_frame(&mut left.frames);
                }
                Some(problem) => problem.encode_frame(to.tag, to.modern, Some(seen), &mut left.frames),
            }
        });
    }
}
