//! The rows that a command refers to.

use crate::decide::refund_top_up::PurchaseName;
use crate::value::grant_key::GrantKey;
use crate::value::ids::{RequestId, ReservationId};
use crate::wallet::grant::ExternalRef;

/// What a command refers to, so that its rows can be loaded before it is decided.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadSet {
    /// A reservation.
    pub reservation: Option<ReservationId>,
    /// Whether the grants that the reservation took from are needed too.
    pub receipt: bool,
    /// Whether all that the subscription's present period gave is needed, and what came back of it.
    pub period: bool,
    /// All grants of one origin and id.
    pub grants: Option<GrantKey>,
    /// The grants bought by a payment.
    pub payment: Option<ExternalRef>,
    /// All grants of a purchase: its own, and grace credits that stem from them.
    pub purchase: Option<PurchaseName>,
    /// A request made before.
    pub request: Option<RequestId>,
}
