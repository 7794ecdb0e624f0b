//! Provisional renewal: a period begins at its boundary with a share of its credits, and its payment gives the rest.

use wallet_core::refund::UsedCredits::Owe;

use super::prelude::*;

/// `hourly` has one hour to be paid, `half` gives half of its credits before, and `mixed` has two cadences.
const PROVISIONAL: &str = r#"
    [[plans]]
    id = "hourly"
    rank = 1
    term = "MONTH"
    renewal = "PROVISIONAL"
    dunning = "1h"
    list_price = { currency = "EUR", minor_units = 900 }
    allowances = [{ unit = "credits", amount = 30, rollover = { cap = 10 } }]

    [[plans]]
    id = "half"
    rank = 2
    term = "MONTH"
    renewal = "PROVISIONAL"
    dunning = "2d"
    provisional_share = 50
    allowances = [{ unit = "credits", amount = 101 }]

    [[plans]]
    id = "mixed"
    rank = 3
    term = "MONTH"
    renewal = "PROVISIONAL"
    dunning = "2d"
    provisional_share = 50
    allowances = [{ unit = "credits", amount = 200 }, { id = "daily", unit = "credits", amount = 10, cadence = "DAY" }]

    [[plans]]
    id = "hasty"
    rank = 1
    term = "WEEK"
    renewal = "PROVISIONAL"
    dunning = "30d"
    allowances = [{ unit = "credits", amount = 10 }]

    [[plans]]
    id = "hourly-year"
    rank = 1
    term = "YEAR"
    renewal = "PROVISIONAL"
    dunning = "1h"
    list_price = { currency = "EUR", minor_units = 9000 }
    allowances = [{ unit = "credits", amount = 365 }]
"#;

#[track_caller]
fn on_provisional(steps: impl IntoIterator<Item = Step>) -> World {
    given_catalog(&format!("{}{PROVISIONAL}", with_plans()), steps)
}

#[test]
fn a_provisional_period_begins_at_its_boundary_and_its_payment_keeps_it() {
    on_provisional([subscribe("s", "hourly"), until("2026-02-01")])
        .when(process_due())
        .then([
            provisional(),
            wrote(&[EntryKind::GrantExpired, EntryKind::PeriodBegan]),
            issued("rollover:1.1.0.1 10, period:1.1.0 30"),
            period("2026-02-01", "2026-03-01"),
            paid_through("2026-02-01"),
        ])
        .and(wait(minutes(59)))
        .when(pay("p"))
        .then([active(), issued(""), paid_through("2026-03-01"), from(Source::Subscription, 40)])
        .and(until("2026-02-28"))
        .when(process_due())
        .then([active(), from(Source::Subscription, 40)]);
}

#[test]
fn without_a_payment_the_rest_is_revoked_and_the_subscription_ends() {
    on_provisional([subscribe("s", "hourly"), until("2026-02-01"), reserve("job", 12), settle("job", 12)])
        .and(wait(minutes(60)))
        .when(process_due())
        .then([
            unsubscribed(),
            wrote(&[EntryKind::SubscriptionEnded]),
            from(Source::Subscription, 0),
            parts("rollover:1.1.0.1", "consumed 10"),
            parts("period:1.1.0", "consumed 2, revoked 28"),
        ])
        .when(pay("late"))
        .then([refused("SUBSCRIPTION_NOT_FOUND")]);
}

#[test]
fn credits_of_an_unpaid_period_that_a_job_holds_are_revoked_when_they_return() {
    on_provisional([subscribe("s", "hourly"), until("2026-02-01"), reserve("job", 40), start("job", 1)])
        .and(wait(minutes(20)))
        .and(extend("job"))
        .and(wait(minutes(20)))
        .and(extend("job"))
        .and(wait(minutes(20)))
        .when(fail("job"))
        .then([
            unsubscribed(),
            parts("period:1.1.0", "revoked 30"),
            from(Source::Subscription, 0),
            from(Source::Grace, 0),
        ]);
}

#[test]
fn a_payment_gives_the_rest_of_a_share() {
    on_provisional([subscribe("s", "half"), until("2026-02-01")])
        .when(process_due())
        .then([issued("period:1.1.0 51"), provisional()])
        .and(wait(hours(1)))
        .when(pay("p").for_period("2026-02-01"))
        .then([active(), issued("period:2.1.0 50"), from(Source::Subscription, 101)])
        .and(until("2026-03-01"))
        .when(process_due())
        .then([issued("period:2.2.0 51"), provisional()]);
}

#[test]
fn what_was_given_before_the_payment_counts_for_the_windows_that_end_first() {
    on_provisional([subscribe("s", "mixed"), until("2026-02-01"), process_due(), until("2026-02-02")])
        .when(process_due())
        .then([issued("period:1.1.1#1 5")])
        .when(pay("p"))
        .then([issued("period:2.1.0 105"), from(Source::Subscription, 210)])
        .and(until("2026-02-03"))
        .when(process_due())
        .then([issued("period:2.1.2#1 10")]);
}

#[test]
fn an_early_payment_begins_the_period_in_full() {
    on_provisional([subscribe("s", "half"), until("2026-01-20"), pay("p"), until("2026-02-01")])
        .when(process_due())
        .then([active(), issued("period:1.1.0 101"), paid_through("2026-03-01")]);
}

#[test]
fn the_last_microsecond_of_dunning_is_in_time_and_the_next_is_not() {
    let at_the_end = |micros: u64| {
        let rest = hours(24).saturating_sub(std::time::Duration::from_micros(micros));
        on_provisional([subscribe("s", "half"), until("2026-02-02"), wait(rest)]).when(pay("p"))
    };
    at_the_end(1).then([active(), from(Source::Subscription, 101)]);
    at_the_end(0).then([refused("SUBSCRIPTION_NOT_FOUND"), from(Source::Subscription, 0)]);
}

#[test]
fn dunning_ends_with_the_period() {
    on_provisional([subscribe("s", "hasty"), until("2026-01-14"), wait(hours(23))])
        .when(process_due())
        .then([provisional(), from(Source::Subscription, 10)])
        .and(wait(hours(1)))
        .when(process_due())
        .then([unsubscribed(), from(Source::Subscription, 0)]);
}

#[test]
fn a_cancelled_provisional_period_is_not_paid_any_more() {
    on_provisional([subscribe("s", "half"), until("2026-02-01"), unsubscribe("x")])
        .then([provisional(), pending("end"), pending_on("2026-02-03")])
        .when(pay("p"))
        .then([refused("SUBSCRIPTION_ENDS"), saying("end_time", "2026-02-01T00:00:00Z")])
        .and(resume("r"))
        .when(pay("q"))
        .then([active(), from(Source::Subscription, 101)]);
    on_provisional([subscribe("s", "half"), until("2026-02-01")])
        .when(unsubscribe_now("x").keeping())
        .then([unsubscribed(), parts("period:1.1.0", "revoked 51")]);
    on_provisional([subscribe("s", "half"), until("2026-02-01")])
        .when(unsubscribe_now("x"))
        .then([unsubscribed(), parts("period:1.1.0", "revoked 51")]);
}

#[test]
fn an_upgrade_pays_a_provisional_period_and_nothing_else_begins_in_it() {
    on_provisional([subscribe("s", "hourly"), until("2026-02-01"), process_due()])
        .when(change_plan("c", "half"))
        .then([active(), plan("half"), issued("period:2.1.0 71"), from(Source::Subscription, 111)]);
    on_provisional([subscribe("s", "half"), until("2026-02-01"), process_due()])
        .when(change_plan("c", "hourly").at_once())
        .then([refused("INVALID_FIELD"), wrote_nothing()])
        .when(change_plan("d", "hourly"))
        .then([provisional(), pending("hourly"), pending_on("2026-03-01")]);
    on_provisional([subscribe("s", "hourly"), until("2026-02-01"), change_plan("c", "hourly-year")]).then([
        active(),
        from(Source::Subscription, 365),
        parts("period:1.1.0", "revoked 30"),
    ]);
}

#[test]
fn a_scheduled_plan_begins_provisionally_too() {
    on_provisional([subscribe("s", "pro"), change_plan("c", "hourly"), until("2026-02-01")])
        .when(process_due())
        .then([provisional(), plan("hourly"), issued("rollover:2.1.0.1 10, period:2.1.0 30")]);
    on_provisional([subscribe("s", "pro"), change_plan("c", "hasty"), until("2026-02-01")])
        .when(process_due())
        .then([provisional(), plan("hasty"), issued("period:2.0.0 10"), period("2026-02-01", "2026-02-08")])
        .when(pay("p"))
        .then([active(), paid_through("2026-02-08")]);
}

#[test]
fn p1_a_later_period_that_is_paid_begins_after_a_provisional_one_that_is_not() {
    on_provisional([subscribe("s", "half"), pay("march").for_period("2026-03-01"), until("2026-02-03")])
        .when(process_due())
        .then([past_due(), from(Source::Subscription, 0), parts("period:1.1.0", "revoked 51")])
        .and(until("2026-03-01"))
        .when(process_due())
        .then([active(), issued("period:2.2.0 101"), from(Source::Subscription, 101)]);
    on_provisional([
        subscribe("s", "half"),
        pay("march").for_period("2026-03-01"),
        until("2026-02-10"),
        pay("p"),
    ])
    .then([active(), from(Source::Subscription, 101), period("2026-02-01", "2026-03-01")]);
}

#[test]
fn a_provisional_year_has_nothing_to_refund() {
    on_provisional([subscribe("s", "hourly-year"), until("2027-01-01")])
        .when(refund_subscription("r"))
        .then(not_refundable("UNPAID"));
}

#[test]
fn the_payment_of_a_provisional_period_that_ended_unpaid_cannot_go_back() {
    let unpaid = |world: World| {
        world
            .when(charge_back_period("c", "2026-02-01"))
            .then(not_refundable("UNPAID"))
            .when(provider_refund_period("r", "2026-02-01", 100, Owe))
            .then(not_refundable("UNPAID"))
    };
    let used = [reserve("job", 12), settle("job", 12)];
    let ended = [subscribe("s", "hourly"), until("2026-02-01")].into_iter().chain(used);
    unpaid(on_provisional(ended).and(until("2026-02-10")).then([unsubscribed()]));
    unpaid(on_provisional([subscribe("s", "hourly"), until("2026-02-01"), reserve("job", 40)]));
    let paid_later = [subscribe("s", "half"), pay("march").for_period("2026-03-01"), until("2026-02-10")];
    unpaid(on_provisional(paid_later.clone()).then([past_due()]));
    unpaid(on_provisional(paid_later.clone()).and(until("2026-03-10")).then([active()]));
    on_provisional(paid_later)
        .and(pay("february"))
        .then([active(), period("2026-02-01", "2026-03-01")])
        .and(until("2026-04-10"))
        .when(charge_back_period("c", "2026-02-01"))
        .then([done()]);
    let yearly = [subscribe("s", "hourly"), until("2026-02-01"), change_plan("c", "hourly-year")];
    on_provisional(yearly).when(charge_back_period("b", "2026-02-01")).then([done()]);
}

/// Returns a wallet whose February began unpaid, with 51 credits of which 40 were used, ended unpaid on the third, and was paid
/// on the tenth, which gave 101.
fn february_paid_late() -> World {
    let march = pay("march").for_period("2026-03-01");
    let used = [reserve("job", 40), settle_as_reserved("job")];
    let steps = [subscribe("s", "half"), march, until("2026-02-01")].into_iter().chain(used);
    on_provisional(steps).and(until("2026-02-10")).and(pay("p").invoiced("in_2", 1000))
}

#[test]
fn a_late_payment_that_goes_back_is_not_for_credits_used_before_it() {
    february_paid_late()
        .when(charge_back_period("c", "2026-02-01"))
        .then([done(), debt(0), parts("period:2.1.0", "paid out 101")])
        .when(reverse("v", "job", 10))
        .then([done(), debt(0), parts("period:1.1.0", "consumed 30, revoked 21")])
        .when(win_period("w", "2026-02-01"))
        .then([debt(0), parts("period:2.1.0", "available 101")]);
    february_paid_late()
        .when(provider_refund_period("r", "2026-02-01", 500, Owe))
        .then([done(), debt(0), parts("period:2.1.0", "available 51, paid out 50")])
        .when(provider_refund_period("more", "2026-02-01", 1000, Owe))
        .then([debt(0), parts("period:2.1.0", "paid out 101")]);
    // A new sale pays the month after the old one had ended unpaid.
    let used = [reserve("job", 40), settle_as_reserved("job")];
    on_provisional([subscribe("s", "half"), until("2026-02-01")].into_iter().chain(used))
        .and(until("2026-02-10"))
        .and(subscribe("again", "half").anchored("2026-02-01"))
        .when(charge_back_period("c", "2026-02-01"))
        .then([done(), debt(0), parts("period:2.0.0", "paid out 101")]);
}

#[test]
fn a_reversed_charge_of_credits_that_were_never_paid_gives_nothing_back() {
    // All of the 51 are used, so nothing was revoked when February ended unpaid.
    let march = pay("march").for_period("2026-03-01");
    let used = [reserve("job", 51), settle_as_reserved("job")];
    let ended = || {
        let steps =
            [subscribe("s", "half"), march.clone(), until("2026-02-01")].into_iter().chain(used.clone());
        on_provisional(steps).and(until("2026-02-10"))
    };
    let revoked = || parts("period:1.1.0", "consumed 31, revoked 20");
    ended().when(reverse("v", "job", 20)).then([done(), revoked(), from(Source::Subscription, 0)]);
    ended()
        .and(pay("p"))
        .and(charge_back_period("c", "2026-02-01"))
        .then([debt(0)])
        .when(reverse("v", "job", 20))
        .then([revoked(), debt(0), from(Source::Subscription, 0)]);
}

#[test]
fn a_hold_of_unpaid_credits_is_charged_as_usual_after_a_late_payment_goes_back() {
    let march = pay("march").for_period("2026-03-01");
    on_provisional([subscribe("s", "half"), march, until("2026-02-02"), wait(hours(12))])
        .and(reserve("job", 40).ttl(hours(24)))
        .and(until("2026-02-03"))
        .and(pay("p"))
        .and(charge_back_period("c", "2026-02-01"))
        .when(settle("job", 30))
        .then([done(), debt(0), parts("period:1.1.0", "consumed 30, revoked 21")]);
}

#[test]
fn credits_used_before_a_year_ended_unpaid_do_not_lower_its_refund() {
    let used = [reserve("job", 100), settle_as_reserved("job")];
    let third = pay("third").for_period("2028-01-01");
    let steps = [subscribe("s", "hourly-year"), third, until("2027-01-01")].into_iter().chain(used);
    let day = 86_400_000_000;
    on_provisional(steps)
        .and(until("2027-01-02"))
        .and(pay("p"))
        .when(refund_subscription("r"))
        .then([gave_back("r", 8_975 + 9_000, (1, 1), (364 * day, 365 * day))]);
}
