//! `verify`: the whole ledger recomputed from its entries and compared with every row that is stored.
//!
//! Its own code path: it folds postings by itself and shares with the server only the value types and the
//! definition of an entry's hash. It reads one snapshot, all tables side by side in the order of their keys, and
//! writes nothing. What it keeps in memory is one wallet's sums and a few pages of rows.
//!
//! It refuses to guess: a row that does not read back is a fault of its wallet, and the rest goes on. `docs/verify.md`
//! says what is proven, what is bounded, and what cannot be.

mod balance;
mod chain;
mod checkpoint;
mod compare;
mod control;
mod entry;
mod event;
mod faults;
mod grant;
mod ledger;
mod life;
mod moves;
mod receipt;
mod report;
mod reservation;
mod rows;
mod schema;
mod strict;
mod taking;
#[cfg(test)]
mod tests;
mod wallet;

use std::path::PathBuf;
use std::time::Instant;

use wallet_core::{TenantId, WalletId, WalletKey};

use crate::app::AppError;
use crate::clock::Clock;
use crate::store::{Backend, ReadTx, Store};
use checkpoint::{Against, Heads, Signer};
use ledger::Ledger;
pub use report::Report;

/// Checkpoints of the ledger, which are files outside of the database.
#[derive(Debug, Clone)]
pub struct Checkpoints {
    /// The key that signs them: 32 bytes to 4096.
    pub key_file: PathBuf,
    /// Where to write one, if the ledger is clean.
    pub write: Option<PathBuf>,
    /// One that was written earlier: whether the ledger continues it.
    pub against: Option<PathBuf>,
}

/// Recomputes the ledger in a database, beside a server that may be running.
pub async fn verify(database_url: &str) -> Result<Report, AppError> {
    of(database_url, None, None).await
}

/// The same, and compares the ledger with a checkpoint, or writes one.
pub async fn verify_with(database_url: &str, checkpoints: &Checkpoints) -> Result<Report, AppError> {
    of(database_url, None, Some(checkpoints)).await
}

/// Recomputes the ledger of one wallet; a report of no wallets if there is none of this id. What is not in rows of
/// wallets is not looked at.
pub async fn verify_wallet(database_url: &str, wallet: &WalletId) -> Result<Report, AppError> {
    of(database_url, Some(WalletKey::new(TenantId::DEFAULT, wallet)), None).await
}

async fn of(
    database_url: &str,
    only: Option<WalletKey>,
    checkpoints: Option<&Checkpoints>,
) -> Result<Report, AppError> {
    let started = Instant::now();
    let store = Store::open_read_only(database_url).await?;
    let snapshot = store.snapshot().await?;
    let ledger = match only {
        None => whole(&snapshot, store.backend(), checkpoints).await?,
        Some(_) => Ledger::default(),
    };
    let (reading, rows) = rows::all(only.map(|wallet| (wallet.bucket(), wallet.uuid())));
    // Folding takes as long as reading: one core each.
    let folding = tokio::task::spawn_blocking(move || {
        let mut ledger = ledger.fold(rows);
        ledger.end().map(|()| ledger)
    });
    reading.run(&snapshot).await?;
    let ledger = folding.await.map_err(|error| AppError::Store(format!("verifying stopped: {error}")))?;
    Ok(ledger.map_err(AppError::Checkpoint)?.report(started.elapsed()))
}

/// A ledger before its first wallet, with all that is no wallet's.
async fn whole(
    snapshot: &ReadTx,
    backend: Backend,
    checkpoints: Option<&Checkpoints>,
) -> Result<Ledger, AppError> {
    let mut ledger = Ledger::default();
    schema::check(snapshot, backend, &mut ledger.faults).await?;
    let known = control::read(snapshot, Clock::system().now(), &mut ledger.faults).await?;
    if let Some(Checkpoints { key_file, write, against }) = checkpoints {
        let signer = Signer::open(key_file).map_err(AppError::Checkpoint)?;
        let against = against.as_ref().map(|path| Against::open(path, &signer, &known, &mut ledger.faults));
        ledger.against = against.transpose().map_err(AppError::Checkpoint)?;
        let heads = write.as_ref().map(|path| Heads::create(path, &signer, &known));
        ledger.heads = heads.transpose().map_err(AppError::Checkpoint)?;
    }
    ledger.known = Some(known);
    Ok(ledger)
}
