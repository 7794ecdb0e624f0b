//! Changes of plan to come that are paid: the paid period begins as the plan that was paid for.

use crate::common::facts::Fact;

use super::prelude::*;
use super::refunds_ahead::{back, february, paid, sold};

/// Returns a subscription to the large plan that is to change to the small one in February, which is paid.
fn small_is_paid(steps: impl IntoIterator<Item = Step>) -> World {
    let change = [change_plan("c", "small").at_the_end(), february("p", "in_2")];
    sold("large", change.into_iter().chain(steps))
}

#[test]
fn a_change_whose_first_period_is_paid_is_neither_undone_nor_replaced() {
    let two_seats = change_plan("d", "small").seats(2).at_the_end();
    for other in [change_plan("d", "large"), change_plan("d", "weekly").at_the_end(), two_seats] {
        small_is_paid([])
            .when(other.clone())
            .then([refused("PLAN_CHANGE_PAID"), wrote_nothing(), pending("small"), pending_on("2026-02-01")])
            .then([
                saying("plan_id", "small"),
                saying("period_start_time", "2026-02-01T00:00:00Z"),
                saying("payment_ref", "in_2"),
                text(
                    "the change to plan small stays, because the period from 2026-02-01T00:00:00Z is paid with in_2; if that \
                     payment goes back, call RecordRefund before this",
                ),
            ])
            .and(back("r", "in_2", 1000))
            .when(other)
            .then([done()]);
    }
    // A payment without a reference.
    sold("large", [change_plan("c", "small").at_the_end(), pay("p")])
        .when(change_plan("d", "large"))
        .then([refused("PLAN_CHANGE_PAID"), not_saying("payment_ref")]);
}

#[test]
fn a_paid_change_that_is_recorded_again_stays_where_it_is() {
    small_is_paid([])
        .when(change_plan("again", "small").at_the_end())
        .then([done(), pending("small"), pending_on("2026-02-01")])
        .and(until("2026-02-02"))
        .then([plan("small"), active(), available(100)]);
}

#[test]
fn a_paid_change_stays_if_another_plan_begins_now() {
    small_is_paid([])
        .when(change_plan("d", "clock").at_once())
        .then([done(), plan("clock"), pending("small"), pending_on("2026-02-01")])
        .and(until("2026-02-02"))
        .then([plan("small"), active(), available(100)]);
    // The week that was paid is no month of the better plan.
    sold("small", [change_plan("c", "weekly").at_the_end(), paid("p", "2026-02-01", "in_2", 300)])
        .when(change_plan("d", "large"))
        .then([done(), plan("large"), pending("weekly")])
        .and(until("2026-02-02"))
        .then([plan("weekly"), period("2026-02-01", "2026-02-08"), available(30)]);
    // The plan that begins now is that of the change, or a better one.
    small_is_paid([]).when(change_plan("d", "small").at_once()).then([done(), pending("nothing")]);
    sold("small", [change_plan("c", "clock").at_the_end(), february("p", "in_2")])
        .when(change_plan("d", "large"))
        .then([done(), pending("nothing"), paid_through("2026-03-01")]);
}

#[test]
fn a_paid_change_begins_after_an_unpaid_period_has_begun_as_another_plan() {
    sold("large", [change_plan("c", "small").at_the_end(), paid("p", "2026-03-01", "in_3", 1000)])
        .and(until("2026-02-02"))
        .then([past_due()])
        .when(change_plan("d", "clock"))
        .then([done(), active(), plan("clock"), pending("small"), pending_on("2026-03-01")])
        .and(until("2026-03-02"))
        .then([plan("small"), active(), available(100)]);
}

#[test]
fn a_failed_refund_pays_no_period_of_another_plan_than_the_one_that_was_paid_for() {
    let refunded = |other: Step| small_is_paid([back("r", "in_2", 1000), other]);
    for other in [change_plan("d", "large"), change_plan("d", "unpriced").at_the_end()] {
        refunded(other)
            .when(back("failed", "in_2", 0))
            .then([done(), paid_through("2026-02-01")])
            .when(pay("n").invoiced("in_2", 1000))
            .then([done(), paid_through("2026-03-01")]);
    }
    // The change is made once more.
    refunded(change_plan("d", "large"))
        .and(change_plan("e", "small").at_the_end())
        .when(back("failed", "in_2", 0))
        .then([done(), pending_on("2026-02-01"), paid_through("2026-03-01")])
        .and(until("2026-02-02"))
        .then([plan("small"), available(100)]);
    // It has happened.
    let march = [paid("q", "2026-03-01", "in_3", 1000), until("2026-02-02"), back("r", "in_3", 1000)];
    small_is_paid(march).when(back("failed", "in_3", 0)).then([
        done(),
        plan("small"),
        paid_through("2026-04-01"),
    ]);
}

/// The text before the next step in the refusal of a payment.
const PAYS_NOTHING: &str = "paid: pays nothing, because the change does not begin now; leave it out";

fn pays_nothing(step: &str) -> [Fact; 2] {
    [refused("INVALID_FIELD"), text(&format!("{PAYS_NOTHING}{step}"))]
}

#[test]
fn a_payment_of_an_earlier_subscription_pays_no_change_to_come() {
    let again = [unsubscribe_now("x"), subscribe("again", "large")];
    let change = || change_plan("c", "small").at_the_end();
    sold("small", [february("p", "in_2"), until("2026-02-02")].into_iter().chain(again.clone()))
        .when(change().invoiced("in_2", 1000))
        .then(pays_nothing(": in_2 has paid a period of an earlier subscription"))
        .then([pending("nothing")]);
    // Its period did not begin.
    sold("small", [february("p", "in_2")].into_iter().chain(again))
        .when(change().invoiced("in_2", 1000))
        .then(pays_nothing(", and call RecordPayment with the period_start_time 2026-02-01T00:00:00Z"))
        .and(change())
        .when(february("q", "in_2"))
        .then([done(), paid_through("2026-03-01")]);
}

#[test]
fn the_refusal_of_a_payment_names_a_step_that_works_while_paused_or_cancelled() {
    let change = |plan: &str| change_plan("c", plan).at_the_end();
    for (plan_then, credits) in [("weekly", 30), ("clock", 100)] {
        sold("small", [pause("h"), until("2026-02-02")])
            .when(change(plan_then).invoiced("in_2", 300))
            .then(pays_nothing(", and call ResumeSubscription and then RecordPayment"))
            .and(change(plan_then))
            .and(resume("u"))
            .when(pay("p").invoiced("in_2", 300))
            .then([done(), active(), plan(plan_then), available(credits)]);
    }
    sold("small", [pause("h"), until("2026-02-02")])
        .when(change("trial").invoiced("in_2", 300))
        .then(pays_nothing(", or use CHANGE_TIME_NOW"))
        .when(change_plan("d", "trial").at_once().invoiced("in_2", 300))
        .then([done(), plan("trial"), available(20)]);
    let step = ", and call ResumeSubscription and then RecordPayment with the period_start_time 2026-02-01T00:00:00Z";
    sold("large", [unsubscribe("x")])
        .when(change("small").invoiced("in_2", 1000))
        .then(pays_nothing(step))
        .and(change("small"))
        .and(resume("u"))
        .when(february("p", "in_2"))
        .then([done(), paid_through("2026-03-01"), pending_on("2026-02-01")]);
}
