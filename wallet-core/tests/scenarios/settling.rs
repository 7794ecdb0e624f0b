//! The settlement table of `docs/design.md`, through real commands.

use super::prelude::*;

/// Returns a wallet after a job of 100 held credits was settled at `actual`, with `left` credits available besides.
fn settled(kind: &str, left: i64, actual: i64) -> World {
    given([top_up(100 + left), reserve_kind("job", kind, 100)]).when(settle("job", actual))
}

#[test]
fn the_cost_of_a_job_is_charged_and_the_rest_is_returned() {
    for kind in ["fixed", "open", "capped", "strict", "owing"] {
        settled(kind, 0, 70).then([
            done(),
            state("job", State::Settled),
            charged("job", 70),
            returned("job", 30),
            uncollected("job", 0),
            available(30),
            held(0),
            parts("top_up:t", "available 30, consumed 70"),
        ]);
        settled(kind, 0, 100).then([charged("job", 100), returned("job", 0), available(0)]);
        settled(kind, 0, 0).then([charged("job", 0), returned("job", 100), available(100)]);
    }
}

#[test]
fn overage_is_charged_by_the_policy() {
    for (kind, left, actual, charge, rest, says) in [
        ("open", 50, 110, 110, 40, "up to 120 %, from what is available"),
        ("open", 50, 130, 120, 30, "never more than 120 %"),
        ("open", 7, 130, 107, 0, "as far as credits are available"),
        ("open", 0, 110, 100, 0, "nothing is available: the reserved amount"),
        ("fixed", 50, 110, 100, 50, "a fixed price never grows"),
        ("capped", 50, 130, 100, 50, "at most the reserved amount"),
        ("strict", 50, 130, 130, 20, "the full overage up to the maximum"),
        ("owing", 50, 130, 130, 20, "no debt while credits are available"),
    ] {
        println!("{kind}: {says}");
        settled(kind, left, actual).then([
            done(),
            charged("job", charge),
            returned("job", 0),
            uncollected("job", actual - charge),
            available(rest),
            held(0),
            debt(0),
        ]);
    }
}

#[test]
fn a_strict_settle_beyond_what_is_available_is_refused_and_the_hold_stays() {
    settled("strict", 29, 130)
        .then([
            refused("INSUFFICIENT_CREDITS"),
            saying("required", "30"),
            saying("available", "29"),
            saying("shortfall", "1"),
            saying("packs", "starter,bundle"),
            state("job", State::Held),
            held(100),
            available(29),
            wrote_nothing(),
        ])
        .and(buy("more", 1))
        .when(settle("job", 130))
        .then([done(), charged("job", 130), available(0)]);
}

#[test]
fn overage_that_is_not_available_becomes_debt_within_the_limit() {
    for (limit, actual, charge, owed, says) in [
        (30, 120, 120, 10, "available first, then debt"),
        (30, 200, 140, 30, "at most the debt limit"),
        (0, 200, 110, 0, "no limit, no debt"),
    ] {
        println!("{says}");
        given([may_owe(limit), top_up(110), reserve_kind("job", "owing", 100)])
            .when(settle("job", actual))
            .then([charged("job", charge), debt(owed), available(0), uncollected("job", actual - charge)]);
    }
}

#[test]
fn a_second_debt_stays_below_the_limit_that_is_left() {
    given([may_owe(30), top_up(20), reserve_kind("a", "owing", 10), reserve_kind("b", "owing", 10)])
        .and(settle("a", 30))
        .then([charged_to("a", "top_up:t 10, debt 20"), debt(20)])
        .when(settle("b", 30))
        .then([charged_to("b", "top_up:t 10, debt 10"), debt(30), uncollected("b", 10)]);
}

#[test]
fn explicit_max_amounts_bound_the_charge() {
    let prices = &[("credits", 100)];
    given([top_up(200), reserve_amounts("job", prices, &[("credits", 150)])])
        .when(settle_amounts("job", &[("credits", 170)]))
        .then([charged("job", 150), uncollected("job", 20), available(50)]);
    given([top_up(200), reserve_amounts("job", prices, &[])])
        .when(settle_amounts("job", &[("credits", 170)]))
        .then([charged("job", 100), uncollected("job", 70), available(100)]);
}

#[test]
fn the_bill_keeps_a_usage_other_than_the_reserved_one_and_its_price() {
    given([top_up(100), reserve_kind("job", "open", 40)]).when(settle("job", 60)).then([
        charged("job", 48),
        uncollected("job", 12),
        used("job", &[("n", "60")], &["60 credits"]),
    ]);
    let as_reserved =
        [settle("job", 40), settle_as_reserved("job"), settle_amounts("job", &[("credits", 30)])];
    for step in as_reserved {
        given([top_up(100), reserve_kind("job", "open", 40)])
            .when(step)
            .then([done(), used("job", &[], &[])]);
    }
    let late = [top_up(100), reserve_kind("job", "open", 40), wait(hours(1))];
    given(late).when(settle("job", 30).late()).then([used("job", &[("n", "30")], &["30 credits"])]);
}

#[test]
fn a_settle_as_reserved_charges_the_hold() {
    given([top_up(100), reserve("job", 40)]).when(settle_as_reserved("job")).then([
        charged("job", 40),
        returned("job", 0),
        available(60),
    ]);
}

#[test]
fn overage_is_charged_in_whole_increments() {
    given([buy_of("t", "coins", 108), reserve_kind("job", "coins", 100)]).when(settle("job", 120)).then([
        charged_of("job", "coins", 105),
        uncollected_of("job", "coins", 15),
        available_of("coins", 3),
    ]);
}

#[test]
fn usage_is_priced_at_the_pinned_version() {
    let dearer = CATALOG.replace("rate = 1", "rate = 3");
    given([top_up(200), reserve_kind("old", "open", 50)])
        .and(Step::Publish(dearer))
        .and(reserve_kind("new", "open", 10))
        .when(settle("old", 40))
        .then([charged("old", 40), returned("old", 10)])
        .when(settle("new", 5))
        .then([charged("new", 15), returned("new", 15)]);
}

#[test]
fn a_settle_without_usage_needs_no_catalog_of_the_price() {
    let mut world = given([top_up(100)])
        .and(reserve("a", 10))
        .and(reserve("b", 10))
        .and(reserve("c", 10))
        .and(reserve("d", 10))
        .and(reserve("e", 10))
        .and(Step::Publish(format!("# another text\n{CATALOG}")));
    world.catalogs.older.clear();
    world
        .when(settle("e", 5))
        .then([refused("CATALOG_NOT_FOUND"), saying("catalog_version", "1"), state("e", State::Held)])
        .when(settle_as_reserved("a"))
        .then([done(), charged("a", 10)])
        .when(settle_amounts("b", &[("credits", 4)]))
        .then([done(), charged("b", 4)])
        .when(fail("c"))
        .then([done(), state("c", State::Failed)])
        .when(cancel("d"))
        .then([done(), state("d", State::Cancelled)]);
}

#[test]
fn a_settle_without_start_works_because_the_start_may_be_lost() {
    given([top_up(100), reserve("job", 40)])
        .when(settle("job", 40).attempt(3))
        .then([done(), state("job", State::Settled)]);
}

#[test]
fn a_free_job_is_held_and_settled_like_any_other() {
    given([reserve("job", 0)]).then([state("job", State::Held), held(0)]).when(settle("job", 0)).then([
        done(),
        state("job", State::Settled),
        charged("job", 0),
    ]);
}
