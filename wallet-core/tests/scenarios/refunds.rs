//! RefundTopUp: a purchase is refunded in full within 24 hours if none of its credits were charged.

use super::prelude::*;

#[test]
fn an_unused_purchase_is_refunded_in_full() {
    given([top_up(100), give("gift", 7)]).when(refund("r", "t")).then([
        done(),
        wrote(&[EntryKind::TopUpRefunded]),
        parts("top_up:t", "paid out 100"),
        available(7),
    ]);
}

#[test]
fn all_units_of_a_purchase_are_refunded_with_its_pending_credits() {
    given([buy_pack("b", "bundle"), buy_pack("other", "bundle")]).when(refund("r", "b")).then([
        parts("top_up:b", "paid out 100"),
        parts("top_up:b#1", "paid out 2"),
        available(100),
        available_of("trainings", 2),
    ]);
}

#[test]
fn the_refund_window_ends_24_hours_after_the_payment_exclusive() {
    let almost = hours(24) - std::time::Duration::from_micros(1);
    given([top_up(100), wait(almost)]).when(refund("r", "t")).then([done()]);
    given([top_up(100), wait(hours(24))]).when(refund("r", "t")).then(not_refundable("TOO_LATE"));
    given([wait(hours(5)), top_up(100).paid_at(START), wait(hours(19))])
        .when(refund("r", "t"))
        .then(not_refundable("TOO_LATE"));
}

#[test]
fn the_time_of_the_customers_request_counts() {
    let asked = START.plus(hours(23));
    given([top_up(100), wait(hours(90))]).when(refund("r", "t").asked_at(asked)).then([done(), available(0)]);
    given([top_up(100), wait(hours(90))])
        .when(refund("r", "t").asked_at(START.plus(hours(24))))
        .then(not_refundable("TOO_LATE"));
    given([top_up(100)])
        .when(refund("r", "t").asked_at(START.plus(seconds(1))))
        .then([refused("INVALID_FIELD")]);
    given([wait(hours(1)), top_up(100)])
        .when(refund("r", "t").asked_at(START))
        .then([refused("INVALID_FIELD")]);
}

#[test]
fn one_credit_used_is_not_refundable() {
    given([top_up(100), reserve("job", 1), settle_as_reserved("job")])
        .when(refund("r", "t"))
        .then(not_refundable("CREDITS_USED"));
    given([top_up(100), reserve_both("job", "both", 8, 0), fail_with("job", "NSFW")])
        .when(refund("r", "t"))
        .then(not_refundable("CREDITS_USED"));
}

#[test]
fn credits_that_repaid_a_debt_count_as_used() {
    given([may_owe(6), buy("first", 5), reserve_kind("dear", "owing", 5), settle("dear", 11)])
        .and(top_up(100))
        .then([debt(0)])
        .when(refund("r", "t"))
        .then(not_refundable("CREDITS_USED"));
}

#[test]
fn a_refund_waits_for_running_jobs() {
    let asked = START.plus(hours(1));
    let held = given([top_up(100), reserve("job", 30).ttl(hours(24)), wait(hours(1))])
        .when(refund("r", "t"))
        .then(not_refundable("HOLDS_OUTSTANDING"));
    held.and(wait(hours(23)))
        .when(refund("r", "t").asked_at(asked))
        .then([done(), parts("top_up:t", "paid out 100")]);
    given([top_up(100), reserve("job", 30), reserve("other", 1), settle_as_reserved("other")])
        .when(refund("r", "t"))
        .then(not_refundable("CREDITS_USED"));
}

/// Returns a wallet with a purchase paid a day less than a month ago, of which 30 credits returned an hour after it
/// had expired.
fn with_grace() -> World {
    given_catalog(&CATALOG.replace("expiry = { months = 1 }", "expiry = { days = 1 }"), [])
        .and(buy_pack("b", "bundle"))
        .and(wait(hours(20)))
        .and(reserve("job", 30).ttl(hours(10)))
        .and(wait(hours(5)))
        .and(fail("job"))
        .then([parts("top_up:b", "expired 100"), parts("grace:job", "available 30")])
}

#[test]
fn grace_credits_belong_to_the_purchase_they_stem_from() {
    let asked = START.plus(hours(10));
    with_grace().when(refund("r", "b").asked_at(asked)).then([
        done(),
        parts("top_up:b", "expired 100"),
        parts("grace:job", "paid out 30"),
        available(0),
    ]);
    with_grace()
        .and(reserve("next", 30))
        .and(settle("next", 30))
        .then([parts("grace:job", "consumed 30")])
        .when(refund("r", "b").asked_at(asked))
        .then(not_refundable("CREDITS_USED"));
}

#[test]
fn a_purchase_is_refunded_once() {
    given([top_up(100), refund("r", "t")]).when(refund("r", "t")).then([replayed(), wrote_nothing()]);
    given([top_up(100), refund("r", "t")])
        .when(refund("again", "t"))
        .then(not_refundable("ALREADY_REFUNDED"));
    with_grace()
        .and(wait(hours(30)))
        .and(process_due())
        .then([parts("grace:job", "expired 30")])
        .and(refund("r", "b").asked_at(START))
        .then([wrote(&[EntryKind::TopUpRefunded])])
        .when(refund("again", "b").asked_at(START))
        .then(not_refundable("ALREADY_REFUNDED"));
}

#[test]
fn a_revoked_or_charged_back_purchase_is_not_refundable() {
    given([top_up(100), revoke("r1", "top_up:t")]).when(refund("r", "t")).then(not_refundable("REVOKED"));
    given([top_up(100), charge_back("r1", "t")]).when(refund("r", "t")).then(not_refundable("CHARGED_BACK"));
}

#[test]
fn an_unknown_purchase_and_a_request_id_with_other_content_are_refused() {
    given([give("t", 5)]).when(refund("r", "t")).then([refused("TOP_UP_NOT_FOUND")]);
    given([top_up(100), buy("u", 5), refund("r", "t")]).when(refund("r", "u")).then([
        refused("IDEMPOTENCY_MISMATCH"),
        saying("fields", "top_up_id"),
        available(5),
    ]);
}

#[test]
fn a_top_up_after_its_refund_is_a_replay() {
    given([top_up(100), refund("r", "t")]).when(top_up(100)).then([replayed(), available(0)]);
}

#[test]
fn a_purchase_recorded_under_another_id_is_refunded_by_its_payment() {
    let twice = || given([buy("a", 50).paid_by("pi_1"), buy("b", 50).paid_by("pi_1"), buy("c", 9)]);
    twice()
        .when(refund("r", "b"))
        .then([refused("TOP_UP_NOT_FOUND")])
        .when(refund_payment("r", "pi_2"))
        .then([refused("TOP_UP_NOT_FOUND")])
        .when(refund_payment("r", "pi_1"))
        .then([done(), parts("top_up:a", "paid out 50"), available(9)])
        .when(refund_payment("r", "pi_1"))
        .then([replayed()])
        .when(refund("r", "a"))
        .then([replayed(), wrote_nothing()])
        .when(refund("r", "c"))
        .then([refused("IDEMPOTENCY_MISMATCH"), saying("fields", "top_up_id")]);
    twice().when(charge_back_payment("x", "pi_1")).then([
        done(),
        parts("top_up:a", "revoked 50"),
        available(9),
    ]);
}

#[test]
fn a_partly_revoked_purchase_is_not_refundable() {
    given([top_up(100), revoke("r", "top_up:t")]).when(refund("f", "t")).then(not_refundable("REVOKED"));
    given([buy_pack("b", "bundle"), revoke("r", "top_up:b#1")])
        .when(refund("f", "b"))
        .then(not_refundable("REVOKED"));
}
