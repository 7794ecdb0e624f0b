//! RecordPayment with a plan that renews by the clock: nothing waits for the payment, and it is counted once.

use wallet_core::refund::UsedCredits::Forgive;

use super::prelude::*;

/// Returns a wallet with a plan of 120.00 a year that renews by the clock, sold on 1 January 2026.
fn yearly(steps: impl IntoIterator<Item = Step>) -> World {
    given_catalog(&with_plans(), [subscribe("s", "annual")].into_iter().chain(steps))
}

#[test]
fn a_payment_without_a_reference_that_is_recorded_twice_pays_no_other_period() {
    yearly([pay("invoice").of_cents(11_000)])
        .then([paid_through("2027-01-01"), wrote(&[EntryKind::PaymentRecorded])])
        .when(pay("again").of_cents(11_000))
        .then([refused("PERIOD_PAID"), saying("period_start_time", "2026-01-01T00:00:00Z")])
        .then([saying("next_start_time", "2027-01-01T00:00:00Z"), wrote_nothing()])
        .when(refund_subscription("r"))
        .then([gave("r", 11_000)]);
    yearly([])
        .when(pay("first"))
        .then([refused("PERIOD_PAID"), wrote_nothing(), paid_through("2027-01-01")])
        .when(refund_subscription("r"))
        .then([gave("r", 12_000)]);
}

#[test]
fn the_invoice_of_a_renewal_is_that_of_the_period_that_has_begun() {
    let sold = subscribe("s", "annual").invoiced("in_1", 9_000);
    given_catalog(&with_plans(), [sold])
        .when(pay("webhook").invoiced("in_1", 9_000))
        .then([replayed(), wrote_nothing()])
        .and(until("2027-01-02"))
        .when(pay("renewal").invoiced("in_2", 10_000))
        .then([done(), paid_through("2028-01-01"), active()])
        .when(pay("twice").invoiced("in_2", 10_000))
        .then([replayed(), wrote_nothing()])
        .when(pay("unknown").of_cents(10_000))
        .then([refused("PERIOD_PAID")])
        .when(refund_subscription("r"))
        // 364 of 365 days.
        .then([gave("r", 9_972)]);
}

#[test]
fn a_further_payment_with_a_reference_of_its_own_is_for_the_next_period() {
    yearly([pay("first").invoiced("in_1", 9_000), pay("ahead").invoiced("in_2", 10_000)])
        .then([paid_through("2028-01-01")])
        .when(refund_subscription("r"))
        .then([gave("r", 19_000)]);
}

#[test]
fn the_present_period_can_be_named_once() {
    let present = |id: &str| pay(id).for_period("2026-01-01");
    yearly([])
        .when(present("p"))
        .then([refused("PERIOD_PAID")])
        .when(present("p").invoiced("in_1", 9_000))
        .then([done(), paid_through("2027-01-01")])
        .when(present("q").invoiced("in_2", 9_000))
        .then([refused("PERIOD_PAID")])
        .when(charge_back_reference("c", "in_1"))
        .then([done(), available_of("trainings", 0)]);
}

#[test]
fn a_payment_before_a_plan_that_waits_for_payments_is_for_its_first_period() {
    let sold = [subscribe("s", "pro"), change_plan("c", "prepaid"), pay("p")];
    given_catalog(&with_plans(), sold).and(until("2026-02-01")).when(process_due()).then([
        plan("prepaid"),
        active(),
        paid_through("2026-03-01"),
    ]);
}

#[test]
fn a_payment_after_a_cancel_is_refused_unless_it_is_for_the_present_period() {
    yearly([unsubscribe("x")])
        .when(pay("late").of_cents(11_000))
        .then([done(), pending_on("2027-01-01")])
        .when(pay("more").of_cents(11_000))
        .then([refused("SUBSCRIPTION_ENDS")])
        .when(pay("other").invoiced("in_3", 11_000))
        .then([refused("SUBSCRIPTION_ENDS")]);
}

#[test]
fn a_payment_that_was_refunded_ahead_leaves_the_period_to_the_next_one() {
    let refunded_ahead = [
        pay("a").for_period("2027-01-01").invoiced("in_2", 12_000),
        provider_refund_reference("b", "in_2", 12_000, Forgive),
        until("2027-01-02"),
    ];
    let refunded = || yearly(refunded_ahead.clone());
    refunded().when(pay("c").invoiced("in_3", 12_000)).then([done(), paid_through("2028-01-01")]);
    refunded()
        .when(pay("c"))
        .then([done(), paid_through("2028-01-01")])
        .when(pay("d"))
        .then([refused("PERIOD_PAID")])
        .when(refund_subscription("f"))
        // 364 of 365 days of the list price.
        .then([gave("f", 11_967)]);
}

#[test]
fn a_period_whose_payment_was_refunded_ahead_is_not_refunded_again() {
    let ahead = |id: &str, cents| provider_refund_period(id, "2027-01-01", cents, Forgive);
    let refunded = || {
        let paid = pay("a").for_period("2027-01-01").invoiced("in_2", 9_000);
        yearly([paid, ahead("b", 9_000), until("2027-01-02")])
    };
    refunded()
        .then([active(), paid_through("2028-01-01")])
        .when(refund_subscription("f"))
        .then(not_refundable("ALREADY_REFUNDED"))
        .when(ahead("failed", 0))
        .then([done()])
        .when(refund_subscription("f"))
        // 364 of 365 days of what was paid.
        .then([gave("f", 8_975)]);
    let paid_again = pay("c").for_period("2027-01-01");
    yearly([pay("a").for_period("2027-01-01"), ahead("b", 12_000), paid_again, until("2027-01-02")])
        .when(refund_subscription("f"))
        .then([gave("f", 11_967)]);
}
