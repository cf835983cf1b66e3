//! Clients with sessions: they keep them alive, or are stopped and do not; number their commands, send again what was not
//! answered, take what they wait for back, wait in queues, hold locks and free them.
//! Never here: what a session is (the members), or what should come of it (`checks`).

use doozer_store::SessionId;

use super::World;
use super::event::Event;
use super::stages::Stage;
use crate::checks::{Violation, is_counted};
use crate::history::{Answer, OpId, Outcome, Refusal, Request, Time};
use crate::holder::{Holder, Session};
use crate::serve::Said;
use crate::workload::Drawn;

/// Microseconds after which a client does something about a command without an answer, at least and at most.
const PATIENCE_US: (u64, u64) = (1_500_000, 8_000_000);

/// Microseconds that a client thinks at most, on average, once all are to come to an end, unless even so little is more than half
/// of what can be decided.
const ENDING_US: u64 = 1_000_000;

impl World {
    fn holder(&mut self, who: usize) -> Option<&mut Holder> {
        self.attached.clients[who].holder.as_deref_mut()
    }

    fn session(&mut self, who: usize) -> Option<&mut Session> {
        self.holder(who)?.session.as_mut()
    }

    fn hold_later(&mut self, who: usize) {
        let mut mean = self.plan.think_us().max(20_000) * 2;
        if matches!(self.stage, Stage::Whole { .. }) {
            mean = mean.min(ENDING_US.max(self.plan.sessions * self.plan.command_us() * 2));
        }
        let wait = self.attached.clients[who].random.wait(mean);
        self.put(wait, Event::Think { client: who });
    }

    /// A client with a session, or without one, thinks.
    pub(super) fn hold(&mut self, who: usize) -> Result<(), Violation> {
        let (now, is_ending) = (self.now, matches!(self.stage, Stage::Whole { .. }));
        let Some(holder) = self.holder(who) else { return Ok(()) };
        if is_ending && holder.is_done() {
            return Ok(());
        }
        if holder.away_until > now && !is_ending {
            let wait = holder.away_until.0 - now.0;
            self.put(wait, Event::Think { client: who });
            return Ok(());
        }
        if self.attached.clients[who].connection.is_some() || self.connect_somewhere(who)? {
            self.hold_on(who, is_ending)?;
        }
        self.hold_later(who);
        Ok(())
    }

    fn hold_on(&mut self, who: usize, is_ending: bool) -> Result<(), Violation> {
        let pipeline = self.plan.pipeline as usize;
        let Some(holder) = self.holder(who) else { return Ok(()) };
        let Some(session) = &holder.session else {
            return if holder.opening.is_none() && !is_ending { self.open_session(who) } else { Ok(()) };
        };
        if session.closing.is_some() {
            return Ok(());
        }
        if is_ending {
            return self.wind_down(who);
        }
        let has_room = session.under_way() < pipeline && session.pending.len() < pipeline + 3;
        let random = &mut self.attached.clients[who].random;
        match random.below(200) {
            0 => self.abandon(who),
            1 => self.close_session(who)?,
            2..=5 => self.take_something_back(who)?,
            _ if has_room => self.ask_numbered(who)?,
            _ => {}
        }
        Ok(())
    }

    /// At the end a client frees what it holds, waits for what it asked, and closes its session, or just goes away.
    fn wind_down(&mut self, who: usize) -> Result<(), Violation> {
        let Some(session) = self.session(who) else { return Ok(()) };
        let held = session.locks.held.first_key_value().map(|(path, token)| (path.clone(), *token));
        if let Some((path, token)) = held {
            let write = Request::Del { path, rev: token as i64 };
            let op = self.attached.new_op();
            return self.send_numbered(who, op, Drawn { write, is_ephemeral: false, is_queued: false });
        }
        if session.has_unanswered() {
            // What waits for a file that no session holds may wait for ever.
            let is_tired = self.attached.clients[who].random.one_in(4);
            return if is_tired { self.take_all_back(who) } else { Ok(()) };
        }
        if self.attached.clients[who].random.one_in(2) {
            self.close_session(who)
        } else {
            self.abandon(who);
            Ok(())
        }
    }

    fn open_session(&mut self, who: usize) -> Result<(), Violation> {
        let least = self.plan.ttl_ms.max(1_000);
        let random = &mut self.attached.clients[who].random;
        let id = SessionId::of_key(&random.id());
        let ttl_ms = random.between(least, 2 * least) as u32;
        let op = self.attached.new_op();
        let now = self.now;
        if let Some(holder) = self.holder(who) {
            holder.opening = Some((op, Session::new(id, ttl_ms, now)));
        }
        self.ask(who, op, Request::Open { session: id, ttl_ms })
    }

    /// Its process ends: nobody hears of it any more.
    fn abandon(&mut self, who: usize) {
        let Some(session) = self.holder(who).and_then(|holder| holder.session.take()) else { return };
        self.checks.frees(session.id, None);
        session.pending.into_values().for_each(|pending| self.checks.forgotten(pending.op));
    }

    fn close_session(&mut self, who: usize) -> Result<(), Violation> {
        let op = self.attached.new_op();
        let Some(session) = self.session(who).filter(|session| !session.has_unanswered()) else {
            return Ok(());
        };
        session.closing = Some(op);
        let id = session.id;
        self.checks.frees(id, None);
        self.ask(who, op, Request::Close { session: id })
    }

    fn ask_numbered(&mut self, who: usize) -> Result<(), Violation> {
        let op = self.attached.new_op();
        let client = &mut self.attached.clients[who];
        let Some(session) = client.holder.as_ref().and_then(|holder| holder.session.as_ref()) else {
            return Ok(());
        };
        let workload = &self.attached.workload;
        let drawn = workload.draw_command(op, &client.known, &session.locks, &mut client.random);
        self.send_numbered(who, op, drawn)
    }

    fn send_numbered(&mut self, who: usize, op: OpId, drawn: Drawn) -> Result<(), Violation> {
        let random = &mut self.attached.clients[who].random;
        let lag = if random.one_in(5) { random.below(4) } else { 0 };
        let Some(session) = self.session(who) else { return Ok(()) };
        if let Request::Del { path, .. } = &drawn.write {
            // It does not count on it from the moment that it gives it back.
            let (id, path) = (session.id, path.clone());
            session.locks.held.remove(&path);
            self.checks.frees(id, Some(&path));
        }
        let Some(session) = self.session(who) else { return Ok(()) };
        let request = session.number(op, drawn, lag).request();
        self.be_impatient(who, op, 0);
        self.ask(who, op, request)
    }

    fn be_impatient(&mut self, who: usize, op: OpId, times: u32) {
        let patience = self.attached.clients[who].random.between(PATIENCE_US.0, PATIENCE_US.1);
        let patience = (patience << times.min(4)) * self.plan.forbearance();
        self.put(patience, Event::Impatient { client: who, op });
    }

    /// There is another connection: everything without an answer is sent again, in order.
    pub(super) fn send_all_again(&mut self, who: usize) -> Result<(), Violation> {
        let Some(session) = self.session(who) else { return Ok(()) };
        let (id, closing) = (session.id, session.closing);
        session.pending.values_mut().for_each(|pending| pending.is_out = false);
        if let Some(op) = closing {
            self.checks.sent_again(op);
            self.send_request(who, op, Request::Close { session: id });
        }
        self.send_what_came_back(who)
    }

    fn send_what_came_back(&mut self, who: usize) -> Result<(), Violation> {
        let Some(session) = self.session(who) else { return Ok(()) };
        let back: Vec<_> = session.pending.values().filter(|pending| !pending.is_out).cloned().collect();
        session.pending.values_mut().for_each(|pending| pending.is_out = true);
        for pending in back {
            self.checks.sent_again(pending.op);
            self.send_request(who, pending.op, pending.request());
            if pending.is_cancelled {
                self.cancel(who, pending.numbered.sequence)?;
            }
        }
        Ok(())
    }

    /// A command has had no answer for long: asked of another member, taken back, or given up.
    pub(super) fn holder_is_impatient(&mut self, who: usize, op: OpId) -> Result<(), Violation> {
        let number = self.attached.clients[who].connection;
        let Some(sequence) = self.session(who).and_then(|session| session.sequence_of(op)) else {
            return Ok(());
        };
        let Some(pending) = self.session(who).and_then(|session| session.pending.get_mut(&sequence)) else {
            return Ok(());
        };
        pending.impatient += 1;
        let times = pending.impatient;
        self.be_impatient(who, op, times);
        let choice = self.attached.clients[who].random.below(3);
        let Some(pending) = self.session(who).and_then(|session| session.pending.get_mut(&sequence)) else {
            return Ok(());
        };
        match (choice, number) {
            (0, Some(number)) => {
                self.hang_up_later(number);
                self.broken(number)
            }
            (1, _) if pending.numbered.is_queued && !pending.is_given_up => self.cancel(who, sequence),
            (2, _) if !pending.numbered.is_queued && !pending.is_given_up => {
                pending.is_given_up = true;
                let request = pending.request();
                self.checks.given_up(op);
                self.send_request(who, op, request);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn take_something_back(&mut self, who: usize) -> Result<(), Violation> {
        let queued = self.queued(who);
        let Some(sequence) = self.attached.clients[who].random.choose(&queued) else { return Ok(()) };
        self.cancel(who, sequence)
    }

    fn take_all_back(&mut self, who: usize) -> Result<(), Violation> {
        self.queued(who).into_iter().try_for_each(|sequence| self.cancel(who, sequence))
    }

    /// The numbers of the queued SETs that it waits for.
    fn queued(&mut self, who: usize) -> Vec<u64> {
        let Some(session) = self.session(who) else { return Vec::new() };
        let queued = session.pending.iter().filter(|(_, pending)| pending.numbered.is_queued);
        queued.map(|(sequence, _)| *sequence).collect()
    }

    /// CANCEL of a queued SET. What was cancelled stays given up.
    fn cancel(&mut self, who: usize, sequence: u64) -> Result<(), Violation> {
        let op = self.attached.new_op();
        let Some(session) = self.session(who) else { return Ok(()) };
        let id = session.id;
        let Some(pending) = session.pending.get_mut(&sequence) else { return Ok(()) };
        pending.is_cancelled = true;
        let path = pending.path().unwrap_or_default().to_owned();
        let request = Request::Cancel { of: pending.op, session: id, sequence, path };
        self.ask(who, op, request)
    }

    /// It is time for a keep-alive, three times in each TTL; or the client's process is stopped just then.
    pub(super) fn keep_alive(&mut self, who: usize, id: SessionId) -> Result<(), Violation> {
        let now = self.now;
        let is_calm = !matches!(self.stage, Stage::Chaos);
        let away = self.plan.away_one_in;
        let client = &mut self.attached.clients[who];
        let Some(holder) = client.holder.as_deref_mut() else { return Ok(()) };
        let Some(session) = holder.session.as_ref().filter(|session| session.id == id) else { return Ok(()) };
        let ttl_us = u64::from(session.ttl_ms) * 1_000;
        let again = Event::KeepAlive { client: who, session: id };
        if away > 0 && !is_calm && client.random.one_in(away) {
            let for_us = ttl_us * client.random.between(40, 150) / 100;
            holder.away_until = Time(now.0 + for_us);
            self.put(for_us, again);
            return Ok(());
        }
        if client.connection.is_none() {
            self.put(20_000, again);
            return Ok(());
        }
        let op = self.attached.new_op();
        if let Some(holder) = self.holder(who) {
            holder.keeping.insert(op, (now, id));
        }
        self.put(ttl_us / 3, again);
        self.ask(who, op, Request::KeepAlive { session: id })
    }

    /// Something arrives at a client with a session.
    pub(super) fn holder_hears(&mut self, who: usize, said: &Said) -> Result<(), Violation> {
        let Said { op, answer, revision } = said;
        self.attached.clients[who].known.saw(*revision);
        let Some(holder) = self.holder(who) else { return Ok(()) };
        if let Some((_, session)) = holder.opening.take_if(|(opening, _)| opening == op) {
            self.checks.answered(self.now, *op, answer, *revision)?;
            return self.hears_of_open(who, session, answer);
        }
        if let Some((sent, id)) = holder.keeping.remove(op) {
            self.checks.answered(self.now, *op, answer, *revision)?;
            return self.hears_of_keep_alive(who, id, sent, answer);
        }
        let Some(session) = &mut holder.session else { return Ok(()) };
        if session.closing == Some(*op) {
            return self.hears_of_close(who, said);
        }
        match session.sequence_of(*op) {
            Some(sequence) => self.hears_of_command(who, sequence, said),
            // A CANCEL: the SET was answered before.
            None => self.checks.answered_if_asked(self.now, *op, answer, *revision),
        }
    }

    fn hears_of_open(&mut self, who: usize, session: Session, answer: &Answer) -> Result<(), Violation> {
        if *answer != Answer::Became(Outcome::Opened) {
            // The next one not at once: the cluster decides nothing, or has no room.
            let wait = self.attached.clients[who].random.between(1_000_000, 4_000_000);
            let until = Time(self.now.0 + wait);
            if let Some(holder) = self.holder(who) {
                holder.away_until = until;
            }
            return Ok(());
        }
        let (id, ttl_ms) = (session.id, session.ttl_ms);
        let Some(holder) = self.holder(who) else { return Ok(()) };
        holder.session = Some(session);
        let until = holder.until();
        self.checks.lives(id, until);
        self.put(u64::from(ttl_ms) * 333, Event::KeepAlive { client: who, session: id });
        Ok(())
    }

    fn hears_of_keep_alive(
        &mut self,
        who: usize,
        id: SessionId,
        sent: Time,
        answer: &Answer,
    ) -> Result<(), Violation> {
        if self.session(who).is_none_or(|session| session.id != id) {
            return Ok(());
        }
        if *answer == Answer::Refused(Refusal::NoSession) {
            return self.session_is_over(who);
        }
        let Some(holder) = self.holder(who) else { return Ok(()) };
        if *answer != Answer::Alive {
            return Ok(());
        }
        let Some(session) = &mut holder.session else { return Ok(()) };
        session.kept = session.kept.max(sent);
        let until = holder.until();
        self.checks.lives(id, until);
        Ok(())
    }

    fn hears_of_close(&mut self, who: usize, said: &Said) -> Result<(), Violation> {
        if matches!(said.answer, Answer::Unknown | Answer::NotWritten) {
            let id = self.session(who).map(|session| session.id);
            self.checks.sent_again(said.op);
            if let Some(session) = id {
                self.send_request(who, said.op, Request::Close { session });
            }
            return Ok(());
        }
        if let Some(holder) = self.holder(who) {
            holder.session = None;
        }
        self.checks.answered(self.now, said.op, &said.answer, said.revision)
    }

    /// The session has ended: of what is without an answer nobody can say any more what became of it.
    fn session_is_over(&mut self, who: usize) -> Result<(), Violation> {
        let now = self.now;
        let Some(session) = self.holder(who).and_then(|holder| holder.session.take()) else { return Ok(()) };
        self.checks.frees(session.id, None);
        for pending in session.pending.into_values() {
            self.checks.answered(now, pending.op, &Answer::Unknown, 0)?;
        }
        Ok(())
    }

    fn hears_of_command(&mut self, who: usize, sequence: u64, said: &Said) -> Result<(), Violation> {
        let Said { op, answer, revision } = said;
        let is_gone = *answer == Answer::Refused(Refusal::NoSession);
        // Anything else is no command's own answer: it is sent again.
        if !is_gone
            && !answer.outcome().is_some_and(is_counted)
            && *answer != Answer::Refused(Refusal::AnswerGone)
        {
            self.comes_back(who, sequence);
            return Ok(());
        }
        let (now, until) =
            (self.now, self.attached.clients[who].holder.as_ref().map(|holder| holder.until()));
        let Some(session) = self.session(who) else { return Ok(()) };
        let Some(pending) = session.pending.remove(&sequence) else { return Ok(()) };
        let id = session.id;
        self.checks.answered(now, *op, answer, *revision)?;
        if is_gone {
            return self.session_is_over(who);
        }
        let Some(path) = pending.path().map(str::to_owned) else { return Ok(()) };
        let known = &mut self.attached.clients[who].known;
        match answer {
            Answer::Set(rev) => known.saw_file(&path, *rev),
            Answer::Deleted(_) => known.saw_file(&path, 0),
            _ => {}
        }
        match answer {
            Answer::Set(token) if pending.numbered.is_queued && pending.is_cancelled => {
                // It came first; the CANCEL may still come, or not: it is not wanted.
                let write = Request::Del { path, rev: *token as i64 };
                let op = self.attached.new_op();
                self.send_numbered(who, op, Drawn { write, is_ephemeral: false, is_queued: false })
            }
            Answer::Set(token) if pending.numbered.is_queued && until > Some(now) => {
                if let Some(session) = self.session(who) {
                    session.locks.held.insert(path.clone(), *token);
                    session.locks.known.push((path.clone(), *token));
                }
                self.checks.holds(now, id, &path, *token)
            }
            _ => Ok(()),
        }
    }

    /// A command was not made, or nobody knows: it is sent again, the later the more often that happened.
    fn comes_back(&mut self, who: usize, sequence: u64) {
        let Some(pending) = self.session(who).and_then(|session| session.pending.get_mut(&sequence)) else {
            return;
        };
        let mean = 400_000 << pending.vain.min(4);
        (pending.is_out, pending.vain) = (false, pending.vain + 1);
        let is_due = self.holder(who).map(|holder| std::mem::replace(&mut holder.is_again_due, true));
        if is_due == Some(false) {
            let wait = mean / 2 + self.attached.clients[who].random.wait(mean);
            self.put(wait, Event::Again { client: who });
        }
    }

    /// What came back is sent again.
    pub(super) fn again(&mut self, who: usize) -> Result<(), Violation> {
        if let Some(holder) = self.holder(who) {
            holder.is_again_due = false;
        }
        if self.attached.clients[who].connection.is_some() {
            return self.send_what_came_back(who);
        }
        Ok(())
    }

    /// The connection is gone: questions that were on it are asked anew, commands are sent again by the next one.
    pub(super) fn holder_is_cut_off(&mut self, who: usize) -> Vec<OpId> {
        let Some(holder) = self.holder(who) else { return Vec::new() };
        let opening = holder.opening.take().map(|(op, _)| op);
        opening.into_iter().chain(std::mem::take(&mut holder.keeping).into_keys()).collect()
    }
}
