//! Reads: the present and the past of a wallet, from one snapshot. Due events are processed in memory, and nothing
//! is written.

mod costly;
mod feed;
mod grouped;
mod keys;
mod lists;
mod page;
mod preview;
mod usage;

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::TaskTracker;
use wallet_core::decide::ReadSet;
use wallet_core::reservation::Reservation;
use wallet_core::wallet::InvariantViolation;
use wallet_core::{Rejection, ReservationId, TenantId, Timestamp, UnitOfWork, Wallet, WalletId, WalletKey};

pub(crate) use feed::{FeedContent, FeedFilter, FeedItem, FeedPage};
pub(crate) use lists::{EntryFilter, EventFilter, ReservationFilter, WalletFilter};
pub(crate) use page::{Listed, Page};
pub(crate) use preview::Effects;
pub(crate) use usage::{GroupBy, Usage, UsageQuery};

use crate::call_name::in_call;
use crate::catalogs::PublishedCatalogs;
use crate::causes::Chain;
use crate::clock::Clock;
use crate::query::costly::{Costly, CostlyPlace};
use crate::query::grouped::{Found, GroupedReads};
pub(crate) use crate::store::RecordedEvent;
use crate::store::{FeedEnds, ReadPlan, ReadTx, Store, StoreError, StoreErrorKind};

/// The reservations that a read loads at a time because they may be due.
const PART: usize = 500;
/// The most reservations that are advanced on a thread that serves connections.
const FEW: usize = 64;
/// The most reads at the same time of wallets with more due reservations than one part.
const LONG_READS: usize = 2;

/// The reason why a read has no result.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(crate) enum ReadError {
    /// The rules reject the read, for example because the wallet does not exist.
    #[error("{0}")]
    Rejected(#[from] Rejection),
    /// More is due in the wallet than a read processes before its turn. The read begins again, so callers do not
    /// see this.
    #[error("too much is due in the wallet; try again")]
    Long,
    /// The token does not belong to this list.
    #[error("the page token does not belong to this list")]
    BadPageToken,
    /// The feed has no items after the position: they are deleted, or the position is of another database.
    #[error("the feed has the positions {} to {}", .0.first, .0.last)]
    FeedPosition(FeedEnds),
    /// Too many reads of this kind are running.
    #[error("too many searches and summaries are running")]
    Overloaded,
    /// A row of the wallet cannot be decoded, or an invariant is violated; logged.
    #[error("the wallet cannot be read")]
    Unreadable,
    /// The database is unavailable; logged.
    #[error("the database could not be read")]
    Unavailable,
}

impl From<StoreError> for ReadError {
    fn from(error: StoreError) -> Self {
        in_call(|| tracing::error!(error = %Chain(&error), "a read failed"));
        match error.kind {
            // A row that no statement can read is refused again, however often a caller repeats the read.
            StoreErrorKind::Unreadable | StoreErrorKind::Refused | StoreErrorKind::InvariantViolated => {
                Self::Unreadable
            }
            StoreErrorKind::Conflict | StoreErrorKind::Unavailable | StoreErrorKind::CommitUnknown => {
                Self::Unavailable
            }
        }
    }
}

/// A wallet at an instant, with its due events processed.
#[derive(Debug, Clone)]
pub(crate) struct Snapshot {
    pub(crate) wallet: Wallet,
    pub(crate) read_time: Timestamp,
    /// Revision and version before the due events.
    before: (i64, i64),
}

/// The reads. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Queries {
    store: Store,
    clock: Clock,
    catalogs: PublishedCatalogs,
    grouped: GroupedReads,
    long_reads: Arc<Semaphore>,
    costly: Costly,
}

/// The turn of a long read; `None` if the read has not waited for one.
type Turn = Option<OwnedSemaphorePermit>;

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

    async fn advanced(
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
    async fn on_snapshot<T, F, R>(&self, place: CostlyPlace, read: F) -> Result<T, ReadError>
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

impl Snapshot {
    /// Processes everything due up to `now` in a wallet that has all of it in memory.
    async fn of(wallet: Wallet, now: Timestamp) -> Result<Self, ReadError> {
        let (read_time, before) = (wallet.decision_time(now), (wallet.revision, wallet.version));
        let mut wallet = advanced(wallet, read_time).await?;
        wallet.reservations.clear();
        Ok(Self { wallet, read_time, before })
    }

    /// Reads a wallet and processes everything due up to `now`. Works in parts, so that memory is bounded for any
    /// number of due events. Passes each reservation that ends on the way to `ended`, and drops it, except the one in
    /// `read_set`.
    async fn read(
        snapshot: &ReadTx,
        key: WalletKey,
        now: Timestamp,
        read_set: ReadSet,
        turn: &Turn,
        mut ended: impl FnMut(&Reservation) + Send,
    ) -> Result<Option<Self>, ReadError> {
        let mut plan = ReadPlan::new(PART);
        let kept = read_set.reservation.clone();
        plan.add(key, read_set);
        let Some(mut wallet) = snapshot.wallet(key, now, plan).await? else { return Ok(None) };
        if wallet.horizon.is_some() && turn.is_none() {
            return Err(ReadError::Long);
        }
        let (read_time, before) = (wallet.decision_time(now), (wallet.revision, wallet.version));
        loop {
            wallet = advanced(wallet, read_time).await?;
            wallet.reservations.retain(|id, reservation| {
                let stays = kept.as_ref() == Some(id);
                if !stays && !reservation.state.is_open() {
                    ended(reservation);
                }
                stays || reservation.is_due(read_time)
            });
            let Some(last) = wallet.horizon.take() else {
                return Ok(Some(Self { wallet, read_time, before }));
            };
            let (next, horizon) = snapshot.next_due(key, read_time, last, PART).await?;
            for reservation in next {
                // The reservation of the read set may have ended before its part is read.
                wallet.reservations.entry(reservation.id.clone()).or_insert(reservation);
            }
            wallet.horizon = horizon;
        }
    }

    /// Returns the snapshot with the recorded revision and version. Due events have none yet: their entries and
    /// notifications will follow after the returned revision.
    fn recorded(mut self) -> Self {
        (self.wallet.revision, self.wallet.version) = self.before;
        self
    }
}

/// Takes a snapshot, on the connections for costly reads if the read has a place among them.
async fn snapshot(store: &Store, place: &CostlyPlace) -> Result<ReadTx, StoreError> {
    match place {
        Some(_) => store.costly_snapshot().await,
        None => store.snapshot().await,
    }
}

/// Processes the due events that are loaded, on a blocking thread if there may be many.
async fn advanced(mut wallet: Wallet, now: Timestamp) -> Result<Wallet, ReadError> {
    let is_small = wallet.reservations.len() <= FEW;
    let work = move || match UnitOfWork::open(&mut wallet, now).process_due() {
        Ok(_) => Ok(wallet),
        Err(violation) => Err(defect(violation)),
    };
    if is_small {
        return work();
    }
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| {
        in_call(|| tracing::error!(%error, "a read ended early"));
        Err(ReadError::Unavailable)
    })
}

/// Logs a violated invariant, and returns the error of a wallet that cannot be read.
fn defect(violation: InvariantViolation) -> ReadError {
    in_call(|| tracing::error!(%violation, "a wallet cannot be advanced"));
    ReadError::Unreadable
}

/// Runs a read in a task of its own: a transaction that is cancelled while it begins spoils its connection.
async fn uncancelled<T: Send + 'static, E: Into<ReadError> + Send + 'static>(
    read: impl Future<Output = Result<T, E>> + Send + 'static,
) -> Result<T, ReadError> {
    match tokio::spawn(read).await {
        Ok(result) => result.map_err(Into::into),
        Err(error) => {
            in_call(|| tracing::error!(%error, "a read ended early"));
            Err(ReadError::Unavailable)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::{Pin, pin};
    use std::sync::mpsc;
    use std::task::{Context, Poll, Waker};

    use wallet_core::fingerprint::Fingerprint;
    use wallet_core::reservation::{State, Terms};

    use super::*;

    /// Returns a wallet in which this many reservations are loaded. None of them is due.
    fn wallet(reservations: usize) -> Wallet {
        let id: WalletId = "ann".parse().unwrap();
        let mut wallet = Wallet::blank(WalletKey::new(TenantId::DEFAULT, &id), id);
        for n in 0..reservations {
            let job = Reservation {
                id: format!("job-{n}").parse().unwrap(),
                state: State::Held,
                terms: Arc::new(Terms::default()),
                fingerprint: Fingerprint::default(),
                reserve_time: Timestamp::EPOCH,
                reserve_revision: 1,
                start_time: None,
                deadline: Timestamp::NEVER,
                sweep_at: Timestamp::NEVER,
                attempt: 0,
                worker: None,
                lease: None,
                allocations: Vec::new(),
                finish: None,
            };
            wallet.reservations.insert(job.id.clone(), job);
        }
        wallet
    }

    fn polled<T>(future: Pin<&mut impl Future<Output = T>>) -> Poll<T> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn a_wallet_with_many_loaded_reservations_is_advanced_on_a_blocking_thread() {
        let runtime = tokio::runtime::Builder::new_current_thread().max_blocking_threads(1).build().unwrap();
        runtime.block_on(async {
            let (occupied, ends) = mpsc::channel::<()>();
            tokio::task::spawn_blocking(move || ends.recv());
            let few = polled(pin!(advanced(wallet(FEW), Timestamp::EPOCH)));
            assert!(few.is_ready());
            let mut many = pin!(advanced(wallet(FEW + 1), Timestamp::EPOCH));
            assert!(polled(many.as_mut()).is_pending(), "the only blocking thread is occupied");
            drop(occupied);
            assert_eq!(many.await.unwrap().reservations.len(), FEW + 1);
        });
    }
}
