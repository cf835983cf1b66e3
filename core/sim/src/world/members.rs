//! Members: started, stopped, told of what comes, and their drivers' wishes carried out.
//! Never here: what a disk does with an order (`disks`), or a client with an answer (`attached`).

use doozer_member::peer::Peer;
use doozer_paxos::Incarnation;

use super::event::{Ending, Event};
use super::{World, letter};
use crate::checks::Violation;
use crate::history::{Applied, MemberId, Place as At};
use crate::host::Effect;
use crate::network::Fate;

impl World {
    /// Ends the process at a place; it comes back by itself.
    pub(super) fn end(&mut self, at: usize, how: Ending) -> Result<(), Violation> {
        let name = self.name(at);
        let Some(running) = self.places[at].running.take() else { return Ok(()) };
        self.trace.tell(|| format!("{name} ends: {how:?}"));
        let served: Vec<u64> = running.served.keys().copied().collect();
        drop(running);
        self.places[at].strike = None;
        match how {
            Ending::PowerCut => self.places[at].disk.crash(),
            Ending::Killed | Ending::Failed => self.places[at].disk.kill(),
            Ending::DiskLost => {}
        }
        if how == Ending::DiskLost || !self.plan.is_durable() {
            self.lose(at);
        }
        for connection in served {
            self.lose_connection(connection);
        }
        self.tell_of_reset(at);
        let down = 1_000 + self.places[at].random.wait(self.plan.down_ms * 1_000);
        self.put(down, Event::Start { place: at });
        Ok(())
    }

    /// The others notice, mostly, that their connection to a place is gone.
    pub(super) fn tell_of_reset(&mut self, at: usize) {
        let Some(peer) = self.places[at].incarnation else { return };
        for place in 0..self.places.len() {
            let life = self.places[place].life;
            if place != at && self.places[place].running.is_some() && !self.places[at].random.one_in(3) {
                let late = 200 + self.places[at].random.wait(2_000);
                self.put(late, Event::Reset { place, life, peer });
            }
        }
    }

    pub(super) fn reset(&mut self, at: usize, life: u32, peer: Incarnation) -> Result<(), Violation> {
        if self.is_put_off(at, life, || Event::Reset { place: at, life, peer }) {
            return Ok(());
        }
        let Some(running) = self.places[at].awake(life) else { return Ok(()) };
        running.driver.reset(peer);
        self.pump(at)
    }

    pub(super) fn tick(&mut self, at: usize, life: u32) -> Result<(), Violation> {
        if self.is_put_off(at, life, || Event::Tick { place: at, life }) {
            return Ok(());
        }
        let wall_ms = self.places[at].wall_ms(self.now);
        let Some(running) = self.places[at].awake(life) else { return Ok(()) };
        running.ticks += 1;
        let broken = match running.driver.quiet_ticks() {
            // As its host does.
            None => None,
            Some(1) => {
                running.driver.tick();
                None
            }
            Some(_) => {
                running.driver.tick();
                running.driver.pump(wall_ms);
                running.effects.borrow().first().map(|effect| format!("{effect:?}"))
            }
        };
        if let Some(effect) = broken {
            let what = format!("{} does something in a tick said to be quiet: {effect}", self.name(at));
            return Err(Violation { check: "quiet ticks", time: self.now, what });
        }
        let tick_us = self.places[at].tick_us;
        self.put(tick_us, Event::Tick { place: at, life });
        self.note_heard(at);
        self.pump(at)?;
        self.check_answered(at)
    }

    /// A write and a linearizable read are answered in time, with an error if need be.
    fn check_answered(&self, at: usize) -> Result<(), Violation> {
        let Some(running) = self.places[at].running.as_deref() else { return Ok(()) };
        let Some((op, since)) = running.unanswered.iter().min_by_key(|(_, since)| **since) else {
            return Ok(());
        };
        let waited = running.ticks - since;
        if waited <= self.plan.answer_ticks + 1 {
            return Ok(());
        }
        let what = format!("{op} has no answer of {} after {waited} ticks", self.name(at));
        Err(Violation { check: "answered in time", time: self.now, what })
    }

    pub(super) fn arrive(
        &mut self,
        from: usize,
        sender: Incarnation,
        to: usize,
        receiver: Incarnation,
        message: Box<Peer>,
    ) -> Result<(), Violation> {
        let life = self.places[to].life;
        if self.network.is_cut(from, to) || self.places[to].running.is_none() {
            return Ok(());
        }
        if self.places[to].incarnation != Some(receiver) {
            // The connection's handshake names whom it is for: somebody else answers it and hangs up.
            self.counts.messages_for_others += 1;
            return Ok(());
        }
        if self.places[to].is_paused() {
            self.is_put_off(to, life, || Event::Arrive { from, sender, to, receiver, message });
            return Ok(());
        }
        let Some(running) = self.places[to].awake(life) else { return Ok(()) };
        running.driver.receive(sender, *message);
        self.pump(to)
    }

    /// Whether a process is stopped: then the event waits until it goes on.
    pub(super) fn is_put_off(&mut self, at: usize, life: u32, event: impl FnOnce() -> Event) -> bool {
        if !self.places[at].is_life(life) {
            return false;
        }
        let Some(waiting) = self.places[at].running.as_mut().and_then(|running| running.paused.as_mut())
        else {
            return false;
        };
        waiting.push(event());
        true
    }

    pub(super) fn resume(&mut self, at: usize, life: u32) -> Result<(), Violation> {
        if !self.places[at].is_life(life) {
            return Ok(());
        }
        let tick_us = self.places[at].tick_us;
        let Some(running) = self.places[at].running.as_mut() else { return Ok(()) };
        let Some(waiting) = running.paused.take() else { return Ok(()) };
        // As its host finds by its clock.
        if self.now.0 - running.paused_at.0 >= HELD_TICKS * tick_us {
            running.driver.held();
        }
        let name = self.name(at);
        self.trace.tell(|| format!("{name} goes on, {} events waited", waiting.len()));
        waiting.into_iter().try_for_each(|event| self.dispatch(event))
    }

    /// Has a driver go on, and carries out what it wants.
    pub(super) fn pump(&mut self, at: usize) -> Result<(), Violation> {
        let wall_ms = self.places[at].wall_ms(self.now);
        let Some(running) = self.places[at].running.as_deref_mut() else { return Ok(()) };
        running.driver.pump(wall_ms);
        let (member, is_leading) = (running.member, running.driver.replica().is_leading());
        let begins_to_lead = is_leading && !std::mem::replace(&mut running.is_leading, is_leading);
        let effects = running.effects.take();
        let config = running.driver.replica().config().clone();
        let has_entered = std::mem::replace(&mut running.epoch, config.epoch) != config.epoch;
        if begins_to_lead {
            self.counts.elections += 1;
            let name = self.name(at);
            self.trace.tell(|| format!("{name} leads"));
        }
        let mut has_changed = false;
        for effect in effects {
            has_changed |= self.carry_out(at, member, effect)?;
        }
        if has_entered {
            self.checks.entered(self.now, member, &config)?;
        }
        self.give_to_disk(at)?;
        if has_changed { self.collect(at) } else { Ok(()) }
    }

    /// True if the state has changed.
    fn carry_out(&mut self, at: usize, member: MemberId, effect: Effect) -> Result<bool, Violation> {
        match effect {
            Effect::Keep(order) => {
                self.ordered(at, order)?;
                Ok(false)
            }
            Effect::Send(to, message) => {
                self.send(at, member, to, message)?;
                Ok(false)
            }
            Effect::Said(connection, said) => {
                let Some(running) = self.places[at].running.as_deref_mut() else { return Ok(false) };
                running.unanswered.remove(&said.op);
                let Some(served) = running.served.get_mut(&connection) else { return Ok(false) };
                for said in served.settles(said) {
                    self.checks.said(self.now, said.op, &said.answer)?;
                    self.say(connection, said);
                }
                Ok(false)
            }
            Effect::Parked(op) => {
                if let Some(running) = self.places[at].running.as_deref_mut() {
                    running.unanswered.remove(&op);
                }
                Ok(false)
            }
            Effect::Applied(applied) => {
                self.applied(at, member, &applied)?;
                Ok(true)
            }
            Effect::Installed(position, revision, digest) => {
                self.counts.installs += 1;
                let (slot, revision) = (position.slot, revision.0);
                let name = self.name(at);
                self.trace
                    .tell(|| format!("{name} takes over a snapshot of slot {slot}, revision {revision}"));
                self.trace.add(revision);
                if let Some(running) = &mut self.places[at].running {
                    running.revision = revision;
                }
                let place = At { slot, hash: position.hash, revision, digest: Some(digest) };
                self.checks.installed(self.now, member, &place)?;
                Ok(true)
            }
        }
    }

    fn applied(
        &mut self,
        at: usize,
        member: MemberId,
        applied: &crate::host::Applied,
    ) -> Result<(), Violation> {
        let crate::host::Applied { entry, hash, effects, settled, sessions, revision, digest } = applied;
        let Some(running) = &mut self.places[at].running else { return Ok(()) };
        let before = std::mem::replace(&mut running.revision, *revision);
        self.trace.add(entry.slot.0 ^ u64::from_le_bytes(first_8(&hash.0)));
        if self.trace.is_told() {
            let name = self.name(at);
            let config = entry.config.as_ref().map(|config| format!(", {}", self.told_config(config)));
            self.trace.tell(|| {
                let config = config.unwrap_or_default();
                format!(
                    "{name} applies slot {} ({} commands){config}: revision {revision}",
                    entry.slot,
                    entry.commands.len()
                )
            });
        }
        if self.voters.applied(entry) {
            self.counts.configurations += 1;
        }
        let told =
            Applied { member, entry, hash: *hash, effects, settled, sessions, before, after: *revision };
        self.checks.applied(self.now, &told)?;
        if let Some(digest) = digest {
            self.checks.digest(self.now, member, entry.slot, *digest)?;
        }
        Ok(())
    }

    fn send(&mut self, at: usize, member: MemberId, to: Incarnation, message: Peer) -> Result<(), Violation> {
        let Some(sender) = self.places[at].incarnation else { return Ok(()) };
        let Some((place, _)) = self.members.get(&to).copied() else {
            let what = format!("{} says {message:?} to {to}, which is nobody", self.name(at));
            return Err(Violation { check: "addressed", time: self.now, what });
        };
        self.counts.messages += 1;
        if let Peer::Paxos(envelope) = &message {
            self.checks.sent(self.now, member, envelope)?;
        }
        if self.trace.is_told() && !is_idle_talk(&message) {
            let (from, to) = (self.name(at), self.name(place));
            let text = self.with_names(told(&message));
            self.trace.tell(|| format!("{from} -> {to}: {text}"));
        }
        let arrive = |message| Event::Arrive { from: at, sender, to: place, receiver: to, message };
        match self.network.send(at, place, self.now) {
            Fate::Lost => {}
            Fate::Arrives(time) => self.queue.put(time, arrive(Box::new(message))),
            Fate::Twice(time, again) => {
                self.queue.put(time, arrive(Box::new(message.clone())));
                self.queue.put(again, arrive(Box::new(message)));
            }
        }
        Ok(())
    }

    /// A text with members' names in place of their ids, and ballots as people write them.
    fn with_names(&self, mut text: String) -> String {
        for (id, (at, member)) in &self.members {
            let shown = format!("{id:?}");
            if text.contains(&shown) {
                text = text.replace(&shown, &format!("{}/{member}", letter(*at)));
            }
        }
        text.replace(", incarnation: ", " of ").replace("Ballot { n: ", "Ballot { ")
    }
}

fn first_8(bytes: &[u8; 32]) -> [u8; 8] {
    std::array::from_fn(|at| bytes[at])
}

/// What would fill the story without telling anything.
fn is_idle_talk(message: &Peer) -> bool {
    use doozer_paxos::message::Message;
    matches!(message, Peer::Paxos(envelope) if matches!(envelope.message, Message::Heartbeat { .. } | Message::Beat { .. }))
}

/// Ticks after which a process finds that it was held.
const HELD_TICKS: u64 = 50;

/// Characters of a message in the story.
const TOLD_MAX: usize = 600;

fn told(message: &Peer) -> String {
    let text = match message {
        Peer::Paxos(envelope) => format!("[{}] {:?}", envelope.epoch, envelope.message),
        Peer::SnapshotGet { transfer, offset } => format!("SnapshotGet {transfer} from {offset}"),
        Peer::SnapshotGone { transfer } => format!("SnapshotGone {transfer}"),
        Peer::KeepAlive { .. } | Peer::KeptAlive { .. } => format!("{message:?}"),
        Peer::SnapshotPiece { transfer, offset, bytes, is_last, head } => {
            format!(
                "SnapshotPiece {transfer} of slot {} at {offset}, {} bytes, last: {is_last}",
                head.slot,
                bytes.len()
            )
        }
    };
    if text.len() <= TOLD_MAX {
        return text;
    }
    format!("{}…", text.chars().take(TOLD_MAX).collect::<String>())
}
