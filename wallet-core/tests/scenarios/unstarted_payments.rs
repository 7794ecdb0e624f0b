//! Payments for periods before which their subscription ended: they pay nothing, go back, or count for another period.

use wallet_core::refund::UsedCredits::Forgive;

use super::prelude::*;
use super::refunds_ahead::{back, february, sold};

/// Returns a subscription that ended in January, with February paid.
fn ended(steps: impl IntoIterator<Item = Step>) -> World {
    sold("small", [february("p", "in_2"), unsubscribe_now("x")].into_iter().chain(steps))
}

fn again() -> Step {
    subscribe("again", "small").invoiced("in_2", 1000)
}

#[test]
fn a_payment_ahead_goes_back_after_its_subscription_was_cancelled() {
    for by_start in [true, false] {
        let of_february = |id: &str, cents| match by_start {
            true => provider_refund_period(id, "2026-02-01", cents, Forgive),
            false => back(id, "in_2", cents),
        };
        ended([])
            .when(of_february("half", 500))
            .then([
                refused("INVALID_FIELD"),
                text("refunded_total: must be 1000 EUR (minor units), the whole price: the period has not begun"),
            ])
            .when(of_february("nothing", 0))
            .then([done(), replied(Some(0), 0)])
            .when(of_february("r", 1000))
            .then([done(), replied(Some(1000), 0), unsubscribed()])
            .when(of_february("r", 1000))
            .then([replayed()])
            .when(again())
            .then([refused("INVALID_FIELD")])
            .when(of_february("failed", 0))
            .then([done(), replied(Some(0), 0)])
            .when(again())
            .then([done(), plan("small"), available(100)]);
    }
}

#[test]
fn a_payment_ahead_without_a_reference_keeps_its_list_price_after_a_cancel() {
    let of_february = |id: &str, cents| provider_refund_period(id, "2026-02-01", cents, Forgive);
    sold("small", [pay("p"), unsubscribe_now("x")])
        .when(of_february("more", 4000))
        .then([refused("INVALID_FIELD")])
        .when(of_february("r", 1000))
        .then([done(), replied(Some(1000), 0)]);
    sold("small", [pay("p").referring("in_2"), unsubscribe_now("x")])
        .when(back("r", "in_2", 1000))
        .then([done(), replied(Some(1000), 0)]);
}

#[test]
fn a_payment_of_a_cancelled_subscription_counts_for_a_period_of_the_next_one() {
    ended([subscribe("again", "small").invoiced("in_5", 1000)])
        .when(pay("n").invoiced("in_2", 1000))
        .then([done(), paid_through("2026-03-01")])
        .when(pay("twice").invoiced("in_2", 1000))
        .then([replayed()])
        .when(back("r", "in_2", 1000))
        .then([done(), paid_through("2026-02-01")]);
}

#[test]
fn a_payment_ahead_that_was_refunded_with_its_subscription_pays_nothing() {
    sold("small", [february("p", "in_2")])
        .when(refund_subscription("f"))
        .then([gave_all_back("f", 2000)])
        .when(again())
        .then([refused("INVALID_FIELD"), unsubscribed()])
        .when(back("r", "in_2", 1000))
        .then([done(), replied(Some(1000), 0)])
        .when(back("failed", "in_2", 0))
        .then([done()])
        .when(again())
        .then([done(), plan("small")]);
}

#[test]
fn a_payment_ahead_of_a_closed_wallet_is_not_refunded() {
    sold("small", [february("p", "in_2"), close("z")])
        .when(back("r", "in_2", 1000))
        .then([refused("WALLET_CLOSED")]);
}
