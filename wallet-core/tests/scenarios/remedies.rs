//! Remedies for a shortfall: plans for sale that would give the missing credits at once.

use super::prelude::*;

#[track_caller]
fn short_of(n: i64, steps: impl IntoIterator<Item = Step>) -> World {
    given_catalog(&with_plans(), steps).when(reserve("job", n)).then([refused("INSUFFICIENT_CREDITS")])
}

#[test]
fn without_a_subscription_every_sufficient_plan_is_named_by_rank() {
    short_of(60, []).then([
        saying("available", "5"),
        saying("plans", "keeper,pro,keeper-pro,gym,annual,prepaid-pro,studio"),
    ]);
    short_of(306, []).then([not_saying("plans")]);
    short_of(305, []).then([saying("plans", "studio")]);
}

#[test]
fn upgrades_count_pro_rata_and_plans_of_another_term_in_full() {
    short_of(100, [subscribe("s", "creator")])
        .then([saying("available", "35"), saying("plans", "pro,keeper-pro,gym,annual,prepaid-pro,studio")])
        .and(until("2026-01-04"))
        .when(reserve("job", 100))
        .then([saying("plans", "keeper-pro,annual,studio")])
        .and(until("2026-01-29"))
        .when(reserve("job", 100))
        .then([saying("plans", "annual")]);
}

#[test]
fn downgrades_and_the_wallets_own_plan_are_not_named() {
    short_of(150, [subscribe("s", "pro")]).then([saying("plans", "annual,studio")]);
    short_of(450, [subscribe("s", "studio")]).then([not_saying("plans")]);
}

#[test]
fn a_plan_that_does_not_include_the_job_is_not_named() {
    given_catalog(&with_plans(), [subscribe("s", "week")])
        .when(reserve("job", 40))
        .then([saying("plans", "creator,keeper,prepaid,pro,keeper-pro,gym,annual,prepaid-pro,studio")])
        .when(reserve_kind("job", "capped", 40))
        .then([saying("plans", "keeper,pro,keeper-pro,gym,annual,prepaid-pro,studio")]);
}

#[test]
fn every_unit_that_is_short_must_be_covered() {
    given_catalog(&with_plans(), [])
        .when(reserve_amounts("job", &[("credits", 10), ("trainings", 1)], &[]))
        .then([refused("INSUFFICIENT_CREDITS"), saying("plans", "gym,annual,studio")])
        .and(top_up(5))
        .when(reserve_amounts("job", &[("credits", 10), ("trainings", 1)], &[]))
        .then([saying("plans", "gym,annual,studio,gym-pro")]);
}

#[test]
fn a_used_once_allowance_is_not_counted_and_a_past_due_plan_is() {
    short_of(18, [subscribe("s", "week")])
        .then([saying("plans", "creator,keeper,prepaid,pro,keeper-pro,gym,annual,prepaid-pro,studio")]);
    given_catalog(&with_plans(), [subscribe("s", "prepaid"), until("2026-02-01")])
        .when(reserve("job", 100))
        .then([past_due(), saying("plans", "keeper,pro,keeper-pro,gym,annual,prepaid-pro,studio")]);
}
