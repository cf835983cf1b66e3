//! What the members of this process log, from warnings on.

use std::fmt::{Debug, Write};
use std::sync::Once;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

const PATIENCE: Duration = Duration::from_secs(60);

static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());
static MORE: Condvar = Condvar::new();

/// From here on lines are kept.
pub fn keep() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| tracing::subscriber::set_global_default(Log).unwrap());
}

/// The lines that have all these words.
pub fn lines(words: &[&str]) -> Vec<String> {
    LINES.lock().iter().filter(|line| words.iter().all(|word| line.contains(word))).cloned().collect()
}

/// Waits for a line that has all these words.
#[track_caller]
pub fn wait_for(words: &[&str]) -> String {
    let until = Instant::now() + PATIENCE;
    let mut kept = LINES.lock();
    loop {
        if let Some(line) = kept.iter().find(|line| words.iter().all(|word| line.contains(word))) {
            return line.clone();
        }
        let waited = MORE.wait_until(&mut kept, until);
        assert!(!waited.timed_out(), "nothing with {words:?}: {kept:#?}");
    }
}

struct Log;

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::WARN
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(String::new());
        event.record(&mut line);
        LINES.lock().push(line.0);
        MORE.notify_all();
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let name = if field.name() == "message" { "" } else { field.name() };
        write!(self.0, "{name}{value:?} ").unwrap();
    }
}
