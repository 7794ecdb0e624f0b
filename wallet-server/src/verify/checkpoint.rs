//! Checkpoints: files with the head of every wallet at one instant, signed with a key that the database does not have.
//!
//! A person who can write to the database can forge a whole chain from the first entry, and no row shows it. A
//! checkpoint kept elsewhere does: `--against` checks that the ledger continues it, with the same catalogs and keys.
//!
//! A checkpoint is a text file. Its lines are a header; the catalogs, keys and wallets in the order of their keys;
//! and an HMAC-SHA256 over the lines before it. It is read and written line by line, so its size does not affect
//! memory.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Lines, Write};
use std::path::{Path, PathBuf};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use uuid::Uuid;

use crate::store::pages::Key;
use crate::store::tables::{entries, wallets};
use crate::verify::control::ControlPlane;
use crate::verify::error::VerifyError;
use crate::verify::faults::Faults;
use crate::verify::report::CheckpointSize;

const HEADER: &str = "credit-wallet checkpoint 1";
/// The length of the key that signs checkpoints.
const KEY_BYTES: std::ops::RangeInclusive<usize> = 32..=4096;

/// The key that signs checkpoints.
#[derive(Clone)]
pub(super) struct Signer(Hmac<Sha256>);

impl Signer {
    /// Reads the key from a file, whose bytes are the key.
    pub(super) fn open(path: &Path) -> Result<Self, VerifyError> {
        let key = fs::read(path).map_err(|source| VerifyError::KeyFile { path: path.to_owned(), source })?;
        let long_enough = KEY_BYTES.contains(&key.len());
        match Hmac::new_from_slice(&key) {
            Ok(keyed) if long_enough => Ok(Self(keyed)),
            _ => Err(VerifyError::KeyLength { path: path.to_owned(), bytes: key.len() }),
        }
    }
}

/// A checkpoint that is being written.
pub(super) struct CheckpointWriter {
    path: PathBuf,
    file: BufWriter<File>,
    signer: Hmac<Sha256>,
    failed: Option<io::Error>,
}

impl CheckpointWriter {
    /// Begins the checkpoint in a temporary file next to `path`.
    pub(super) fn create(
        path: &Path,
        signer: &Signer,
        control_plane: &ControlPlane,
    ) -> Result<Self, VerifyError> {
        let file = File::create(unfinished(path)).map_err(VerifyError::checkpoint(path))?;
        let (path, file) = (path.to_owned(), BufWriter::new(file));
        let mut writer = Self { path, file, signer: signer.0.clone(), failed: None };
        writer.line(HEADER);
        control_plane.lines.iter().for_each(|line| writer.line(line));
        Ok(writer)
    }

    /// Writes the head of the next wallet.
    pub(super) fn add(&mut self, row: &wallets::Model) {
        self.line(&line(row.bucket, row.wallet_key, row.revision, &row.head));
    }

    /// Signs the checkpoint and renames it to its path if the ledger is clean; otherwise deletes it.
    pub(super) fn finish(mut self, is_clean: bool) -> Result<(), VerifyError> {
        let written = match self.failed.take() {
            Some(error) => Err(error),
            None if is_clean => self.sign(),
            None => fs::remove_file(unfinished(&self.path)),
        };
        written.map_err(VerifyError::checkpoint(&self.path))
    }

    fn sign(&mut self) -> io::Result<()> {
        let signature = hex::encode(self.signer.clone().finalize().into_bytes());
        writeln!(self.file, "end {signature}")?;
        self.file.flush()?;
        self.file.get_ref().sync_all()?;
        fs::rename(unfinished(&self.path), &self.path)?;
        sync_folder(&self.path)
    }

    fn line(&mut self, line: &str) {
        self.signer.update(line.as_bytes());
        self.signer.update(b"\n");
        if let Err(error) = writeln!(self.file, "{line}") {
            self.failed.get_or_insert(error);
        }
    }
}

/// Makes the new name of a file durable.
#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// Elsewhere a folder cannot be opened as a file.
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

fn unfinished(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".unfinished");
    name.into()
}

fn line(bucket: i16, wallet: Uuid, revision: i64, head: &[u8]) -> String {
    format!("wallet {bucket} {wallet} {revision} {}", hex::encode(head))
}

/// The head of a wallet at the checkpoint.
struct Head {
    key: Key,
    revision: i64,
    head: String,
}

/// A checkpoint that a ledger is compared with, wallet by wallet.
pub(super) struct CheckpointReader {
    lines: Lines<BufReader<File>>,
    /// The wallets and entries of the checkpoint that have been read.
    pub(super) size: CheckpointSize,
    next: Option<Head>,
    /// The head of the current wallet, until its entry is compared.
    wanted: Option<Head>,
}

impl CheckpointReader {
    /// Opens a checkpoint, checks its signature, and compares its catalogs and keys.
    pub(super) fn open(
        path: &Path,
        signer: &Signer,
        control_plane: &ControlPlane,
        faults: &mut Faults,
    ) -> Result<Self, VerifyError> {
        let lines = || Ok::<_, io::Error>(BufReader::new(File::open(path)?).lines());
        let all = lines().map_err(VerifyError::checkpoint(path))?;
        if let Some(fault) = signature_fault(all, signer).map_err(VerifyError::checkpoint(path))? {
            return Err(VerifyError::NotSigned { path: path.to_owned(), fault });
        }
        let lines = lines().map_err(VerifyError::checkpoint(path))?;
        let size = CheckpointSize::default();
        let mut reader = Self { lines, size, next: None, wanted: None };
        faults.about_the_database();
        while let Some(line) = reader.lines.next().transpose().map_err(VerifyError::checkpoint(path))? {
            if line.starts_with("wallet ") || line.starts_with("end ") {
                reader.next = reader.counted(head(&line));
                break;
            }
            faults.unless(line == HEADER || control_plane.lines.contains(&line), 0, || {
                format!("I16: had {line} at the checkpoint")
            });
        }
        Ok(reader)
    }

    /// Moves on to the next wallet. Wallets of the checkpoint that come before it are missing in the ledger.
    pub(super) fn advance_to(&mut self, key: Key, faults: &mut Faults) {
        while let Some(head) = self.next.take_if(|head| head.key <= key) {
            if head.key == key {
                self.wanted = Some(head);
            } else {
                missing(&head, faults);
            }
            self.next = self.read(faults);
        }
    }

    /// Compares the hash of an entry that was the wallet's last one at the checkpoint.
    pub(super) fn entry(&mut self, row: &entries::Model, faults: &mut Faults) {
        let Some(head) = self.wanted.take_if(|head| head.revision == row.revision) else { return };
        let is = hex::encode(&row.hash);
        faults.unless(is == head.head, row.revision, || {
            format!("I16: has hash {is}, but had {} at the checkpoint", head.head)
        });
    }

    /// Ends the current wallet, whose entries have been read.
    pub(super) fn leave(&mut self, faults: &mut Faults) {
        if let Some(Head { revision, .. }) = self.wanted.take() {
            faults.add(revision, "I16: was its last entry at the checkpoint, but is missing");
        }
    }

    /// Reports the wallets of the checkpoint that come after the last one of the ledger.
    pub(super) fn end(&mut self, faults: &mut Faults) {
        while let Some(head) = self.next.take() {
            missing(&head, faults);
            self.next = self.read(faults);
        }
    }

    fn read(&mut self, faults: &mut Faults) -> Option<Head> {
        match self.lines.next()? {
            Ok(line) => self.counted(head(&line)),
            Err(error) => {
                faults.add_of_the_database(&format!("the checkpoint cannot be read: {error}"));
                None
            }
        }
    }

    fn counted(&mut self, head: Option<Head>) -> Option<Head> {
        if let Some(head) = &head {
            self.size.wallets += 1;
            self.size.entries += u64::try_from(head.revision).unwrap_or_default();
        }
        head
    }
}

fn missing(head: &Head, faults: &mut Faults) {
    let Head { key: (_, wallet), revision, .. } = head;
    faults.add_of_the_database(&format!(
        "I16: had wallet {wallet} at the checkpoint, with revision {revision}"
    ));
}

/// Parses the line of a wallet. `None` for the last line.
fn head(line: &str) -> Option<Head> {
    let mut words = line.strip_prefix("wallet ")?.split(' ');
    let key = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    Some(Head { key, revision: words.next()?.parse().ok()?, head: words.next()?.to_owned() })
}

/// Checks that the last line is the signature of the others. Returns the fault if it is not.
fn signature_fault(lines: Lines<BufReader<File>>, signer: &Signer) -> io::Result<Option<&'static str>> {
    let mut keyed = signer.0.clone();
    let mut end = None;
    for line in lines {
        let line = line?;
        if end.is_some() {
            return Ok(Some("has lines after its signature"));
        }
        match line.strip_prefix("end ") {
            // A signature that is no hexadecimal number agrees with no key.
            Some(signature) => end = Some(hex::decode(signature).unwrap_or_default()),
            None => {
                keyed.update(line.as_bytes());
                keyed.update(b"\n");
            }
        }
    }
    let Some(end) = end else {
        return Ok(Some("has no signature: the file was truncated, or is not a checkpoint"));
    };
    Ok(keyed.verify_slice(&end).err().map(|_| "was not signed with this key, or was changed since"))
}
