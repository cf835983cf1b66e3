//! Creating and opening a journal. First everything is read and judged, and nothing is written; then what has to be
//! put right is, each step such that a crash in it changes no later judgement.

use std::{mem, process};

use doozer_paxos::log::Suspect;
use doozer_paxos::{Ballot, Config, EntryHash, Slot};

use super::{Birth, Journal, Options, mark_of};
use crate::block::SECTOR;
use crate::disk::{Disk, Locked};
use crate::error::{AppendError, Damage, Damaged, Full, IoFailure, OpenError, OpenErrorOrDamage};
use crate::file::DiskExt;
use crate::log::Log;
use crate::mark::{self, Known, Mark, Owner};
use crate::replay::{Replayed, replay};
use crate::scan::{Scan, scan};
use crate::superblock::{self, Super, SuperFile};
use crate::tail::{self, Verdict};
use crate::{Anew, RecordNumber, Recovered, SnapshotMeta, SnapshotReader, Torn, aside, names, record};

impl<D: Disk> Journal<D> {
    /// Makes a new member in an empty directory (or one where this was interrupted), and opens it. It is to join others, and
    /// has promised nothing.
    pub fn create(disk: D, birth: Birth, options: Options) -> Result<(Self, Recovered), OpenError> {
        Self::create_promised(disk, birth, Ballot::ZERO, options)
    }

    /// The same for the founder of a cluster: from its first moment on it has promised a ballot of its own. So a start that
    /// finds nothing else can tell it from a member that was to join, which must never found the cluster once more.
    pub fn create_founder(disk: D, birth: Birth, options: Options) -> Result<(Self, Recovered), OpenError> {
        let promised = Ballot { n: 1, epoch: 0, incarnation: birth.incarnation };
        Self::create_promised(disk, birth, promised, options)
    }

    fn create_promised(
        disk: D,
        birth: Birth,
        promised: Ballot,
        options: Options,
    ) -> Result<(Self, Recovered), OpenError> {
        let io = |dir: &str| disk.create_dir(dir).map_err(disk.failure("create", dir));
        io("")?;
        if Self::exists(&disk)? {
            return Err(OpenError::Exists { path: disk.path("") });
        }
        let lock = lock(&disk)?;
        // Another process may have been faster.
        if Self::exists(&disk)? {
            return Err(OpenError::Exists { path: disk.path("") });
        }
        io(names::LOG)?;
        io(names::SNAP)?;
        disk.sync_named("")?;
        let Birth { cluster, incarnation } = birth;
        let newest =
            Super { generation: 1, cluster, incarnation, boot: 0, promised, epoch: 0, suspect: None };
        superblock::create(&disk, newest)?;
        open_locked(disk, lock, options)
    }

    /// Whether there is a member's data here. `false`: nothing, or a creation that was interrupted. Changes nothing.
    pub fn exists(disk: &D) -> Result<bool, OpenError> {
        let found = match disk.list_named("") {
            Ok(found) => found,
            Err(failure) if failure.is_missing() => return Ok(false),
            Err(failure) => return Err(failure.into()),
        };
        if found.iter().any(|name| name == names::SUPER) {
            return Ok(true);
        }
        for dir in [names::LOG, names::SNAP] {
            if found.iter().any(|name| name == dir) && !disk.list_named(dir)?.is_empty() {
                let what = format!("is missing, but {} is not empty", disk.path(dir));
                return Err(OpenError::IdentityLost { file: disk.path(names::SUPER), what });
            }
        }
        // What is of a member that was given up is kept for people.
        let was_lost = found.iter().any(|name| name.starts_with(names::LOST));
        let ours = [names::LOCK, names::SUPER_NEW, names::LOG, names::SNAP, "lost+found"];
        let is_ours = |name: &String| {
            let is_kept = was_lost && [names::LOST, names::DAMAGED].iter().any(|kept| name.starts_with(kept));
            is_kept || ours.contains(&name.as_str())
        };
        match found.into_iter().find(|name| !is_ours(name)) {
            Some(found) if found == names::MARK || found.starts_with(names::DAMAGED) => {
                let what = format!("is missing, but {found} is there");
                Err(OpenError::IdentityLost { file: disk.path(names::SUPER), what })
            }
            Some(found) => Err(OpenError::NotOurs { path: disk.path(""), found }),
            None => Ok(false),
        }
    }

    /// Whether a member whose identity was lost was given up here: [`Journal::give_up_identity`].
    pub fn was_lost(disk: &D) -> Result<bool, OpenError> {
        match disk.list_named("") {
            Ok(found) => Ok(found.iter().any(|name| name.starts_with(names::LOST))),
            Err(failure) if failure.is_missing() => Ok(false),
            Err(failure) => Err(failure.into()),
        }
    }

    /// If nobody can tell any more who the member of a directory was and what it promised, puts everything of it aside: somebody
    /// else can be born there, who must learn from others, since whatever this one had counts. Says where its files are, and
    /// what was wrong; or nothing, if the identity can be read or nobody is there.
    pub fn give_up_identity(disk: &D) -> Result<Option<(String, OpenError)>, OpenError> {
        if lost_identity(disk)?.is_none() {
            return Ok(None);
        }
        let _lock = lock(disk)?;
        // Another process may have been faster.
        match lost_identity(disk)? {
            None => Ok(None),
            Some(why) => Ok(Some((aside::give_up(disk)?, why))),
        }
    }

    /// What a directory holds, for whoever is not to go on with it: nothing but the lock in it is changed. If it is damaged, what
    /// is intact before that, and what is wrong.
    pub fn read(disk: &D) -> Result<(Recovered, Option<Damage>), OpenError> {
        if !Self::exists(disk)? {
            return Err(OpenError::Missing { path: disk.path("") });
        }
        superblock::load(disk)?;
        let _lock = lock(disk)?;
        let (mut survey, damage) = survey(disk)?;
        let (found, is_suspect) = (survey.suspect, survey.superblock.newest.suspect);
        let mut recovered = survey.recovered();
        recovered.suspect = is_suspect.into_iter().chain(found).max_by_key(Suspect::rank);
        Ok((recovered, damage))
    }

    /// Opens a member's data. On return the log is as it was when it was last synced, or longer, unless
    /// [`Recovered::suspect`] says that its end is lost, or all of it ([`Recovered::anew`]); what was read is on the disk and
    /// not only in a cache; and the boot number is one nobody had before. Reads the whole log.
    pub fn open(disk: D, options: Options) -> Result<(Self, Recovered), OpenError> {
        if !Self::exists(&disk)? {
            return Err(OpenError::Missing { path: disk.path("") });
        }
        // A later version may lock in another way: look at the format before anything else.
        superblock::load(&disk)?;
        let lock = lock(&disk)?;
        open_locked(disk, lock, options)
    }
}

fn lost_identity<D: Disk>(disk: &D) -> Result<Option<OpenError>, OpenError> {
    let found = match Journal::exists(disk) {
        Ok(true) => superblock::load(disk).map(drop),
        nobody_or_lost => nobody_or_lost.map(drop),
    };
    match found {
        Ok(()) => Ok(None),
        Err(lost @ OpenError::IdentityLost { .. }) => Ok(Some(lost)),
        Err(error) => Err(error),
    }
}

fn lock<D: Disk>(disk: &D) -> Result<D::Lock, OpenError> {
    let text = format!("process {}, doozerd's log and snapshots\n", process::id());
    match disk.lock(names::LOCK, &text).map_err(disk.failure("lock", names::LOCK))? {
        Locked::Ours(lock) => Ok(lock),
        Locked::Held(holder) => {
            let holder = if holder.trim().is_empty() { "by another process".to_owned() } else { holder };
            Err(OpenError::Locked { path: disk.path(names::LOCK), holder: holder.trim().to_owned() })
        }
    }
}

/// Everything that was read, judged, and not yet put right.
struct Survey<F> {
    superblock: SuperFile<F>,
    owner: Owner,
    known: Known,
    scan: Scan,
    snapshot: Option<SnapshotMeta>,
    replayed: Replayed,
    /// What the tail is, if it was never acknowledged.
    torn: Option<Torn>,
    /// What the tail is, if it may have been.
    suspect: Option<Suspect>,
    notes: Vec<String>,
}

fn open_locked<D: Disk>(
    disk: D,
    lock: D::Lock,
    options: Options,
) -> Result<(Journal<D>, Recovered), OpenError> {
    let (mut survey, damage) = survey(&disk)?;
    let Some(damage) = damage else { return open_sound(disk, lock, options, survey) };
    let Some(had) = survey.had_at_most(&disk)? else { return Err(survey.damaged(damage)) };
    // Others have what is lost. What this member had at most is written down before anything is touched.
    survey.superblock.update(|s| s.add_suspect(had))?;
    let kept_in = aside::put_aside(&disk, &survey.superblock.newest, &mut survey.known)?;
    match self::survey(&disk)? {
        (emptied, None) => {
            let (journal, mut recovered) = open_sound(disk, lock, options, emptied)?;
            recovered.anew = Some(Anew { damage, kept_in });
            Ok((journal, recovered))
        }
        (mut emptied, Some(damage)) => Err(emptied.damaged(damage)),
    }
}

fn open_sound<D: Disk>(
    disk: D,
    lock: D::Lock,
    options: Options,
    mut survey: Survey<D::File>,
) -> Result<(Journal<D>, Recovered), OpenError> {
    set_mark(&disk, &mut survey)?;
    repair(&disk, &survey)?;
    start(disk, lock, options, survey)
}

/// Reads and judges everything; what is damaged, if anything is.
fn survey<D: Disk>(disk: &D) -> Result<(Survey<D::File>, Option<Damage>), OpenError> {
    let (superblock, note) = superblock::load(disk)?;
    let mut notes: Vec<String> = note.into_iter().collect();
    let Super { cluster, incarnation, boot, suspect, .. } = superblock.newest;
    let owner = Owner { cluster, incarnation };
    let (known, note) = mark::load(disk, owner)?;
    // Before the first start is finished there need be none.
    notes.extend(note.filter(|_| boot > 0));
    let mut scan = scan(disk, owner, &known)?;
    notes.append(&mut scan.notes);
    // One that was put aside leaves nothing; what came behind it would be marked.
    let is_emptied = suspect.is_some() && known.mark == Some(Mark::NONE);
    if scan.segments.is_empty() && boot > 0 && !is_emptied && scan.damage.is_none() {
        scan.damage = Some(damage(disk.path(names::LOG), 0, "it has no segment".to_owned()));
    }
    let (snapshot, replayed) = match choose_snapshot(disk, owner, &mut scan, &mut notes) {
        Ok(chosen) => chosen,
        Err(OpenErrorOrDamage::Open(error)) => return Err(error),
        Err(OpenErrorOrDamage::Damage(found)) => {
            scan.damage.get_or_insert(found);
            (None, Replayed::nothing())
        }
    };
    let damage = scan.damage.take();
    let (torn, suspect) = (None, None);
    let mut survey = Survey { superblock, owner, known, scan, snapshot, replayed, torn, suspect, notes };
    let damage = damage.or_else(|| survey.judge());
    Ok((survey, damage))
}

/// The newest snapshot that is whole, and the log above it. A damaged newer one is done without only if the log has
/// everything it had.
fn choose_snapshot<D: Disk>(
    disk: &D,
    owner: Owner,
    scan: &mut Scan,
    notes: &mut Vec<String>,
) -> Result<(Option<SnapshotMeta>, Replayed), OpenErrorOrDamage> {
    let (chosen, damaged) = newest_snapshot(disk, owner)?;
    let (floor, hash) = chosen.as_ref().map_or((Slot(0), EntryHash::NONE), |c| (c.head.slot, c.head.hash));
    let mut result = replay(&scan.records, floor, hash);
    let segment_of = |scan: &Scan, index: usize| {
        let number = scan.records[index].header.place.segment;
        disk.path(&names::segment(number))
    };
    if let Err(broken) = &result {
        // Of a log that was cut, come back because the disk failed to take the zeros; or the one before it is.
        if scan.break_at(segment_of(scan, broken.index), broken.index, &broken.what) {
            result = replay(&scan.records, floor, hash);
        }
    }
    match (result, damaged) {
        (Ok(replayed), None) => Ok((chosen, replayed)),
        (Ok(replayed), Some((slot, damage))) if !replayed.is_behind && replayed.chain.last() >= slot => {
            notes.push(format!("{} is damaged ({}); the log still has all of it", damage.file, damage.what));
            Ok((chosen, replayed))
        }
        (_, Some((_, damage))) => Err(damage.into()),
        (Err(broken), None) => {
            let header = &scan.records[broken.index].header;
            let mut damage = damage(segment_of(scan, broken.index), header.position, broken.what);
            damage.record = Some(header.record.0);
            damage.slots = Some((header.from, header.last));
            Err(damage.into())
        }
    }
}

type Newest = (Option<SnapshotMeta>, Option<(Slot, Damage)>);

/// The newest snapshot that is whole, and the newest of all if that is another one: its slot and its damage.
fn newest_snapshot<D: Disk>(disk: &D, owner: Owner) -> Result<Newest, OpenErrorOrDamage> {
    let listed = disk.list_named(names::SNAP)?;
    let mut slots: Vec<u64> = listed.iter().filter_map(|name| names::parse(name, "", ".snap")).collect();
    slots.sort_unstable();
    let mut damaged = None;
    for slot in slots.into_iter().rev().map(Slot) {
        let read = SnapshotReader::open(disk, owner.cluster, slot).and_then(SnapshotReader::verify);
        match read.map_err(OpenErrorOrDamage::from) {
            Ok(meta) => return Ok((Some(meta), damaged)),
            Err(OpenErrorOrDamage::Damage(damage)) => _ = damaged.get_or_insert((slot, damage)),
            Err(error) => return Err(error),
        }
    }
    Ok((None, damaged))
}

fn damage(file: String, offset: u64, what: String) -> Damage {
    Damage { file, offset, record: None, slots: None, hash: None, what }
}

/// Before anything of a suspect end is touched, the superblock says so in both its copies: no later start can take what
/// is left for the whole log. Then nothing else of that end is believed any more.
fn set_mark<D: Disk>(disk: &D, survey: &mut Survey<D::File>) -> Result<(), IoFailure> {
    let Some(suspect) = survey.suspect else { return Ok(()) };
    survey.superblock.update(|s| s.add_suspect(suspect))?;
    let last = survey.last_record();
    if survey.known.mark.is_some_and(|mark| mark.record > last.record) {
        mark::renew(disk, survey.owner, &mut survey.known, &last)?;
    }
    let cut_in = survey.scan.tail.as_ref().map_or(u64::MAX, |tail| tail.segment);
    while let Some(behind) = survey.scan.segments.pop_if(|segment| segment.header.number > cut_in) {
        disk.remove_named(&names::segment(behind.header.number))?;
        // The last one first: what is left is a log without a gap.
        disk.sync_named(names::LOG)?;
    }
    Ok(())
}

/// Puts right what the survey found, so that everything it took for the log is on the disk and nothing else is.
fn repair<D: Disk>(disk: &D, survey: &Survey<D::File>) -> Result<(), IoFailure> {
    let scan = &survey.scan;
    for segment in scan.segments.iter().filter(|segment| segment.needs_header) {
        let file = disk.open_named(&names::segment(segment.header.number), false)?;
        file.write(&segment.header.encode(), 0)?;
        file.sync()?;
    }
    if let Some(last) = scan.segments.last() {
        let file = disk.open_named(&names::segment(last.header.number), false)?;
        // What was cut, before anything is written in its place; and what the file lacks at its end.
        let from = if scan.tail.is_some() { scan.end } else { last.size.max(scan.end) };
        if from < last.header.len {
            file.write_zeros(from, last.header.len)?;
            file.sync()?;
        }
    }
    rewrite_records(disk, scan)?;
    for number in &scan.leftovers {
        disk.remove_named(&names::segment(*number))?;
    }
    for name in disk.list_named(names::SNAP)? {
        if names::parse(&name, "", ".tmp").is_some() {
            disk.remove_named(&format!("{}/{name}", names::SNAP))?;
        }
    }
    // A name may have been in the cache only; from here on its file is relied on.
    ["", names::LOG, names::SNAP].iter().try_for_each(|dir| disk.sync_named(dir))
}

/// Records that no header or mark proves synced were perhaps read from a cache whose sync had failed: only writing
/// them again makes a later sync mean anything (Rebello et al., USENIX ATC 2020). The bytes are the same, so a crash
/// in the middle does no harm. Records with an unreadable header copy are made whole in the same way.
fn rewrite_records<D: Disk>(disk: &D, scan: &Scan) -> Result<(), IoFailure> {
    let unsure = |record: RecordNumber| record > scan.proven;
    let again: Vec<_> = scan.records.iter().filter(|f| f.needs_write || unsure(f.header.record)).collect();
    for in_one in again.chunk_by(|a, b| a.header.place.segment == b.header.place.segment) {
        let file = disk.open_named(&names::segment(in_one[0].header.place.segment), false)?;
        for found in in_one {
            file.write(&record::again(&found.header, &found.body), found.header.position)?;
        }
        file.sync()?;
    }
    Ok(())
}

/// Goes on where the log ends. The boot number comes last: until it is durable, nothing was said or appended.
fn start<D: Disk>(
    disk: D,
    lock: D::Lock,
    options: Options,
    mut survey: Survey<D::File>,
) -> Result<(Journal<D>, Recovered), OpenError> {
    let mut recovered = survey.recovered();
    let written = survey.last_record();
    let Survey { superblock, owner, known, scan, snapshot, replayed, .. } = survey;
    let mut log = Log::new(disk.clone(), owner, options.segment_bytes);
    log.resume(&scan.segments, scan.end)?;
    log.sweep()?;
    let mark = mark::start(&disk, owner, known, &written)?;
    let mut journal = Journal {
        disk,
        owner,
        superblock,
        mark,
        log,
        chain: replayed.chain,
        acc_ballot: replayed.acc_ballot,
        epoch: replayed.epoch,
        written,
        synced: written,
        marked: written.record,
        log_bytes: replayed.log_bytes,
        snapshot,
        failed: None,
        scratch: Vec::new(),
        _lock: lock,
    };
    if scan.segments.is_empty() {
        journal.begin_segment(SECTOR).map_err(io_only)?;
    }
    journal.superblock.update(|s| {
        s.boot += 1;
        s.promised = recovered.promised;
        s.epoch = recovered.epoch;
    })?;
    recovered.boot = journal.superblock.newest.boot;
    if replayed.is_behind {
        journal.restart_behind(recovered.last, recovered.last_hash, recovered.epoch).map_err(io_only)?;
    }
    // From here on; what opening itself has to write is not refused.
    journal.log.bytes_max = options.bytes_max;
    Ok((journal, recovered))
}

impl<F> Survey<F> {
    fn damaged(&mut self, damage: Damage) -> OpenError {
        OpenError::Damaged(Box::new(Damaged { damage, recovered: self.recovered() }))
    }

    /// What a damaged log was at most; `None` if this member alone decides, or nothing tells.
    fn had_at_most<D: Disk>(&self, disk: &D) -> Result<Option<Suspect>, OpenError> {
        aside::had_at_most(disk, &self.superblock.newest, &self.known, self.last_config())
    }

    /// The last configuration in the intact log or its snapshot.
    fn last_config(&self) -> Option<&Config> {
        let in_log = self.replayed.entries.iter().rev().find_map(|entry| entry.config.as_ref());
        in_log.or(self.snapshot.as_ref().map(|meta| &meta.head.config))
    }

    /// Decides what is to be made of the tail; returns the damage if nothing is.
    fn judge(&mut self) -> Option<Damage> {
        let tail = self.scan.tail.as_ref()?;
        let reader = tail::Reader {
            me: self.owner.incarnation,
            promised: self.superblock.newest.promised.max(self.replayed.acc_ballot),
            config: self.last_config(),
            has_snapshot: self.snapshot.is_some(),
            is_suspect: self.superblock.newest.suspect.is_some(),
            mark: self.known.mark,
        };
        match reader.judge(&self.scan, tail) {
            Verdict::Damaged(damage) => return Some(damage),
            Verdict::Torn => self.torn = Some(tail.torn.clone()),
            Verdict::Suspect(suspect) => {
                self.notes.push(tail.note(&suspect));
                self.suspect = Some(suspect);
            }
        }
        None
    }

    /// The last record of the log. Of one whose records are all lost, the last that there was before its only segment.
    fn last_record(&self) -> Mark {
        if let Some(found) = self.scan.records.last() {
            return mark_of(&found.header);
        }
        let before = self.scan.segments.first().map(|segment| segment.header);
        before.filter(|header| header.first_record > RecordNumber(1)).map_or(Mark::NONE, |header| Mark {
            record: RecordNumber(header.first_record.0 - 1),
            segment: header.number,
            position: 0,
            last: self.replayed.chain.last(),
            last_hash: self.replayed.chain.last_hash(),
        })
    }

    /// What was found; takes the entries out.
    fn recovered(&mut self) -> Recovered {
        let Super { cluster, incarnation, boot, promised, suspect, .. } = self.superblock.newest;
        let Replayed { chain, entries, acc_ballot, epoch, .. } = &mut self.replayed;
        let snapshot_epoch = self.snapshot.as_ref().map_or(0, |meta| meta.head.config.epoch);
        Recovered {
            cluster,
            incarnation,
            boot,
            promised: promised.max(*acc_ballot),
            acc_ballot: *acc_ballot,
            epoch: snapshot_epoch.max(*epoch),
            snapshot: self.snapshot.clone(),
            entries: mem::take(entries),
            last: chain.last(),
            last_hash: chain.last_hash(),
            torn: self.torn.clone(),
            suspect,
            repaired: mem::take(&mut self.notes),
            anew: None,
        }
    }
}

fn io_only(error: AppendError) -> OpenError {
    match error {
        AppendError::Full(Full::Disk(failure)) => failure.into(),
        AppendError::Fatal(fatal) => fatal.0.into(),
        AppendError::Full(Full::Bound { .. }) => unreachable!("no bound is set while a journal is opened"),
    }
}
