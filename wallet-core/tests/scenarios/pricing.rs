//! The price of a reserve: quotes, limits, explicit amounts, and operations without a price.

use super::prelude::*;

#[test]
fn a_quote_keeps_its_price_until_it_expires_for_any_number_of_jobs() {
    let dearer = CATALOG.replace("rate = 1", "rate = 3");
    given([top_up(300), Step::Publish(dearer)])
        .and(reserve_quoted("a", 40, 1, minutes(10)))
        .and(reserve_quoted("b", 40, 1, minutes(10)))
        .and(reserve("c", 40))
        .then([held_from("a", "top_up:t 40"), held_from("b", "top_up:t 40"), held_from("c", "top_up:t 120")])
        .and(settle("a", 20))
        .then([charged("a", 20)])
        .and(wait(minutes(10)))
        .when(reserve_quoted("d", 40, 1, minutes(10)))
        .then([refused("QUOTE_EXPIRED"), saying("expire_time", "2026-01-01T00:10:00Z"), unknown("d")]);
}

#[test]
fn a_quote_of_a_catalog_that_does_not_exist_is_refused() {
    given([top_up(100)])
        .when(reserve_quoted("a", 40, 7, minutes(10)))
        .then([refused("CATALOG_NOT_FOUND"), saying("catalog_version", "7")]);
}

#[test]
fn a_price_above_the_callers_limit_is_refused() {
    given([top_up(100)])
        .when(reserve("job", 40).limit("credits", 39))
        .then([
            refused("PRICE_ABOVE_LIMIT"),
            saying("unit", "credits"),
            saying("price", "40"),
            saying("limit", "39"),
            wrote_nothing(),
        ])
        .when(reserve("job", 40).limit("trainings", 0))
        .then([done()])
        .when(reserve("job2", 40).limit("credits", 40))
        .then([done()]);
}

#[test]
fn an_operation_without_a_price_is_refused_with_the_cause() {
    given([top_up(100)])
        .when(reserve_kind("job", "unheard-of", 40))
        .then([refused("NO_PRICE_RULE"), saying("kind", "unheard-of")]);
}

#[test]
fn explicit_amounts_must_be_multiples_of_the_increment() {
    given([top_up(100), buy_of("c", "coins", 100)])
        .when(reserve_amounts("job", &[("coins", 7)], &[]))
        .then([refused("INVALID_FIELD")])
        .when(reserve_amounts("job", &[("bottles", 5)], &[]))
        .then([refused("INVALID_FIELD")])
        .when(reserve_amounts("job", &[("credits", 10)], &[("credits", 9)]))
        .then([refused("INVALID_FIELD")])
        .when(reserve_amounts("job", &[("credits", 10)], &[("coins", 10)]))
        .then([refused("INVALID_FIELD"), unknown("job")])
        .when(reserve_amounts("job", &[("credits", 10), ("coins", 5)], &[]))
        .then([done(), held(10), held_of("coins", 5)]);
}

#[test]
fn usage_needs_a_price_rule() {
    given([top_up(100), reserve_amounts("job", &[("credits", 10)], &[])])
        .when(settle("job", 5))
        .then([refused("INVALID_FIELD"), state("job", State::Held)]);
    given([top_up(100), reserve("job", 10)])
        .when(settle_usage("job", &[("mm", "5")]))
        .then([refused("INVALID_FIELD"), state("job", State::Held)]);
}
