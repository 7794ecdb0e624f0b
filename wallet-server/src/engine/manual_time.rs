//! Manual time: a clock that an RPC moves forward, and everything that falls due on the way.

use std::time::Duration;

use wallet_core::Timestamp;

use crate::clock::Clock;
use crate::engine::Sweeper;
use crate::store::StoreError;

/// How far one call may move the clock: ten years and a little, so that what falls due on the way has a bound.
pub(crate) const LONGEST_STEP: Duration = Duration::from_secs(3_660 * 86_400);

/// The manual clock of a server that has one. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct ManualTime {
    clock: Clock,
    sweeper: Sweeper,
}

/// Where to move the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// So much forward.
    By(Duration),
    /// To this instant, if it is not past it already.
    To(Timestamp),
}

/// The clock does not move that far at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooFar;

impl ManualTime {
    pub(crate) const fn new(clock: Clock, sweeper: Sweeper) -> Self {
        Self { clock, sweeper }
    }

    /// Moves the clock, unless that is too far for one step. Says what it shows.
    pub(crate) fn advance(&self, step: Step) -> Result<Timestamp, TooFar> {
        let now = self.clock.now();
        let to = match step {
            Step::By(by) => now.plus(by),
            Step::To(instant) => instant,
        };
        if to > now.plus(LONGEST_STEP) {
            return Err(TooFar);
        }
        Ok(self.clock.move_to(to))
    }

    /// Has everything written that has fallen due.
    pub(crate) async fn catch_up(&self) -> Result<(), StoreError> {
        self.sweeper.sweep_all().await
    }
}
