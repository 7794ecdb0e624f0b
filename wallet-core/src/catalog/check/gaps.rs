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
            let reported = gaps(kind, dimensions, combinations, &rules, &tiers);
            reported.into_iter().for_each(|gap| report.add(&path, gap));
        }
    }
}

/// Returns the gaps of a kind as text, at most [`MAX_REPORTED`] of them one by one.
fn gaps(
    kind: &str,
    dimensions: &BTreeMap<String, Vec<String>>,
    combinations: usize,
    rules: &[&Rule],
    tiers: &[Option<&str>],
) -> Vec<String> {
    let mut texts = Vec::new();
    let mut count = 0;
    // One operation for all combinations: a document may declare millions of them.
    let mut operation = first_combination(kind, dimensions);
    for n in 0..combinations {
        set_combination(&mut operation, dimensions, n);
        for tier in tiers.iter().filter(|tier| !is_priced(rules, &operation, **tier)) {
            count += 1;
            if count <= MAX_REPORTED {
                texts.push(format!("no rule prices {}", described(&operation, *tier)));
            }
        }
    }
    if count > MAX_REPORTED {
        texts.push(format!("and {} more combinations have no price", count - MAX_REPORTED));
    }
    texts
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

/// Returns the combination of the first values.
fn first_combination(kind: &str, dimensions: &BTreeMap<String, Vec<String>>) -> Operation {
    let attributes = dimensions.iter().map(|(name, values)| (name.clone(), values[0].clone())).collect();
    Operation { kind: kind.to_owned(), attributes, quantities: BTreeMap::new() }
}

/// Sets the attributes to the `n`-th combination. The digits of `n` are positions in the lists of values.
fn set_combination(operation: &mut Operation, dimensions: &BTreeMap<String, Vec<String>>, mut n: usize) {
    for (attribute, values) in operation.attributes.values_mut().zip(dimensions.values()) {
        attribute.clone_from(&values[n % values.len()]);
        n /= values.len();
    }
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
