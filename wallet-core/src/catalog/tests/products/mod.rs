//! The catalogs that come with the server: what each product's own words say about its plans, packs and prices,
//! a file per product.

mod clickraft;
mod example;
mod flarecut;
mod flikly;
mod kreatorflow;
mod trainings;

use super::super::{Allowance, Plan, Threshold};
use super::*;
use crate::catalog::Allowed;

const EXAMPLE: &str = include_str!("../../../../../wallet-server/catalogs/example.toml");
const FLARECUT: &str = include_str!("../../../../../wallet-server/catalogs/flarecut.toml");
const KREATORFLOW: &str = include_str!("../../../../../wallet-server/catalogs/kreatorflow.toml");
const CLICKRAFT: &str = include_str!("../../../../../wallet-server/catalogs/clickraft.toml");
const FLIKLY: &str = include_str!("../../../../../wallet-server/catalogs/flikly.toml");
const TRAININGS: &str = include_str!("../../../../../wallet-server/catalogs/trainings.toml");

#[test]
fn the_bundled_catalogs_are_sound_and_their_golden_cases_hold() {
    for text in [EXAMPLE, FLARECUT, KREATORFLOW, CLICKRAFT, FLIKLY, TRAININGS] {
        assert!(parsed(text).goldens().len() >= 8);
    }
}

fn parsed(text: &str) -> Catalog {
    match Catalog::parse(text) {
        Ok(catalog) => catalog,
        Err(problems) => panic!("{problems}"),
    }
}

/// What each period of the plan brings, in the unit.
fn included(plan: &Plan, unit: &str) -> Vec<i64> {
    let of_unit = |allowance: &&Allowance| allowance.unit.as_str() == unit;
    plan.allowances.iter().filter(of_unit).map(|allowance| allowance.amount).collect()
}

/// What the plan makes of an operation, by the words of the refusals.
fn verdict(catalog: &Catalog, plan: &str, operation: &Operation) -> &'static str {
    match catalog.plan(plan).unwrap().allows(operation) {
        Allowed::Yes => "ALLOWED",
        Allowed::No => "NOT_ENTITLED",
        Allowed::Over { .. } => "LIMIT_EXCEEDED",
    }
}

/// Whether some balance above zero of what the plan includes is called low.
fn warns_before_zero(plan: &Plan, unit: &str) -> bool {
    let above_zero = |threshold: &Threshold| match threshold {
        Threshold::Amount(amount) => *amount > 0,
        Threshold::Percent(percent) => *percent > 0,
    };
    plan.thresholds.get(unit).is_some_and(|thresholds| thresholds.iter().any(above_zero))
}

/// The credits that an operation costs on plans of this tier.
fn credits(catalog: &Catalog, tier: &str, operation: &Operation) -> i64 {
    catalog.price(operation, Some(tier)).unwrap().amounts.get("credits")
}
