//! Reads: what a wallet has and had, from one snapshot, with everything due counted in memory and nothing written.

mod lists;
mod page;
mod preview;
mod usage;

use wallet_core::advance::advance;
use wallet_core::command::Addressed;
use wallet_core::reservation::Reservation;
use wallet_core::wallet::Broken;
use wallet_core::{Rejection, ReservationId, TenantId, Timestamp, Touched, Wallet, WalletId, WalletKey};

pub(crate) use lists::{EntryFilter, EventFilter, ReservationFilter};
pub(crate) use page::{Listed, Page};
pub(crate) use usage::{GroupBy, Usage, UsageQuery};

use crate::catalogs::PublishedCatalogs;
use crate::clock::Clock;
pub(crate) use crate::store::RecordedEvent;
use crate::store::{LoadPlan, Store, StoreError};

/// Why a read has no answer.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(crate) enum ReadError {
    /// There is no such thing.
    #[error("{0}")]
    Rejected(#[from] Rejection),
    /// Not a token of this list.
    #[error("the page token is not one of this list")]
    BadPageToken,
    /// The database is away, or a row does not read back; logged.
    #[error("the database could not be read")]
    Unavailable,
}

impl From<StoreError> for ReadError {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "a read failed");
        Self::Unavailable
    }
}

/// A wallet as it stands at an instant.
#[derive(Debug, Clone)]
pub(crate) struct Snapshot {
    pub(crate) wallet: Wallet,
    pub(crate) read_time: Timestamp,
}

/// The reads. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Queries {
    store: Store,
    clock: Clock,
    catalogs: PublishedCatalogs,
}

impl Queries {
    pub(crate) const fn new(store: Store, clock: Clock, catalogs: PublishedCatalogs) -> Self {
        Self { store, clock, catalogs }
    }

    /// A wallet as it stands now.
    pub(crate) async fn wallet(&self, tenant: TenantId, wallet: &WalletId) -> Result<Snapshot, ReadError> {
        self.advanced(tenant, wallet, Addressed::default()).await
    }

    /// A reservation as it stands now, with its wallet.
    pub(crate) async fn reservation(
        &self,
        tenant: TenantId,
        wallet: &WalletId,
        id: &ReservationId,
    ) -> Result<(Snapshot, Reservation), ReadError> {
        let addressed = Addressed { reservation: Some(id.clone()), ..Addressed::default() };
        let snapshot = self.advanced(tenant, wallet, addressed).await?;
        match snapshot.wallet.reservations.get(id).cloned() {
            Some(reservation) => Ok((snapshot, reservation)),
            None => Err(Rejection::ReservationNotFound.into()),
        }
    }

    async fn advanced(
        &self,
        tenant: TenantId,
        wallet: &WalletId,
        addressed: Addressed,
    ) -> Result<Snapshot, ReadError> {
        let key = WalletKey::new(tenant, wallet);
        let now = self.clock.now();
        let mut plan = LoadPlan::default();
        plan.address(key, addressed);
        let store = self.store.clone();
        let found = uncancelled(async move { store.snapshot().await?.wallet(key, now, plan).await }).await?;
        Snapshot::at(found.ok_or(Rejection::WalletNotFound)?, now)
    }
}

impl Snapshot {
    /// A wallet with everything due up to `now` counted.
    fn at(mut wallet: Wallet, now: Timestamp) -> Result<Self, ReadError> {
        let read_time = now.max(wallet.last_time);
        advance(&mut wallet, read_time, &mut Touched::default()).map_err(defect)?;
        Ok(Self { wallet, read_time })
    }
}

/// A wallet that does not add up: logged, and not read.
fn defect(broken: Broken) -> ReadError {
    tracing::error!(%broken, "a wallet cannot be advanced");
    ReadError::Unavailable
}

/// Runs a read in a task of its own: a transaction whose beginning is cancelled spoils its connection.
async fn uncancelled<T: Send + 'static, E: Into<ReadError> + Send + 'static>(
    read: impl Future<Output = Result<T, E>> + Send + 'static,
) -> Result<T, ReadError> {
    match tokio::spawn(read).await {
        Ok(result) => result.map_err(Into::into),
        Err(error) => {
            tracing::error!(%error, "a read ended early");
            Err(ReadError::Unavailable)
        }
    }
}
