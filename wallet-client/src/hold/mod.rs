//! A job's hold on its credits, from the worker's side: open it, run while it lives, finish it.
//!
//! It owns the heartbeat and the signal to stop. It refuses to finish a job by itself: a hold that is dropped, by a
//! crash or on purpose, sends nothing, and the server gives all back when the lease runs out.

mod heartbeat;
mod open;
mod stopped;
mod worker;

use std::fmt;

use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::AbortOnDropHandle;

use self::stopped::Signal;
pub use self::stopped::Stopped;
pub use self::worker::Worker;
use crate::v1::{self, settle_request::Outcome, succeeded::Cost};
use crate::{Error, WalletClient};

/// A started job whose credits are set aside. Made by [`WalletClient::hold`] and [`WalletClient::hold_existing`].
///
/// While it lives, a task in the background tells the server so every third of the lease. Deliver output only after
/// `settle` has answered `Ok`: then no lost race gives output for nothing.
///
/// Dropping it sends nothing and fires [`cancellation`](Self::cancellation): the hold lapses with its lease.
#[must_use = "a hold that is dropped lapses with its lease"]
pub struct Hold {
    client: WalletClient,
    reservation: v1::Reservation,
    signal: Signal,
    _heartbeat: Option<AbortOnDropHandle<()>>,
    _fires_on_drop: DropGuard,
}

impl Hold {
    /// The reservation as it was when the job started.
    pub fn reservation(&self) -> &v1::Reservation {
        &self.reservation
    }

    /// Resolves when the job is to be stopped: somebody finished or cancelled it, another worker took it over, or its
    /// lease may have run out. [`stopped_because`](Self::stopped_because) says which.
    pub async fn cancelled(&self) {
        self.signal.token().cancelled().await;
    }

    /// The same as a token, for threads and tasks that run the job. Fires too when the job is settled through this hold,
    /// and when the hold is dropped.
    pub fn cancellation(&self) -> CancellationToken {
        self.signal.token().clone()
    }

    /// Why the job is to be stopped; `None` as long as it may go on.
    pub fn stopped_because(&self) -> Option<&Stopped> {
        self.signal.why()
    }

    /// The job delivered, at the cost of [`usage`](crate::usage) or of explicit amounts.
    ///
    /// # Errors
    /// As [`WalletClient::settle`]. The hold stays open when the settle is refused for what it says (a bad field,
    /// INSUFFICIENT_CREDITS) or its outcome is unknown: the heartbeat goes on as long as this value lives, and settling
    /// again is safe.
    pub async fn settle(&self, succeeded: v1::Succeeded) -> Result<v1::SettleResponse, Error> {
        self.finish(Outcome::Succeeded(succeeded)).await
    }

    /// The job delivered all that was reserved.
    ///
    /// # Errors
    /// As [`settle`](Self::settle).
    pub async fn settle_as_reserved(&self) -> Result<v1::SettleResponse, Error> {
        self.settle(v1::Succeeded { cost: Some(Cost::AsReserved(v1::AsReserved {})) }).await
    }

    /// The job delivered nothing: the credits go back. `code` is the platform's own: `"CUDA_OOM"`.
    ///
    /// # Errors
    /// As [`settle`](Self::settle).
    pub async fn fail(
        &self,
        code: impl Into<String>,
        message: impl Into<String>,
    ) -> Result<v1::SettleResponse, Error> {
        self.finish(Outcome::Failed(v1::Failure { code: code.into(), message: message.into() })).await
    }

    /// The heartbeat goes on until the job has ended: the lease must not run out while settling is tried again, and not
    /// while the worker thinks about a refusal.
    async fn finish(&self, outcome: Outcome) -> Result<v1::SettleResponse, Error> {
        let request = v1::SettleRequest {
            wallet_id: self.reservation.wallet_id.clone(),
            reservation_id: self.reservation.reservation_id.clone(),
            attempt: self.reservation.attempt,
            outcome: Some(outcome),
            accept_late: false,
        };
        let answer = self.client.settle(request).await;
        let ended = match &answer {
            Ok(done) => done.reservation.as_ref().map(|reservation| Stopped::Ended(reservation.state())),
            Err(error) => Stopped::by(error),
        };
        if let Some(why) = ended {
            self.signal.fire(why);
        }
        answer
    }
}

impl fmt::Debug for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hold")
            .field("reservation_id", &self.reservation.reservation_id)
            .field("attempt", &self.reservation.attempt)
            .field("stopped_because", &self.stopped_because())
            .finish_non_exhaustive()
    }
}
