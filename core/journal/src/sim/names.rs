//! The names of a simulated disk: which are there now, which would be there after a crash.

use std::collections::{BTreeMap, BTreeSet};
use std::{io, mem};

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Node {
    /// A directory.
    Dir,
    /// A file, by the number of its contents.
    File(usize),
}

/// A change is of a file, not only of a name: what another file has under that name by then is another matter.
#[derive(Debug, Clone)]
enum Change {
    Add(String, Node),
    Rename(String, String, Node),
    Remove(String, Node),
}

type Map = BTreeMap<String, Node>;

/// Names as readers see them, names as they are on the disk, and the changes between.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    now: Map,
    durable: Map,
    pending: Vec<Change>,
}

impl Names {
    pub(super) fn get(&self, name: &str) -> Option<Node> {
        if name.is_empty() { Some(Node::Dir) } else { self.now.get(name).copied() }
    }

    /// The file with this name; what is missing is the error.
    pub(super) fn file(&self, name: &str) -> io::Result<usize> {
        match self.get(name) {
            Some(Node::File(inode)) => Ok(inode),
            Some(Node::Dir) => Err(io::ErrorKind::IsADirectory.into()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    pub(super) fn files(&self) -> Vec<String> {
        self.now.iter().filter(|(_, node)| **node != Node::Dir).map(|(name, _)| name.clone()).collect()
    }

    pub(super) fn inodes(&self) -> impl Iterator<Item = usize> {
        self.now.values().filter_map(|node| match node {
            Node::File(inode) => Some(*inode),
            Node::Dir => None,
        })
    }

    /// Every file that has a name, or may have one after a crash.
    pub(super) fn all_inodes(&self) -> BTreeSet<usize> {
        let changed = self.pending.iter().map(|change| match change {
            Change::Add(_, node) | Change::Rename(_, _, node) | Change::Remove(_, node) => node,
        });
        let nodes = self.now.values().chain(self.durable.values()).chain(changed);
        nodes.filter_map(|node| if let Node::File(inode) = node { Some(*inode) } else { None }).collect()
    }

    pub(super) fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        if self.get(dir) != Some(Node::Dir) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let inside = self.now.keys().filter(|name| parent(name) == dir);
        Ok(inside.map(|name| name[dir.len()..].trim_start_matches('/').to_owned()).collect())
    }

    pub(super) fn add(&mut self, name: &str, node: Node) -> io::Result<()> {
        if self.get(parent(name)) != Some(Node::Dir) {
            return Err(io::ErrorKind::NotFound.into());
        }
        self.change(Change::Add(name.to_owned(), node));
        Ok(())
    }

    pub(super) fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        let node = self.get(from).ok_or(io::ErrorKind::NotFound)?;
        self.change(Change::Rename(from.to_owned(), to.to_owned(), node));
        Ok(())
    }

    pub(super) fn remove(&mut self, name: &str) -> io::Result<()> {
        let node = self.get(name).ok_or(io::ErrorKind::NotFound)?;
        self.change(Change::Remove(name.to_owned(), node));
        Ok(())
    }

    fn change(&mut self, change: Change) {
        apply(&mut self.now, &change);
        self.pending.push(change);
    }

    pub(super) fn sync(&mut self, dir: &str) -> io::Result<()> {
        if self.get(dir) != Some(Node::Dir) {
            return Err(io::ErrorKind::NotFound.into());
        }
        for change in mem::take(&mut self.pending) {
            if change.dir() == dir {
                apply(&mut self.durable, &change);
            } else {
                self.pending.push(change);
            }
        }
        Ok(())
    }

    /// A power cut: each pending change survives if `keeps` says so and it still can.
    pub(super) fn crash(&mut self, mut keeps: impl FnMut() -> bool) {
        for change in mem::take(&mut self.pending) {
            if keeps() {
                apply(&mut self.durable, &change);
            }
        }
        let dirs: Vec<String> = self
            .durable
            .iter()
            .filter(|(_, node)| **node == Node::Dir)
            .map(|(name, _)| name.clone())
            .collect();
        self.durable.retain(|name, _| parent(name).is_empty() || dirs.iter().any(|dir| dir == parent(name)));
        self.now = self.durable.clone();
    }

    /// Puts a name there for good.
    pub(super) fn put(&mut self, name: &str, node: Node) {
        if !parent(name).is_empty() {
            self.put(parent(name), Node::Dir);
        }
        self.now.insert(name.to_owned(), node);
        self.durable.insert(name.to_owned(), node);
    }

    /// Takes a name away for good.
    pub(super) fn lose(&mut self, name: &str) {
        self.now.remove(name);
        self.durable.remove(name);
    }
}

impl Change {
    fn dir(&self) -> &str {
        match self {
            Change::Add(name, _) | Change::Remove(name, _) | Change::Rename(_, name, _) => parent(name),
        }
    }
}

fn apply(map: &mut Map, change: &Change) {
    match change {
        Change::Add(name, node) => _ = map.insert(name.clone(), *node),
        Change::Remove(name, node) => take_away(map, name, *node),
        Change::Rename(from, to, node) => {
            take_away(map, from, *node);
            map.insert(to.clone(), *node);
        }
    }
}

fn take_away(map: &mut Map, name: &str, node: Node) {
    if map.get(name) == Some(&node) {
        map.remove(name);
    }
}

fn parent(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(dir, _)| dir)
}
