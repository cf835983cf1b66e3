//! Where members are reached: as they said themselves when they came here, or as the cluster's files say.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use doozer_member::local::Local;
use doozer_paxos::Incarnation;
use doozer_store::{At, Glob, Lookup};
use doozer_wire::Address;
use parking_lot::Mutex;

use crate::birth;

#[derive(Default)]
pub(crate) struct Book {
    said: Mutex<HashMap<Incarnation, Address>>,
    /// Who has come here to say something.
    came: Mutex<HashSet<Incarnation>>,
    local: OnceLock<Arc<Local>>,
}

impl Book {
    /// There is a state from now on.
    pub fn read_from(&self, local: Arc<Local>) {
        // It is called once, by the member's start.
        let _ = self.local.set(local);
    }

    /// A member that proved who it is says where it is.
    pub fn note(&self, member: Incarnation, address: Address) {
        self.said.lock().insert(member, address);
    }

    /// A member has come here to say something: it can reach this one.
    pub fn note_came(&self, member: Incarnation) {
        self.came.lock().insert(member);
    }

    /// Whether it ever has.
    pub fn has_come(&self, member: &Incarnation) -> bool {
        self.came.lock().contains(member)
    }

    /// Somebody else, or nobody, is where it said it was.
    pub fn forget(&self, member: &Incarnation, address: &Address) {
        let mut said = self.said.lock();
        if said.get(member) == Some(address) {
            said.remove(member);
        }
    }

    /// Where to look for a member, the likeliest place first.
    pub fn places(&self, member: &Incarnation) -> Vec<Address> {
        let said = self.said.lock().get(member).cloned();
        let mut places: Vec<Address> = said.into_iter().chain(self.written(member)).collect();
        places.dedup();
        places
    }

    /// Wherever some member is said to be.
    pub fn all(&self) -> Vec<Address> {
        let mut all: Vec<Address> = self.said.lock().values().cloned().collect();
        if let Some(local) = self.local.get() {
            let state = local.state.read();
            let addresses = Glob::parse(b"/ctl/node/*/addr").map(|glob| {
                let files = state.store().walk(&glob, At::Now, None).into_iter().flatten();
                files
                    .filter_map(|file| std::str::from_utf8(file.value).ok()?.parse().ok())
                    .collect::<Vec<_>>()
            });
            all.extend(addresses.into_iter().flatten());
        }
        all
    }

    /// What its cluster is called, if it is known here.
    pub fn cluster_name(&self) -> Option<String> {
        birth::cluster_name(self.local.get()?.state.read().store())
    }

    fn written(&self, member: &Incarnation) -> Option<Address> {
        let state = self.local.get()?.state.read();
        match state.store().get(&format!("/ctl/node/{member}/addr"), At::Now) {
            Ok(Lookup::File { value, .. }) => std::str::from_utf8(value).ok()?.parse().ok(),
            _ => None,
        }
    }
}
