//! RefundSubscription: the price of a year times the smaller of the unused shares of its credits and its time.

use wallet_core::refund::UsedCredits::Forgive;

use super::prelude::*;

/// Returns a wallet with a plan of 120 euros a year, 100 credits a month and a training a week, sold on 1 January
/// 2026.
fn yearly() -> World {
    given_catalog(&with_plans(), [subscribe("s", "annual")])
}

/// Returns the share of `left` days in a year of 365 days, in microseconds.
const fn of_year(left: i64) -> (i64, i64) {
    (left * 86_400_000_000, 365 * 86_400_000_000)
}

#[test]
fn an_unused_year_is_refunded_by_its_time() {
    yearly().and(until("2026-05-27")).when(refund_subscription("r")).then([
        wrote_last(EntryKind::SubscriptionRefunded),
        // 219 of 365 days are 60 %.
        gave_back("r", 7_200, (1, 1), of_year(219)),
        unsubscribed(),
        from(Source::Subscription, 0),
    ]);
}

#[test]
fn a_year_used_faster_than_it_passes_is_refunded_by_its_scarcest_unit() {
    yearly()
        .and(reserve("job", 100))
        .and(settle_as_reserved("job"))
        // 1,100 of 1,200 credits: 110.00 euros. The share of 364 of 365 days is larger.
        .and(until("2026-01-02"))
        .when(refund_subscription("r"))
        .then([gave_back("r", 11_000, (1_100, 1_200), of_year(364))]);
    yearly()
        .and(reserve_both("job", "both", 1, 1))
        .and(settle_as_reserved("job"))
        // 52 of 53 trainings is the smallest share: 117.73 euros, rounded down.
        .and(until("2026-01-02"))
        .when(refund_subscription("r"))
        .then([gave_back("r", 11_773, (52, 53), of_year(364))]);
}

#[test]
fn expired_credits_count_as_unused_and_held_ones_as_used() {
    yearly()
        .and(until("2026-03-01"))
        .and(reserve("job", 60).ttl(hours(24)))
        .when(refund_subscription("r"))
        .then([gave_back("r", 10_060, (1_140, 1_200), of_year(306)), state("job", State::Held), held(60)])
        .when(settle("job", 60))
        .then([state("job", State::Settled), charged("job", 60)]);
}

#[test]
fn revoked_credits_do_not_count_as_unused() {
    yearly()
        .and(until("2026-01-02"))
        .and(revoke("gone", "period:1.0.0"))
        // 1,100 of 1,200 credits: 110.00 euros. The share of 364 of 365 days is larger.
        .when(refund_subscription("r"))
        .then([gave_back("r", 11_000, (1_100, 1_200), of_year(364))]);
    yearly()
        .and(reserve("job", 60).ttl(hours(24)))
        .and(revoke("gone", "period:1.0.0"))
        .and(fail("job"))
        .and(until("2026-01-02"))
        .when(refund_subscription("r"))
        .then([gave_back("r", 11_000, (1_100, 1_200), of_year(364))]);
}

#[test]
fn charged_credits_of_earlier_windows_count_as_used() {
    yearly()
        .and(reserve("job", 100))
        .and(settle_as_reserved("job"))
        .and(until("2026-02-05"))
        .and(reserve("next", 100))
        .and(settle_as_reserved("next"))
        .and(until("2026-03-05"))
        .when(refund_subscription("r"))
        // 1,000 of 1,200 credits is a larger share than 302 of 365 days.
        .then([gave_back("r", 9_928, (1_000, 1_200), of_year(302))]);
}

#[test]
fn a_year_paid_ahead_is_refunded_in_full() {
    yearly()
        .and(pay("ahead").for_period("2027-01-01"))
        .and(until("2026-05-27"))
        .when(refund_subscription("r"))
        .then([gave_back("r", 7_200 + 12_000, (1, 1), of_year(219))]);
}

#[test]
fn without_a_rule_only_yearly_plans_with_a_price_are_refundable() {
    given_catalog(&with_plans(), [subscribe("s", "pro")])
        .when(refund_subscription("r"))
        .then(not_refundable("NOT_OFFERED"));
    given_catalog(&with_plans().replace("list_price", "# "), [subscribe("s", "annual")])
        .when(refund_subscription("r"))
        .then(not_refundable("NO_PRICE"));
    given([]).when(refund_subscription("r")).then([refused("SUBSCRIPTION_NOT_FOUND")]);
}

#[test]
fn a_subscription_is_refunded_once_and_the_reply_is_repeatable() {
    yearly()
        .and(until("2026-05-27"))
        .and(refund_subscription("r"))
        .and(subscribe("again", "annual"))
        .when(refund_subscription("r"))
        .then([replayed(), wrote_nothing(), gave_back("r", 7_200, (1, 1), of_year(219)), active()]);
}

#[test]
fn a_payment_of_an_earlier_subscription_is_not_refunded_again() {
    let first = || subscribe("s", "annual").invoiced("in_1", 12_000);
    let again = || subscribe("again", "annual").anchored("2026-01-01").invoiced("in_2", 12_000);
    let sold = || given_catalog(&with_plans(), [first()]);
    for ended in [refund_subscription("r1"), unsubscribe_now("x")] {
        sold().and(ended).and(again()).when(refund_subscription("r2")).then([gave_back(
            "r2",
            12_000,
            (1, 1),
            of_year(365),
        )]);
    }
}

#[test]
fn a_period_paid_ahead_in_an_earlier_subscription_is_not_refunded_again() {
    let ahead = |id, invoice| pay(id).for_period("2027-01-01").invoiced(invoice, 12_000);
    let again = || subscribe("again", "annual").anchored("2026-01-01");
    let twice = || {
        yearly().and(ahead("p", "in_1")).and(refund_subscription("r1")).and(again()).and(ahead("q", "in_2"))
    };
    twice().when(refund_subscription("r2")).then([gave("r2", 24_000)]);
    twice()
        .when(provider_refund_period("r2", "2027-01-01", 24_000, Forgive))
        .then([refused("INVALID_FIELD")])
        .when(provider_refund_period("r2", "2027-01-01", 12_000, Forgive))
        .then([done()]);
}

#[test]
fn a_refund_of_an_earlier_subscription_cannot_fail_after_another_sale() {
    let ahead = pay("p").for_period("2027-01-01").invoiced("in_1", 12_000);
    yearly()
        .and(ahead)
        .and(provider_refund_period("r1", "2027-01-01", 12_000, Forgive))
        .and(unsubscribe_now("x"))
        .and(subscribe("again", "annual").anchored("2026-01-01"))
        .when(provider_refund_period("r2", "2027-01-01", 0, Forgive))
        .then([refused("INVALID_FIELD"), paid_through("2027-01-01")]);
}
