//! Overage with several units and with debt: all units or none, and debt is repaid first.

use super::prelude::*;

#[test]
fn no_policy_charges_more_than_the_maximum_of_the_price() {
    for (kind, most) in [("fixed", 100), ("open", 120), ("capped", 100), ("strict", 200), ("owing", 1000)] {
        given([top_up(5000), may_owe(5000), reserve_kind("job", kind, 100)])
            .when(settle("job", 3000))
            .then([charged("job", most), uncollected("job", 3000 - most), debt(0)]);
    }
    let explicit = || reserve_amounts("job", &[("credits", 100)], &[("credits", 130)]);
    given([top_up(500), explicit()])
        .when(settle_amounts("job", &[("credits", 400)]))
        .then([charged("job", 130), uncollected("job", 270)]);
}

#[test]
fn a_strict_settle_needs_only_what_may_be_charged() {
    given([top_up(200), reserve_kind("job", "strict", 100)]).when(settle("job", 3000)).then([
        charged("job", 200),
        uncollected("job", 2800),
        available(0),
    ]);
    given([top_up(199), reserve_kind("job", "strict", 100)]).when(settle("job", 3000)).then([
        refused("INSUFFICIENT_CREDITS"),
        saying("required", "100"),
        saying("available", "99"),
    ]);
}

#[test]
fn each_unit_of_a_job_is_settled_separately() {
    given([top_up(110), buy_of("p", "trainings", 5), reserve_both("job", "both", 100, 2)])
        .then([held(100), held_of("trainings", 2)])
        .when(settle_usage("job", &[("n", "130"), ("t", "1")]))
        .then([
            charged("job", 110),
            uncollected("job", 20),
            charged_of("job", "trainings", 1),
            returned_of("job", "trainings", 1),
            available(0),
            available_of("trainings", 4),
            held_of("trainings", 0),
        ]);
}

#[test]
fn a_reserve_takes_all_units_or_nothing() {
    given([top_up(100), buy_of("p", "trainings", 1)]).when(reserve_both("job", "both", 100, 2)).then([
        refused("INSUFFICIENT_CREDITS"),
        saying("unit", "trainings"),
        saying("shortfall", "1"),
        saying("packs", "bundle"),
        unknown("job"),
        available(100),
        wrote_nothing(),
    ]);
}

#[test]
fn a_shortfall_names_every_unit_that_is_short() {
    given([top_up(90)]).when(reserve_both("job", "both", 100, 2)).then([
        refused("INSUFFICIENT_CREDITS"),
        saying("shortfall.credits", "10"),
        saying("shortfall.trainings", "2"),
    ]);
}

#[test]
fn a_strict_settle_takes_all_units_or_nothing() {
    given([top_up(150), buy_of("p", "trainings", 2), reserve_both("job", "both-strict", 100, 2)])
        .when(settle_usage("job", &[("n", "150"), ("t", "3")]))
        .then([
            refused("INSUFFICIENT_CREDITS"),
            saying("unit", "trainings"),
            state("job", State::Held),
            available(50),
            held(100),
            held_of("trainings", 2),
        ])
        .and(buy_of("q", "trainings", 1))
        .when(settle_usage("job", &[("n", "150"), ("t", "3")]))
        .then([charged("job", 150), charged_of("job", "trainings", 3), available(0)]);
}

#[test]
fn units_that_the_caller_does_not_name_cost_nothing() {
    given([top_up(100), buy_of("p", "trainings", 2), reserve_both("job", "both", 100, 2)])
        .when(settle_amounts("job", &[("credits", 60)]))
        .then([charged("job", 60), charged_of("job", "trainings", 0), available_of("trainings", 2)]);
}

#[test]
fn a_unit_that_was_not_reserved_cannot_be_charged() {
    given([top_up(100), reserve("job", 40)]).when(settle_amounts("job", &[("trainings", 1)])).then([
        refused("UNIT_MISMATCH"),
        saying("unit", "trainings"),
        state("job", State::Held),
    ]);
}

/// Returns a wallet that owes 20 credits.
fn owing() -> World {
    given([may_owe(20), top_up(10), reserve_kind("job", "owing", 10), settle("job", 30)]).then([
        debt(20),
        available(0),
        charged_to("job", "top_up:t 10, debt 20"),
    ])
}

#[test]
fn the_next_top_up_repays_debt_in_its_own_entry() {
    owing().when(buy("u", 50)).then([
        wrote(&[EntryKind::ToppedUp]),
        debt(0),
        available(30),
        parts("top_up:u", "available 30, consumed 20"),
    ]);
}

#[test]
fn a_top_up_smaller_than_the_debt_repays_a_part_of_it() {
    owing()
        .when(buy("u", 15))
        .then([debt(5), available(0), parts("top_up:u", "consumed 15")])
        .when(give("g", 15))
        .then([debt(0), available(10), parts("grant:g", "available 10, consumed 5")]);
}

#[test]
fn credits_of_another_unit_repay_nothing() {
    owing().when(buy_of("u", "trainings", 5)).then([debt(20), available_of("trainings", 5)]);
}

#[test]
fn debt_blocks_a_reserve_of_any_unit_and_nothing_else() {
    given([may_owe(20), top_up(20), reserve("running", 10), reserve_kind("job", "owing", 10)])
        .and(buy_of("p", "trainings", 5))
        .and(settle("job", 30))
        .when(reserve("next", 0))
        .then([refused("IN_DEBT"), saying("unit", "credits"), saying("debt", "20")])
        .when(reserve_amounts("next", &[("trainings", 1)], &[]))
        .then([refused("IN_DEBT")])
        .and(start("running", 1))
        .and(extend("running"))
        .when(settle("running", 10))
        .then([done(), debt(20)])
        .and(buy("u", 20))
        .when(reserve("next", 0))
        .then([done(), debt(0)]);
}

/// Returns the catalog of the scenarios in which jobs of the kind `open` have these policies, beside a `max_percent`.
fn open_under(policies: &str) -> String {
    CATALOG.replacen("kind = \"open\"", &format!("kind = \"open\"\npolicies = {{ {policies} }}"), 1)
}

#[test]
fn s12_a_charge_in_full_never_exceeds_the_most_that_was_estimated() {
    given([top_up(100), reserve_kind("job", "strict", 4)]).when(settle("job", 44)).then([
        charged("job", 8),
        uncollected("job", 36),
        available(92),
    ]);
    let unbounded = open_under("overage = \"REQUIRE_FULL\", max = { factor = \"none\" }");
    given_catalog(&unbounded, [top_up(100), reserve_kind("job", "open", 4)]).when(settle("job", 44)).then([
        charged("job", 44),
        uncollected("job", 0),
        available(56),
    ]);
    given_catalog(&unbounded, [top_up(40), reserve_kind("job", "open", 4)])
        .when(settle("job", 44))
        .then([refused("INSUFFICIENT_CREDITS"), held(4)]);
}

#[test]
fn s13_a_job_by_output_whose_estimate_is_0_is_charged_up_to_its_least_bound() {
    let at_least = open_under("max = { at_least = { credits = 30 } }");
    for (n, most) in [(0, 30), (10, 30), (25, 30), (50, 60)] {
        given_catalog(&at_least, [top_up(100), reserve_kind("job", "open", n)])
            .when(settle("job", 99))
            .then([charged("job", most), uncollected("job", 99 - most)]);
    }
    given([top_up(100), reserve_kind("job", "open", 0)]).when(settle("job", 9)).then([charged("job", 0)]);
}

#[test]
fn the_factor_of_the_document_is_that_of_rules_without_a_percentage() {
    let twice = format!("policies.max = {{ factor = \"2.5\" }}\n{CATALOG}");
    for (kind, most) in [("open", 25), ("strict", 20), ("fixed", 10)] {
        given_catalog(&twice, [top_up(100), reserve_kind("job", kind, 10)])
            .when(settle("job", 99))
            .then([charged("job", most)]);
    }
}
