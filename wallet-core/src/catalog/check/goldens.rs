//! Golden cases that disagree with the rules.

use crate::catalog::document::Catalog;
use crate::catalog::entitlement::Allowed;
use crate::catalog::golden::{Expectation, Golden};
use crate::catalog::price::Price;
use crate::catalog::pricing_error::PricingError;
use crate::catalog::problems::Report;
use crate::value::amount::Amounts;

pub(super) fn check(catalog: &Catalog, report: &mut Report) {
    for (n, golden) in catalog.goldens.iter().enumerate() {
        if let Some(message) = disagreement(catalog, golden) {
            report.add(format!("golden[{n}]"), format!("{:?}: {message}", golden.name));
        }
    }
}

fn disagreement(catalog: &Catalog, golden: &Golden) -> Option<String> {
    match (&golden.expectation, answer(catalog, golden)) {
        (Expectation::Price { amounts, .. }, Ok(price)) if *amounts != price.amounts => Some(format!(
            "expects {}, the price is {} (rule {:?})",
            shown(catalog, amounts),
            shown(catalog, &price.amounts),
            price.rule_id
        )),
        (Expectation::Price { max_amounts: Some(max), .. }, Ok(price)) if *max != price.max_amounts => {
            Some(format!(
                "expects a maximum of {}, the maximum is {}",
                shown(catalog, max),
                shown(catalog, &price.max_amounts)
            ))
        }
        (Expectation::Price { amounts, .. }, Err((_, text))) => {
            Some(format!("expects {}, but {text}", shown(catalog, amounts)))
        }
        (Expectation::Error(reason), Ok(price)) => {
            Some(format!("expects {reason}, the price is {}", shown(catalog, &price.amounts)))
        }
        (Expectation::Error(reason), Err((given, text))) if reason != given => {
            Some(format!("expects {reason}, the answer is {given}: {text}"))
        }
        _ => None,
    }
}

/// Returns the result of the case: a price, or the reason and the text of the refusal. As in Reserve, the price is
/// computed before the plan's entitlements are checked.
fn answer(catalog: &Catalog, golden: &Golden) -> Result<Price, (&'static str, String)> {
    let plan = golden.plan.as_deref().and_then(|id| catalog.plan(id));
    let tier = plan.map(|plan| plan.tier.as_str()).or(golden.tier.as_deref());
    let price =
        catalog.price(&golden.operation, tier).map_err(|error| (error.reason(), error.to_string()))?;
    let counted = catalog.counted(&price.rule_id, &golden.operation);
    match plan.map_or(Allowed::Yes, |plan| plan.allows(&counted)) {
        Allowed::Yes => match catalog.uncounted(plan.and_then(|plan| plan.entitlements.as_deref()), &counted)
        {
            quantities if quantities.is_empty() => Ok(price),
            quantities => {
                let error = PricingError::UncountedQuantities { kind: counted.kind, quantities };
                Err((error.reason(), error.to_string()))
            }
        },
        Allowed::No => Err(("NOT_ENTITLED", "the plan does not include the operation".to_owned())),
        Allowed::Over { quantity, maximum, requested } => Err((
            "LIMIT_EXCEEDED",
            format!("{quantity} is limited to {maximum}, but the operation has {requested}"),
        )),
    }
}

/// Formats amounts: "40 credits and 1 trainings".
fn shown(catalog: &Catalog, amounts: &Amounts) -> String {
    let one = |(id, amount): (&_, i64)| {
        let unit = catalog.units.get(id);
        unit.map(|unit| format!("{} {}", unit.display(amount), unit.id)).unwrap_or_default()
    };
    let shown: Vec<_> = amounts.iter().map(one).collect();
    if shown.is_empty() { "nothing".to_owned() } else { shown.join(" and ") }
}
