//! Settling after the hold has expired: only if asked for, in full or not at all, within 72 hours.

use super::prelude::*;

/// A job of 40 out of `credits`, whose hold expired after 30 minutes; an hour has passed.
fn expired(credits: i64) -> World {
    given([top_up(credits), reserve_kind("job", "open", 40)]).and(wait(hours(1))).then([
        state("job", State::Expired),
        available(credits),
        held(0),
    ])
}

#[test]
fn a_late_settle_charges_what_is_available_in_full() {
    for (actual, charge) in [(30, 30), (40, 40), (48, 40)] {
        expired(100).when(settle("job", actual).late()).then([
            done(),
            state("job", State::Settled),
            charged("job", charge),
            uncollected("job", actual - charge),
            available(100 - charge),
            wrote(&[EntryKind::HoldExpired, EntryKind::SettledLate]),
        ]);
    }
}

#[test]
fn a_late_settle_that_cannot_be_paid_in_full_changes_nothing() {
    expired(100)
        .and(reserve("other", 61))
        .when(settle("job", 40).late())
        .then([
            refused("INSUFFICIENT_CREDITS"),
            saying("shortfall", "1"),
            state("job", State::Expired),
            available(39),
            wrote_nothing(),
        ])
        .and(buy("more", 1))
        .when(settle("job", 40).late())
        .then([done(), state("job", State::Settled), available(0)]);
}

#[test]
fn a_settle_that_does_not_ask_for_it_is_not_accepted_late() {
    expired(100).when(settle("job", 40)).then([
        refused("RESERVATION_EXPIRED"),
        state("job", State::Expired),
        available(100),
    ]);
}

#[test]
fn the_window_closes_72_hours_after_the_deadline() {
    let close = minutes(30) + hours(72);
    let last = close - hours(1) - std::time::Duration::from_micros(1);
    expired(100).and(wait(last)).when(settle("job", 40).late()).then([done(), state("job", State::Settled)]);
    expired(100)
        .and(wait(close - hours(1)))
        .when(settle("job", 40).late())
        .then([refused("RESERVATION_EXPIRED"), state("job", State::Expired)]);
}

#[test]
fn an_expired_job_that_failed_or_was_cancelled_stays_as_it_is() {
    for step in [fail("job"), cancel("job"), stop("job"), cancel("job").allow_missing()] {
        expired(100).when(step).then([
            done(),
            state("job", State::Expired),
            available(100),
            wrote(&[EntryKind::HoldExpired]),
        ]);
    }
}

#[test]
fn a_late_settle_takes_new_allocations_in_the_usual_order() {
    given([top_up(40), reserve("job", 40)])
        .and(wait(hours(1)))
        .and(give("free", 10))
        .when(settle("job", 40).late())
        .then([charged_to("job", "grant:free 10, top_up:t 30"), available(10)]);
}

#[test]
fn a_late_settle_of_several_units_takes_all_or_nothing() {
    given([top_up(40), buy_of("p", "trainings", 1), reserve_both("job", "both", 40, 1)])
        .and(wait(hours(1)))
        .and(reserve_amounts("other", &[("trainings", 1)], &[]))
        .when(settle_usage("job", &[("n", "40"), ("t", "1")]).late())
        .then([refused("INSUFFICIENT_CREDITS"), saying("unit", "trainings"), available(40)]);
}

#[test]
fn a_suspended_or_indebted_wallet_can_still_be_settled_late() {
    expired(100).and(suspend("s")).when(settle("job", 40).late()).then([done(), available(60)]);
}
