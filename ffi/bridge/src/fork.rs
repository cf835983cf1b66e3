//! What a fork makes of everything: a child has the parent's memory and none of its threads.
//!
//! A runtime, a connection or a lock of the parent must not be touched in the child, not even dropped: its threads are
//! gone, any mutex in it may be held for ever, and closing its descriptors would reach through the epoll instance that
//! both share. So everything remembers the process it was made in, and in a child it is left where it is.

use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

/// Counts the forks that led to this process. Cheaper than asking for the process id, which is a system call.
static GENERATION: AtomicU32 = AtomicU32::new(0);
static COUNTING: Once = Once::new();

/// One process, as far as memory can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Process(u32);

impl Process {
    /// The process this runs in.
    pub fn current() -> Process {
        COUNTING.call_once(|| {
            extern "C" fn in_child() {
                GENERATION.fetch_add(1, Ordering::Relaxed);
            }
            // SAFETY: the handler does nothing but an atomic addition, which is safe after any fork. It can fail only
            // for want of memory; then forks go unnoticed, as they would without it.
            unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
        });
        Process(GENERATION.load(Ordering::Relaxed))
    }

    /// Whether this is still the process.
    pub fn is_current(self) -> bool {
        self == Process::current()
    }
}

/// A value that is dropped only in the process it was made in.
#[derive(Debug)]
pub(crate) struct PerProcess<T> {
    home: Process,
    value: ManuallyDrop<T>,
}

impl<T> PerProcess<T> {
    pub fn new(value: T) -> PerProcess<T> {
        PerProcess { home: Process::current(), value: ManuallyDrop::new(value) }
    }

    /// The value, unless this is a child of the process it was made in.
    pub fn get(&self) -> Option<&T> {
        self.home.is_current().then(|| self.value.deref())
    }

    /// The same, to change it.
    pub fn get_mut(&mut self) -> Option<&mut T> {
        self.home.is_current().then(|| self.value.deref_mut())
    }

    /// The value itself, likewise.
    pub fn take(self) -> Option<T> {
        if !self.home.is_current() {
            return None;
        }
        let mut this = ManuallyDrop::new(self);
        // SAFETY: `this` is neither used nor dropped any more.
        Some(unsafe { ManuallyDrop::take(&mut this.value) })
    }
}

impl<T> Drop for PerProcess<T> {
    fn drop(&mut self) {
        if self.home.is_current() {
            // SAFETY: nobody uses the value after this, since `self` is gone.
            unsafe { ManuallyDrop::drop(&mut self.value) };
        }
    }
}
