//! The changes to the files of one folder, interpreted from strace's output.
//!
//! A descriptor's file is the path that strace prints with it, so renames and removals are followed by name; the offset
//! in a file is followed from its open. A call on the folder that this module does not know fails the test, so nothing
//! is left out silently. Failed calls are left out, and so are calls that only begin to write back (`sync_file_range`),
//! since they make nothing certain.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::strace::{Argument, Call, Moment, read_calls};

/// A change to a file, or a sync. Paths are relative to the folder.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum FileOperation {
    /// Created if it did not exist; truncated if the flags say so.
    Opened {
        path: PathBuf,
        emptied: bool,
    },
    Written {
        path: PathBuf,
        at: usize,
        bytes: Vec<u8>,
    },
    /// Set to this length; never shortened if it only `grows`.
    Resized {
        path: PathBuf,
        length: usize,
        grows: bool,
    },
    Synced {
        path: PathBuf,
    },
    Renamed {
        from: PathBuf,
        to: PathBuf,
    },
    Linked {
        from: PathBuf,
        to: PathBuf,
    },
    Removed {
        path: PathBuf,
    },
}

/// All operations, and the moments at which each began and ended.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    pub(crate) operations: Vec<FileOperation>,
    /// The moments in order. `call` is the index of the operation.
    pub(crate) moments: Vec<Moment>,
}

/// The traced folder.
pub(crate) struct Folder<'a> {
    pub(crate) root: &'a Path,
    /// File names whose content need not survive a power cut.
    pub(crate) ignored: &'a [&'a str],
}

impl Trace {
    pub(crate) fn read(text: &[u8], folder: &Folder<'_>) -> Self {
        let (calls, moments) = read_calls(text);
        let mut places = Places::default();
        let mut trace = Self::default();
        let mut numbers = HashMap::new();
        for (number, call) in calls.iter().enumerate() {
            if call.result.is_some_and(|result| result < 0) {
                continue;
            }
            if let Some(operation) = folder.meaning(call, &mut places) {
                numbers.insert(number, trace.operations.len());
                trace.operations.push(operation);
            }
        }
        let known = |moment: &Moment| Some(Moment { call: *numbers.get(&moment.call)?, ..*moment });
        trace.moments = moments.iter().filter_map(known).collect();
        trace
    }

    /// The KiB written and the number of syncs.
    pub(crate) fn figures(&self) -> (usize, usize) {
        let bytes = self.operations.iter().map(|operation| match operation {
            FileOperation::Written { bytes, .. } => bytes.len(),
            _ => 0,
        });
        let syncs = self
            .operations
            .iter()
            .filter(|operation| matches!(operation, FileOperation::Synced { .. }))
            .count();
        (bytes.sum::<usize>() / 1024, syncs)
    }
}

/// The offset of each descriptor, by process and number.
#[derive(Default)]
struct Places(HashMap<(u32, u32), usize>);

impl Places {
    fn set(&mut self, call: &Call, descriptor: u32, place: usize) {
        self.0.insert((call.process, descriptor), place);
    }

    /// Advances the offset and returns the previous one.
    fn step(&mut self, call: &Call, by: usize) -> Option<usize> {
        let place = self.0.get_mut(&(call.process, descriptor(call.arguments.first()?)?.0))?;
        *place += by;
        Some(*place - by)
    }
}

impl Folder<'_> {
    /// The operation of a call, or `None` if it changes no relevant file.
    fn meaning(&self, call: &Call, places: &mut Places) -> Option<FileOperation> {
        let result = call.result.and_then(|result| usize::try_from(result).ok());
        match call.name.as_str() {
            "open" | "openat" | "creat" => self.opened(call, places),
            "read" => {
                places.step(call, result.unwrap_or(0));
                None
            }
            "lseek" => {
                places.set(call, descriptor(&call.arguments[0])?.0, result?);
                None
            }
            "write" | "writev" => {
                let bytes = written(call);
                let place = places.step(call, bytes.len());
                let path = self.of_descriptor(call)?;
                let at = place.unwrap_or_else(|| panic!("the offset in {} is unknown", path.display()));
                Some(FileOperation::Written { path, at, bytes })
            }
            "pwrite64" | "pwritev" => {
                let path = self.of_descriptor(call)?;
                let at = number(call.arguments.last());
                Some(FileOperation::Written { path, at, bytes: written(call) })
            }
            "ftruncate" => {
                let path = self.of_descriptor(call)?;
                Some(FileOperation::Resized { path, length: number(call.arguments.get(1)), grows: false })
            }
            "fallocate" => {
                let path = self.of_descriptor(call)?;
                assert_eq!(number(call.arguments.get(1)), 0, "no other mode is known: {call:?}");
                let [from, length] = [2, 3].map(|n| number(call.arguments.get(n)));
                Some(FileOperation::Resized { path, length: from + length, grows: true })
            }
            "fsync" | "fdatasync" => Some(FileOperation::Synced { path: self.of_descriptor(call)? }),
            "mmap" => {
                let shared = |word| call.arguments.iter().any(|argument| argument.words.contains(word));
                let path = self.inside(descriptor(call.arguments.get(4)?)?.1)?;
                assert!(!(shared("MAP_SHARED") && shared("PROT_WRITE")), "{} is mapped", path.display());
                None
            }
            "io_uring_setup" => panic!("strace does not see changes made through io_uring"),
            _ => self.renamed(call),
        }
    }

    fn opened(&self, call: &Call, places: &mut Places) -> Option<FileOperation> {
        let path = self.inside(&named(call).next()?)?;
        let flags: &str =
            call.arguments.iter().map(|it| &*it.words).find(|it| it.starts_with("O_")).unwrap_or("");
        if let Some(descriptor) = call.result.and_then(|result| u32::try_from(result).ok()) {
            places.set(call, descriptor, 0);
        }
        for unknown in ["O_SYNC", "O_DSYNC", "O_APPEND"] {
            assert!(!flags.contains(unknown), "{unknown} of {} is not known", path.display());
        }
        let emptied = flags.contains("O_TRUNC") || call.name == "creat";
        (emptied || flags.contains("O_CREAT")).then_some(FileOperation::Opened { path, emptied })
    }

    /// The operation of a rename, a removal or another call that names paths.
    fn renamed(&self, call: &Call) -> Option<FileOperation> {
        let mut names = named(call).map(|path| self.inside(&path));
        match call.name.as_str() {
            "rename" | "renameat" | "renameat2" | "link" | "linkat" => {
                let both = (names.next().flatten(), names.next().flatten());
                let (from, to) = match both {
                    (Some(from), Some(to)) => (from, to),
                    (None, None) => return None,
                    half => panic!("a file was moved across the folder's border: {half:?}"),
                };
                let is_rename = call.name.starts_with("rename");
                Some(if is_rename {
                    FileOperation::Renamed { from, to }
                } else {
                    FileOperation::Linked { from, to }
                })
            }
            "unlink" | "unlinkat" => Some(FileOperation::Removed { path: names.next().flatten()? }),
            _ => {
                let mut words = call.arguments.iter().filter_map(descriptor).map(|(_, path)| path);
                let touches = names.next().flatten().or_else(|| words.find_map(|path| self.inside(path)));
                assert_eq!(touches, None, "{} is not known", call.name);
                None
            }
        }
    }

    /// The file of a call's first descriptor.
    fn of_descriptor(&self, call: &Call) -> Option<PathBuf> {
        self.inside(descriptor(call.arguments.first()?)?.1)
    }

    /// The path relative to the folder, or `None` if it lies elsewhere or is ignored. Relative paths are the folder's.
    fn inside(&self, path: impl AsRef<Path>) -> Option<PathBuf> {
        let path = path.as_ref();
        let path = if path.is_absolute() { path.strip_prefix(self.root).ok()? } else { path };
        let path: PathBuf = path.components().collect();
        let name = path.file_name()?.to_str()?;
        (!self.ignored.contains(&name)).then_some(path)
    }
}

/// Number and path of a descriptor such as `7</some/file>`. `None` without a path: sockets, and files already removed.
fn descriptor(argument: &Argument) -> Option<(u32, &str)> {
    let (number, path) = argument.words.split_once('<')?;
    let path = path.strip_suffix('>').filter(|path| path.starts_with('/'))?;
    Some((number.parse().ok()?, path))
}

/// The paths that a call names, resolved against the folder that strace prints with them.
fn named(call: &Call) -> impl Iterator<Item = PathBuf> {
    call.arguments.iter().enumerate().filter_map(|(n, argument)| {
        let name = std::str::from_utf8(argument.strings.first()?).ok()?;
        let before = n.checked_sub(1).map(|n| &*call.arguments[n].words);
        let folder = before.and_then(|before| before.split_once('<')?.1.strip_suffix('>'));
        Some(Path::new(folder.unwrap_or_default()).join(name))
    })
}

/// The bytes that a call has written.
fn written(call: &Call) -> Vec<u8> {
    let mut bytes = call.arguments.get(1).map(|argument| argument.strings.concat()).unwrap_or_default();
    match call.result.map(usize::try_from) {
        Some(Ok(length)) => {
            assert!(length <= bytes.len(), "strace has printed fewer than {length} bytes");
            bytes.truncate(length);
        }
        _ => assert_eq!(call.result, None),
    }
    bytes
}

fn number(argument: Option<&Argument>) -> usize {
    let argument = argument.expect("an argument");
    argument.words.parse().unwrap_or_else(|_| panic!("not a number: {argument:?}"))
}
