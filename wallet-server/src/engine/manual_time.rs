//! Manual time: a clock that an RPC moves forward, and the processing of everything that falls due on the way.

use std::time::Duration;

use wallet_core::Timestamp;

use crate::clock::Clock;
use crate::engine::Sweeper;
use crate::store::StoreError;

/// The longest step of one call: 3,660 days, a little more than ten years. It bounds what falls due in one call.
pub(crate) const LONGEST_STEP: Duration = Duration::from_secs(3_660 * 86_400);

/// The manual clock of a server that has one. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct ManualTime {
    clock: Clock,
    sweeper: Sweeper,
}

/// The target of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Forward by this duration.
    By(Duration),
    /// To this time, unless the clock has passed it already.
    To(Timestamp),
}

/// The step is longer than [`LONGEST_STEP`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooFar;

impl ManualTime {
    pub(crate) const fn new(clock: Clock, sweeper: Sweeper) -> Self {
        Self { clock, sweeper }
    }

    /// Moves the clock and returns the time that it shows. Fails if the step is too long.
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

    /// Processes everything that has fallen due.
    pub(crate) async fn catch_up(&self) -> Result<(), StoreError> {
        self.sweeper.sweep_all().await
    }
}
