//! Payments that were refunded before their period began, and refunds of them that failed or are recorded again.

use wallet_core::Command;
use wallet_core::refund::UsedCredits::Forgive;

use super::prelude::*;

/// A dear month and a cheap one, two months, and a week, which renew with their payments; months that renew by the clock.
const PLANS: &str = r#"
    [[plans]]
    id = "large"
    rank = 6
    term = "MONTH"
    renewal = "ON_PAYMENT"
    list_price = { currency = "EUR", minor_units = 4000 }
    allowances = [{ unit = "credits", amount = 400 }]
    refund = { window = "20d", partial = "UNUSED" }

    [[plans]]
    id = "small"
    rank = 4
    term = "MONTH"
    renewal = "ON_PAYMENT"
    list_price = { currency = "EUR", minor_units = 1000 }
    allowances = [{ unit = "credits", amount = 100 }]
    refund = { window = "20d", partial = "UNUSED" }

    [[plans]]
    id = "two"
    rank = 4
    term = "2 MONTH"
    list_price = { currency = "EUR", minor_units = 2000 }
    allowances = [{ unit = "credits", amount = 200 }]
    refund = { window = "20d", partial = "UNUSED" }

    [[plans]]
    id = "weekly"
    rank = 3
    term = "WEEK"
    renewal = "ON_PAYMENT"
    list_price = { currency = "EUR", minor_units = 300 }
    allowances = [{ unit = "credits", amount = 30 }]
    refund = { window = "20d", partial = "UNUSED" }

    [[plans]]
    id = "clock"
    rank = 4
    term = "MONTH"
    list_price = { currency = "EUR", minor_units = 1000 }
    allowances = [{ unit = "credits", amount = 100 }]
    refund = { window = "20d", partial = "UNUSED" }

    [[plans]]
    id = "unpriced"
    rank = 4
    term = "MONTH"
    allowances = [{ unit = "credits", amount = 100 }]
    refund = { window = "20d", partial = "UNUSED" }

    [[plans]]
    id = "bare"
    rank = 4
    term = "MONTH"
    list_price = { currency = "EUR", minor_units = 1000 }
    refund = { window = "20d", partial = "UNUSED" }
"#;

/// Returns a subscription that began on 1 January 2026.
pub(super) fn sold(plan: &str, steps: impl IntoIterator<Item = Step>) -> World {
    let plans = plans_without_free_credits();
    given_catalog(&format!("{plans}{PLANS}"), [subscribe("s", plan)].into_iter().chain(steps))
}

/// A payment for the period that starts on this day.
pub(super) fn paid(id: &str, date: &str, invoice: &str, cents: i64) -> Step {
    pay(id).for_period(date).invoiced(invoice, cents)
}

pub(super) fn february(id: &str, invoice: &str) -> Step {
    paid(id, "2026-02-01", invoice, 1000)
}

pub(super) fn back(id: &str, invoice: &str, cents: i64) -> Step {
    provider_refund_reference(id, invoice, cents, Forgive)
}

#[test]
fn a_failed_refund_leaves_a_change_of_plan_before_the_period_that_was_paid_for_it() {
    let change = || change_plan("c", "small").at_the_end();
    sold("large", [change(), february("p", "in_2"), back("r", "in_2", 1000)])
        .when(back("failed", "in_2", 0))
        .then([done(), pending_on("2026-02-01"), paid_through("2026-03-01")])
        .and(until("2026-02-01"))
        .when(process_due())
        .then([plan("small"), active(), available(100)]);
    // February was paid for the old plan, and March for the new one.
    let both = || {
        let paid = [paid("p", "2026-02-01", "in_2", 4000), change(), paid("q", "2026-03-01", "in_3", 1000)];
        sold("large", paid.into_iter().chain([back("r", "in_3", 1000), back("t", "in_2", 4000)]))
            .then([pending_on("2026-02-01"), paid_through("2026-02-01")])
    };
    for failed in [[("in_3", 0), ("in_2", 0)], [("in_2", 0), ("in_3", 0)]] {
        let failed = failed.map(|(invoice, cents)| back(&format!("failed-{invoice}"), invoice, cents));
        failed
            .into_iter()
            .fold(both(), World::and)
            .then([pending_on("2026-03-01"), paid_through("2026-04-01")])
            .and(until("2026-02-02"))
            .then([plan("large"), available(400)])
            .and(until("2026-03-02"))
            .then([plan("small"), available(100)]);
    }
    // The new plan was paid for another period since, and keeps it.
    both().and(paid("n", "2026-02-01", "in_4", 1000)).when(back("failed", "in_3", 0)).then([
        done(),
        pending_on("2026-02-01"),
        paid_through("2026-04-01"),
    ]);
}

#[test]
fn a_change_of_plan_after_a_refund_waits_if_the_refund_failed() {
    let refunded = [paid("p", "2026-02-01", "in_2", 4000), back("r", "in_2", 4000)];
    sold("large", refunded.into_iter().chain([change_plan("c", "small").at_the_end()]))
        .then([pending_on("2026-02-01")])
        .when(back("failed", "in_2", 0))
        .then([done(), pending_on("2026-03-01"), paid_through("2026-03-01")])
        .and(until("2026-02-02"))
        .then([plan("large"), available(400)]);
}

#[test]
fn a_payment_whose_period_another_one_pays_can_be_recorded_for_another_period() {
    let replaced = || {
        sold("small", [february("p", "in_2"), back("r", "in_2", 1000), february("q", "in_3")])
            .and(back("failed", "in_2", 0))
            .then([paid_through("2026-03-01")])
    };
    replaced()
        .when(pay("n").invoiced("in_2", 1000))
        .then([done(), paid_through("2026-04-01")])
        .when(pay("again").invoiced("in_2", 1000))
        .then([replayed()])
        .when(back("of-march", "in_2", 1000))
        .then([done(), paid_through("2026-03-01")]);
    // The refund succeeds after all.
    replaced()
        .when(back("succeeded", "in_2", 1000))
        .then([done(), replied(Some(1000), 0), paid_through("2026-03-01")])
        .when(pay("n").invoiced("in_2", 1000))
        .then([refused("INVALID_FIELD")]);
    // The other payment goes back too, so that the period waits for one.
    replaced()
        .and(back("t", "in_3", 1000))
        .when(back("failed-again", "in_2", 0))
        .then([done(), paid_through("2026-03-01")])
        .when(pay("n").invoiced("in_2", 1000))
        .then([replayed()]);
}

#[test]
fn the_start_of_a_period_names_the_failed_refund_of_a_replaced_payment() {
    let by_start = |id: &str, cents| provider_refund_period(id, "2026-02-01", cents, Forgive);
    let replaced = || sold("small", [february("p", "in_2"), back("r", "in_2", 1000), february("q", "in_3")]);
    let next = || pay("n").invoiced("in_2", 1000);
    replaced().when(next()).then([refused("INVALID_FIELD")]);
    for day in ["2026-01-02", "2026-02-02"] {
        replaced()
            .and(until(day))
            .when(by_start("failed", 0))
            .then([done(), replied(Some(0), 0), available(100), paid_through("2026-03-01")])
            .when(by_start("failed-again", 0))
            .then([done()])
            .when(next())
            .then([done(), paid_through("2026-04-01")])
            .when(by_start("of-the-other", 1000))
            .then([done()]);
    }
    // The refund of the other payment is the last one.
    replaced()
        .and(until("2026-02-02"))
        .and(by_start("of-the-other", 400))
        .then([available(60)])
        .when(by_start("failed", 0))
        .then([done(), available(100)])
        .when(by_start("failed-again", 0))
        .then([done()])
        .when(next())
        .then([refused("INVALID_FIELD")]);
}

#[test]
fn a_period_without_credits_that_began_by_the_clock_keeps_its_payment() {
    let begun = || sold("bare", [february("p", "in_2"), back("r", "in_2", 1000), until("2026-02-02")]);
    let on_payment = || begun().and(change_plan("c", "small").at_once());
    for passed in [begun().and(until("2026-03-02")), begun(), on_payment().and(until("2026-03-02"))] {
        passed
            .when(back("failed", "in_2", 0))
            .then([done()])
            .when(pay("twice").invoiced("in_2", 1000))
            .then([replayed()]);
    }
}

#[test]
fn a_payment_whose_period_has_begun_unpaid_can_be_recorded_again() {
    let refunded = [february("p", "in_2"), back("r", "in_2", 1000), until("2026-02-02")];
    let failed = || sold("small", refunded.clone()).and(back("failed", "in_2", 0)).then([past_due()]);
    failed()
        .when(pay("late").invoiced("in_2", 1000))
        .then([done(), active(), available(100), paid_through("2026-03-01")])
        .when(back("of-february", "in_2", 500))
        .then([done(), available(50)]);
    // Another payment came first.
    failed()
        .and(february("q", "in_3"))
        .when(pay("n").invoiced("in_2", 1000))
        .then([done(), paid_through("2026-04-01")]);
}

#[test]
fn a_refund_ahead_fails_after_its_subscription_ended_or_is_paused() {
    let refunded = |steps: Vec<Step>| {
        sold("small", [february("p", "in_2"), back("r", "in_2", 1000)].into_iter().chain(steps))
            .when(back("failed", "in_2", 0))
            .then([done(), replied(Some(0), 0)])
    };
    refunded(vec![unsubscribe_now("x")])
        .and(subscribe("again", "small").invoiced("in_2", 1000))
        .when(refund_subscription("f"))
        .then([gave_all_back("f", 1000)]);
    refunded(vec![pause("h"), until("2026-02-02")])
        .then([paused()])
        .and(resume("u"))
        .when(pay("n").invoiced("in_2", 1000))
        .then([done(), active(), available(100)]);
    refunded(vec![wait(days(1)), change_plan("c", "weekly").at_once()])
        .then([paid_through("2026-01-09")])
        .when(pay("n").invoiced("in_2", 1000))
        .then([done(), paid_through("2026-01-16")]);
}

#[test]
fn a_payment_refunded_ahead_is_recorded_again_without_effect() {
    let same = |steps: Vec<Step>| {
        sold("small", [february("p", "in_2"), back("r", "in_2", 1000)].into_iter().chain(steps))
            .when(back("again", "in_2", 1000))
            .then([done(), replied(Some(1000), 0)])
            .when(back("other", "in_2", 900))
            .then(not_refundable("ALREADY_REFUNDED"))
    };
    same(vec![]).then([paid_through("2026-02-01"), available(100)]);
    same(vec![until("2026-02-02")]).then([past_due()]);
    same(vec![unsubscribe_now("x")]).then([unsubscribed()]);
    same(vec![february("q", "in_3"), until("2026-02-02")]).then([active(), available(100)]);
}

#[test]
fn a_period_that_begins_by_the_clock_keeps_its_credits_after_a_refund_ahead() {
    for plan in ["clock", "unpriced"] {
        let begun = || sold(plan, [february("p", "in_2"), back("r", "in_2", 1000), until("2026-02-02")]);
        for by_start in [true, false] {
            let of_it = |id: &str, cents| match by_start {
                true => provider_refund_period(id, "2026-02-01", cents, Forgive),
                false => back(id, "in_2", cents),
            };
            begun()
                .when(of_it("again", 1000))
                .then([done(), available(100), replied(Some(1000), 0)])
                .when(refund_subscription("f"))
                .then(not_refundable("ALREADY_REFUNDED"))
                .when(of_it("failed", 0))
                .then([done(), available(100), replied(Some(0), 0)])
                .when(pay("twice").invoiced("in_2", 1000))
                .then([replayed()])
                .when(of_it("half", 500))
                .then([done(), available(50)]);
        }
        begun()
            .and(back("failed", "in_2", 0))
            .when(refund_subscription("f"))
            .then([gave_all_back("f", 1000)]);
        begun()
            .and(charge_back_period("c", "2026-02-01"))
            .when(back("failed", "in_2", 0))
            .then(not_refundable("CHARGED_BACK"));
    }
}

#[test]
fn a_later_change_of_plan_has_no_payment() {
    for change in [change_plan("c", "small"), change_plan("c", "large"), change_plan("c", "two").at_the_end()]
    {
        sold("large", [])
            .when(change.clone().invoiced("in_2", 1000))
            .then([refused("INVALID_FIELD"), pending("nothing")])
            .when(change)
            .then([done()])
            .when(february("p", "in_2"))
            .then([done()]);
    }
    // A change leaves the refund of a payment ahead as it is.
    let refunded = [paid("p", "2026-02-01", "in_2", 4000), back("r", "in_2", 4000)];
    sold("large", refunded)
        .and(change_plan("c", "large"))
        .when(back("failed", "in_2", 0))
        .then([done(), paid_through("2026-03-01")]);
}

#[test]
fn a_term_that_another_one_replaces_at_its_first_instant_shares_its_period() {
    let year =
        "id = \"year\"\nrank = 8\nterm = \"YEAR\"\nrefund = { window = \"20d\", partial = \"UNUSED\" }";
    let credits = "allowances = [{ unit = \"credits\", amount = 12000 }]";
    let plans = format!("{}{PLANS}\n[[plans]]\n{year}\n{credits}\n", plans_without_free_credits());
    let sold = || given_catalog(&plans, [subscribe("s", "small").invoiced("in_1", 1000)]);
    let to_year = || sold().and(change_plan("c", "year").invoiced("in_2", 119_000));
    to_year()
        .then([available(12_100)])
        .when(refund_subscription("f"))
        .then([gave_all_back("f", 120_000), available(0)]);
    // 1,000 of 120,000 cents go back.
    to_year().when(back("r", "in_1", 1000)).then([done(), available(12_000)]);
    // The expired credits of the month are those that went back.
    sold()
        .and(change_plan("c", "weekly").at_once().invoiced("in_2", 300))
        .when(back("r", "in_1", 1000))
        .then([done(), available(30)]);
}

/// Periods of two lengths start at the same instants, and each has its own payments.
#[test]
fn a_refund_ahead_is_not_about_a_period_of_another_length_that_starts_alike() {
    let april = [paid("p", "2026-04-01", "in_4", 1000), back("r", "in_4", 1000)];
    let change = [change_plan("c", "two").at_the_end(), pay("f").invoiced("in_2", 2000), until("2026-02-01")];
    let longer = || sold("small", april.clone().into_iter().chain(change.clone()));
    longer()
        .when(process_due())
        .then([plan("two"), period("2026-02-01", "2026-04-01"), available(200)])
        .when(back("failed", "in_4", 0))
        .then([done(), paid_through("2026-04-01")])
        .when(provider_refund_period("none", "2026-04-01", 0, Forgive))
        .then([refused("INVALID_FIELD")])
        .and(until("2026-04-02"))
        .when(refund_subscription("f2"))
        .then([gave_all_back("f2", 2000)]);
    // The payment of the longer period goes back and comes again, the other one stays away.
    longer()
        .and(paid("q", "2026-04-01", "in_5", 2000))
        .and(back("t", "in_5", 2000))
        .when(provider_refund_period("failed", "2026-04-01", 0, Forgive))
        .then([done(), paid_through("2026-06-01")])
        .when(back("again", "in_4", 1000))
        .then([done(), paid_through("2026-06-01")])
        .when(charge_back_reference("d", "in_4"))
        .then(not_refundable("ALREADY_REFUNDED"));
}

/// Returns the step with the money in dollars.
fn in_dollars(mut step: Step) -> Step {
    if let Step::Command(Command::RecordRefund(refund)) = &mut step {
        refund.total.currency = "USD".to_owned();
    }
    step
}

#[test]
fn two_refunds_of_payments_for_a_change_of_plan_fail_in_any_order() {
    let change = change_plan("c", "small").at_the_end();
    let both = [change, february("p", "in_2"), paid("q", "2026-03-01", "in_3", 1000)];
    let went_back = [back("r", "in_2", 1000), back("t", "in_3", 1000)];
    for failed in [["in_3", "in_2"], ["in_2", "in_3"]] {
        let refunded = sold("large", both.iter().chain(&went_back).cloned());
        let failed = failed.map(|invoice| back(&format!("failed-{invoice}"), invoice, 0));
        failed
            .into_iter()
            .fold(refunded, World::and)
            .then([pending_on("2026-02-01"), paid_through("2026-04-01")])
            .and(until("2026-02-02"))
            .then([plan("small"), active(), available(100)]);
    }
}

#[test]
fn a_payment_that_was_refunded_ahead_pays_no_sale_unless_the_refund_failed() {
    let refunded = || sold("small", [february("p", "in_2"), back("r", "in_2", 1000)]);
    let change = || change_plan("c", "large").at_once().invoiced("in_2", 1000);
    refunded()
        .when(change())
        .then([
            refused("INVALID_FIELD"),
            text(
                "paid.payment_ref: in_2 was refunded before its period began; use the reference of another payment, or, if \
                 the refund failed, call RecordRefund by this payment_ref with a refunded_total of 0",
            ),
        ])
        .then([plan("small"), available(100)])
        // The payment pays one period, and not the change.
        .when(back("failed", "in_2", 0))
        .then([done(), paid_through("2026-03-01")]);
    let again = || subscribe("again", "small").invoiced("in_2", 1000);
    refunded()
        .and(unsubscribe_now("x"))
        .when(again())
        .then([refused("INVALID_FIELD"), unsubscribed()])
        .and(back("failed", "in_2", 0))
        .when(again())
        .then([done(), plan("small")]);
    // The refund failed, and another payment paid the period.
    refunded().and(february("q", "in_3")).and(back("failed", "in_2", 0)).when(change()).then([
        done(),
        plan("large"),
        paid_through("2026-03-01"),
    ]);
}

#[test]
fn a_change_of_plan_without_a_payment_is_none_for_a_period_that_was_refunded_ahead() {
    let begun = || sold("clock", [february("p", "in_2"), back("r", "in_2", 1000), until("2026-02-02")]);
    begun()
        .and(change_plan("c", "large").at_once())
        .when(refund_subscription("f"))
        .then(not_refundable("ALREADY_REFUNDED"));
    begun()
        .and(change_plan("c", "large").at_once().invoiced("in_3", 4000))
        .when(refund_subscription("f"))
        .then([gave_all_back("f", 4000)]);
    // A period that began unpaid is paid by the change.
    sold("small", [february("p", "in_2"), back("r", "in_2", 1000), until("2026-02-02")])
        .and(change_plan("c", "large"))
        .then([active()])
        .when(refund_subscription("f"))
        .then([gave_all_back("f", 4000)]);
}

#[test]
fn the_reference_of_a_forgotten_payment_revives_no_other_payment() {
    let again = (3..27).flat_map(|n| {
        let invoice = format!("in_{n}");
        [february(&format!("p{n}"), &invoice), back(&format!("r{n}"), &invoice, 1000)]
    });
    let first = [february("p", "in_2"), back("r", "in_2", 1000)];
    sold("small", first.into_iter().chain(again))
        .when(back("failed", "in_2", 0))
        .then([refused("INVALID_FIELD"), paid_through("2026-02-01")])
        .when(back("failed-last", "in_26", 0))
        .then([done(), paid_through("2026-03-01")]);
}

#[test]
fn another_total_of_a_refund_ahead_is_compared_with_that_of_its_own_payment() {
    let refunded = || {
        let other = [paid("q", "2026-02-01", "in_3", 700), back("t", "in_3", 700)];
        sold("small", [february("p", "in_2"), back("r", "in_2", 1000)].into_iter().chain(other))
    };
    let by_start = |id: &str, cents| provider_refund_period(id, "2026-02-01", cents, Forgive);
    for other in [back("other", "in_2", 700), back("other", "in_3", 1000), by_start("other", 1000)] {
        refunded().when(other).then(not_refundable("ALREADY_REFUNDED"));
    }
    for same in [back("same", "in_2", 1000), back("same", "in_3", 700), by_start("same", 700)] {
        refunded().when(same).then([done(), paid_through("2026-02-01")]);
    }
    for failed in [back("failed", "in_2", 0), by_start("failed", 0)] {
        refunded()
            .when(in_dollars(failed))
            .then([
                refused("INVALID_FIELD"),
                text("refunded_total: must be in EUR, the currency of the payment"),
            ])
            .then([paid_through("2026-02-01")]);
    }
}

#[test]
fn a_payment_whose_refund_failed_has_its_own_list_price() {
    let refunded = [pay("p").for_period("2026-02-01").referring("in_2"), back("r", "in_2", 1000)];
    let dearer = [
        change_plan("c", "large").at_the_end(),
        pay("q").for_period("2026-02-01").referring("in_3"),
        back("t", "in_3", 4000),
    ];
    let both = || sold("small", refunded.clone().into_iter().chain(dearer.clone()));
    both()
        .and(back("failed", "in_2", 0))
        .and(until("2026-02-02"))
        .then([plan("small"), available(100)])
        .when(refund_subscription("f"))
        .then([gave_all_back("f", 1000)]);
    both()
        .and(back("failed", "in_3", 0))
        .and(until("2026-02-02"))
        .then([plan("large"), available(400)])
        .when(refund_subscription("f"))
        .then([gave_all_back("f", 4000)]);
}

#[test]
fn the_refusal_of_a_payment_for_a_later_change_names_the_next_period() {
    let change = || change_plan("c", "small").at_the_end().invoiced("in_2", 1000);
    let refusal = |start: &str| {
        let text_before = "paid: pays nothing, because the change does not begin now; leave it out, and call RecordPayment with \
                           the period_start_time";
        [refused("INVALID_FIELD"), text(&format!("{text_before} {start}T00:00:00Z"))]
    };
    sold("large", []).when(change()).then(refusal("2026-02-01"));
    let paid = paid("p", "2026-02-01", "in_1", 4000);
    sold("large", [paid]).when(change()).then(refusal("2026-03-01"));
    sold("large", [until("2026-02-02")]).when(change()).then(refusal("2026-02-01"));
}
