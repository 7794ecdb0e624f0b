//! A price rule: which operations it is for, and what they cost.

use std::collections::BTreeSet;

use super::component::{Component, Factor};
use super::conditions::Conditions;
use super::policies::Policies;
use crate::value::amount::Amounts;
use crate::value::decimal::{Decimal, Rounding};
use crate::value::ids::UnitId;
use crate::value::operation::Operation;

/// A price rule. The first rule of the catalog that matches an operation gives its price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its id, pinned with every price.
    pub id: String,
    /// The kind of operation it prices.
    pub kind: String,
    /// What the operation's attributes must be.
    pub conditions: Conditions,
    /// The tiers of plans it is for; empty for everybody.
    pub tiers: BTreeSet<String>,
    /// What the price is made of.
    pub components: Vec<Component>,
    /// What multiplies the sum.
    pub factors: Vec<Factor>,
    /// The least it costs, in the units named.
    pub min: Amounts,
    /// The most it costs, in the units named.
    pub max: Amounts,
    /// How the sum becomes a multiple of the increment.
    pub rounding: Rounding,
    /// The most that can be charged, in percent of what is reserved: 100 for fixed prices.
    pub max_percent: u16,
    /// What is agreed about a hold.
    pub policies: Policies,
}

impl Rule {
    /// Whether it prices `operation` for a plan of `tier`.
    pub fn matches(&self, operation: &Operation, tier: Option<&str>) -> bool {
        self.kind == operation.kind && self.is_for(tier) && self.conditions.accept(&operation.attributes)
    }

    /// Whether it is for plans of `tier`.
    pub(super) fn is_for(&self, tier: Option<&str>) -> bool {
        self.tiers.is_empty() || tier.is_some_and(|tier| self.tiers.contains(tier))
    }

    /// Whether it matches everything that `later` matches, so that `later` would never be reached.
    pub(super) fn shadows(&self, later: &Rule) -> bool {
        let tiers =
            self.tiers.is_empty() || (!later.tiers.is_empty() && self.tiers.is_superset(&later.tiers));
        self.kind == later.kind && tiers && self.conditions.include(&later.conditions)
    }

    /// Whether a component is charged in `unit`.
    pub(super) fn charges(&self, unit: &UnitId) -> bool {
        self.components.iter().any(|component| component.unit == *unit)
    }

    /// The operation with the quantities that it leaves out as the rule prices them; the highest value if the rule has
    /// several.
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

    /// The attributes that it looks at.
    pub(super) fn attributes(&self) -> impl Iterator<Item = &str> {
        let conditions = self.conditions.iter().map(|(name, _)| name);
        conditions.chain(self.all_factors().filter_map(|factor| match factor {
            Factor::Attribute { attribute, .. } => Some(attribute.as_str()),
            Factor::Quantity { .. } | Factor::Constant(_) => None,
        }))
    }

    /// The quantities that it prices, with what they are when the operation does not say.
    pub(super) fn quantities(&self) -> impl Iterator<Item = (&str, Option<Decimal>)> {
        let counted = self.components.iter().filter_map(|component| component.charge.measure());
        let counted = counted.map(|measure| (measure.quantity.as_str(), measure.otherwise));
        counted.chain(self.all_factors().filter_map(|factor| match factor {
            Factor::Quantity { quantity, otherwise } => Some((quantity.as_str(), *otherwise)),
            Factor::Attribute { .. } | Factor::Constant(_) => None,
        }))
    }

    /// The factors of the sum and of every component.
    pub(super) fn all_factors(&self) -> impl Iterator<Item = &Factor> {
        self.factors.iter().chain(self.components.iter().flat_map(|component| &component.factors))
    }
}
