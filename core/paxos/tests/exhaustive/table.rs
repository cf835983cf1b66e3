//! Numbers for values: each distinct member, message or step is held once, so that a state of the cluster is a few
//! numbers and equal numbers mean equal values.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, RwLock};

/// A value's number, in the order in which values were first met.
pub type Number = u32;

pub struct Table<T> {
    known: RwLock<Known<T>>,
}

struct Known<T> {
    numbers: HashMap<Arc<T>, Number>,
    values: Vec<Arc<T>>,
}

impl<T: Eq + Hash> Table<T> {
    pub fn new() -> Table<T> {
        Table { known: RwLock::new(Known { numbers: HashMap::new(), values: Vec::new() }) }
    }

    pub fn number(&self, value: T) -> Number {
        let mut known = self.known.write().expect("no writer panics");
        if let Some(number) = known.numbers.get(&value) {
            return *number;
        }
        let number = Number::try_from(known.values.len()).expect("fewer values than numbers");
        let value = Arc::new(value);
        known.values.push(Arc::clone(&value));
        known.numbers.insert(value, number);
        number
    }

    pub fn get(&self, number: Number) -> Arc<T> {
        Arc::clone(&self.known.read().expect("no writer panics").values[number as usize])
    }
}

/// What was worked out once.
pub struct Memo<K, V> {
    known: RwLock<HashMap<K, Arc<V>>>,
}

impl<K: Eq + Hash, V> Memo<K, V> {
    pub fn new() -> Memo<K, V> {
        Memo { known: RwLock::new(HashMap::new()) }
    }

    pub fn get_or(&self, key: K, work_out: impl FnOnce() -> V) -> Arc<V> {
        if let Some(known) = self.known.read().expect("no writer panics").get(&key) {
            return Arc::clone(known);
        }
        let value = Arc::new(work_out());
        let mut known = self.known.write().expect("no writer panics");
        Arc::clone(known.entry(key).or_insert(value))
    }
}
