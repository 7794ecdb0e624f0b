//! Plans and payments as they are billed: changes of plan, what is paid, and the two rules about both. No credit of a paid
//! period is lost before its end (P1), and changes of plan within a term give no more than the better plan (P2).

use super::prelude::*;

/// Yearly plans that give their credits at once, by the month and by the week.
const YEARLY: &str = r#"
    [[plans]]
    id = "upfront"
    rank = 1
    term = "YEAR"
    list_price = { currency = "EUR", minor_units = 12000 }
    allowances = [{ unit = "credits", amount = 1200 }]

    [[plans]]
    id = "by-month"
    rank = 2
    term = "YEAR"
    allowances = [{ unit = "credits", amount = 110, cadence = "MONTH" }]

    [[plans]]
    id = "by-week"
    rank = 2
    term = "YEAR"
    allowances = [{ unit = "credits", amount = 30, cadence = "WEEK" }]
"#;

#[track_caller]
fn on_plans(steps: impl IntoIterator<Item = Step>) -> World {
    given_catalog(&format!("{}{YEARLY}", with_plans()), steps)
}

#[test]
fn w2_a_cancel_takes_effect_at_the_end_of_what_was_paid() {
    on_plans([subscribe("s", "prepaid"), until("2026-01-20"), pay("february")])
        .when(unsubscribe("x"))
        .then([pending("end"), pending_on("2026-03-01")])
        .when(pay("march"))
        .then([refused("SUBSCRIPTION_ENDS"), saying("end_time", "2026-03-01T00:00:00Z"), wrote_nothing()])
        .and(until("2026-02-01"))
        .when(process_due())
        .then([issued("period:1.1.0 30"), active(), never_renews()])
        .and(until("2026-03-01"))
        .when(process_due())
        .then([unsubscribed()]);
}

#[test]
fn w2_a_change_to_a_shorter_term_waits_for_the_end_of_what_was_paid() {
    on_plans([subscribe("s", "prepaid"), until("2026-01-20"), pay("february")])
        .when(change_plan("c", "week"))
        .then([plan("prepaid"), pending("week"), pending_on("2026-03-01")])
        .when(pay("april").for_period("2026-04-01"))
        .then([refused("SUBSCRIPTION_ENDS"), saying("end_time", "2026-03-01T00:00:00Z")])
        .and(until("2026-03-01"))
        .when(process_due())
        .then([plan("week"), issued("period:1.1.0 30, period:2.0.0 10"), period("2026-03-01", "2026-03-08")]);
}

#[test]
fn w3_credits_of_a_paid_year_outlive_the_plan_that_replaced_it() {
    for end in [unsubscribe_now("x").keeping(), unsubscribe("x")] {
        on_plans([subscribe("s", "upfront"), change_plan("c", "creator").at_once().keeping()])
            .then([plan("creator"), from(Source::Subscription, 1230)])
            .and(end)
            .and(until("2026-02-01"))
            .when(process_due())
            .then([unsubscribed(), from(Source::Subscription, 1200)])
            .and(until("2026-12-31"))
            .then([from(Source::Subscription, 1200)])
            .and(until("2027-01-01"))
            .when(process_due())
            .then([from(Source::Subscription, 0)]);
    }
}

#[test]
fn p1_only_a_caller_who_says_so_ends_credits_before_their_time() {
    on_plans([subscribe("s", "creator")])
        .when(unsubscribe_now("x").keeping())
        .then([unsubscribed(), available(35)]);
    on_plans([subscribe("s", "creator")]).when(unsubscribe_now("x")).then([available(5)]);
    on_plans([subscribe("s", "creator"), change_plan("c", "annual"), unsubscribe_now("x")])
        .then([from(Source::Subscription, 30)]);
    on_plans([subscribe("s", "pro"), change_plan("c", "week").at_once()])
        .then([from(Source::Subscription, 10)]);
}

#[test]
fn w5_an_upgrade_within_a_year_counts_what_was_given_in_advance() {
    for (to, in_all) in [("by-month", 1321), ("by-week", 1565)] {
        on_plans([subscribe("s", "upfront"), until("2026-01-02"), change_plan("c", to)])
            .then([plan(to), from(Source::Subscription, 1200), issued("")])
            .and(until("2026-12-31"))
            .when(process_due())
            .then([given_in_all(in_all)])
            .and(until("2027-01-01"))
            .when(process_due())
            .then([issued(if to == "by-month" { "period:2.1.0 110" } else { "period:2.1.0 30" })]);
    }
}

#[test]
fn w6_a_plan_without_periods_is_cancelled_at_once_or_not_at_all() {
    on_plans([subscribe("s", "trial")])
        .when(unsubscribe("x"))
        .then([refused("INVALID_FIELD"), pending("nothing"), wrote_nothing()])
        .when(unsubscribe_now("y"))
        .then([unsubscribed(), from(Source::Free, 25)]);
}

#[test]
fn s1_changes_to_and_fro_at_one_instant_gain_nothing() {
    let mut world = on_plans([subscribe("s", "creator")]);
    for n in 0..6 {
        let to = if n % 2 == 0 { "week" } else { "creator" };
        world = world.and(change_plan(&format!("c{n}"), to));
    }
    world.then([given_in_all(30), plan("creator"), pending("nothing")]);
}

#[test]
fn s2_a_paid_year_is_used_up_before_a_lesser_plan_begins() {
    for to in ["creator", "free"] {
        on_plans([subscribe("s", "annual"), until("2026-03-05")])
            .when(change_plan("c", to))
            .then([plan("annual"), pending(to), pending_on("2027-01-01")])
            .and(until("2027-01-01"))
            .when(process_due())
            .then([plan(to)]);
    }
}

#[test]
fn s3_a_downgrade_begins_with_its_payment() {
    on_plans([subscribe("s", "prepaid-pro"), change_plan("c", "prepaid"), until("2026-02-01")])
        .when(process_due())
        .then([past_due(), from(Source::Subscription, 0), pending("prepaid")])
        .and(until("2026-02-02"))
        .when(pay("p"))
        .then([active(), plan("prepaid"), issued("period:2.1.0 30"), period("2026-02-01", "2026-03-01")]);
    on_plans([subscribe("s", "prepaid-pro"), pay("february"), change_plan("c", "prepaid")])
        .then([pending_on("2026-03-01")])
        .when(pay("march").for_period("2026-03-01"))
        .then([done(), paid_through("2026-04-01")])
        .and(until("2026-03-01"))
        .when(process_due())
        .then([active(), plan("prepaid"), issued("rollover:1.1.0.1 50, period:1.1.0 100, period:2.2.0 30")]);
}

#[test]
fn s3_a_plan_of_another_term_begins_with_its_payment_too() {
    on_plans([subscribe("s", "prepaid"), change_plan("c", "patient"), until("2026-02-01")])
        .when(process_due())
        .then([past_due(), plan("prepaid"), pending("patient")])
        .and(until("2026-02-03"))
        .when(pay("p").for_period("2026-02-01"))
        .then([active(), plan("patient"), issued("period:2.0.0 10"), period("2026-02-01", "2026-02-08")]);
}

#[test]
fn s4_a_payment_names_its_period_and_pays_it_once() {
    on_plans([subscribe("s", "prepaid").invoiced("in_1", 900)])
        .when(pay("first").invoiced("in_1", 900))
        .then([replayed(), wrote_nothing(), paid_through("2026-02-01")])
        .when(pay("present").for_period("2026-01-01"))
        .then([refused("PERIOD_PAID"), saying("next_start_time", "2026-02-01T00:00:00Z"), wrote_nothing()])
        .when(change_plan("c", "prepaid-pro").invoiced("in_2", 500))
        .and(pay("upgrade").invoiced("in_2", 500))
        .then([paid_through("2026-02-01")])
        .when(pay("february").for_period("2026-02-01").invoiced("in_3", 1400))
        .then([done(), paid_through("2026-03-01")])
        .when(pay("again").for_period("2026-02-01"))
        .then([refused("PERIOD_PAID"), saying("next_start_time", "2026-03-01T00:00:00Z")])
        .when(pay("odd").for_period("2026-02-02"))
        .then([refused("INVALID_FIELD"), wrote_nothing()])
        .when(pay("far").for_period("2027-03-01"))
        .then([refused("INVALID_FIELD")])
        .when(pay("thirteenth").for_period("2027-02-01"))
        .then([refused("INVALID_FIELD")])
        .when(pay("last").for_period("2027-01-01"))
        .then([done(), paid_through("2027-02-01")]);
}

#[test]
fn p1_a_later_period_that_is_paid_begins_after_an_unpaid_one() {
    on_plans([subscribe("s", "patient"), pay("third").for_period("2026-01-15"), until("2026-01-08")])
        .when(process_due())
        .then([past_due()])
        .and(until("2026-01-15"))
        .when(process_due())
        .then([active(), issued("period:1.2.0 10"), period("2026-01-15", "2026-01-22")]);
}

#[test]
fn s11_an_upgrade_keeps_better_limits_and_a_resume_the_scheduled_change() {
    on_plans([subscribe("s", "creator").allowing("concurrency", 9), change_plan("c", "pro")])
        .then([negotiated_limit("concurrency", 9)]);
    on_plans([subscribe("s", "pro"), change_plan("c", "creator"), unsubscribe("x")])
        .then([pending("end")])
        .when(resume("r"))
        .then([pending("creator")]);
}

#[test]
fn p2_upgrades_within_a_term_give_at_most_what_the_best_plan_gives() {
    let plans = ["creator", "keeper", "pro", "keeper-pro", "gym", "studio"];
    for first in plans {
        for second in plans {
            for days in [0, 1, 11, 30] {
                let changes = [change_plan("c", second), change_plan("d", "studio"), change_plan("e", first)];
                let mut world = on_plans([subscribe("s", first)]).and(wait(hours(24 * days)));
                for change in changes {
                    world = world.and(change).and(wait(hours(7)));
                }
                world.then([given_at_most(302)]);
            }
        }
    }
}

#[test]
fn p2_changes_within_a_year_give_at_most_what_the_best_plan_gives() {
    let plans = ["upfront", "by-month", "by-week"];
    for seed in 0..120_u64 {
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let mut next = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        let mut pick = || plans[usize::try_from(next(3)).unwrap()];
        let (first, changes) = (pick(), [pick(), pick(), pick()]);
        let mut world = on_plans([subscribe("s", first)]);
        for (n, to) in changes.into_iter().enumerate() {
            world = world.and(wait(hours(next(24 * 100)))).and(change_plan(&format!("c{n}"), to));
        }
        world.and(until("2026-12-31")).when(process_due()).then([given_at_most(1567)]);
    }
}
