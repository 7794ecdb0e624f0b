//! Short ways to say the common requests. They fill in the generated messages and check nothing: the server does.

use crate::v1::{self, reserve_request::Price, succeeded::Cost, top_up_request::What};

/// So many minor units of a unit: `amount("credits", 1000)`.
pub fn amount(unit: impl Into<String>, amount: i64) -> v1::Amount {
    v1::Amount { unit: unit.into(), amount, display: String::new() }
}

/// An operation, to be described further with [`OperationExt`].
pub fn operation(kind: impl Into<String>) -> v1::Operation {
    v1::Operation { kind: kind.into(), ..Default::default() }
}

/// Describes an operation in one expression.
pub trait OperationExt {
    /// Adds what the price depends on: `("model", "standard")`.
    #[must_use]
    fn attribute(self, name: impl Into<String>, value: impl Into<String>) -> Self;
    /// Adds how much of it, an exact decimal: `("duration_s", "7.5")`.
    #[must_use]
    fn quantity(self, name: impl Into<String>, value: impl Into<String>) -> Self;
}

impl OperationExt for v1::Operation {
    fn attribute(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.attributes.insert(name.into(), value.into());
        self
    }

    fn quantity(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.quantities.insert(name.into(), value.into());
        self
    }
}

/// A reservation for one job, priced by the current catalog. The job's id makes the request safe to repeat.
pub fn job(
    wallet_id: impl Into<String>,
    job_id: impl Into<String>,
    operation: v1::Operation,
) -> v1::ReserveRequest {
    v1::ReserveRequest {
        wallet_id: wallet_id.into(),
        reservation_id: job_id.into(),
        price: Some(Price::Operation(operation)),
        ..Default::default()
    }
}

/// A top-up of a plain amount. The purchase's id makes the request safe to repeat.
pub fn purchase(
    wallet_id: impl Into<String>,
    top_up_id: impl Into<String>,
    amount: v1::Amount,
) -> v1::TopUpRequest {
    v1::TopUpRequest {
        wallet_id: wallet_id.into(),
        top_up_id: top_up_id.into(),
        what: Some(What::Amount(amount)),
        ..Default::default()
    }
}

/// A job that delivered, with the quantities as they turned out; those not named stay as reserved.
/// 3 of 4 images: `usage([("count", "3")])`.
pub fn usage<N: Into<String>, V: Into<String>>(
    quantities: impl IntoIterator<Item = (N, V)>,
) -> v1::Succeeded {
    let quantities = quantities.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
    v1::Succeeded { cost: Some(Cost::Usage(v1::Usage { quantities })) }
}
