//! The reads of one wallet, and the way in which every read runs: on a snapshot, and to its end.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::TaskTracker;
use wallet_core::decide::ReadSet;
use wallet_core::reservation::Reservation;
use wallet_core::{Rejection, ReservationId, TenantId, WalletId, WalletKey};

use crate::call_name::in_call;
use crate::catalogs::PublishedCatalogs;
use crate::clock::Clock;
use crate::query::costly::{Costly, CostlyPlace};
use crate::query::error::ReadError;
use crate::query::grouped::{Found, GroupedReads};
use crate::query::snapshot::Snapshot;
use crate::store::{ReadTx, Store, StoreError};

/// The most reads at the same time of wallets with more due reservations than one part.
const LONG_READS: usize = 2;

/// The reads. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Queries {
    pub(super) store: Store,
    pub(super) clock: Clock,
    pub(super) catalogs: PublishedCatalogs,
    grouped: GroupedReads,
    long_reads: Arc<Semaphore>,
    pub(super) costly: Costly,
}

/// The turn of a long read; `None` if the read has not waited for one.
pub(super) type Turn = Option<OwnedSemaphorePermit>;

impl Queries {
    /// Starts the reads, whose task is among `tasks`. They keep at most `cached_rows` rows of wallets in memory.
    pub(crate) fn start(
        store: Store,
        clock: Clock,
        catalogs: PublishedCatalogs,
        cached_rows: usize,
        tasks: &TaskTracker,
    ) -> Self {
        let (grouped, reader) = GroupedReads::new(store.clone(), cached_rows);
        tasks.spawn(reader);
        let (long_reads, costly) = (Arc::new(Semaphore::new(LONG_READS)), Costly::default());
        Self { store, clock, catalogs, grouped, long_reads, costly }
    }

    /// Returns the queries with other limits: rows of a search, and jobs of a summary.
    #[cfg(test)]
    pub(crate) fn with_budget(mut self, searched: u64, summarized: u64) -> Self {
        (self.costly.searched, self.costly.summarized) = (searched, summarized);
        self
    }

    /// Returns a wallet as it stands now, with its recorded revision.
    pub(crate) async fn wallet(&self, tenant: TenantId, wallet: &WalletId) -> Result<Snapshot, ReadError> {
        let key = WalletKey::new(tenant, wallet);
        match self.grouped.wallet(key, self.clock.of(tenant)).await {
            Some(Found::Missing) => Err(Rejection::WalletNotFound.into()),
            Some(Found::Wallet(wallet, now)) => Ok(Snapshot::of(*wallet, now).await?.recorded()),
            None => Ok(self.advanced(tenant, wallet, ReadSet::default()).await?.recorded()),
        }
    }

    /// Returns a reservation as it stands now, and its wallet with the recorded revision.
    pub(crate) async fn reservation(
        &self,
        tenant: TenantId,
        wallet: &WalletId,
        id: &ReservationId,
    ) -> Result<(Snapshot, Reservation), ReadError> {
        let read_set = ReadSet { reservation: Some(id.clone()), ..ReadSet::default() };
        let snapshot = self.advanced(tenant, wallet, read_set).await?.recorded();
        match snapshot.wallet.reservations.get(id).cloned() {
            Some(reservation) => Ok((snapshot, reservation)),
            None => Err(Rejection::ReservationNotFound.into()),
        }
    }

    pub(super) async fn advanced(
        &self,
        tenant: TenantId,
        wallet: &WalletId,
        read_set: ReadSet,
    ) -> Result<Snapshot, ReadError> {
        let (key, now) = (WalletKey::new(tenant, wallet), self.clock.of(tenant));
        let found = self.on_snapshot(None, move |snapshot, turn| {
            let read_set = read_set.clone();
            async move { Snapshot::read(&snapshot, key, now, read_set, &turn, |_| {}).await }
        });
        Ok(found.await?.ok_or(Rejection::WalletNotFound)?)
    }

    /// Runs a read on a snapshot. A read that turns out to be long returns its connection and begins again when its
    /// turn comes, so that long reads leave connections to all others.
    pub(super) async fn on_snapshot<T, F, R>(&self, place: CostlyPlace, read: F) -> Result<T, ReadError>
    where
        T: Send + 'static,
        F: Fn(ReadTx, Turn) -> R + Clone + Send + Sync + 'static,
        R: Future<Output = Result<T, ReadError>> + Send + 'static,
    {
        let attempt = |turn: Turn| {
            let (store, place, read) = (self.store.clone(), place.clone(), read.clone());
            uncancelled(async move {
                let read = read(snapshot(&store, &place).await?, turn);
                // The place is released when the read has ended.
                let (_place, done) = (place, read.await);
                done
            })
        };
        match attempt(None).await {
            Err(ReadError::Long) => {
                let turn = self.long_reads.clone().acquire_owned().await;
                attempt(Some(turn.map_err(|_| ReadError::Unavailable)?)).await
            }
            done => done,
        }
    }
}

/// Takes a snapshot, on the connections for costly reads if the read has a place among them.
pub(super) async fn snapshot(store: &Store, place: &CostlyPlace) -> Result<ReadTx, StoreError> {
    match place {
        Some(_) => store.costly_snapshot().await,
        None => store.snapshot().await,
    }
}

/// Runs a read in a task of its own: a transaction that is cancelled while it begins spoils its connection.
pub(super) async fn uncancelled<T: Send + 'static, E: Into<ReadError> + Send + 'static>(
    read: impl Future<Output = Result<T, E>> + Send + 'static,
) -> Result<T, ReadError> {
    match tokio::spawn(read).await {
        Ok(result) => result.map_err(Into::into),
        Err(error) => {
            in_call(|| tracing::error!(%error, "a read ended early; please report it with this line"));
            Err(ReadError::Unavailable)
        }
    }
}
