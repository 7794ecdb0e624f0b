//! The error of a command of the command line.

use std::path::PathBuf;

use thiserror::Error;
use wallet_core::WalletId;

use crate::app::AppError;
use crate::keys::{IssueError, KeyId, PepperError, Scopes};
use crate::settings::{Address, SettingsError};
use crate::store::StoreError;
use crate::tenants::TenantError;
use crate::verify::VerifyError;

#[derive(Debug, Error)]
pub(super) enum CliError {
    #[error(transparent)]
    App(#[from] AppError),
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error(
        "no pepper for API keys is configured: give --key-pepper-file; `openssl rand -hex 32 > FILE` makes one"
    )]
    NoPepper,
    #[error("{address} cannot be looked up")]
    Address { address: Address, source: std::io::Error },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Verify(#[from] VerifyError),
    #[error(transparent)]
    Pepper(#[from] PepperError),
    #[error(transparent)]
    Issue(#[from] IssueError),
    #[error(transparent)]
    Tenant(#[from] TenantError),
    #[error("{0:?} is not the id of a key, which has 10 letters and digits")]
    KeyId(String),
    #[error(
        "a token of this key cannot have the scope {scope}; of estimate, read and events, its key has: {allowed}"
    )]
    TokenScope { scope: &'static str, allowed: Scopes },
    #[error(
        "there is no key {key} of tenant {tenant}; --tenant names another tenant, and `keys list` shows the keys of one"
    )]
    NoKey { key: KeyId, tenant: String },
    #[error("there is no wallet {0} of this tenant; --tenant names another tenant")]
    NoWallet(WalletId),
    #[error("{} cannot be read", path.display())]
    File { path: PathBuf, source: std::io::Error },
    #[error("the manual pages cannot be written to {}", folder.display())]
    ManPages { folder: PathBuf, source: std::io::Error },
    #[error("the backup {} cannot be written", path.display())]
    BackupFile { path: PathBuf, source: std::io::Error },
    #[error("the backup {} exists already; name a new file", path.display())]
    BackupExists { path: PathBuf },
    #[error(
        "a PostgreSQL database is backed up with its own programs: pg_dump, or pg_basebackup with archived WAL"
    )]
    BackupOfPostgres,
    /// The server refused the request. Contains a line per fault.
    #[error("the server refuses the request:\n{0}")]
    Faults(String),
    #[error(
        "{endpoint} needs --ca-file, the authority of its certificate: no root certificates are built in"
    )]
    NoAuthority { endpoint: String },
    #[error(
        "{endpoint} needs an API key: name a file that has one with --api-key-file or WALLET_API_KEY_FILE; \
         `wallet-server keys create` makes the first one"
    )]
    NoKeySent { endpoint: String },
    #[error("{endpoint}")]
    Server { endpoint: String, source: Box<wallet_client::Error> },
}
