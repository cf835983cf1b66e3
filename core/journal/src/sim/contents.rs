//! What stands in a simulated file: as readers see it, as it is on the medium, and which sectors differ.
//! Never here: names, faults to come, randomness.

use std::collections::BTreeMap;
use std::mem;
use std::sync::{Arc, LazyLock};

/// The unit that a crash keeps or loses on disks with small sectors; on others eight of them, a page, go together.
pub(super) const SECTOR: usize = 512;

const PAGE: usize = 4096;
const SECTORS_IN_PAGE: usize = PAGE / SECTOR;

/// Shared between what readers see, the medium, and forks of the disk, until one of them changes.
type Page = Arc<[u8; PAGE]>;

/// Most of a segment is zeros for most of its life.
static ZEROS: LazyLock<Page> = LazyLock::new(|| Arc::new([0; PAGE]));

/// One file.
#[derive(Debug, Clone, Default)]
pub(super) struct Contents {
    now: Bytes,
    medium: Bytes,
    /// Sectors written since the last sync: of each page, a bit each.
    dirty: BTreeMap<usize, u8>,
    /// The least length since the last sync: what stood behind it is not there any more.
    cut_to: Option<usize>,
    /// A sector that is not dirty may differ.
    is_astray: bool,
}

impl Contents {
    /// A file that is on the medium as it is.
    pub(super) fn durable(bytes: &[u8]) -> Self {
        let mut now = Bytes::default();
        now.write(bytes, 0);
        Contents { medium: now.clone(), now, ..Contents::default() }
    }

    pub(super) fn len(&self) -> usize {
        self.now.len
    }

    pub(super) fn to_vec(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.now.len];
        self.now.read(&mut bytes, 0);
        bytes
    }

    /// Fills the buffer, or says that the file ends before.
    pub(super) fn read(&self, buffer: &mut [u8], offset: u64) -> bool {
        let from = usize::try_from(offset).unwrap_or(usize::MAX);
        let is_there = from.checked_add(buffer.len()).is_some_and(|to| to <= self.now.len);
        if is_there {
            self.now.read(buffer, from);
        }
        is_there
    }

    /// Writes. Sectors that were dirty before may have been written back in between: `is_written_back` is asked.
    pub(super) fn write(&mut self, bytes: &[u8], offset: usize, mut is_written_back: impl FnMut() -> bool) {
        for sector in offset / SECTOR..(offset + bytes.len()).div_ceil(SECTOR) {
            let (page, bit) = (sector / SECTORS_IN_PAGE, 1 << (sector % SECTORS_IN_PAGE));
            let dirty = self.dirty.entry(page).or_default();
            if *dirty & bit == 0 {
                *dirty |= bit;
            } else if is_written_back() {
                self.medium.copy_sector(&self.now, sector);
            }
        }
        self.now.write(bytes, offset);
    }

    pub(super) fn set_len(&mut self, len: usize) {
        self.now.set_len(len);
        self.cut_to = Some(self.cut_to.unwrap_or(len).min(len));
    }

    /// Other bytes for readers, of which nothing ever gets to the medium.
    pub(super) fn show(&mut self, bytes: &[u8]) {
        self.now = Contents::durable(bytes).now;
        self.is_astray = true;
    }

    /// All of it gets to the medium.
    pub(super) fn sync(&mut self) {
        if let Some(len) = self.cut_to.take() {
            self.medium.set_len(len.min(self.medium.len));
        }
        for (page, sectors) in mem::take(&mut self.dirty) {
            self.medium.copy_page(&self.now, page, sectors);
        }
        self.medium.set_len(self.now.len);
    }

    /// The dirty sectors that `survives` picks get to the medium; it is asked once for `together` (1 or 8) of them.
    pub(super) fn sync_some(&mut self, together: usize, mut survives: impl FnMut() -> bool) {
        for (page, sectors) in &self.dirty {
            let units =
                if together == 1 { (0..SECTORS_IN_PAGE).map(|i| 1 << i).collect() } else { vec![0xff] };
            for unit in units {
                if sectors & unit != 0 && survives() {
                    self.medium.copy_page(&self.now, *page, sectors & unit);
                }
            }
        }
    }

    /// Nothing counts as dirty any more: what is not on the medium will never be.
    pub(super) fn forget_dirty(&mut self) {
        self.is_astray |= !self.dirty.is_empty();
        self.dirty.clear();
    }

    /// Only the medium is left, with the length that readers saw if `keeps_len`.
    pub(super) fn crash(&mut self, keeps_len: bool) {
        if keeps_len {
            self.medium.set_len(self.now.len);
        }
        if self.is_astray
            || !self.dirty.is_empty()
            || self.cut_to.is_some()
            || self.now.len != self.medium.len
        {
            self.now = self.medium.clone();
        }
        self.dirty.clear();
        (self.cut_to, self.is_astray) = (None, false);
    }

    /// What readers see of a sector, which may be shorter at the end of the file.
    pub(super) fn sector(&self, at: usize, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len.min(self.now.len.saturating_sub(at))];
        self.now.read(&mut bytes, at);
        bytes
    }

    /// Other bytes at a place inside the file, on the medium and for readers, without a write to it.
    pub(super) fn strike(&mut self, bytes: &[u8], at: usize) {
        let there = |len: usize| &bytes[..bytes.len().min(len.saturating_sub(at))];
        self.medium.write(there(self.medium.len), at);
        self.now.write(there(self.now.len), at);
    }

    /// Flips a bit on the medium, and for readers unless they see a sector that is yet to be written over it.
    pub(super) fn flip(&mut self, bit: usize) {
        let (at, mask) = (bit / 8, 1 << (bit % 8));
        let sector = at / SECTOR;
        let dirty = self.dirty.get(&(sector / SECTORS_IN_PAGE)).copied().unwrap_or_default();
        if at < self.medium.len {
            self.medium.byte(at, |byte| byte ^ mask);
        }
        if dirty & (1 << (sector % SECTORS_IN_PAGE)) == 0 && at < self.now.len {
            self.now.byte(at, |byte| byte ^ mask);
        }
    }
}

/// Bytes in pages. Behind the length all is zeros.
#[derive(Debug, Clone, Default)]
struct Bytes {
    pages: Vec<Page>,
    len: usize,
}

impl Bytes {
    fn read(&self, buffer: &mut [u8], from: usize) {
        for (page, within, part) in parts(from, buffer.len()) {
            let len = within.len();
            buffer[part..part + len].copy_from_slice(&self.pages[page][within]);
        }
    }

    fn write(&mut self, bytes: &[u8], from: usize) {
        if bytes.is_empty() {
            return;
        }
        if from + bytes.len() > self.len {
            self.set_len(from + bytes.len());
        }
        for (page, within, part) in parts(from, bytes.len()) {
            let piece = &bytes[part..part + within.len()];
            match <&[u8; PAGE]>::try_from(piece) {
                Ok(whole) if *whole == **ZEROS => self.pages[page] = ZEROS.clone(),
                Ok(whole) => self.pages[page] = Arc::new(*whole),
                Err(_) => Arc::make_mut(&mut self.pages[page])[within].copy_from_slice(piece),
            }
        }
    }

    fn set_len(&mut self, len: usize) {
        if len < self.len && !len.is_multiple_of(PAGE) {
            Arc::make_mut(&mut self.pages[len / PAGE])[len % PAGE..].fill(0);
        }
        self.pages.resize_with(len.div_ceil(PAGE), || ZEROS.clone());
        self.len = len;
    }

    fn byte(&mut self, at: usize, change: impl FnOnce(u8) -> u8) {
        let byte = &mut Arc::make_mut(&mut self.pages[at / PAGE])[at % PAGE];
        *byte = change(*byte);
    }

    /// Takes over sectors of a page, as far as `other` has them.
    fn copy_page(&mut self, other: &Bytes, page: usize, sectors: u8) {
        let Some(theirs) = other.pages.get(page) else { return };
        if sectors == u8::MAX {
            let end = ((page + 1) * PAGE).min(other.len);
            self.set_len(self.len.max(end));
            self.pages[page] = theirs.clone();
            return;
        }
        for index in (0..SECTORS_IN_PAGE).filter(|index| sectors & (1 << index) != 0) {
            self.copy_sector(other, page * SECTORS_IN_PAGE + index);
        }
    }

    fn copy_sector(&mut self, other: &Bytes, sector: usize) {
        let from = sector * SECTOR;
        let to = (from + SECTOR).min(other.len);
        if from >= to {
            return;
        }
        self.set_len(self.len.max(to));
        let within = from % PAGE..from % PAGE + to - from;
        let page = from / PAGE;
        Arc::make_mut(&mut self.pages[page])[within.clone()].copy_from_slice(&other.pages[page][within]);
    }
}

/// The pages that `len` bytes from `from` on are in: each one's number, the range in it, and where in the bytes it is.
fn parts(from: usize, len: usize) -> impl Iterator<Item = (usize, std::ops::Range<usize>, usize)> {
    let end = if len == 0 { 0 } else { (from + len).div_ceil(PAGE) };
    (from / PAGE..end).map(move |page| {
        let (start, end) = ((page * PAGE).max(from), ((page + 1) * PAGE).min(from + len));
        (page, start - page * PAGE..end - page * PAGE, start - from)
    })
}
