//! ReverseCharge: the charge of a job returns to its sources, in parts, each credit once.

use super::prelude::*;

#[test]
fn a_charge_is_reversed_in_parts_the_last_grant_first() {
    let charged = given([give("a", 30), top_up(100), reserve("job", 50), settle_as_reserved("job")])
        .then([charged_to("job", "grant:a 30, top_up:t 20"), available(80)])
        .and(reverse("r1", "job", 15))
        .then([
            wrote(&[EntryKind::ChargeReversed]),
            available(95),
            state("job", State::Settled),
            charged("job", 50),
        ])
        .then(reversed("job", 15, "top_up:t 15"))
        .and(reverse("r2", "job", 10))
        .then(reversed("job", 25, "grant:a 5, top_up:t 20"));
    charged
        .and(reverse_all("r3", "job"))
        .then([available(130), parts("grant:a", "available 30"), parts("top_up:t", "available 100")])
        .when(reverse_all("r4", "job"))
        .then([refused("REVERSAL_EXCEEDS_CHARGE"), available(130)]);
}

#[test]
fn a_reversal_is_bounded_by_the_charge_that_is_not_yet_reversed() {
    given([top_up(100), reserve("job", 50), settle_as_reserved("job"), reverse("r1", "job", 20)])
        .when(reverse("r2", "job", 31))
        .then([
            refused("REVERSAL_EXCEEDS_CHARGE"),
            saying("unit", "credits"),
            saying("requested", "31"),
            saying("charged", "50"),
            saying("reversed", "20"),
            available(70),
        ]);
}

#[test]
fn only_a_job_that_ended_with_a_charge_can_be_reversed() {
    given([top_up(100), reserve("job", 50)])
        .when(reverse_all("r", "job"))
        .then([refused("REVERSAL_EXCEEDS_CHARGE")]);
    given([top_up(100), reserve("job", 50)])
        .when(reverse("r", "job", 1))
        .then([refused("REVERSAL_EXCEEDS_CHARGE"), saying("charged", "0")]);
    given([top_up(100), reserve("job", 50), fail("job")])
        .when(reverse_all("r", "job"))
        .then([refused("REVERSAL_EXCEEDS_CHARGE")]);
    given([top_up(100)]).when(reverse_all("r", "job")).then([refused("RESERVATION_NOT_FOUND")]);
    given([top_up(100), reserve("job", 50), settle_as_reserved("job")])
        .when(reverse_amounts("r", "job", amounts(&[("trainings", 1)])))
        .then([refused("UNIT_MISMATCH")])
        .when(reverse("r", "job", 0))
        .then([refused("INVALID_FIELD")]);
}

#[test]
fn a_fee_can_be_reversed() {
    given([top_up(100), reserve("job", 40).started(), cancel("job")])
        .then([fee("job", 20), available(80)])
        .when(reverse_all("r", "job"))
        .then([available(100), state("job", State::Cancelled), fee("job", 20)]);
}

#[test]
fn a_reversal_into_an_expired_grant_becomes_a_grant_of_its_source_for_30_days() {
    let given_back =
        given([give("a", 30).priority(2).until(hours(2)), reserve("job", 30), settle_as_reserved("job")]);
    given_back
        .and(wait(days(40)))
        .and(reverse("r1", "job", 10))
        .then([
            parts("grant:a", "consumed 20, expired 10"),
            parts("grace:job", "available 10"),
            expires("grace:job", days(40) + days(30)),
            stems_from("grace:job", "grant:a"),
            from(Source::Free, 10),
            available(10),
        ])
        .and(wait(hours(1)))
        .and(reverse_all("r2", "job"))
        .then([parts("grant:a", "expired 30"), parts("grace:job#1", "available 20"), available(30)])
        .when(wait(days(30)))
        .then([available(0), parts("grace:job", "expired 10")]);
}

#[test]
fn a_reversal_of_a_charge_to_grace_credits_has_the_source_of_their_first_grant() {
    given([give("a", 30).source(Source::Promotional).until(hours(1)), reserve("job", 30).ttl(hours(3))])
        .and(wait(hours(2)))
        .and(cancel("job"))
        .then([from(Source::Grace, 30)])
        .and(reserve("next", 30))
        .and(settle_as_reserved("next"))
        .and(wait(days(3)))
        .when(reverse_all("r", "next"))
        .then([
            from(Source::Promotional, 30),
            stems_from("grace:next", "grant:a"),
            expires("grace:next", hours(2) + days(33)),
        ]);
}

#[test]
fn a_reversed_charge_to_a_purchase_that_expired_still_belongs_to_it() {
    given([buy_pack("b", "bundle"), reserve("job", 30), settle_as_reserved("job"), wait(days(40))])
        .and(reverse_all("r", "job"))
        .then([from(Source::Purchased, 30)])
        .when(charge_back("c", "b"))
        .then([parts("grace:job", "revoked 30"), debt(0), available(0)]);
}

#[test]
fn credits_of_a_reversal_live_for_the_goodwill_period_of_the_job() {
    let brief = format!("policies.goodwill_period = \"90m\"\n{CATALOG}");
    let steps =
        [give("a", 30).until(hours(2)), reserve("job", 30), settle_as_reserved("job"), wait(days(40))];
    given_catalog(&brief, steps)
        .and(Step::Publish(CATALOG.into()))
        .when(reverse_all("r", "job"))
        .then([expires("grace:job", days(40) + minutes(90)), available(30)]);
    let owing = [may_owe(20), top_up(10), reserve_kind("job", "owing", 10), settle("job", 25), buy("u", 12)];
    given_catalog(&brief, owing)
        .when(reverse("r", "job", 15))
        .then([parts("grace:job", "available 12"), expires("grace:job", minutes(90))]);
}

#[test]
fn credits_of_a_reversal_and_grace_of_the_hold_are_separate_grants() {
    given([give("a", 40).until(hours(1)), reserve("job", 40).ttl(hours(4)), wait(hours(2))])
        .and(fail_with("job", "NSFW"))
        .then([charged("job", 10), parts("grace:job", "available 30")])
        .when(reverse_all("r", "job"))
        .then([parts("grace:job#1", "available 10"), parts("grant:a", "expired 40"), available(40)]);
}

#[test]
fn a_charge_to_the_debt_is_reversed_first_and_the_rest_repays_debt() {
    let owing = given([may_owe(20), top_up(10), reserve_kind("job", "owing", 10), settle("job", 25)]);
    let owing = owing.then([debt(15), charged_to("job", "top_up:t 10, debt 15")]);
    let less = owing.and(reverse("r1", "job", 5)).then([debt(10), available(0)]);
    less.and(reverse_all("r2", "job")).then([debt(0), available(10), parts("top_up:t", "available 10")]);
}

#[test]
fn a_charge_to_a_debt_that_was_repaid_since_returns_as_a_correction() {
    given([may_owe(20), top_up(10), reserve_kind("job", "owing", 10), settle("job", 25), buy("u", 12)])
        .then([debt(3), available(0)])
        .when(reverse("r", "job", 15))
        .then([
            debt(0),
            available(12),
            parts("grace:job", "available 12"),
            expires("grace:job", days(30)),
            from(Source::Adjustment, 12),
        ]);
}

#[test]
fn reversed_credits_repay_other_debt() {
    given([may_owe(20), top_up(50), reserve("job", 30), settle_as_reserved("job")])
        .and(reserve_kind("dear", "owing", 20))
        .and(settle("dear", 28))
        .then([debt(8), available(0)])
        .when(reverse_all("r", "job"))
        .then([debt(0), available(22), parts("top_up:t", "available 22, consumed 28")]);
}

#[test]
fn reversed_credits_of_a_revoked_grant_are_revoked() {
    given([top_up(50), reserve("job", 30), settle_as_reserved("job"), revoke("v", "top_up:t")])
        .when(reverse("r", "job", 10))
        .then([available(0), parts("top_up:t", "consumed 20, revoked 30")])
        .then(reversed("job", 10, "top_up:t 10"));
}

#[test]
fn a_reversed_charge_to_a_charged_back_purchase_reduces_the_debt() {
    given([top_up(50), reserve("job", 30), settle_as_reserved("job"), charge_back("c", "t")])
        .then([debt(30)])
        .and(reverse("r1", "job", 10))
        .then([debt(20), available(0), parts("top_up:t", "consumed 20, revoked 30")])
        .and(buy("u", 25))
        .then([debt(0), available(5)])
        .when(reverse_all("r2", "job"))
        .then([debt(0), available(25), parts("grace:job", "available 20")]);
}

#[test]
fn a_purchase_whose_charge_was_reversed_is_refundable() {
    given([top_up(50), reserve("job", 30), settle_as_reserved("job"), reverse_all("r", "job")])
        .when(refund("f", "t"))
        .then([done(), parts("top_up:t", "paid out 50")]);
}

#[test]
fn a_reversal_is_made_once() {
    given([top_up(50), reserve("job", 30), settle_as_reserved("job"), reverse("r", "job", 10)])
        .when(reverse("r", "job", 10))
        .then([replayed(), wrote_nothing(), available(30)])
        .when(reverse("r", "job", 11))
        .then([refused("IDEMPOTENCY_MISMATCH"), saying("fields", "amounts")])
        .when(settle_as_reserved("job"))
        .then([replayed()]);
}
