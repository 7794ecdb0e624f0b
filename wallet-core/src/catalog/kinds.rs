//! What a catalog says about each kind of operation: its rules in order, and every name it knows.
//!
//! Made once, so that pricing looks only at rules of the kind, and tells a misspelt name from an unused one.

use std::collections::{BTreeMap, BTreeSet};

use super::plan::Plan;
use super::rule::Rule;

/// What the catalog says about one kind.
#[derive(Debug, Clone, Default)]
pub(super) struct Kind {
    /// Positions of its rules in the document.
    pub(super) rules: Vec<usize>,
    /// Attributes that a rule, a dimension or an entitlement mentions.
    pub(super) attributes: BTreeSet<String>,
    /// Quantities that a rule or an entitlement mentions.
    pub(super) quantities: BTreeSet<String>,
}

/// Declared dimensions: kind, attribute, values.
pub(super) type Dimensions = BTreeMap<String, BTreeMap<String, Vec<String>>>;

/// The kinds that have rules.
pub(super) fn kinds(rules: &[Rule], plans: &[Plan], dimensions: &Dimensions) -> BTreeMap<String, Kind> {
    let mut kinds: BTreeMap<String, Kind> = BTreeMap::new();
    for (position, rule) in rules.iter().enumerate() {
        let kind = kinds.entry(rule.kind.clone()).or_default();
        kind.rules.push(position);
        kind.learn_rule(rule);
    }
    for (name, kind) in &mut kinds {
        kind.attributes.extend(dimensions.get(name).into_iter().flat_map(|of| of.keys().cloned()));
        for entitlement in plans.iter().flat_map(|plan| plan.entitlements.iter().flatten()) {
            if entitlement.kind.accepts(name) {
                kind.attributes.extend(entitlement.conditions.iter().map(|(name, _)| name.to_owned()));
                kind.quantities.extend(entitlement.max.keys().cloned());
            }
        }
    }
    kinds
}

impl Kind {
    fn learn_rule(&mut self, rule: &Rule) {
        self.attributes.extend(rule.attributes().map(str::to_owned));
        self.quantities.extend(rule.quantities().map(|(name, _)| name.to_owned()));
    }
}
