//! Operations, how their price came about, and what cancelling them costs.

use wallet_core::catalog::{Phase, Policies, PriceLine};
use wallet_core::{Operation, UnitId};
use wallet_proto::v1;

/// What is generated, in its normal form.
pub(super) fn operation(operation: &Operation) -> v1::Operation {
    let Operation { kind, attributes, quantities } = operation.clone();
    v1::Operation {
        kind,
        attributes: attributes.into_iter().collect(),
        quantities: quantities.into_iter().map(|(name, number)| (name, number.to_string())).collect(),
    }
}

/// The lines of a price.
pub(crate) fn price_lines(lines: &[PriceLine]) -> Vec<v1::PriceLine> {
    let line = |line: &PriceLine| v1::PriceLine {
        label: line.label.clone(),
        quantity: line.quantity.to_string(),
        unit: line.unit.to_string(),
        exact_amount: line.amount.to_string(),
    };
    lines.iter().map(line).collect()
}

/// What cancelling costs in each phase, for the units of a price.
pub(crate) fn cancel_fees<'a>(
    policies: &Policies,
    units: impl IntoIterator<Item = &'a UnitId>,
) -> Vec<v1::CancelFee> {
    let percent = |phase, unit: &str| policies.cancel_fee_percent(phase, unit).into();
    units
        .into_iter()
        .map(|unit| v1::CancelFee {
            unit: unit.to_string(),
            held_percent: percent(Phase::Held, unit.as_str()),
            processing_percent: percent(Phase::Processing, unit.as_str()),
        })
        .collect()
}
