//! A wallet as it stands at an instant: read, and everything due processed in memory.

use wallet_core::decide::ReadSet;
use wallet_core::reservation::Reservation;
use wallet_core::wallet::InvariantViolation;
use wallet_core::{BoxMap, Timestamp, UnitOfWork, Wallet, WalletKey};

use crate::call_name::in_call;
use crate::query::error::ReadError;
use crate::query::queries::Turn;
use crate::store::{ReadPlan, ReadTx};

/// The reservations that a read loads at a time because they may be due.
const PART: usize = 500;
/// The most reservations that are advanced on a thread that serves connections.
pub(super) const FEW: usize = 64;

/// A wallet at an instant, with its due events processed.
#[derive(Debug, Clone)]
pub(crate) struct Snapshot {
    pub(crate) wallet: Wallet,
    pub(crate) read_time: Timestamp,
    /// Revision and version before the due events.
    before: (i64, i64),
}

impl Snapshot {
    /// Processes everything due up to `now` in a wallet that has all of it in memory.
    pub(super) async fn of(wallet: Wallet, now: Timestamp) -> Result<Self, ReadError> {
        let (read_time, before) = (wallet.decision_time(now), (wallet.revision, wallet.version));
        let mut wallet = advanced(wallet, read_time).await?;
        wallet.reservations = BoxMap::new();
        Ok(Self { wallet, read_time, before })
    }

    /// Reads a wallet and processes everything due up to `now`. Works in parts, so that memory is bounded for any
    /// number of due events. Passes each reservation that ends on the way to `ended`, and drops it, except the one in
    /// `read_set`.
    pub(super) async fn read(
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
                wallet.reservations.insert_missing(reservation.id.clone(), reservation);
            }
            wallet.horizon = horizon;
        }
    }

    /// Returns the snapshot with the recorded revision and version. Due events have none yet: their entries and
    /// notifications will follow after the returned revision.
    pub(super) fn recorded(mut self) -> Self {
        (self.wallet.revision, self.wallet.version) = self.before;
        self
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
        in_call(|| tracing::error!(%error, "a read ended early; please report it with this line"));
        Err(ReadError::Unavailable)
    })
}

/// Logs a violated invariant, and returns the error of a wallet that cannot be read.
pub(super) fn defect(violation: InvariantViolation) -> ReadError {
    in_call(|| tracing::error!(%violation, "a wallet is unreadable; run `wallet-server verify --wallet ID`"));
    ReadError::Unreadable
}

#[cfg(test)]
mod tests {
    use std::pin::{Pin, pin};
    use std::sync::{Arc, mpsc};
    use std::task::{Context, Poll, Waker};

    use wallet_core::fingerprint::Fingerprint;
    use wallet_core::reservation::{State, Terms};
    use wallet_core::{TenantId, WalletId};

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
