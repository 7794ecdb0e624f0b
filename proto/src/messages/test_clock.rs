//! The request of `TestClockService`.

use std::time::Duration;

use prost_types::Timestamp;

use super::wire_duration;
use crate::v1::AdvanceClockRequest;
use crate::v1::advance_clock_request::Step;

impl AdvanceClockRequest {
    /// Moves the clock by a duration, at most 3,660 days. Sent twice it moves twice as far: to repeat a call after an
    /// error, use [`AdvanceClockRequest::to`].
    pub fn by(duration: Duration) -> Self {
        Self { step: Some(Step::By(wire_duration(duration))) }
    }

    /// Moves the clock to an instant. A clock that is past it stays where it is.
    pub fn to(time: impl Into<Timestamp>) -> Self {
        Self { step: Some(Step::ToTime(time.into())) }
    }
}
