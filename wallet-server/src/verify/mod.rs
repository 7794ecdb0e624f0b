//! `verify`: the whole ledger recomputed from its entries and compared with every row that is stored.
//!
//! Its own code path: it folds postings by itself and shares with the server only the value types and the
//! definition of an entry's hash. It reads one snapshot, all tables side by side in the order of their keys, and
//! writes nothing. What it keeps in memory is one wallet's sums and a few pages of rows.
//!
//! It refuses to guess: a row that does not read back is a fault of its wallet, and the rest goes on.

mod balance;
mod chain;
mod compare;
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
mod taking;
#[cfg(test)]
mod tests;
mod wallet;

use std::time::Instant;

use wallet_core::{TenantId, WalletId, WalletKey};

use crate::app::AppError;
use crate::store::Store;
use ledger::Ledger;
pub use report::Report;

/// Recomputes the ledger in a database, beside a server that may be running.
pub async fn verify(database_url: &str) -> Result<Report, AppError> {
    of(database_url, None).await
}

/// Recomputes the ledger of one wallet; a report of no wallets if there is none of this id.
pub async fn verify_wallet(database_url: &str, wallet: &WalletId) -> Result<Report, AppError> {
    of(database_url, Some(WalletKey::new(TenantId::DEFAULT, wallet))).await
}

async fn of(database_url: &str, only: Option<WalletKey>) -> Result<Report, AppError> {
    let started = Instant::now();
    let store = Store::open_read_only(database_url).await?;
    let snapshot = store.snapshot().await?;
    let (reading, rows) = rows::all(only.map(|wallet| (wallet.bucket(), wallet.uuid())));
    // Folding takes as long as reading: one core each.
    let folding = tokio::task::spawn_blocking(move || Ledger::fold(rows));
    reading.run(&snapshot).await?;
    let ledger = folding.await.map_err(|error| AppError::Store(format!("verifying stopped: {error}")))?;
    Ok(ledger.report(started.elapsed()))
}
