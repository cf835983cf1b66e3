//! The replicated state machine: what the log's commands come to, the same at every member. The store, who gave commands
//! their numbers, and who votes.
//! Never here: who waits for what (state), who is to be answered (driver), anything that differs between members.

mod cal;
mod numbered;
mod origins;
mod outcome;
mod refound;
mod snapshot;

use std::borrow::Cow;

use doozer_paxos::planted::{Planted, is_planted};
use doozer_paxos::{Config, Entry, Incarnation};
use doozer_store::{Command, Fired, Granted, Refusal as StoreRefusal, Revision, SessionChange, Store};

pub use cal::{Judgement, is_about_voters};
pub use numbered::{Logged, Malformed, Number, Origin};
use origins::Origins;
pub use outcome::{Outcome, Refusal};
pub use snapshot::{BadSnapshot, MachineLoader, MachineSnapshot};

/// The state. Two machines that applied the same entries are equal, except for how much history they keep.
pub struct Machine {
    pub(crate) store: Store,
    origins: Origins,
    config: Config,
}

impl std::fmt::Debug for Machine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Machine").field("revision", &self.store.revision()).finish_non_exhaustive()
    }
}

/// What became of one command of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// It was not the next one of its origin: it had no effect, and if its origin still wants it, it is to send it again.
    Skipped(Number),
    /// An origin opened.
    Opened(Origin),
    /// A command without a number.
    Plain(Outcome),
    /// A numbered command.
    Numbered(Number, Outcome),
}

/// What applying an entry brought. Meant to be used again for the next one.
#[derive(Debug, Default)]
pub struct Applied {
    /// One for each command, in their order.
    pub done: Vec<Done>,
    /// The watches that the changes concern, in the order of the revisions.
    pub fired: Vec<Fired>,
    /// What became of queued SETs that waited.
    pub granted: Vec<Granted>,
    /// The sessions that opened or ended.
    pub sessions: Vec<SessionChange>,
    steps: Vec<Step>,
    of_store: doozer_store::Applied,
}

/// A command on its way: what became of it, or that the store is to say.
#[derive(Debug)]
enum Step {
    Done(Done),
    Store(Option<Number>),
}

impl Machine {
    /// Nothing applied yet. `config` is the configuration in force at slot 1.
    pub fn new(options: doozer_store::Options, config: Config) -> Machine {
        Machine { store: Store::new(options), origins: Origins::default(), config }
    }

    /// The tree.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The configuration in force behind what is applied.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The first place among the voters that nobody holds: its file, and that file's revision.
    pub fn empty_slot(&self) -> Option<(String, Revision)> {
        cal::empty_slot(&self.store)
    }

    /// The place that a voter holds: its file, and that file's revision.
    pub fn slot_of(&self, voter: &Incarnation) -> Option<(String, Revision)> {
        cal::slot_of(&self.store, voter)
    }

    /// Whether two members say that they are reached at the same address.
    pub fn share_address(&self, one: &Incarnation, other: &Incarnation) -> bool {
        cal::share_address(&self.store, one, other)
    }

    /// The number of an origin's last command that was applied; `None` if that life has not opened, or is over.
    pub fn last_of(&self, origin: &Origin) -> Option<u64> {
        self.origins.last(origin)
    }

    /// What became of an origin's command, if it was applied and the origin has not acknowledged that.
    pub fn outcome_of(&self, origin: &Origin, number: u64) -> Option<Outcome> {
        self.origins.outcome(origin, number)
    }

    /// Applies an entry of the log. `out` is emptied first.
    ///
    /// # Panics
    /// If the files under `/ctl/cal` are not what the entry's configuration says, or changed without one: the proposer
    /// judged by another state than this, and going on would let two majorities decide.
    pub fn apply(&mut self, entry: &Entry, out: &mut Applied) {
        let is_alone = entry.commands.len() == 1;
        let mut concerns_voters = entry.config.is_some();
        let mut commands: Vec<Cow<'_, [u8]>> = Vec::with_capacity(entry.commands.len());
        for bytes in &entry.commands {
            let step = match Logged::decode(bytes) {
                Err(Malformed) => Step::Done(Done::Plain(MALFORMED)),
                Ok(Logged::Plain(command)) => {
                    concerns_voters |= is_about_voters(command);
                    commands.push(Cow::Borrowed(command));
                    Step::Store(None)
                }
                Ok(Logged::Expire(ballot, _))
                    if ballot != entry.birth && !is_planted(Planted::OldExpiryCounts) =>
                {
                    Step::Done(Done::Plain(Outcome::Store(doozer_store::Outcome::Nop)))
                }
                Ok(Logged::Expire(_, session)) => {
                    let mut command = Vec::new();
                    Command::Expire { session }.encode(&mut command);
                    commands.push(Cow::Owned(command));
                    Step::Store(None)
                }
                Ok(Logged::Open(origin)) => {
                    self.origins.open(origin);
                    Step::Done(Done::Opened(origin))
                }
                Ok(Logged::Do(number, _) | Logged::Refused(number, _)) if !self.origins.is_next(&number) => {
                    Step::Done(Done::Skipped(number))
                }
                Ok(Logged::Refused(number, why)) => {
                    self.origins.count(&number);
                    Step::Done(Done::Numbered(number, Outcome::Refused(why)))
                }
                Ok(Logged::Do(number, command)) => {
                    self.origins.count(&number);
                    let is_about_voters = is_about_voters(command);
                    concerns_voters |= is_about_voters;
                    if is_about_voters && !is_alone {
                        Step::Done(Done::Numbered(number, Outcome::Refused(Refusal::NotAlone)))
                    } else {
                        commands.push(Cow::Borrowed(command));
                        Step::Store(Some(number))
                    }
                }
            };
            out.steps.push(step);
        }
        self.store.apply(commands, &mut out.of_store);
        self.settle(out);
        if let Some(config) = &entry.config {
            self.config = config.clone();
        }
        if concerns_voters {
            let is_told = cal::tells(&self.store, &self.config);
            assert!(is_told, "slot {}: /ctl/cal does not tell who votes: {:?}", entry.slot, self.config);
        }
    }

    /// Brings together what the store did and what it was not asked for.
    fn settle(&mut self, out: &mut Applied) {
        let Applied { done, fired, granted, sessions, steps, of_store } = out;
        std::mem::swap(fired, &mut of_store.fired);
        std::mem::swap(granted, &mut of_store.granted);
        std::mem::swap(sessions, &mut of_store.sessions);
        let mut outcomes = of_store.outcomes.drain(..).map(Outcome::Store);
        done.clear();
        for step in steps.drain(..) {
            #[allow(
                clippy::expect_used,
                reason = "the store gives one outcome for each command it was given"
            )]
            let mut next = || outcomes.next().expect("an outcome of the store");
            let one = match step {
                Step::Done(done) => done,
                Step::Store(None) => Done::Plain(next()),
                Step::Store(Some(number)) => Done::Numbered(number, next()),
            };
            if let Done::Numbered(number, outcome) = &one {
                self.origins.keep(number, *outcome);
            }
            done.push(one);
        }
    }

    /// What a change of who votes would come to now. For a proposer that has nothing under way.
    pub fn judge(&self, command: &[u8], is_ready: impl Fn(&Incarnation) -> bool) -> Judgement {
        cal::judge(command, &self.store, is_ready)
    }

    /// Whether this command would count now.
    pub fn is_next(&self, number: &Number) -> bool {
        self.origins.is_next(number)
    }

    /// BLAKE3 over everything that must be equal at members that applied the same: the files, the origins with their
    /// outcomes, the configuration; not the history, whose length is each member's own choice.
    pub fn digest(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&snapshot::head(self));
        hasher.update(&self.store.digest());
        *hasher.finalize().as_bytes()
    }
}

const MALFORMED: Outcome = Outcome::Store(doozer_store::Outcome::Refused(StoreRefusal::Malformed));
