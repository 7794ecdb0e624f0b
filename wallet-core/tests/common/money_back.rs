//! Words for money that goes back to where it came from.

use wallet_core::decide::{RecordChargeback, RefundTopUp};
use wallet_core::{Command, RequestId, Timestamp};

use super::facts::{Fact, refused, saying};
use super::steps::{Step, origin};

fn request(id: &str) -> RequestId {
    RequestId::parse(id).unwrap()
}

/// A purchase goes back for the money.
pub(crate) fn refund(id: &str, top_up: &str) -> Step {
    let (request, top_up) = (request(id), origin(top_up));
    let reason = "asked to".to_owned();
    Step::Command(Command::RefundTopUp(RefundTopUp { request, top_up, requested_time: None, reason }))
}

/// The bank takes the payment of a purchase back.
pub(crate) fn charge_back(id: &str, top_up: &str) -> Step {
    let (request, top_up, reason) = (request(id), origin(top_up), "dispute".to_owned());
    Step::Command(Command::RecordChargeback(RecordChargeback { request, top_up, reason }))
}

impl Step {
    /// The customer asked for it at this instant.
    pub(crate) fn asked_at(mut self, at: Timestamp) -> Self {
        match &mut self {
            Step::Command(Command::RefundTopUp(refund)) => refund.requested_time = Some(at),
            other => panic!("not a refund: {other:?}"),
        }
        self
    }
}

/// There is no money back, for this cause.
pub(crate) fn not_refundable(cause: &str) -> [Fact; 2] {
    [refused("NOT_REFUNDABLE"), saying("cause", cause)]
}
