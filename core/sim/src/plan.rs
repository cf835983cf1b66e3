//! What a seed draws: the cluster, its windows, its network, its faults, its clients. Every number has a name and can be
//! set, so that a failing seed can be made smaller and told in one line.
//! Never here: how any of it is done.

mod draw;

use std::fmt;

macro_rules! plan {
    ($($(#[doc = $doc:literal])+ $name:ident),* $(,)?) => {
        /// One seed's plan. All numbers, so that each can be set by its name.
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[allow(missing_docs, reason = "each has its page")]
        pub struct Plan {
            /// What all randomness comes from.
            pub seed: u64,
            $($(#[doc = $doc])+ pub $name: u64,)*
        }

        impl Plan {
            /// The names of the numbers, each with what it means.
            pub const FIELDS: &'static [(&'static str, &'static str)] =
                &[$((stringify!($name), concat!($($doc),+).trim_ascii()),)*];

            const fn empty(seed: u64) -> Plan {
                Plan { seed, $($name: 0,)* }
            }

            /// The number of this name.
            pub fn get(&self, name: &str) -> Option<u64> {
                match name {
                    $(stringify!($name) => Some(self.$name),)*
                    _ => None,
                }
            }

            /// Sets the number of this name. False if there is none.
            pub fn set(&mut self, name: &str, value: u64) -> bool {
                match name {
                    $(stringify!($name) => self.$name = value,)*
                    _ => return false,
                }
                true
            }
        }
    };
}

plan! {
    /// Members that vote at first.
    voters,
    /// Members that only learn at first.
    learners,
    /// Places where nobody is at first: members join there.
    spares,
    /// 1: on disks; 0: in memory.
    durable,
    /// Seconds in which things go wrong, before the end.
    chaos_s,

    /// A proposer that gets nothing decided for so many ticks is stuck.
    stuck_ticks,
    /// Rounds after which a voter that a quorum does not hear is replaced by the cluster; 0: people look after that.
    silent_rounds,
    /// Ticks within which a member answers a write or a linearizable read, with an error if need be.
    answer_ticks,
    /// Undecided slots of a proposer.
    slots_in_flight,
    /// Command bytes of a slot.
    slot_bytes,
    /// Command bytes of a message.
    message_bytes,
    /// Command bytes on their way to one follower.
    unacknowledged_bytes,
    /// Bytes of applied slots kept in memory for those who are behind.
    kept_bytes,
    /// Bytes of a log segment.
    segment_bytes,
    /// Bytes of log after which a snapshot is due.
    snapshot_log_bytes,
    /// Revisions of the past that can be read.
    history_revisions,

    /// Microseconds that a message takes at least.
    delay_us,
    /// Microseconds that it takes longer, on average.
    jitter_us,
    /// Messages lost, in a million.
    drop_ppm,
    /// Messages that come twice, in a million.
    duplicate_ppm,
    /// Messages that are overtaken, in a million.
    reorder_ppm,
    /// Seconds between links that become slow.
    slow_link_s,
    /// Seconds between cuts of one link, one way or both.
    cut_s,
    /// Seconds between partitions of many links.
    partition_s,
    /// Milliseconds until what was cut or slow is well again, on average.
    heal_ms,
    /// Seconds between connections among members that are made anew.
    reset_s,

    /// Microseconds that a sync takes, on average.
    sync_us,
    /// Seconds between disks that are slow for a while.
    disk_slow_s,
    /// Seconds between disks that do nothing for a while.
    disk_stuck_s,
    /// Seconds between calls of a disk that fail.
    disk_error_s,
    /// Seconds between disks that are full for a while.
    disk_full_s,
    /// Seconds between members whose files rot while they are down.
    rot_s,
    /// Seconds between writes that land elsewhere.
    misdirect_s,

    /// Seconds between power cuts of one member, at any call of its disk.
    crash_s,
    /// Seconds between kills of one process, its disk's cache surviving.
    kill_s,
    /// Seconds between power cuts of everybody.
    blackout_s,
    /// Milliseconds that a member stays down, on average.
    down_ms,
    /// Seconds between members that are stopped and go on later.
    pause_s,
    /// Milliseconds of a pause, on average.
    pause_ms,
    /// Clocks that run too fast or too slow: 1 if so.
    clock_rates,
    /// Seconds between wall clocks that jump.
    clock_jump_s,
    /// Seconds between members that lose their disk.
    disk_lost_s,

    /// Seconds between changes of who votes.
    change_s,
    /// Seconds between members that join.
    join_s,

    /// Clients.
    clients,
    /// Milliseconds between two operations of a client, on average, if none has a session.
    think_ms,
    /// Files that everybody writes.
    hot_paths,
    /// Files that are written now and then.
    cold_paths,
    /// Seconds between connections of a client that break.
    client_break_s,
    /// Messages between a client and its member that are lost, with the connection, in a million.
    client_drop_ppm,
    /// How many writes of 100 operations.
    write_percent,
    /// How many waits and watches of 100 operations.
    wait_percent,
    /// How many transactions of 100 writes.
    txn_percent,

    /// Clients with sessions.
    sessions,
    /// Milliseconds that a session lives without being kept alive, at least; up to twice that.
    ttl_ms,
    /// How many of 100 commands of a session take a lock or free it.
    lock_percent,
    /// Commands of a session that are under way at a time.
    pipeline,
    /// Of so many keep-alives one comes late, or too late: its client was stopped. 0: none.
    away_one_in,
    /// The cluster's greatest number of sessions; 0: as it is.
    sessions_max,
}

/// Why a text is no plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no NAME=NUMBER of a plan; --plan shows the names")]
pub struct BadPlan(pub String);

impl Plan {
    /// The plan of a seed, with what is set in `set` (NAME=NUMBER, separated by commas).
    ///
    /// # Errors
    /// [`BadPlan`] if a part of `set` is none.
    pub fn of(seed: u64, set: &str) -> Result<Plan, BadPlan> {
        let mut plan = draw::draw(seed);
        for part in set.split(',').filter(|part| !part.is_empty()) {
            let bad = || BadPlan(part.to_owned());
            let (name, value) = part.split_once('=').ok_or_else(bad)?;
            let value = value.parse().map_err(|_| bad())?;
            if !plan.set(name, value) {
                return Err(bad());
            }
        }
        Ok(plan)
    }

    /// What is set in this plan beyond what its seed draws, as [`Plan::of`] takes it.
    pub fn set_beyond_seed(&self) -> String {
        let drawn = draw::draw(self.seed);
        let differs = |(name, _): &&(&str, &str)| self.get(name) != drawn.get(name);
        let set = Plan::FIELDS.iter().filter(differs);
        let parts: Vec<String> =
            set.map(|(name, _)| format!("{name}={}", self.get(name).unwrap_or_default())).collect();
        parts.join(",")
    }

    /// The command that runs this plan.
    pub fn command(&self) -> String {
        let set = self.set_beyond_seed();
        let set = if set.is_empty() { set } else { format!(" --set {set}") };
        format!("cargo run --release -p doozer-sim -- --seed {}{set} --story", self.seed)
    }

    /// Places of members, occupied or not.
    pub fn places(&self) -> usize {
        (self.voters + self.learners + self.spares) as usize
    }

    /// Microseconds between two operations of a client, on average. Clients with sessions ask for more each, and all together
    /// ask for no more than they would without them: tight windows decide little. Nor do they ask for more than half of what
    /// can be decided: what is not answered is asked again, and a queue that only grows shows nothing.
    pub fn think_us(&self) -> u64 {
        let clients = self.clients.max(1);
        let asks = clients + 3 * self.sessions;
        let think = self.think_ms * 1_000 * asks / clients;
        think.max(asks * self.command_us() * 2)
    }

    /// How much rarer a client loses its connection, or its patience, than is drawn: each time it sends again all that it
    /// waits for, and where little is decided there soon would be nothing else.
    pub fn forbearance(&self) -> u64 {
        const COMMAND_US: u64 = 2_000;
        (self.command_us() / COMMAND_US).max(1)
    }

    /// Microseconds that a proposer takes for one command, at its best.
    pub fn command_us(&self) -> u64 {
        const COMMAND_BYTES: u64 = 150;
        let round = 2 * (self.delay_us + self.jitter_us) + self.sync_us * self.durable;
        let commands = self.slots_in_flight * (self.slot_bytes / COMMAND_BYTES).max(1);
        round / commands.max(1)
    }

    /// Whether members keep anything.
    pub fn is_durable(&self) -> bool {
        self.durable != 0
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}", self.seed)?;
        for (name, meaning) in Plan::FIELDS {
            writeln!(f, "  {name:>20} {:>9}  {meaning}", self.get(name).unwrap_or_default())?;
        }
        Ok(())
    }
}
