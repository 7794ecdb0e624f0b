//! The rows that a command refers to.

use crate::decide::purchase::PurchaseName;
use crate::value::grant_key::GrantKey;
use crate::value::ids::{OriginId, RequestId, ReservationId};
use crate::value::time::Timestamp;
use crate::wallet::grant::ExternalRef;

/// The rows to load before a command is decided.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadSet {
    pub reservation: Option<ReservationId>,
    /// True if the grants in the receipt of the reservation are needed too.
    pub receipt: bool,
    /// True if all grants of the subscription's present period are needed, and the grace credits that stem from them.
    pub period: bool,
    /// All grants of one origin and id.
    pub grants: Option<GrantKey>,
    /// The grants bought by a payment.
    pub payment: Option<ExternalRef>,
    /// All grants of a purchase: its own, and grace credits that stem from them.
    pub purchase: Option<PurchaseName>,
    /// All grants of the period that starts at this instant, and grace credits that stem from them.
    pub paid_period: Option<Timestamp>,
    /// The reference of a payment. The grants of all periods that it may name are read like those of `paid_period`.
    pub period_payment: Option<OriginId>,
    /// An earlier request.
    pub request: Option<RequestId>,
}

impl ReadSet {
    /// Returns the rows of a command about one reservation.
    pub(crate) fn of_reservation(id: &ReservationId) -> Self {
        Self { reservation: Some(id.clone()), ..Self::default() }
    }
}
