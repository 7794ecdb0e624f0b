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
    /// Beats at `first` and then on, until the job is to be stopped. `lapses` is when the lease surely has run out.
    pub(super) async fn beat(self, first: Instant, mut lapses: Instant) {
        let mut next = first;
        let why = loop {
            sleep_until(next.min(lapses)).await;
            let Ok(answer) = timeout_at(lapses, self.client.extend(self.request.clone())).await else {
                break Stopped::Lapsed;
            };
            match Verdict::of(answer) {
                Verdict::GoOn(left) => {
                    lapses = Instant::now() + left;
                    next = Instant::now() + self.lease / 3;
                }
                Verdict::AskAgain(error) => {
                    warn!(reservation_id = self.request.reservation_id, %error, "heartbeat failed");
                    next = Instant::now() + self.lease / 12;
                }
                Verdict::Stop(why) => break why,
            }
        };
        debug!(reservation_id = self.request.reservation_id, ?why, "job is to be stopped");
        self.signal.fire(why);
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
                ended => Self::Stop(Stopped::Ended(ended)),
            },
            Err(error) => match Stopped::by(&error) {
                Some(why) => Self::Stop(why),
                None => Self::AskAgain(error),
            },
        }
    }
}
