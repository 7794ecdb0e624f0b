//! The reasons why a ledger cannot be verified. A fault in the ledger is not an error: it is in the report.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::store::StoreError;

/// The reason why a ledger cannot be verified.
#[derive(Debug, Error)]
pub enum VerifyError {
    /// The database cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no tenant with this name.
    #[error("there is no tenant {0}; `wallet-server tenants list` shows all")]
    NoTenant(String),
    /// The task that folds the ledger ended early.
    #[error("the verification ended early because of a defect; please report it with this output")]
    Stopped(#[source] tokio::task::JoinError),
    /// The key file cannot be read.
    #[error("cannot read key file {}", path.display())]
    KeyFile {
        /// The path of the key file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The key is too short or too long.
    #[error(
        "key file {} has {bytes} bytes, 32 to 4096 are allowed; make one: head -c 32 /dev/urandom > FILE",
        path.display()
    )]
    KeyLength {
        /// The path of the key file.
        path: PathBuf,
        /// The length of the key in bytes.
        bytes: usize,
    },
    /// A checkpoint cannot be read or written.
    #[error("cannot read or write checkpoint {}", path.display())]
    Checkpoint {
        /// The path of the checkpoint.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The signature of a checkpoint is missing or wrong.
    #[error("checkpoint {} {fault}", path.display())]
    NotSigned {
        /// The path of the checkpoint.
        path: PathBuf,
        /// The fault, which continues "the checkpoint".
        fault: &'static str,
    },
}

impl VerifyError {
    /// Returns a function for `map_err` that adds the path of the checkpoint.
    pub(super) fn checkpoint(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Checkpoint { path: path.to_owned(), source }
    }
}
