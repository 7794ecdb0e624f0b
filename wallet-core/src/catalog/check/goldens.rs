//! Golden cases that the rules disagree with.

use crate::amount::Amounts;
use crate::catalog::document::Catalog;
use crate::catalog::golden::{Expectation, Golden};
use crate::catalog::problems::Report;

pub(super) fn check(catalog: &Catalog, report: &mut Report) {
    for (n, golden) in catalog.goldens.iter().enumerate() {
        if let Some(message) = disagreement(catalog, golden) {
            report.add(format!("golden[{n}]"), format!("{:?}: {message}", golden.name));
        }
    }
}

fn disagreement(catalog: &Catalog, golden: &Golden) -> Option<String> {
    let price = catalog.price(&golden.operation, golden.tier.as_deref());
    match (&golden.expectation, price) {
        (Expectation::Price { amounts, .. }, Ok(price)) if *amounts != price.amounts => Some(format!(
            "expects {}, the price is {} (rule {:?})",
            shown(catalog, amounts),
            shown(catalog, &price.amounts),
            price.rule_id
        )),
        (Expectation::Price { max_amounts: Some(max), .. }, Ok(price)) if *max != price.max_amounts => {
            Some(format!(
                "expects at most {}, the rules say {}",
                shown(catalog, max),
                shown(catalog, &price.max_amounts)
            ))
        }
        (Expectation::Price { amounts, .. }, Err(error)) => {
            Some(format!("expects {}, but {error}", shown(catalog, amounts)))
        }
        (Expectation::Error(reason), Ok(price)) => {
            Some(format!("expects {reason}, the price is {}", shown(catalog, &price.amounts)))
        }
        (Expectation::Error(reason), Err(error)) if reason != error.reason() => {
            Some(format!("expects {reason}, the answer is {}: {error}", error.reason()))
        }
        _ => None,
    }
}

/// "40 credits and 1 trainings"
fn shown(catalog: &Catalog, amounts: &Amounts) -> String {
    let one = |(id, amount): (&_, i64)| {
        let unit = catalog.units.get(id);
        unit.map(|unit| format!("{} {}", unit.display(amount), unit.id)).unwrap_or_default()
    };
    let shown: Vec<_> = amounts.iter().map(one).collect();
    if shown.is_empty() { "nothing".to_owned() } else { shown.join(" and ") }
}
