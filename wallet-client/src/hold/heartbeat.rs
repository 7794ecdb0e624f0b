//! The heartbeat of one hold: tells the server that the job lives, and the job when it is to stop.
//!
//! Beats every third of the lease. Trouble is no reason to stop a GPU before the lease has surely run out: until then
//! it asks again, four times as often.

use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout_at};
use tracing::{debug, warn};

use super::stopped::{Signal, Stopped};
use crate::v1::{ExtendRequest, ExtendResponse, ReservationState};
use crate::{Error, WalletClient, time};

pub(super) struct Heartbeat {
    pub(super) client: WalletClient,
    pub(super) request: ExtendRequest,
    pub(super) lease: Duration,
    pub(super) signal: Signal,
}

impl Heartbeat {
    /// Beats at `first` and then on, until the job has ended. `lapses` is when the lease may have run out.
    pub(super) async fn beat(self, first: Instant, lapses: Instant) {
        let ended = self.signal.token().clone();
        // A job that was settled needs no more heartbeats.
        let Some(why) = ended.run_until_cancelled(self.until_stopped(first, lapses)).await else { return };
        debug!(reservation_id = self.request.reservation_id, ?why, "job is to be stopped");
        self.signal.fire(why);
    }

    async fn until_stopped(&self, first: Instant, mut lapses: Instant) -> Stopped {
        let mut next = first;
        loop {
            sleep_until(next.min(lapses)).await;
            // The server counts from when it decides, which is after this and before its answer arrives.
            let asked = Instant::now();
            let Ok(answer) = timeout_at(lapses, self.client.extend(self.request.clone())).await else {
                return Stopped::Lapsed;
            };
            match Verdict::of(answer) {
                Verdict::GoOn(left) => {
                    lapses = asked + left;
                    next = asked + self.lease / 3;
                }
                Verdict::AskAgain(error) => {
                    warn!(reservation_id = self.request.reservation_id, %error, "heartbeat failed");
                    next = Instant::now() + self.lease / 12;
                }
                Verdict::Stop(why) => return why,
            }
        }
    }
}

enum Verdict {
    GoOn(Duration),
    AskAgain(Error),
    Stop(Stopped),
}

impl Verdict {
    fn of(answer: Result<ExtendResponse, Error>) -> Self {
        match answer {
            Ok(answer) => match answer.state() {
                ReservationState::Held | ReservationState::Processing => {
                    Self::GoOn(answer.remaining.map(time::from_wire).unwrap_or_default())
                }
                // A state that this version of the client does not know is no reason to stop.
                ReservationState::Unspecified => {
                    Self::AskAgain(Error::incomplete("a state that is known here"))
                }
                ended => Self::Stop(Stopped::Ended(ended)),
            },
            Err(error) => match Stopped::by(&error) {
                Some(why) => Self::Stop(why),
                None => Self::AskAgain(error),
            },
        }
    }
}
