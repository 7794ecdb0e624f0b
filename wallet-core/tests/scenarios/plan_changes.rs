//! Plan changes: upgrades now, anything else at the end of what was paid; and cancels and later changes.

use super::prelude::*;

/// Returns a wallet on 11 April with a plan sold on 1 April: 20 of 30 days are left.
#[track_caller]
fn on_the_eleventh(plan: &str) -> World {
    given_catalog(
        &with_plans(),
        [until("2026-04-01"), subscribe("s", plan), until("2026-04-11"), process_due()],
    )
}

#[test]
fn an_upgrade_issues_the_difference_for_the_period_and_keeps_old_grants() {
    on_the_eleventh("creator")
        .when(change_plan("c", "pro"))
        .then([
            wrote(&[EntryKind::PlanChanged]),
            issued("period:2.0.0 47"),
            lives("period:2.0.0", "2026-04-11", "2026-05-01"),
            lives("period:1.0.0", "2026-04-01", "2026-05-01"),
            from(Source::Subscription, 77),
            plan("pro"),
            period("2026-04-01", "2026-05-01"),
            pending("nothing"),
        ])
        .and(until("2026-05-01"))
        .when(process_due())
        .then([issued("period:2.1.0 100"), from(Source::Subscription, 100)]);
}

#[test]
fn an_upgrade_issues_the_difference_of_every_unit_rounded_up() {
    on_the_eleventh("creator").when(change_plan("c", "studio")).then([
        issued("period:2.0.0#2 70, period:2.0.0 180, period:2.0.0#1 3"),
        available_of("trainings", 3),
        available_of("coins", 70),
    ]);
}

#[test]
fn an_upgrade_of_a_cadence_issues_the_difference_of_the_current_window() {
    on_the_eleventh("gym")
        .when(change_plan("c", "gym-pro"))
        .then([
            issued("period:2.0.1 4"),
            lives("period:2.0.1", "2026-04-11", "2026-04-15"),
            available_of("trainings", 6),
            from(Source::Subscription, 100),
        ])
        .and(until("2026-04-15"))
        .when(process_due())
        .then([issued("rollover:2.0.2.1 3, period:2.0.2 9"), available_of("trainings", 12)]);
}

#[test]
fn an_upgrade_keeps_a_payment_made_early() {
    on_the_eleventh("prepaid")
        .and(pay("p"))
        .and(change_plan("c", "prepaid-pro"))
        .and(until("2026-05-01"))
        .when(process_due())
        .then([active(), issued("rollover:2.1.0.1 50, period:2.1.0 100")])
        .and(until("2026-06-01"))
        .when(process_due())
        .then([past_due()]);
}

#[test]
fn another_term_begins_now_with_a_full_allowance_and_keeps_old_grants() {
    on_the_eleventh("creator")
        .when(change_plan("c", "annual"))
        .then([
            issued("period:2.0.0 100, period:2.0.0#1 1"),
            period("2026-04-11", "2027-04-11"),
            lives("period:1.0.0", "2026-04-01", "2026-05-01"),
            from(Source::Subscription, 130),
            plan("annual"),
        ])
        .and(until("2026-04-30"))
        .and(process_due())
        .and(until("2026-05-01"))
        .when(process_due())
        .then([issued(""), from(Source::Subscription, 100)]);
}

#[test]
fn another_term_of_any_rank_begins_now_if_the_caller_says_so() {
    on_the_eleventh("pro")
        .when(change_plan("c", "week").at_once().keeping())
        .then([
            issued("period:2.0.0 10"),
            period("2026-04-11", "2026-04-18"),
            from(Source::Subscription, 110),
        ])
        .and(until("2026-05-01"))
        .when(process_due())
        .then([from(Source::Subscription, 10)]);
}

#[test]
fn a_change_from_a_plan_of_term_once_is_now_and_keeps_its_grants() {
    on_the_eleventh("trial")
        .when(change_plan("c", "creator"))
        .then([issued("period:2.0.0 30"), from(Source::Free, 25), from(Source::Subscription, 30)])
        .and(unsubscribe("x"))
        .and(until("2026-06-01"))
        .when(process_due())
        .then([unsubscribed(), from(Source::Free, 25), available(25)]);
}

#[test]
fn a_downgrade_happens_at_the_end_of_the_period() {
    on_the_eleventh("pro")
        .when(change_plan("c", "creator"))
        .then([
            wrote(&[EntryKind::PlanChanged]),
            issued(""),
            pending("creator"),
            plan("pro"),
            from(Source::Subscription, 100),
        ])
        .and(until("2026-05-01"))
        .when(process_due())
        .then([
            wrote(&[EntryKind::GrantExpired, EntryKind::PlanChanged]),
            effective_on(&["2026-05-01", "2026-05-01"]),
            issued("period:2.1.0 30"),
            plan("creator"),
            pending("nothing"),
            period("2026-05-01", "2026-06-01"),
        ]);
}

#[test]
fn a_downgrade_keeps_the_anchor() {
    given_catalog(&with_plans(), [until("2026-01-31"), subscribe("s", "pro"), change_plan("c", "creator")])
        .and(until("2026-02-28"))
        .when(process_due())
        .then([plan("creator"), period("2026-02-28", "2026-03-31")]);
}

#[test]
fn a_plan_of_equal_rank_begins_with_the_next_period() {
    on_the_eleventh("creator").when(change_plan("c", "keeper")).then([issued(""), pending("keeper")]);
}

#[test]
fn a_change_to_the_current_plan_undoes_a_pending_change() {
    on_the_eleventh("pro")
        .and(change_plan("c", "creator"))
        .when(change_plan("d", "pro"))
        .then([wrote(&[EntryKind::PlanChanged]), issued(""), pending("nothing"), plan("pro")])
        .and(until("2026-05-01"))
        .when(process_due())
        .then([issued("period:1.1.0 100"), plan("pro")]);
}

#[test]
fn a_later_change_replaces_an_earlier_one() {
    on_the_eleventh("pro")
        .and(change_plan("c", "creator"))
        .when(change_plan("d", "keeper"))
        .then([pending("keeper")])
        .when(change_plan("e", "studio"))
        .then([plan("studio"), pending("nothing")])
        .and(until("2026-05-01"))
        .when(process_due())
        .then([plan("studio")]);
}

#[test]
fn a_cancel_overrides_changes_before_and_after_it_until_it_is_undone() {
    on_the_eleventh("pro")
        .and(change_plan("c", "creator"))
        .when(unsubscribe("x"))
        .then([pending("end")])
        .when(change_plan("d", "keeper"))
        .then([pending("end")])
        .when(change_plan("e", "pro"))
        .then([pending("end")])
        .when(change_plan("f", "studio"))
        .then([plan("studio"), pending("end"), never_renews()])
        .and(until("2026-05-01"))
        .when(process_due())
        .then([wrote(&[
            EntryKind::GrantExpired,
            EntryKind::GrantExpired,
            EntryKind::GrantExpired,
            EntryKind::GrantExpired,
            EntryKind::SubscriptionEnded,
        ])]);
    on_the_eleventh("pro")
        .and(unsubscribe("x"))
        .and(resume("r"))
        .when(change_plan("c", "creator"))
        .then([pending("creator")])
        .when(resume("q"))
        .then([pending("creator")]);
}

#[test]
fn a_cancel_stays_when_a_plan_of_another_term_begins_at_once() {
    given_catalog(&with_plans(), [subscribe("s", "pro"), until("2026-01-11"), unsubscribe("x")])
        .when(change_plan("c", "annual").at_once())
        .then([plan("annual"), period("2026-01-11", "2027-01-11"), pending("end")])
        .and(until("2027-01-11"))
        .when(process_due())
        .then([unsubscribed()]);
}

#[test]
fn other_terms_of_a_plan_that_gives_once_give_only_the_difference() {
    let trial = |id: &str, credits: i64| change_plan(id, "trial").negotiated("credits", credits);
    given_catalog(&with_plans(), [subscribe("s", "trial")])
        // The default plan has given 5 before.
        .then([available(25)])
        .when(trial("more", 75))
        .then([available(80), plan("trial")])
        .when(trial("less", 10))
        .then([available(80)])
        .when(trial("again", 75))
        .then([available(80)])
        .when(trial("most", 100))
        .then([available(105)])
        .when(change_plan("free", "free"))
        .when(trial("back", 100))
        .then([available(205)]);
}

#[test]
fn a_change_while_past_due_is_paid_and_begins_the_anchored_period_at_once() {
    for (to, given) in
        [("prepaid-pro", "rollover:2.1.0.1 30, period:2.1.0 100"), ("creator", "period:2.1.0 30")]
    {
        given_catalog(&with_plans(), [subscribe("s", "prepaid"), until("2026-02-05")])
            .when(change_plan("c", to))
            .then([
                wrote(&[EntryKind::GrantExpired, EntryKind::PaymentMissed, EntryKind::PlanChanged]),
                issued(given),
                period("2026-02-01", "2026-03-01"),
                active(),
                plan(to),
            ]);
    }
}

/// A plan of another term than the others, in which unused credits roll over.
const QUARTER: &str = r#"
    [[plans]]
    id = "quarter"
    rank = 2
    term = "3 MONTH"
    allowances = [{ unit = "credits", amount = 500, rollover = {} }]
"#;

#[test]
fn another_term_while_past_due_begins_with_the_unused_credits_of_the_last_period() {
    // A period of this plan is a week. It may be paid for 30 days after its end.
    let on =
        |date| given_catalog(&format!("{}{QUARTER}", with_plans()), [subscribe("s", "patient"), until(date)]);
    let both = "rollover:2.0.0.1 10, period:2.0.0 500";
    on("2026-01-10")
        .when(change_plan("c", "quarter"))
        .then([issued(both), period("2026-01-10", "2026-04-10")]);
    on("2026-01-10").and(pause("p")).when(change_plan("c", "quarter")).then([issued(both)]);
    // The week that followed is over.
    on("2026-01-15").when(change_plan("c", "quarter")).then([issued("period:2.0.0 500")]);
}

/// Returns a wallet whose plan renews by the clock and whose change to a prepaid plan was not paid on 1 February.
#[track_caller]
fn with_an_unpaid_change() -> World {
    given_catalog(&with_plans(), [subscribe("s", "pro"), change_plan("c", "prepaid"), until("2026-02-05")])
        .and(process_due())
        .then([past_due(), plan("pro"), pending("prepaid")])
}

#[test]
fn a_plan_that_needs_no_payment_goes_on_when_the_unpaid_change_is_undone() {
    let goes_on =
        || [active(), pending("nothing"), issued("period:1.1.0 100"), period("2026-02-01", "2026-03-01")];
    with_an_unpaid_change()
        .when(change_plan("u", "pro"))
        .then(goes_on())
        .and(until("2026-03-01"))
        .when(process_due())
        .then([active(), issued("period:1.2.0 100")]);
    with_an_unpaid_change()
        .and(change_plan("u", "pro").invoiced("in_1", 900))
        .when(pay("p").referring("in_1"))
        .then([replayed(), active(), paid_through("2026-03-01")]);
    with_an_unpaid_change()
        .and(unsubscribe("x"))
        .and(change_plan("u", "pro"))
        .then([past_due(), issued("")])
        .when(resume("r"))
        .then(goes_on());
    // This one needs a payment.
    given_catalog(
        &with_plans(),
        [subscribe("s", "prepaid"), change_plan("c", "patient"), until("2026-02-05")],
    )
    .when(change_plan("u", "prepaid"))
    .then([past_due(), pending("nothing"), issued("")]);
}

#[test]
fn a_higher_rank_can_be_negotiated() {
    on_the_eleventh("pro")
        .when(change_plan("c", "pro").negotiated("credits", 160).ranked(5))
        .then([issued("period:2.0.0 40"), pending("nothing")])
        .when(change_plan("d", "studio"))
        .then([issued(""), pending("studio")]);
}

#[test]
fn a_running_job_continues_after_a_change_to_a_plan_without_it() {
    on_the_eleventh("pro")
        .and(reserve_both("job", "both", 20, 0).ttl(hours(24)))
        .and(change_plan("c", "week").at_once())
        .and(change_plan("d", "free").at_once())
        .then([plan("free"), held(20)])
        .when(settle("job", 20))
        .then([done(), charged("job", 20)]);
}
