//! Kinds of operations: the rules of each in order, and every name that the catalog mentions for it.
//!
//! The index is built once, so that pricing looks only at rules of the kind and can distinguish a misspelt name
//! from an unused one.

use std::collections::{BTreeMap, BTreeSet};

use super::plan::Plan;
use super::rule::Rule;

#[derive(Debug, Clone, Default)]
pub(super) struct Kind {
    /// The positions of the kind's rules in the document.
    pub(super) rules: Vec<usize>,
    /// The attributes that a rule, a dimension or an entitlement mentions.
    pub(super) attributes: BTreeSet<String>,
    /// The quantities that a rule or an entitlement mentions.
    pub(super) quantities: BTreeSet<String>,
}

/// The declared dimensions: kind, attribute, values.
pub(super) type Dimensions = BTreeMap<String, BTreeMap<String, Vec<String>>>;

/// Returns the kinds that have rules.
pub(super) fn kinds(rules: &[Rule], plans: &[Plan], dimensions: &Dimensions) -> BTreeMap<String, Kind> {
    let mut kinds: BTreeMap<String, Kind> = BTreeMap::new();
    for (position, rule) in rules.iter().enumerate() {
        let kind = kinds.entry(rule.kind.clone()).or_default();
        kind.rules.push(position);
        kind.add_names_of(rule);
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
    fn add_names_of(&mut self, rule: &Rule) {
        self.attributes.extend(rule.attributes().map(str::to_owned));
        self.quantities.extend(rule.quantities().map(|(name, _)| name.to_owned()));
    }
}
