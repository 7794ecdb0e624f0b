//! A disk that keeps what it was told to keep: the files of a folder as they are when the power goes in the middle of a
//! trace.
//!
//! A write is certain once a sync of its file, begun after the write came back, has come back itself. Until then the
//! operating system may have written any of it in any order: each sector is as it was after any of the writes that
//! touched it, and the file as long as after any of them. A write under way may have got there as well.
//!
//! Lenient in two things, as journalling file systems are: a new file is there for certain once it was synced itself,
//! whether or not its folder was; and names change (rename, remove) in order and for good.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};

use wallet_workload::Rng;

use super::trace::{Deed, Trace};

#[cfg(test)]
mod tests;

/// The disk at a moment of a trace.
pub(crate) struct Disk<'a> {
    trace: &'a Trace,
    /// What was there before the trace.
    base: PathBuf,
    /// How many moments have passed.
    passed: usize,
    /// The file of each name that the trace has touched; `None` where there is none any more.
    names: BTreeMap<PathBuf, Option<usize>>,
    files: Vec<File>,
    /// Writes and syncs that have not come back: the file, and what is certain when a sync comes back.
    under_way: HashMap<usize, (usize, HashSet<usize>)>,
}

/// A file of the disk.
#[derive(Debug, Default)]
struct File {
    /// Whether it is there for certain.
    certain: bool,
    bytes: Vec<u8>,
    /// What has changed since, in order: the deeds, and whether they have come back.
    changes: Vec<(usize, bool)>,
}

/// What becomes of that which is not certain.
pub(crate) enum Loss {
    All,
    /// Chance decides, sector by sector.
    Some(Rng),
}

impl<'a> Disk<'a> {
    /// Before the first moment: these files.
    pub(crate) fn new(base: &Path, trace: &'a Trace) -> Self {
        let (names, files, under_way) = Default::default();
        Self { trace, base: base.to_owned(), passed: 0, names, files, under_way }
    }

    /// Goes on to just before this moment.
    pub(crate) fn go_to(&mut self, moment: usize) {
        while self.passed < moment {
            let moment = self.trace.moments[self.passed];
            if moment.ends {
                self.ended(moment.call);
            } else {
                self.began(moment.call);
            }
            self.passed += 1;
        }
    }

    fn began(&mut self, deed: usize) {
        match &self.trace.deeds[deed] {
            Deed::Written { path, .. } | Deed::Resized { path, .. } => {
                let file = self.file(path);
                self.files[file].changes.push((deed, false));
                self.under_way.insert(deed, (file, HashSet::new()));
            }
            // A folder's sync makes no file certain.
            Deed::Synced { path } if !self.base.join(path).is_dir() => {
                let file = self.file(path);
                let ended = self.files[file].changes.iter().filter(|(_, ended)| *ended);
                let covered = ended.map(|(deed, _)| *deed).collect();
                self.under_way.insert(deed, (file, covered));
            }
            _ => {}
        }
    }

    fn ended(&mut self, deed: usize) {
        match &self.trace.deeds[deed] {
            Deed::Written { .. } | Deed::Resized { .. } => {
                let (file, _) = self.under_way.remove(&deed).expect("what ends has begun");
                let mut changes = self.files[file].changes.iter_mut().rev();
                changes.find(|(change, _)| *change == deed).expect("what ends has begun").1 = true;
            }
            Deed::Synced { .. } => {
                let Some((file, covered)) = self.under_way.remove(&deed) else { return };
                let file = &mut self.files[file];
                file.certain = true;
                for (deed, _) in file.changes.extract_if(.., |(deed, _)| covered.contains(deed)) {
                    self.trace.deeds[deed].apply(&mut file.bytes);
                }
            }
            Deed::Opened { path, emptied } => {
                let file = self.file(path);
                if *emptied {
                    self.files[file].changes.push((deed, true));
                }
            }
            Deed::Renamed { from, to } => {
                let file = self.file(from);
                self.names.insert(to.clone(), Some(file));
                self.names.insert(from.clone(), None);
            }
            Deed::Linked { from, to } => {
                let file = self.file(from);
                self.names.insert(to.clone(), Some(file));
            }
            Deed::Removed { path } => {
                self.names.insert(path.clone(), None);
            }
        }
    }

    /// The file of this name, a new one if there is none.
    fn file(&mut self, path: &Path) -> usize {
        if let Some(Some(file)) = self.names.get(path) {
            return *file;
        }
        let before = if self.names.contains_key(path) { None } else { fs::read(self.base.join(path)).ok() };
        let file = File { certain: before.is_some(), bytes: before.unwrap_or_default(), changes: Vec::new() };
        self.files.push(file);
        self.names.insert(path.to_owned(), Some(self.files.len() - 1));
        self.files.len() - 1
    }

    /// The power is gone: writes what the disk has into this copy of what was there before. How many writes were lost,
    /// whole or in part.
    pub(crate) fn lay(&self, copy: &Path, loss: &mut Loss) -> usize {
        let owner = fs::metadata(copy).expect("the copy");
        let mut lost = 0;
        for (path, file) in &self.names {
            let target = copy.join(path);
            let left = file.and_then(|file| {
                let (bytes, lost_here) = self.files[file].after(self.trace, loss);
                lost += lost_here;
                bytes
            });
            let Some(bytes) = left else {
                let gone = fs::remove_file(&target);
                assert!(gone.is_ok() || !target.exists(), "{}: {gone:?}", target.display());
                continue;
            };
            fs::create_dir_all(target.parent().expect("a folder")).expect("the folder");
            fs::write(&target, bytes).expect("the file");
            chown(&target, Some(owner.uid()), Some(owner.gid())).expect("its owner");
        }
        lost
    }
}

impl File {
    /// What is left of it, if it is there at all, and how many writes are lost.
    fn after(&self, trace: &Trace, loss: &mut Loss) -> (Option<Vec<u8>>, usize) {
        let changes = self.changes.iter().map(|(deed, _)| &trace.deeds[*deed]);
        match loss {
            Loss::All => (self.certain.then(|| self.bytes.clone()), changes.count()),
            Loss::Some(rng) => {
                let (new_is_there, (bytes, lost)) = (rng.percent(50), some_of(&self.bytes, changes, rng));
                if self.certain || new_is_there { (Some(bytes), lost) } else { (None, self.changes.len()) }
            }
        }
    }
}

/// A part of a change: within one sector.
struct Patch<'a> {
    change: usize,
    sector: usize,
    at: usize,
    bytes: &'a [u8],
}

/// These bytes after some sectors of these changes. How many changes are not there as a whole.
fn some_of<'a>(before: &[u8], changes: impl Iterator<Item = &'a Deed>, rng: &mut Rng) -> (Vec<u8>, usize) {
    let size = rng.one_of([512, 4096]);
    let mut lengths = vec![before.len()];
    let mut patches: Vec<Patch<'a>> = Vec::new();
    for (change, deed) in changes.enumerate() {
        let length = lengths[change];
        deed.patches(length, size, |sector, at, bytes| patches.push(Patch { change, sector, at, bytes }));
        lengths.push(deed.length(length));
    }
    // Of the patches of a sector the first few are there: the operating system writes a page as it is at the time.
    let mut kept: BTreeMap<usize, i64> = BTreeMap::new();
    for patch in &patches {
        *kept.entry(patch.sector).or_default() += 1;
    }
    let whole = rng.one_of([10, 50, 90]);
    for kept in kept.values_mut() {
        *kept = if rng.percent(whole) { *kept } else { rng.within(0, *kept - 1) };
    }
    let end = if rng.percent(whole) { lengths.len() - 1 } else { index(rng, lengths.len()) };

    let mut lost: HashSet<usize> =
        (end..lengths.len() - 1).filter(|n| lengths[*n] != lengths[n + 1]).collect();
    let mut bytes = before.to_vec();
    bytes.resize(lengths.iter().copied().max().unwrap_or(0), 0);
    for patch in patches {
        let left = kept.entry(patch.sector).or_default();
        *left -= 1;
        if *left >= 0 {
            bytes[patch.at..patch.at + patch.bytes.len()].copy_from_slice(patch.bytes);
        } else {
            lost.insert(patch.change);
        }
    }
    bytes.resize(lengths[end], 0);
    (bytes, lost.len())
}

fn index(rng: &mut Rng, count: usize) -> usize {
    usize::try_from(rng.within(0, i64::try_from(count).unwrap() - 1)).unwrap()
}

impl Deed {
    /// Carries it out on a file's bytes.
    fn apply(&self, file: &mut Vec<u8>) {
        let length = self.length(file.len());
        file.resize(length, 0);
        if let Deed::Written { at, bytes, .. } = self {
            file[*at..at + bytes.len()].copy_from_slice(bytes);
        }
    }

    /// How long a file of this length is afterwards.
    fn length(&self, before: usize) -> usize {
        match self {
            Deed::Written { at, bytes, .. } => before.max(at + bytes.len()),
            Deed::Resized { length, grows: true, .. } => before.max(*length),
            Deed::Resized { length, grows: false, .. } => *length,
            Deed::Opened { emptied: true, .. } => 0,
            _ => before,
        }
    }

    /// What it changes in a file of this length, cut at the borders of sectors: number, place and bytes of each.
    fn patches<'a>(&'a self, length: usize, size: usize, mut patch: impl FnMut(usize, usize, &'a [u8])) {
        const NOTHING: &[u8] = &[0; 4096];
        let after = self.length(length);
        // Of a file that was cut short nothing comes back when it grows again.
        let (mut at, end) = match self {
            Deed::Written { at, bytes, .. } => (*at, at + bytes.len()),
            _ => (after, length),
        };
        while at < end {
            let next = end.min((at / size + 1) * size);
            match self {
                Deed::Written { at: from, bytes, .. } => patch(at / size, at, &bytes[at - from..next - from]),
                _ => patch(at / size, at, &NOTHING[..next - at]),
            }
            at = next;
        }
    }
}
