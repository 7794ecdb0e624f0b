//! Why a job is to be stopped, and the signal that says so once.

use std::sync::{Arc, OnceLock};

use tokio_util::sync::CancellationToken;

use crate::v1::{ErrorReason, ReservationState};
use crate::{Error, Refusal};

/// Why a job is to be stopped.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Stopped {
    /// The reservation has ended: `Settled` or `Failed` by this hold or by another worker, `Cancelled` by the user or
    /// the platform, or `Expired`.
    Ended(ReservationState),
    /// Another worker runs the job with a higher attempt.
    TakenOver,
    /// No sign of life got through before the lease ran out: the server has given the credits back.
    Lapsed,
    /// The server knows no such job (any more).
    Refused(Box<Refusal>),
}

impl Stopped {
    /// Whether this error of a heartbeat or a settle is final. Everything else is trouble that may pass before the lease does.
    pub(super) fn by(error: &Error) -> Option<Self> {
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

/// Fires once; the reason is there before anybody wakes.
#[derive(Clone, Default)]
pub(super) struct Signal {
    token: CancellationToken,
    why: Arc<OnceLock<Stopped>>,
}

impl Signal {
    pub(super) fn fire(&self, why: Stopped) {
        self.why.get_or_init(|| why);
        self.token.cancel();
    }

    pub(super) fn token(&self) -> &CancellationToken {
        &self.token
    }

    pub(super) fn why(&self) -> Option<&Stopped> {
        self.why.get()
    }
}
