//! Renders operations, price lines and cancel fees.

use std::collections::{BTreeMap, HashMap};

use wallet_core::catalog::{Phase, Policies, PriceLine};
use wallet_core::{Decimal, Operation, UnitId};
use wallet_proto::v1;

pub(super) fn operation(operation: &Operation) -> v1::Operation {
    let Operation { kind, attributes, quantities } = operation.clone();
    v1::Operation {
        kind,
        attributes: attributes.into_iter().collect(),
        quantities: self::quantities(&quantities),
    }
}

pub(super) fn quantities(quantities: &BTreeMap<String, Decimal>) -> HashMap<String, String> {
    quantities.iter().map(|(name, number)| (name.clone(), number.to_string())).collect()
}

pub(crate) fn price_lines(lines: &[PriceLine]) -> Vec<v1::PriceLine> {
    let line = |line: &PriceLine| v1::PriceLine {
        label: line.label.clone(),
        quantity: line.quantity.to_string(),
        unit: line.unit.to_string(),
        exact_amount: line.amount.to_string(),
    };
    lines.iter().map(line).collect()
}

/// Renders the cancel fees in the units of a price.
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
