//! The heartbeat of one hold: it extends the lease on the server, and fires the signal when the job must stop.
//!
//! One heartbeat is sent per third of the lease. After a failed one the next follows after a twelfth of the lease. Errors
//! that may pass do not stop the job before the lease has certainly ended.

use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout_at};
use tracing::{debug, warn};

use super::stop_reason::{Signal, StopReason};
use crate::v1::{ExtendRequest, ExtendResponse, ReservationState};
use crate::{Error, WalletClient, time};

pub(super) struct Heartbeat {
    pub(super) client: WalletClient,
    pub(super) request: ExtendRequest,
    pub(super) lease: Duration,
    pub(super) signal: Signal,
}

impl Heartbeat {
    /// Sends heartbeats from `first` on, until the job has ended. The lease may end at `lease_end`.
    pub(super) async fn run(self, first: Instant, lease_end: Instant) {
        let ended = self.signal.token().clone();
        // A job that was settled needs no more heartbeats.
        let Some(reason) = ended.run_until_cancelled(self.until_stopped(first, lease_end)).await else {
            return;
        };
        debug!(reservation_id = self.request.reservation_id, ?reason, "the job must stop");
        self.signal.fire(reason);
    }

    async fn until_stopped(&self, first: Instant, mut lease_end: Instant) -> StopReason {
        let mut next = first;
        loop {
            sleep_until(next.min(lease_end)).await;
            // The server counts the lease from its decision, which is after this instant and before its response.
            let sent = Instant::now();
            let Ok(response) = timeout_at(lease_end, self.client.extend(self.request.clone())).await else {
                return StopReason::LeaseExpired;
            };
            match Verdict::of(response) {
                Verdict::Continue(remaining) => {
                    lease_end = sent + remaining;
                    next = sent + self.lease / 3;
                }
                Verdict::Retry(error) => {
                    warn!(reservation_id = self.request.reservation_id, %error, "heartbeat failed");
                    next = Instant::now() + self.lease / 12;
                }
                Verdict::Stop(reason) => return reason,
            }
        }
    }
}

/// The consequence of one heartbeat.
enum Verdict {
    /// The job goes on; the hold lasts at least this long after the request was sent.
    Continue(Duration),
    Retry(Error),
    Stop(StopReason),
}

impl Verdict {
    fn of(response: Result<ExtendResponse, Error>) -> Self {
        match response {
            Ok(response) => match response.state() {
                ReservationState::Held | ReservationState::Processing => {
                    Self::Continue(response.remaining.map(time::from_wire).unwrap_or_default())
                }
                // A state that this version of the client does not know does not stop the job.
                ReservationState::Unspecified => Self::Retry(Error::incomplete("a known state")),
                ended => Self::Stop(StopReason::Ended(ended)),
            },
            Err(error) => match StopReason::of(&error) {
                Some(reason) => Self::Stop(reason),
                None => Self::Retry(error),
            },
        }
    }
}
