//! Pauses: after the end of what is paid no period begins until the subscription is resumed.

use super::prelude::*;

/// A default plan with free credits each month, and a plan without renewal by payment that rolls over 50.
const FREE_CREDITS: &str = r#"
    default_plan = "basic"

    [[plans]]
    id = "basic"
    term = "MONTH"
    allowances = [{ unit = "credits", amount = 7 }]
    limits = { concurrency = 1 }

    [[plans]]
    id = "plus"
    rank = 2
    term = "MONTH"
    allowances = [{ unit = "credits", amount = 100, rollover = { cap = 50 } }]
"#;

#[track_caller]
fn on_plan(plan: &str) -> World {
    given_catalog(&with_plans(), [until("2026-04-01"), subscribe("s", plan), until("2026-04-11")])
}

#[track_caller]
fn with_free_credits() -> World {
    let steps = [until("2026-04-01"), subscribe("s", "plus"), until("2026-04-11")];
    given_catalog(&format!("{FREE_CREDITS}{CATALOG}"), steps)
}

#[test]
fn a_pause_begins_at_the_end_of_what_is_paid() {
    on_plan("creator")
        .when(pause("p"))
        .then([
            wrote(&[EntryKind::SubscriptionPaused]),
            active(),
            pausing(true),
            never_renews(),
            plan("creator"),
        ])
        .and(until("2026-05-01"))
        .when(process_due())
        .then([paused(), plan("free"), issued(""), from(Source::Subscription, 0)])
        .and(until("2026-09-01"))
        .when(process_due())
        .then([wrote_nothing(), paused()]);
}

#[test]
fn a_pause_waits_for_a_period_that_is_paid_after_an_unpaid_one() {
    on_plan("prepaid")
        .and(pay("june").for_period("2026-06-01"))
        .and(pause("p"))
        .and(until("2026-05-02"))
        .then([past_due()])
        .and(until("2026-06-02"))
        .then([active(), plan("prepaid"), pausing(true)])
        .and(until("2026-07-02"))
        .then([paused()]);
}

#[test]
fn periods_that_are_paid_ahead_begin_before_the_pause() {
    on_plan("prepaid")
        .and(pay("ahead"))
        .and(pause("p"))
        .and(until("2026-05-01"))
        .when(process_due())
        .then([active(), plan("prepaid"), pausing(true)])
        .and(until("2026-06-01"))
        .when(process_due())
        .then([paused(), plan("free")]);
}

#[test]
fn a_past_due_subscription_pauses_at_once_and_does_not_end() {
    on_plan("prepaid")
        .and(until("2026-05-02"))
        .and(process_due())
        .when(pause("p"))
        .then([paused(), plan("free")])
        .and(until("2026-06-01"))
        .when(process_due())
        .then([wrote_nothing(), paused()]);
}

#[test]
fn a_resumption_begins_a_period_with_a_new_anchor() {
    on_plan("creator")
        .and(pause("p"))
        .and(until("2026-05-20"))
        .when(resume("r"))
        .then([
            active(),
            plan("creator"),
            pausing(false),
            issued("period:2.0.0 30"),
            period("2026-05-20", "2026-06-20"),
        ])
        .and(until("2026-06-20"))
        .when(process_due())
        .then([issued("period:2.1.0 30")]);
}

#[test]
fn a_resumption_before_the_pause_undoes_it() {
    on_plan("creator")
        .and(pause("p"))
        .when(resume("r"))
        .then([active(), pausing(false), renews("2026-05-01")])
        .and(until("2026-05-01"))
        .when(process_due())
        .then([issued("period:1.1.0 30")]);
}

#[test]
fn a_pause_ends_at_the_instant_that_was_named() {
    on_plan("creator")
        .when(pause("p").ending("2026-06-10"))
        .then([pausing(true)])
        .and(until("2026-05-01"))
        .when(process_due())
        .then([paused(), renews("2026-06-10")])
        .and(until("2026-06-10"))
        .when(process_due())
        .then([
            wrote(&[EntryKind::PeriodBegan]),
            active(),
            issued("period:2.0.0 30"),
            period("2026-06-10", "2026-07-10"),
        ]);
}

#[test]
fn a_pause_ends_after_its_beginning_and_payments_beyond_its_end_undo_it() {
    on_plan("creator").when(pause("p").ending("2026-05-01")).then([refused("INVALID_FIELD")]);
    on_plan("prepaid")
        .and(pause("p").ending("2026-05-10"))
        .and(pay("ahead"))
        .and(pay("more"))
        .and(until("2026-07-01"))
        .when(process_due())
        .then([past_due(), pausing(false)]);
}

#[test]
fn a_resumption_gives_nothing_on_payment_until_it_is_paid() {
    let unpaid = on_plan("prepaid").and(pause("p")).and(until("2026-05-20"));
    unpaid
        .when(resume("r"))
        .then([plan("prepaid"), provisional(), issued(""), paid_through("2026-05-20")])
        .and(until("2026-05-22"))
        .when(pay("late"))
        .then([active(), issued("period:3.0.0 30"), lives("period:3.0.0", "2026-05-22", "2026-06-20")]);
    let unpaid = on_plan("prepaid").and(pause("p")).and(until("2026-05-20")).and(resume("r"));
    unpaid.and(until("2026-05-27")).when(process_due()).then([unsubscribed(), plan("free")]);
}

#[test]
fn credits_that_were_unused_at_the_pause_roll_over_when_it_ends() {
    with_free_credits()
        .and(pause("p"))
        .and(until("2026-05-20"))
        .when(resume("r"))
        .then([issued("period:0.4.0 7, rollover:2.0.0.1 50, period:2.0.0 100")]);
}

#[test]
fn while_it_is_paused_the_default_plan_applies_and_gives_its_credits() {
    with_free_credits()
        .and(pause("p"))
        .and(top_up(50))
        .and(until("2026-05-01"))
        .when(process_due())
        .then([paused(), plan("basic"), from(Source::Free, 7)])
        .and(reserve("a", 1))
        .when(reserve("b", 1))
        .then([refused("CONCURRENCY_LIMIT")])
        .and(until("2026-06-01"))
        .when(process_due())
        .then([from(Source::Free, 7)])
        .and(resume("r"))
        .and(until("2026-06-20"))
        .and(reserve("b", 1))
        .when(reserve("c", 1))
        .then([done(), plan("plus")]);
}

#[test]
fn a_paused_subscription_takes_no_payment_and_pays_nothing_back() {
    let on_pause = || on_plan("prepaid").and(pause("p")).and(until("2026-05-20"));
    on_pause().when(pay("x")).then([refused("SUBSCRIPTION_PAUSED")]);
    on_pause().when(refund_subscription("x")).then([refused("SUBSCRIPTION_PAUSED")]);
    on_pause().when(subscribe("x", "pro")).then([refused("ALREADY_SUBSCRIBED")]);
}

#[test]
fn a_cancellation_ends_a_paused_subscription_at_once_and_replaces_a_pause_to_come() {
    on_plan("creator")
        .and(pause("p"))
        .and(until("2026-05-20"))
        .when(unsubscribe("x"))
        .then([unsubscribed(), plan("free")]);
    on_plan("creator")
        .and(pause("p"))
        .when(unsubscribe("x"))
        .then([pending("end"), pausing(false)])
        .and(until("2026-05-01"))
        .when(process_due())
        .then([unsubscribed()]);
    on_plan("creator").and(unsubscribe("x")).when(pause("p")).then([refused("SUBSCRIPTION_ENDS")]);
}

#[test]
fn a_plan_of_term_once_does_not_pause() {
    on_plan("trial").when(pause("p")).then([refused("INVALID_FIELD")]);
}

#[test]
fn a_change_of_plan_keeps_a_pause_to_come_and_waits_for_the_end_of_one_that_is_on() {
    on_plan("creator")
        .and(pause("p"))
        .when(change_plan("c", "pro"))
        .then([plan("pro"), pausing(true)])
        .and(until("2026-05-01"))
        .when(process_due())
        .then([paused()]);
    on_plan("pro")
        .and(pause("p"))
        .and(until("2026-05-20"))
        .and(change_plan("c", "creator"))
        .then([paused(), pending("creator")])
        .when(resume("r"))
        .then([plan("creator"), issued("period:2.0.0 30")]);
}

#[test]
fn an_upgrade_ends_a_pause_that_is_on() {
    on_plan("creator").and(pause("p")).and(until("2026-05-20")).when(change_plan("c", "pro")).then([
        active(),
        plan("pro"),
        issued("period:2.0.0 100"),
        period("2026-05-20", "2026-06-20"),
    ]);
}

#[test]
fn pauses_and_resumptions_give_no_more_than_their_periods() {
    let mut world = on_plan("prepaid");
    for n in 0..4 {
        world = world.and(pause(&format!("p{n}"))).and(resume(&format!("r{n}")));
    }
    world = world.and(until("2026-05-01")).and(process_due());
    for n in 4..8 {
        world = world.and(pause(&format!("p{n}"))).and(resume(&format!("r{n}")));
    }
    world.then([period_grants(1)]);
}
