//! Periods: renewal, rollover, cadences, the calendar, downtime, and payment.

use chrono::Datelike;

use super::prelude::*;

#[track_caller]
fn on_plans(steps: impl IntoIterator<Item = Step>) -> World {
    given_catalog(&with_plans(), steps)
}

/// `trainer` is like `keeper`, with another unit in the first place. `saver` rolls over half of the unused credits.
const ROLLOVER_PLANS: &str = r#"
    [[plans]]
    id = "trainer"
    rank = 1
    term = "MONTH"
    allowances = [
        { unit = "trainings", amount = 4, rollover = { cap = 4 } },
        { unit = "credits", amount = 100, rollover = { cap = 50 } },
    ]

    [[plans]]
    id = "saver"
    rank = 1
    term = "MONTH"
    allowances = [{ unit = "credits", amount = 100, rollover = { percent = 50, periods = 3 } }]
"#;

#[track_caller]
fn on_rollover_plans(steps: impl IntoIterator<Item = Step>) -> World {
    given_catalog(&format!("{}{ROLLOVER_PLANS}", with_plans()), steps)
}

#[test]
fn the_next_period_is_issued_when_the_old_grant_expires_without_rollover() {
    on_plans([subscribe("s", "creator"), reserve("job", 10), settle("job", 10)])
        .when(until("2026-01-31"))
        .then([from(Source::Subscription, 20)])
        .when(wait(hours(24).saturating_sub(seconds(1))))
        .then([from(Source::Subscription, 20), renews("2026-02-01")])
        .and(wait(seconds(1)))
        .when(process_due())
        .then([
            wrote(&[EntryKind::GrantExpired, EntryKind::PeriodBegan]),
            effective_on(&["2026-02-01", "2026-02-01"]),
            parts("period:1.0.0", "consumed 10, expired 20"),
            issued("period:1.1.0 30"),
            lives("period:1.1.0", "2026-02-01", "2026-03-01"),
            from(Source::Subscription, 30),
            renews("2026-03-01"),
        ]);
}

#[test]
fn unused_credits_roll_over_once_up_to_the_cap() {
    for (used, rolled) in [(0, 40), (30, 40), (60, 40), (70, 30), (100, 0)] {
        let expected = if rolled > 0 { format!("rollover:1.1.0.1 {rolled}, ") } else { String::new() };
        on_plans([subscribe("s", "keeper"), reserve("job", used), settle("job", used)])
            .and(until("2026-02-01"))
            .when(process_due())
            .then([issued(&format!("{expected}period:1.1.0 100")), from(Source::Subscription, 100 + rolled)])
            .and(until("2026-03-01"))
            .when(process_due())
            .then([issued("rollover:1.2.0.1 40, period:1.2.0 100")]);
    }
}

#[test]
fn rolled_over_credits_are_spent_first_and_end_with_the_window() {
    on_plans([subscribe("s", "keeper"), until("2026-02-01"), reserve("job", 50), settle("job", 50)]).then([
        lives("rollover:1.1.0.1", "2026-02-01", "2026-03-01"),
        parts("rollover:1.1.0.1", "consumed 40"),
        parts("period:1.1.0", "available 90, consumed 10"),
    ]);
}

#[test]
fn a_share_of_unused_credits_rolls_over_as_often_as_the_plan_says() {
    on_rollover_plans([subscribe("s", "saver"), reserve("job", 1), settle("job", 1)])
        .and(until("2026-02-01"))
        .when(process_due())
        .then([issued("rollover:1.1.0.1 50, period:1.1.0 100")])
        .and(until("2026-03-01"))
        .when(process_due())
        .then([issued("rollover:1.2.0.1 75, period:1.2.0 100")]);
}

#[test]
fn w1_rollover_goes_by_unit_and_not_by_the_place_of_an_allowance() {
    for (from_plan, to) in [("trainer", "keeper"), ("keeper", "trainer")] {
        on_rollover_plans([
            subscribe("s", from_plan),
            reserve("job", 60),
            settle("job", 60),
            change_plan("c", to),
        ])
        .and(until("2026-02-01"))
        .when(process_due())
        .then([plan(to), from(Source::Subscription, 140)]);
    }
}

#[test]
fn w4_a_payment_after_the_boundary_counts_as_if_in_time() {
    let late = || {
        on_plans([subscribe("s", "prepaid-pro"), reserve("job", 60), settle("job", 60), until("2026-02-01")])
            .and(wait(seconds(300)))
    };
    late()
        .when(pay("p"))
        .then([issued("rollover:1.1.0.1 40, period:1.1.0 100"), from(Source::Subscription, 140)]);
    late().when(change_plan("c", "keeper")).then([active(), plan("keeper"), from(Source::Subscription, 140)]);
    let in_time = on_plans([subscribe("s", "prepaid-pro"), reserve("job", 60), settle("job", 60), pay("p")]);
    in_time.and(until("2026-02-01")).when(process_due()).then([from(Source::Subscription, 140)]);
}

#[test]
fn credits_held_at_the_boundary_do_not_roll_over() {
    on_plans([subscribe("s", "keeper"), until("2026-01-31"), reserve("job", 80).ttl(hours(24))])
        .and(wait(hours(23)))
        .and(until("2026-02-01"))
        .when(process_due())
        .then([issued("grace:job 80, rollover:1.1.0.1 20, period:1.1.0 100"), state("job", State::Expired)]);
    on_plans([subscribe("s", "keeper"), until("2026-01-31"), wait(hours(23))])
        .and(reserve("job", 80).ttl(hours(2)))
        .and(until("2026-02-01"))
        .when(process_due())
        .then([issued("rollover:1.1.0.1 20, period:1.1.0 100"), held(80)]);
}

#[test]
fn credits_of_an_upgrade_within_the_period_roll_over_too() {
    on_plans([until("2026-04-01"), subscribe("s", "keeper"), until("2026-04-11")])
        .when(change_plan("c", "keeper-pro"))
        .then([issued("period:2.0.0 67")])
        .and(until("2026-05-01"))
        .when(process_due())
        .then([issued("rollover:2.1.0.1 150, period:2.1.0 200"), from(Source::Subscription, 350)]);
}

#[test]
fn an_allowance_with_a_cadence_is_issued_in_the_period_and_ends_with_it() {
    let mut world = on_plans([subscribe("s", "gym")]);
    for (date, key, next, n) in [
        ("2026-01-08", "period:1.0.1#1", "2026-01-15", 2),
        ("2026-01-15", "period:1.0.2#1", "2026-01-22", 2),
        ("2026-01-22", "period:1.0.3#1", "2026-01-29", 2),
        ("2026-01-29", "period:1.0.4#1", "2026-02-01", 1),
    ] {
        world = world.and(until(date)).when(process_due()).then([
            wrote(&[EntryKind::GrantExpired, EntryKind::AllowanceGiven]),
            effective_on(&[date, date]),
            issued(&format!("{key} {n}")),
            lives(key, date, next),
            renews(next),
            available_of("trainings", n),
        ]);
    }
    world.and(until("2026-02-01")).when(process_due()).then([
        issued("period:1.1.0 100, period:1.1.0#1 2"),
        lives("period:1.1.0#1", "2026-02-01", "2026-02-08"),
    ]);
}

#[test]
fn an_allowance_with_a_cadence_rolls_over_from_window_to_window() {
    let pro = |trainings: i64| reserve_amounts("job", &[("trainings", trainings)], &[]);
    on_plans([subscribe("s", "gym-pro")])
        .and(until("2026-01-08"))
        .when(process_due())
        .then([issued("rollover:1.0.1.1 3, period:1.0.1 9")])
        .and(pro(11))
        .and(settle_as_reserved("job"))
        .and(until("2026-01-15"))
        .when(process_due())
        .then([issued("rollover:1.0.2.1 1, period:1.0.2 9")])
        .and(until("2026-01-29"))
        .and(process_due())
        .and(until("2026-02-01"))
        .when(process_due())
        .then([issued("rollover:1.1.0.1 3, period:1.1.0 9")]);
}

#[test]
fn a_year_of_weeks_and_months_gives_each_once_and_ends_with_the_term() {
    let world =
        on_plans([subscribe("s", "annual"), unsubscribe("x")]).and(until("2028-01-01")).when(process_due());
    let given = world.lazy.kinds(0).iter().filter(|kind| **kind == EntryKind::AllowanceGiven).count();
    assert_eq!(given, 11 + 52, "the first of each was issued by the sale");
    world.then([
        parts("period:1.0.11", "expired 100"),
        lives("period:1.0.11", "2026-12-01", "2027-01-01"),
        lives("period:1.0.52#1", "2026-12-31", "2027-01-01"),
        no_grant("period:1.0.12"),
        no_grant("period:1.0.53#1"),
        no_grant("period:1.1.0"),
        unsubscribed(),
    ]);
}

#[test]
fn boundaries_are_counted_from_the_anchor_and_do_not_drift() {
    for (anchor, boundaries) in [
        ("2027-01-29", ["2027-02-28", "2027-03-29", "2027-04-29", "2027-05-29"]),
        ("2027-01-30", ["2027-02-28", "2027-03-30", "2027-04-30", "2027-05-30"]),
        ("2027-01-31", ["2027-02-28", "2027-03-31", "2027-04-30", "2027-05-31"]),
        ("2028-01-31", ["2028-02-29", "2028-03-31", "2028-04-30", "2028-05-31"]),
    ] {
        let mut world = on_plans([until(anchor), subscribe("s", "creator")]);
        let mut start = anchor;
        for (n, end) in boundaries.into_iter().enumerate() {
            let key = format!("period:1.{n}.0");
            world = world.then([lives(&key, start, end), renews(end)]).and(until(end)).and(process_due());
            start = end;
        }
    }
}

#[test]
fn the_months_of_a_year_from_the_29th_of_february_do_not_drift_in_common_years() {
    on_plans([until("2028-02-29"), subscribe("s", "annual"), until("2029-03-05")]).then([
        lives("period:1.0.11", "2029-01-29", "2029-02-28"),
        lives("period:1.1.0", "2029-02-28", "2029-03-29"),
    ]);
}

#[test]
fn after_any_downtime_the_wallet_is_the_same_as_without_it() {
    for plan in ["creator", "keeper", "week", "gym-pro", "annual", "prepaid", "patient"] {
        for downtime in (0..=400).step_by(if plan == "creator" { 1 } else { 13 }) {
            let steps = [subscribe("s", plan), reserve("job", 3), wait(hours(24 * downtime + 1))];
            let mut world = on_plans(steps).when(process_due());
            if plan == "creator" {
                let now = world.now.to_utc().unwrap();
                let months = 12 * (now.year() - 2026) + i32::try_from(now.month0()).unwrap();
                world = world.then([from(Source::Subscription, 30), period_grants(months + 1)]);
            }
            world.and(wait(days(17))).when(process_due()).then([done()]);
        }
    }
}

#[test]
fn an_unpaid_period_begins_past_due_and_dunning_keeps_the_plan_and_its_packs() {
    on_plans([subscribe("s", "prepaid"), buy_pack("p", "add-on"), until("2026-02-01")])
        .when(process_due())
        .then([
            wrote(&[EntryKind::GrantExpired, EntryKind::PaymentMissed]),
            past_due(),
            plan("prepaid"),
            from(Source::Subscription, 0),
            from(Source::Purchased, 500),
            never_renews(),
        ])
        .and(until("2026-02-07"))
        .and(wait(hours(23)))
        .and(reserve_kind("job", "open", 10))
        .and(settle("job", 10))
        .and(until("2026-02-08"))
        .when(process_due())
        .then([
            wrote(&[EntryKind::SubscriptionEnded]),
            effective_on(&["2026-02-08"]),
            unsubscribed(),
            plan("free"),
            parts("top_up:p", "consumed 5, expired 495"),
            available(0),
        ])
        .when(reserve_kind("next", "open", 1))
        .then([refused("NOT_ENTITLED")])
        .when(pay("late"))
        .then([refused("SUBSCRIPTION_NOT_FOUND")]);
}

#[test]
fn an_automatic_period_needs_no_payment() {
    on_plans([subscribe("s", "creator"), until("2027-01-01")]).when(process_due()).then([
        active(),
        from(Source::Subscription, 30),
        plan("creator"),
    ]);
}

#[test]
fn an_early_payment_counts_at_the_boundary_and_a_second_one_is_refused() {
    on_plans([subscribe("s", "prepaid"), until("2026-01-20")])
        .when(pay("p1"))
        .then([wrote(&[EntryKind::PaymentRecorded]), issued(""), from(Source::Subscription, 30)])
        .when(pay("p2").for_period("2026-02-01"))
        .then([refused("PERIOD_PAID"), wrote_nothing()])
        .and(until("2026-02-01"))
        .when(process_due())
        .then([issued("period:1.1.0 30"), active(), effective_on(&["2026-02-01", "2026-02-01"])])
        .and(pay("p3"))
        .when(pay("p4").for_period("2026-03-01"))
        .then([refused("PERIOD_PAID")])
        .and(until("2026-03-01"))
        .when(process_due())
        .then([issued("period:1.2.0 30"), active()])
        .and(until("2026-04-01"))
        .when(process_due())
        .then([issued(""), past_due()]);
}

#[test]
fn a_late_payment_starts_the_current_anchored_period_at_once() {
    on_plans([subscribe("s", "prepaid"), until("2026-02-05")])
        .when(pay("p"))
        .then([
            issued("period:1.1.0 30"),
            lives("period:1.1.0", "2026-02-01", "2026-03-01"),
            active(),
            period("2026-02-01", "2026-03-01"),
            from(Source::Subscription, 30),
        ])
        .and(until("2026-03-01"))
        .when(process_due())
        .then([past_due()]);
}

#[test]
fn a_payment_later_than_a_whole_period_is_for_the_period_that_contains_it() {
    on_plans([subscribe("s", "patient"), until("2026-01-20")])
        .when(pay("p"))
        .then([
            issued("period:1.2.0 10"),
            lives("period:1.2.0", "2026-01-15", "2026-01-22"),
            from(Source::Subscription, 10),
            no_grant("period:1.1.0"),
        ])
        .and(until("2026-01-22"))
        .when(process_due())
        .then([past_due(), from(Source::Subscription, 0)]);
}
