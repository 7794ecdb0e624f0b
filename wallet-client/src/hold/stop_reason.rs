//! The reason to stop a job, and the signal that carries it once.

use std::sync::{Arc, OnceLock};

use tokio_util::sync::CancellationToken;

use crate::v1::{ErrorReason, ReservationState};
use crate::{Error, Refusal};

/// The reason to stop a job, returned by [`Hold::stop_reason`](crate::Hold::stop_reason).
///
/// # Examples
///
/// ```no_run
/// # use wallet_client::{Hold, StopReason, v1::ReservationState};
/// # async fn example(hold: Hold) {
/// hold.cancelled().await;
/// match hold.stop_reason() {
///     Some(StopReason::Ended(ReservationState::Cancelled)) => println!("the user pressed stop"),
///     Some(StopReason::TakenOver) => println!("another worker has the job"),
///     other => println!("stop: {other:?}"),
/// }
/// # }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum StopReason {
    /// The reservation has ended: `Settled` or `Failed` through this hold or by another worker, `Cancelled` by the user or
    /// the platform, or `Expired`.
    Ended(ReservationState),
    /// Another worker runs the job with a higher attempt.
    TakenOver,
    /// No heartbeat succeeded before the lease ended, so the server may have returned the credits.
    LeaseExpired,
    /// The server does not know the job or the wallet.
    Refused(Box<Refusal>),
}

impl StopReason {
    /// Returns the reason if this error of a heartbeat or a settle is final. Other errors may pass before the lease ends.
    pub(super) fn of(error: &Error) -> Option<Self> {
        let refusal = error.refusal()?;
        match refusal.reason {
            ErrorReason::StaleAttempt => Some(Self::TakenOver),
            ErrorReason::ReservationSettled => Some(Self::Ended(ReservationState::Settled)),
            ErrorReason::ReservationFailed => Some(Self::Ended(ReservationState::Failed)),
            ErrorReason::ReservationCancelled => Some(Self::Ended(ReservationState::Cancelled)),
            ErrorReason::ReservationExpired => Some(Self::Ended(ReservationState::Expired)),
            ErrorReason::ReservationNotFound | ErrorReason::WalletNotFound => {
                Some(Self::Refused(Box::new(refusal.clone())))
            }
            _ => None,
        }
    }
}

/// Fires once. The reason is set before any waiter wakes.
#[derive(Clone, Default)]
pub(super) struct Signal {
    token: CancellationToken,
    reason: Arc<OnceLock<StopReason>>,
}

impl Signal {
    pub(super) fn fire(&self, reason: StopReason) {
        self.reason.get_or_init(|| reason);
        self.token.cancel();
    }

    pub(super) fn token(&self) -> &CancellationToken {
        &self.token
    }

    pub(super) fn reason(&self) -> Option<&StopReason> {
        self.reason.get()
    }
}
