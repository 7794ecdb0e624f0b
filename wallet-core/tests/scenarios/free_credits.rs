//! A default plan with a term: free credits in each of its windows, while no subscription runs.

use super::prelude::*;

/// Returns a catalog whose default plan has this term and these allowances.
fn with_default(term: &str, allowances: &str) -> String {
    let free = format!(
        "default_plan = \"welcome\"\n[[plans]]\nid = \"welcome\"\nterm = \"{term}\"\nallowances = [{allowances}]\n"
    );
    with_plans().replacen("default_plan = \"free\"", &free, 1)
}

const MONTHLY: &str = "{ unit = \"credits\", amount = 20 }";
const DAILY: &str = "{ unit = \"credits\", amount = 3, cadence = \"DAY\" }";

#[test]
fn w6_a_default_plan_with_a_term_gives_its_credits_in_every_window() {
    given_catalog(&with_default("MONTH", MONTHLY), [])
        .then([
            plan("welcome"),
            from(Source::Free, 20),
            free_renewal("2026-02-01"),
            issued("period:0.0.0 20"),
        ])
        .and(until("2026-02-01"))
        .when(process_due())
        .then([
            wrote(&[EntryKind::GrantExpired, EntryKind::AllowanceGiven]),
            effective_on(&["2026-02-01", "2026-02-01"]),
            issued("period:0.1.0 20"),
            lives("period:0.1.0", "2026-02-01", "2026-03-01"),
            from(Source::Free, 20),
        ])
        .and(until("2026-06-10"))
        .when(process_due())
        .then([
            issued("period:0.2.0 20, period:0.3.0 20, period:0.4.0 20, period:0.5.0 20"),
            from(Source::Free, 20),
            free_renewal("2026-07-01"),
        ]);
}

#[test]
fn daily_free_credits_are_counted_from_the_creation_of_the_wallet() {
    given_catalog(&with_default("WEEK", DAILY), [wait(hours(23))])
        .then([from(Source::Free, 3)])
        .and(wait(hours(24 * 9)))
        .when(process_due())
        .then([
            from(Source::Free, 3),
            free_renewal("2026-01-11"),
            lives("period:0.1.2", "2026-01-10", "2026-01-11"),
        ]);
}

#[test]
fn free_credits_may_roll_over() {
    let rolling = "{ unit = \"credits\", amount = 20, rollover = { cap = 15 } }";
    given_catalog(&with_default("MONTH", rolling), [until("2026-02-01")])
        .when(process_due())
        .then([issued("rollover:0.1.0.1 15, period:0.1.0 20"), from(Source::Free, 35)]);
}

#[test]
fn while_a_subscription_runs_the_default_plan_gives_nothing() {
    given_catalog(&with_default("MONTH", MONTHLY), [until("2026-01-15"), subscribe("s", "creator")])
        .then([from(Source::Free, 20), from(Source::Subscription, 30)])
        .and(until("2026-02-20"))
        .when(process_due())
        .then([from(Source::Free, 0), from(Source::Subscription, 30)])
        .when(unsubscribe_now("x").keeping())
        .then([from(Source::Free, 0), free_renewal("2026-03-01")])
        .and(until("2026-03-01"))
        .when(process_due())
        .then([issued("period:0.2.0 20"), from(Source::Free, 20)]);
}

#[test]
fn a_window_that_begins_with_the_end_of_the_subscription_is_given() {
    given_catalog(&with_default("MONTH", MONTHLY), [subscribe("s", "creator"), unsubscribe("x")])
        .and(until("2026-02-01"))
        .when(process_due())
        .then([unsubscribed(), issued("period:0.1.0 20"), from(Source::Free, 20)]);
}

#[test]
fn a_subscription_that_ends_in_its_window_gives_no_second_time() {
    given_catalog(&with_default("MONTH", MONTHLY), [subscribe("s", "creator"), unsubscribe_now("x")])
        .when(subscribe("t", "creator"))
        .and(unsubscribe_now("y"))
        .then([issued(""), from(Source::Free, 20), free_renewal("2026-02-01")]);
}

#[test]
fn another_default_plan_begins_with_its_next_window() {
    for (term, allowances, start, id) in [
        ("DAY", "{ unit = \"credits\", amount = 3 }", "2026-01-16", "period:1.15.0"),
        ("MONTH", "{ unit = \"credits\", amount = 50 }", "2026-02-01", "period:1.1.0"),
    ] {
        given_catalog(
            &with_default("MONTH", MONTHLY),
            [until("2026-01-15"), Step::Publish(with_default(term, allowances)), process_due()],
        )
        .then([free_renewal("2026-02-01")])
        .when(buy("t", 1))
        .then([from(Source::Free, 20), free_renewal(start)])
        .and(until(start))
        .when(process_due())
        .then([begins(id, start)]);
    }
    given_catalog(
        &with_plans(),
        [until("2026-01-15"), Step::Publish(with_default("MONTH", MONTHLY)), buy("t", 1)],
    )
    .then([from(Source::Free, 5), free_renewal("2026-02-01")])
    .and(Step::Publish(with_plans()))
    .and(buy("u", 1))
    .and(until("2026-02-01"))
    .when(process_due())
    .then([issued(""), from(Source::Free, 5)]);
}
