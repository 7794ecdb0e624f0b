//! A plan that is sold again for a period that an earlier subscription had. The payments, credits and refunds of the
//! two periods are separate, although both start at the same instant.

use wallet_core::refund::UsedCredits::{Forgive, Owe};
use wallet_core::wallet::WalletStatus::{Active, Suspended};

use super::prelude::*;

/// A month for 10.00 and a year for 1,200.00, which can be refunded in part.
const PRICED: &str = r#"
    [[plans]]
    id = "month"
    rank = 4
    term = "MONTH"
    list_price = { currency = "EUR", minor_units = 1000 }
    allowances = [{ unit = "credits", amount = 100 }]
    refund = { window = "20d", partial = "UNUSED" }

    [[plans]]
    id = "year"
    rank = 5
    term = "YEAR"
    list_price = { currency = "EUR", minor_units = 120000 }
    allowances = [{ unit = "credits", amount = 12000 }]
    refund = { window = "20d", partial = "UNUSED" }
"#;

fn sold(steps: impl IntoIterator<Item = Step>) -> World {
    let plans = plans_without_free_credits();
    let first = subscribe("s", "month").invoiced("in_1", 1000);
    given_catalog(&format!("{plans}{PRICED}"), [first].into_iter().chain(steps))
}

/// Returns a wallet that has used 70 of 100 credits of January, has cancelled, and has bought January once more.
fn sold_again() -> World {
    let again = subscribe("again", "month").anchored("2026-01-01").invoiced("in_2", 1000);
    sold([reserve("job", 70), settle_as_reserved("job"), unsubscribe_now("x"), again])
}

#[test]
fn a_chargeback_of_the_later_sale_leaves_the_credits_of_the_earlier_one() {
    sold_again()
        .when(charge_back_period("c", "2026-01-01"))
        .then([done(), debt(0), status(Suspended)])
        .then([parts("period:1.0.0", "consumed 70, expired 30"), parts("period:2.0.0", "paid out 100")])
        .when(reverse("v", "job", 20))
        .then([parts("period:1.0.0", "consumed 50, expired 50"), available(20)]);
}

#[test]
fn a_refund_of_the_later_sale_leaves_the_credits_of_the_earlier_one() {
    sold_again().when(provider_refund_period("r", "2026-01-01", 1000, Owe)).then([
        done(),
        debt(0),
        parts("period:2.0.0", "paid out 100"),
    ]);
    sold_again()
        .when(provider_refund_period("r", "2026-01-01", 500, Forgive))
        .then([done(), parts("period:2.0.0", "available 50, paid out 50")]);
}

#[test]
fn a_refund_of_the_earlier_subscription_is_none_of_the_later_one() {
    let again = || subscribe("again", "month").anchored("2026-01-01").invoiced("in_2", 1000);
    let refunded = || sold([refund_subscription("f"), again()]);
    refunded()
        .when(provider_refund_period("r", "2026-01-01", 500, Forgive))
        .then([done(), available(50)])
        .when(provider_refund_reference("first", "in_1", 500, Forgive))
        .then(not_refundable("ALREADY_REFUNDED"));
    refunded().when(refund_subscription("g")).then([gave_all_back("g", 1000)]);
    sold([provider_refund_period("r", "2026-01-01", 1000, Forgive), unsubscribe_now("x"), again()])
        .then([available(100)])
        .when(refund_subscription("g"))
        .then([gave_all_back("g", 1000)]);
}

#[test]
fn the_reference_of_a_payment_names_the_period_of_the_earlier_sale() {
    sold_again()
        .when(charge_back_reference("c", "in_1"))
        // The credits of the later sale repay the debt.
        .then([done(), debt(0), available(30), parts("period:2.0.0", "available 30, consumed 70")])
        .when(charge_back_reference("d", "in_2"))
        .then([done(), debt(70), parts("period:2.0.0", "consumed 70, paid out 30")])
        .when(win_reference("w", "in_1"))
        .then([done(), debt(0), status(Suspended)])
        .when(win_reference("twice", "in_1"))
        .then([refused("NOT_CHARGED_BACK")]);
}

#[test]
fn a_repeated_request_is_about_the_period_that_it_was_about_before() {
    let again = || subscribe("again", "month").anchored("2026-01-01");
    let charged_back = |id: &str| charge_back_period(id, "2026-01-01");
    sold([charged_back("c"), unsubscribe_now("x"), again()])
        .when(charged_back("c"))
        .then([replayed(), wrote_nothing()])
        .when(charged_back("d"))
        .then([done(), parts("period:2.0.0", "paid out 100")])
        .when(charge_back_reference("d", "in_1"))
        .then([refused("IDEMPOTENCY_MISMATCH"), saying("fields", "period_start_time")])
        .when(charge_back_reference("c", "in_1"))
        .then([replayed()])
        .when(win_reference("w", "in_1"))
        .then([done()])
        .when(win_period("w", "2026-01-01"))
        .then([replayed()]);
}

#[test]
fn credits_of_an_earlier_subscription_are_not_used_ones_of_the_present_one() {
    sold_again().when(refund_subscription("r")).then([gave_all_back("r", 1000)]);
}

#[test]
fn credits_used_before_a_change_of_term_count_as_used() {
    let year = change_plan("c", "year").invoiced("in_2", 120_000);
    sold([reserve("job", 10), settle_as_reserved("job"), year])
        .when(refund_subscription("r"))
        // 12,090 of 12,100 credits are left, and 1,210.00 were paid.
        .then([gave("r", 120_900)]);
}

#[test]
fn a_refund_ahead_of_an_earlier_subscription_leaves_the_later_one_paid() {
    let ahead = |id: &str, invoice| pay(id).for_period("2026-02-01").invoiced(invoice, 1000);
    let again = || subscribe("again", "month").anchored("2026-01-01");
    sold([ahead("p", "in_2"), unsubscribe_now("x"), again(), ahead("q", "in_3")])
        .when(provider_refund_reference("of-the-first", "in_2", 1000, Forgive))
        .then([done(), paid_through("2026-03-01")])
        .when(provider_refund_reference("r", "in_3", 1000, Forgive))
        .then([done(), paid_through("2026-02-01")]);
}

#[test]
fn a_payment_that_is_carried_over_is_that_of_the_later_sale() {
    let again = || subscribe("again", "month").anchored("2026-01-01").invoiced("in_1", 1000);
    let carried_over = || sold([unsubscribe_now("x"), again()]);
    carried_over().when(charge_back_reference("c", "in_1")).then([
        done(),
        parts("period:1.0.0", "expired 100"),
        parts("period:2.0.0", "paid out 100"),
    ]);
    carried_over()
        .when(provider_refund_reference("r", "in_1", 400, Forgive))
        .then([done(), parts("period:2.0.0", "available 60, paid out 40")]);
}

#[test]
fn a_payment_refunded_ahead_and_recorded_again_leaves_the_one_that_replaced_it() {
    let february = |id: &str, invoice| pay(id).for_period("2026-02-01").invoiced(invoice, 1000);
    let back = |id: &str, cents| provider_refund_reference(id, "in_2", cents, Forgive);
    let replaced = || sold([february("p", "in_2"), back("r", 1000), february("q", "in_3")]);
    replaced()
        .when(back("again", 1000))
        .then([done(), paid_through("2026-03-01")])
        .when(back("failed", 0))
        .then([done(), paid_through("2026-03-01")])
        .when(back("other", 500))
        .then(not_refundable("ALREADY_REFUNDED"));
    replaced()
        .and(until("2026-02-02"))
        .when(back("again", 1000))
        .then([done(), available(100)])
        .when(charge_back_reference("c", "in_2"))
        .then(not_refundable("ALREADY_REFUNDED"))
        .when(charge_back_reference("d", "in_3"))
        .then([done(), available(0)]);
}

#[test]
fn a_won_dispute_by_start_is_about_the_period_that_is_charged_back() {
    let again = || subscribe("again", "month").anchored("2026-01-01").invoiced("in_2", 1000);
    sold([charge_back_period("c", "2026-01-01"), unsubscribe_now("x"), again()])
        .when(win_period("w", "2026-01-01"))
        .then([done(), status(Active)])
        .when(win_period("w", "2026-01-01"))
        .then([replayed()])
        .when(win_period("twice", "2026-01-01"))
        .then([refused("NOT_CHARGED_BACK")]);
}

#[test]
fn a_failed_refund_by_start_is_about_the_period_that_was_refunded() {
    let again = || subscribe("again", "month").anchored("2026-01-01").invoiced("in_2", 1000);
    let back = |id: &str, cents| provider_refund_period(id, "2026-01-01", cents, Forgive);
    sold([back("r", 1000), unsubscribe_now("x"), again()])
        .when(back("failed", 0))
        .then([done(), parts("period:1.0.0", "available 100")])
        .when(back("failed", 0))
        .then([replayed()]);
}
