//! The audit from the opening of the database to the report, on one snapshot.

use std::path::PathBuf;
use std::time::Instant;

use wallet_core::{TenantId, WalletId, WalletKey};

use crate::clock::Clock;
use crate::store::{Backend, ReadTx, Store};
use crate::verify::checkpoint::{CheckpointReader, CheckpointWriter, Signer};
use crate::verify::error::VerifyError;
use crate::verify::feed::Feed;
use crate::verify::ledger::Ledger;
use crate::verify::report::Report;
use crate::verify::{control, nats, rows, schema, webhooks};

/// The options for checkpoints, which are files outside the database.
#[derive(Debug, Clone)]
pub struct Checkpoints {
    /// The file with the key that signs checkpoints, 32 to 4096 bytes.
    pub key_file: PathBuf,
    /// The file to write a checkpoint to, if the ledger is clean.
    pub write: Option<PathBuf>,
    /// An earlier checkpoint that the ledger must continue.
    pub against: Option<PathBuf>,
}

/// Verifies the ledger in a database. A server may be running.
pub async fn verify(database_url: &str) -> Result<Report, VerifyError> {
    of(database_url, None, None).await
}

/// Verifies the ledger in a database, and compares it with a checkpoint or writes one.
pub async fn verify_with(database_url: &str, checkpoints: &Checkpoints) -> Result<Report, VerifyError> {
    of(database_url, None, Some(checkpoints)).await
}

/// Verifies the ledger of one wallet, without the schema and the control plane. The report counts no wallet if there
/// is none with this id.
pub async fn verify_wallet(
    database_url: &str,
    tenant: &str,
    wallet: &WalletId,
) -> Result<Report, VerifyError> {
    let found = Store::open_read_only(database_url).await?.tenant_named(tenant).await?;
    let found = found.ok_or_else(|| VerifyError::NoTenant(tenant.to_owned()))?;
    of(database_url, Some(WalletKey::new(TenantId(found.tenant), wallet)), None).await
}

async fn of(
    database_url: &str,
    only: Option<WalletKey>,
    checkpoints: Option<&Checkpoints>,
) -> Result<Report, VerifyError> {
    let started = Instant::now();
    let store = Store::open_read_only(database_url).await?;
    let snapshot = store.snapshot().await?;
    let ledger = match only {
        None => whole(&snapshot, store.backend(), checkpoints).await?,
        Some(_) => Ledger::default(),
    };
    let (reading, rows) = rows::all(only.map(|wallet| (wallet.bucket(), wallet.uuid())));
    // Folding takes as long as reading, so each gets a core.
    let folding = tokio::task::spawn_blocking(move || ledger.fold(rows));
    let read = reading.run(&snapshot).await;
    let mut ledger = folding.await.map_err(VerifyError::Stopped)?;
    let ended = ledger.end(read.is_ok());
    read?;
    ended?;
    Ok(ledger.report(started.elapsed()))
}

/// Returns the ledger before its first wallet, after the checks of the schema, the control plane and the checkpoint.
async fn whole(
    snapshot: &ReadTx,
    backend: Backend,
    checkpoints: Option<&Checkpoints>,
) -> Result<Ledger, VerifyError> {
    let mut ledger = Ledger::default();
    schema::check(snapshot, backend, &mut ledger.faults).await?;
    let control_plane = control::read(snapshot, Clock::system().now(), &mut ledger.faults).await?;
    if let Some(Checkpoints { key_file, write, against }) = checkpoints {
        let signer = Signer::open(key_file)?;
        let reader = against
            .as_ref()
            .map(|path| CheckpointReader::open(path, &signer, &control_plane, &mut ledger.faults));
        ledger.checkpoint_reader = reader.transpose()?;
        let writer = write.as_ref().map(|path| CheckpointWriter::create(path, &signer, &control_plane));
        ledger.checkpoint_writer = writer.transpose()?;
    }
    let feed = Feed::read(snapshot, &control_plane, &mut ledger.faults).await?;
    webhooks::check(snapshot, &control_plane, &feed.last, &mut ledger.faults).await?;
    nats::check(snapshot, &control_plane, &feed.last, &mut ledger.faults).await?;
    ledger.feed = Some(feed);
    ledger.control_plane = Some(control_plane);
    Ok(ledger)
}
