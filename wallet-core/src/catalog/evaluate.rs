//! Evaluation of one rule for one operation: components, factors, bounds, one rounding. Exact until the rounding.

use std::collections::BTreeMap;

use super::component::{Band, Charge, Component, Factor, Measure};
use super::price::{Price, PriceLine};
use super::pricing_error::{NoRuleCause, PricingError};
use super::rule::Rule;
use super::unit::Unit;
use crate::value::amount::{Amounts, MAX_AMOUNT};
use crate::value::decimal::Decimal;
use crate::value::ids::UnitId;
use crate::value::operation::Operation;

/// Prices `operation` by `rule`, even if the rule does not match it.
pub(super) fn evaluate(
    rule: &Rule,
    units: &BTreeMap<UnitId, Unit>,
    operation: &Operation,
) -> Result<Price, PricingError> {
    let job = Job { rule, operation };
    let lines = rule.components.iter().map(|component| job.line(component)).collect::<Result<_, _>>()?;
    let mut price = Price {
        rule_id: rule.id.clone(),
        amounts: Amounts::none(),
        max_amounts: Amounts::none(),
        max_unbounded: false,
        lines,
        policies: rule.policies.clone(),
    };
    for unit in units.values().filter(|unit| rule.charges(&unit.id)) {
        job.or_too_large(total(rule, unit, &mut price))?;
    }
    Ok(price)
}

/// Bounds and rounds the sum of a unit's lines, and adds a line for every step that changes it. Returns `None` if
/// the result is too large.
fn total(rule: &Rule, unit: &Unit, price: &mut Price) -> Option<()> {
    let of_unit = price.lines.iter().filter(|line| line.unit == unit.id);
    let sum = of_unit.map(|line| line.amount).try_fold(Decimal::ZERO, Decimal::checked_add)?;
    let bound =
        |bounds: &Amounts| bounds.names(unit.id.as_str()).then(|| unit.whole(bounds.get(unit.id.as_str())));
    let raised = bound(&rule.min).map_or(sum, |min| sum.max(min));
    let capped = bound(&rule.max).map_or(raised, |max| raised.min(max));
    let amount = capped.round_to_minor(unit.scale, unit.increment, rule.rounding)?;
    let most = match rule.most.percent {
        Some(percent) => {
            Some(unit.ceil_percent(amount, percent)?.max(rule.most.at_least.get(unit.id.as_str())))
        }
        None => None,
    };
    let highest = rule.max.names(unit.id.as_str()).then(|| rule.max.get(unit.id.as_str()));
    let most = most.into_iter().chain(highest).min();

    let rounded = unit.whole(amount);
    for (label, before, after) in
        [("minimum", sum, raised), ("maximum", raised, capped), ("rounding", capped, rounded)]
    {
        if before != after {
            price.lines.push(PriceLine {
                label: label.to_owned(),
                quantity: Decimal::ONE,
                unit: unit.id.clone(),
                amount: after.checked_sub(before)?,
            });
        }
    }
    price.amounts.set(&unit.id, amount);
    match most {
        Some(most) => _ = price.max_amounts.set(&unit.id, most),
        None => price.max_unbounded = true,
    }
    (amount <= MAX_AMOUNT).then_some(())
}

/// One rule applied to one operation.
struct Job<'a> {
    rule: &'a Rule,
    operation: &'a Operation,
}

impl Job<'_> {
    fn line(&self, component: &Component) -> Result<PriceLine, PricingError> {
        let (quantity, mut amount) = self.charge(&component.charge)?;
        for factor in component.factors.iter().chain(&self.rule.factors) {
            amount = self.or_too_large(amount.checked_mul(self.factor(factor)?))?;
        }
        Ok(PriceLine { label: component.label.clone(), quantity, unit: component.unit.clone(), amount })
    }

    /// Returns the charged number of blocks and the charge.
    fn charge(&self, charge: &Charge) -> Result<(Decimal, Decimal), PricingError> {
        let (count, amount) = match charge {
            Charge::Flat(amount) => (Decimal::ONE, Some(*amount)),
            Charge::PerUnit { measure, rate } => {
                let count = self.count(measure)?;
                (count, count.checked_mul(*rate))
            }
            Charge::Graduated { measure, bands } => {
                let count = self.count(measure)?;
                (count, graduated(bands, count))
            }
            Charge::Volume { measure, bands } => {
                let count = self.count(measure)?;
                (count, volume(bands, count))
            }
        };
        Ok((count, self.or_too_large(amount)?))
    }

    /// Returns the quantity in blocks.
    fn count(&self, measure: &Measure) -> Result<Decimal, PricingError> {
        let quantity = self.quantity(&measure.quantity, measure.otherwise)?;
        match &measure.block {
            Some(block) => self.or_too_large(quantity.in_blocks(block.size, block.rounding)),
            None => Ok(quantity),
        }
    }

    fn factor(&self, factor: &Factor) -> Result<Decimal, PricingError> {
        match factor {
            Factor::Constant(factor) => Ok(*factor),
            Factor::Quantity { quantity, otherwise } => self.quantity(quantity, *otherwise),
            Factor::Attribute { attribute, values, otherwise } => {
                let value = self.operation.attributes.get(attribute);
                let factor = value.and_then(|value| values.get(value)).copied().or(*otherwise);
                factor.ok_or_else(|| self.no_factor(attribute, value))
            }
        }
    }

    fn quantity(&self, name: &str, otherwise: Option<Decimal>) -> Result<Decimal, PricingError> {
        let quantity = self.operation.quantities.get(name).copied().or(otherwise);
        quantity.ok_or_else(|| PricingError::MissingQuantity {
            kind: self.operation.kind.clone(),
            quantity: name.to_owned(),
        })
    }

    fn no_factor(&self, attribute: &str, value: Option<&String>) -> PricingError {
        let cause = match value {
            Some(value) => NoRuleCause {
                attributes: vec![(attribute.to_owned(), value.clone())],
                ..NoRuleCause::default()
            },
            None => NoRuleCause { missing_attributes: vec![attribute.to_owned()], ..NoRuleCause::default() },
        };
        PricingError::no_rule(&self.operation.kind, cause)
    }

    fn or_too_large<T>(&self, value: Option<T>) -> Result<T, PricingError> {
        value.ok_or_else(|| PricingError::TooLarge { rule_id: self.rule.id.clone() })
    }
}

/// Charges each part of `count` at the rate of its band. The first band is always reached, the others only if a
/// part of `count` lies in them.
fn graduated(bands: &[Band], count: Decimal) -> Option<Decimal> {
    let mut sum = Decimal::ZERO;
    let mut from = Decimal::ZERO;
    for (n, band) in bands.iter().enumerate() {
        if n > 0 && count <= from {
            break;
        }
        let to = band.up_to.map_or(count, |end| end.min(count));
        let part = to.checked_sub(from)?.checked_mul(band.rate)?;
        sum = sum.checked_add(band.flat)?.checked_add(part)?;
        from = to;
    }
    Some(sum)
}

/// Charges all of `count` at the rate of the band that it lies in.
fn volume(bands: &[Band], count: Decimal) -> Option<Decimal> {
    let band = bands.iter().find(|band| band.up_to.is_none_or(|end| count <= end))?;
    count.checked_mul(band.rate)?.checked_add(band.flat)
}
