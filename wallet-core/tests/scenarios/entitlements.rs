//! Entitlements and limits of a wallet's plan: operations, quantities, concurrent jobs.

use wallet_core::decide::PriceSource;

use super::prelude::*;

/// Returns the catalog of the scenarios with plans. New wallets are on `free`.
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
fn an_operation_outside_the_plan_is_refused_with_the_plans_that_include_it() {
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
fn a_quantity_above_the_plans_maximum_is_refused_with_the_plans_that_allow_it() {
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
fn missing_entitlements_are_reported_before_missing_credits() {
    given_catalog(&with_plans(), [])
        .when(reserve_both("job", "both", 10, 1))
        .then([refused("NOT_ENTITLED")])
        .when(reserve("job", 11))
        .then([refused("LIMIT_EXCEEDED")])
        .when(reserve("job", 10))
        .then([refused("INSUFFICIENT_CREDITS")]);
}

/// Returns a catalog whose plan allows 150 of `n`, which is 160 by default, and 30 `images`, which no rule prices.
fn with_a_preset() -> String {
    let rules = r#"
[[rules]]
id = "preset"
kind = "preset"
[[rules.components]]
unit = "credits"
quantity = "n"
otherwise = 160
rate = 1
[[rules]]
id = "flat"
kind = "flat"
[[rules.components]]
unit = "credits"
flat = 1
"#;
    let plans = r#"
default_plan = "free"
ignored_quantities = ["images"]
[[plans]]
id = "free"
term = "ONCE"
entitlements = [
    { kind = ["preset", "fixed"], max = { n = 150 } },
    { kind = "flat", max = { images = 30 } },
    { kind = { prefix = "custom" }, max = { images = 30 } },
    { kind = { prefix = "ope" }, max = { images = 30 } },
]
"#;
    format!("{plans}{CATALOG}{rules}")
}

#[test]
fn a_missing_quantity_counts_with_the_default_that_prices_it() {
    let preset = |quantities: &[(&str, &str)]| {
        reserve_for("job", PriceSource::Operation(operation("preset", quantities)))
    };
    given_catalog(&with_a_preset(), [top_up(500)])
        .when(preset(&[]))
        .then([refused("LIMIT_EXCEEDED"), saying("limit", "n"), saying("requested", "160"), unknown("job")])
        .when(preset(&[("n", "151")]))
        .then([refused("LIMIT_EXCEEDED")])
        .when(preset(&[("n", "150")]))
        .then([done(), held(150)]);
}

#[test]
fn a_capped_quantity_without_a_price_must_be_stated() {
    let flat = |quantities: &[(&str, &str)]| {
        reserve_for("job", PriceSource::Operation(operation("flat", quantities)))
    };
    given_catalog(&with_a_preset(), [top_up(500)])
        .when(flat(&[]))
        .then([refused("INVALID_FIELD"), saying("quantities", "images"), unknown("job")])
        .when(flat(&[("images", "31")]))
        .then([refused("LIMIT_EXCEEDED")])
        .when(reserve_kind("open", "open", 1))
        .then([done()])
        .when(flat(&[("images", "30")]))
        .then([done()]);
}

#[test]
fn an_explicit_price_does_not_lift_a_cap_by_a_quantity_left_out_or_misspelt() {
    let explicit = |kind: &str, quantities: &[(&str, &str)]| {
        reserve_amounts("job", &[("credits", 1)], &[]).about(operation(kind, quantities))
    };
    given_catalog(&with_a_preset(), [top_up(500)])
        .when(explicit("preset", &[("N", "151")]))
        .then([refused("INVALID_FIELD"), saying("quantities", "N"), unknown("job")])
        .when(explicit("preset", &[]))
        .then([refused("LIMIT_EXCEEDED"), saying("requested", "160")])
        .when(explicit("fixed", &[]))
        .then([refused("INVALID_FIELD"), saying("quantities", "n")])
        .when(explicit("fixed", &[("n", "151")]))
        .then([refused("LIMIT_EXCEEDED")])
        .when(explicit("custom.kind", &[("image", "1")]))
        .then([refused("INVALID_FIELD"), saying("quantities", "images")])
        .when(explicit("fixed", &[("n", "150")]))
        .then([done(), held(1)]);
}

#[test]
fn a_shortfall_names_no_plan_that_caps_a_quantity_left_out() {
    let plans = r#"
default_plan = "free"
[[plans]]
id = "free"
term = "ONCE"
[[plans]]
id = "capped"
rank = 1
term = "MONTH"
allowances = [{ unit = "credits", amount = 50 }]
entitlements = [{ kind = "fixed", max = { n = 150 } }]
[[plans]]
id = "roomy"
rank = 2
term = "MONTH"
allowances = [{ unit = "credits", amount = 50 }]
"#;
    let job = |quantities: &[(&str, &str)]| {
        reserve_amounts("job", &[("credits", 1)], &[]).about(operation("fixed", quantities))
    };
    given_catalog(&format!("{plans}{CATALOG}"), [])
        .when(job(&[]))
        .then([refused("INSUFFICIENT_CREDITS"), saying("plans", "roomy")])
        .when(job(&[("n", "150")]))
        .then([refused("INSUFFICIENT_CREDITS"), saying("plans", "capped,roomy")]);
}

#[test]
fn overrides_under_names_unknown_to_the_catalog_are_refused() {
    given_catalog(&with_plans(), [])
        .when(subscribe("s", "pro").allowing("concurency", 1))
        .then([refused("INVALID_FIELD"), unsubscribed()])
        .when(subscribe("s", "pro").entitling("nothing", 1))
        .then([refused("INVALID_FIELD")])
        .and(subscribe("s", "pro").allowing("concurrency", 1))
        .when(change_plan("c", "creator").allowing("concurency", 1))
        .then([refused("INVALID_FIELD"), plan("pro")]);
}

/// Returns the plans without the one with this id.
fn without(id: &str) -> String {
    let plans = with_plans();
    let from = plans.find(&format!("[[plans]]\nid = {id:?}")).unwrap();
    let end = from + 2 + plans[from + 2..].find("\n[").unwrap();
    format!("{}{}", &plans[..from], &plans[end..])
}

#[test]
fn a_subscriber_keeps_the_plan_as_sold_when_the_catalog_drops_it() {
    given_catalog(&with_plans(), [top_up(100), subscribe("s", "creator").allowing("concurrency", 1)])
        .and(Step::Publish(without("creator")))
        .when(reserve("job", 51))
        .then([refused("LIMIT_EXCEEDED"), saying("maximum", "20"), saying("plans", "pro")])
        .when(reserve_both("job", "both", 1, 1))
        .then([refused("NOT_ENTITLED"), saying("plan", "creator")])
        .and(reserve("a", 50))
        .when(reserve("b", 1))
        .then([refused("CONCURRENCY_LIMIT")])
        .then([plan("creator")]);
}

#[test]
fn a_plan_that_no_catalog_at_hand_knows_allows_nothing_and_the_rest_goes_on() {
    let mut world = given_catalog(&with_plans(), [top_up(100), subscribe("s", "creator"), reserve("a", 10)])
        .and(Step::Publish(without("creator")));
    world.catalogs.older.clear();
    world
        .when(reserve("b", 1))
        .then([refused("CATALOG_NOT_FOUND"), saying("catalog_version", "1"), unknown("b")])
        .when(reserve("a", 10))
        .then([replayed()])
        .and(settle_amounts("a", &[("credits", 4)]))
        .and(buy("more", 5))
        .when(cancel("nothing").allow_missing())
        .then([done()])
        .when(change_plan("c", "pro"))
        .then([done()])
        .when(reserve("b", 1))
        .then([done()]);
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
fn overrides_take_precedence_over_the_plan_until_another_is_sold() {
    given_catalog(&with_plans(), [top_up(100)])
        .and(subscribe("s", "pro").entitling("open", 20).entitling("open", 10))
        .when(reserve("job", 1))
        .then([refused("NOT_ENTITLED"), saying("plan", "pro"), saying("plans", "free,creator,pro")])
        .when(reserve_kind("job", "open", 21))
        .then([refused("LIMIT_EXCEEDED"), saying("maximum", "10"), not_saying("plans")])
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
