//! Selection of the rule that prices an operation, and the error if no rule does.

use std::collections::BTreeSet;

use super::conditions::Matcher;
use super::document::Catalog;
use super::entitlement::Entitlement;
use super::evaluate::evaluate;
use super::kinds::Kind;
use super::price::Price;
use super::pricing_error::{NoRuleCause, PricingError};
use super::rule::Rule;
use crate::value::operation::Operation;

/// Prices an operation by the first rule that matches.
pub(super) fn price(
    catalog: &Catalog,
    operation: &Operation,
    tier: Option<&str>,
) -> Result<Price, PricingError> {
    let Some(kind) = catalog.kinds.get(&operation.kind) else {
        return Err(PricingError::no_rule(&operation.kind, NoRuleCause::default()));
    };
    refuse_unknown_attributes(catalog, kind, operation)?;
    refuse_unknown_quantities(catalog, kind, operation)?;
    let mut rules = rules_of(catalog, kind);
    match rules.find(|rule| rule.matches(operation, tier)) {
        Some(rule) => evaluate(rule, &catalog.units, operation),
        None => Err(no_match(catalog, kind, operation, tier)),
    }
}

/// Prices an operation by the rule with this id, even if the rule does not match the operation.
pub(super) fn price_with_rule(
    catalog: &Catalog,
    rule_id: &str,
    operation: &Operation,
) -> Result<Price, PricingError> {
    let rule = catalog.rules.iter().find(|rule| rule.id == rule_id);
    let rule = rule.ok_or_else(|| PricingError::UnknownRule { rule_id: rule_id.to_owned() })?;
    if let Some(kind) = catalog.kinds.get(&rule.kind) {
        refuse_unknown_quantities(catalog, kind, operation)?;
    }
    evaluate(rule, &catalog.units, operation)
}

fn rules_of<'a>(catalog: &'a Catalog, kind: &'a Kind) -> impl Iterator<Item = &'a Rule> {
    kind.rules.iter().filter_map(|position| catalog.rules.get(*position))
}

/// Refuses attributes that the catalog does not mention for the kind. A misspelt attribute must not fall through to
/// a rule that does not look at it.
fn refuse_unknown_attributes(
    catalog: &Catalog,
    kind: &Kind,
    operation: &Operation,
) -> Result<(), PricingError> {
    let known =
        |name: &&String| kind.attributes.contains(*name) || catalog.ignored_attributes.contains(*name);
    let unknown: Vec<_> = operation.attributes.keys().filter(|name| !known(name)).cloned().collect();
    if unknown.is_empty() {
        return Ok(());
    }
    Err(PricingError::no_rule(
        &operation.kind,
        NoRuleCause { unknown_attributes: unknown, ..NoRuleCause::default() },
    ))
}

/// Refuses quantities that the catalog does not mention for the kind. A misspelt quantity must not count as a
/// missing one.
fn refuse_unknown_quantities(
    catalog: &Catalog,
    kind: &Kind,
    operation: &Operation,
) -> Result<(), PricingError> {
    let known =
        |name: &&String| kind.quantities.contains(*name) || catalog.ignored_quantities.contains(*name);
    let unknown: Vec<_> = operation.quantities.keys().filter(|name| !known(name)).cloned().collect();
    if unknown.is_empty() {
        return Ok(());
    }
    Err(PricingError::UnknownQuantities { kind: operation.kind.clone(), quantities: unknown })
}

/// Returns the capped quantities that an operation does not have. A cap does not count if the kind has rules and
/// none of them prices the quantity, because the operation cannot have it. A quantity that is only listed as
/// ignored counts if the entitlement names the kind.
pub(super) fn uncounted(
    catalog: &Catalog,
    entitlements: &[Entitlement],
    operation: &Operation,
) -> Vec<String> {
    let kind = catalog.kinds.get(&operation.kind);
    let priced = |name: &str| {
        kind.is_none_or(|kind| {
            rules_of(catalog, kind).any(|rule| rule.quantities().any(|(of_rule, _)| of_rule == name))
        })
    };
    let missing_quantities = |entitlement: &Entitlement| -> Vec<String> {
        let names_kind = matches!(entitlement.kind, Matcher::AnyOf(_));
        let counts = |name: &str| priced(name) || (names_kind && catalog.ignored_quantities.contains(name));
        let missing = |name: &&String| !operation.quantities.contains_key(*name) && counts(name);
        entitlement.max.keys().filter(missing).cloned().collect()
    };
    let covering = entitlements.iter().filter(|entitlement| entitlement.covers(operation));
    let fitting: Vec<Vec<String>> = covering
        .filter(|entitlement| entitlement.excess(operation).is_none())
        .map(missing_quantities)
        .collect();
    if fitting.iter().any(Vec::is_empty) {
        return Vec::new();
    }
    fitting.into_iter().flatten().collect::<BTreeSet<_>>().into_iter().collect()
}

/// Sets each missing quantity to the highest default that a rule of the kind has for it.
pub(super) fn counted_unpriced(catalog: &Catalog, operation: &Operation) -> Result<Operation, PricingError> {
    let Some(kind) = catalog.kinds.get(&operation.kind) else { return Ok(operation.clone()) };
    refuse_unknown_quantities(catalog, kind, operation)?;
    let mut counted = operation.clone();
    for rule in rules_of(catalog, kind) {
        let of_rule = rule.counted(operation).quantities.into_iter();
        for (name, value) in of_rule.filter(|(name, _)| !operation.quantities.contains_key(name)) {
            let highest = counted.quantities.entry(name).or_insert(value);
            *highest = value.max(*highest);
        }
    }
    Ok(counted)
}

/// Returns the error with the attributes that no rule for the tier accepts. If some rule accepts each of them, the
/// error has the combination of all.
fn no_match(catalog: &Catalog, kind: &Kind, operation: &Operation, tier: Option<&str>) -> PricingError {
    let rules: Vec<_> = rules_of(catalog, kind).filter(|rule| rule.is_for(tier)).collect();
    let mut names: Vec<_> =
        rules.iter().flat_map(|rule| rule.conditions.iter().map(|(name, _)| name)).collect();
    names.sort_unstable();
    names.dedup();

    let value = |name: &str| operation.attributes.get(name);
    let refused = |name: &&str| !rules.iter().any(|rule| rule.conditions.accepts(name, value(name)));
    let culprits: Vec<_> = names.iter().copied().filter(refused).collect();
    let suspects = if culprits.is_empty() { names } else { culprits.clone() };

    let by_tier = rules_of(catalog, kind).any(|rule| !rule.tiers.is_empty());
    let pair = |name: &str| Some((name.to_owned(), value(name)?.clone()));
    let missing = culprits.into_iter().filter(|name| value(name).is_none());
    let cause = NoRuleCause {
        tier: tier.filter(|_| by_tier).map(str::to_owned),
        attributes: suspects.into_iter().filter_map(pair).collect(),
        missing_attributes: missing.map(str::to_owned).collect(),
        unknown_attributes: Vec::new(),
    };
    PricingError::no_rule(&operation.kind, cause)
}
