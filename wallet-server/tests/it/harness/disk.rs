//! A model of a disk: the files of a folder as a power cut in the middle of a trace leaves them.
//!
//! A write is certain to survive once a sync of its file, begun after the write returned, has returned. Until then the
//! operating system may have written any part of it in any order: each sector is as after any of the writes that
//! changed it, and the file is as long as after any of them. A write that has not returned may have reached the disk
//! too.
//!
//! The model is lenient in two ways, as journalling file systems are: a new file survives once it was synced itself,
//! even if its folder was not; and renames and removals survive at once, in order.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};

use wallet_workload::Rng;

use super::trace::{FileOperation, Trace};

#[cfg(test)]
mod tests;

/// The state of the disk at a moment of a trace.
pub(crate) struct Disk<'a> {
    trace: &'a Trace,
    /// The files before the trace.
    base: PathBuf,
    /// The number of moments that have passed.
    passed: usize,
    /// The current file of each name in the trace; `None` if the name was removed.
    names: BTreeMap<PathBuf, Option<usize>>,
    files: Vec<File>,
    /// Writes and syncs that have not returned: the file, and the changes that are certain when a sync returns.
    under_way: HashMap<usize, (usize, HashSet<usize>)>,
}

#[derive(Debug, Default)]
struct File {
    /// True if the file itself is certain to survive.
    certain: bool,
    bytes: Vec<u8>,
    /// The changes since the last sync, in order: the operations, and whether they have returned.
    changes: Vec<(usize, bool)>,
}

/// The fate of the writes that are not certain.
pub(crate) enum Loss {
    All,
    /// Each sector keeps a random number of its writes.
    Some(Rng),
}

impl<'a> Disk<'a> {
    /// The disk before the first moment of the trace, with the files of `base`.
    pub(crate) fn new(base: &Path, trace: &'a Trace) -> Self {
        let (names, files, under_way) = Default::default();
        Self { trace, base: base.to_owned(), passed: 0, names, files, under_way }
    }

    /// Advances to just before this moment.
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

    fn began(&mut self, operation: usize) {
        match &self.trace.operations[operation] {
            FileOperation::Written { path, .. } | FileOperation::Resized { path, .. } => {
                let file = self.file(path);
                self.files[file].changes.push((operation, false));
                self.under_way.insert(operation, (file, HashSet::new()));
            }
            // Syncing a folder makes no file certain.
            FileOperation::Synced { path } if !self.base.join(path).is_dir() => {
                let file = self.file(path);
                let ended = self.files[file].changes.iter().filter(|(_, ended)| *ended);
                let covered = ended.map(|(operation, _)| *operation).collect();
                self.under_way.insert(operation, (file, covered));
            }
            _ => {}
        }
    }

    fn ended(&mut self, operation: usize) {
        match &self.trace.operations[operation] {
            FileOperation::Written { .. } | FileOperation::Resized { .. } => {
                let (file, _) = self.under_way.remove(&operation).expect("a call that ends has begun");
                let mut changes = self.files[file].changes.iter_mut().rev();
                changes.find(|(change, _)| *change == operation).expect("a call that ends has begun").1 =
                    true;
            }
            FileOperation::Synced { .. } => {
                let Some((file, covered)) = self.under_way.remove(&operation) else { return };
                let file = &mut self.files[file];
                file.certain = true;
                for (operation, _) in
                    file.changes.extract_if(.., |(operation, _)| covered.contains(operation))
                {
                    self.trace.operations[operation].apply(&mut file.bytes);
                }
            }
            FileOperation::Opened { path, emptied } => {
                let file = self.file(path);
                if *emptied {
                    self.files[file].changes.push((operation, true));
                }
            }
            FileOperation::Renamed { from, to } => {
                let file = self.file(from);
                self.names.insert(to.clone(), Some(file));
                self.names.insert(from.clone(), None);
            }
            FileOperation::Linked { from, to } => {
                let file = self.file(from);
                self.names.insert(to.clone(), Some(file));
            }
            FileOperation::Removed { path } => {
                self.names.insert(path.clone(), None);
            }
        }
    }

    /// The index of the file with this name; creates one if there is none.
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

    /// Cuts the power: writes the disk's content into `copy`, a copy of the files before the trace. Returns how many
    /// writes were lost, completely or in part.
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
    /// The file's remaining content, or `None` if the file is lost, and the number of lost writes.
    fn after(&self, trace: &Trace, loss: &mut Loss) -> (Option<Vec<u8>>, usize) {
        let changes = self.changes.iter().map(|(operation, _)| &trace.operations[*operation]);
        match loss {
            Loss::All => (self.certain.then(|| self.bytes.clone()), changes.count()),
            Loss::Some(rng) => {
                let (new_is_there, (bytes, lost)) = (rng.percent(50), some_of(&self.bytes, changes, rng));
                if self.certain || new_is_there { (Some(bytes), lost) } else { (None, self.changes.len()) }
            }
        }
    }
}

/// The part of a change that lies within one sector.
struct Patch<'a> {
    change: usize,
    sector: usize,
    at: usize,
    bytes: &'a [u8],
}

/// The bytes with some sectors of these changes applied, and the number of changes that are not complete.
fn some_of<'a>(
    before: &[u8],
    changes: impl Iterator<Item = &'a FileOperation>,
    rng: &mut Rng,
) -> (Vec<u8>, usize) {
    let size = rng.one_of([512, 4096]);
    let mut lengths = vec![before.len()];
    let mut patches: Vec<Patch<'a>> = Vec::new();
    for (change, operation) in changes.enumerate() {
        let length = lengths[change];
        operation
            .patches(length, size, |sector, at, bytes| patches.push(Patch { change, sector, at, bytes }));
        lengths.push(operation.length(length));
    }
    // Of a sector's patches the first few survive: the operating system writes a page in its current state.
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

impl FileOperation {
    /// Applies the change to a file's bytes.
    fn apply(&self, file: &mut Vec<u8>) {
        let length = self.length(file.len());
        file.resize(length, 0);
        if let FileOperation::Written { at, bytes, .. } = self {
            file[*at..at + bytes.len()].copy_from_slice(bytes);
        }
    }

    /// The length of the file after the change.
    fn length(&self, before: usize) -> usize {
        match self {
            FileOperation::Written { at, bytes, .. } => before.max(at + bytes.len()),
            FileOperation::Resized { length, grows: true, .. } => before.max(*length),
            FileOperation::Resized { length, grows: false, .. } => *length,
            FileOperation::Opened { emptied: true, .. } => 0,
            _ => before,
        }
    }

    /// Calls `patch` with number, offset and bytes of each sector that the change writes in a file of this length.
    fn patches<'a>(&'a self, length: usize, size: usize, mut patch: impl FnMut(usize, usize, &'a [u8])) {
        const NOTHING: &[u8] = &[0; 4096];
        let after = self.length(length);
        // The part of a file that was cut off is zero when the file grows again.
        let (mut at, end) = match self {
            FileOperation::Written { at, bytes, .. } => (*at, at + bytes.len()),
            _ => (after, length),
        };
        while at < end {
            let next = end.min((at / size + 1) * size);
            match self {
                FileOperation::Written { at: from, bytes, .. } => {
                    patch(at / size, at, &bytes[at - from..next - from])
                }
                _ => patch(at / size, at, &NOTHING[..next - at]),
            }
            at = next;
        }
    }
}
