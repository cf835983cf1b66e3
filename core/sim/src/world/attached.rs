//! Clients: their connections, and what travels on them. A connection delivers in order, or breaks; what was on its way to
//! the member when it broke may still arrive.
//! Never here: what a client asks (`workload`), or what it should hear (`checks`).

use std::collections::BTreeMap;

use bytes::Bytes;
use doozer_member::driver::Reader;
use doozer_member::outbox::Wakes;
use doozer_store::Command;

use super::World;
use super::event::Event;
use super::stages::Stage;
use crate::checks::Violation;
use crate::client::{Client, Purpose, Watch};
use crate::history::{Answer, ClientId, MemberId, OpId, Outcome, ReadAt, Request, Time};
use crate::host::{SimKeepAlive, SimReader, SimReply};
use crate::plan::Plan;
use crate::random::Random;
use crate::serve::{Said, Served};
use crate::workload::Workload;

/// All clients and connections.
pub(super) struct Attached {
    pub clients: Vec<Client>,
    pub connections: BTreeMap<u64, Connection>,
    pub last_connection: u64,
    last_op: u64,
    pub workload: Workload,
    pub random: Random,
    /// No connection breaks by itself any more.
    pub is_calm: bool,
}

pub(super) struct Connection {
    pub client: usize,
    pub place: usize,
    pub member: MemberId,
    pub life: u32,
    /// When the last thing arrives, each way.
    pub to_member: u64,
    pub to_client: u64,
    /// It broke: the client does not know yet, or the member.
    pub is_broken: bool,
}

/// Microseconds after which a client gives up, at least and at most.
const PATIENCE_US: (u64, u64) = (2_000_000, 8_000_000);

impl Attached {
    pub fn new(plan: &Plan, random: &Random) -> Attached {
        let client =
            |number: u64| Client::new(ClientId(number as u32), Purpose::Work, random.fork("client", number));
        let mut clients: Vec<Client> = (1..=plan.clients).map(client).collect();
        let holder = |number: u64| {
            Client::new(ClientId(500 + number as u32), Purpose::Hold, random.fork("holder", number))
        };
        clients.extend((1..=plan.sessions).map(holder));
        clients.push(Client::new(ClientId(0), Purpose::Operate, random.fork("client", 0)));
        Attached {
            clients,
            connections: BTreeMap::new(),
            last_connection: 0,
            last_op: 0,
            workload: Workload::new(plan),
            random: random.fork("attached", 0),
            is_calm: false,
        }
    }

    /// Whoever changes who votes.
    pub fn operator(&self) -> usize {
        self.clients.iter().position(|client| client.purpose == Purpose::Operate).unwrap_or_default()
    }

    pub fn new_op(&mut self) -> OpId {
        self.last_op += 1;
        OpId(self.last_op)
    }
}

impl World {
    /// The first thoughts.
    pub(super) fn begin_clients(&mut self) {
        for client in 0..self.attached.clients.len() {
            if matches!(self.attached.clients[client].purpose, Purpose::Work | Purpose::Hold) {
                let wait = self.attached.clients[client].random.below(1_000_000);
                self.put(wait, Event::Think { client });
            }
        }
    }

    pub(super) fn think(&mut self, who: usize) -> Result<(), Violation> {
        let client = &self.attached.clients[who];
        if client.purpose == Purpose::Hold {
            return self.hold(who);
        }
        if client.purpose != Purpose::Work || client.is_busy() {
            return Ok(());
        }
        let is_ending = matches!(self.stage, Stage::Whole { .. });
        if is_ending && client.connection.is_some() && !client.has_to_resume() {
            return Ok(());
        }
        if client.connection.is_none() && !self.connect_somewhere(who)? {
            let again = self.attached.clients[who].random.between(20_000, 200_000);
            self.put(again, Event::Think { client: who });
            return Ok(());
        }
        if !is_ending {
            self.ask_next(who)?;
        }
        Ok(())
    }

    fn ask_next(&mut self, who: usize) -> Result<(), Violation> {
        let op = self.attached.new_op();
        let client = &mut self.attached.clients[who];
        let request = loop {
            let request = self.attached.workload.draw(op, &client.known, &mut client.random);
            if !is_beside(&request) || !client.has_enough_beside() {
                break request;
            }
        };
        if is_beside(&request) {
            self.think_later(who);
        }
        self.ask(who, op, request)
    }

    fn think_later(&mut self, who: usize) {
        let wait = self.attached.clients[who].random.wait(self.plan.think_us());
        self.put(wait, Event::Think { client: who });
    }

    /// A request of a client's that it has made up elsewhere.
    pub(super) fn ask_this(
        &mut self,
        who: usize,
        request: impl FnOnce(OpId) -> Request,
    ) -> Result<(), Violation> {
        let op = self.attached.new_op();
        self.ask(who, op, request(op))
    }

    pub(super) fn ask(&mut self, who: usize, op: OpId, request: Request) -> Result<(), Violation> {
        let client = &mut self.attached.clients[who];
        let Some(number) = client.connection else { return Ok(()) };
        client.asks(op, &request);
        let id = client.id;
        if !is_beside(&request) && !matches!(client.purpose, Purpose::Probe | Purpose::Hold) {
            let patience = client.random.between(PATIENCE_US.0, PATIENCE_US.1);
            self.put(patience, Event::Impatient { client: who, op });
        }
        let Some(connection) = self.attached.connections.get(&number) else { return Ok(()) };
        self.checks.asked(self.now, op, id, connection.member, &request);
        self.send_request(who, op, request);
        Ok(())
    }

    /// A request goes on its way, for the first time or again.
    pub(super) fn send_request(&mut self, who: usize, op: OpId, request: Request) {
        let client = &self.attached.clients[who];
        let (id, Some(number)) = (client.id, client.connection) else { return };
        self.trace.tell(|| format!("{id} asks {op}: {}", told(&request)));
        let now = self.now.0;
        let delay = self.client_delay();
        let Some(connection) = self.attached.connections.get_mut(&number) else { return };
        connection.to_member = connection.to_member.max(now + delay);
        let arrives = Time(connection.to_member);
        if self.breaks_now() {
            self.break_connection(number);
        } else {
            self.queue.put(arrives, Event::Ask { connection: number, op, request: Box::new(request) });
        }
    }

    fn client_delay(&mut self) -> u64 {
        50 + self.attached.random.wait(200)
    }

    fn breaks_now(&mut self) -> bool {
        let is_calm = self.attached.is_calm;
        !is_calm && self.attached.random.ppm(self.plan.client_drop_ppm / self.plan.forbearance())
    }

    /// Connects a client to some member that is there.
    pub(super) fn connect_somewhere(&mut self, who: usize) -> Result<bool, Violation> {
        let occupied: Vec<usize> =
            (0..self.places.len()).filter(|place| !self.places[*place].is_vacant).collect();
        let Some(place) = self.attached.clients[who].random.choose(&occupied) else { return Ok(false) };
        self.connect(who, place)
    }

    /// Connects a client to the member at a place. False if nobody is there.
    pub(super) fn connect(&mut self, who: usize, place: usize) -> Result<bool, Violation> {
        let life = self.places[place].life;
        let Some(running) = &mut self.places[place].running else { return Ok(false) };
        self.attached.last_connection += 1;
        let number = self.attached.last_connection;
        let member = running.member;
        running.served.insert(number, Served::new());
        let connection =
            Connection { client: who, place, member, life, to_member: 0, to_client: 0, is_broken: false };
        self.attached.connections.insert(number, connection);
        let client = &mut self.attached.clients[who];
        (client.connection, client.place) = (Some(number), place);
        self.send_all_again(who)?;
        let client = &mut self.attached.clients[who];
        let watches: Vec<Watch> = std::iter::from_fn(|| client.next_to_resume()).collect();
        for Watch { glob, next } in watches {
            self.ask_this(who, |_| Request::Watch { glob, from: next })?;
        }
        Ok(self.attached.clients[who].connection.is_some())
    }

    /// A request arrives at its member.
    pub(super) fn asked(&mut self, number: u64, op: OpId, request: Request) -> Result<(), Violation> {
        let Some(connection) = self.attached.connections.get(&number) else { return Ok(()) };
        let (at, life) = (connection.place, connection.life);
        if self.places[at].is_paused() {
            let request = Box::new(request);
            self.is_put_off(at, life, || Event::Ask { connection: number, op, request });
            return Ok(());
        }
        let Some(running) = self.places[at].awake(life) else { return Ok(()) };
        let Some(served) = running.served.get_mut(&number) else { return Ok(()) };
        let is_watch = matches!(request, Request::Watch { .. });
        if is_decided(&request) {
            running.unanswered.insert(op, running.ticks);
        }
        let mut said = Vec::new();
        match request {
            Request::KeepAlive { session } => {
                let effects = running.effects.clone();
                running.driver.keep_alive(session, SimKeepAlive { effects, connection: number, op });
            }
            Request::Cancel { of, .. } if !served.cancels(op, of) => {
                running.unanswered.remove(&op);
                said.push(Said { op, answer: Answer::Became(Outcome::Left), revision: 0 });
            }
            Request::Set { .. }
            | Request::Del { .. }
            | Request::Nop
            | Request::Txn(_)
            | Request::Open { .. }
            | Request::Close { .. }
            | Request::Cancel { .. }
            | Request::By(_) => {
                if matches!(&request, Request::By(numbered) if numbered.is_queued) {
                    served.waits(op);
                }
                let (effects, is_wanted) = (running.effects.clone(), served.is_open());
                let reply = SimReply { effects, connection: number, op, is_wanted };
                running.driver.write(&request.encode(), Some(reply));
            }
            Request::Get { at: ReadAt::Linearizable, .. }
            | Request::List { at: ReadAt::Linearizable, .. } => {
                let (effects, local) = (running.effects.clone(), running.driver.local().clone());
                let is_alone = local.reads_alone();
                let reader = SimReader { effects, local, connection: number, op, request };
                // As a node's connections do.
                if is_alone {
                    reader.answer(Ok(()), &mut Wakes::default());
                } else {
                    running.driver.read(reader);
                }
            }
            Request::Get { .. } | Request::List { .. } | Request::Wait { .. } | Request::Watch { .. } => {
                let local = running.driver.local().clone();
                let mut state = local.state.write();
                said.extend(served.ask(&mut state, op, request));
                if is_watch {
                    served.collect(&mut state, &mut said);
                }
            }
        }
        said.into_iter().for_each(|said| self.say(number, said));
        self.pump(at)
    }

    /// What a member left for its clients goes on its way.
    pub(super) fn collect(&mut self, at: usize) -> Result<(), Violation> {
        let Some(running) = self.places[at].running.as_deref_mut() else { return Ok(()) };
        if running.served.is_empty() {
            return Ok(());
        }
        let local = running.driver.local().clone();
        let mut state = local.state.write();
        let mut all = Vec::new();
        for (number, served) in &mut running.served {
            let mut said = Vec::new();
            served.collect(&mut state, &mut said);
            all.extend(said.into_iter().map(|said| (*number, said)));
        }
        drop(state);
        all.into_iter().for_each(|(number, said)| self.say(number, said));
        Ok(())
    }

    /// A member says something to a client.
    pub(super) fn say(&mut self, number: u64, said: Said) {
        let delay = self.client_delay();
        let Some(connection) = self.attached.connections.get_mut(&number) else { return };
        if connection.is_broken {
            return;
        }
        connection.to_client = connection.to_client.max(self.now.0 + delay);
        let arrives = Time(connection.to_client);
        if self.breaks_now() {
            self.break_connection(number);
        } else {
            self.queue.put(arrives, Event::Say { connection: number, said: Box::new(said) });
        }
    }

    /// Something arrives at a client.
    pub(super) fn heard(&mut self, number: u64, said: &Said) -> Result<(), Violation> {
        let Some(connection) = self.attached.connections.get(&number) else { return Ok(()) };
        let (who, at) = (connection.client, connection.place);
        let client = &mut self.attached.clients[who];
        if client.connection != Some(number) {
            return Ok(());
        }
        if client.holder.is_some() {
            let (id, Said { op, answer, revision }) = (client.id, said);
            self.trace.tell(|| format!("{id} is answered {op}: {answer:?} at revision {revision}"));
            return self.holder_hears(who, said);
        }
        let was_busy = client.is_busy();
        if !client.hears(said) {
            return Ok(());
        }
        let is_done = was_busy && !client.is_busy();
        let (id, Said { op, answer, revision }) = (client.id, said);
        self.trace.tell(|| format!("{id} is answered {op}: {answer:?} at revision {revision}"));
        self.checks.answered(self.now, *op, answer, *revision)?;
        let is_unserved = matches!(answer, Answer::Unknown | Answer::NotWritten);
        let client = &self.attached.clients[who];
        if is_done && is_unserved && client.purpose == Purpose::Probe {
            return self.probe_again(who, at);
        }
        if is_done {
            self.think_later(who);
            self.operator_heard(who, answer);
        }
        Ok(())
    }
}

/// Whether it takes a majority to answer it.
fn is_decided(request: &Request) -> bool {
    match request {
        Request::Get { at, .. } | Request::List { at, .. } => *at == ReadAt::Linearizable,
        Request::Wait { .. } | Request::Watch { .. } => false,
        _ => true,
    }
}

/// Whether a client goes on with other things meanwhile.
fn is_beside(request: &Request) -> bool {
    matches!(request, Request::Wait { .. } | Request::Watch { .. })
}

fn told(request: &Request) -> String {
    match request {
        Request::Set { path, rev, value } => {
            let shown = String::from_utf8_lossy(&value[..value.len().min(40)]).into_owned();
            format!("SET {path} {rev} {shown} ({} bytes)", value.len())
        }
        other => format!("{other:?}"),
    }
}

/// The bytes of a command that writes a file whatever is there.
pub(super) fn set(path: &str, value: &[u8]) -> Bytes {
    let mut bytes = Vec::new();
    Command::Set { path, rev: -1, value }.encode(&mut bytes);
    bytes.into()
}
