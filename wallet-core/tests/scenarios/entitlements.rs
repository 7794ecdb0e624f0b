//! What a wallet's plan allows: which operations, how much of them, how many at once.

use super::prelude::*;

/// The scenarios' catalog with plans in front: new wallets are on `free`.
fn with_plans() -> String {
    let plans = r#"
default_plan = "free"

[[plans]]
id = "free"
rank = 0
term = "ONCE"
limits = { concurrency = 2 }
entitlements = [{ kind = "fixed", max = { n = 10 } }]

[[plans]]
id = "pro"
rank = 2
term = "MONTH"
entitlements = [{ kind = "fixed" }, { kind = "both" }]

[[plans]]
id = "creator"
rank = 1
term = "MONTH"
entitlements = [{ kind = "fixed", max = { n = 50 } }, { kind = "fixed", max = { n = 20 } }]
"#;
    format!("{plans}{CATALOG}")
}

#[test]
fn an_operation_outside_the_plan_is_not_entitled_and_the_refusal_names_the_plans_that_include_it() {
    given_catalog(&with_plans(), [top_up(100)])
        .when(reserve_both("job", "both", 10, 1))
        .then([
            refused("NOT_ENTITLED"),
            saying("kind", "both"),
            saying("plan", "free"),
            saying("plans", "pro"),
            unknown("job"),
        ])
        .when(reserve_kind("job", "open", 10))
        .then([refused("NOT_ENTITLED"), saying("plans", "")]);
}

#[test]
fn a_number_over_the_plans_maximum_exceeds_the_limit_and_the_refusal_names_the_plans_that_would_do() {
    given_catalog(&with_plans(), [top_up(100)])
        .when(reserve("job", 11))
        .then([
            refused("LIMIT_EXCEEDED"),
            saying("limit", "n"),
            saying("maximum", "10"),
            saying("requested", "11"),
            saying("plans", "creator,pro"),
            unknown("job"),
        ])
        .when(reserve("job", 51))
        .then([refused("LIMIT_EXCEEDED"), saying("plans", "pro")])
        .when(reserve("job", 10))
        .then([done(), held(10)]);
}

#[test]
fn what_is_not_in_the_plan_is_said_before_what_is_not_in_the_wallet() {
    given_catalog(&with_plans(), [])
        .when(reserve_both("job", "both", 10, 1))
        .then([refused("NOT_ENTITLED")])
        .when(reserve("job", 11))
        .then([refused("LIMIT_EXCEEDED")])
        .when(reserve("job", 10))
        .then([refused("INSUFFICIENT_CREDITS")]);
}

#[test]
fn open_jobs_count_for_concurrency_until_they_end_or_expire_also_at_price_zero() {
    given_catalog(&with_plans(), [top_up(100)])
        .and(reserve("a", 0))
        .and(reserve("b", 5).ttl(minutes(5)))
        .when(reserve("c", 5))
        .then([refused("CONCURRENCY_LIMIT"), saying("limit", "2"), saying("open", "2"), unknown("c")])
        .and(settle("a", 0))
        .and(reserve("c", 5))
        .when(reserve("d", 5))
        .then([refused("CONCURRENCY_LIMIT")])
        .and(wait(minutes(5)))
        .when(reserve("d", 5))
        .then([done(), state("b", State::Expired)]);
}

#[test]
fn a_replay_is_not_asked_for_its_plan_again() {
    given_catalog(&with_plans(), [top_up(100)])
        .and(reserve("a", 10))
        .and(reserve("b", 10))
        .when(reserve("a", 10))
        .then([replayed()]);
}

#[test]
fn explicit_amounts_without_an_operation_are_bound_by_concurrency_alone() {
    given_catalog(&with_plans(), [top_up(100)])
        .and(reserve_amounts("a", &[("credits", 60)], &[]))
        .and(reserve_amounts("b", &[("credits", 10)], &[]))
        .when(reserve_amounts("c", &[("credits", 10)], &[]))
        .then([refused("CONCURRENCY_LIMIT")]);
}

#[test]
fn what_is_negotiated_wins_over_the_plan_until_another_is_sold() {
    given_catalog(&with_plans(), [top_up(100)])
        .and(subscribe("s", "pro").entitling("open", 20).entitling("open", 10))
        .when(reserve("job", 1))
        .then([refused("NOT_ENTITLED"), saying("plan", "pro"), saying("plans", "free,creator,pro")])
        .when(reserve_kind("job", "open", 21))
        .then([refused("LIMIT_EXCEEDED"), saying("maximum", "10"), unsaid("plans")])
        .when(reserve_kind("job", "open", 20))
        .then([done(), held(20)])
        .and(change_plan("c", "creator").entitling("both", 5))
        .when(reserve("other", 1))
        .then([refused("NOT_ENTITLED")])
        .and(until("2026-02-01"))
        .when(reserve("other", 1))
        .then([refused("NOT_ENTITLED"), saying("plan", "creator")])
        .and(change_plan("n", "pro"))
        .when(reserve("other", 1))
        .then([done()]);
}

#[test]
fn nothing_at_all_may_be_negotiated_and_the_same_request_again_is_a_replay() {
    let deal = || subscribe("s", "pro").entitling("open", 20);
    given_catalog(&with_plans(), [deal()])
        .when(deal())
        .then([replayed()])
        .when(subscribe("s", "pro").entitling("open", 21))
        .then([refused("IDEMPOTENCY_MISMATCH"), saying("fields", "overrides")]);
}
