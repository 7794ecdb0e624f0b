//! The catalogs that come with the server, checked against each product's description of its plans, packs and
//! prices. A file per product.

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

/// Returns the amounts of the plan's allowances in the unit, in minor units.
fn included(plan: &Plan, unit: &str) -> Vec<i64> {
    let of_unit = |allowance: &&Allowance| allowance.unit.as_str() == unit;
    plan.allowances.iter().filter(of_unit).map(|allowance| allowance.amount).collect()
}

/// Returns whether the plan allows an operation: `ALLOWED`, or the reason of the refusal.
fn verdict(catalog: &Catalog, plan: &str, operation: &Operation) -> &'static str {
    match catalog.plan(plan).unwrap().allows(operation) {
        Allowed::Yes => "ALLOWED",
        Allowed::No => "NOT_ENTITLED",
        Allowed::Over { .. } => "LIMIT_EXCEEDED",
    }
}

/// Returns whether the plan has a threshold above zero in the unit.
fn warns_before_zero(plan: &Plan, unit: &str) -> bool {
    let above_zero = |threshold: &Threshold| match threshold {
        Threshold::Amount(amount) => *amount > 0,
        Threshold::Percent(percent) => *percent > 0,
    };
    plan.thresholds.get(unit).is_some_and(|thresholds| thresholds.iter().any(above_zero))
}

/// Returns the price of an operation on plans of this tier, in credits.
fn credits(catalog: &Catalog, tier: &str, operation: &Operation) -> i64 {
    catalog.price(operation, Some(tier)).unwrap().amounts.get("credits")
}
