//! The digest of the state, by which members find out whether they still agree.

use crate::read::{Cursor, View};
use crate::snapshot::{FORMAT, put_file};
use crate::store::Store;

const BUFFER_BYTES: usize = 64 << 10;

impl Store {
    /// BLAKE3 of the format's version, the revision, every file with its revision and value in the order of the tree, and
    /// all sessions and queues. Equal states have equal digests, whatever their histories and options. Takes time
    /// in proportion to the bytes of all files.
    pub fn digest(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        let mut buffer = vec![FORMAT];
        buffer.extend_from_slice(&self.revision().0.to_le_bytes());
        let view = View { store: self, at: None };
        let mut cursor = Cursor::seek(view, |_| false);
        while let Some((id, path)) = cursor.head() {
            if let Some((rev, value)) = view.version(id) {
                put_file(&mut buffer, rev, path, value);
            }
            if buffer.len() >= BUFFER_BYTES {
                hasher.update(&buffer);
                buffer.clear();
            }
            cursor.advance();
        }
        self.sessions.encode(&mut buffer);
        hasher.update(&buffer);
        *hasher.finalize().as_bytes()
    }
}
