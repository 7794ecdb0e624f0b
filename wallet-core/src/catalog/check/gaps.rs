//! Gaps: combinations of declared dimensions that no rule prices.

use std::collections::BTreeMap;

use crate::catalog::document::Catalog;
use crate::catalog::problems::Report;
use crate::catalog::rule::Rule;
use crate::value::operation::Operation;

/// The maximum number of combinations of one kind, multiplied by the number of tiers with different prices.
const MAX_CASES: usize = 4096;
/// The maximum number of gaps of one kind that are reported one by one.
const MAX_REPORTED: usize = 10;

pub(super) fn check(catalog: &Catalog, report: &mut Report) {
    for (kind, dimensions) in &catalog.dimensions {
        let path = format!("dimensions.{kind:?}");
        let rules: Vec<_> = catalog.rules.iter().filter(|rule| rule.kind == *kind).collect();
        let tiers = tiers(catalog, &rules);
        let sizes = dimensions.values().map(Vec::len);
        let combinations = sizes.fold(1, usize::saturating_mul);
        let cases = combinations.saturating_mul(tiers.len());
        if combinations == 0 {
            report.add(path, "has a dimension without values");
        } else if cases > MAX_CASES {
            report
                .add(path, format!("makes {cases} combinations with tiers, at most {MAX_CASES} are allowed"));
        } else {
            let operations = (0..combinations).map(|n| combination(kind, dimensions, n));
            let cases =
                operations.flat_map(|operation| tiers.iter().map(move |tier| (operation.clone(), *tier)));
            let gaps: Vec<_> =
                cases.filter(|(operation, tier)| !is_priced(&rules, operation, *tier)).collect();
            report_gaps(&path, &gaps, report);
        }
    }
}

fn report_gaps(path: &str, gaps: &[(Operation, Option<&str>)], report: &mut Report) {
    for (operation, tier) in gaps.iter().take(MAX_REPORTED) {
        report.add(path, format!("no rule prices {}", described(operation, *tier)));
    }
    if gaps.len() > MAX_REPORTED {
        let more = gaps.len() - MAX_REPORTED;
        report.add(path, format!("and {more} more combinations have no price"));
    }
}

/// Returns the tiers that may have different prices: those that rules name, and `None` for all others.
fn tiers<'a>(catalog: &'a Catalog, rules: &[&Rule]) -> Vec<Option<&'a str>> {
    let named = |tier: &str| rules.iter().any(|rule| rule.tiers.contains(tier));
    let (mut tiers, others): (Vec<_>, Vec<_>) =
        catalog.plans.iter().map(|plan| plan.tier.as_str()).partition(|tier| named(tier));
    tiers.sort_unstable();
    tiers.dedup();
    let unnamed = !others.is_empty() || catalog.default_plan.is_none();
    tiers.into_iter().map(Some).chain(unnamed.then_some(None)).collect()
}

/// Returns the `n`-th combination. The digits of `n` are positions in the lists of values.
fn combination(kind: &str, dimensions: &BTreeMap<String, Vec<String>>, mut n: usize) -> Operation {
    let mut attributes = BTreeMap::new();
    for (name, values) in dimensions {
        attributes.insert(name.clone(), values[n % values.len()].clone());
        n /= values.len();
    }
    Operation { kind: kind.to_owned(), attributes, quantities: BTreeMap::new() }
}

/// Returns whether a rule matches and every factor by attribute has the value.
fn is_priced(rules: &[&Rule], operation: &Operation, tier: Option<&str>) -> bool {
    let rule = rules.iter().find(|rule| rule.matches(operation, tier));
    rule.is_some_and(|rule| rule.all_factors().all(|factor| !factor.is_gap(&operation.attributes)))
}

fn described(operation: &Operation, tier: Option<&str>) -> String {
    let values: Vec<_> =
        operation.attributes.iter().map(|(name, value)| format!("{name} {value:?}")).collect();
    let tier = tier.map(|tier| format!(" on tier {tier:?}")).unwrap_or_default();
    format!("{}{tier}", values.join(", "))
}
