//! A new cluster from what is left of one that lost a majority for good: from a survivor's directory to another one.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use doozer_journal::{Options, RealDisk};
use doozer_member::refound;
use doozer_paxos::{ClusterId, Incarnation};

use crate::config::Config;
use crate::launch::{new_cluster, store_options};

pub use doozer_member::refound::RefoundError;

/// What a member's data directory has, read whole while no process uses it.
#[derive(Debug)]
pub struct Survivor(refound::Survivor);

/// The cluster that was made of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refounded {
    /// The new cluster.
    pub cluster: ClusterId,
    /// Its only member.
    pub id: Incarnation,
    /// The revision it begins at.
    pub revision: i64,
}

/// Why a cluster is not founded anew. Each message is one line that names the thing and what to do.
#[derive(Debug, thiserror::Error)]
pub enum RecoverError {
    /// The survivor's directory cannot be read, or the new one not be written.
    #[error("data directory {}: {source}", path.display())]
    Data {
        /// The directory.
        path: PathBuf,
        /// What is wrong.
        source: RefoundError,
    },
    /// There is something where the new directory is to be.
    #[error("{} is there already: name a directory that is not", .0.display())]
    Exists(PathBuf),
    /// The system refused something.
    #[error("cannot {what} {}: {source}", path.display())]
    System {
        /// What was to be done.
        what: &'static str,
        /// To which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl Survivor {
    /// Reads a directory, and changes nothing in it. Blocks on the disk.
    ///
    /// # Errors
    /// [`RecoverError::Data`]: it is no data directory, it is in use, or nothing in it can be read.
    pub fn read(path: &Path) -> Result<Survivor, RecoverError> {
        let data = |source| RecoverError::Data { path: path.to_owned(), source };
        let options = store_options(&Config::default()).map_err(|error| system("read", path, &error))?;
        refound::Survivor::read(&RealDisk::new(path), options).map(Survivor).map_err(data)
    }

    /// The cluster it is of, and who it is.
    pub fn name(&self) -> (ClusterId, Incarnation) {
        (self.0.cluster, self.0.id)
    }

    /// What its log is worth beside that of another survivor: the number of the ballot it was last accepted under, then its
    /// last slot. The greatest has everything that was acknowledged, if any of them has.
    pub fn log(&self) -> (u64, u64) {
        (self.0.acc_ballot.n, self.0.last.0)
    }

    /// The revision that all it has comes to.
    pub fn revision(&self) -> i64 {
        self.0.revision.to_raw()
    }

    /// What it had and has no more, a line each.
    pub fn losses(&self) -> Vec<String> {
        let damage = self.0.damage.as_ref().map(|damage| {
            let (file, at, what) = (&damage.file, damage.offset, &damage.what);
            format!("{file} is damaged at byte {at}: {what}; nothing behind that is read")
        });
        let lacks = self.0.lacks.filter(|lacks| lacks.last > self.0.last).map(|lacks| {
            format!("its log went up to slot {}, and can be read up to slot {} only", lacks.last, self.0.last)
        });
        damage.into_iter().chain(lacks).collect()
    }

    /// Makes the data directory of the founder of a new cluster with everything that this one has. It comes into being whole,
    /// or not at all. Blocks on the disk.
    ///
    /// # Errors
    /// [`RecoverError`]; at most a directory `TO.unfinished` is left.
    pub fn found(&self, to: &Path) -> Result<Refounded, RecoverError> {
        if to.exists() {
            return Err(RecoverError::Exists(to.to_owned()));
        }
        let unfinished = unfinished(to);
        if unfinished.exists() {
            fs::remove_dir_all(&unfinished).map_err(|source| RecoverError::System {
                what: "remove",
                path: unfinished.clone(),
                source,
            })?;
        }
        let birth = new_cluster().map_err(|error| system("make", to, &error))?;
        let store_options = store_options(&Config::default()).map_err(|error| system("make", to, &error))?;
        let made = self.0.found(&RealDisk::new(&unfinished), birth, Options::default(), store_options);
        let revision =
            made.map_err(|source| RecoverError::Data { path: unfinished.clone(), source })?.to_raw();
        publish(&unfinished, to)?;
        Ok(Refounded { cluster: birth.cluster, id: birth.incarnation, revision })
    }
}

fn unfinished(to: &Path) -> PathBuf {
    let mut name = to.file_name().map(OsString::from).unwrap_or_default();
    name.push(".unfinished");
    to.with_file_name(name)
}

fn publish(from: &Path, to: &Path) -> Result<(), RecoverError> {
    let failed = |what| move |source| RecoverError::System { what, path: to.to_owned(), source };
    fs::rename(from, to).map_err(failed("make"))?;
    let parent = to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(parent).and_then(|parent| parent.sync_all()).map_err(failed("sync"))
}

fn system(what: &'static str, path: &Path, error: &crate::StartError) -> RecoverError {
    RecoverError::System { what, path: path.to_owned(), source: io::Error::other(error.to_string()) }
}
