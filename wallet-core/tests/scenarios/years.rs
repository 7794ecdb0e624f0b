//! A year of every plan of the five products, with payments an hour late, three days early, or in turn: at every moment
//! a wallet has exactly the credits of the windows that were paid for, less those that it used.

use std::collections::BTreeMap;

use wallet_core::posting::{Part, moved_to};

use super::prelude::*;
use crate::common::paid_year::{Act, Looks, Timing, with_renewal, year};

/// Returns the available credits of the plan, by unit.
fn credits_of_plan(world: &World) -> BTreeMap<String, i64> {
    let mut sums = BTreeMap::new();
    for grant in world.seen().grants.values().filter(|grant| grant.is_of_plan()) {
        *sums.entry(grant.unit.to_string()).or_default() += grant.parts.available;
    }
    sums
}

/// Returns the credits of the plan that were issued and not revoked.
fn issued(world: &World) -> i64 {
    let seen = world.seen();
    let of_plan = seen.grants.values().filter(|grant| grant.is_of_plan());
    of_plan.map(|grant| grant.amount - grant.parts.revoked).sum()
}

fn live(catalog: &str, plan: &str, renewal: &'static str, timing: Timing) {
    let mut world = given_catalog(&with_renewal(catalog, renewal), [subscribe("s", plan)]);
    let parsed = world.catalogs.current.clone();
    let acts = year(&parsed, parsed.plan(plan).unwrap(), renewal, timing, Looks::Daily);
    let mut now = 0;
    let mut sold = 0;
    for (n, (hour, act)) in acts.into_iter().enumerate() {
        if hour > now {
            world = world.and(wait(hours(hour - now)));
            now = hour;
        }
        match act {
            Act::Look(expected) => {
                let credits = credits_of_plan(&world);
                for (unit, amount) in expected {
                    let there = credits.get(&unit).copied().unwrap_or(0);
                    assert_eq!(there, amount, "{plan}, {renewal}, {timing:?}: {unit} in hour {hour}");
                }
                sold = issued(&world);
            }
            Act::Use(unit, amount) => {
                let id = format!("job-{n}");
                world = world.and(reserve_amounts(&id, &[(&unit, amount)], &[])).and(settle_as_reserved(&id));
            }
            Act::Pay(start) => world = world.and(pay(&format!("p{start}"))),
            Act::Ended => {
                assert!(world.seen().profile.subscription.is_none(), "{plan}, {renewal}: it has ended");
                assert!(credits_of_plan(&world).values().all(|left| *left == 0), "{plan}, {renewal}");
                assert_eq!(issued(&world), sold, "{plan}, {renewal}: unpaid credits");
                let revoked = world
                    .lazy
                    .entries
                    .iter()
                    .any(|entry| !moved_to(&entry.postings, Part::Revoked).is_empty());
                assert!(!revoked || renewal == "PROVISIONAL", "{plan}, {renewal}: some were revoked");
            }
        }
    }
}

fn live_all(catalog: &str) {
    let parsed = wallet_core::catalog::Catalog::parse(catalog).unwrap();
    let plans = parsed.plans().iter().filter(|plan| !plan.term.is_once() && !plan.allowances.is_empty());
    let mut lived = 0;
    for plan in plans {
        for timing in [Timing::Late, Timing::Early, Timing::InTurn] {
            live(catalog, &plan.id, "ON_PAYMENT", timing);
            live(catalog, &plan.id, "PROVISIONAL", timing);
        }
        live(catalog, &plan.id, "AUTOMATIC", Timing::Early);
        lived += 1;
    }
    assert!(lived >= 2, "{lived} plans");
}

#[test]
fn a_year_of_clickraft_has_the_credits_that_were_paid_for() {
    live_all(include_str!("../../../wallet-server/catalogs/clickraft.toml"));
}

#[test]
fn a_year_of_flarecut_has_the_credits_that_were_paid_for() {
    live_all(include_str!("../../../wallet-server/catalogs/flarecut.toml"));
}

#[test]
fn a_year_of_flikly_has_the_credits_that_were_paid_for() {
    live_all(include_str!("../../../wallet-server/catalogs/flikly.toml"));
}

#[test]
fn a_year_of_kreatorflow_has_the_credits_that_were_paid_for() {
    live_all(include_str!("../../../wallet-server/catalogs/kreatorflow.toml"));
}

#[test]
fn a_year_of_trainings_has_the_credits_that_were_paid_for() {
    live_all(include_str!("../../../wallet-server/catalogs/trainings.toml"));
}
