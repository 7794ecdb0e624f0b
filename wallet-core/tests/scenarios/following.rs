//! New terms for old customers: a plan whose subscribers keep what was sold, or follow the catalog with each period.

use super::prelude::*;

const BASIC: &str = r#"
    [[plans]]
    id = "basic"
    rank = 1
    term = "MONTH"
    existing = "FOLLOW"
    allowances = [{ unit = "credits", amount = 30 }]
    list_price = { currency = "EUR", minor_units = 900 }
    refund = { window = "24h" }

    [[plans]]
    id = "plus"
    rank = 2
    term = "MONTH"
    allowances = [{ unit = "credits", amount = 90 }]
"#;

/// The catalog in which `basic` has 50 credits for 12 EUR.
fn changed() -> String {
    format!("{BASIC}{CATALOG}").replace("amount = 30", "amount = 50").replace("= 900", "= 1200")
}

#[track_caller]
fn on_basic(steps: impl IntoIterator<Item = Step>) -> World {
    let world = given_catalog(&format!("{BASIC}{CATALOG}"), [until("2026-04-01")]);
    steps.into_iter().fold(world, World::and)
}

#[test]
fn the_next_period_follows_the_catalog_and_the_present_one_does_not() {
    on_basic([subscribe("s", "basic"), Step::Publish(changed()), top_up(1)])
        .then([from(Source::Subscription, 30), sold_by(1)])
        .and(until("2026-05-01"))
        .when(process_due())
        .then([issued("period:1.1.0 50"), sold_by(2)])
        .when(refund_subscription("r"))
        .then([gave_all_back("r", 1200)]);
}

#[test]
fn a_subscriber_keeps_the_terms_of_the_sale_unless_the_plan_says_otherwise() {
    let keeps = |toml: &str| toml.replace(r#"existing = "FOLLOW""#, r#"existing = "KEEP""#);
    given_catalog(&keeps(&format!("{BASIC}{CATALOG}")), [until("2026-04-01"), subscribe("s", "basic")])
        .and(Step::Publish(keeps(&changed())))
        .and(top_up(1))
        .and(until("2026-05-01"))
        .when(process_due())
        .then([issued("period:1.1.0 30"), sold_by(1)]);
}

#[test]
fn a_wallet_learns_of_the_new_terms_with_its_next_command() {
    on_basic([subscribe("s", "basic"), Step::Publish(changed()), until("2026-05-01")])
        .when(process_due())
        .then([issued("period:1.1.0 30")])
        .and(top_up(1))
        .and(until("2026-06-01"))
        .when(process_due())
        .then([issued("period:1.2.0 50")]);
}

#[test]
fn the_last_catalog_before_a_period_counts() {
    let original = format!("{BASIC}{CATALOG}");
    on_basic([subscribe("s", "basic"), Step::Publish(changed()), top_up(1)])
        .and(Step::Publish(original))
        .and(buy("again", 1))
        .and(until("2026-05-01"))
        .when(process_due())
        .then([issued("period:1.1.0 30")]);
}

#[test]
fn negotiated_amounts_and_seats_stay() {
    on_basic([subscribe("s", "basic").negotiated("credits", 44), Step::Publish(changed()), top_up(1)])
        .and(until("2026-05-01"))
        .when(process_due())
        .then([issued("period:1.1.0 44")]);
    on_basic([subscribe("s", "basic").seats(3), Step::Publish(changed()), top_up(1)])
        .and(until("2026-05-01"))
        .when(process_due())
        .then([issued("period:1.1.0 150"), seats(3)]);
}

#[test]
fn a_change_to_come_and_the_period_after_a_pause_follow_too() {
    on_basic([subscribe("s", "plus"), change_plan("c", "basic"), Step::Publish(changed()), top_up(1)])
        .and(until("2026-05-01"))
        .when(process_due())
        .then([plan("basic"), issued("period:2.1.0 50")]);
    on_basic([subscribe("s", "basic"), pause("p"), Step::Publish(changed()), top_up(1)])
        .and(until("2026-05-20"))
        .when(resume("r"))
        .then([issued("period:2.0.0 50")]);
}

#[test]
fn a_plan_of_another_term_is_not_followed() {
    let yearly = changed().replacen(r#"term = "MONTH""#, r#"term = "YEAR""#, 1);
    on_basic([subscribe("s", "basic"), Step::Publish(yearly), top_up(1)])
        .and(until("2026-05-01"))
        .when(process_due())
        .then([issued("period:1.1.0 30")]);
}

#[test]
fn terms_that_are_too_large_for_the_seats_are_not_followed() {
    let large = changed().replace("amount = 50", "amount = 1_000_000_000_000");
    on_basic([subscribe("s", "basic").seats(1_001), Step::Publish(large), top_up(1), until("2026-05-01")])
        .when(process_due())
        .then([issued("period:1.1.0 30030"), sold_by(1)]);
}

#[test]
fn a_plan_with_a_second_allowance_of_a_negotiated_unit_is_not_followed() {
    let second = r#"{ id = "weekly", unit = "credits", cadence = "WEEK", amount = 50 }"#;
    let two = changed().replace("credits\", amount = 50 }", &format!("credits\", amount = 50 }}, {second}"));
    on_basic([subscribe("s", "basic").negotiated("credits", 44), Step::Publish(two), top_up(1)])
        .and(until("2026-05-01"))
        .when(process_due())
        .then([issued("period:1.1.0 44"), sold_by(1)]);
}
