//! The state of a cluster that is founded anew from what one survivor of another has.

use doozer_paxos::{Config, Incarnation};
use doozer_store::{Applied, At, Command, Revision, Store};

use super::origins::Origins;
use super::{Machine, cal};

/// By how much the revision jumps: more than the old cluster can have got on without the survivor.
const LEAP: u64 = 1 << 32;

impl Machine {
    /// The state that `founder` begins with: the same files, the revision 2^32 further on, nothing before. The founder alone
    /// votes, in the first of the old places; the others are open. What old members had said of themselves is deleted:
    /// none of them can come back. No command of theirs is on its way either.
    #[must_use]
    pub fn refounded(&self, founder: Incarnation, options: doozer_store::Options) -> Machine {
        let mut store = self.store.leap(Revision(self.store.revision().0 + LEAP), options);
        let id = founder.to_string();
        let mut commands = Vec::new();
        let places: Vec<String> = cal::slots(&store).into_iter().map(|(path, _)| path).collect();
        let first = places.first().map_or("/ctl/cal/0", String::as_str);
        set(&mut commands, first, &id);
        places.iter().skip(1).for_each(|path| set(&mut commands, path, ""));
        let gone = of_members(&store);
        gone.iter().for_each(|path| encode(&mut commands, &Command::Del { path, rev: -1 }));
        store.apply(&commands, &mut Applied::default());
        let config = Config { epoch: self.config.epoch + 1, voters: vec![founder] };
        assert!(cal::tells(&store, &config), "/ctl/cal does not tell who votes: {config:?}");
        Machine { store, origins: Origins::default(), config }
    }
}

/// The files in which members say where and what they are.
fn of_members(store: &Store) -> Vec<String> {
    let below = |dir: &str| -> Vec<String> {
        let names = store.dir_entries(dir, At::Now).into_iter().flatten();
        names.map(|name| format!("{dir}/{name}")).collect()
    };
    let ids: Vec<String> = below("/ctl/node");
    let presence = ids.iter().flat_map(|dir| below(dir));
    let clusters = below("/ctl/ns");
    let is_gone = |path: &String| {
        let id = path.rsplit('/').next().unwrap_or_default();
        ids.iter().any(|dir| dir.ends_with(&format!("/{id}")))
    };
    presence.chain(clusters.iter().flat_map(|dir| below(dir)).filter(is_gone)).collect()
}

fn set(commands: &mut Vec<Vec<u8>>, path: &str, value: &str) {
    encode(commands, &Command::Set { path, rev: -1, value: value.as_bytes() });
}

fn encode(commands: &mut Vec<Vec<u8>>, command: &Command<'_>) {
    let mut bytes = Vec::new();
    command.encode(&mut bytes);
    commands.push(bytes);
}
