//! Payments for periods that go back or return later than expected: after many other payments, after another sale, or because a
//! refund failed.

use wallet_core::refund::UsedCredits::Forgive;
use wallet_core::wallet::WalletStatus::{Active, Suspended};

use super::prelude::*;

/// A month for 10.00, and a better one for 15.00, which renew with their payments.
const MONTH: &str = r#"
    [[plans]]
    id = "month"
    rank = 4
    term = "MONTH"
    renewal = "ON_PAYMENT"
    list_price = { currency = "EUR", minor_units = 1000 }
    allowances = [{ unit = "credits", amount = 100 }]
    refund = { window = "20d", partial = "UNUSED" }

    [[plans]]
    id = "better"
    rank = 6
    term = "MONTH"
    renewal = "ON_PAYMENT"
    list_price = { currency = "EUR", minor_units = 1500 }
    allowances = [{ unit = "credits", amount = 150 }]
    refund = { window = "20d", partial = "UNUSED" }
"#;

/// Returns a subscription that began on 1 January 2026 and was paid with in_1.
fn month(steps: impl IntoIterator<Item = Step>) -> World {
    let plans = plans_without_free_credits();
    let first = subscribe("s", "month").invoiced("in_1", 1000);
    given_catalog(&format!("{plans}{MONTH}{YEAR}"), [first].into_iter().chain(steps))
}

/// A year for 1,200.00.
const YEAR: &str = r#"
    [[plans]]
    id = "year"
    rank = 5
    term = "YEAR"
    list_price = { currency = "EUR", minor_units = 120000 }
    allowances = [{ unit = "credits", amount = 12000 }]
    refund = { window = "20d", partial = "UNUSED" }

    [[plans]]
    id = "weekly"
    rank = 1
    term = "WEEK"
    allowances = [{ unit = "credits", amount = 10 }]
    refund = { window = "20d" }
"#;

fn february(id: &str, invoice: &str) -> Step {
    pay(id).for_period("2026-02-01").invoiced(invoice, 1000)
}

fn back(id: &str, invoice: &str, cents: i64) -> Step {
    provider_refund_reference(id, invoice, cents, Forgive)
}

fn again() -> Step {
    subscribe("again", "month").anchored("2026-01-01").invoiced("in_1", 1000)
}

/// Returns the wallet after 24 more payments, which are all that it remembers.
fn after_24_payments(world: World) -> World {
    let year = |of: &'static str| {
        (0..12).map(move |n| pay(&format!("{of}{n}")).invoiced(&format!("in_{of}{n}"), 1000))
    };
    let world = year("a").fold(world, World::and).and(until("2027-01-15"));
    year("b").fold(world, World::and)
}

#[test]
fn a_replay_names_a_payment_that_was_forgotten_since() {
    let refunded = month([back("r", "in_1", 400)]);
    after_24_payments(refunded)
        .when(back("r", "in_1", 400))
        .then([replayed(), replied(Some(400), 0), wrote_nothing()])
        .when(back("r", "in_other", 400))
        .then([refused("IDEMPOTENCY_MISMATCH")])
        .when(back("other", "in_1", 400))
        .then([done(), replied(Some(400), 0)]);
    let charged_back = month([charge_back_period("c", "2026-01-01")]);
    after_24_payments(charged_back)
        .when(charge_back_reference("c", "in_1"))
        .then([replayed()])
        .when(win_reference("w", "in_1"))
        .then([done(), status(Active)])
        .when(win_reference("w", "in_1"))
        .then([replayed(), wrote_nothing()]);
    let paid = month([february("p", "in_2"), back("r", "in_2", 1000)]);
    after_24_payments(paid)
        .when(february("p", "in_2"))
        .then([replayed()])
        .when(back("r", "in_2", 1000))
        .then([replayed(), replied(Some(1000), 0)]);
}

#[test]
fn a_replay_is_about_the_earlier_sale_after_its_payment_is_carried_over() {
    month([back("r", "in_1", 400), unsubscribe_now("x"), again()])
        .when(back("r", "in_1", 400))
        .then([replayed(), parts("period:2.0.0", "available 100")])
        .when(back("q", "in_1", 400))
        .then([done(), parts("period:2.0.0", "available 60, paid out 40")]);
}

#[test]
fn a_won_dispute_by_a_payment_carried_over_is_about_the_chargeback_of_it() {
    for charged_back in [charge_back_period("c", "2026-01-01"), charge_back_reference("c", "in_1")] {
        month([charged_back, unsubscribe_now("x"), again()])
            .when(win_reference("w", "in_1"))
            .then([done(), status(Active), parts("period:1.0.0", "available 100")])
            .when(win_reference("twice", "in_1"))
            .then([refused("NOT_CHARGED_BACK")]);
    }
    // The later sale was charged back with the same payment.
    month([
        charge_back_reference("c", "in_1"),
        unsubscribe_now("x"),
        again(),
        charge_back_reference("d", "in_1"),
    ])
    .when(win_reference("w", "in_1"))
    .then([done(), status(Suspended), parts("period:2.0.0", "available 100")])
    .when(win_reference("v", "in_1"))
    .then([done(), status(Active), parts("period:2.0.0", "available 100")]);
}

#[test]
fn a_refund_that_failed_is_recorded_twice_for_the_sale_that_it_was_of() {
    let by_start = |id: &str, cents| provider_refund_period(id, "2026-01-01", cents, Forgive);
    let by_reference = |id: &str, cents| back(id, "in_1", cents);
    for back in [&by_start as &dyn Fn(&str, i64) -> Step, &by_reference] {
        month([back("r", 400), unsubscribe_now("x"), again(), back("failed", 0)])
            .when(back("twice", 0))
            .then([done(), parts("period:2.0.0", "available 100")])
            .when(back("twice", 0))
            .then([replayed()])
            // Any other total is about the later sale.
            .when(back("q", 400))
            .then([done(), parts("period:2.0.0", "available 60, paid out 40")])
            .when(back("failed-again", 0))
            .then([done(), parts("period:2.0.0", "available 100")]);
    }
}

#[test]
fn a_failed_refund_of_a_payment_ahead_takes_the_end_back_to_where_it_was() {
    let refunded = || month([february("p", "in_2"), unsubscribe("x"), back("r", "in_2", 1000)]);
    refunded()
        .then([pending("end"), pending_on("2026-02-01")])
        .when(back("failed", "in_2", 0))
        .then([done(), paid_through("2026-03-01"), pending("end"), pending_on("2026-03-01")])
        .and(until("2026-02-01"))
        .then([available(100)])
        .and(until("2026-03-01"))
        .then([unsubscribed()]);
    // The cancel came later: a subscription ends with what is paid.
    month([february("p", "in_2"), back("r", "in_2", 1000), unsubscribe("x")])
        .when(back("failed", "in_2", 0))
        .then([done(), pending("end"), pending_on("2026-03-01")]);
    let march = pay("q").for_period("2026-03-01").invoiced("in_3", 1000);
    month([february("p", "in_2"), march, unsubscribe("x"), back("r", "in_3", 1000), back("t", "in_2", 1000)])
        .when(back("first", "in_2", 0))
        .then([done(), pending("end"), pending_on("2026-03-01")])
        .when(back("second", "in_3", 0))
        .then([done(), pending("end"), pending_on("2026-04-01")]);
    refunded().and(resume("u")).when(back("failed", "in_2", 0)).then([
        done(),
        paid_through("2026-03-01"),
        pending("nothing"),
    ]);
}

#[test]
fn a_failed_refund_revives_the_payment_that_it_had_taken_and_no_other() {
    let of_february = |id: &str, cents| provider_refund_period(id, "2026-02-01", cents, Forgive);
    let other = || pay("q").for_period("2026-02-01").invoiced("in_4", 1500);
    let refunded =
        || month([february("p", "in_2"), back("r", "in_2", 1000), other(), of_february("t", 1500)]);
    refunded()
        .and(of_february("failed", 0))
        .then([paid_through("2026-03-01")])
        .when(of_february("one", 1000))
        .then([refused("INVALID_FIELD")])
        .when(of_february("both", 2500))
        .then([refused("INVALID_FIELD")])
        .when(of_february("last", 1500))
        .then([done(), paid_through("2026-02-01")]);
    refunded()
        .and(back("failed", "in_2", 0))
        .when(of_february("last", 1500))
        .then([refused("INVALID_FIELD")])
        .when(of_february("first", 1000))
        .then([done(), paid_through("2026-02-01")]);
}

#[test]
fn a_payment_ahead_is_carried_over_to_the_terms_that_begin_instead() {
    let year = |cents| change_plan("c", "year").invoiced("in_3", cents);
    let paid_ahead = || month([wait(days(1)), february("p", "in_2")]);
    // The platform counts the 10.00 of February towards the year, or charges the whole beside them.
    for (charged, paid) in [(119_000, 120_000), (120_000, 121_000)] {
        paid_ahead().and(year(charged)).when(refund_subscription("r")).then([gave_all_back("r", paid)]);
    }
    // The list price of the year includes what was paid before.
    paid_ahead()
        .and(change_plan("c", "year"))
        .when(refund_subscription("r"))
        .then([gave_all_back("r", 120_000)]);
    // A replay of the payment, and news about it, are about the year.
    paid_ahead()
        .and(year(119_000))
        .when(february("again", "in_2"))
        .then([replayed(), wrote_nothing()])
        .when(back("r", "in_2", 1000))
        .then([done(), available(12_000)])
        .when(back("too-much", "in_2", 120_001))
        .then([refused("INVALID_FIELD")]);
}

#[test]
fn list_prices_of_payments_ahead_are_carried_over_too() {
    let week = || change_plan("c", "weekly").at_once();
    month([pay("p"), pay("q"), wait(days(1)), week()])
        .when(refund_subscription("r"))
        .then([gave_all_back("r", 2000)]);
    // A payment for the week alone counts beside them, once.
    month([pay("p").invoiced("in_2", 1000), wait(days(1)), week()])
        .and(pay("w").invoiced("in_3", 300))
        .when(refund_subscription("r"))
        .then([gave_all_back("r", 1300)]);
    month([pay("p").invoiced("in_2", 1000), wait(days(1)), week().invoiced("in_2", 1000)])
        .when(refund_subscription("r"))
        .then([gave_all_back("r", 1000)]);
}

#[test]
fn a_total_of_0_by_the_start_means_the_last_refund_and_not_the_last_payment() {
    let of_february = |id: &str, cents| provider_refund_period(id, "2026-02-01", cents, Forgive);
    let other = pay("q").for_period("2026-02-01").invoiced("in_3", 1500);
    let both = [february("p", "in_2"), back("r", "in_2", 1000), other, back("t", "in_3", 1500)];
    // The first refund failed, and its payment was refunded once more.
    let once_more = [back("failed", "in_2", 0), of_february("last", 1000)];
    month(both.into_iter().chain(once_more))
        .and(of_february("last-failed", 0))
        .then([paid_through("2026-03-01")])
        .when(of_february("of-the-other", 1500))
        .then([refused("INVALID_FIELD")])
        .when(of_february("again", 1000))
        .then([done(), paid_through("2026-02-01")]);
}

#[test]
fn a_refund_that_failed_is_not_about_a_later_sale_that_was_charged_back() {
    let by_start = provider_refund_period("failed", "2026-01-01", 0, Forgive);
    for failed in [by_start, back("failed", "in_1", 0)] {
        month([back("r", "in_1", 400), unsubscribe_now("x"), again(), charge_back_period("c", "2026-01-01")])
            .when(failed.clone())
            .then([done(), replied(Some(0), 0), parts("period:2.0.0", "paid out 100")])
            .when(failed)
            .then([replayed()]);
    }
    // No other sale has a refund.
    month([charge_back_period("c", "2026-01-01")])
        .when(back("failed", "in_1", 0))
        .then([refused("NOT_REFUNDABLE")]);
}

#[test]
fn a_failed_refund_ahead_puts_another_term_off_again_in_any_order() {
    let march = pay("q").for_period("2026-03-01").invoiced("in_3", 1000);
    let both_back = [back("r", "in_3", 1000), back("t", "in_2", 1000)];
    let steps = [february("p", "in_2"), march, change_plan("c", "year").at_the_end()];
    month(steps.into_iter().chain(both_back))
        .then([pending_on("2026-02-01")])
        .when(back("first", "in_3", 0))
        .then([done(), pending_on("2026-04-01"), paid_through("2026-04-01")])
        .when(back("second", "in_2", 0))
        .then([done(), pending_on("2026-04-01")])
        .and(until("2026-03-02"))
        .then([plan("month"), available(100)]);
}

#[test]
fn a_refund_ahead_fails_while_an_earlier_period_is_provisional() {
    let plans = format!("{}{}", with_plans(), MONTH.replace("ON_PAYMENT", "PROVISIONAL"));
    let march = pay("q").for_period("2026-03-01").invoiced("in_3", 1000);
    let refunded = [subscribe("s", "month"), march, back("r", "in_3", 1000), until("2026-02-01")];
    given_catalog(&plans, refunded)
        .then([provisional()])
        .when(back("failed", "in_3", 0))
        .then([done(), provisional(), paid_through("2026-04-01")])
        .and(pay("f").for_period("2026-02-01"))
        .and(until("2026-03-01"))
        .then([active(), period("2026-03-01", "2026-04-01")]);
}

#[test]
fn a_payment_counts_for_one_period_of_a_subscription() {
    let of = |id: &str, start: &str, cents| provider_refund_period(id, start, cents, Forgive);
    let upgrade = |id: &str| change_plan(id, "better").at_once();
    // The upgrade is recorded again under another id.
    month([upgrade("c").invoiced("in_3", 500), upgrade("d").invoiced("in_3", 500), february("q", "in_4")])
        .when(of("too-much", "2026-02-01", 1500))
        .then([refused("INVALID_FIELD")])
        .when(of("r", "2026-02-01", 1000))
        .then([done(), paid_through("2026-02-01")]);
    // The upgrade names the payment of February.
    month([february("p", "in_2"), upgrade("c").invoiced("in_2", 1000)])
        .when(of("too-much", "2026-01-01", 1001))
        .then([refused("INVALID_FIELD")])
        .when(of("all", "2026-02-01", 1000))
        .then([done(), paid_through("2026-02-01")]);
}
