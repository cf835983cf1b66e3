//! What calls gave that is kept under a name: locks, leaders, registrations, live maps, who went through a barrier.

use std::sync::Arc;

use doozer::{Entered, Entry, Error, ErrorKind, Fence, File, Leader, Live, Lock, Registration};
use tokio::sync::Mutex;

use crate::given::Given;
use crate::scenario::Do;

/// Something that is kept, with what its errors are to name.
pub(crate) struct Kept {
    pub path: String,
    pub thing: Thing,
}

pub(crate) enum Thing {
    Lock(Lock),
    Leader(Leader),
    /// `None` once it was taken back.
    Registration(Mutex<Option<Registration>>),
    Live {
        map: Live,
        reader: Mutex<Live>,
    },
    Entered(Entered),
}

impl Kept {
    pub fn lock(lock: Lock) -> Kept {
        Kept { path: lock.path().to_owned(), thing: Thing::Lock(lock) }
    }

    pub fn leader(leader: Leader) -> Kept {
        Kept { path: leader.path().to_owned(), thing: Thing::Leader(leader) }
    }

    pub fn registration(registration: Registration) -> Kept {
        let path = registration.path().to_owned();
        Kept { path, thing: Thing::Registration(Mutex::new(Some(registration))) }
    }

    pub fn live(glob: &str, map: Live) -> Kept {
        let reader = Mutex::new(map.clone());
        Kept { path: glob.to_owned(), thing: Thing::Live { map, reader } }
    }

    pub fn entered(path: &str, entered: Entered) -> Kept {
        Kept { path: path.to_owned(), thing: Thing::Entered(entered) }
    }

    /// What a write that names it as its fence depends on.
    pub fn fence(&self) -> Result<Fence, String> {
        match &self.thing {
            Thing::Lock(lock) => Ok(lock.into()),
            Thing::Leader(leader) => Ok(leader.into()),
            _ => Err("only a lock or a leader is a fence".to_owned()),
        }
    }

    /// Whether it is held, without asking anybody.
    pub fn is_held(&self) -> Result<bool, String> {
        match &self.thing {
            Thing::Lock(lock) => Ok(lock.is_held()),
            Thing::Leader(leader) => Ok(leader.is_leading()),
            Thing::Entered(entered) => Ok(entered.is_inside()),
            _ => Err("only what can be lost is held".to_owned()),
        }
    }

    /// The files of a live map, without asking anybody.
    pub fn files(&self) -> Result<Given, String> {
        match &self.thing {
            Thing::Live { map, .. } => Ok(given(&map.files())),
            _ => Err("only a live map has files".to_owned()),
        }
    }

    /// A call on it. What it is for, the rules have seen to.
    pub async fn call(&self, op: Do, value: bytes::Bytes) -> Result<Given, Error> {
        match (op, &self.thing) {
            (Do::Unlock, Thing::Lock(lock)) => lock.unlock().await?,
            (Do::Lost, Thing::Lock(lock)) => lock.lost().await,
            (Do::Lost, Thing::Leader(leader)) => leader.lost().await,
            (Do::Lost, Thing::Entered(entered)) => entered.lost().await,
            (Do::Proclaim, Thing::Leader(leader)) => return leader.proclaim(value).await.map(Given::rev),
            (Do::Resign, Thing::Leader(leader)) => leader.resign().await?,
            (Do::Deregister, Thing::Registration(registration)) => {
                let registration = registration.lock().await.take();
                let gone =
                    || Error::new(ErrorKind::Closed, op.word(), Some(&self.path), "it was taken back before");
                registration.ok_or_else(gone)?.deregister().await?;
            }
            (Do::Changed, Thing::Live { reader, .. }) => {
                return Ok(given(&reader.lock().await.changed().await?));
            }
            (Do::Leave, Thing::Entered(entered)) => entered.leave().await?,
            (op, _) => unreachable!("`{}` of something else", op.word()),
        }
        Ok(Given::default())
    }
}

fn given(files: &Arc<std::collections::BTreeMap<String, File>>) -> Given {
    let entry = |(path, file): (&String, &File)| {
        let len = file.value.as_ref().map_or(0, |value| value.len() as u64);
        Entry { path: path.clone(), value: file.value.clone(), rev: file.rev, len }
    };
    files.iter().map(entry).collect::<Vec<_>>().into()
}
