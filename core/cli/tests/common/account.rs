//! What the clients of a run heard, and what must hold of it whatever the members went through.

use std::collections::{BTreeMap, HashMap, HashSet};

use doozer_client::{Change, Entry, Event};

use super::cluster::Cluster;
use super::load::END;

/// A write as its client knows it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Write {
    pub path: String,
    pub value: String,
}

/// What clients heard.
#[derive(Debug, Default)]
pub struct Account {
    /// Writes that were acknowledged, with their revisions.
    pub acknowledged: Vec<(i64, Write)>,
    /// Writes that may or may not have been made.
    pub unknown: Vec<Write>,
    /// What each watcher of everything saw, from `first` on.
    pub watched: Vec<Vec<Event>>,
    pub first: i64,
    /// What the one who waits saw.
    pub waited: Vec<Event>,
    pub reads: u64,
    /// The revision of the last change.
    pub last: i64,
    /// Errors that nobody may see.
    pub errors: Vec<String>,
}

impl Account {
    pub fn add(&mut self, other: Account) {
        self.acknowledged.extend(other.acknowledged);
        self.unknown.extend(other.unknown);
        self.watched.extend(other.watched);
        self.first = self.first.max(other.first);
        self.waited.extend(other.waited);
        self.reads += other.reads;
    }

    /// Asserts everything.
    pub fn check(&self) {
        assert!(self.errors.is_empty(), "{} errors: {:#?}", self.errors.len(), self.errors);
        self.check_events();
        self.check_writes();
        self.check_counts();
        assert!(self.reads > 0 && !self.acknowledged.is_empty());
    }

    fn events(&self) -> &[Event] {
        &self.watched[0]
    }

    /// Each watcher saw every change, once, in order, and all saw the same.
    fn check_events(&self) {
        for events in &self.watched {
            for (at, event) in events.iter().enumerate() {
                assert_eq!(event.rev, self.first + at as i64, "a watcher's event {at}: {event:?}");
            }
            assert_eq!(events.last().map(|event| event.rev), Some(self.last));
            assert!(events == self.events(), "two watchers saw different changes");
        }
        let is_waited_for = |event: &&Event| event.path == "/count/0" || event.path == END;
        let expected: Vec<&Event> = self.events().iter().filter(is_waited_for).collect();
        assert!(self.waited.iter().eq(expected), "who waits saw other changes: {:?}", self.waited);
    }

    /// Each acknowledged write is there, with its revision, and nothing is there that nobody wrote.
    fn check_writes(&self) {
        let acknowledged: HashMap<i64, &Write> =
            self.acknowledged.iter().map(|(rev, write)| (*rev, write)).collect();
        assert_eq!(acknowledged.len(), self.acknowledged.len(), "a revision was given twice");
        let mut unknown: HashSet<&Write> = self.unknown.iter().collect();
        let mut found = 0;
        for event in self.events().iter().filter(|event| !event.path.starts_with("/ctl/")) {
            let value = String::from_utf8(event.value.to_vec()).unwrap();
            let write = Write { path: event.path.clone(), value };
            assert_eq!(event.kind, Change::Set, "{event:?}");
            match acknowledged.get(&event.rev) {
                Some(said) => {
                    assert_eq!(**said, write, "revision {}", event.rev);
                    found += 1;
                }
                None if event.path == END => {}
                None => assert!(unknown.remove(&write), "revision {}: nobody wrote {write:?}", event.rev),
            }
        }
        assert_eq!(found, acknowledged.len(), "acknowledged writes are missing");
    }

    /// Who writes under the condition that nobody else has, counts without a hole.
    fn check_counts(&self) {
        let mut counts: HashMap<&str, u64> = HashMap::new();
        let is_count = |path: &str| path.starts_with("/count/") || path == "/together";
        for event in self.events().iter().filter(|event| is_count(&event.path)) {
            let count = counts.entry(&event.path).or_default();
            *count += 1;
            assert_eq!(event.value, count.to_string(), "{event:?}");
        }
    }

    /// Each member that runs has exactly this state.
    pub async fn check_members(&self, cluster: &Cluster, numbers: impl IntoIterator<Item = usize>) {
        let mut own: BTreeMap<&str, &Event> = BTreeMap::new();
        own.extend(self.events().iter().map(|event| (event.path.as_str(), event)));
        own.retain(|path, _| !path.starts_with("/ctl/"));
        let mut first: Option<Vec<Entry>> = None;
        for number in numbers {
            let client = cluster.client(number).await;
            assert_eq!(client.self_id().await.unwrap(), cluster.member(number).id);
            assert!(client.rev().await.unwrap() >= self.last);
            let files = client.walk("/**", Some(self.last)).await.unwrap();
            let mut here: Vec<&Entry> = files.iter().filter(|file| !file.path.starts_with("/ctl/")).collect();
            here.sort_by(|a, b| a.path.cmp(&b.path));
            assert_eq!(here.len(), own.len(), "files at member {number}");
            for (file, event) in here.into_iter().zip(own.values()) {
                let expected = (&event.path, Some(&event.value), event.rev);
                assert_eq!((&file.path, file.value.as_ref(), file.rev), expected, "member {number}");
            }
            assert!(*first.get_or_insert_with(|| files.clone()) == files, "member {number} differs");
        }
    }
}
