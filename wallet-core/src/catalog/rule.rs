//! Price rules: the operations that a rule is for, and their price.

use std::collections::BTreeSet;

use super::component::{Component, Factor};
use super::conditions::Conditions;
use super::policies::Policies;
use crate::value::amount::Amounts;
use crate::value::decimal::{Decimal, Rounding};
use crate::value::ids::UnitId;
use crate::value::operation::Operation;

/// A price rule. The first rule of the catalog that matches an operation prices it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The id, which every price pins.
    pub id: String,
    pub kind: String,
    /// The conditions on the operation's attributes.
    pub conditions: Conditions,
    /// The tiers of the plans that the rule is for; empty for all plans.
    pub tiers: BTreeSet<String>,
    pub components: Vec<Component>,
    /// The factors that multiply every component.
    pub factors: Vec<Factor>,
    /// The minimum price in the units named, in minor units.
    pub min: Amounts,
    /// The maximum price in the units named, in minor units.
    pub max: Amounts,
    /// The direction in which the sum is rounded to a multiple of the increment.
    pub rounding: Rounding,
    /// The most that Settle may charge.
    pub most: Most,
    /// The terms of a hold with this price.
    pub policies: Policies,
}

/// The most that Settle may charge. A maximum price of the rule bounds it further.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Most {
    /// In percent of the reserved amount, 100 for fixed prices; none for no bound.
    pub percent: Option<u16>,
    /// The least bound in the units named, in minor units.
    pub at_least: Amounts,
}

impl Most {
    /// Settle charges what was reserved.
    pub fn fixed() -> Self {
        Self { percent: Some(100), at_least: Amounts::none() }
    }
}

impl Rule {
    /// Returns whether the rule prices `operation` for a plan of `tier`.
    pub fn matches(&self, operation: &Operation, tier: Option<&str>) -> bool {
        self.kind == operation.kind && self.is_for(tier) && self.conditions.accept(&operation.attributes)
    }

    /// Returns whether the rule is for plans of `tier`.
    pub(super) fn is_for(&self, tier: Option<&str>) -> bool {
        self.tiers.is_empty() || tier.is_some_and(|tier| self.tiers.contains(tier))
    }

    /// Returns whether the rule matches everything that `later` matches, so that `later` is never reached.
    pub(super) fn shadows(&self, later: &Rule) -> bool {
        let tiers =
            self.tiers.is_empty() || (!later.tiers.is_empty() && self.tiers.is_superset(&later.tiers));
        self.kind == later.kind && tiers && self.conditions.include(&later.conditions)
    }

    /// Returns whether a component is charged in `unit`.
    pub(super) fn charges(&self, unit: &UnitId) -> bool {
        self.components.iter().any(|component| component.unit == *unit)
    }

    /// Returns the operation with the rule's default for each missing quantity. If the rule has several defaults
    /// for one quantity, the highest counts.
    pub(super) fn counted(&self, operation: &Operation) -> Operation {
        let left_out = |name: &str| !operation.quantities.contains_key(name);
        let mut counted = operation.clone();
        for (name, otherwise) in self.quantities().filter(|(name, _)| left_out(name)) {
            if let Some(otherwise) = otherwise {
                let highest = counted.quantities.entry(name.to_owned()).or_insert(otherwise);
                *highest = otherwise.max(*highest);
            }
        }
        counted
    }

    /// Returns the attributes that the rule uses.
    pub(super) fn attributes(&self) -> impl Iterator<Item = &str> {
        let conditions = self.conditions.iter().map(|(name, _)| name);
        conditions.chain(self.all_factors().filter_map(|factor| match factor {
            Factor::Attribute { attribute, .. } => Some(attribute.as_str()),
            Factor::Quantity { .. } | Factor::Constant(_) => None,
        }))
    }

    /// Returns the quantities that the rule prices, with their defaults.
    pub(super) fn quantities(&self) -> impl Iterator<Item = (&str, Option<Decimal>)> {
        let counted = self.components.iter().filter_map(|component| component.charge.measure());
        let counted = counted.map(|measure| (measure.quantity.as_str(), measure.otherwise));
        counted.chain(self.all_factors().filter_map(|factor| match factor {
            Factor::Quantity { quantity, otherwise } => Some((quantity.as_str(), *otherwise)),
            Factor::Attribute { .. } | Factor::Constant(_) => None,
        }))
    }

    /// Returns the factors of the rule and of all components.
    pub(super) fn all_factors(&self) -> impl Iterator<Item = &Factor> {
        self.factors.iter().chain(self.components.iter().flat_map(|component| &component.factors))
    }
}
