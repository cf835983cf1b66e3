//! Connections of clients that end: broken by the network, given up by a client, or gone with a member's process.
//! Never here: what travels on them (`attached`).

use super::World;
use super::attached::Attached;
use super::event::Event;
use crate::checks::Violation;
use crate::history::{Answer, OpId};

impl World {
    pub(super) fn grow_impatient(&mut self, who: usize, op: OpId) -> Result<(), Violation> {
        if self.attached.clients[who].holder.is_some() {
            return self.holder_is_impatient(who, op);
        }
        match self.attached.clients[who].connection {
            Some(number) if self.attached.clients[who].is_doing(op) => {
                self.hang_up_later(number);
                self.broken(number)
            }
            _ => Ok(()),
        }
    }

    /// A connection breaks: both ends notice, each in its time.
    pub(super) fn break_connection(&mut self, number: u64) {
        let Some(connection) = self.attached.connections.get_mut(&number) else { return };
        if std::mem::replace(&mut connection.is_broken, true) {
            return;
        }
        let notices = 100 + self.attached.random.wait(50_000);
        self.put(notices, Event::Broken { connection: number });
        self.hang_up_later(number);
    }

    pub(super) fn hang_up_later(&mut self, number: u64) {
        let notices = 100 + self.attached.random.wait(50_000);
        self.put(notices, Event::HangUp { connection: number });
    }

    /// The member's process is gone. Its clients notice soon, or find out by themselves.
    pub(super) fn lose_connection(&mut self, number: u64) {
        if self.attached.random.one_in(2) {
            let notices = 100 + self.attached.random.wait(5_000);
            self.put(notices, Event::Broken { connection: number });
        }
        if let Some(connection) = self.attached.connections.get_mut(&number) {
            connection.is_broken = true;
        }
    }

    /// A client notices that its connection is gone.
    pub(super) fn broken(&mut self, number: u64) -> Result<(), Violation> {
        let Some(who) = self.attached.connections.get(&number).map(|connection| connection.client) else {
            return Ok(());
        };
        let client = &mut self.attached.clients[who];
        if client.connection != Some(number) {
            return Ok(());
        }
        if let Some(connection) = self.attached.connections.get_mut(&number) {
            connection.is_broken = true;
        }
        let (id, mut open) = (client.id, client.is_cut_off());
        open.extend(self.holder_is_cut_off(who));
        self.trace.tell(|| format!("{id} lost its connection; open: {open:?}"));
        for op in open {
            self.checks.answered(self.now, op, &Answer::Unknown, 0)?;
        }
        self.operator_heard(who, &Answer::Unknown);
        let wait = 1_000 + self.attached.clients[who].random.wait(20_000);
        self.put(wait, Event::Think { client: who });
        Ok(())
    }

    /// A member notices that a client's connection is gone.
    pub(super) fn hang_up(&mut self, number: u64) {
        let Some(connection) = self.attached.connections.get(&number) else { return };
        let (at, life) = (connection.place, connection.life);
        if self.is_put_off(at, life, || Event::HangUp { connection: number }) {
            return;
        }
        if let Some(running) = self.places[at].awake(life)
            && let Some(mut served) = running.served.remove(&number)
        {
            served.end(&mut running.driver.local().state.write());
        }
    }

    /// Clients whose member's process is gone, and who would never find out since they only wait, are told so.
    pub(super) fn tell_of_lost_connections(&mut self) {
        let open: Vec<u64> = self.attached.clients.iter().filter_map(|client| client.connection).collect();
        for number in open {
            let Some(connection) = self.attached.connections.get(&number) else { continue };
            if connection.is_broken || !self.places[connection.place].is_life(connection.life) {
                self.put(1_000, Event::Broken { connection: number });
            }
        }
    }

    /// Breaks some client's connection.
    pub(super) fn break_some_connection(&mut self) {
        let open: Vec<u64> = self.attached.clients.iter().filter_map(|client| client.connection).collect();
        if let Some(number) = self.attached.random.choose(&open) {
            self.break_connection(number);
        }
    }
}

/// What nobody waits for any more is let go of, now and then.
impl Attached {
    pub fn sweep(&mut self) {
        let in_use: Vec<u64> = self.clients.iter().filter_map(|client| client.connection).collect();
        let newest = self.last_connection;
        self.connections.retain(|number, _| in_use.contains(number) || number + 200 > newest);
    }
}
