//! A started job as its worker has it: settle it, report its failure, or stop when it has ended.

use std::fmt;

use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::AbortOnDropHandle;

use super::stop_reason::{Signal, StopReason};
use crate::v1::{self, settle_request::Outcome};
use crate::{Error, WalletClient};

/// A started job with its credits set aside, made by [`WalletClient::hold`] and [`WalletClient::hold_existing`].
///
/// A background task sends a heartbeat per third of the lease for as long as this value lives. Deliver output only after
/// [`settle`](Self::settle) has returned `Ok`: before that, the job may have ended without a charge.
///
/// Dropping a hold sends nothing and fires [`cancellation`](Self::cancellation). The server returns the credits when the
/// lease ends.
///
/// # Examples
///
/// ```no_run
/// # use wallet_client::{Error, WalletClient, v1};
/// # async fn paint() -> Result<usize, String> { Ok(4) }
/// # async fn example(client: &WalletClient, request: v1::ReserveRequest) -> Result<(), Error> {
/// let hold = client.hold(request, "gpu-7").await?;
/// tokio::select! {
///     painted = paint() => match painted {
///         Ok(count) => {
///             hold.settle(v1::Succeeded::usage([("count", count.to_string())])).await?;
///             println!("deliver the images");
///         }
///         Err(message) => {
///             hold.fail("CUDA_OOM", message).await?;
///         }
///     },
///     () = hold.cancelled() => println!("stop the GPU: {:?}", hold.stop_reason()),
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "a hold that is dropped ends with its lease"]
pub struct Hold {
    pub(super) client: WalletClient,
    pub(super) reservation: v1::Reservation,
    pub(super) signal: Signal,
    pub(super) _heartbeat: Option<AbortOnDropHandle<()>>,
    pub(super) _cancel_on_drop: DropGuard,
}

impl Hold {
    /// Returns the reservation as it was when the job started.
    pub fn reservation(&self) -> &v1::Reservation {
        &self.reservation
    }

    /// Waits until the job must stop: it has ended, another worker has taken it over, or its lease may have ended.
    /// [`stop_reason`](Self::stop_reason) tells which.
    pub async fn cancelled(&self) {
        self.signal.token().cancelled().await;
    }

    /// Returns a token that fires when [`cancelled`](Self::cancelled) returns, for the threads and tasks that run the job. It
    /// also fires when the hold is dropped.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # use wallet_client::Hold;
    /// # fn example(hold: &Hold) {
    /// let stop = hold.cancellation();
    /// std::thread::spawn(move || {
    ///     while !stop.is_cancelled() {
    ///         // one step of the diffusion
    ///     }
    /// });
    /// # }
    /// ```
    pub fn cancellation(&self) -> CancellationToken {
        self.signal.token().clone()
    }

    /// Returns the reason to stop, or `None` while the job may go on.
    pub fn stop_reason(&self) -> Option<&StopReason> {
        self.signal.reason()
    }

    /// Settles a job that delivered, at the cost of [`Succeeded::usage`](v1::Succeeded::usage) or of explicit amounts.
    ///
    /// The heartbeat goes on while the settle is attempted. If the settle is refused for its content (an invalid field,
    /// `INSUFFICIENT_CREDITS`) or its outcome is unknown, the hold stays open: settle again, or [`fail`](Self::fail).
    ///
    /// # Errors
    ///
    /// As [`WalletClient::settle`].
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # use wallet_client::{Error, Hold, v1};
    /// # async fn example(hold: &Hold) -> Result<(), Error> {
    /// // Three of four images is a success with count 3.
    /// let settled = hold.settle(v1::Succeeded::usage([("count", "3")])).await?;
    /// println!("charged {:?}", settled.reservation.unwrap_or_default().charged);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn settle(&self, succeeded: v1::Succeeded) -> Result<v1::SettleResponse, Error> {
        self.finish(Outcome::Succeeded(succeeded)).await
    }

    /// Settles a job that delivered everything that was reserved.
    ///
    /// # Errors
    ///
    /// As [`settle`](Self::settle).
    pub async fn settle_as_reserved(&self) -> Result<v1::SettleResponse, Error> {
        self.settle(v1::Succeeded::as_reserved()).await
    }

    /// Ends a job that delivered nothing; the credits return to the wallet, less a failure fee if the price rule has one.
    /// `code` is the platform's own, for example `"CUDA_OOM"`.
    ///
    /// # Errors
    ///
    /// As [`settle`](Self::settle).
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # use wallet_client::{Error, Hold};
    /// # async fn example(hold: &Hold) -> Result<(), Error> {
    /// hold.fail("CUDA_OOM", "out of memory at step 12").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn fail(
        &self,
        code: impl Into<String>,
        message: impl Into<String>,
    ) -> Result<v1::SettleResponse, Error> {
        self.finish(Outcome::Failed(v1::Failure::new(code, message))).await
    }

    /// Settles with the hold's attempt. The heartbeat goes on until the job has ended, so that the lease does not end during
    /// retries, or while the worker decides after a refusal.
    async fn finish(&self, outcome: Outcome) -> Result<v1::SettleResponse, Error> {
        let request = v1::SettleRequest {
            wallet_id: self.reservation.wallet_id.clone(),
            reservation_id: self.reservation.reservation_id.clone(),
            attempt: self.reservation.attempt,
            outcome: Some(outcome),
            accept_late: false,
        };
        let response = self.client.settle(request).await;
        let ended = match &response {
            Ok(done) => done.reservation.as_ref().map(|reservation| StopReason::Ended(reservation.state())),
            Err(error) => StopReason::of(error),
        };
        if let Some(reason) = ended {
            self.signal.fire(reason);
        }
        response
    }
}

impl fmt::Debug for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hold")
            .field("reservation_id", &self.reservation.reservation_id)
            .field("attempt", &self.reservation.attempt)
            .field("stop_reason", &self.stop_reason())
            .finish_non_exhaustive()
    }
}
