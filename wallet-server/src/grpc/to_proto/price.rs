//! Renders price rules.

use std::collections::BTreeSet;

use wallet_core::catalog::{Band, Catalog, Charge, Component, Factor, Measure, Policies, Rule};
use wallet_core::decimal::Rounding;
use wallet_core::{Decimal, UnitId};
use wallet_proto::v1::{self, price_component, price_factor};

use super::amount::amounts;
use super::entitlement::conditions;
use super::operation::cancel_fees;
use super::reservation::overage;
use super::time::duration;

pub(crate) fn price_rule(catalog: &Catalog, rule: &Rule) -> v1::PriceRule {
    v1::PriceRule {
        rule_id: rule.id.clone(),
        kind: rule.kind.clone(),
        attributes: conditions(&rule.conditions),
        tiers: rule.tiers.iter().cloned().collect(),
        components: rule.components.iter().map(component).collect(),
        factors: rule.factors.iter().map(factor).collect(),
        min_amounts: amounts(catalog, &rule.min),
        max_amounts: amounts(catalog, &rule.max),
        rounding: rounding(rule.rounding).into(),
        max_percent: rule.most.percent.map_or(0, i32::from),
        at_least_amounts: amounts(catalog, &rule.most.at_least),
        policies: Some(policies(&rule.policies, rule.components.iter().map(|part| &part.unit).collect())),
    }
}

fn component(component: &Component) -> v1::PriceComponent {
    use price_component::Charge as Told;
    let tiered = |of: &Measure, bands: &[Band]| v1::TieredCharge {
        measure: Some(measure(of)),
        bands: bands.iter().map(band).collect(),
    };
    let charge = match &component.charge {
        Charge::Flat(amount) => Told::Flat(amount.to_string()),
        Charge::PerUnit { measure: of, rate } => {
            Told::PerUnit(v1::PerUnitCharge { measure: Some(measure(of)), rate: rate.to_string() })
        }
        Charge::Graduated { measure, bands } => Told::Graduated(tiered(measure, bands)),
        Charge::Volume { measure, bands } => Told::Volume(tiered(measure, bands)),
    };
    v1::PriceComponent {
        label: component.label.clone(),
        unit: component.unit.to_string(),
        charge: Some(charge),
        factors: component.factors.iter().map(factor).collect(),
    }
}

fn measure(measure: &Measure) -> v1::Measure {
    let (size, part) = match &measure.block {
        Some(block) => (block.size.to_string(), rounding(block.rounding)),
        None => (String::new(), v1::RoundingMode::Unspecified),
    };
    v1::Measure {
        quantity: measure.quantity.clone(),
        otherwise: optional(measure.otherwise),
        block_size: size,
        block_rounding: part.into(),
    }
}

fn band(band: &Band) -> v1::PriceBand {
    v1::PriceBand { up_to: optional(band.up_to), flat: band.flat.to_string(), rate: band.rate.to_string() }
}

fn factor(factor: &Factor) -> v1::PriceFactor {
    use price_factor::Factor as Told;
    let shown = match factor {
        Factor::Attribute { attribute, values, otherwise } => Told::Attribute(v1::AttributeFactor {
            attribute: attribute.clone(),
            values: values.iter().map(|(value, by)| (value.clone(), by.to_string())).collect(),
            otherwise: optional(*otherwise),
        }),
        Factor::Quantity { quantity, otherwise } => {
            Told::Quantity(v1::QuantityFactor { quantity: quantity.clone(), otherwise: optional(*otherwise) })
        }
        Factor::Constant(by) => Told::Constant(by.to_string()),
    };
    v1::PriceFactor { factor: Some(shown) }
}

fn policies(policies: &Policies, units: BTreeSet<&UnitId>) -> v1::HoldPolicies {
    let fees = policies.failure_fees.iter().flat_map(|(code, fees)| fees.iter().map(move |fee| (code, fee)));
    let failure_fees = fees.map(|(code, (unit, percent))| v1::FailureFee {
        code: code.clone(),
        unit: unit.to_string(),
        percent: (*percent).into(),
    });
    v1::HoldPolicies {
        ttl: Some(duration(policies.ttl)),
        lease: policies.lease.map(duration),
        max_hold: Some(duration(policies.max_hold)),
        overage: overage(policies.overage).into(),
        cancel_fees: cancel_fees(policies, units),
        failure_fees: failure_fees.collect(),
        grace_period: Some(duration(policies.grace_period)),
        goodwill_period: Some(duration(policies.goodwill_period)),
    }
}

fn rounding(rounding: Rounding) -> v1::RoundingMode {
    match rounding {
        Rounding::Up => v1::RoundingMode::Up,
        Rounding::Down => v1::RoundingMode::Down,
        Rounding::Nearest => v1::RoundingMode::Nearest,
    }
}

/// Renders a number. `None` becomes the empty string.
fn optional(number: Option<Decimal>) -> String {
    number.map(|number| number.to_string()).unwrap_or_default()
}
