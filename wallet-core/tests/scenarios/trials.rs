//! Trials: plans that a wallet has once, for one period, and the plan that follows.

use super::prelude::*;

/// `taste` is followed by the default plan, `start` by a plan that is paid, `lead` by one that needs no payment.
const TRIALS: &str = r#"
    [[plans]]
    id = "taste"
    rank = 1
    term = "7 DAY"
    once = true
    allowances = [{ unit = "credits", amount = 40 }]

    [[plans]]
    id = "start"
    rank = 1
    term = "14 DAY"
    once = true
    then = "prepaid"
    allowances = [{ unit = "credits", amount = 40 }]

    [[plans]]
    id = "lead"
    rank = 1
    term = "MONTH"
    once = true
    then = "pro"
    allowances = [{ unit = "credits", amount = 40 }]

    [[plans]]
    id = "welcome"
    rank = 1
    term = "ONCE"
    once = true
    allowances = [{ unit = "credits", amount = 40 }]
"#;

#[track_caller]
fn on_trials(steps: impl IntoIterator<Item = Step>) -> World {
    given_catalog(&format!("{}{TRIALS}", with_plans()), steps)
}

#[test]
fn a_trial_ends_with_its_period_and_the_default_plan_follows() {
    on_trials([subscribe("s", "taste")])
        .then([pending("end"), pending_on("2026-01-08"), never_renews(), from(Source::Subscription, 40)])
        .and(until("2026-01-08"))
        .when(process_due())
        .then([unsubscribed(), plan("free"), from(Source::Subscription, 0)]);
}

#[test]
fn the_plan_that_follows_a_trial_begins_at_its_end() {
    on_trials([subscribe("s", "lead")])
        .then([pending("pro"), pending_on("2026-02-01")])
        .and(until("2026-02-01"))
        .when(process_due())
        .then([plan("pro"), active(), issued("period:2.1.0 100"), pending("nothing")]);
    on_trials([subscribe("s", "start"), until("2026-01-15")])
        .when(process_due())
        .then([past_due(), plan("start"), pending("prepaid")])
        .when(pay("p"))
        .then([active(), plan("prepaid"), issued("period:2.0.0 30"), period("2026-01-15", "2026-02-15")]);
    on_trials([subscribe("s", "start"), pay("p"), until("2026-01-15")]).when(process_due()).then([
        active(),
        plan("prepaid"),
        period("2026-01-15", "2026-02-15"),
    ]);
}

#[test]
fn the_dunning_time_is_that_of_the_plan_whose_payment_is_missed() {
    let brief = TRIALS.replace("then = \"prepaid\"", "then = \"brief\"");
    let brief = format!(
        "{}{brief}[[plans]]\nid = \"brief\"\nrank = 2\nterm = \"MONTH\"\nrenewal = \"ON_PAYMENT\"\ndunning = \"3d\"\n",
        with_plans()
    );
    let after = |date| given_catalog(&brief, [subscribe("s", "start"), until(date)]);
    after("2026-01-17").when(process_due()).then([past_due(), plan("start")]);
    after("2026-01-18").when(process_due()).then([unsubscribed()]);
    // A change that is withdrawn leaves the time as it began.
    let kept = after("2026-01-16").and(change_plan("c", "start")).and(until("2026-01-18"));
    kept.when(process_due()).then([unsubscribed()]);
}

#[test]
fn a_wallet_has_a_trial_once() {
    for (id, end) in [("taste", "x"), ("start", "x"), ("welcome", "x")] {
        on_trials([subscribe("s", id), unsubscribe_now(end)])
            .when(subscribe("t", id))
            .then([refused("PLAN_USED"), saying("plan_id", id), wrote_nothing()])
            .when(subscribe("s", id))
            .then([replayed()])
            .and(subscribe("u", "creator"))
            .when(change_plan("c", id))
            .then([refused("PLAN_USED"), wrote_nothing()]);
    }
}

#[test]
fn a_change_to_a_trial_counts_when_it_begins() {
    on_trials([
        subscribe("s", "pro"),
        change_plan("c", "lead"),
        change_plan("d", "pro"),
        change_plan("e", "lead"),
    ])
    .then([pending("lead")])
    .and(until("2026-02-01"))
    .when(process_due())
    .then([plan("lead"), pending("pro"), pending_on("2026-03-01")])
    .when(change_plan("f", "studio"))
    .then([plan("studio"), pending("nothing")])
    .when(change_plan("g", "lead"))
    .then([refused("PLAN_USED")]);
}

#[test]
fn nothing_makes_a_trial_renew() {
    let to_the_end = |world: World, following: &str| {
        world.and(until("2026-02-28")).when(process_due()).then([plan(following), given_at_most(140)]);
    };
    to_the_end(on_trials([subscribe("s", "taste"), resume("r")]).then([pending("end")]), "free");
    to_the_end(
        on_trials([subscribe("s", "taste"), change_plan("c", "taste")]).then([pending("end")]),
        "free",
    );
    to_the_end(on_trials([subscribe("s", "lead"), change_plan("c", "lead")]).then([pending("pro")]), "pro");
    to_the_end(
        on_trials([subscribe("s", "lead"), unsubscribe("x"), resume("r")]).then([pending("pro")]),
        "pro",
    );
    to_the_end(on_trials([subscribe("s", "lead"), unsubscribe("x")]).then([pending("end")]), "free");
    on_trials([subscribe("s", "taste")]).when(pay("p")).then([refused("SUBSCRIPTION_ENDS")]);
}

#[test]
fn an_upgrade_in_a_trial_begins_at_once() {
    on_trials([subscribe("s", "lead"), until("2026-01-16"), wait(hours(12)), change_plan("c", "studio")])
        .then([plan("studio"), pending("nothing"), from(Source::Subscription, 170)])
        .and(until("2026-02-01"))
        .when(process_due())
        .then([issued("period:2.1.0 300, period:2.1.0#1 4, period:2.1.0#2 100")]);
}

#[test]
fn a_payment_in_a_trial_is_for_the_plan_that_follows() {
    let paid = [subscribe("s", "lead"), until("2026-01-20"), pay("p").invoiced("in_1", 1_000)];
    on_trials(paid.into_iter().chain([until("2026-02-02")]))
        .then([plan("pro"), from(Source::Subscription, 100)])
        .when(charge_back_reference("c", "in_1"))
        .then([done(), from(Source::Subscription, 0)]);
}
